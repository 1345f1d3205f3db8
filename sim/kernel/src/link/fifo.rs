//! A link that sends one message after the other.

use super::RateProfile;
use crate::Service;
use units::{Bytes, SimTime};

/// A FIFO link. Like [`FifoServer`](crate::FifoServer) it schedules nothing: when a message has left follows from when
/// the link becomes free.
#[derive(Clone, Debug)]
pub struct FifoLink {
    rate: RateProfile,
    free_at: SimTime,
}

impl FifoLink {
    /// An idle link.
    pub fn new(rate: RateProfile) -> Self {
        Self { rate, free_at: SimTime::ZERO }
    }

    /// Queues `size` at `now`; returns when its first bit starts and its last bit has left.
    pub fn send(&mut self, now: SimTime, size: Bytes) -> Service {
        let start = self.free_at.max(now);
        let end = self.rate.finish(start, size);
        self.free_at = end;
        Service { start, end }
    }

    /// When all that was queued so far will have left.
    pub fn free_at(&self) -> SimTime {
        self.free_at
    }

    /// The rate that it sends at.
    pub fn rate(&self) -> &RateProfile {
        &self.rate
    }
}
