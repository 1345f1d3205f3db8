//! All rows of a run, and all its sums, as text.

use super::sums;
use engine::{
    DecisionRecord, Recorder, RequestRecord, RunError, RunSpec, SpanRecord, StepRecord, TokenRecord, simulate,
};
use kernel::Journal;
use std::fmt::Write as _;
use std::sync::atomic::AtomicU64;

/// The rows of a run. Steps and spans come about in bursts where they were worked out ahead, so their order is not looked at.
#[derive(Default)]
struct Rows {
    ordered: String,
    steps_and_spans: Vec<String>,
    /// True for steps and spans too.
    all: bool,
}

impl Recorder for Rows {
    fn wants_tokens(&self) -> bool {
        true
    }
    fn wants_steps(&self) -> bool {
        self.all
    }
    fn wants_spans(&self, request: u64) -> bool {
        self.all && request % 3 != 1
    }
    fn request(&mut self, row: &RequestRecord) {
        writeln!(self.ordered, "{row:?}").expect("a string takes it");
    }
    fn token(&mut self, row: &TokenRecord) {
        writeln!(self.ordered, "{row:?}").expect("a string takes it");
    }
    fn decision(&mut self, row: &DecisionRecord) {
        writeln!(self.ordered, "{row:?}").expect("a string takes it");
    }
    fn step(&mut self, row: &StepRecord) {
        self.steps_and_spans.push(format!("{row:?}"));
    }
    fn span(&mut self, row: &SpanRecord) {
        self.steps_and_spans.push(format!("{row:?}"));
    }
}

/// The events of a run, and everything else that came of it; with or without its steps and spans.
pub fn results(spec: &RunSpec, all: bool) -> (u64, String) {
    let mut rows = Rows { all, ..Rows::default() };
    let outcome = match simulate(spec, Journal::digest_only(), &mut rows, &AtomicU64::new(0)) {
        Ok(outcome) => outcome,
        Err(error @ RunError::AllWarmUp { .. }) => return (0, error.to_string()),
        Err(error) => panic!("{error}"),
    };
    rows.steps_and_spans.sort_unstable();
    (outcome.events, rows.ordered + &rows.steps_and_spans.join("\n") + &sums(&outcome))
}
