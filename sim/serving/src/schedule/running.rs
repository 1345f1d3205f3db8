//! Running requests in the next step.

use super::due::Due;
use super::forming::Forming;
use crate::replica::Replica;
use crate::request::Id;
use crate::sequence::Sequence;
use crate::step::Entry;

impl Replica {
    /// Gives tokens to running requests, in order of admission, as long as the budget lasts.
    pub(super) fn serve_running(&mut self, forming: &mut Forming) {
        self.serve(forming, |_| true);
    }

    /// Goes on with prompts that were cut.
    pub(super) fn serve_prompts(&mut self, forming: &mut Forming) {
        self.serve(forming, |sequence| sequence.mid_prompt);
    }

    fn serve(&mut self, forming: &mut Forming, chosen: impl Fn(&Sequence) -> bool) {
        let mut at = 0;
        while at < self.running.len() && forming.budget.room() > 0 {
            let id = self.running[at];
            let due = if chosen(&self.sequences[id]) { self.due(id, forming) } else { Due::of(0) };
            if due.tokens == 0 {
                at += 1;
                continue;
            }
            if !self.make_room(id, due.tokens, &mut at, forming) {
                if self.rules.serves_after_self_preemption {
                    continue;
                }
                break;
            }
            forming.continues_prompt |= self.sequences[id].mid_prompt;
            self.give(id, Entry::Running, due, forming);
            at += 1;
        }
    }

    /// The work that the next step can do for a running request, were there room.
    fn due(&mut self, id: Id, forming: &Forming) -> Due {
        let sequence = &self.sequences[id];
        if sequence.ends_in_flight() {
            return Due::of(0);
        }
        let tokens = sequence.chunk(forming.threshold, forming.budget.room());
        // the last position of the context is for a token that is sampled and never computed
        let tokens = tokens.min((self.settings.context - 1).saturating_sub(sequence.computed));
        if sequence.pictures.is_empty() {
            return Due::of(tokens);
        }
        self.with_pictures(id, sequence.computed, tokens, forming)
    }
}
