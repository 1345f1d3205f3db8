//! The outcome of a run.

use crate::ledger::Metrics;
use crate::plant::{Gpu, Traffic, World, footprint};
use backends::{Compute, Coverage, Tier};
use kernel::Journal;
use model::memory::BatchLimits;
use units::{Bytes, Flops, ServerTime, SimDuration, SimTime};

/// The outcome of a run.
pub struct Outcome {
    /// Sums and quantiles over the requests.
    pub metrics: Metrics,
    /// Number of events.
    pub events: u64,
    /// Time from the first request to the end of the last.
    pub makespan: SimDuration,
    /// Work of the edges.
    pub edge: TierOutcome,
    /// Work of the cloud.
    pub cloud: TierOutcome,
    /// Bytes from edge to cloud.
    pub up: Traffic,
    /// Bytes from cloud to edge.
    pub down: Traffic,
    /// Digest of the events, and their first difference from an earlier run's, if they are checked.
    pub journal: Journal,
}

/// Work of the GPUs of a tier.
#[derive(Clone, Copy, Debug)]
pub struct TierOutcome {
    /// Number of GPUs.
    pub gpus: u32,
    /// Number of iterations.
    pub iterations: u64,
    /// Time in iterations, over all GPUs.
    pub busy: ServerTime,
    /// Floating-point operations.
    pub flop: Flops,
    /// Energy above idle, joules.
    pub work_joules: f64,
    /// Idle power over the whole run, joules.
    pub idle_joules: f64,
    /// Iterations inside and outside of the measured range, where measured laws price them.
    pub coverage: Option<Coverage>,
    /// Peak memory of one GPU: weights, activations and the most KV cache that was used at once.
    pub memory: Bytes,
}

/// The outcome of a run that has ended.
pub(crate) fn outcome<C: Compute>(world: &World<'_, C>) -> Outcome {
    let state = &mut *world.state.borrow_mut();
    let makespan = world.kernel.now() - SimTime::ZERO;
    let (edges, cloud) = state.gpus.split_at(world.spec.edge.count as usize);
    let edge_model = (&world.spec.edge.tier, world.spec.edge.limits);
    let cloud_model = (&world.spec.cloud.tier, world.spec.cloud.limits);
    Outcome {
        events: world.kernel.events(),
        makespan,
        edge: TierOutcome { coverage: state.edge.coverage(), ..tier_outcome(edges, edge_model, makespan) },
        cloud: TierOutcome { coverage: state.cloud.coverage(), ..tier_outcome(cloud, cloud_model, makespan) },
        up: state.up.traffic,
        down: state.down.traffic,
        metrics: std::mem::take(&mut state.ledger.metrics),
        journal: world.kernel.take_journal(),
    }
}

fn tier_outcome(gpus: &[Gpu], (tier, limits): (&Tier, BatchLimits), makespan: SimDuration) -> TierOutcome {
    let energy = gpus.iter().map(|gpu| gpu.kind.power.energy(&gpu.busy, makespan));
    let (work, idle) =
        energy.fold((0.0, 0.0), |(work, idle), energy| (work + energy.work.as_f64(), idle + energy.idle.as_f64()));
    let kv = gpus.iter().map(|gpu| gpu.kv.peak_bytes()).max().unwrap_or_default();
    TierOutcome {
        gpus: gpus.len() as u32,
        iterations: gpus.iter().map(|gpu| gpu.server.batches()).sum(),
        busy: gpus.iter().map(|gpu| gpu.server.busy()).sum(),
        flop: gpus.iter().map(|gpu| gpu.flop).sum(),
        work_joules: work,
        idle_joules: idle,
        coverage: None,
        memory: footprint(tier, limits, kv).total(),
    }
}
