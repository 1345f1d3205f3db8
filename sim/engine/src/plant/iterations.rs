//! A GPU's iterations: what goes into one, and what comes out of it.

use super::drafter::beside;
use super::event::{Event, NOW, STEP};
use super::gpu::Pick;
use super::job::{Item, Job, Reading, Task, Then};
use super::message::{Body, Content};
use super::spans::describe;
use super::state::State;
use super::work::work_of;
use super::world::{TOKEN_BYTES, World};
use crate::ledger::{Ledger, Share, SlotId};
use crate::ledger::{Side, StepRecord};
use backends::{Compute, Done};
use kernel::Phase;
use model::{decoding::Verdict, energy::Activity, load::Cost};
use units::{SimDuration, SimTime};

impl<'w, C: Compute> World<'w, C> {
    /// Gives a job to a GPU, unless it is one that takes no iteration.
    #[inline]
    pub(crate) fn submit(&self, state: &mut State<'w, C>, gpu: u32, slot: SlotId, task: Task) {
        if let Some(done) = self.known(state, gpu, slot, task) {
            return self.end_item(state, gpu, Item { done, ..Item::of(Job { slot, ticket: 0, task }, 0) });
        }
        self.cut_short(state, gpu, self.kernel.now());
        if state.ledger.watch.is_on() {
            self.watch_job(state, gpu, slot);
        }
        if state.gpus[gpu as usize].served.is_some() && !task.is_beside() {
            return self.enter(state, gpu, slot, task);
        }
        if state.gpus[gpu as usize].submit(slot, task) {
            self.schedule_batch(gpu);
        }
    }

    /// Goes on with a job that is not done.
    #[inline]
    pub(super) fn resume(&self, state: &mut State<'w, C>, gpu: u32, job: Job) {
        let this = &mut state.gpus[gpu as usize];
        if this.served.is_none() { this.resume(job) } else { self.go_on(state, gpu, job) }
    }

    pub(crate) fn schedule_batch(&self, gpu: u32) {
        self.kernel.schedule(self.kernel.now(), Phase::Batch, Event::Batch(gpu).target(), NOW);
    }

    /// Forms a GPU's next batch and starts it.
    pub(crate) fn form_batch(&self, gpu: u32) {
        let state = &mut *self.state.borrow_mut();
        let ranks = self.ranks(gpu);
        if ranks.len() > 1 {
            return self.form_together(state, gpu, ranks);
        }
        self.pick(state, gpu);
        if self.step_ahead(state, gpu) {
            return;
        }
        match self.run_batch(state, gpu) {
            Some(cost) => self.start_batch(state, gpu, cost),
            None => state.gpus[gpu as usize].server.rest(),
        }
    }

    /// Runs the batch that a GPU has picked on the models; none if there is no work.
    #[inline]
    pub(super) fn run_batch(&self, state: &mut State<'w, C>, gpu: u32) -> Option<Cost> {
        let on_edge = self.is_edge(gpu);
        let State { ledger, gpus, messages, computes, done, .. } = state;
        let this = &mut gpus[gpu as usize];
        if this.running.is_empty() {
            return None;
        }
        let compute = &mut computes[self.tier(gpu)];
        let work = this.running.iter().map(|item| {
            let held = ledger.slots.get(item.job.slot.index).resources.there(on_edge);
            (held.sequence, work_of(item, messages, held))
        });
        let mut cost = compute.run(work, done);
        for (item, done) in this.running.iter_mut().zip(done.drain(..)) {
            item.done = done;
        }
        if state.drafters[self.tier(gpu)].is_some() {
            cost.add(&self.run_beside(state, gpu));
        }
        Some(cost)
    }

