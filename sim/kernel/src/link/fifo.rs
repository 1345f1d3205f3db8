//! A link that sends one message after the other.

use super::RateProfile;
use crate::Service;
use units::{Bytes, SimTime};

/// A FIFO link. Like [`FifoServer`](crate::FifoServer) it schedules nothing: the end of a message follows from the
/// time at which the link becomes free.
///
/// ```
/// use kernel::{FifoLink, RateProfile};
/// use units::{BitsPerSecond, Bytes, SimTime};
///
/// let mut uplink = FifoLink::new(RateProfile::constant(BitsPerSecond::from_mbps(8)));
/// uplink.send(SimTime::ZERO, Bytes::new(1000));
/// let second = uplink.send(SimTime::ZERO, Bytes::new(1000));
/// assert_eq!((second.start.as_ms_f64(), second.end.as_ms_f64()), (1.0, 2.0));
/// ```
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

    /// Queues `size` at `now`; returns the times at which its first bit starts and its last bit has left.
    pub fn send(&mut self, now: SimTime, size: Bytes) -> Service {
        let start = self.free_at.max(now);
        let end = self.rate.finish(start, size);
        self.free_at = end;
        Service { start, end }
    }

    /// Time at which all data queued so far will have left.
    pub fn free_at(&self) -> SimTime {
        self.free_at
    }

    /// The link's rate over time.
    pub fn rate(&self) -> &RateProfile {
        &self.rate
    }
}
