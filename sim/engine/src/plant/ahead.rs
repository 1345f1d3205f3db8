//! Draft steps that are worked out ahead: those of an edge that drafts for one request and has nothing else to do.
//!
//! A stretch of them is one event. It ends at the first token that its policy has to look at, or with the step under way when
//! something comes up that an end of a single step would have found: a verdict, or another job. Whatever a single step adds to
//! any sum, its turn in a stretch adds too, and in the same order.

use super::event::{Event, STEP};
use super::gpu::Gpu;
use super::job::{Item, Job, Task};
use super::state::State;
use super::world::World;
use crate::ledger::{Ledger, Share, Side};
use backends::{Compute, Done};
use model::{
    decoding::{Draft, Token},
    energy::Activity,
};
use policies::Stretch;
use units::{Flops, SimTime};

/// A stretch of draft steps on an edge.
#[derive(Default)]
pub(crate) struct Ahead {
    /// Its steps, until their drafts are taken.
    steps: Vec<Step>,
    /// It runs.
    is_running: bool,
    /// Its last draft ends the answer.
    ends_answer: bool,
}

/// A draft step that was worked out ahead.
#[derive(Clone, Copy)]
struct Step {
    end: SimTime,
    flop: Flops,
    token: u32,
    entropy_nats: f32,
}

impl Ahead {
    /// Takes the drafts out of a stretch that is over, but for the last, which this is.
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
    fn draft(&self, position: u32, ends: bool) -> Draft {
        Draft { token: Token { id: self.token, ends }, position, entropy_nats: self.entropy_nats }
    }
}

impl Gpu {
    /// The stretch of the one request that this GPU drafts for, if it has nothing else to do.
    fn stretch(&self) -> Option<Stretch> {
        let [Item { job: Job { task: Task::Draft { stretch, .. }, .. }, .. }] = self.running[..] else { return None };
        let is_alone = self.served.is_none() && self.prompts.is_empty() && self.streams.is_empty();
        (is_alone && stretch.most > 1).then_some(stretch)
    }
}

impl<'w, C: Compute> World<'w, C> {
    /// Works out the next draft steps of an edge in one event. False if its batch has to be run as any other.
    #[inline]
    pub(super) fn draft_ahead(&self, state: &mut State<'w, C>, gpu: u32) -> bool {
        let State { ledger, gpus, computes, drafters, .. } = state;
        let this = &mut gpus[gpu as usize];
        let Some(stretch) = this.stretch().filter(|_| self.spec.looks_ahead()) else { return false };
        let tier = self.tier(gpu);
        if ledger.wants_steps || ledger.watch.is_on() || drafters[tier].is_some() {
            return false;
        }
        let now = self.kernel.now();
        let resources = &ledger.slots.get(this.running[0].job.slot.index).resources;
        let verdict = resources.pending.next_verdict();
        let (mut end, mut last) = (now, None);
        let Ahead { steps, .. } = &mut this.ahead;
        steps.clear();
        let is_known = computes[tier].look_ahead(resources.sequence(true), |cost, draft| {
            end += cost.duration;
            let Draft { token, entropy_nats, .. } = draft;
            steps.push(Step { end, flop: cost.flop, token: token.id, entropy_nats });
            last = Some(draft);
            let is_sure = entropy_nats <= stretch.sure_up_to_nats && !token.ends;
            is_sure && steps.len() < stretch.most as usize && end < verdict
        });
        let Some(last) = last.filter(|_| is_known) else { return false };
        (this.ahead.is_running, this.ahead.ends_answer) = (true, last.token.ends);
        this.server.start(now, end - now);
        self.schedule_stretch(this, gpu, end);
        true
    }

    #[inline]
    fn schedule_stretch(&self, this: &mut Gpu, gpu: u32, end: SimTime) {
        this.ends = end;
        self.kernel.schedule_end(end, gpu, Event::Iteration(gpu).target(), STEP);
    }

    /// Something comes up on a GPU at a moment: a stretch there ends with the first step that does not end before it.
    #[inline]
    pub(super) fn cut_short(&self, state: &mut State<'w, C>, gpu: u32, at: SimTime) {
        let this = &mut state.gpus[gpu as usize];
        if !this.ahead.is_running {
            return;
        }
        let is_now = at == self.kernel.now();
        let is_before = |step: &Step| if is_now { self.kernel.is_over(step.end, gpu) } else { step.end < at };
        let kept = this.ahead.steps.partition_point(is_before) + 1;
        if kept < this.ahead.steps.len() {
            this.ahead.steps.truncate(kept);
            this.ahead.ends_answer = false;
            self.schedule_stretch(this, gpu, this.ahead.steps[kept - 1].end);
        }
    }

    /// A stretch of an edge is over. False if none runs there.
    #[inline]
    pub(super) fn end_stretch(&self, state: &mut State<'w, C>, gpu: u32) -> bool {
        let State { ledger, gpus, computes, .. } = state;
        let this = &mut gpus[gpu as usize];
        if !std::mem::take(&mut this.ahead.is_running) {
            return false;
        }
        let Job { slot, task: Task::Draft { wait, .. }, .. } = this.running[0].job else { unreachable!("drafts") };
        let mut start = this.server.finish(self.kernel.now());
        let steps = &this.ahead.steps;
        this.server.count(steps.len() as u64 - 1);
        for step in steps {
            let busy = step.end - start;
            this.busy.add(Activity::Decode, busy);
            this.flop += step.flop;
            let joules = (this.kind.power.above_idle(Activity::Decode) * busy).as_f64();
            ledger.charge(Side::Edge, Share { busy, flop: step.flop, joules }, std::iter::once(slot));
            ledger.warm_up.iterate(Side::Edge as usize, start, step.end);
            start = step.end;
        }
        this.running.clear();
        let Ledger { slots, .. } = ledger;
        let resources = &mut slots.get_mut(slot.index).resources;
        let (sequence, compute) = (resources.sequence(true), &mut computes[self.tier(gpu)]);
        let last = steps[steps.len() - 1];
        compute.take_steps(sequence, steps.len() as u32);
        let position = compute.answer_tokens(sequence) - 1;
        resources.edge_done = Done::Draft(last.draft(position, this.ahead.ends_answer));
        self.kernel.fire(wait);
        true
    }
}