    /// Starts the batch that a GPU has formed.
    #[inline]
    pub(super) fn start_batch(&self, state: &mut State<'w, C>, gpu: u32, cost: Cost) {
        let now = self.kernel.now();
        let on_edge = self.is_edge(gpu);
        let State { ledger, gpus, .. } = state;
        let this = &mut gpus[gpu as usize];
        let prefills = this.running.iter().any(Item::reads_a_prompt);
        let activity = if prefills { Activity::Prefill } else { Activity::Decode };
        let end = this.server.start(now, cost.duration);
        this.busy.add(activity, cost.duration);
        this.flop += cost.flop;
        let joules = (this.kind.power.above_idle(activity) * cost.duration).as_f64();
        let work = Share { busy: cost.duration, flop: cost.flop, joules };
        let side = if on_edge { Side::Edge } else { Side::Cloud };
        ledger.charge(side, work, this.running.iter().map(|item| item.job.slot));
        self.note_iteration(state, gpu, now, cost.duration);
        let this = &mut state.gpus[gpu as usize];
        this.ends = end;
        let target = Event::Iteration(gpu).target();
        if on_edge && this.steps_alone() {
            self.kernel.schedule_end(end, gpu, target, STEP);
        } else {
            self.kernel.schedule(end, Phase::Happen, target, if on_edge && !prefills { STEP } else { None });
        }
    }

    /// Writes an iteration down for those who want its items or its spans.
    #[inline]
    pub(super) fn note_iteration(&self, state: &mut State<'w, C>, gpu: u32, start: SimTime, duration: SimDuration) {
        if state.ledger.wants_steps {
            self.record_steps(state, gpu, start, duration);
        }
        if state.ledger.watch.is_on() {
            self.watch_iteration(state, gpu, start, duration);
        }
    }

    /// Moves the items of the next iteration from the queues of a GPU to its running ones.
    pub(super) fn pick(&self, state: &mut State<'w, C>, gpu: u32) {
        if state.gpus[gpu as usize].served.is_some() {
            self.pick_step(state, gpu);
            self.pick_prompt(state, gpu);
            return;
        }
        if !state.gpus[gpu as usize].kind.batches {
            while state.gpus[gpu as usize].running.is_empty() {
                match state.gpus[gpu as usize].oldest() {
                    Some(Pick::Stream) => self.pick_stream(state, gpu),
                    Some(Pick::Prompt) if !self.pick_prompt(state, gpu) => {
                        // The prompt waits for memory that a running answer holds. Void drafts are no work.
                        while state.gpus[gpu as usize].running.is_empty()
                            && !state.gpus[gpu as usize].streams.is_empty()
                        {
                            self.pick_stream(state, gpu);
                        }
                        return;
                    }
                    Some(Pick::Prompt) => {}
                    None => return,
                }
            }
            return;
        }
        let most = state.gpus[gpu as usize].kind.limits.items as usize;
        while state.gpus[gpu as usize].running.len() < most && !state.gpus[gpu as usize].streams.is_empty() {
            self.pick_stream(state, gpu);
        }
        while let Some(back) = state.held_back.pop_back() {
            state.gpus[gpu as usize].streams.push_front(back);
        }
        self.pick_prompt(state, gpu);
    }

    /// Takes the first item of one or a few tokens, unless it is void or its sequence is already in the batch.
    #[inline]
    fn pick_stream(&self, state: &mut State<'w, C>, gpu: u32) {
        let Some(job) = state.gpus[gpu as usize].streams.pop_front() else { return };
        if let Task::Verify { message, .. } = job.task {
            if self.is_void(state, message) {
                self.drop_drafts(state, message);
                return self.leave_desk(state, gpu, message);
            }
            let running = &state.gpus[gpu as usize].running;
            if running.iter().any(|other| other.job.slot == job.slot) {
                state.held_back.push_back(job);
                return;
            }
        }
        state.gpus[gpu as usize].running.push(Item::of(job, 1));
    }

