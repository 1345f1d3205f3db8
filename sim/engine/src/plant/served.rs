//! A GPU whose iterations a serving engine forms.
//!
//! A prompt enters the engine as a request. Where the engine writes the answer it goes on by itself. Every other request is
//! a session, whose rounds are offered one after the other: drafts to verify, a draft to make, a token to pass through
//! layers. What an iteration costs and brings is the backend's to say, as everywhere.

use super::gpu::{Item, Job, Reading, Task, Then};
use super::resources::Slot;
use super::state::State;
use super::world::World;
use crate::ledger::{Ledger, MemoryTally, SlotId};
use crate::scheduling::{Remote, Scheduling, settings};
use backends::{Compute, Done, Sequence};
use kernel::Numbered;
use model::kv::KvPool;
use model::memory::BatchLimits;
use serving::{Admission, Entry, Id, Outcome, Piece, Replica, Request, Step, Work};
use std::collections::VecDeque;

/// The requests in flight.
type Slots = Numbered<Slot>;

/// A replica of an engine, with the steps that it has formed and the jobs of its requests.
pub(crate) struct Served {
    replica: Replica,
    /// Steps that are formed, the next one first; at most two, under asynchronous scheduling.
    steps: VecDeque<Step>,
    /// The first of them runs.
    is_running: bool,
    /// The requests in the replica, by the places of their handles.
    owners: Vec<Option<(Id, SlotId)>>,
    remote: Remote,
    /// Memory to work in: a step that is over, and outcomes.
    over: Step,
    outcomes: Vec<Outcome>,
}

/// A request under a serving engine.
pub(crate) struct InEngine {
    /// Its handle in the replica; none before its prompt has arrived, and between the rounds of a [`Remote::Prefix`].
    id: Option<Id>,
    /// The request as it was first submitted, or will be.
    request: Request,
    /// Tokens of the answer that the prompt has, where it was submitted again.
    quoted: u32,
    /// Its answer is drafted elsewhere, and each batch of drafts is a request of its own.
    comes_anew: bool,
    /// The job that the replica works on; none of a session between its rounds.
    job: Option<Job>,
    /// Rounds that wait for the one before.
    rounds: VecDeque<Job>,
}

impl InEngine {
    /// A request whose prompt is still to come.
    pub(crate) fn new(request: Request) -> Self {
        Self { id: None, request, quoted: 0, comes_anew: false, job: None, rounds: VecDeque::new() }
    }

    /// Its handle in the replica, if it was ever there.
    pub(crate) fn id(&self) -> Option<Id> {
        self.id
    }

    /// The request with so many tokens of its answer behind its prompt.
    fn quoting(&self, answer: u32) -> Request {
        let mut request = self.request.clone();
        request.prompt.extend((answer > 0).then_some(Piece::Text { source: request.answer, tokens: answer }));
        request
    }
}

impl Served {
    /// An idle engine on a GPU with this memory; none where iterations are idealised.
    pub(crate) fn new(
        scheduling: &Scheduling,
        limits: BatchLimits,
        kv: &KvPool,
        context_window: Option<u64>,
        remote: Remote,
    ) -> Option<Box<Self>> {
        let Scheduling::Observed(rules) = scheduling else { return None };
        let replica = Replica::new((**rules).clone(), settings(rules, limits, kv, context_window));
        let (steps, owners, over, outcomes) = Default::default();
        Some(Box::new(Self { replica, steps, is_running: false, owners, remote, over, outcomes }))
    }

    /// True if a step is formed or could be.
    pub(crate) fn has_work(&self) -> bool {
        !self.steps.is_empty() || self.replica.has_work()
    }

    /// True if every request has left, and given its memory back.
    pub(crate) fn is_empty(&self) -> bool {
        let blocks = self.replica.settings().blocks;
        self.replica.is_idle() && self.steps.is_empty() && self.replica.free_blocks() == blocks
    }

    /// Tokens that its free blocks hold.
    pub(crate) fn free_tokens(&self) -> u64 {
        u64::from(self.replica.free_blocks()) * u64::from(self.replica.settings().block_tokens)
    }

