//! The part of a request that a small model has, which drafts beside the model of its GPU.

use backends::{Sequence, Work};
use model::decoding::{Draft, Token};

/// The part of a request that the small model has.
pub(crate) struct Beside {
    /// Its sequence of the small model.
    pub(super) sequence: Sequence,
    /// Tokens that are drafted for a step.
    pub(super) n_draft: u32,
    /// The drafts that the next step verifies.
    pub(super) drafts: Vec<Draft>,
    /// Their tokens.
    pub(super) tokens: Vec<Token>,
}

impl Beside {
    /// The work that the next step is for the GPU's own model.
    pub(super) fn work(&self) -> Work<'_> {
        Work::Verify { drafts: &self.tokens, bonus: true, judged: true }
    }

    /// Drafts that the next step verifies.
    pub(super) fn drafted(&self) -> u32 {
        self.drafts.len() as u32
    }

    /// Takes a draft. `true` asks for another.
    pub(super) fn take(&mut self, draft: Draft) -> bool {
        self.drafts.push(draft);
        self.tokens.push(draft.token);
        self.drafted() < self.n_draft && !draft.token.ends
    }
}
