//! The virtual testbed: edges, link and cloud as one state, and what every event does to it.

use crate::bed::Price;
use crate::gpu::{Gpu, Job, Pick, Task, Then};
use crate::invariants::Violation;
use crate::link::{Direction, Left, Traffic};
use crate::metrics::Metrics;
use crate::recorder::{Recorder, Side, StepRecord};
use crate::slot::{Body, Held, Message, Slab, Slot, SlotId, Work as Share};
use crate::spec::RunSpec;
use backends::{Compute, Done, Work};
use kernel::{FifoServer, Kernel, Phase, Streams, Target};
use model::{
    accuracy::AccuracyModel,
    decoding::{Token, Verdict},
    energy::{Activity, Power},
    kv::{KvPool, KvSequence},
};
use std::cell::RefCell;
use std::collections::VecDeque;
use units::{Bytes, SimTime};

/// Bytes of a token id on the wire.
pub(crate) const TOKEN_BYTES: Bytes = Bytes::new(8);

/// Lanes of the event queue: what happens at once, and what arrives over each direction of the link.
const NOW: Option<u8> = Some(0);
const UP: Option<u8> = Some(1);
const DOWN: Option<u8> = Some(2);

/// What an event is for, packed into a component code: four bits of kind, nineteen of index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The next request of an open loop.
    Arrival,
    /// A GPU may form its next batch.
    Batch(u32),
    /// A GPU's iteration is complete.
    Iteration(u32),
    /// A message has arrived at the cloud.
    AtCloud(u32),
    /// A message has arrived at the edge.
    AtEdge(u32),
    /// A shared uplink has a message that has left, or another rate.
    Uplink,
    /// A shared downlink likewise.
    Downlink,
}

const INDEX_BITS: u32 = 19;

impl Event {
    fn target(self) -> Target {
        let (kind, index) = match self {
            Self::Arrival => (0, 0),
            Self::Batch(gpu) => (1, gpu),
            Self::Iteration(gpu) => (2, gpu),
            Self::AtCloud(message) => (3, message),
            Self::AtEdge(message) => (4, message),
            Self::Uplink => (5, 0),
            Self::Downlink => (6, 0),
        };
        assert!(index < 1 << INDEX_BITS, "more than {} GPUs or messages at once", 1 << INDEX_BITS);
        Target::component(kind << INDEX_BITS | index)
    }

    pub(crate) fn decode(code: u32) -> Self {
        let index = code & ((1 << INDEX_BITS) - 1);
        match code >> INDEX_BITS {
            0 => Self::Arrival,
            1 => Self::Batch(index),
            2 => Self::Iteration(index),
            3 => Self::AtCloud(index),
            4 => Self::AtEdge(index),
            5 => Self::Uplink,
            6 => Self::Downlink,
            kind => unreachable!("no event of kind {kind}"),
        }
    }
}

/// What does not change during a run.
pub(crate) struct World<'w, C> {
    pub(crate) kernel: &'w Kernel,
    pub(crate) spec: &'w RunSpec,
    pub(crate) streams: Streams,
    pub(crate) edge_prices: Price,
    pub(crate) cloud_prices: Price,
    pub(crate) accuracy: AccuracyModel,
    pub(crate) state: RefCell<State<'w, C>>,
}

/// What does.
pub(crate) struct State<'w, C> {
    pub(crate) slots: Slab<Slot>,
    generation: u32,
    pub(crate) messages: Slab<Message>,
    /// Edges first, then the cloud's.
    pub(crate) gpus: Vec<Gpu>,
    pub(crate) edge_cpus: Vec<FifoServer>,
    pub(crate) edge: C,
    pub(crate) cloud: C,
    pub(crate) up: Direction,
    pub(crate) down: Direction,
    uplink_due: Option<SimTime>,
    downlink_due: Option<SimTime>,
    pub(crate) metrics: Metrics,
    pub(crate) recorder: &'w mut dyn Recorder,
    held_back: VecDeque<Job>,
    left: Vec<Left>,
}