    /// True if a request of so many tokens can be served when nobody else is there. Drafts that it verifies may reach behind
    /// its end.
    pub(crate) fn could_hold(&self, tokens: u64, verifies: bool) -> bool {
        /// Drafts of a batch that lie behind the end of an answer, at most.
        const BEHIND_THE_END: u64 = 64;
        let tokens = tokens + if verifies { BEHIND_THE_END } else { 0 };
        let settings = self.replica.settings();
        let slots = if self.replica.rules().admission == Admission::Slot { settings.sequences } else { 1 };
        let room = u64::from(settings.blocks / slots) * u64::from(settings.block_tokens);
        let step = if settings.chunked_prompts { u64::MAX } else { settings.step_tokens.into() };
        tokens <= room.min(step)
    }

    /// The request in flight that a handle stands for, if it is still there.
    fn owner(&self, id: Id) -> Option<SlotId> {
        self.owners.get(id.place())?.filter(|(known, _)| *known == id).map(|(_, slot)| slot)
    }

    /// Queues a request in the replica.
    fn submit(&mut self, request: Request, slot: SlotId) -> Id {
        let id = self.replica.submit(request);
        if self.owners.len() <= id.place() {
            self.owners.resize(id.place() + 1, None);
        }
        self.owners[id.place()] = Some((id, slot));
        id
    }

    /// Takes a request out of the replica, if it is still there.
    fn cancel(&mut self, id: Id) {
        if self.owner(id).is_some() {
            self.owners[id.place()] = None;
            self.replica.cancel(id);
        }
    }

    /// Forms a step, if there is anything to do.
    fn form(&mut self, kv: &mut KvPool) {
        let step = self.replica.schedule_in(std::mem::take(&mut self.over));
        let held = self.replica.settings().blocks - self.replica.free_blocks();
        kv.note_use(u64::from(held) * u64::from(self.replica.settings().block_tokens));
        if !step.work.is_empty() || !step.preempted.is_empty() {
            self.steps.push_back(step);
        } else {
            self.over = step;
        }
    }

