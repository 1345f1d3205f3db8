//! The scheduler's hot path: so many requests decode, step after step, without anything else.
//!
//! ```sh
//! cargo build --release -p serving --example decode
//! target/release/examples/decode vllm-0.19 64 1000
//! ```
//!
//! `decode ENGINE SEQUENCES STEPS` prints one line of JSON. `cargo xtask budgets` runs it over STEPS and over twice as many
//! under callgrind: the difference, divided by SEQUENCES times STEPS, is the price of a sequence and step.

use serving::{Replica, Request, Rules, Settings};

const USAGE: &str = "decode ENGINE SEQUENCES STEPS";

#[expect(clippy::disallowed_methods, reason = "a program's own arguments")]
fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [engine, sequences, steps] = &words[..] else { panic!("usage: {USAGE}") };
    let number = |text: &str| -> u32 { text.parse().unwrap_or_else(|_| panic!("`{text}` is not a number: {USAGE}")) };
    let rules = Rules::named(engine).unwrap_or_else(|| panic!("no engine is called `{engine}`"));
    let tokens = decode(rules, number(sequences), number(steps));
    println!(r#"{{"case":"decode","engine":"{engine}","sequences":{sequences},"steps":{steps},"tokens":{tokens}}}"#);
}

/// Forms and ends a step of prompts and so many of decoding; their tokens.
fn decode(rules: Rules, sequences: u32, steps: u32) -> u64 {
    let context = steps + 1000;
    let blocks = sequences * context.div_ceil(16);
    let mut replica = Replica::new(rules, Settings { sequences, context, blocks, ..Settings::default() });
    for number in 0..sequences {
        replica.submit(Request::text(number.into(), 100, steps + 100));
    }
    let mut tokens = 0;
    let mut in_flight = None;
    for _ in 0..=steps {
        let step = replica.schedule();
        tokens += u64::from(step.tokens());
        let over = if replica.rules().asynchronous { in_flight.replace(step) } else { Some(step) };
        if let Some(over) = over {
            replica.complete(&over, |_| 0);
        }
    }
    tokens
}