impl<'w, C: Compute> State<'w, C> {
    pub(crate) fn new(
        spec: &RunSpec,
        streams: Streams,
        [edge_kv, cloud_kv]: [KvPool; 2],
        [edge, cloud]: [C; 2],
        recorder: &'w mut dyn Recorder,
    ) -> Self {
        let gpu = |tier: &backends::Tier, limits, kv: &KvPool| {
            Gpu::new(kv.clone(), limits, tier.engine.batches, Power::new(&tier.device))
        };
        let edges = (0..spec.edge.count).map(|_| gpu(&spec.edge.tier, spec.edge.limits, &edge_kv));
        let clouds = (0..spec.cloud.gpus).map(|_| gpu(&spec.cloud.tier, spec.cloud.limits, &cloud_kv));
        Self {
            slots: Slab::default(),
            generation: 0,
            messages: Slab::default(),
            gpus: edges.chain(clouds).collect(),
            edge_cpus: (0..spec.edge.count).map(|_| FifoServer::new(spec.edge.cpu_workers)).collect(),
            edge,
            cloud,
            up: Direction::new(&spec.link, &spec.link.up, streams, "link/up"),
            down: Direction::new(&spec.link, &spec.link.down, streams, "link/down"),
            uplink_due: None,
            downlink_due: None,
            metrics: Metrics::default(),
            recorder,
            held_back: VecDeque::new(),
            left: Vec::new(),
        }
    }

    pub(crate) fn insert(&mut self, slot: Slot) -> SlotId {
        self.generation += 1;
        let generation = self.generation;
        SlotId { index: self.slots.insert(Slot { generation, ..slot }), generation }
    }

    /// Whether a request is still in flight.
    fn lives(&self, id: SlotId) -> bool {
        self.slots.find(id.index).is_some_and(|slot| slot.generation == id.generation)
    }

    pub(crate) fn traffic(&self) -> [Traffic; 2] {
        [self.up.traffic, self.down.traffic]
    }
}

impl<'w, C: Compute> World<'w, C> {
    fn edges(&self) -> u32 {
        self.spec.edge.count
    }

    fn is_edge(&self, gpu: u32) -> bool {
        gpu < self.edges()
    }

    /// Gives a job to a GPU.
    #[inline]
    pub(crate) fn submit(&self, state: &mut State<'w, C>, gpu: u32, slot: SlotId, task: Task) {
        if state.gpus[gpu as usize].submit(slot, task) {
            self.schedule_batch(gpu);
        }
    }

    fn schedule_batch(&self, gpu: u32) {
        self.kernel.schedule(self.kernel.now(), Phase::Batch, Event::Batch(gpu).target(), NOW);
    }

    /// Sends a message to the cloud, of a request that pays for it.
    pub(crate) fn send_up(&self, state: &mut State<'w, C>, slot: SlotId, payload: Bytes, body: Body) -> u32 {
        let now = self.kernel.now();
        let message = state.messages.insert(Message { slot, wire: Bytes::ZERO, body });
        let sending = state.up.send(now, slot.generation, message, payload);
        state.messages.get_mut(message).wire = sending.wire;
        state.slots.get_mut(slot.index).tally.uplink += sending.wire;
        match sending.arrival {
            Some(arrival) => self.kernel.schedule(arrival, Phase::Happen, Event::AtCloud(message).target(), UP),
            None => self.watch_uplink(state),
        }
        message
    }

    /// Sends a message that is there back to the edge.
    pub(crate) fn send_down(&self, state: &mut State<'w, C>, message: u32, payload: Bytes) {
        let now = self.kernel.now();
        let slot = state.messages.get(message).slot;
        let sending = state.down.send(now, slot.generation, message, payload);
        state.messages.get_mut(message).wire = sending.wire;
        if state.lives(slot) {
            state.slots.get_mut(slot.index).tally.downlink += sending.wire;
        }
        match sending.arrival {
            Some(arrival) => self.kernel.schedule(arrival, Phase::Happen, Event::AtEdge(message).target(), DOWN),
            None => self.watch_downlink(state),
        }
    }