    /// Ends the step that runs, if one does. Answers that have come to their length leave the replica.
    pub(crate) fn end_step(&mut self) {
        if !std::mem::take(&mut self.is_running) {
            return;
        }
        let step = self.steps.pop_front().expect("the step that runs");
        self.replica.complete_in(&step, |_| 0, &mut self.outcomes);
        for outcome in self.outcomes.drain(..).filter(|outcome| outcome.ended) {
            self.owners[outcome.id.place()] = None;
        }
        self.over = step;
    }
}

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
            Task::Verify { .. } => request.rounds.push_front(job),
            _ => request.job = Some(job),
        }
    }

    fn served<'s>(&self, state: &'s mut State<'w, C>, gpu: u32) -> &'s mut Served {
        state.gpus[gpu as usize].served.as_mut().expect("a serving engine")
    }

    fn enter_prompt(&self, state: &mut State<'w, C>, gpu: u32, job: Job, then: Then) {
        let on_edge = self.is_edge(gpu);
        let State { ledger: Ledger { slots, .. }, gpus, edge, cloud, .. } = state;
        let slot = slots.get_mut(job.slot.index);
        let limit = u32::try_from(self.spec.workload.reserved(&slot.about.request)).unwrap_or(u32::MAX);
        let compute = if on_edge { edge } else { cloud };
        let held = slot.resources.held(on_edge).as_mut().expect("a prompt has a sequence");
        let served = gpus[gpu as usize].served.as_mut().expect("a serving engine");
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
        if let Some(Done::Token(first)) = state.cloud.known(sequence, &backends::Work::Decode) {
            self.emit(state, gpu, job.slot, first);
            if first.ends {
                return;
            }
        }
        let length = state.cloud.answer_length(sequence).unwrap_or_else(|| self.spec.workload.longest_answer());
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
        let compute = if on_edge { &state.edge } else { &state.cloud };
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

    /// What came of a job is known. A session that has nothing to do then is told, and its next round begins.
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
                continue;
            }
            let drafts = match job.task {
                Task::Verify { message, before: 0 } => state.messages.get(message).drafts().tokens.len() as u32,
                _ => 0,
            };
            let own = self.settle(state, gpu, slot);
            let anew = self.come_anew(state, gpu, slot);
            let engine = self.in_engine(state, gpu, slot).expect("a session that is there");
            engine.job = Some(job);
            let id = engine.id.expect("a session in the replica");
            // A token that passes with nothing before it is one that the other side has made.
            let tokens = if own || anew { drafts } else { drafts.max(1) };
            let replica = &mut self.served(state, gpu).replica;
            // A batch that no step has room for takes one all the same.
            let most = replica.settings().step_tokens - 1;
            replica.offer(id, tokens.min(most));
            return;
        }
    }

    /// Submits a session anew, with its answer so far behind its prompt, if each of its batches is a request of its own.
    fn come_anew(&self, state: &mut State<'w, C>, gpu: u32, slot: SlotId) -> bool {
        let on_edge = self.is_edge(gpu);
        let State { ledger: Ledger { slots, .. }, gpus, edge, cloud, .. } = state;
        let held = slots.get_mut(slot.index).resources.held(on_edge).as_mut().expect("a session has a sequence");
        let engine = held.engine.as_mut().expect("an engine knows its sessions");
        if !engine.comes_anew || engine.id.is_some() {
            return false;
        }
        let compute = if on_edge { edge } else { cloud };
        engine.quoted = compute.answer_tokens(held.sequence);
        compute.forget(held.sequence);
        let served = gpus[gpu as usize].served.as_mut().expect("a serving engine");
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
        self.served(state, gpu).cancel(id);
        self.wake(state, gpu);
    }

    /// Puts the work of the next step into the iteration of a GPU.
    pub(super) fn pick_step(&self, state: &mut State<'w, C>, gpu: u32) {
        let on_edge = self.is_edge(gpu);
        let State { ledger: Ledger { slots, watch, .. }, gpus, edge, cloud, .. } = state;
        let compute = if on_edge { edge } else { cloud };
        let this = &mut gpus[gpu as usize];
        let served = this.served.as_mut().expect("a serving engine");
        while this.running.is_empty() {
            if served.steps.is_empty() {
                served.form(&mut this.kv);
            }
            let Some(step) = served.steps.front() else { return };
            let sequence = |slots: &Slots, slot: SlotId| slots.get(slot.index).resources.sequence(on_edge);
            for slot in step.preempted.iter().filter_map(|id| served.owner(*id)) {
                let held = slots.get_mut(slot.index).resources.held(on_edge).as_ref();
                if let Some(job) = held.and_then(|held| held.engine.as_ref()?.job.as_ref())
                    && watch.is_on()
                {
                    Self::watch_preemption(watch, gpu, job);
                }
                let lost = compute.forget(sequence(slots, slot));
                let tally = &mut slots.get_mut(slot.index).tally.memory;
                tally.preemptions += 1;
                tally.recomputed += lost;
            }
            for work in &step.work {
                // It may have ended since the step was formed.
                let Some(owner) = served.owner(work.id) else { continue };
                if work.entry != Entry::Running {
                    let sequence = sequence(slots, owner);
                    let tally = &mut slots.get_mut(owner.index).tally.memory;
                    let tokens = served.replica.sequence(work.id).map_or(0, serving::Sequence::tokens);
                    let looked_up = if served.replica.settings().prefix_cache { tokens } else { 0 };
                    find(work, compute, sequence, looked_up, tally);
                }
                let held = slots.get_mut(owner.index).resources.held(on_edge).as_ref();
                let job = held.and_then(|held| held.engine.as_ref()?.job).expect("the engine works on a job");
                this.running.push(item(step, work, job));
            }
            served.is_running = true;
            if this.running.is_empty() {
                served.end_step();
            }
        }
        if served.is_running && served.replica.rules().asynchronous && served.steps.len() < 2 {
            served.form(&mut this.kv);
        }
    }
}

/// What a request that is admitted has found in the cache need not be computed.
fn find<C: Compute>(work: &Work, compute: &mut C, sequence: Sequence, looked_up: u32, tally: &mut MemoryTally) {
    if work.computed > 0 {
        compute.find(sequence, work.computed);
    }
    if work.entry == Entry::Resumed {
        tally.recomputed = tally.recomputed.saturating_sub(work.computed);
    } else {
        tally.looked_up += looked_up;
        tally.cached += work.computed;
    }
}

/// The item of a piece of work.
fn item(step: &Step, work: &Work, job: Job) -> Item {
    let is_chunk = match job.task {
        Task::Prefill { .. } => true,
        Task::Answer => work.entry != Entry::Running || !work.samples || work.tokens > 1,
        _ => !work.samples,
    };
    let pictures = step.encodings.iter().filter(|encoding| encoding.id == work.id).count() as u32;
    let chunk = if is_chunk { work.tokens } else { 1 };
    // The last chunk is the last, however much the prompt had.
    let task = match job.task {
        Task::Prefill { then, .. } => Task::Prefill { left: chunk, then },
        task => task,
    };
    let reading = Reading { is_chunk, goes_on: !work.samples, pictures };
    Item { job: Job { task, ..job }, chunk, reading, done: Done::Nothing }
}
