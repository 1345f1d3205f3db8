//! The walk-through of CONTRIBUTING.md is true: its policy compiles as it stands, does what it says, and its two lines
//! are of the form that the policies of the house have.

// What `crate::` offers in the package itself.
use policies::{
    Alone, Batch, Briefing, Cloud, Edge, Hidden, Plan, Policy, Prices, ServedBy, Testbed, Twin, Uses, Verification,
    View,
};

#[path = "walkthrough/cloud_if_long.rs"]
mod cloud_if_long;

use cloud_if_long::CloudIfLong;
use model::{
    accuracy::PruningLoss,
    decoding::{Draft, Token, Verdict},
    mas::Descriptors,
    published::Benchmark,
    request::{Input, Prompt},
    tokens::{Calibration, TokenProcess},
};
use std::cell::RefCell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use units::{BitsPerSecond, Bytes, Ratio, SimDuration};

const CONTRIBUTING: &str = include_str!("../../../CONTRIBUTING.md");

/// A testbed on which everything is done at once, and noted. It knows what whole answers need.
struct Noted {
    prompt: Prompt,
    done: RefCell<Vec<&'static str>>,
}

impl Noted {
    fn note(&self, what: &'static str) {
        self.done.borrow_mut().push(what);
    }
}

impl Testbed for Noted {
    type Edge = Self;
    type Cloud = Self;

    fn prompt(&self) -> Prompt {
        self.prompt
    }
    fn edge(&self) -> &Self {
        self
    }
    fn cloud(&self) -> &Self {
        self
    }
    fn view(&self) -> View<'_> {
        unreachable!("not looked at")
    }
    fn elapsed(&self) -> SimDuration {
        SimDuration::ZERO
    }
}

impl Edge for Noted {
    async fn preprocess(&self) {
        self.note("preprocess");
    }
    async fn probe(&self, _: Ratio) -> Descriptors {
        unreachable!("not probed")
    }
    fn score(&self, _: Ratio) -> f64 {
        unreachable!("not scored")
    }
    async fn think(&self, _: SimDuration) {}
    fn note_plan(&self, _: &Plan) {}
    async fn answer(&self, input: &Input) {
        assert_eq!(*input, Input::whole(self.prompt));
        self.note("edge");
    }
    async fn prefill(&self, _: &Input) {}
    async fn draft(&self) -> Draft {
        unreachable!("not drafted")
    }
    async fn decode(&self) -> Draft {
        unreachable!("not decoded")
    }
    fn trust(&self, _: &Draft) {}
    fn commit(&self, _: &Verdict) {}
    fn rewind(&self, _: u32) {}
    fn adopt(&self, _: Token) {}
    async fn pass(&self) {}
}

/// No verdict is ever asked for.
struct Never;

impl Future for Never {
    type Output = Verdict;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Verdict> {
        Poll::Pending
    }
}

impl Verification for Never {
    fn has_arrived(&self) -> bool {
        false
    }
}

impl Cloud for Noted {
    type Verification = Never;

    async fn answer(&self, input: &Input) {
        assert_eq!(*input, Input::whole(self.prompt));
        self.note("cloud");
    }
    async fn open(&self, _: &Input) {}
    fn verify(&self, _: &Batch<'_>) -> Never {
        Never
    }
    async fn finish(&self, _: &Batch<'_>) {}
    async fn pass(&self, _: &Hidden<'_>) -> bool {
        true
    }
    async fn answer_from(&self, _: &Hidden<'_>) {}
}

fn prompt(text_tokens: u32) -> Prompt {
    Prompt { request: 0, text_tokens, images: None, audio: None }
}

fn briefing() -> Briefing {
    let calibration = Calibration::sample(&TokenProcess::default(), 1, 1);
    Briefing { calibration: calibration.into(), pruning: PruningLoss::default(), benchmark: Benchmark::Other }
}

/// Serves one prompt of so many text tokens: by whom, and what was done for it.
fn serve(policy: &CloudIfLong, text_tokens: u32) -> (ServedBy, Vec<&'static str>) {
    let bed = Noted { prompt: prompt(text_tokens), done: RefCell::default() };
    let served = pin!(policy.serve(&bed, &briefing(), &())).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(by) = served else { panic!("nothing on this testbed takes time") };
    (by, bed.done.take())
}

#[test]
fn the_policy_does_what_it_says() {
    let policy = CloudIfLong { long_tokens: 50, ..CloudIfLong::default() };
    assert_eq!(serve(&policy, 49), (ServedBy::Edge, vec!["preprocess", "edge"]));
    assert_eq!(serve(&policy, 50), (ServedBy::Cloud, vec!["preprocess", "cloud"]));
    assert_eq!(policy.label(), None);
    assert_eq!(policy.uses(), Uses { edge_model: true, edge_answers: true, cloud: true, ..Uses::default() });
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

/// What the closed forms say of one prompt of so many text tokens and an answer of ten.
fn twin(policy: &CloudIfLong, text_tokens: u32) -> Twin {
    let (edge, cloud) = (Each(5), Each(20));
    let view = View {
        uplink: BitsPerSecond::from_mbps(8),
        rtt: SimDuration::from_ms(30),
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
    policy.twin(&Alone { view, input: &input, output_tokens: 10, preprocess, tokens: &tokens, briefing: &briefing })
}

#[test]
fn the_closed_forms_follow_the_rule() {
    let policy = CloudIfLong { long_tokens: 50, ..CloudIfLong::default() };
    // The edge: ten passes of 5 ms, the prompt's among them.
    assert!((twin(&policy, 49).renewal_s - 0.050).abs() < 1e-9);
    // 200 bytes take .2 ms up, ten passes of 20 ms, and a round trip.
    assert!((twin(&policy, 50).renewal_s - 0.2302).abs() < 1e-9);
}

#[test]
fn the_document_has_the_file_verbatim() {
    let file = include_str!("walkthrough/cloud_if_long.rs");
    assert!(CONTRIBUTING.contains(&format!("```rust\n{file}```\n")), "copy walkthrough/cloud_if_long.rs into it");
}

/// The two lines, put for `cloud_only`, are those that the house has.
#[test]
fn the_two_lines_are_like_the_others() {
    let line = |name: &str, policy: &str| [format!("\nmod {name};\n"), format!("    {name}: {policy},\n")];
    let sources = [include_str!("../src/lib.rs"), include_str!("../src/list.rs")];
    let (ours, example) = (line("cloud_only", "CloudOnly"), line("cloud_if_long", "CloudIfLong"));
    for ((source, ours), example) in sources.iter().zip(&ours).zip(&example) {
        assert!(CONTRIBUTING.contains(example.as_str()), "{example}");
        assert!(source.contains(ours.as_str()), "{ours}");
        assert_eq!(source.matches("CloudOnly").count(), ours.matches("CloudOnly").count(), "it stands elsewhere too");
    }
}
