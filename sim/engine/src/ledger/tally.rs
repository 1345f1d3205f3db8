//! The cost of a request: its shares of iterations, its tokens and its bytes.

use units::{Bytes, Flops, SimDuration};

/// The cost of a request so far: last the parts that every draft touches.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Tally {
    pub(crate) memory: MemoryTally,
    pub(crate) cloud: Share,
    pub(crate) downlink: Bytes,
    pub(crate) uplink: Bytes,
    /// Batches of drafts that the token log has.
    pub(crate) logged: u32,
    pub(crate) rounds: u32,
    pub(crate) accepted: u32,
    pub(crate) drafted: u32,
    pub(crate) edge: Share,
}

impl Tally {
    /// Adds what a request has cost elsewhere.
    pub(crate) fn add(&mut self, other: &Self) {
        self.memory.add(&other.memory);
        self.cloud.add(&other.cloud);
        self.edge.add(&other.edge);
        self.downlink += other.downlink;
        self.uplink += other.uplink;
        self.logged += other.logged;
        self.rounds += other.rounds;
        self.accepted += other.accepted;
        self.drafted += other.drafted;
    }
}

/// The things that the KV caches of serving engines did to a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryTally {
    /// Times that its blocks were taken from it.
    pub preemptions: u32,
    /// Tokens that were computed again for that.
    pub recomputed: u32,
    /// Tokens of its prompts that were looked up in a prefix cache.
    pub looked_up: u64,
    /// Tokens that were found there.
    pub cached: u32,
}

impl MemoryTally {
    fn add(&mut self, other: &Self) {
        self.preemptions += other.preemptions;
        self.recomputed += other.recomputed;
        self.looked_up += other.looked_up;
        self.cached += other.cached;
    }
}

/// A share of the iterations of one tier. An iteration is shared evenly by its items.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Share {
    pub(crate) busy: SimDuration,
    pub(crate) flop: Flops,
    pub(crate) joules: f64,
}

impl Share {
    /// The part of one of so many items. Divisions are dear, and most iterations of an edge have one.
    #[inline]
    pub(crate) fn of_one_in(self, items: usize) -> Self {
        if items == 1 {
            return self;
        }
        Self {
            busy: self.busy / items as u64,
            flop: self.flop * (1.0 / items as f64),
            joules: self.joules / items as f64,
        }
    }

    /// Adds another share.
    #[inline]
    pub(crate) fn add(&mut self, share: &Self) {
        self.busy += share.busy;
        self.flop += share.flop;
        self.joules += share.joules;
    }
}
