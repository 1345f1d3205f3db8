//! The walk-through of CONTRIBUTING.md is true: its policy compiles as it stands, does what it says, and its two lines
//! are of the form that the policies of the house have.

// What `crate::` offers in the package itself.
use policies::{Batch, Briefing, Cloud, Edge, Pass, Policy, ServedBy, Testbed, Uses, Verification, View};

#[path = "walkthrough/cloud_if_long.rs"]
mod cloud_if_long;

use cloud_if_long::CloudIfLong;
use model::{
    accuracy::PruningLoss,
    decoding::{Draft, Verdict},
    mas::{Descriptors, Mas},
    request::{Input, Prompt},
    tokens::{Calibration, TokenProcess},
};
use std::cell::RefCell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use units::SimDuration;

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
    async fn probe(&self) -> Descriptors {
        unreachable!("not probed")
    }
    async fn think(&self, _: SimDuration) {}
    fn note_plan(&self, _: Mas, _: &Input) {}
    async fn answer(&self, input: &Input) {
        assert_eq!(*input, Input::whole(self.prompt));
        self.note("edge");
    }
    async fn prefill(&self, _: &Input) {}
    async fn draft(&self) -> Draft {
        unreachable!("not drafted")
    }
    fn commit(&self, _: &Verdict) {}
    fn rewind(&self, _: u32) {}
    async fn lower_layers(&self, _: Pass) {}
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
    fn open(&self, _: &Input) {}
    fn verify(&self, _: &Batch<'_>) -> Never {
        Never
    }
    async fn upper_layers(&self, _: Pass) -> bool {
        true
    }
}

/// Serves one prompt of so many text tokens: by whom, and what was done for it.
fn serve(policy: &CloudIfLong, text_tokens: u32) -> (ServedBy, Vec<&'static str>) {
    let bed = Noted { prompt: Prompt { request: 0, text_tokens, images: None }, done: RefCell::default() };
    let calibration = Calibration::sample(&TokenProcess::default(), 1, 1);
    let briefing = Briefing { calibration, pruning: PruningLoss::default() };
    let served = pin!(policy.serve(&bed, &briefing, &())).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(by) = served else { panic!("nothing on this testbed takes time") };
    (by, bed.done.take())
}

#[test]
fn the_policy_does_what_it_says() {
    let policy = CloudIfLong { long_tokens: 50, ..CloudIfLong::default() };
    assert_eq!(serve(&policy, 49), (ServedBy::Edge, vec!["preprocess", "edge"]));
    assert_eq!(serve(&policy, 50), (ServedBy::Cloud, vec!["preprocess", "cloud"]));
    assert_eq!(policy.label(), None);
    assert_eq!(policy.uses(), Uses { edge_model: true, cloud: true, ..Uses::default() });
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
