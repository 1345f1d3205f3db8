//! What must hold at the end of every run, checked in release too.

use crate::state::State;
use backends::Compute;
use units::SimTime;

/// An invariant that does not hold: a bug of the program, never of the scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invariant broken: {0}")]
pub struct Violation(String);

/// Refuses unless `holds`.
fn require(holds: bool, what: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation(what())) }
}

/// Checks all of them; `waiting` processes have not ended.
pub(crate) fn check<C: Compute>(state: &State<'_, C>, now: SimTime, waiting: usize) -> Result<(), Violation> {
    require(waiting == 0, || format!("{waiting} processes wait for something that will not happen"))?;
    conservation_of_requests(state)?;
    conservation_of_bytes(state)?;
    gpus(state, now)?;
    littles_law(state)?;
    nothing_left(state)
}

/// Requests in = completed + rejected.
fn conservation_of_requests<C: Compute>(state: &State<'_, C>) -> Result<(), Violation> {
    let metrics = &state.metrics;
    require(metrics.submitted == metrics.completed + metrics.rejected, || {
        format!("{} requests in, {} completed and {} rejected", metrics.submitted, metrics.completed, metrics.rejected)
    })?;
    require(metrics.accepted <= metrics.verified && metrics.verified <= metrics.drafted, || {
        format!("{} drafted, {} verified, {} accepted", metrics.drafted, metrics.verified, metrics.accepted)
    })
}

/// Bytes sent = bytes received + lost, in each direction.
fn conservation_of_bytes<C: Compute>(state: &State<'_, C>) -> Result<(), Violation> {
    for (traffic, direction) in state.traffic().into_iter().zip(["up", "down"]) {
        require(traffic.sent == traffic.received + traffic.lost, || format!("bytes {direction}: {traffic:?}"))?;
    }
    Ok(())
}

/// KV blocks allocated + free = total, none allocated at the end; busy time <= elapsed.
fn gpus<C: Compute>(state: &State<'_, C>, now: SimTime) -> Result<(), Violation> {
    for (index, gpu) in state.gpus.iter().enumerate() {
        gpu.kv.check().map_err(|imbalance| Violation(format!("GPU {index}: {imbalance}")))?;
        require(gpu.kv.free_blocks() == gpu.kv.total_blocks(), || format!("GPU {index} still holds KV blocks"))?;
        require(gpu.server.busy() <= now.since_start(), || format!("GPU {index} was busy for longer than the run"))?;
        require(gpu.server.busy() == gpu.busy.total(), || format!("GPU {index} counts its busy time two ways"))?;
        require(gpu.is_quiet(), || format!("GPU {index} has work left"))?;
    }
    for (index, cpu) in state.edge_cpus.iter().enumerate() {
        let most = now.since_start() * u64::from(cpu.workers());
        require(cpu.busy() <= most, || format!("processor {index} was busy for longer than the run"))?;
    }
    Ok(())
}

/// The integral of the requests in flight = the sum of their times in flight, in integer nanoseconds.
fn littles_law<C: Compute>(state: &State<'_, C>) -> Result<(), Violation> {
    let metrics = &state.metrics;
    require(metrics.in_flight_area_ns == metrics.time_in_flight_ns, || {
        format!("Little's law: area {}, sum of times {}", metrics.in_flight_area_ns, metrics.time_in_flight_ns)
    })
}

/// Nothing is in flight any more.
fn nothing_left<C: Compute>(state: &State<'_, C>) -> Result<(), Violation> {
    let left = [
        (state.slots.len(), "requests"),
        (state.messages.len(), "messages"),
        (state.edge.open_sequences(), "sequences on the edge"),
        (state.cloud.open_sequences(), "sequences in the cloud"),
    ];
    left.into_iter().try_for_each(|(count, what)| require(count == 0, || format!("{count} {what} left")))
}
