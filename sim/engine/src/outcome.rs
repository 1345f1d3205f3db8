//! The outcome of a run.

use crate::ledger::{Metrics, Share, Since, Window};
use crate::plant::{Gpu, Traffic, World, footprint, work};
use backends::{Compute, Coverage};
use kernel::Journal;
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
    // An arrival of another source may still have been due when the last request had been sent, and clients that were answered in
    // time are still on the clock of their patience.
    let has_sources = world.spec.edges.iter().any(|group| group.arrivals.is_some());
    let has_sources = has_sources || world.spec.workload.classes.iter().any(|class| class.arrivals.is_some());
    let is_late = has_sources || world.spec.workload.timeout.is_some();
    let end = if is_late { ledger.last_end() } else { world.kernel.now() };
    let makespan = end - ledger.warm_up.end().min(end);
    let (edges, cloud) = state.gpus.split_at(world.edges() as usize);
    let (on_edges, in_cloud) = state.computes.split_at(world.spec.edges.len());
    let [edge_work, cloud_work] = ledger.counted([edges, cloud].map(work));
    let [edge_before, cloud_before] = ledger.warm_up.before().busy;
    let without = world.spec.edges.iter().filter(|group| !group.has_gpu).map(|group| group.count).sum::<u32>();
    let of_edges = tier_outcome(edges, edge_work, makespan, memory(world, edges, 0));
    let of_cloud = tier_outcome(cloud, cloud_work, makespan, memory(world, cloud, world.edges()));
    Outcome {
        events: world.kernel.events(),
        warm_up: ledger.warm_up.requests(),
        since: ledger.since_warm_up(),
        window: ledger.window(world.kernel.now()),
        makespan,
        edge: TierOutcome {
            gpus: of_edges.gpus - without,
            busy: of_edges.busy - edge_before,
            coverage: coverage(on_edges),
            ..of_edges
        },
        cloud: TierOutcome { busy: of_cloud.busy - cloud_before, coverage: coverage(in_cloud), ..of_cloud },
        up: state.up.traffic,
        down: state.down.traffic,
        metrics: std::mem::take(&mut state.ledger.metrics),
        journal: world.kernel.take_journal(),
    }
}

/// Iterations of all backends of a side that are priced by measured laws; none if none is.
pub(crate) fn coverage<C: Compute>(computes: &[C]) -> Option<Coverage> {
    computes.iter().filter_map(C::coverage).reduce(|mut all, one| {
        all.add(one);
        all
    })
}

/// Peak memory of the GPU of a side that needed most of it; `first` is the number of the first.
fn memory<C: Compute>(world: &World<'_, C>, gpus: &[Gpu], first: u32) -> Bytes {
    let of = |(gpu, number): (&Gpu, u32)| {
        let (tier, limits) = world.spec.tier(world.tier(number));
        footprint(tier, limits, gpu.kv.peak_bytes()).total()
    };
    let has_gpu = |number: u32| world.spec.edges.get(world.tier(number)).is_none_or(|group| group.has_gpu);
    let all = gpus.iter().zip(first..).filter(|(_, number)| has_gpu(*number));
    all.map(of).max().unwrap_or_default()
}

fn tier_outcome(gpus: &[Gpu], work: Share, makespan: SimDuration, memory: Bytes) -> TierOutcome {
    let idle = gpus.iter().fold(0.0, |all, gpu| all + gpu.kind.power.energy(&gpu.busy, makespan).idle.as_f64());
    TierOutcome {
        gpus: gpus.len() as u32,
        iterations: gpus.iter().map(|gpu| gpu.server.batches()).sum(),
        busy: gpus.iter().map(|gpu| gpu.server.busy()).sum(),
        flop: work.flop,
        work_joules: work.joules,
        idle_joules: idle,
        coverage: None,
        memory,
    }
}
