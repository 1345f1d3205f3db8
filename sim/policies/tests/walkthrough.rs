//! The walk-throughs of CONTRIBUTING.md are true: their policies compile as they stand, do what they say, and their two
//! lines are of the form that the policies of the house have.

// The names that `crate::` has in the package itself.
use policies::{
    About, Alone, At, Briefing, ClosedForms, Cloud, Edge, Gate, Memory, Note, Policy, Prices, ServedBy, Speculation,
    Testbed, Uses, View, read_prompt,
};

#[path = "walkthrough/bed.rs"]
mod bed;
#[path = "walkthrough/cloud_if_long.rs"]
mod cloud_if_long;
#[path = "walkthrough/learned_length.rs"]
mod learned_length;

use bed::{ACCEPTED, Bed, end};
use cloud_if_long::CloudIfLong;
use learned_length::LearnedLength;
use model::{
    accuracy::PruningLoss,
    published::Benchmark,
    request::{Input, Prompt},
    tokens::{Calibration, TokenProcess},
};
use units::{BitsPerSecond, Bytes, Ratio, SimDuration};

const CONTRIBUTING: &str = include_str!("../../../CONTRIBUTING.md");

fn prompt(text_tokens: u32) -> Prompt {
    Prompt { request: 0, text_tokens, images: None, audio: None }
}

fn briefing() -> Briefing {
    let calibration = Calibration::sample(&TokenProcess::default(), 1, 1);
    Briefing {
        seed: 1,
        replication: 0,
        calibration: calibration.into(),
        pruning: PruningLoss::default(),
        benchmark: Benchmark::Other,
    }
}

/// Serves one prompt of so many text tokens with a policy, and returns the testbed as it was left.
fn serve<P: Policy>(policy: &P, memory: &P::Memory, text_tokens: u32) -> (ServedBy, Bed) {
    let bed = Bed::new(prompt(text_tokens));
    (end(policy.serve(&bed, &briefing(), memory)), bed)
}

#[test]
fn the_router_does_what_it_says() {
    let policy = CloudIfLong { long_tokens: 50 };
    let served = |text_tokens| {
        let (by, bed) = serve(&policy, &(), text_tokens);
        (by, bed.done.take())
    };
    assert_eq!(served(49), (ServedBy::Edge, vec!["preprocess", "edge"]));
    assert_eq!(served(50), (ServedBy::Cloud, vec!["preprocess", "cloud"]));
}

