//! The places of a fleet: the GPUs of each group of edges, then those of each pool of the cloud.
//!
//! Groups and pools are numbered together, as tiers: two groups and two pools are the tiers 0 to 3. A tier has one backend
//! and one price list; its GPUs have numbers in a row.

use crate::spec::RunSpec;
use std::ops::Range;

/// The numbers of tiers and of their GPUs.
pub(crate) struct Fleet {
    /// The first GPU of each tier, and the end of the last.
    firsts: Vec<u32>,
    groups: usize,
    edges: u32,
}

impl Fleet {
    pub(crate) fn new(spec: &RunSpec) -> Self {
        let sizes = spec.edges.iter().map(|group| group.count).chain(spec.pools.iter().map(|pool| pool.servers()));
        let mut firsts = vec![0];
        for size in sizes {
            firsts.push(firsts[firsts.len() - 1] + size);
        }
        let groups = spec.edges.len();
        Self { edges: firsts[groups], firsts, groups }
    }

    /// The number of edges, which is also that of the cloud's first GPU.
    #[inline]
    pub(crate) fn edges(&self) -> u32 {
        self.edges
    }

    #[inline]
    pub(crate) fn is_edge(&self, gpu: u32) -> bool {
        gpu < self.edges
    }

    /// The tier of a GPU. Tiers are few, and most often two.
    #[inline]
    pub(crate) fn tier(&self, gpu: u32) -> usize {
        self.firsts[1..].iter().take_while(|first| gpu >= **first).count()
    }

    /// The tier that a pool is.
    #[inline]
    pub(crate) fn tier_of_pool(&self, pool: usize) -> usize {
        self.groups + pool
    }

    /// The pool that a tier of the cloud is.
    #[inline]
    pub(crate) fn pool(&self, tier: usize) -> usize {
        tier - self.groups
    }

    /// The GPUs of a tier.
    #[inline]
    pub(crate) fn gpus(&self, tier: usize) -> Range<u32> {
        self.firsts[tier]..self.firsts[tier + 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use policies::System;

    #[test]
    fn gpus_are_numbered_group_by_group_and_then_pool_by_pool() {
        let (_, policy) = System::examples().swap_remove(0);
        let mut spec = RunSpec::example(policy);
        (spec.edges, spec.pools) = (vec![spec.edges[0].clone(); 2], vec![spec.pools[0].clone(); 2]);
        (spec.edges[0].count, spec.edges[1].count, spec.pools[1].gpus) = (3, 2, 4);
        let fleet = Fleet::new(&spec);
        let tiers: Vec<_> = (0..10).map(|gpu| fleet.tier(gpu)).collect();
        assert_eq!(tiers, [0, 0, 0, 1, 1, 2, 3, 3, 3, 3]);
        assert_eq!((fleet.edges(), fleet.is_edge(4), fleet.is_edge(5)), (5, true, false));
        assert_eq!((fleet.tier_of_pool(1), fleet.pool(3), fleet.gpus(3)), (3, 1, 6..10));
    }
}
