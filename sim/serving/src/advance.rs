//! Several steps at once, while the batch cannot change.

use crate::replica::Replica;
use crate::request::Id;
use crate::sequence::Sequence;
use crate::step::{Entry, Outcome, Step, Work};

/// The outcome of several steps together.
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
    /// The number of steps in which the batch is sure to stay as it is: each running request gets its one token, and
    /// nobody is admitted, preempted or ended before the last of them. A new request makes it void.
    ///
    /// Under asynchronous scheduling it is asked for while one step is in flight, which has to be given. With drafts it
    /// is zero, as it is before all prompts are computed.
    pub fn steady_steps(&self, in_flight: Option<&Step>) -> u32 {
        let settings = &self.settings;
        let admits = self.waiting.len() > 0 && self.running.len() < settings.sequences as usize;
        let batch_fits = self.at_work().count() <= settings.step_tokens as usize;
        if settings.draft_tokens > 0 || admits || !batch_fits || !self.all_decode(in_flight) {
            return 0;
        }
        let running = || self.at_work().map(|id| &self.sequences[id]);
        let most = running().map(|sequence| self.steps_left(sequence)).min().unwrap_or(0);
        largest(most, |steps| {
            let missing = |sequence: &Sequence| self.missing_blocks(sequence, sequence.computed + steps);
            running().map(|sequence| u64::from(missing(sequence))).sum::<u64>() <= u64::from(self.blocks.free())
        })
    }

    /// Does up to `steps` steps at once, as many as are [steady](Self::steady_steps). The replica is then as if they had
    /// been done one by one, and a step in flight is the last that would have been formed.
    ///
    /// ```
    /// use serving::{Replica, Request, Rules, Settings};
    /// let mut replica = Replica::new(Rules::vllm_0_19(), Settings::default());
    /// replica.submit(Request::text(1, 100, 50));
    /// let prompt = replica.schedule();
    /// replica.complete(&prompt, |_| 0);
    /// let advance = replica.advance(None, 1000);
    /// assert_eq!((advance.steps, advance.outcomes[0].ended), (49, true));
    /// ```
    pub fn advance(&mut self, in_flight: Option<&mut Step>, steps: u32) -> Advance {
        let steps = steps.min(self.steady_steps(in_flight.as_deref()));
        if steps == 0 {
            return Advance { steps: 0, outcomes: Vec::new(), evicted_blocks: 0 };
        }
        self.grow(steps);
        self.expect_less(steps);
        let running: Vec<_> = self.at_work().collect();
        for id in &running {
            let sequence = &mut self.sequences[*id];
            sequence.computed += steps;
            sequence.outputs += steps;
        }
        if let Some(step) = in_flight {
            *step = Step { work: step.work.iter().map(|work| self.later(work, steps)).collect(), ..Step::default() };
        }
        let outcomes =
            running.into_iter().map(|id| Outcome { id, sampled: steps, ended: self.end_if_over(id) }).collect();
        self.running.retain(|id| self.sequences.get(*id).is_some());
        Advance { steps, outcomes, evicted_blocks: self.blocks.take_lost_keys() }
    }

    /// Each running request has one token to compute, and under asynchronous scheduling one more in flight.
    fn all_decode(&self, in_flight: Option<&Step>) -> bool {
        let pending = u32::from(self.rules.asynchronous);
        let alike = match in_flight {
            None => !self.rules.asynchronous,
            Some(step) => {
                let decodes = |work: &Work| work.samples && work.tokens == 1;
                let ids = step.work.iter().map(|work| work.id);
                self.rules.asynchronous && step.work.iter().all(decodes) && ids.eq(self.at_work())
            }
        };
        let one_due = |sequence: &Sequence| {
            sequence.pending == pending
                && sequence.due() == 1
                && sequence.computed >= sequence.prompt_tokens
                && !sequence.mid_prompt
        };
        alike && self.at_work().all(|id| one_due(&self.sequences[id]))
    }

    /// Steps until the request leaves the batch, the last one included.
    fn steps_left(&self, sequence: &Sequence) -> u32 {
        let request = &sequence.request;
        // a step that is formed before the token is known is not formed for a request that ends with that token
        let unformed = sequence.pending;
        let until_limit = request.output_limit.saturating_sub(sequence.outputs + unformed);
        let until_context = self.settings.context.saturating_sub(sequence.tokens() + unformed);
        until_limit.min(until_context).min(request.output_tokens - sequence.outputs)
    }

    /// Takes and names the blocks of so many steps, in the order in which the steps would.
    fn grow(&mut self, steps: u32) {
        let size = self.settings.block_tokens;
        let mut borders = Vec::new();
        let running: Vec<_> = self.at_work().collect();
        for (place, id) in running.iter().enumerate() {
            let sequence = &self.sequences[*id];
            let first = |position: u32| (size - position % size) % size;
            // a step takes the block that its position begins, and names the one that the known tokens fill
            let taken = first(sequence.computed);
            let named = first(sequence.computed + 1 - sequence.pending);
            borders.extend((taken..steps).step_by(size as usize).map(|step| (step, place)));
            borders.extend((named..steps).step_by(size as usize).filter(|_| named != taken).map(|step| (step, place)));
        }
        borders.sort_unstable();
        for (step, place) in borders {
            let id = running[place];
            let position = self.sequences[id].computed + step;
            let missing = self.missing_blocks(&self.sequences[id], position + 1);
            self.take_blocks(id, missing);
            self.sequences[id].outputs += step;
            self.name_blocks(id, position + 1);
            self.sequences[id].outputs -= step;
        }
    }

    /// The work of the same request so many steps later.
    fn later(&self, work: &Work, steps: u32) -> Work {
        let blocks = self.sequences[work.id].blocks.len();
        Work { entry: Entry::Running, computed: work.computed + steps, blocks, ..*work }
    }

    fn end_if_over(&mut self, id: Id) -> bool {
        let over = self.sequences[id].answer_left(self.settings.context) == 0;
        if over {
            self.end(id);
        }
        over
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
