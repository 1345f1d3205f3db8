//! Rows that edges write, on their way to the recorder of the run.

use crate::ledger::{Recorder, Row, SpanRecord, StepRecord, TokenRecord};
use crate::plant::{Own, Thing};
use kernel::Kernel;

/// The rows that the recorder of a run wants.
pub(super) struct Wanted {
    steps: bool,
    tokens: bool,
    decisions: bool,
    /// True of each request whose spans are wanted.
    spans: Vec<bool>,
}

impl Wanted {
    /// Asks a recorder about so many requests.
    pub(super) fn by(recorder: &dyn Recorder, requests: u64) -> Self {
        Self {
            steps: recorder.wants_steps(),
            tokens: recorder.wants_tokens(),
            decisions: recorder.wants_decisions(),
            spans: (0..requests).map(|request| recorder.wants_spans(request)).collect(),
        }
    }
}

/// The recorder of a part of the edges, which posts what it is given.
pub(super) struct Poster<'p> {
    pub(super) kernel: &'p Kernel,
    pub(super) own: &'p Own,
    pub(super) wanted: &'p Wanted,
}

impl Poster<'_> {
    fn post(&self, edge: u32, row: Row) {
        let now = self.kernel.now();
        self.own.post(now, now, edge, Thing::Row(Box::new(row)));
    }
}

impl Recorder for Poster<'_> {
    fn wants_steps(&self) -> bool {
        self.wanted.steps
    }
    fn wants_tokens(&self) -> bool {
        self.wanted.tokens
    }
    fn wants_decisions(&self) -> bool {
        self.wanted.decisions
    }
    fn wants_spans(&self, request: u64) -> bool {
        self.wanted.spans[request as usize]
    }
    fn step(&mut self, row: &StepRecord) {
        self.post(row.gpu, Row::Step(*row));
    }
    fn token(&mut self, row: &TokenRecord) {
        self.post(row.edge, Row::Token(*row));
    }
    fn span(&mut self, row: &SpanRecord) {
        self.post(row.edge, Row::Span(*row));
    }
}
