//! Admission by an estimate of what the running requests may still write.

use crate::engines::Admission;
use crate::estimate::Estimate;
use crate::replica::Replica;
use crate::sequence::Sequence;
use crate::step::Step;

/// Longest answer that counts, in tokens.
const LONGEST_ANSWER: u32 = 4096;
/// Tokens that each running request is sure to write after a retraction.
const SOON: u64 = 20;

/// Tokens that a request may write in all, as far as they count.
fn longest_answer(sequence: &Sequence) -> u32 {
    sequence.request.output_limit.min(LONGEST_ANSWER)
}

impl Replica {
    /// Tokens that the running requests are expected to write.
    fn expected_tokens(&self) -> u64 {
        let running = self.running.iter().map(|id| &self.sequences[*id]);
        let left = running.map(|sequence| u64::from(longest_answer(sequence).saturating_sub(sequence.outputs)));
        self.estimate.of(left.sum())
    }

    /// True if so many free blocks suffice for a request with `known` uncomputed tokens beside the running ones.
    pub(super) fn is_expected_to_fit(&self, sequence: &Sequence, known: u32, free: u32) -> bool {
        let room = u64::from(free) * u64::from(self.settings.block_tokens);
        let needed = u64::from(known) + u64::from(longest_answer(sequence)) + self.expected_tokens();
        // Alone it is served whatever it may write.
        needed < room || self.running.is_empty()
    }

    /// Learns from a step that was formed.
    pub(super) fn learn(&mut self, step: &Step) {
        if self.rules.admission != Admission::Estimate {
            return;
        }
        let running = || self.running.iter().map(|id| &self.sequences[*id]);
        if !step.preempted.is_empty() {
            let written = running().map(|sequence| u64::from(sequence.outputs) + SOON).sum();
            let longest = running().map(|sequence| u64::from(longest_answer(sequence))).sum();
            self.estimate = Estimate::seen(written, longest);
        } else if step.work.is_empty() {
            self.estimate = Estimate::default();
        } else if running().all(|sequence| !sequence.mid_prompt && sequence.outputs > 0) {
            self.expect_less(1);
        }
    }

    /// Learns from steps of answers in which nobody was retracted.
    pub(crate) fn expect_less(&mut self, steps: u32) {
        if self.rules.admission == Admission::Estimate {
            self.estimate = self.estimate.after(steps);
        }
    }
}