    /// Takes the next chunk of the first prompt that has its memory, or a probe. `false` if all prompts wait for memory.
    #[inline]
    fn pick_prompt(&self, state: &mut State<'w, C>, gpu: u32) -> bool {
        let on_edge = self.is_edge(gpu);
        let State { ledger: Ledger { slots, .. }, gpus, computes, .. } = state;
        let this = &mut gpus[gpu as usize];
        if this.prompts.is_empty() {
            return true;
        }
        let ready = this.prompts.take_first(|job| {
            let slot = slots.get(job.slot.index);
            let held = if on_edge { &slot.resources.on_edge } else { &slot.resources.on_cloud };
            matches!(job.task, Task::Probe { .. } | Task::Encode { .. })
                || held.as_ref().is_some_and(|held| held.kv.is_some())
        });
        let Some(job) = ready else { return false };
        let chunk = match job.task {
            Task::Prefill { left, .. } if this.kind.batches => left.min(this.kind.limits.chunk_tokens as u32),
            Task::Prefill { left, .. } => left,
            _ => 1,
        };
        let mut item = Item::of(job, chunk);
        if let Task::Prefill { left, .. } = job.task {
            let slot = slots.get(job.slot.index);
            let compute = &computes[self.tier(gpu)];
            let is_first = left == compute.prompt_tokens(slot.resources.sequence(on_edge));
            let pictures = slot.about.request.prompt.images.map_or(0, |images| images.count);
            let pictures = if is_first { pictures } else { 0 };
            item.reading = Reading { is_chunk: true, pictures, ..Reading::default() };
        }
        this.running.push(item);
        true
    }

    /// An iteration is complete.
    pub(crate) fn end_iteration(&self, gpu: u32) {
        let state = &mut *self.state.borrow_mut();
        self.act_upon_iteration(gpu);
        if self.end_stretch(state, gpu) || self.end_steady_step(state, gpu) {
            return self.go_on_if_there_is_work(state, gpu);
        }
        self.end_service(state, gpu);
        if let Some(served) = state.gpus[gpu as usize].settled() {
            served.end_step();
        }
        for place in 0..state.gpus[gpu as usize].running.len() {
            let this = &state.gpus[gpu as usize];
            let (item, is_served) = (this.running[place], this.served.is_some());
            if item.reading.goes_on {
                continue;
            }
            if is_served {
                self.end_job(state, gpu, item.job.slot);
            }
            self.end_item(state, gpu, item);
            if is_served {
                self.end_round(state, gpu, item.job.slot);
            }
        }
        self.clear_unless_steady(state, gpu);
        for rank in self.ranks(gpu) {
            self.go_on_if_there_is_work(state, rank);
        }
    }

    /// The iteration that a GPU runs is over now.
    #[inline]
    pub(super) fn end_service(&self, state: &mut State<'w, C>, gpu: u32) {
        let now = self.kernel.now();
        let began = state.gpus[gpu as usize].server.finish(now);
        state.ledger.warm_up.iterate(usize::from(!self.is_edge(gpu)), began, now);
    }

    #[inline]
    fn go_on_if_there_is_work(&self, state: &mut State<'w, C>, gpu: u32) {
        let this = &mut state.gpus[gpu as usize];
        if !this.is_quiet() && this.server.poke() {
            self.schedule_batch(gpu);
        }
    }

    #[inline]
    fn end_item(&self, state: &mut State<'w, C>, gpu: u32, Item { job, chunk, done, .. }: Item) {
        match job.task {
            Task::Draft { wait, .. }
            | Task::Expand { wait, .. }
            | Task::Own { wait }
            | Task::Probe { wait }
            | Task::Encode { wait }
            | Task::Lower { wait } => {
                state.ledger.slots.get_mut(job.slot.index).resources.edge_done = done;
                self.kernel.fire(wait);
            }
            Task::Prefill { left, then } if left > chunk && state.ledger.lives(job.slot) => {
                self.resume(state, gpu, Job { task: Task::Prefill { left: left - chunk, then }, ..job });
            }
            // A request that trusts its edge may have ended before the cloud has read its prompt.
            Task::Prefill { .. } if !state.ledger.lives(job.slot) => {}
            Task::Prefill { then, .. } => self.end_prompt(state, gpu, job, then, done),
            Task::Answer => {
                let Done::Token(token) = done else { unreachable!("a decode step makes a token") };
                self.emit(state, gpu, job.slot, 1, token.ends);
                if !token.ends {
                    self.resume(state, gpu, job);
                }
            }
            Task::Verify { message, before: 0 } => self.end_verify(state, gpu, job.slot, message, done),
            Task::Verify { message, before } => {
                self.resume(state, gpu, Job { task: Task::Verify { message, before: before - 1 }, ..job });
            }
            Task::Speculate { .. } => self.end_speculation(state, gpu, job, done),
            Task::Upper { message } => self.give_back_token(state, message, done),
        }
    }

