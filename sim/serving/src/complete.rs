//! The end of a step: its tokens are known, refused drafts are given back, ended requests leave.

use crate::replica::Replica;
use crate::request::Id;
use crate::sequence::{Sequence, Status};
use crate::step::{Outcome, Step, Work};

impl Replica {
    /// Ends a step, the oldest that is in flight.
    ///
    /// `accepted` says how many of the drafted tokens of a piece of work are right; it is asked about work with drafted
    /// tokens alone. An outcome comes for each request that sampled, in the order of the step.
    pub fn complete(&mut self, step: &Step, mut accepted: impl FnMut(&Work) -> u32) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(step.work.len());
        for work in &step.work {
            if self.sequences.get(work.id).is_none() {
                continue; // it ended in the step before, while this one was in flight
            }
            let right = if work.samples && work.drafted > 0 { accepted(work).min(work.drafted) } else { 0 };
            if work.samples && work.drafted > right {
                self.give_back(work.id, work.drafted - right);
            }
            if self.rules.pictures.kept_until_end {
                self.release_read_pictures(work.id);
            }
            if work.samples {
                outcomes.push(self.sample(work.id, right + 1));
            }
        }
        if outcomes.iter().any(|outcome| outcome.ended) {
            self.running.retain(|id| self.sequences.get(*id).is_some());
        }
        outcomes
    }

    /// Gives the positions of refused drafts back; their blocks stay, as they will be needed.
    fn give_back(&mut self, id: Id, refused: u32) {
        let sequence = &mut self.sequences[id];
        // a preempted request has given back everything
        sequence.computed = sequence.computed.saturating_sub(refused);
        sequence.pending = sequence.pending.saturating_sub(refused);
    }

    /// Adds tokens to an answer, up to its end.
    fn sample(&mut self, id: Id, tokens: u32) -> Outcome {
        let left = self.answer_left(&self.sequences[id]).max(1);
        let sampled = tokens.min(left);
        let sequence = &mut self.sequences[id];
        sequence.outputs += sampled;
        sequence.pending = sequence.pending.saturating_sub(sampled);
        let verified = sequence.computed.saturating_sub(sequence.pending);
        if sequence.status == Status::Running {
            if self.rules.asynchronous {
                self.name_blocks(id, verified);
            } else if self.rules.keys_verified_drafts && self.settings.draft_tokens > 0 {
                self.name_blocks(id, verified - (tokens - sampled));
            }
        }
        let ended = sampled == left;
        if ended {
            self.end(id);
        } else if !self.rules.asynchronous {
            self.sequences[id].drafts = self.settings.draft_tokens;
        }
        Outcome { id, sampled, ended }
    }

    /// Tokens until the end of an answer, by itself, by its limit or by the context.
    pub(crate) fn answer_left(&self, sequence: &Sequence) -> u32 {
        let request = &sequence.request;
        let answer = request.output_tokens.min(request.output_limit) - sequence.outputs;
        answer.min(self.settings.context.saturating_sub(sequence.tokens()))
    }

    /// Takes an ended request out; the caller takes it out of the running ones.
    pub(crate) fn end(&mut self, id: Id) {
        self.release_pictures(id);
        let sequence = &mut self.sequences[id];
        self.blocks.release(&mut sequence.blocks);
        if sequence.status != Status::Running {
            self.waiting.remove(id, &sequence.request);
        }
        self.sequences.remove(id);
    }
}
