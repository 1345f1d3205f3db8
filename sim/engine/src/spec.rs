//! Everything that one run needs, resolved: no defaults, no file names, no text.

use crate::routing::{Learners, Routing};
use crate::scheduling::{Remote, Scheduling};
use crate::workload::{Arrivals, Workload};
use backends::Tier;
use kernel::{DelayProfile, RateProfile, Tcp};
use model::{
    accuracy::{KnownAccuracy, PruningLoss},
    latency::LatencyLimits,
    mas::{DescriptorLaw, Descriptors},
    memory::BatchLimits,
    published::Benchmark,
    tokens::TokenProcess,
};
use policies::System;
use std::{collections::BTreeMap, sync::Arc};
use units::{BitsPerSecond, Bytes, Ratio, SimDuration};

/// One run: one policy on one plant with one workload.
#[derive(Clone, Debug)]
pub struct RunSpec {
    /// Seed of all random streams.
    pub seed: u64,
    /// Number of the replication, which has streams of its own.
    pub replication: u32,
    /// The groups of edges, each of one kind; at least one.
    pub edges: Vec<EdgeSpec>,
    /// The pools of the cloud's GPUs, each of one kind; at least one.
    pub pools: Vec<CloudSpec>,
    /// The way that requests are given pools and replicas.
    pub routing: Routing,
    /// The owners of what a policy learns.
    pub learners: Learners,
    /// The link between them.
    pub link: LinkSpec,
    /// Requests and their arrivals.
    pub workload: Workload,
    /// Entropies of the draft model's tokens and their acceptance by the target.
    pub tokens: TokenProcess,
    /// Accuracies of the models, as far as they are known: for each group of edges, those of its model and of each pool's.
    pub accuracy: Vec<Vec<KnownAccuracy>>,
    /// Accuracy lost by pruning.
    pub pruning: PruningLoss,
    /// Answers that take longer count as wrong.
    pub deadline: Option<SimDuration>,
    /// Limits on latencies that a request meets or misses.
    pub slo: LatencyLimits,
    /// The first so many tokens of an answer decide whether it is right, where nobody verifies them.
    pub critical_tokens: u32,
    /// The benchmark that is asked, as far as published accuracies go by it.
    pub benchmark: Benchmark,
    /// The law of the probe's findings.
    pub descriptors: DescriptorLaw,
    /// Measured findings of the probe, by request; they take the place of the law.
    pub probed: Arc<BTreeMap<u64, Descriptors>>,
    /// The policy that serves the requests.
    pub policy: System,
}

impl RunSpec {
    /// The tiers of the groups of edges, then those of the cloud's pools.
    pub fn tiers(&self) -> impl Iterator<Item = &Tier> {
        self.edges.iter().map(|group| &group.tier).chain(self.pools.iter().map(|pool| &pool.tier))
    }

    /// A tier by its number, groups first, and the limits of its iterations.
    pub(crate) fn tier(&self, number: usize) -> (&Tier, BatchLimits) {
        match self.edges.get(number) {
            Some(group) => (&group.tier, group.limits),
            None => {
                let pool = &self.pools[number - self.edges.len()];
                (&pool.tier, pool.limits)
            }
        }
    }

    /// True if requests of any class have limits on their latencies.
    pub fn has_limits(&self) -> bool {
        let classes = &self.workload.classes;
        if classes.is_empty() { !self.slo.is_empty() } else { classes.iter().any(|class| !class.slo.is_empty()) }
    }

    /// Edges of all groups.
    pub fn edge_count(&self) -> u32 {
        self.edges.iter().map(|group| group.count).sum()
    }
}

/// A group of edges, all alike.
#[derive(Clone, Debug)]
pub struct EdgeSpec {
    /// Name of the group.
    pub name: Arc<str>,
    /// False of edges that have no GPU: they only send.
    pub has_gpu: bool,
    /// True sends every request of the group whole to the cloud, whatever the policy of the run.
    pub only_sends: bool,
    /// Arrivals of its own; without them it has a part of the workload's.
    pub arrivals: Option<Arrivals>,
    /// Share of the workload's requests in an open loop, if shares are given.
    pub share: Option<Ratio>,
    /// Number of the pool that is the group's, for a router by class.
    pub pool: u32,
    /// Device, model and engine.
    pub tier: Tier,
    /// The link that each of its edges has for itself; none if they are on the shared one.
    pub access: Option<AccessSpec>,
    /// Number of edges.
    pub count: u32,
    /// Workers of an edge's processor, for preprocessing and planning.
    pub cpu_workers: u32,
    /// Decoding and resizing the pictures of a request.
    pub preprocess: SimDuration,
    /// Blocks of its KV cache, where they are stated; what its memory leaves otherwise.
    pub kv_blocks: Option<u64>,
    /// Largest iteration.
    pub limits: BatchLimits,
    /// The way that iterations are formed.
    pub scheduling: Scheduling,
}

