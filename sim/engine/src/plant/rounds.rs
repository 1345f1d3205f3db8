//! Rounds of requests under a serving engine: a prompt enters, drafts are offered, an answer is written on.

use super::job::{Job, Task, Then};
use super::served::{InEngine, Served};
use super::state::State;
use super::world::World;
use crate::ledger::{Ledger, SlotId};
use crate::scheduling::Remote;
use backends::{Compute, Done, Work};
use serving::Id;

impl<'w, C: Compute> World<'w, C> {
    /// Gives a job to the serving engine of a GPU.
    pub(super) fn enter(&self, state: &mut State<'w, C>, gpu: u32, slot: SlotId, task: Task) {
        let job = state.gpus[gpu as usize].job(slot, task);
        match task {
            Task::Prefill { then, .. } => self.enter_prompt(state, gpu, job, then),
            Task::Answer => self.write_on(state, gpu, job),
            _ => {
                self.in_engine(state, gpu, slot).expect("a round of a request that is there").rounds.push_back(job);
                self.begin_round(state, gpu, slot);
            }
        }
        self.wake(state, gpu);
    }

    /// Asks for a batch if the engine of a GPU has anything to do.
    pub(super) fn wake(&self, state: &mut State<'w, C>, gpu: u32) {
        let this = &mut state.gpus[gpu as usize];
        if this.served.as_deref().is_some_and(Served::has_work) && this.server.poke() {
            self.schedule_batch(gpu);
        }
    }

    /// Goes on with a job that is not done.
    pub(super) fn go_on(&self, state: &mut State<'w, C>, gpu: u32, job: Job) {
        let Some(request) = self.in_engine(state, gpu, job.slot) else { return };
        match job.task {
            // Its round begins when the item has ended.
            Task::Verify { .. } | Task::Speculate { .. } => request.rounds.push_front(job),
            _ => request.job = Some(job),
        }
    }

    fn served<'s>(&self, state: &'s mut State<'w, C>, gpu: u32) -> &'s mut Served {
        state.gpus[gpu as usize].settled().expect("a serving engine")
    }

    fn enter_prompt(&self, state: &mut State<'w, C>, gpu: u32, job: Job, then: Then) {
        let on_edge = self.is_edge(gpu);
        let State { ledger: Ledger { slots, .. }, gpus, computes, .. } = state;
        let slot = slots.get_mut(job.slot.index);
        let limit = u32::try_from(self.spec.workload.reserved(&slot.about.request)).unwrap_or(u32::MAX);
        let compute = &mut computes[self.tier(gpu)];
        let held = slot.resources.held(on_edge).as_mut().expect("a prompt has a sequence");
        let served = gpus[gpu as usize].settled().expect("a serving engine");
        let engine = held.engine.as_mut().expect("an engine knows its requests");
        engine.comes_anew = served.remote == Remote::Prefix && matches!(then, Then::Open);
        let request = &mut engine.request;
        request.output_tokens = compute.answer_length(held.sequence).unwrap_or(limit);
        (request.output_limit, request.is_session) = (limit, !matches!(then, Then::Answer));
        request.is_private &= !engine.comes_anew;
        engine.job = Some(job);
        engine.id = Some(served.submit(request.clone(), job.slot));
    }

    /// Lets the engine write on behind the drafts of a session.
    fn write_on(&self, state: &mut State<'w, C>, gpu: u32, job: Job) {
        let sequence = state.ledger.slots.get(job.slot.index).resources.sequence(self.is_edge(gpu));
        if let Some(Done::Token(first)) = state.computes[self.tier(gpu)].known(sequence, &Work::Decode) {
            self.emit(state, gpu, job.slot, 1, first.ends);
            if first.ends {
                return;
            }
        }
        let length = state.computes[self.tier(gpu)]
            .answer_length(sequence)
            .unwrap_or_else(|| self.spec.workload.longest_answer());
        self.settle(state, gpu, job.slot);
        self.come_anew(state, gpu, job.slot);
        let engine = self.in_engine(state, gpu, job.slot).expect("a session that is there");
        engine.job = Some(job);
        let (id, quoted) = (engine.id.expect("a session in the replica"), engine.quoted);
        self.served(state, gpu).replica.write_on(id, length - quoted);
    }

    /// Tells the replica how far the backend has come with a session. `true` if its newest token is still to be passed.
    fn settle(&self, state: &mut State<'w, C>, gpu: u32, slot: SlotId) -> bool {
        let on_edge = self.is_edge(gpu);
        let sequence = state.ledger.slots.get(slot.index).resources.sequence(on_edge);
        let compute = &state.computes[self.tier(gpu)];
        let (answer, own) = (compute.answer_tokens(sequence), compute.is_behind(sequence));
        let engine = self.in_engine(state, gpu, slot).expect("a session that is there");
        if let Some(id) = engine.id {
            let kept = (answer - u32::from(own)).saturating_sub(engine.quoted);
            self.served(state, gpu).replica.settle(id, kept, own);
        }
        own
    }

