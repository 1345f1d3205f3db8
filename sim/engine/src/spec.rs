//! Everything that one run needs, resolved: no defaults, no file names, no text.

mod link;

pub use link::{Connections, HopSpec, LinkSpec, SeriesStart, SharedBy, Sharing, TcpSpec, Transport, WaySpec};

use crate::routing::{Learners, Routing};
use crate::scheduling::{Remote, Scheduling};
use crate::workload::{Arrivals, Workload};
use backends::Tier;
use model::{
    accuracy::{KnownAccuracy, PruningLoss},
    latency::LatencyLimits,
    mas::{DescriptorLaw, Descriptors},
    memory::BatchLimits,
    published::Benchmark,
    tokens::TokenProcess,
};
use policies::{About, CloudOnly, System};
use std::{collections::BTreeMap, sync::Arc};
use units::{Ratio, SimDuration};

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
    /// True takes every step and every token in an event of its own: the judge of what is worked out ahead, with equal results.
    pub single_steps: bool,
    /// Threads that the run may use. Its results do not depend on them.
    pub threads: u32,
    /// A run with so many edges or more has them simulated apart from the cloud, where that can be.
    pub least_edges_apart: u32,
}

impl RunSpec {
    /// Edges from which on a run is faster on two threads than on one: by a third at 1,000.
    pub const LEAST_EDGES_APART: u32 = 1000;

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

    /// True if edges of a group run a model, or the vision tower of the cloud's.
    pub fn runs_a_model(&self, group: &EdgeSpec) -> bool {
        let uses = if group.only_sends { CloudOnly::default().uses() } else { self.policy.uses() };
        group.has_gpu && uses.sending(self.workload.payload).edge_model
    }

    /// True if requests of any class have limits on their latencies.
    pub fn has_limits(&self) -> bool {
        let classes = &self.workload.classes;
        if classes.is_empty() { !self.slo.is_empty() } else { classes.iter().any(|class| !class.slo.is_empty()) }
    }

    /// True if steps and arrivals that nobody can change may be worked out ahead.
    #[inline]
    pub(crate) fn looks_ahead(&self) -> bool {
        !self.single_steps && self.workload.fall_back_after.is_none()
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
    /// Numbers of the link's hops that its messages take, from the edge on; at least one.
    pub hops: Vec<u32>,
    /// Number of edges.
    pub count: u32,
    /// Workers of an edge's processor, for preprocessing and planning.
    pub cpu_workers: u32,
    /// Least time to decode and resize the pictures of a request.
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
