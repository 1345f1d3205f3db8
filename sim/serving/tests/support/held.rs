//! Blocks that are held.

use serving::{Replica, Sequence};
use std::collections::BTreeSet;

/// The number of blocks that running requests hold, each of them once.
pub fn held(replica: &Replica) -> u32 {
    let running = replica.running().iter().map(|id| replica.sequence(*id).expect("it runs"));
    if replica.settings().prefix_cache {
        running.flat_map(Sequence::block_numbers).collect::<BTreeSet<_>>().len() as u32
    } else {
        running.map(Sequence::blocks).sum()
    }
}
