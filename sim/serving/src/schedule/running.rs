//! Running requests in the next step.

use super::due::Due;
use super::forming::Forming;
use crate::replica::Replica;
use crate::request::Id;
use crate::step::Entry;

impl Replica {
    /// Gives tokens to running requests, in order of admission, as long as the budget lasts.
    pub(super) fn serve_running(&mut self, forming: &mut Forming) {
        self.serve(forming, false);
    }

    /// Goes on with prompts that were cut.
    pub(super) fn serve_prompts(&mut self, forming: &mut Forming) {
        self.serve(forming, true);
    }

    /// `cut_prompts` leaves everything else out.
    fn serve(&mut self, forming: &mut Forming, cut_prompts: bool) {
        let mut at = 0;
        while at < self.running.len() && forming.budget.room() > 0 {
            let id = self.running[at];
            let left_out = cut_prompts && !self.sequences[id].mid_prompt;
            let due = if left_out { Due::of(0) } else { self.due(id, forming) };
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
        let tokens = sequence.chunk(forming.limits(&self.settings));
        // the last position of the context is for a token that is sampled and never computed
        let tokens = tokens.min((self.settings.context - 1).saturating_sub(sequence.computed));
        if sequence.computed >= sequence.pictures_end() {
            return Due::of(tokens);
        }
        self.with_pictures(id, sequence.computed, tokens, forming)
    }
}
