//! The part of the plant that changes during a run.

use super::fleet::Fleet;
use super::gpu::{Gpu, Kind, Worked};
use super::job::Job;
use super::link::{Direction, Outbox, Traffic};
use super::message::Message;
use super::pictures::PictureHost;
use super::queue::Desk;
use super::reports::{Load, Reports};
use super::requests::Requests;
use super::resources::Resources;
use super::served::Served;
use crate::ledger::Ledger;
use crate::models::Models;
use crate::scheduling::Remote;
use crate::spec::{CloudSpec, EdgeSpec, RunSpec};
use backends::{Compute, Done, Tier};
use kernel::{FifoServer, Numbered, Streams};
use model::{energy::Power, kv::KvPool, memory::BatchLimits};
use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;
use units::SimDuration;

/// The ledger of requests beside messages, GPUs, processors and links.
pub(crate) struct State<'w, C> {
    pub(crate) ledger: Ledger<'w, Resources>,
    pub(crate) messages: Numbered<Message>,
    /// Edges first, then the cloud's.
    pub(crate) gpus: Vec<Gpu>,
    /// Requests that are assigned to each GPU.
    pub(crate) requests: Requests,
    /// Expected work of the requests of each of the cloud's GPUs, where a router looks at it.
    pub(crate) work: Vec<SimDuration>,
    /// The loads of the cloud's GPUs as they are reported; none where they are known at once.
    pub(crate) reports: Option<Reports<Load>>,
    /// Turns of round robins: within each pool, and among the pools.
    pub(crate) turns: Vec<u64>,
    /// The queue of drafts before each of the cloud's GPUs, where the policy orders it.
    pub(crate) desks: Vec<Desk>,
    pub(crate) edge_cpus: Vec<FifoServer>,
    /// The host of each of the cloud's servers.
    pub(crate) hosts: Vec<PictureHost>,
    /// The backend of each tier: those of the groups, then those of the pools.
    pub(crate) computes: Vec<C>,
    /// The small model that drafts beside that of each tier, where there is one.
    pub(crate) drafters: Vec<Option<C>>,
    pub(crate) up: Direction,
    pub(crate) down: Direction,
    /// Room to work in.
    pub(crate) held_back: VecDeque<Job>,
    pub(crate) done: Vec<Done>,
    pub(crate) outbox: Outbox,
}

impl<'w, C: Compute> State<'w, C> {
    pub(crate) fn new(
        (spec, fleet): (&RunSpec, &Fleet),
        streams: Streams,
        kv: Vec<KvPool>,
        Models { tiers: computes, drafters, .. }: Models<C>,
        ledger: Ledger<'w, Resources>,
    ) -> Self {
        let (of_groups, of_pools) = kv.split_at(spec.edges.len());
        let edges = spec.edges.iter().zip(of_groups).flat_map(|(group, kv)| edges(group, kv));
        let clouds = spec.pools.iter().zip(of_pools).flat_map(|(pool, kv)| servers(pool, kv));
        let replicas: u32 = spec.pools.iter().map(CloudSpec::servers).sum();
        let replicas = replicas as usize;
        let mut gpus = Vec::with_capacity(spec.edge_count() as usize + replicas);
        gpus.extend(edges.chain(clouds));
        let processors = |group: &EdgeSpec| vec![FifoServer::new(group.cpu_workers); group.count as usize];
        let edges: u32 = spec.edges.iter().map(|group| group.count).sum();
        let connections = edges * spec.pools.len() as u32;
        Self {
            ledger,
            messages: Numbered::default(),
            requests: Requests::new(fleet, spec.pools.len()),
            work: vec![SimDuration::ZERO; replicas],
            reports: spec.routing.report_every.map(|every| Reports::new(every, replicas)),
            turns: vec![0; spec.pools.len() + 1],
            desks: (0..if spec.policy.queues() { replicas } else { 0 }).map(|_| Desk::default()).collect(),
            gpus,
            edge_cpus: spec.edges.iter().flat_map(processors).collect(),
            hosts: (0..replicas).map(|_| PictureHost::new()).collect(),
            computes,
            drafters,
            up: Direction::new(spec, true, connections, streams),
            down: Direction::new(spec, false, connections, streams),
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

/// The things that are left of edges that were simulated apart.
pub(crate) struct Left {
    gpus: Vec<Worked>,
    cpus: Vec<FifoServer>,
    up: Traffic,
    down: Traffic,
}

impl<C: Compute> State<'_, C> {
    /// Takes out what is left of some of the edges.
    pub(crate) fn leave(&mut self, edges: &Range<u32>) -> Left {
        let range = edges.start as usize..edges.end as usize;
        Left {
            gpus: self.gpus[range.clone()].iter_mut().map(Gpu::leave).collect(),
            cpus: self.edge_cpus[range].to_vec(),
            up: self.up.traffic,
            down: self.down.traffic,
        }
    }

    /// Puts in what is left of some of the edges.
    pub(crate) fn join(&mut self, edges: &Range<u32>, left: Left) {
        let range = edges.start as usize..edges.end as usize;
        self.gpus[range.clone()].iter_mut().zip(left.gpus).for_each(|(gpu, worked)| gpu.join(worked));
        self.edge_cpus[range].iter_mut().zip(left.cpus).for_each(|(cpu, worked)| *cpu = worked);
        self.up.traffic.add(&left.up);
        self.down.traffic.add(&left.down);
    }
}

/// The GPUs of a group of edges.
fn edges(group: &EdgeSpec, kv: &KvPool) -> impl Iterator<Item = Gpu> {
    let EdgeSpec { tier, limits, scheduling, .. } = group;
    let power = if group.has_gpu { power(tier) } else { Power::NONE };
    let kind = kind(tier, *limits, power);
    let scheduling = scheduling.beside(tier.drafter.is_some());
    let engine = move || {
        let window = tier.model.context_window;
        group.has_gpu.then(|| Served::new(&scheduling, *limits, kv, window, Remote::Held)).flatten()
    };
    (0..group.count).map(move |_| Gpu::new(kind.clone(), kv.clone(), engine()))
}

/// The GPUs of a pool.
fn servers(pool: &CloudSpec, kv: &KvPool) -> impl Iterator<Item = Gpu> {
    let CloudSpec { tier, limits, scheduling, remote, .. } = pool;
    let kind = kind(tier, *limits, power(tier));
    let scheduling = scheduling.beside(tier.drafter.is_some());
    let engine = move || Served::new(&scheduling, *limits, kv, tier.model.context_window, *remote);
    (0..pool.servers()).map(move |_| Gpu::new(kind.clone(), kv.clone(), engine()))
}

fn power(tier: &Tier) -> Power {
    Power::new(&tier.device).times(tier.parallel.tensor)
}

fn kind(tier: &Tier, limits: BatchLimits, power: Power) -> Rc<Kind> {
    Rc::new(Kind { limits, batches: tier.engine.batches, power })
}