    /// The job of a request has been done; the next one may be.
    pub(super) fn end_job(&self, state: &mut State<'w, C>, gpu: u32, slot: SlotId) {
        if let Some(engine) = self.in_engine(state, gpu, slot) {
            engine.job = None;
        }
    }

    /// The part of a request in flight that a GPU's engine has, unless its answer has ended.
    fn in_engine<'s>(&self, state: &'s mut State<'w, C>, gpu: u32, slot: SlotId) -> Option<&'s mut InEngine> {
        if !state.ledger.lives(slot) {
            return None;
        }
        let State { ledger: Ledger { slots, .. }, gpus, .. } = state;
        let served = gpus[gpu as usize].served.as_ref()?;
        let held = slots.get_mut(slot.index).resources.held(self.is_edge(gpu)).as_mut()?;
        let has_ended = |engine: &InEngine| engine.id.is_some_and(|id| served.owner(id).is_none());
        held.engine.as_deref_mut().filter(|engine| !has_ended(engine))
    }

    /// The outcome of a job is known. A session that has nothing to do then is told, and its next round begins.
    pub(super) fn end_round(&self, state: &mut State<'w, C>, gpu: u32, slot: SlotId) {
        let Some(engine) = self.in_engine(state, gpu, slot) else { return };
        if engine.job.is_some() || engine.id.is_none() {
            return;
        }
        self.settle(state, gpu, slot);
        let engine = self.in_engine(state, gpu, slot).expect("a session that is there");
        if let Some(id) = engine.id.take_if(|_| engine.comes_anew) {
            self.served(state, gpu).cancel(id);
        }
        self.begin_round(state, gpu, slot);
    }

    /// Offers the next round of a session, unless one is under way.
    fn begin_round(&self, state: &mut State<'w, C>, gpu: u32, slot: SlotId) {
        loop {
            let engine = self.in_engine(state, gpu, slot).filter(|engine| engine.job.is_none());
            let Some(job) = engine.and_then(|engine| engine.rounds.pop_front()) else { return };
            if let Task::Verify { message, .. } = job.task
                && self.is_void(state, message)
            {
                self.drop_drafts(state, message);
                self.leave_desk(state, gpu, message);
                continue;
            }
            let drafts = match job.task {
                Task::Verify { message, before: 0 } => state.messages.get(message).drafts().count(),
                Task::Speculate { drafts } => drafts,
                Task::Expand { nodes, .. } => nodes - 1,
                _ => 0,
            };
            let own = self.settle(state, gpu, slot);
            let anew = self.come_anew(state, gpu, slot);
            let engine = self.in_engine(state, gpu, slot).expect("a session that is there");
            engine.job = Some(job);
            let id = engine.id.expect("a session in the replica");
            // A token that passes with nothing before it is one that the other side has made.
            let tokens = if own || anew { drafts } else { drafts.max(1) };
            self.served(state, gpu).replica.offer(id, tokens);
            return;
        }
    }

    /// Submits a session anew, with its answer so far behind its prompt, if each of its batches is a request of its own.
    fn come_anew(&self, state: &mut State<'w, C>, gpu: u32, slot: SlotId) -> bool {
        let on_edge = self.is_edge(gpu);
        let State { ledger: Ledger { slots, .. }, gpus, computes, .. } = state;
        let held = slots.get_mut(slot.index).resources.held(on_edge).as_mut().expect("a session has a sequence");
        let engine = held.engine.as_mut().expect("an engine knows its sessions");
        if !engine.comes_anew || engine.id.is_some() {
            return false;
        }
        let compute = &mut computes[self.tier(gpu)];
        engine.quoted = compute.answer_tokens(held.sequence);
        compute.forget(held.sequence);
        let served = gpus[gpu as usize].settled().expect("a serving engine");
        engine.id = Some(served.submit(engine.quoting(engine.quoted), slot));
        true
    }

    /// Takes the request of an answer that has ended out of the serving engine of a GPU, if it is still there.
    pub(super) fn end_request(&self, state: &mut State<'w, C>, gpu: u32, slot: SlotId) {
        if let Some(id) = self.in_engine(state, gpu, slot).and_then(|engine| engine.id) {
            self.leave(state, gpu, id);
        }
    }

    /// Takes a request out of the serving engine of a GPU, if it is still there.
    pub(super) fn leave(&self, state: &mut State<'w, C>, gpu: u32, id: Id) {
        self.catch_up(state, gpu);
        self.served(state, gpu).cancel(id);
        self.wake(state, gpu);
    }
}