/// A pool of the cloud's GPUs, all alike, each with the whole model. A request stays on the one it is given.
#[derive(Clone, Debug)]
pub struct CloudSpec {
    /// Name of the pool.
    pub name: Arc<str>,
    /// Device, model and engine.
    pub tier: Tier,
    /// Number of GPUs; those that share every layer serve as one.
    pub gpus: u32,
    /// Blocks of its KV cache, where they are stated; what its memory leaves otherwise.
    pub kv_blocks: Option<u64>,
    /// Largest iteration.
    pub limits: BatchLimits,
    /// The way that iterations are formed.
    pub scheduling: Scheduling,
    /// The way that a serving engine keeps requests that edges draft for.
    pub remote: Remote,
    /// Round-trip time from the end of the link to the pool, on top of the link's.
    pub rtt: SimDuration,
}

impl CloudSpec {
    /// GPUs with a queue and a KV cache of their own, each perhaps made of several that share every layer.
    pub fn servers(&self) -> u32 {
        self.gpus / self.tier.parallel.tensor
    }
}

/// A link that each edge of a group has for itself, between it and the shared one.
#[derive(Clone, Debug)]
pub struct AccessSpec {
    /// Rate from the edge. Each edge starts at a moment of its own.
    pub up: Arc<RateProfile>,
    /// Rate to the edge.
    pub down: Arc<RateProfile>,
    /// Round-trip time on top of the shared link's.
    pub rtt: SimDuration,
    /// Probability that a packet is lost on it.
    pub loss: Ratio,
}

impl AccessSpec {
    /// The moment of the rates at which an edge of a replication starts: each at one of its own, evenly over the longer series.
    pub(crate) fn start(&self, edge: u32, replication: u32) -> SimDuration {
        let changing = [&self.up, &self.down].into_iter().filter(|rate| !rate.is_constant());
        let Some(longest) = changing.map(|rate| rate.period()).max() else { return SimDuration::ZERO };
        part(u64::from(edge) + (u64::from(replication) << 20), longest)
    }
}

/// The part of a period that belongs to a number: the golden ratio spreads any numbers in a row evenly.
fn part(number: u64, period: SimDuration) -> SimDuration {
    /// 2^64 over the golden ratio.
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    let offset = (u128::from(number.wrapping_mul(GOLDEN)) * u128::from(period.as_ns())) >> 64;
    SimDuration::from_ns(u64::try_from(offset).expect("a part of a period"))
}

/// The link between the edges and the cloud; up and down apart.
#[derive(Clone, Debug)]
pub struct LinkSpec {
    /// Rate from edge to cloud.
    pub up: RateProfile,
    /// Rate from cloud to edge.
    pub down: RateProfile,
    /// The way that messages share it.
    pub sharing: Sharing,
    /// The way that a connection cuts messages into flights.
    pub transport: Transport,
    /// Bytes that may wait for a link that messages take turns on, over TCP; more are dropped. None is dropped without it.
    pub queue: Option<Bytes>,
    /// Round-trip time; each direction takes half.
    pub rtt: SimDuration,
    /// Round-trip times over time, in the place of `rtt`.
    pub rtts: Option<DelayProfile>,
    /// Moments of the series at which replications start.
    pub start: SeriesStart,
    /// True charges an upload a round trip for each of its modalities (Eq. 8) instead of half of one.
    pub rtt_per_modality: bool,
    /// Bytes of headers on every packet.
    pub header: Bytes,
    /// Payload of a full packet.
    pub packet: Bytes,
    /// Mean of an exponential delay on top of half the RTT. Messages never overtake each other.
    pub jitter: SimDuration,
    /// Probability that a packet is lost; it is sent again a round trip later.
    pub loss: Ratio,
}

impl LinkSpec {
    /// The link as a replication finds it: rates and round trips that change over time start at a moment of its own.
    ///
    /// Replication `r` starts at the fraction of `r / 1.618...` of the longest series. So the first starts at its beginning, any
    /// number of replications lie evenly over it, and more of them leave those that there are as they are.
    pub(crate) fn in_replication(&self, replication: u32) -> Self {
        let changing = [&self.up, &self.down].into_iter().filter(|rate| !rate.is_constant()).map(RateProfile::period);
        let longest = changing.chain(self.rtts.as_ref().map(DelayProfile::period)).max();
        let (SeriesStart::Spread, Some(longest)) = (self.start, longest) else { return self.clone() };
        let offset = part(replication.into(), longest);
        Self {
            up: self.up.starting_at(offset),
            down: self.down.starting_at(offset),
            rtts: self.rtts.as_ref().map(|rtts| rtts.starting_at(offset)),
            ..self.clone()
        }
    }
}

/// The moments of a link's series at which replications start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SeriesStart {
    /// All at the first.
    First,
    /// Each at one of its own, evenly over the longest series; replication 0 at the first.
    #[default]
    Spread,
}

/// The ways that messages can share a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// One after the other.
    Fifo,
    /// Max-min fair, each message with at most this rate (its access link's).
    Fair(Option<BitsPerSecond>),
}

/// The ways that connections can send messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Whole, at the link's rate: Eq. 8 of the MSAO paper.
    Ideal,
    /// By the window of TCP.
    Tcp(TcpSpec),
}

/// Connections over TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpSpec {
    /// Windows and their growth.
    pub tcp: Tcp,
    /// The connections that there are.
    pub connections: Connections,
    /// Round trips of TLS when a connection is made.
    pub tls: u32,
}

/// The connections between edges and cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connections {
    /// One for each edge, open from the beginning.
    Kept,
    /// One for each request, made when it first sends.
    PerRequest,
}
