//! The scheduler's hot path: so many requests decode, step after step, without anything else.
//!
//! ```sh
//! cargo build --release -p serving --example decode
//! target/release/examples/decode 64 1000 prefix
//! ```
//!
//! `decode SEQUENCES STEPS [prefix]` prints one line of JSON. Run over STEPS and over twice as many under `valgrind
//! --tool=callgrind`: the difference, divided by SEQUENCES times STEPS, is the price of a sequence and step.

use serving::{Replica, Request, Rules, Settings};

const USAGE: &str = "decode SEQUENCES STEPS [prefix]";

#[expect(clippy::disallowed_methods, reason = "a program's own arguments")]
fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize| -> u32 {
        let text = words.get(place).unwrap_or_else(|| panic!("usage: {USAGE}"));
        text.parse().unwrap_or_else(|_| panic!("`{text}` is not a number; usage: {USAGE}"))
    };
    let (sequences, steps) = (number(0), number(1));
    let context = steps + 1000;
    let settings = Settings {
        sequences,
        context,
        blocks: sequences * context.div_ceil(16),
        prefix_cache: words.get(2).is_some_and(|word| word == "prefix"),
        ..Settings::default()
    };
    let mut replica = Replica::new(Rules::vllm_0_19(), settings);
    for number in 0..sequences {
        replica.submit(Request::text(number.into(), 100, steps + 100));
    }
    let mut tokens = 0u64;
    for _ in 0..=steps {
        let step = replica.schedule();
        tokens += u64::from(step.tokens());
        replica.complete(&step, |_| 0);
    }
    println!(r#"{{"case":"decode","sequences":{sequences},"steps":{steps},"tokens":{tokens}}}"#);
}
