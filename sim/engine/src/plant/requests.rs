//! The requests that are assigned to each GPU, their number in each pool, and the replica of a pool that has the fewest.

use super::fleet::Fleet;
use std::ops::Range;

/// Requests of each GPU, edges first. A pool's idlest replica is found at once, however many there are.
pub(crate) struct Requests {
    of: Vec<u32>,
    pools: Vec<OfPool>,
}

/// Requests of a pool, with a tree of matches between its replicas, which the one with fewer requests wins. The winner of all stands at
/// 1, the two that it is the winner of at 2 and 3, and so on; the replicas themselves would come behind the last match.
struct OfPool {
    gpus: Range<u32>,
    all: u32,
    winners: Vec<u32>,
}

impl Requests {
    /// No requests on any GPU of a fleet with so many pools.
    pub(crate) fn new(fleet: &Fleet, pools: usize) -> Self {
        let of_pool = |pool| OfPool::new(fleet.gpus(fleet.tier_of_pool(pool)));
        let pools: Vec<OfPool> = (0..pools).map(of_pool).collect();
        let gpus = pools.last().map_or(fleet.edges(), |last| last.gpus.end);
        Self { of: vec![0; gpus as usize], pools }
    }

    /// The requests of a GPU.
    #[inline]
    pub(crate) fn of(&self, gpu: u32) -> u32 {
        self.of[gpu as usize]
    }

    /// The requests of all replicas of a pool.
    #[inline]
    pub(crate) fn in_pool(&self, pool: usize) -> u32 {
        self.pools[pool].all
    }

    /// The replica of a pool with the fewest requests; of equals the first.
    #[inline]
    pub(crate) fn idlest(&self, pool: usize) -> u32 {
        let OfPool { gpus, winners, .. } = &self.pools[pool];
        winners.get(1).copied().unwrap_or(gpus.start)
    }

    /// A GPU has a request more.
    #[inline]
    pub(crate) fn add(&mut self, gpu: u32) {
        self.of[gpu as usize] += 1;
        self.tell_pool(gpu, |all| all + 1);
    }

    /// A GPU has a request less.
    #[inline]
    pub(crate) fn take(&mut self, gpu: u32) {
        self.of[gpu as usize] -= 1;
        self.tell_pool(gpu, |all| all - 1);
    }

    /// The pool of a replica, if it is one, has another number of requests.
    #[inline]
    fn tell_pool(&mut self, gpu: u32, all: impl Fn(u32) -> u32) {
        let Self { of, pools, .. } = self;
        if let Some(pool) = pools.iter_mut().find(|pool| pool.gpus.contains(&gpu)) {
            pool.all = all(pool.all);
            pool.play(of, gpu);
        }
    }
}

impl OfPool {
    fn new(gpus: Range<u32>) -> Self {
        let mut this = Self { winners: vec![gpus.start; gpus.len()], gpus, all: 0 };
        (1..this.gpus.len())
            .rev()
            .for_each(|place| this.winners[place] = this.at(2 * place).min(this.at(2 * place + 1)));
        this
    }

    /// The winner of a match, or the replica that stands there.
    fn at(&self, place: usize) -> u32 {
        let replicas = self.gpus.len();
        if place < replicas { self.winners[place] } else { self.gpus.start + (place - replicas) as u32 }
    }

    /// Plays the matches of a replica again, from the first to the last.
    fn play(&mut self, requests: &[u32], gpu: u32) {
        let mut place = (self.gpus.len() + (gpu - self.gpus.start) as usize) / 2;
        while place > 0 {
            let rivals = [self.at(2 * place), self.at(2 * place + 1)];
            let [one, other] = rivals.map(|gpu| (requests[gpu as usize], gpu));
            self.winners[place] = one.min(other).1;
            place /= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::RunSpec;
    use policies::System;
    use proptest::prelude::*;

    /// Three edges, and pools of one replica and of so many.
    fn requests(replicas: u32) -> Requests {
        let (_, policy) = System::examples().swap_remove(0);
        let mut spec = RunSpec::example(policy);
        spec.edges[0].count = 3;
        spec.pools = vec![spec.pools[0].clone(); 2];
        (spec.pools[0].gpus, spec.pools[1].gpus) = (1, replicas);
        Requests::new(&Fleet::new(&spec), 2)
    }

    proptest! {
        #[test]
        fn the_idlest_replica_is_the_first_of_those_with_the_fewest(
            replicas in 1u32..40,
            changes in prop::collection::vec((0u32..43, any::<bool>()), 0..300),
        ) {
            let mut requests = requests(replicas);
            for (gpu, comes) in changes {
                let gpu = gpu % (4 + replicas);
                match comes || requests.of(gpu) == 0 {
                    true => requests.add(gpu),
                    false => requests.take(gpu),
                }
                let fewest = (4..4 + replicas).min_by_key(|gpu| requests.of(*gpu));
                prop_assert_eq!((Some(requests.idlest(1)), requests.idlest(0)), (fewest, 3));
                let all: u32 = (4..4 + replicas).map(|gpu| requests.of(gpu)).sum();
                prop_assert_eq!([requests.in_pool(0), requests.in_pool(1)], [requests.of(3), all]);
            }
        }
    }
}
