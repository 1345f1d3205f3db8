//! The end of a step: its tokens are known, refused drafts are given back, ended requests leave.

use crate::replica::Replica;
use crate::request::Id;
use crate::schedule::newly_full;
use crate::sequence::Status;
use crate::step::{Outcome, Step, Work};

impl Replica {
    /// Ends a step, the oldest that is in flight.
    ///
    /// `accepted` says how many of the drafted tokens of a piece of work are right; it is asked about work with drafted
    /// tokens alone. An outcome comes for each request that sampled, in the order of the step. Sessions have none: they
    /// are [settled](Self::settle).
    pub fn complete(&mut self, step: &Step, accepted: impl FnMut(&Work) -> u32) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(step.work.len());
        self.complete_in(step, accepted, &mut outcomes);
        outcomes
    }

    /// Ends a step, and writes the outcomes behind those that are there.
    pub fn complete_in(&mut self, step: &Step, mut accepted: impl FnMut(&Work) -> u32, outcomes: &mut Vec<Outcome>) {
        for work in &step.work {
            let Some(sequence) = self.sequences.get_mut(work.id) else {
                continue; // it ended in the step before, while this one was in flight
            };
            let samples = work.samples && sequence.session.is_none();
            let right = if samples && work.drafted > 0 { accepted(work).min(work.drafted) } else { 0 };
            if samples {
                sequence.give_back(work.drafted - right);
            }
            if self.rules.pictures.kept_until_end && work.computed < sequence.pictures_end() {
                self.release_read_pictures(work.id);
            }
            if samples {
                outcomes.push(self.sample(work.id, right + 1));
            }
        }
        if outcomes.iter().any(|outcome| outcome.ended) {
            self.running.retain(|id| self.sequences.get(*id).is_some());
        }
    }

    /// Adds tokens to an answer, up to its end.
    fn sample(&mut self, id: Id, tokens: u32) -> Outcome {
        let sequence = &mut self.sequences[id];
        let left = sequence.answer_left(self.settings.context).max(1);
        let sampled = tokens.min(left);
        let ended = sampled == left;
        sequence.outputs += sampled;
        sequence.pending = sequence.pending.saturating_sub(sampled);
        if !self.rules.asynchronous {
            sequence.drafts = self.settings.draft_tokens;
        }
        if sequence.status == Status::Running {
            let verified = sequence.computed.saturating_sub(sequence.pending);
            let named = match (self.rules.asynchronous, self.rules.keys_verified_drafts) {
                (true, _) => Some(verified),
                (false, true) if self.settings.draft_tokens > 0 => Some(verified - (tokens - sampled)),
                _ => None,
            };
            if let Some(full) = named.and_then(|tokens| newly_full(&self.settings, sequence, tokens)) {
                self.name_full_blocks(id, full);
            }
        }
        if ended {
            self.end(id);
        }
        Outcome { id, sampled, ended }
    }

    /// Takes an ended request out; the caller takes it out of the running ones.
    pub(crate) fn end(&mut self, id: Id) {
        self.release_pictures(id);
        if self.rules.reuses_unkeyed_first {
            // Its blocks outlive those without a key.
            self.name_private_blocks(id);
        }
        let sequence = &mut self.sequences[id];
        self.blocks.release(&mut sequence.blocks);
        if [Status::Waiting, Status::Preempted].contains(&sequence.status) {
            self.waiting.remove(id, &sequence.request);
        }
        self.sequences.remove(id);
    }
}