    /// Hidden states have become a token, which goes down.
    fn give_back_token(&self, state: &mut State<'w, C>, message: u32, done: Done) {
        let (Done::Token(made), Body::Hidden { token, .. }) = (done, &mut state.messages.get_mut(message).body) else {
            unreachable!("the upper layers make a token")
        };
        *token = made;
        self.send_down(state, message, TOKEN_BYTES);
    }

    fn end_prompt(&self, state: &mut State<'w, C>, gpu: u32, job: Job, then: Then, done: Done) {
        if !self.is_edge(gpu) {
            state.ledger.slots.get_mut(job.slot.index).resources.cloud.reading = false;
        }
        match then {
            Then::Fire(wait) => self.kernel.fire(wait),
            Then::Return(message) => self.give_back_token(state, message, done),
            Then::Answer | Then::Speculate => {
                let Done::Token(token) = done else { unreachable!("the prompt's last chunk makes a token") };
                self.emit(state, gpu, job.slot, 1, token.ends);
                if token.ends {
                    return;
                }
                match then {
                    Then::Speculate => self.speculate(state, gpu, job),
                    _ => self.resume(state, gpu, Job { task: Task::Answer, ..job }),
                }
            }
            Then::Open => {
                let slot = state.ledger.slots.get_mut(job.slot.index);
                slot.resources.cloud.ready = true;
                let parked = std::mem::take(&mut slot.resources.pending.parked);
                self.count_client(state, gpu, true);
                for message in parked {
                    self.submit_drafts(state, gpu, job.slot, message);
                }
            }
        }
    }

    /// Lets the drafts be verified that the small model beside this one has made.
    fn speculate(&self, state: &mut State<'w, C>, gpu: u32, job: Job) {
        let resources = &mut state.ledger.slots.get_mut(job.slot.index).resources;
        let drafts = beside(resources, self.is_edge(gpu)).map_or(0, |beside| beside.drafted());
        self.resume(state, gpu, Job { task: Task::Speculate { drafts }, ..job });
    }

    /// Drafts of the small model beside this one were verified, and drafts for the next step were made.
    fn end_speculation(&self, state: &mut State<'w, C>, gpu: u32, job: Job, done: Done) {
        let Done::Verified { accepted, token, ends } = done else { unreachable!("drafts were verified") };
        self.emit(state, gpu, job.slot, accepted + u32::from(token.is_some()), ends);
        if !ends {
            self.speculate(state, gpu, job);
        }
    }

    /// Tokens of an answer have been made. Those that end an answer whose length nobody knew end the engine's request too.
    pub(super) fn emit(&self, state: &mut State<'w, C>, gpu: u32, id: SlotId, count: u32, ends: bool) {
        if ends {
            self.end_request(state, gpu, id);
        }
        if self.is_edge(gpu) {
            state.ledger.commit(id, count, self.kernel.now());
            if ends {
                self.answered(state, id);
            }
            return;
        }
        if let Some(wait) = state.ledger.slots.get(id.index).resources.cloud.withheld {
            if ends {
                let message = self.address(state, id, Body::Part { wait });
                self.send_down(state, message, TOKEN_BYTES);
            }
            return;
        }
        if !ends && self.stream_down(state, id, count) {
            return;
        }
        let message = self.address(state, id, Body::Tokens { count, ends });
        self.send_down(state, message, TOKEN_BYTES * u64::from(count));
    }

