//! Several steps at once, while the batch cannot change.

use crate::replica::Replica;
use crate::step::Outcome;

/// What several steps brought together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advance {
    /// Steps that were done.
    pub steps: u32,
    /// An outcome for each running request, over all steps.
    pub outcomes: Vec<Outcome>,
    /// Cached blocks that were taken for something else.
    pub evicted_blocks: u32,
}

impl Replica {
    /// The number of steps in which the batch is sure to stay as it is: each running request gets its one token, nobody
    /// is admitted, preempted or ended before the last of them. A new request makes it void.
    ///
    /// Under asynchronous scheduling or with drafts it is zero.
    pub fn steady_steps(&self) -> u32 {
        let settings = &self.settings;
        let admits = self.waiting.len() > 0 && self.running.len() < settings.sequences as usize;
        if self.rules.asynchronous
            || settings.draft_tokens > 0
            || admits
            || self.running.len() > settings.step_tokens as usize
        {
            return 0;
        }
        let running = || self.running.iter().map(|id| &self.sequences[*id]);
        if !running().all(|sequence| sequence.computed >= sequence.prompt_tokens && sequence.due() == 1) {
            return 0;
        }
        let left = |sequence: &crate::sequence::Sequence| {
            let answer = sequence.request.output_tokens.min(sequence.request.output_limit) - sequence.outputs;
            answer.min(settings.context - sequence.tokens())
        };
        let most = running().map(left).min().unwrap_or(0);
        let fits = |steps: u32| {
            let missing = running().map(|sequence| u64::from(self.missing_blocks(sequence, sequence.computed + steps)));
            missing.sum::<u64>() <= u64::from(self.blocks.free())
        };
        largest(most, fits)
    }

    /// Does up to `steps` steps at once, as many as are [steady](Self::steady_steps). The replica is then as if they had
    /// been done one by one.
    pub fn advance(&mut self, steps: u32) -> Advance {
        let steps = steps.min(self.steady_steps());
        self.grow(steps);
        let mut outcomes = Vec::with_capacity(self.running.len());
        for place in 0..if steps > 0 { self.running.len() } else { 0 } {
            let id = self.running[place];
            let sequence = &mut self.sequences[id];
            sequence.computed += steps;
            sequence.outputs += steps;
            let answer = sequence.request.output_tokens.min(sequence.request.output_limit);
            let ended = sequence.outputs == answer || sequence.tokens() >= self.settings.context;
            if ended {
                self.end(id);
            }
            outcomes.push(Outcome { id, sampled: steps, ended });
        }
        self.running.retain(|id| self.sequences.get(*id).is_some());
        Advance { steps, outcomes, evicted_blocks: self.blocks.take_lost_keys() }
    }

    /// Takes and names the blocks of so many steps, in the order in which the steps would.
    fn grow(&mut self, steps: u32) {
        let size = self.settings.block_tokens;
        let mut borders = Vec::new();
        for (place, id) in self.running.iter().enumerate() {
            let computed = self.sequences[*id].computed;
            // in a step that begins a block it is taken, in one that fills it it is named
            borders.extend(
                (0..steps)
                    .filter(|step| matches!((computed + step) % size, within if within == 0 || within + 1 == size))
                    .map(|step| (step, place)),
            );
        }
        borders.sort_unstable();
        for (step, place) in borders {
            let id = self.running[place];
            let tokens = self.sequences[id].computed + step + 1;
            self.take_blocks(id, tokens);
            self.sequences[id].outputs += step;
            self.name_blocks(id, tokens);
            self.sequences[id].outputs -= step;
        }
    }
}

/// The largest number up to `most` that fits, where all below one that fits do.
fn largest(most: u32, fits: impl Fn(u32) -> bool) -> u32 {
    if fits(most) {
        return most;
    }
    let (mut low, mut high) = (0, most);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(middle) { low = middle } else { high = middle }
    }
    low
}