    fn watch_uplink(&self, state: &mut State<'w, C>) {
        let due = state.up.next_event();
        self.watch(due, &mut state.uplink_due, Event::Uplink);
    }

    fn watch_downlink(&self, state: &mut State<'w, C>) {
        let due = state.down.next_event();
        self.watch(due, &mut state.downlink_due, Event::Downlink);
    }

    /// Schedules a look at a shared link, unless one is due by then. A look that comes too early only looks again.
    fn watch(&self, next: Option<SimTime>, due: &mut Option<SimTime>, event: Event) {
        let Some(next) = next else { return };
        if due.is_none_or(|due| next < due) {
            *due = Some(next);
            self.kernel.schedule(next, Phase::Happen, event.target(), None);
        }
    }

    /// Forms a GPU's next batch and starts it.
    fn form_batch(&self, gpu: u32) {
        let state = &mut *self.state.borrow_mut();
        self.pick(state, gpu);
        let now = self.kernel.now();
        let on_edge = self.is_edge(gpu);
        let State { gpus, slots, messages, edge, cloud, .. } = state;
        let this = &mut gpus[gpu as usize];
        if this.running.is_empty() {
            this.server.rest();
            return;
        }
        let compute = if on_edge { edge } else { cloud };
        let mut prefills = false;
        let work = this.running.iter().map(|&(job, chunk)| {
            let slot = slots.get(job.slot.index);
            let held = if on_edge { &slot.on_edge } else { &slot.on_cloud };
            let work = match job.task {
                Task::Probe { .. } => Work::Probe,
                Task::Prefill { then, .. } => Work::Prefill { tokens: chunk, answer: matches!(then, Then::Answer) },
                Task::Answer => Work::Decode,
                Task::Draft { .. } => Work::Draft,
                Task::Verify { message } => {
                    let Body::Drafts(drafts) = &messages.get(message).body else { unreachable!("drafts to verify") };
                    Work::Verify { drafts: &drafts.tokens, bonus: drafts.bonus }
                }
                Task::Lower { .. } => Work::LowerLayers,
                Task::Upper { .. } => Work::UpperLayers,
            };
            prefills |= matches!(work, Work::Probe | Work::Prefill { .. })
                || matches!(job.task, Task::Lower { first: true, .. } | Task::Upper { first: true, .. });
            (held.as_ref().expect("a sequence").sequence, work)
        });
        let cost = compute.run(work, &mut this.done);
        this.activity = if prefills { Activity::Prefill } else { Activity::Decode };
        let end = this.server.start(now, cost.duration);
        this.busy.add(this.activity, cost.duration);
        this.flop += cost.flop;
        let joules = (this.power.above_idle(this.activity) * cost.duration).as_f64();
        let items = this.running.len();
        let share = Share {
            busy: cost.duration / items as u64,
            flop: cost.flop * (1.0 / items as f64),
            joules: joules / items as f64,
        };
        for (job, _) in &this.running {
            let tally = &mut slots.get_mut(job.slot.index).tally;
            if on_edge { tally.edge.add(&share) } else { tally.cloud.add(&share) }
        }
        if state.recorder.wants_steps() {
            self.record_steps(state, gpu, cost.duration);
        }
        self.kernel.schedule(end, Phase::Happen, Event::Iteration(gpu).target(), None);
    }

