//! The outcome of a run.

use crate::ledger::{Metrics, Share, Since, Window};
use crate::plant::{Gpu, Traffic, World, footprint, work};
use backends::{Compute, Coverage, Tier};
use kernel::Journal;
use model::memory::BatchLimits;
use units::{Bytes, Flops, ServerTime, SimDuration};

/// The outcome of a run.
pub struct Outcome {
    /// Sums and quantiles over the requests behind the warm-up.
    pub metrics: Metrics,
    /// Number of requests of the warm-up, which are not in `metrics`.
    pub warm_up: u64,
    /// Work from the end of the warm-up on, of whichever request.
    pub since: Since,
    /// The part of the run in which rates count.
    pub window: Window,
    /// Number of events.
    pub events: u64,
    /// Time from the end of the warm-up, which without one is the start, to the end of the last request.
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

/// Work of the GPUs of a tier. FLOP and energy above idle are those of the requests behind the warm-up.
#[derive(Clone, Copy, Debug)]
pub struct TierOutcome {
    /// Number of GPUs.
    pub gpus: u32,
    /// Number of iterations, those of the warm-up included.
    pub iterations: u64,
    /// Time in iterations from the end of the warm-up on, over all GPUs.
    pub busy: ServerTime,
    /// Floating-point operations.
    pub flop: Flops,
    /// Energy above idle, joules.
    pub work_joules: f64,
    /// Idle power from the end of the warm-up on, joules.
    pub idle_joules: f64,
    /// Iterations inside and outside of the measured range, where measured laws price them.
    pub coverage: Option<Coverage>,
    /// Peak memory of one GPU, the warm-up included: weights, activations and the most KV cache that was used at once.
    pub memory: Bytes,
}

/// The outcome of a run that has ended.
pub(crate) fn outcome<C: Compute>(world: &World<'_, C>) -> Outcome {
    let state = &mut *world.state.borrow_mut();
    let ledger = &state.ledger;
    let makespan = world.kernel.now() - ledger.warm_up.end().min(world.kernel.now());
    let (edges, cloud) = state.gpus.split_at(world.spec.edge.count as usize);
    let edge_model = (&world.spec.edge.tier, world.spec.edge.limits);
    let cloud_model = (&world.spec.cloud.tier, world.spec.cloud.limits);
    let [edge_work, cloud_work] = ledger.counted([edges, cloud].map(work));
    let [edge_before, cloud_before] = ledger.warm_up.before().busy;
    let of_edges = tier_outcome(edges, edge_model, edge_work, makespan);
    let of_cloud = tier_outcome(cloud, cloud_model, cloud_work, makespan);
    Outcome {
        events: world.kernel.events(),
        warm_up: ledger.warm_up.requests(),
        since: ledger.since_warm_up(),
        window: ledger.window(world.kernel.now()),
        makespan,
        edge: TierOutcome { busy: of_edges.busy - edge_before, coverage: state.edge.coverage(), ..of_edges },
        cloud: TierOutcome { busy: of_cloud.busy - cloud_before, coverage: state.cloud.coverage(), ..of_cloud },
        up: state.up.traffic,
        down: state.down.traffic,
        metrics: std::mem::take(&mut state.ledger.metrics),
        journal: world.kernel.take_journal(),
    }
}

fn tier_outcome(gpus: &[Gpu], (tier, limits): (&Tier, BatchLimits), work: Share, makespan: SimDuration) -> TierOutcome {
    let idle = gpus.iter().fold(0.0, |all, gpu| all + gpu.kind.power.energy(&gpu.busy, makespan).idle.as_f64());
    let kv = gpus.iter().map(|gpu| gpu.kv.peak_bytes()).max().unwrap_or_default();
    TierOutcome {
        gpus: gpus.len() as u32,
        iterations: gpus.iter().map(|gpu| gpu.server.batches()).sum(),
        busy: gpus.iter().map(|gpu| gpu.server.busy()).sum(),
        flop: work.flop,
        work_joules: work.joules,
        idle_joules: idle,
        coverage: None,
        memory: footprint(tier, limits, kv).total(),
    }
}
