//! Steps that are worked out ahead: those of an edge that drafts for one request, or answers it, and has nothing else to do.
//!
//! A stretch of them is one event. It ends at the first draft that its policy has to look at, at the end of the answer, or with
//! the step under way when something comes up that the end of a single step would have found: a verdict, or another job.
//! Whatever a single step adds to any sum, its turn in a stretch adds too, and in the same order.

use super::event::{Event, STEP};
use super::gpu::Gpu;
use super::job::{Item, Job, Reading, Task};
use super::served::Served;
use super::state::State;
use super::stretch::{Ahead, Step};
use super::world::World;
use crate::ledger::{Share, Side, SlotId};
use backends::{Compute, Done, Work};
use model::energy::Activity;
use policies::Stretch;
use units::SimTime;

/// Tokens of an answer that are worked out in one event, at most.
const ANSWERED_AT_ONCE: u32 = 16;

impl Gpu {
    /// The stretch of steps, and the work of each, of the one request that this GPU steps for, if it has nothing else to do.
    fn stretch(&self) -> Option<(Stretch, Work<'static>)> {
        let [Item { job: Job { slot, task, .. }, reading, .. }] = self.running[..] else { return None };
        let (stretch, work) = match task {
            Task::Draft { stretch, .. } => (stretch, Work::Draft),
            Task::Answer => (Stretch { most: ANSWERED_AT_ONCE, ..Stretch::ONE }, Work::Decode),
            _ => return None,
        };
        let is_alone = self.prompts.is_empty() && self.streams.is_empty() && reading == Reading::default();
        let is_served = |served: &Served| served.is_alone(slot, stretch.most);
        let goes_on = stretch.most > 1 && is_alone && self.served.as_deref().is_none_or(is_served);
        goes_on.then_some((stretch, work))
    }
}

impl<'w, C: Compute> World<'w, C> {
    /// Works out the next steps of an edge in one event. False if its batch has to be run as any other.
    #[inline]
    pub(super) fn step_ahead(&self, state: &mut State<'w, C>, gpu: u32) -> bool {
        let State { ledger, gpus, computes, drafters, .. } = state;
        let this = &mut gpus[gpu as usize];
        if !self.is_edge(gpu) || !self.spec.looks_ahead() {
            return false;
        }
        let Some((stretch, work)) = this.stretch() else { return false };
        let tier = self.tier(gpu);
        if drafters[tier].is_some() {
            return false;
        }
        let now = self.kernel.now();
        let resources = &ledger.slots.get(this.running[0].job.slot.index).resources;
        let verdict = resources.pending.next_verdict();
        let (mut end, mut ends_answer) = (now, false);
        let Ahead { steps, .. } = &mut this.ahead;
        steps.clear();
        let is_known = computes[tier].look_ahead(resources.sequence(true), &work, |cost, done| {
            let (token, entropy_nats) = match done {
                Done::Draft(draft) => (draft.token, draft.entropy_nats),
                Done::Token(token) => (token, f32::NEG_INFINITY),
                _ => unreachable!("a step of one token makes one"),
            };
            end += cost.duration;
            steps.push(Step { end, flop: cost.flop, token: token.id, entropy_nats });
            ends_answer = token.ends;
            let is_sure = entropy_nats <= stretch.sure_up_to_nats && !token.ends;
            is_sure && steps.len() < stretch.most as usize && end < verdict
        });
        if is_known {
            (this.ahead.over, this.ahead.is_running, this.ahead.ends_answer) = (0, true, ends_answer);
            this.server.start(now, end - now);
            self.schedule_stretch(this, gpu, end);
        }
        is_known
    }

    #[inline]
    fn schedule_stretch(&self, this: &mut Gpu, gpu: u32, end: SimTime) {
        this.ends = end;
        self.kernel.schedule_end(end, gpu, Event::Iteration(gpu).target(), STEP);
    }

    /// Something comes up on a GPU at a moment: a stretch there ends with the first step that does not end before it.
    #[inline]
    pub(super) fn cut_short(&self, state: &mut State<'w, C>, gpu: u32, at: SimTime) {
        if !state.gpus[gpu as usize].ahead.is_running {
            return;
        }
        let is_now = at == self.kernel.now();
        if is_now {
            self.catch_up(state, gpu);
        }
        let this = &mut state.gpus[gpu as usize];
        let is_before = |step: &Step| if is_now { self.kernel.is_over(step.end, gpu) } else { step.end < at };
        let kept = this.ahead.steps.partition_point(is_before) + 1;
        if kept < this.ahead.steps.len() {
            this.ahead.steps.truncate(kept);
            this.ahead.ends_answer = false;
            self.schedule_stretch(this, gpu, this.ahead.steps[kept - 1].end);
        }
    }

