//! A GPU whose iterations a serving engine forms.
//!
//! A prompt enters the engine as a request. Where the engine writes the answer it goes on by itself. Every other request is
//! a session, whose rounds are offered one after the other: drafts to verify, a draft to make, a token to pass through
//! layers. What an iteration costs and brings is the backend's to say, as everywhere.

use super::gpu::{Item, Job, Reading, Task, Then};
use super::state::State;
use super::world::World;
use crate::ledger::{Ledger, SlotId};
use crate::scheduling::{LARGEST_PICTURE, Scheduling, settings};
use backends::{Compute, Done, Pricing, Sequence};
use model::kv::KvPool;
use model::memory::BatchLimits;
use model::request::Input;
use serving::{Entry, Id, Piece, Replica, Request, Step, Work};
use std::collections::VecDeque;

/// A replica of an engine, with the steps that it has formed and the jobs of its requests.
pub(crate) struct Served {
    replica: Replica,
    /// Steps that are formed, the next one first; at most two, under asynchronous scheduling.
    steps: VecDeque<Step>,
    /// The first of them runs.
    is_running: bool,
    /// The requests in the replica, by the places of their handles.
    requests: Vec<Option<InReplica>>,
}

/// A request in a replica.
struct InReplica {
    id: Id,
    slot: SlotId,
    /// The job that the replica works on; none of a session between its rounds.
    job: Option<Job>,
    /// Rounds that wait for the one before.
    rounds: VecDeque<Job>,
}

