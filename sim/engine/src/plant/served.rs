//! A serving engine on a GPU, and the part of a request that it has.
//!
//! A prompt enters the engine as a request. Where the engine writes the answer it goes on by itself. Every other request is
//! a session, whose rounds are offered one after the other: drafts to verify, a draft to make, a token to pass through
//! layers (`rounds.rs`). The engine's steps become the GPU's iterations (`steps.rs`). What an iteration costs and brings is
//! the backend's to say, as everywhere.

use super::job::Job;
use crate::ledger::SlotId;
use crate::scheduling::{Remote, Scheduling, settings};
use model::kv::KvPool;
use model::memory::BatchLimits;
use serving::{Admission, Id, Outcome, Piece, Replica, Request, Step};
use std::collections::VecDeque;

/// A replica of an engine, with the steps that it has formed and the jobs of its requests.
pub(crate) struct Served {
    /// It may not know of the last steps; whoever looks at what they change asks for [`Gpu::settled`](super::gpu::Gpu::settled).
    pub(super) replica: Replica,
    /// Steps that are formed, the next one first; at most two, under asynchronous scheduling.
    pub(super) steps: VecDeque<Step>,
    /// The first of them runs.
    pub(super) is_running: bool,
    /// Steps to come that are as the one before.
    pub(super) steady: Steady,
    /// The requests in the replica, by the places of their handles.
    owners: Vec<Option<(Id, SlotId)>>,
    pub(super) remote: Remote,
    /// Requests that were submitted so far, by which they are known to have come one after the other.
    submitted: u64,
    /// Memory to work in: a step that is over, and outcomes.
    over: Step,
    outcomes: Vec<Outcome>,
}

/// Steps that are as the one before (`steady.rs`).
#[derive(Default)]
pub(super) struct Steady {
    /// So many are still to come.
    pub(super) left: u32,
    /// So many have been made that the replica does not know of.
    pub(super) untold: u32,
}

/// A request under a serving engine.
pub(crate) struct InEngine {
    /// Its handle in the replica; none before its prompt has arrived, and between the rounds of a [`Remote::Prefix`].
    pub(super) id: Option<Id>,
    /// The request as it was first submitted, or will be.
    pub(super) request: Request,
    /// Tokens of the answer that the prompt has, where it was submitted again.
    pub(super) quoted: u32,
    /// Its answer is drafted elsewhere, and each batch of drafts is a request of its own.
    pub(super) comes_anew: bool,
    /// The job that the replica works on; none of a session between its rounds.
    pub(super) job: Option<Job>,
    /// Rounds that wait for the one before.
    pub(super) rounds: VecDeque<Job>,
}

impl InEngine {
    /// A request whose prompt is still to come.
    pub(crate) fn new(request: Request) -> Self {
        Self { id: None, request, quoted: 0, comes_anew: false, job: None, rounds: VecDeque::new() }
    }

    /// True if the replica works on a job of it, or rounds of it wait.
    pub(crate) fn has_job(&self) -> bool {
        self.job.is_some() || !self.rounds.is_empty()
    }

    /// Its handle in the replica, if it was ever there.
    pub(crate) fn id(&self) -> Option<Id> {
        self.id
    }

    /// The request with so many tokens of its answer behind its prompt.
    pub(super) fn quoting(&self, answer: u32) -> Request {
        let mut request = self.request.clone();
        request.prompt.extend((answer > 0).then_some(Piece::Text { source: request.answer, tokens: answer }));
        request
    }
}

/// The length of a request, in tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Length {
    pub(crate) prompt: u64,
    /// Tokens of the answer that a server holds its limits against.
    pub(crate) allowed: u64,
    /// Tokens of the answer that memory is set aside for.
    pub(crate) reserved: u64,
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
        let (steps, steady, owners, submitted, over, outcomes) = Default::default();
        Some(Box::new(Self { replica, steps, is_running: false, steady, owners, remote, submitted, over, outcomes }))
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

    /// True if it works for one request, and its free blocks hold so many more tokens of it.
    pub(super) fn is_alone(&self, slot: SlotId, tokens: u32) -> bool {
        let room = u64::from(tokens) + u64::from(self.replica.settings().block_tokens);
        let mut work = self.steps.iter().flat_map(|step| &step.work);
        let Some(id) = work.next().map(|work| work.id) else { return false };
        self.owner(id) == Some(slot)
            && work.all(|work| work.id == id)
            && self.replica.works_only_for(id)
            && self.free_tokens() >= room
    }

    /// Tokens that its free blocks hold.
    pub(crate) fn free_tokens(&self) -> u64 {
        u64::from(self.replica.free_blocks()) * u64::from(self.replica.settings().block_tokens)
    }

    /// True if a request can be served when nobody else is there. Drafts that it verifies may reach behind its end.
    pub(crate) fn could_hold(&self, length: Length, verifies: bool) -> bool {
        /// Drafts of a batch that lie behind the end of an answer, at most.
        const BEHIND_THE_END: u64 = 64;
        let behind = if verifies { BEHIND_THE_END } else { 0 };
        let tokens = length.prompt + length.allowed + behind;
        let settings = self.replica.settings();
        let slots = if self.replica.rules().admission == Admission::Slot { settings.sequences } else { 1 };
        let room = u64::from(settings.blocks / slots) * u64::from(settings.block_tokens);
        let step = if settings.chunked_prompts { u64::MAX } else { settings.step_tokens.into() };
        // An engine that never pauses a request sets the longest answer aside.
        let sets_aside = self.replica.rules().admission == Admission::Answer;
        // A batch that is a request of its own has the answer so far in its prompt.
        let quoted = if verifies && self.remote == Remote::Prefix { length.allowed } else { 0 };
        let aside = length.prompt + quoted + length.allowed.max(length.reserved) + behind;
        let held = if sets_aside { aside } else { tokens };
        held <= room && tokens <= step
    }

    /// The request in flight that a handle stands for, if it is still there.
    pub(super) fn owner(&self, id: Id) -> Option<SlotId> {
        self.owners.get(id.place())?.filter(|(known, _)| *known == id).map(|(_, slot)| slot)
    }

    /// Queues a request in the replica.
    pub(super) fn submit(&mut self, request: Request, slot: SlotId) -> Id {
        self.submitted += 1;
        let id = self.replica.submit(Request { arrival: self.submitted, ..request });
        if self.owners.len() <= id.place() {
            self.owners.resize(id.place() + 1, None);
        }
        self.owners[id.place()] = Some((id, slot));
        id
    }

    /// Takes a request out of the replica, if it is still there.
    pub(super) fn cancel(&mut self, id: Id) {
        if self.owner(id).is_some() {
            self.owners[id.place()] = None;
            self.replica.cancel(id);
        }
    }

    /// Forms a step, if there is anything to do.
    pub(super) fn form(&mut self, kv: &mut KvPool) {
        let step = self.replica.schedule_in(std::mem::take(&mut self.over));
        self.note_use(kv);
        if !step.work.is_empty() || !step.preempted.is_empty() {
            self.steps.push_back(step);
        } else {
            self.over = step;
        }
    }

    /// Forms the step behind the one that runs, under asynchronous scheduling.
    pub(super) fn form_ahead(&mut self, kv: &mut KvPool) {
        if self.is_running && self.replica.rules().asynchronous && self.steps.len() < 2 {
            self.form(kv);
        }
    }

    /// Notes the memory that is held.
    pub(super) fn note_use(&self, kv: &mut KvPool) {
        let held = self.replica.settings().blocks - self.replica.free_blocks();
        kv.note_use(u64::from(held) * u64::from(self.replica.settings().block_tokens));
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
