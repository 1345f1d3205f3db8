//! Ranks of a replica whose experts are spread over them: they take their steps together.
//!
//! Every layer exchanges the tokens of all ranks, so no rank is ahead of another. A step takes as long as the slowest rank's;
//! a rank without work takes part with a token of no request, whose time is the others' anyway.

use super::state::State;
use super::world::World;
use backends::Compute;
use model::load::Cost;
use std::ops::Range;

impl<'w, C: Compute> World<'w, C> {
    /// The GPUs that take their steps together with this one, itself included.
    #[inline]
    pub(super) fn ranks(&self, gpu: u32) -> Range<u32> {
        let alone = gpu..gpu + 1;
        if self.is_edge(gpu) {
            return alone;
        }
        let pool = self.tier(gpu);
        let parallel = &self.spec.pools[self.fleet.pool(pool)].tier.parallel;
        if !parallel.spreads_experts {
            return alone;
        }
        together(gpu, self.fleet.gpus(pool).start, parallel.data)
    }

    /// Forms the batches of all ranks, unless a step of theirs still runs: its end forms them.
    pub(super) fn form_together(&self, state: &mut State<'w, C>, gpu: u32, ranks: Range<u32>) {
        if !state.gpus[gpu as usize].server.is_forming() {
            // Another rank has formed this one's batch at this instant, or found that it has no work.
            return;
        }
        if ranks.clone().any(|rank| state.gpus[rank as usize].server.is_busy()) {
            return state.gpus[gpu as usize].server.rest();
        }
        let mut costs = Vec::with_capacity(ranks.len());
        for rank in ranks {
            state.gpus[rank as usize].server.poke();
            self.pick(state, rank);
            match self.run_batch(state, rank) {
                Some(cost) => costs.push((rank, cost)),
                None => state.gpus[rank as usize].server.rest(),
            }
        }
        let Some(longest) = costs.iter().map(|(_, cost)| cost.duration).max() else { return };
        for (rank, cost) in costs {
            self.start_batch(state, rank, Cost { duration: longest, ..cost });
        }
    }
}

/// The ranks of a GPU's replica, of a pool that starts at `start` and whose replicas have `ranks` each.
fn together(gpu: u32, start: u32, ranks: u32) -> Range<u32> {
    let first = gpu - (gpu - start) % ranks;
    first..first + ranks
}

#[cfg(test)]
mod tests {
    use super::together;

    #[test]
    fn a_replica_s_ranks_are_neighbours_counted_from_its_pool() {
        let replicas = [7, 8, 9, 10, 11, 12].map(|gpu| together(gpu, 7, 3));
        assert_eq!(replicas, [7..10, 7..10, 7..10, 10..13, 10..13, 10..13]);
    }
}
