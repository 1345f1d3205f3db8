//! The part of the plant that changes during a run.

use super::gpu::{Gpu, Kind};
use super::job::Job;
use super::link::{Direction, Outbox};
use super::message::Message;
use super::resources::Resources;
use super::served::Served;
use crate::ledger::Ledger;
use crate::scheduling::Remote;
use crate::spec::{CloudSpec, EdgeSpec, RunSpec};
use backends::{Compute, Done};
use kernel::{FifoServer, Numbered, Streams};
use model::{energy::Power, kv::KvPool};
use std::collections::VecDeque;
use std::rc::Rc;
use units::SimTime;

/// The ledger of requests beside messages, GPUs, processors and links.
pub(crate) struct State<'w, C> {
    pub(crate) ledger: Ledger<'w, Resources>,
    pub(crate) messages: Numbered<Message>,
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
    /// Room to work in.
    pub(crate) held_back: VecDeque<Job>,
    pub(crate) done: Vec<Done>,
    pub(crate) outbox: Outbox,
}

impl<'w, C: Compute> State<'w, C> {
    pub(crate) fn new(
        spec: &RunSpec,
        streams: Streams,
        [edge_kv, cloud_kv]: [KvPool; 2],
        [edge, cloud]: [C; 2],
        ledger: Ledger<'w, Resources>,
    ) -> Self {
        let link = spec.link.in_replication(spec.replication);
        let kind = |tier: &backends::Tier, limits| {
            Rc::new(Kind {
                limits,
                batches: tier.engine.batches,
                power: Power::new(&tier.device).times(tier.parallel.tensor),
            })
        };
        let on_edge = kind(&spec.edge.tier, spec.edge.limits);
        let in_cloud = kind(&spec.cloud.tier, spec.cloud.limits);
        let edge_engine = || {
            let EdgeSpec { tier, limits, scheduling, .. } = &spec.edge;
            Served::new(scheduling, *limits, &edge_kv, tier.model.context_window, Remote::Held)
        };
        let cloud_engine = || {
            let CloudSpec { tier, limits, scheduling, remote, .. } = &spec.cloud;
            Served::new(scheduling, *limits, &cloud_kv, tier.model.context_window, *remote)
        };
        let edges = (0..spec.edge.count).map(|_| Gpu::new(on_edge.clone(), edge_kv.clone(), edge_engine()));
        let clouds = (0..spec.cloud.servers()).map(|_| Gpu::new(in_cloud.clone(), cloud_kv.clone(), cloud_engine()));
        Self {
            ledger,
            messages: Numbered::default(),
            gpus: edges.chain(clouds).collect(),
            requests: vec![0; (spec.edge.count + spec.cloud.servers()) as usize],
            edge_cpus: (0..spec.edge.count).map(|_| FifoServer::new(spec.edge.cpu_workers)).collect(),
            edge,
            cloud,
            up: Direction::new(&link, true, spec.edge.count, streams),
            down: Direction::new(&link, false, spec.edge.count, streams),
            uplink_due: None,
            downlink_due: None,
            held_back: VecDeque::new(),
            done: Vec::new(),
            outbox: Outbox::default(),
        }
    }

    /// A direction of the link, and room for what comes of looking at it.
    pub(crate) fn direction(&mut self, up: bool) -> (&mut Direction, &mut Outbox) {
        (if up { &mut self.up } else { &mut self.down }, &mut self.outbox)
    }
}