    /// Lets drafts be verified in the cloud, or wait for that where the policy orders them.
    pub(crate) fn submit_drafts(&self, state: &mut State<'w, C>, gpu: u32, id: SlotId, message: u32) {
        if !self.queue_drafts(state, gpu, id, message) {
            self.release_drafts(state, gpu, id, message);
        }
    }

    /// Gives drafts to the GPU that verifies them.
    pub(super) fn release_drafts(&self, state: &mut State<'w, C>, gpu: u32, id: SlotId, message: u32) {
        let State { ledger: Ledger { slots, .. }, messages, computes, .. } = state;
        let drafts = messages.get(message).drafts();
        let sequence = slots.get(id.index).resources.sequence(false);
        // Tokens that the cloud has taken without judging them come again, to be judged.
        let cloud = &mut computes[self.tier(gpu)];
        if drafts.start < cloud.answer_tokens(sequence) {
            cloud.truncate(sequence, drafts.start);
        }
        let before = if drafts.one_by_one { drafts.count().saturating_sub(1) } else { 0 };
        self.submit(state, gpu, id, Task::Verify { message, before });
    }

    fn end_verify(&self, state: &mut State<'w, C>, gpu: u32, id: SlotId, message: u32, done: Done) {
        let (accepted, last, token, ends) = match done {
            Done::Verified { accepted, token, ends } => {
                (accepted, accepted.checked_sub(1).map(|last| last as u16), token, ends)
            }
            Done::Judged { accepted, last, token, ends } => (accepted, last, token, ends),
            _ => unreachable!("drafts were verified"),
        };
        if self.is_void(state, message) {
            // It was in this very iteration when its request ended.
            self.drop_drafts(state, message);
            return self.leave_desk(state, gpu, message);
        }
        let State { ledger: Ledger { slots, .. }, messages, computes, .. } = state;
        let slot = slots.get_mut(id.index);
        let Body::Drafts(drafts) = &mut messages.get_mut(message).body else { unreachable!("drafts were verified") };
        let committed = computes[self.tier(gpu)].answer_tokens(slot.resources.sequence(false));
        let drafted = drafts.count();
        // What stands was not judged.
        let (accepted, drafted) = (accepted.saturating_sub(drafts.stand), drafted - drafts.stand);
        let (accepted, last, drafted) = if drafts.judged { (accepted, last, drafted) } else { (0, None, 0) };
        let verdict = Verdict { accepted, drafted, committed, last, token, ends, at: SimTime::ZERO };
        if verdict.rejects() {
            slot.resources.cloud.epoch += 1;
        }
        drafts.content = Content::Verdict(verdict);
        let goes_on = drafts.wait.is_none() && !ends;
        // The number of accepted drafts and the target's own token.
        self.send_down(state, message, TOKEN_BYTES * 2);
        if goes_on {
            self.submit(state, gpu, id, Task::Answer);
        }
        self.leave_desk(state, gpu, message);
    }

    fn record_steps(&self, state: &mut State<'w, C>, gpu: u32, start: SimTime, duration: SimDuration) {
        let on_edge = self.is_edge(gpu);
        let (side, index) = if on_edge { (Side::Edge, gpu) } else { (Side::Cloud, gpu - self.edges()) };
        let State { ledger: Ledger { slots, recorder, .. }, gpus, messages, computes, .. } = state;
        let this = &gpus[gpu as usize];
        let compute = &mut computes[self.tier(gpu)];
        for item in &this.running {
            let slot = slots.get(item.job.slot.index);
            let sequence = slot.resources.sequence(on_edge);
            let (kind, tokens) = describe(item, messages);
            recorder.step(&StepRecord {
                request: slot.about.request.prompt.request,
                side,
                gpu: index,
                kind,
                tokens,
                context_tokens: compute.context(sequence),
                batch: this.running.len() as u32,
                start,
                duration,
            });
        }
    }
}
