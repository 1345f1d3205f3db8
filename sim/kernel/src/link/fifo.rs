//! A link that sends one message after the other.

use super::RateProfile;
use crate::Service;
use std::sync::Arc;
use units::{BitsPerSecond, Bytes, SimDuration, SimTime};

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
    rate: Arc<RateProfile>,
    /// The moment of the rate at which time starts.
    shift: SimDuration,
    free_at: SimTime,
}

impl FifoLink {
    /// An idle link.
    pub fn new(rate: RateProfile) -> Self {
        Self::starting_at(rate.into(), SimDuration::ZERO)
    }

    /// An idle link whose time starts at a moment of its rate, which many links share.
    pub fn starting_at(rate: Arc<RateProfile>, shift: SimDuration) -> Self {
        Self { rate, shift, free_at: SimTime::ZERO }
    }

    /// Queues `size` at `now`; returns the times at which its first bit starts and its last bit has left.
    pub fn send(&mut self, now: SimTime, size: Bytes) -> Service {
        let start = self.free_at.max(now);
        let end = self.finish(start, size);
        self.free_at = end;
        Service { start, end }
    }

    /// Queues `size` that comes over another link, which takes it at these times: its packets pass on as they come. It is told when
    /// the last one comes, or before.
    ///
    /// ```
    /// use kernel::{FifoLink, RateProfile};
    /// use units::{BitsPerSecond, Bytes, SimTime};
    ///
    /// let link = |mbps| FifoLink::new(RateProfile::constant(BitsPerSecond::from_mbps(mbps)));
    /// let (mut slow, mut fast) = (link(8), link(80));
    /// let first = slow.send(SimTime::ZERO, Bytes::new(10_000));
    /// assert_eq!(fast.pass_on(first, Bytes::new(10_000)).end.as_ms_f64(), 10.0, "as fast as it comes");
    /// ```
    pub fn pass_on(&mut self, upstream: Service, size: Bytes) -> Service {
        let start = self.free_at.max(upstream.start);
        // Between its packets the link is free for others.
        self.free_at = self.finish(start, size);
        Service { start, end: self.free_at.max(upstream.end) }
    }

    fn finish(&self, start: SimTime, size: Bytes) -> SimTime {
        let end = self.rate.finish(start + self.shift, size);
        SimTime::ZERO + (end - (SimTime::ZERO + self.shift))
    }

    /// The rate at an instant.
    pub fn rate_at(&self, now: SimTime) -> BitsPerSecond {
        self.rate.at(now + self.shift)
    }

    /// Time until the data queued so far will have left.
    pub fn backlog(&self, now: SimTime) -> SimDuration {
        self.free_at.saturating_since(now)
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