impl Served {
    /// An idle engine on a GPU with this memory; none where iterations are idealised.
    pub(crate) fn new(
        scheduling: &Scheduling,
        limits: BatchLimits,
        kv: &KvPool,
        context_window: Option<u64>,
    ) -> Option<Box<Self>> {
        let Scheduling::Observed(rules) = scheduling else { return None };
        let replica = Replica::new((**rules).clone(), settings(rules, limits, kv, context_window));
        Some(Box::new(Self { replica, steps: VecDeque::new(), is_running: false, requests: Vec::new() }))
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

    /// True if a request of so many tokens can be served when nobody else is there. Drafts may reach behind its end.
    pub(crate) fn could_hold(&self, tokens: u64) -> bool {
        /// Drafts of a batch that lie behind the end of an answer, and their engine's own token.
        const BEHIND_THE_END: u64 = 64;
        let settings = self.replica.settings();
        let blocks = u64::from(settings.blocks) * u64::from(settings.block_tokens);
        let step = if settings.chunked_prompts { u64::MAX } else { settings.step_tokens.into() };
        tokens + BEHIND_THE_END <= blocks.min(settings.context.into()).min(step)
    }

    fn request(&mut self, id: Id) -> Option<&mut InReplica> {
        self.requests.get_mut(id.place())?.as_mut().filter(|request| request.id == id)
    }

    /// Forms a step, if there is anything to do.
    fn form(&mut self, kv: &mut KvPool) {
        let step = self.replica.schedule();
        let held = self.replica.settings().blocks - self.replica.free_blocks();
        kv.note_use(u64::from(held) * u64::from(self.replica.settings().block_tokens));
        if !step.work.is_empty() || !step.preempted.is_empty() {
            self.steps.push_back(step);
        }
    }

    /// Ends the step that runs, if one does. Answers that have come to their length leave the replica.
    pub(crate) fn end_step(&mut self) {
        if !std::mem::take(&mut self.is_running) {
            return;
        }
        let step = self.steps.pop_front().expect("the step that runs");
        for outcome in self.replica.complete(&step, |_| 0) {
            if outcome.ended {
                self.requests[outcome.id.place()] = None;
            }
        }
    }
}

/// A prompt as a serving engine sees it, of which nobody else has a part.
pub(crate) fn request(id: SlotId, prompt_tokens: u32, prices: &Pricing, input: &Input) -> Request {
    let source = u64::from(id.generation);
    let picture = u32::try_from(prices.picture_tokens(input)).unwrap_or(u32::MAX).min(LARGEST_PICTURE);
    let pictures = input.prompt.images.map_or(0, |images| images.count).min(prompt_tokens / picture.max(1));
    let pictures = if picture > 0 { pictures } else { 0 };
    let shown = (0..u64::from(pictures)).map(|place| Piece::Picture { name: source << 24 | place, tokens: picture });
    let text = prompt_tokens - pictures * picture;
    let text = (text > 0).then_some(Piece::Text { source, tokens: text });
    Request { prompt: shown.chain(text).collect(), ..Request::text(source, prompt_tokens, u32::MAX) }
}

impl<'w, C: Compute> World<'w, C> {
    /// Gives a job to the serving engine of a GPU.
    pub(super) fn enter(&self, state: &mut State<'w, C>, gpu: u32, slot: SlotId, task: Task) {
        let job = state.gpus[gpu as usize].job(slot, task);
        match task {
            Task::Prefill { then, .. } => self.enter_prompt(state, gpu, job, then),
            Task::Answer => self.write_on(state, gpu, job),
            _ => {
                let (served, id) = self.replica_of(state, gpu, slot);
                served.request(id).expect("a round of a request that is there").rounds.push_back(job);
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
        let Some(request) = self.in_replica(state, gpu, job.slot) else { return };
        match job.task {
            // Its round begins when the item has ended.
            Task::Verify { .. } => request.rounds.push_front(job),
            _ => request.job = Some(job),
        }
    }

    fn replica_of<'s>(&self, state: &'s mut State<'w, C>, gpu: u32, slot: SlotId) -> (&'s mut Served, Id) {
        let on_edge = self.is_edge(gpu);
        let id = state.ledger.slots.get(slot.index).resources.in_replica(on_edge).expect("a request in the replica");
        (state.gpus[gpu as usize].served.as_mut().expect("a serving engine"), id)
    }

    fn enter_prompt(&self, state: &mut State<'w, C>, gpu: u32, job: Job, then: Then) {
        let on_edge = self.is_edge(gpu);
        let State { ledger: Ledger { slots, .. }, gpus, edge, cloud, .. } = state;
        let slot = slots.get_mut(job.slot.index);
        let reserved = self.spec.workload.reserved(&slot.about.request);
        let compute = if on_edge { edge } else { cloud };
        let held = slot.resources.held(on_edge).as_mut().expect("a prompt has a sequence");
        let limit = u32::try_from(reserved).unwrap_or(u32::MAX);
        let request = Request {
            output_tokens: compute.answer_length(held.sequence).unwrap_or(limit),
            output_limit: limit,
            is_session: !matches!(then, Then::Answer),
            ..*held.request.take().expect("a prompt is read once")
        };
        let served = gpus[gpu as usize].served.as_mut().expect("a serving engine");
        let id = served.replica.submit(request);
        held.in_replica = Some(id);
        if served.requests.len() <= id.place() {
            served.requests.resize_with(id.place() + 1, || None);
        }
        served.requests[id.place()] = Some(InReplica { id, slot: job.slot, job: Some(job), rounds: VecDeque::new() });
    }

    /// Lets the engine write on behind the drafts of a session.
    fn write_on(&self, state: &mut State<'w, C>, gpu: u32, job: Job) {
        let sequence = state.ledger.slots.get(job.slot.index).resources.sequence(self.is_edge(gpu));
        let length = state.cloud.answer_length(sequence).unwrap_or_else(|| self.spec.workload.longest_answer());
        self.settle(state, gpu, job.slot);
        let (served, id) = self.replica_of(state, gpu, job.slot);
        served.replica.write_on(id, length);
        served.request(id).expect("a session that is there").job = Some(job);
    }

    /// Tells the replica how far the backend has come with a session. `true` if its newest token is still to be passed.
    fn settle(&self, state: &mut State<'w, C>, gpu: u32, slot: SlotId) -> bool {
        let on_edge = self.is_edge(gpu);
        let sequence = state.ledger.slots.get(slot.index).resources.sequence(on_edge);
        let compute = if on_edge { &state.edge } else { &state.cloud };
        let (answer, own) = (compute.answer_tokens(sequence), compute.is_behind(sequence));
        let (served, id) = self.replica_of(state, gpu, slot);
        served.replica.settle(id, answer - u32::from(own), own);
        own
    }

    /// What came of a job is known. A session that has nothing to do then is told, and its next round begins.
    pub(super) fn end_round(&self, state: &mut State<'w, C>, gpu: u32, slot: SlotId) {
        if self.in_replica(state, gpu, slot).is_some_and(|request| request.job.is_none()) {
            self.settle(state, gpu, slot);
            self.begin_round(state, gpu, slot);
        }
    }

    /// Offers the next round of a session, unless one is under way.
    fn begin_round(&self, state: &mut State<'w, C>, gpu: u32, slot: SlotId) {
        loop {
            let request = self.in_replica(state, gpu, slot).filter(|request| request.job.is_none());
            let Some(job) = request.and_then(|request| request.rounds.pop_front()) else { return };
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
            let (served, id) = self.replica_of(state, gpu, slot);
            // A token that passes with nothing before it is one that the other side has made.
            served.replica.offer(id, if own { drafts } else { drafts.max(1) });
            served.request(id).expect("a session that is there").job = Some(job);
            return;
        }
    }

    /// The job of a request has been done; the next one may be.
    pub(super) fn end_job(&self, state: &mut State<'w, C>, gpu: u32, slot: SlotId) {
        if let Some(request) = self.in_replica(state, gpu, slot) {
            request.job = None;
        }
    }

    /// The request of a GPU's engine that stands for a request in flight, if it is still there.
    fn in_replica<'s>(&self, state: &'s mut State<'w, C>, gpu: u32, slot: SlotId) -> Option<&'s mut InReplica> {
        if !state.ledger.lives(slot) {
            return None;
        }
        let id = state.ledger.slots.get(slot.index).resources.in_replica(self.is_edge(gpu))?;
        state.gpus[gpu as usize].served.as_mut()?.request(id)
    }

    /// Takes a request out of the serving engine of a GPU, if it is still there.
    pub(super) fn leave(&self, state: &mut State<'w, C>, gpu: u32, id: Id) {
        let served = state.gpus[gpu as usize].served.as_mut().expect("a serving engine");
        if served.request(id).is_some() {
            served.requests[id.place()] = None;
            served.replica.cancel(id);
            self.wake(state, gpu);
        }
    }

    /// Puts the work of the next step into the iteration of a GPU.
    pub(super) fn pick_step(&self, state: &mut State<'w, C>, gpu: u32) {
        let on_edge = self.is_edge(gpu);
        let State { ledger: Ledger { slots, .. }, gpus, edge, cloud, .. } = state;
        let compute = if on_edge { edge } else { cloud };
        let this = &mut gpus[gpu as usize];
        let served = this.served.as_mut().expect("a serving engine");
        while this.running.is_empty() {
            if served.steps.is_empty() {
                served.form(&mut this.kv);
            }
            let Some(step) = served.steps.front() else { return };
            let sequence = |slot: SlotId| slots.get(slot.index).resources.sequence(on_edge);
            let known = |id: Id| served.requests[id.place()].as_ref().filter(|request| request.id == id);
            step.preempted.iter().filter_map(|id| known(*id)).for_each(|one| compute.forget(sequence(one.slot)));
            for work in &step.work {
                // It may have ended since the step was formed.
                let Some(InReplica { slot, job: Some(job), .. }) = known(work.id) else { continue };
                this.running.push(item(step, work, *job, compute, sequence(*slot)));
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

/// The item of a piece of work. What was found in the cache need not be computed.
fn item<C: Compute>(step: &Step, work: &Work, job: Job, compute: &mut C, sequence: Sequence) -> Item {
    if work.entry != Entry::Running && work.computed > 0 {
        compute.find(sequence, work.computed);
    }
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