/// The drafter learns that three drafts are best if three of a batch are accepted: fewer waste round trips, more waste
/// drafts.
#[test]
fn the_drafter_learns_its_length() {
    let policy = LearnedLength::default();
    assert_eq!(policy.check(), Ok(()));
    let rates = Memory::of(&policy);
    let lengths: Vec<f64> = (0..50)
        .flat_map(|_| {
            let (by, bed) = serve(&policy, &rates, 30);
            assert_eq!((by, bed.done.take()), (ServedBy::Cloud, vec!["preprocess", "open", "prefill"]));
            let notes = bed.notes.take();
            let rounds: Vec<u32> = notes.iter().map(|(round, ..)| *round).collect();
            assert_eq!(rounds, (1..=notes.len() as u32).collect::<Vec<_>>(), "a note a round");
            assert!(notes.iter().all(|(_, name, _)| *name == policy.notes()[0].name));
            notes.into_iter().map(|(.., length)| length)
        })
        .collect();
    assert_eq!(lengths[..8], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    let late = &lengths[lengths.len() / 2..];
    let best = late.iter().filter(|length| **length == f64::from(ACCEPTED)).count();
    assert!(best * 10 > late.len() * 4, "{best} of {} late rounds: {late:?}", late.len());
}

/// Everything takes so many milliseconds, reading a prompt as well as making a token.
struct Each(u64);

impl Prices for Each {
    fn prefill(&self, _: &Input) -> SimDuration {
        SimDuration::from_ms(self.0)
    }
    fn token(&self, _: u64) -> SimDuration {
        SimDuration::from_ms(self.0)
    }
    fn verify(&self, _: u64, _: u64) -> SimDuration {
        SimDuration::from_ms(self.0)
    }
    fn probe(&self, _: &Prompt) -> SimDuration {
        SimDuration::from_ms(self.0)
    }
    fn encode(&self, _: &Prompt) -> SimDuration {
        SimDuration::from_ms(self.0)
    }
    fn prompt_tokens(&self, input: &Input) -> u64 {
        input.prompt.text_tokens.into()
    }
    fn hidden_bytes(&self) -> Bytes {
        Bytes::ZERO
    }
    fn kv_bytes(&self) -> Bytes {
        Bytes::ZERO
    }
    fn encoded_bytes(&self, _: &Prompt) -> Bytes {
        Bytes::ZERO
    }
    fn prompt_state_bytes(&self, _: &Input, _: Ratio) -> Bytes {
        Bytes::ZERO
    }
}

/// The closed forms of one prompt of so many text tokens and an answer of ten.
fn closed_forms(policy: &CloudIfLong, text_tokens: u32) -> ClosedForms {
    let (edge, cloud) = (Each(5), Each(20));
    let view = View {
        platform: 0,
        uplink: BitsPerSecond::from_mbps(8),
        rtt: SimDuration::from_ms(30),
        way_up: SimDuration::from_ms(15),
        rtt_per_modality: false,
        edge_requests: 0,
        cloud_requests: 0.0,
        edge_free_tokens: 10_000,
        edge: &edge,
        cloud: &cloud,
    };
    let tokens = Calibration::sample(&TokenProcess::default(), 1, 1);
    let (preprocess, input) = (SimDuration::ZERO, Input::whole(prompt(text_tokens)));
    let briefing = briefing();
    policy.closed_forms(&Alone {
        view,
        input: &input,
        output_tokens: 10,
        preprocess,
        tokens: &&tokens,
        briefing: &briefing,
    })
}

#[test]
fn the_closed_forms_follow_the_rule() {
    let policy = CloudIfLong { long_tokens: 50 };
    let seconds = |text_tokens| closed_forms(&policy, text_tokens).renewal_s.expect("a renewal form");
    // The edge: ten passes of 5 ms, the prompt's among them.
    assert!((seconds(49) - 0.050).abs() < 1e-9);
    // 200 bytes take .2 ms up, ten passes of 20 ms, and a round trip.
    assert!((seconds(50) - 0.2302).abs() < 1e-9);
}

#[test]
fn the_document_has_the_files_verbatim() {
    for (name, file) in [
        ("cloud_if_long", include_str!("walkthrough/cloud_if_long.rs")),
        ("learned_length", include_str!("walkthrough/learned_length.rs")),
    ] {
        assert!(CONTRIBUTING.contains(&format!("```rust\n{file}```\n")), "copy walkthrough/{name}.rs into it");
    }
}

/// The two lines, put for `cloud_only`, are those that the house has.
#[test]
fn the_two_lines_are_like_the_others() {
    let line = |name: &str, policy: &str| [format!("\nmod {name};\n"), format!("    {name}: {policy},\n")];
    let sources = [include_str!("../src/lib.rs"), include_str!("../src/list.rs")];
    let ours = line("cloud_only", "CloudOnly");
    for example in [line("cloud_if_long", "CloudIfLong"), line("learned_length", "LearnedLength")].iter().flatten() {
        assert!(CONTRIBUTING.contains(example.as_str()), "{example}");
    }
    for (source, ours) in sources.iter().zip(&ours) {
        let code = source.split("#[cfg(test)]").next().unwrap_or(source);
        assert!(code.contains(ours.as_str()), "{ours}");
        assert_eq!(code.matches("CloudOnly").count(), ours.matches("CloudOnly").count(), "it stands elsewhere too");
    }
}
