//! A stretch of steps that are worked out ahead, as far as its GPU knows it.

use model::decoding::{Draft, Token};
use units::{Flops, SimTime};

/// A stretch of steps on an edge.
#[derive(Default)]
pub(crate) struct Ahead {
    /// Its steps, until their drafts are taken.
    pub(super) steps: Vec<Step>,
    /// Those of them that are over, as far as somebody has looked.
    pub(super) over: u32,
    /// It runs.
    pub(super) is_running: bool,
    /// Its last token ends the answer.
    pub(super) ends_answer: bool,
}

/// A step that was worked out ahead. Its entropy is that of a draft.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub(super) end: SimTime,
    pub(super) flop: Flops,
    pub(super) token: u32,
    pub(super) entropy_nats: f32,
}

impl Ahead {
    /// Takes the drafts before the last out of a stretch that is over, and returns the number of all; 1 where there was no stretch.
    #[inline]
    pub(super) fn take_before(&mut self, last: &Draft, drafts: &mut Vec<Draft>) -> u32 {
        let Some(before) = self.steps.len().checked_sub(1) else { return 1 };
        let first = last.position - before as u32;
        let steps = self.steps.drain(..).take(before).zip(first..);
        drafts.extend(steps.map(|(step, position)| step.draft(position, false)));
        before as u32 + 1
    }
}

impl Step {
    /// The draft that it made at a position.
    pub(super) fn draft(&self, position: u32, ends: bool) -> Draft {
        Draft { token: Token { id: self.token, ends }, position, entropy_nats: self.entropy_nats }
    }
}