    /// Brings a GPU to where single steps would have it now, for whoever looks at it or changes it in the middle of a stretch.
    #[inline]
    pub(super) fn catch_up(&self, state: &mut State<'w, C>, gpu: u32) {
        loop {
            let Ahead { steps, over, is_running, .. } = &state.gpus[gpu as usize].ahead;
            let left = &steps[(*over as usize).min(steps.len())..];
            if !is_running || left.len() < 2 || !self.kernel.is_over(left[0].end, gpu) {
                return;
            }
            self.step_on(state, gpu);
        }
    }

    /// Brings all edges to where single steps would have them now.
    pub(crate) fn catch_up_all(&self, state: &mut State<'w, C>) {
        (0..self.edges()).for_each(|edge| self.catch_up(state, edge));
    }

    /// A stretch of an edge is over. False if none runs there.
    #[inline]
    pub(super) fn end_stretch(&self, state: &mut State<'w, C>, gpu: u32) -> bool {
        if !state.gpus[gpu as usize].ahead.is_running {
            return false;
        }
        self.catch_up(state, gpu);
        let job = state.gpus[gpu as usize].running[0].job;
        let last = self.end_step(state, gpu, job.slot);
        let this = &mut state.gpus[gpu as usize];
        this.ahead.is_running = false;
        this.running.clear();
        let ends = this.ahead.ends_answer;
        match job.task {
            Task::Draft { wait, .. } => {
                let resources = &mut state.ledger.slots.get_mut(job.slot.index).resources;
                let position = state.computes[self.tier(gpu)].answer_tokens(resources.sequence(true)) - 1;
                resources.edge_done = Done::Draft(last.draft(position, ends));
                self.kernel.fire(wait);
            }
            _ => {
                this.ahead.steps.clear();
                self.emit(state, gpu, job.slot, 1, ends);
                if !ends {
                    self.resume(state, gpu, job);
                }
            }
        }
        if state.gpus[gpu as usize].served.is_some() {
            self.end_round(state, gpu, job.slot);
        }
        true
    }

    /// A step of a stretch is over, and the next one begins: what the policy, the engine and the GPU do then, one after the other.
    #[inline]
    fn step_on(&self, state: &mut State<'w, C>, gpu: u32) {
        let job = state.gpus[gpu as usize].running[0].job;
        let step = self.end_step(state, gpu, job.slot);
        let is_answer = matches!(job.task, Task::Answer);
        if is_answer {
            state.ledger.commit(job.slot, 1, step.end);
        }
        let this = &mut state.gpus[gpu as usize];
        this.server.poke();
        this.server.start(step.end, this.ends - step.end);
        if this.served.is_some() {
            this.running.clear();
            if is_answer {
                self.resume(state, gpu, job);
            }
            self.end_round(state, gpu, job.slot);
            if !is_answer {
                self.enter(state, gpu, job.slot, job.task);
            }
            self.pick_step(state, gpu);
        }
        if !is_answer && state.ledger.watch.is_on() {
            let job = state.gpus[gpu as usize].running[0].job;
            state.ledger.watch.wait(job.slot, (gpu, job.ticket), step.end);
        }
    }

    /// Counts the first step of a stretch that is not over yet.
    #[inline]
    fn end_step(&self, state: &mut State<'w, C>, gpu: u32, slot: SlotId) -> Step {
        let State { ledger, gpus, computes, .. } = state;
        let this = &mut gpus[gpu as usize];
        let step = this.ahead.steps[this.ahead.over as usize];
        this.ahead.over += 1;
        let start = this.server.finish(step.end);
        let (busy, flop) = (step.end - start, step.flop);
        this.busy.add(Activity::Decode, busy);
        this.flop += flop;
        let joules = (this.kind.power.above_idle(Activity::Decode) * busy).as_f64();
        ledger.charge(Side::Edge, Share { busy, flop, joules }, std::iter::once(slot));
        ledger.warm_up.iterate(Side::Edge as usize, start, step.end);
        computes[self.tier(gpu)].take_steps(ledger.slots.get(slot.index).resources.sequence(true), 1);
        self.note_iteration(state, gpu, start, busy);
        let this = &mut state.gpus[gpu as usize];
        if let Some(served) = &mut this.served {
            served.end_step();
            self.end_job(state, gpu, slot);
        }
        step
    }
}