    /// Moves the items of the next iteration from the queues of a GPU to its running ones.
    fn pick(&self, state: &mut State<'w, C>, gpu: u32) {
        if !state.gpus[gpu as usize].batches() {
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
        let most = state.gpus[gpu as usize].limits.items as usize;
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
        if let Task::Verify { message } = job.task {
            if self.is_void(state, message) {
                self.drop_drafts(state, message);
                return;
            }
            let running = &state.gpus[gpu as usize].running;
            if running.iter().any(|(other, _)| other.slot == job.slot) {
                state.held_back.push_back(job);
                return;
            }
        }
        state.gpus[gpu as usize].running.push((job, 1));
    }

    /// Takes the first prompt's next chunk, or a probe. `false` if a prompt has to wait for memory.
    fn pick_prompt(&self, state: &mut State<'w, C>, gpu: u32) -> bool {
        let on_edge = self.is_edge(gpu);
        let State { gpus, slots, edge, cloud, .. } = state;
        let this = &mut gpus[gpu as usize];
        let Some(job) = this.prompts.front().copied() else { return true };
        if !matches!(job.task, Task::Probe { .. }) {
            let slot = slots.get_mut(job.slot.index);
            let (held, compute) = if on_edge { (&mut slot.on_edge, edge) } else { (&mut slot.on_cloud, cloud) };
            let held = held.as_mut().expect("a prompt has a sequence");
            if held.kv.is_none() {
                let prompt = u64::from(compute.prompt_tokens(held.sequence));
                held.kv = this.kv.allocate(prompt + u64::from(self.spec.workload.max_output_tokens));
                if held.kv.is_none() {
                    return false;
                }
            }
        }
        let chunk = match job.task {
            Task::Prefill { left, .. } if this.batches() => left.min(this.limits.chunk_tokens as u32),
            Task::Prefill { left, .. } => left,
            _ => 1,
        };
        this.prompts.pop_front();
        this.running.push((job, chunk));
        true
    }

    /// A batch of drafts is void if its request has ended or a token before it has been rejected.
    fn is_void(&self, state: &State<'w, C>, message: u32) -> bool {
        let Message { slot, body: Body::Drafts(drafts), .. } = state.messages.get(message) else {
            unreachable!("drafts to verify")
        };
        !state.lives(*slot) || state.slots.get(slot.index).cloud.epoch != drafts.epoch
    }

    /// Drops a void batch: there will be no verdict. Its message stays until the edge has given it up too.
    fn drop_drafts(&self, state: &mut State<'w, C>, message: u32) {
        let Body::Drafts(drafts) = &mut state.messages.get_mut(message).body else { unreachable!("drafts to drop") };
        drafts.dropped = true;
        if drafts.abandoned {
            self.forget_drafts(state, message);
        }
    }

    /// Forgets drafts that both sides have given up, and gives their wait back.
    pub(crate) fn forget_drafts(&self, state: &mut State<'w, C>, message: u32) {
        let Body::Drafts(drafts) = state.messages.remove(message).body else { unreachable!("drafts to forget") };
        self.kernel.fire(drafts.wait);
    }

    /// Bytes of a token's hidden state between the layers of the cloud's model.
    pub(crate) fn hidden_bytes(&self) -> Bytes {
        Bytes::new(self.spec.cloud.tier.model.hidden * 2)
    }

    /// Gives up a request's sequence on its edge.
    pub(crate) fn close_on_edge(&self, state: &mut State<'w, C>, id: SlotId) {
        let slot = state.slots.get_mut(id.index);
        let Some(held) = slot.on_edge.take() else { return };
        let gpu = slot.edge;
        state.edge.close(held.sequence);
        self.give_back(state, gpu, held.kv);
    }

    /// Gives up a request's sequence in the cloud.
    pub(crate) fn close_on_cloud(&self, state: &mut State<'w, C>, id: SlotId) {
        let slot = state.slots.get_mut(id.index);
        let Some(held) = slot.on_cloud.take() else { return };
        let gpu = slot.cloud.gpu.expect("a sequence in the cloud has a GPU");
        state.cloud.close(held.sequence);
        self.give_back(state, gpu, held.kv);
    }

    /// Gives blocks back to a GPU, and wakes the prompts that wait for memory there.
    fn give_back(&self, state: &mut State<'w, C>, gpu: u32, kv: Option<KvSequence>) {
        let this = &mut state.gpus[gpu as usize];
        this.requests -= 1;
        if let Some(kv) = kv {
            this.kv.free(kv);
        }
        if !this.prompts.is_empty() && this.server.poke() {
            self.schedule_batch(gpu);
        }
    }

    /// An iteration is complete.
    fn end_iteration(&self, gpu: u32) {
        let state = &mut *self.state.borrow_mut();
        let this = &mut state.gpus[gpu as usize];
        this.server.finish(self.kernel.now());
        let mut running = std::mem::take(&mut this.running);
        let mut done = std::mem::take(&mut this.done);
        for (&(job, chunk), &done) in running.iter().zip(&done) {
            self.end_item(state, gpu, job, chunk, done);
        }
        running.clear();
        done.clear();
        let this = &mut state.gpus[gpu as usize];
        (this.running, this.done) = (running, done);
        if !this.is_quiet() && this.server.poke() {
            self.schedule_batch(gpu);
        }
    }

    #[inline]
    fn end_item(&self, state: &mut State<'w, C>, gpu: u32, job: Job, chunk: u32, done: Done) {
        match job.task {
            Task::Draft { wait } | Task::Probe { wait } | Task::Lower { wait, .. } => {
                state.slots.get_mut(job.slot.index).edge_done = done;
                self.kernel.fire(wait);
            }
            Task::Prefill { left, then } if left > chunk => {
                state.gpus[gpu as usize].resume(Job { task: Task::Prefill { left: left - chunk, then }, ..job });
            }
            Task::Prefill { then, .. } => self.end_prompt(state, gpu, job, then, done),
            Task::Answer => {
                let Done::Token(token) = done else { unreachable!("a decode step makes a token") };
                self.emit(state, gpu, job.slot, token);
                if !token.ends {
                    state.gpus[gpu as usize].resume(job);
                }
            }
            Task::Verify { message } => self.end_verify(state, job.slot, message, done),
            Task::Upper { message, .. } => {
                let (Done::Token(made), Body::Hidden { token, .. }) = (done, &mut state.messages.get_mut(message).body)
                else {
                    unreachable!("the upper layers make a token")
                };
                *token = made;
                self.send_down(state, message, TOKEN_BYTES);
            }
        }
    }

    fn end_prompt(&self, state: &mut State<'w, C>, gpu: u32, job: Job, then: Then, done: Done) {
        match then {
            Then::Fire(wait) => self.kernel.fire(wait),
            Then::Answer => {
                let Done::Token(token) = done else { unreachable!("the prompt's last chunk makes a token") };
                self.emit(state, gpu, job.slot, token);
                if !token.ends {
                    state.gpus[gpu as usize].resume(Job { task: Task::Answer, ..job });
                }
            }
            Then::Open => {
                if !state.lives(job.slot) {
                    return;
                }
                let slot = state.slots.get_mut(job.slot.index);
                slot.cloud.ready = true;
                for message in std::mem::take(&mut slot.cloud.parked) {
                    self.submit(state, gpu, job.slot, Task::Verify { message });
                }
            }
        }
    }

    /// A token of an answer has been made.
    fn emit(&self, state: &mut State<'w, C>, gpu: u32, id: SlotId, token: Token) {
        if self.is_edge(gpu) {
            self.commit(state, id, 1, self.kernel.now());
            if token.ends {
                self.answered(state, id);
            }
            return;
        }
        let message = state.messages.insert(Message { slot: id, wire: Bytes::ZERO, body: Body::Token(token) });
        self.send_down(state, message, TOKEN_BYTES);
    }

    fn end_verify(&self, state: &mut State<'w, C>, id: SlotId, message: u32, done: Done) {
        let Done::Verified { accepted, ends } = done else { unreachable!("drafts were verified") };
        if self.is_void(state, message) {
            // It was in this very iteration when its request ended.
            return self.drop_drafts(state, message);
        }
        let State { slots, messages, cloud, .. } = state;
        let slot = slots.get_mut(id.index);
        let Body::Drafts(drafts) = &mut messages.get_mut(message).body else { unreachable!("drafts were verified") };
        let committed = cloud.answer_tokens(slot.on_cloud.as_ref().expect("a sequence").sequence);
        let drafted = drafts.tokens.len() as u32;
        let verdict = Verdict { accepted, drafted, committed, ends, at: SimTime::ZERO };
        if verdict.rejects() {
            slot.cloud.epoch += 1;
        }
        drafts.verdict = Some(verdict);
        // The number of accepted drafts and the target's own token.
        self.send_down(state, message, TOKEN_BYTES * 2);
    }

    /// A message has arrived at the cloud.
    fn at_cloud(&self, message: u32) {
        let state = &mut *self.state.borrow_mut();
        let wire = state.messages.get(message).wire;
        state.up.receive(wire);
        let slot = state.messages.get(message).slot;
        match &state.messages.get(message).body {
            Body::Input { answer } => {
                let then = if *answer { Then::Answer } else { Then::Open };
                state.messages.remove(message);
                if state.lives(slot) {
                    let (gpu, left) = self.open_on_cloud(state, slot);
                    self.submit(state, gpu, slot, Task::Prefill { left, then });
                }
            }
            Body::Drafts(_) if self.is_void(state, message) => self.drop_drafts(state, message),
            Body::Drafts(_) => {
                let cloud = &mut state.slots.get_mut(slot.index).cloud;
                match cloud.gpu {
                    Some(gpu) if cloud.ready => self.submit(state, gpu, slot, Task::Verify { message }),
                    _ => cloud.parked.push(message),
                }
            }
            Body::Hidden { .. } => {
                let (gpu, first) = match state.slots.get(slot.index).cloud.gpu {
                    Some(gpu) => (gpu, false),
                    None => (self.open_on_cloud(state, slot).0, true),
                };
                self.submit(state, gpu, slot, Task::Upper { first, message });
            }
            Body::Token(_) => unreachable!("tokens go down"),
        }
    }

    /// Gives a request a GPU of the cloud, the one with the fewest requests, and opens its sequence there.
    fn open_on_cloud(&self, state: &mut State<'w, C>, id: SlotId) -> (u32, u32) {
        let edges = self.edges();
        let requests = |gpu: &u32| state.gpus[*gpu as usize].requests;
        let gpu = (edges..state.gpus.len() as u32).min_by_key(requests).expect("the cloud has a GPU");
        state.gpus[gpu as usize].requests += 1;
        let slot = state.slots.get_mut(id.index);
        let sequence = state.cloud.open(&slot.request, &slot.input);
        slot.on_cloud = Some(Held { sequence, kv: None });
        slot.cloud.gpu = Some(gpu);
        (gpu, state.cloud.prompt_tokens(sequence))
    }

    /// A message has arrived at the edge.
    fn at_edge(&self, message: u32) {
        let state = &mut *self.state.borrow_mut();
        let now = self.kernel.now();
        let wire = state.messages.get(message).wire;
        state.down.receive(wire);
        let slot = state.messages.get(message).slot;
        match &mut state.messages.get_mut(message).body {
            Body::Token(token) => {
                let token = *token;
                state.messages.remove(message);
                self.commit(state, slot, 1, now);
                if token.ends {
                    self.answered(state, slot);
                }
            }
            Body::Hidden { wait, token } => {
                let (wait, token) = (*wait, *token);
                state.messages.remove(message);
                state.slots.get_mut(slot.index).edge_done = Done::Token(token);
                self.commit(state, slot, 1, now);
                self.kernel.fire(wait);
            }
            Body::Drafts(drafts) => {
                drafts.verdict.as_mut().expect("a verdict").at = now;
                let wait = drafts.wait;
                if drafts.abandoned {
                    self.forget_drafts(state, message);
                } else {
                    self.kernel.fire(wait);
                }
            }
            Body::Input { .. } => unreachable!("inputs go up"),
        }
    }

    /// Commits tokens at the edge.
    #[inline]
    pub(crate) fn commit(&self, state: &mut State<'w, C>, id: SlotId, tokens: u32, at: SimTime) {
        if tokens == 0 {
            return;
        }
        let gap = state.slots.get_mut(id.index).commit(tokens, at);
        if let Some(gap) = gap {
            state.metrics.itl.record(gap);
        }
        if tokens > 1 {
            state.metrics.itl.record_n(units::SimDuration::ZERO, u64::from(tokens - 1));
        }
    }

    fn answered(&self, state: &mut State<'w, C>, id: SlotId) {
        let wait = state.slots.get_mut(id.index).answered.take().expect("somebody awaits the answer");
        self.kernel.fire(wait);
    }

    fn look_at_link(&self, up: bool) {
        let state = &mut *self.state.borrow_mut();
        let now = self.kernel.now();
        let due = if up { &mut state.uplink_due } else { &mut state.downlink_due };
        if *due == Some(now) {
            *due = None;
        }
        let mut left = std::mem::take(&mut state.left);
        let direction = if up { &mut state.up } else { &mut state.down };
        direction.take_left(now, &mut left);
        for Left { message, arrival } in left.drain(..) {
            let (event, lane) = if up { (Event::AtCloud(message), UP) } else { (Event::AtEdge(message), DOWN) };
            self.kernel.schedule(arrival, Phase::Happen, event.target(), lane);
        }
        state.left = left;
        if up { self.watch_uplink(state) } else { self.watch_downlink(state) }
    }

    fn record_steps(&self, state: &mut State<'w, C>, gpu: u32, duration: units::SimDuration) {
        let on_edge = self.is_edge(gpu);
        let (side, index) = if on_edge { (Side::Edge, gpu) } else { (Side::Cloud, gpu - self.edges()) };
        let State { gpus, slots, messages, edge, cloud, recorder, .. } = state;
        let this = &gpus[gpu as usize];
        let compute = if on_edge { edge } else { cloud };
        for &(job, chunk) in &this.running {
            let slot = slots.get(job.slot.index);
            let held = if on_edge { &slot.on_edge } else { &slot.on_cloud };
            let sequence = held.as_ref().expect("a sequence").sequence;
            let whole = compute.prompt_tokens(sequence);
            let (kind, tokens) = match job.task {
                Task::Probe { .. } => ("probe", 0),
                Task::Prefill { .. } => ("prefill", chunk),
                Task::Answer => ("decode", 1),
                Task::Draft { .. } => ("draft", 1),
                Task::Verify { message } => match &messages.get(message).body {
                    Body::Drafts(drafts) => ("verify", drafts.tokens.len() as u32 + 1),
                    _ => unreachable!("drafts to verify"),
                },
                Task::Lower { first, .. } => ("lower_layers", if first { whole } else { 1 }),
                Task::Upper { first, .. } => ("upper_layers", if first { whole } else { 1 }),
            };
            recorder.step(&StepRecord {
                request: slot.request.prompt.request,
                side,
                gpu: index,
                kind,
                tokens,
                context_tokens: compute.context(sequence),
                batch: this.running.len() as u32,
                start: self.kernel.now(),
                duration,
            });
        }
    }

    /// Schedules the next arrival of an open loop.
    pub(crate) fn schedule_arrival(&self, at: SimTime) {
        self.kernel.schedule(at, Phase::Happen, Event::Arrival.target(), None);
    }

    /// What an event for a component does.
    #[inline]
    pub(crate) fn handle(&self, event: Event) {
        match event {
            Event::Arrival => unreachable!("arrivals are the run's"),
            Event::Batch(gpu) => self.form_batch(gpu),
            Event::Iteration(gpu) => self.end_iteration(gpu),
            Event::AtCloud(message) => self.at_cloud(message),
            Event::AtEdge(message) => self.at_edge(message),
            Event::Uplink => self.look_at_link(true),
            Event::Downlink => self.look_at_link(false),
        }
    }

    /// What must hold at the end of a run.
    pub(crate) fn check(&self, waiting: usize) -> Result<(), Violation> {
        crate::invariants::check(&self.state.borrow(), self.kernel.now(), waiting)
    }
}
