//! What changes during a run.

use crate::gpu::{Gpu, Job, Kind};
use crate::link::{Direction, Left, Traffic};
use crate::metrics::Metrics;
use crate::recorder::{Recorder, TokenRecord};
use crate::slot::{Message, Slab, Slot, SlotId};
use crate::spec::RunSpec;
use crate::watch::Watch;
use backends::{Compute, Done};
use kernel::{FifoServer, Streams};
use model::{energy::Power, kv::KvPool};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use units::SimTime;

/// Requests in flight, messages, GPUs, links and what has been counted so far.
pub(crate) struct State<'w, C> {
    pub(crate) slots: Slab<Slot>,
    generation: u32,
    pub(crate) messages: Slab<Message>,
    /// Edges first, then the cloud's.
    pub(crate) gpus: Vec<Gpu>,
    /// Requests that are assigned to each GPU; apart, so that the least busy one is found in a few cache lines.
    pub(crate) requests: Vec<u32>,
    pub(crate) edge_cpus: Vec<FifoServer>,
    pub(crate) edge: C,
    pub(crate) cloud: C,
    pub(crate) up: Direction,
    pub(crate) down: Direction,
    pub(crate) uplink_due: Option<SimTime>,
    pub(crate) downlink_due: Option<SimTime>,
    pub(crate) metrics: Metrics,
    pub(crate) recorder: &'w mut dyn Recorder,
    /// What the recorder says, asked once.
    pub(crate) wants_steps: bool,
    pub(crate) wants_tokens: bool,
    /// Rows of the token log, by the message of their batch, until there is a verdict.
    pub(crate) logs: BTreeMap<u32, Vec<TokenRecord>>,
    /// The requests whose spans the recorder wants.
    pub(crate) watch: Watch,
    /// Room to work in.
    pub(crate) held_back: VecDeque<Job>,
    pub(crate) done: Vec<Done>,
    pub(crate) left: Vec<Left>,
}

impl<'w, C: Compute> State<'w, C> {
    pub(crate) fn new(
        spec: &RunSpec,
        streams: Streams,
        [edge_kv, cloud_kv]: [KvPool; 2],
        [edge, cloud]: [C; 2],
        recorder: &'w mut dyn Recorder,
    ) -> Self {
        let kind = |tier: &backends::Tier, limits| {
            Rc::new(Kind { limits, batches: tier.engine.batches, power: Power::new(&tier.device) })
        };
        let on_edge = kind(&spec.edge.tier, spec.edge.limits);
        let in_cloud = kind(&spec.cloud.tier, spec.cloud.limits);
        let edges = (0..spec.edge.count).map(|_| Gpu::new(on_edge.clone(), edge_kv.clone()));
        let clouds = (0..spec.cloud.gpus).map(|_| Gpu::new(in_cloud.clone(), cloud_kv.clone()));
        Self {
            slots: Slab::default(),
            generation: 0,
            messages: Slab::default(),
            gpus: edges.chain(clouds).collect(),
            requests: vec![0; (spec.edge.count + spec.cloud.gpus) as usize],
            edge_cpus: (0..spec.edge.count).map(|_| FifoServer::new(spec.edge.cpu_workers)).collect(),
            edge,
            cloud,
            up: Direction::new(&spec.link, &spec.link.up, streams, "link/up"),
            down: Direction::new(&spec.link, &spec.link.down, streams, "link/down"),
            uplink_due: None,
            downlink_due: None,
            metrics: Metrics::default(),
            wants_steps: recorder.wants_steps(),
            wants_tokens: recorder.wants_tokens(),
            logs: BTreeMap::new(),
            recorder,
            watch: Watch::default(),
            held_back: VecDeque::new(),
            done: Vec::new(),
            left: Vec::new(),
        }
    }

    pub(crate) fn insert(&mut self, slot: Slot) -> SlotId {
        self.generation += 1;
        let generation = self.generation;
        SlotId { index: self.slots.insert(Slot { generation, ..slot }), generation }
    }

    /// Whether a request is still in flight.
    pub(crate) fn lives(&self, id: SlotId) -> bool {
        self.slots.find(id.index).is_some_and(|slot| slot.generation == id.generation)
    }

    /// Writes the rows of the batch of a message, if a log is kept.
    #[inline]
    pub(crate) fn end_log(&mut self, message: u32, accepted: Option<u32>) {
        if let Some(mut log) = self.logs.remove(&message) {
            self.write_log(&mut log, accepted);
        }
    }

    /// Writes the rows of a batch: with so many of its tokens accepted, or without a verdict.
    pub(crate) fn write_log(&mut self, log: &mut [TokenRecord], accepted: Option<u32>) {
        for (place, row) in log.iter_mut().enumerate() {
            row.verified &= accepted.is_some();
            row.accepted = (place as u32) < accepted.unwrap_or(0);
            self.recorder.token(row);
        }
    }

    pub(crate) fn traffic(&self) -> [Traffic; 2] {
        [self.up.traffic, self.down.traffic]
    }
}
