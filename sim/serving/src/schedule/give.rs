//! Work enters the step.

use super::due::Due;
use super::forming::Forming;
use crate::replica::Replica;
use crate::request::Id;
use crate::step::{Entry, Work};

impl Replica {
    /// Puts work into the step. There is room for it.
    pub(super) fn give(&mut self, id: Id, entry: Entry, due: Due, forming: &mut Forming) {
        let sequence = &mut self.sequences[id];
        let known = sequence.tokens() + sequence.pending;
        let drafts = sequence.session.map_or(sequence.drafts, |session| session.offered.unwrap_or(0));
        let drafted = (sequence.computed + due.tokens).saturating_sub(known.max(sequence.computed)).min(drafts);
        sequence.drafts = 0;
        forming.continues_prompt |= entry == Entry::Running && sequence.mid_prompt;
        forming.budget.take(due.tokens);
        let work = Work {
            id,
            entry,
            computed: sequence.computed,
            tokens: due.tokens,
            drafted,
            blocks: sequence.blocks.len(),
            samples: false,
        };
        forming.step.work.push(work);
        if let Some(pictures) = due.pictures {
            self.encode(id, &pictures, forming);
        }
    }
}
