//! The congestion window by the rules of Linux 6 (`net/ipv4/tcp_cong.c`, `tcp_output.c`, `tcp_cubic.c`; RFC 5681, RFC 7661's
//! forerunner RFC 2861 for silence).

use super::cubic::Cubic;
use super::{Congestion, Flight, Tcp};
use units::{SimDuration, SimTime};

/// HyStart looks at windows of so many packets or more.
const HYSTART_WINDOW: u32 = 16;

/// The congestion window of a sender, in packets.
#[derive(Clone, Debug)]
pub(super) struct Window {
    initial: u32,
    packets: u32,
    threshold: u32,
    /// Packets sent and acknowledged so far.
    sent: u64,
    acked: u64,
    /// The window was full when packets were last sent, as far as is known until `known_until` packets are acknowledged.
    full: bool,
    most_in_flight: u32,
    known_until: u64,
    /// Most packets in flight since the window was last full, and the time from which on it has not been.
    used: u32,
    full_at: SimTime,
    cubic: Cubic,
    /// HyStart has found the end of slow start; it looks for it once between losses.
    found: bool,
    /// Losses before so many packets are acknowledged are of the same congestion.
    recovers_at: u64,
}

impl Window {
    pub(super) fn new(initial: u32) -> Self {
        Self {
            initial,
            packets: initial,
            threshold: u32::MAX,
            sent: 0,
            acked: 0,
            full: false,
            most_in_flight: 0,
            known_until: 0,
            used: 0,
            full_at: SimTime::ZERO,
            cubic: Cubic::default(),
            found: false,
            recovers_at: 0,
        }
    }

    pub(super) fn packets(&self) -> u32 {
        self.packets
    }

    /// The sender uses the window to a degree that lets it grow: in slow start half of it is enough.
    fn is_used(&self) -> bool {
        self.full || (self.packets < self.threshold && self.packets < 2 * self.most_in_flight)
    }

    /// Packets were sent, of which the last ones had perhaps to wait for acknowledgements. A `timeout` shrinks a window that was
    /// not full for so long.
    #[inline]
    pub(super) fn note(
        &mut self,
        now: SimTime,
        packets: u32,
        in_flight: u32,
        waited: bool,
        timeout: Option<SimDuration>,
    ) {
        self.sent += u64::from(packets);
        let full = waited || in_flight >= self.packets;
        if self.acked >= self.known_until || full || (!self.full && in_flight > self.most_in_flight) {
            (self.full, self.most_in_flight, self.known_until) = (full, in_flight, self.sent);
        }
        if self.is_used() {
            (self.used, self.full_at) = (0, now);
            return;
        }
        self.used = self.used.max(in_flight);
        if timeout.is_some_and(|timeout| now.saturating_since(self.full_at) >= timeout) {
            self.fit_to_use(now);
        }
    }

    /// The window shrinks half the way to what is used of it.
    fn fit_to_use(&mut self, now: SimTime) {
        let used = self.used.max(self.initial);
        if used < self.packets {
            self.remember();
            self.packets = (self.packets + used) / 2;
        }
        (self.used, self.full_at) = (0, now);
    }

    /// Slow start is to lead back to three quarters of this window.
    fn remember(&mut self) {
        self.threshold = self.threshold.max(self.packets / 2 + self.packets / 4);
    }

    /// Nothing was sent for `silence`, with nothing in flight: the window halves for each timeout of it. False if it is shorter than one.
    #[inline]
    pub(super) fn rest(&mut self, now: SimTime, silence: SimDuration, timeout: SimDuration) -> bool {
        if silence <= timeout {
            return false;
        }
        self.remember();
        let least = self.initial.min(self.packets);
        let mut left = silence.saturating_sub(timeout);
        while left > SimDuration::ZERO && self.packets > least {
            self.packets /= 2;
            left = left.saturating_sub(timeout);
        }
        self.packets = self.packets.max(least);
        (self.used, self.full_at) = (0, now);
        self.cubic.rest(silence);
        true
    }

    /// A flight is acknowledged.
    #[inline]
    pub(super) fn acknowledge(&mut self, tcp: &Tcp, rtt: SimDuration, now: SimTime, flight: &Flight) {
        self.acked += u64::from(flight.packets);
        if self.acked <= self.recovers_at || !self.is_used() {
            return;
        }
        let mut acked = flight.packets;
        if self.packets < self.threshold {
            self.hystart(tcp, rtt, flight);
            let usable = if self.full { u32::MAX } else { self.packets.max(self.most_in_flight.saturating_mul(2)) };
            let grown = self.packets.saturating_add(acked).min(usable).min(self.threshold);
            acked -= grown - self.packets;
            self.packets = grown;
        }
        if self.full && acked > 0 && self.packets >= self.threshold {
            let growth = self.cubic.growth(now, rtt, self.packets, acked);
            self.packets = self.packets.saturating_add(growth);
        }
    }

    /// HyStart ends slow start where the acknowledgements of one round take half a round trip, or a queue builds up.
    fn hystart(&mut self, tcp: &Tcp, rtt: SimDuration, flight: &Flight) {
        let is_small = self.packets.saturating_add(flight.packets) < HYSTART_WINDOW;
        if self.found || is_small || tcp.congestion != Congestion::Cubic {
            return;
        }
        let longest_queue = (rtt / 8).clamp(SimDuration::from_ms(4), SimDuration::from_ms(16));
        // Pacing may hold back a burst of 256 KiB, which the measure of the train allows for, up to a millisecond.
        let burst = (rtt * 90 / u64::from(self.packets)).min(SimDuration::from_ms(1));
        let train = (rtt + burst) / 2;
        let passed = if flight.queued >= longest_queue {
            0
        } else if flight.span >= train {
            (f64::from(flight.packets) * (train.as_ns() as f64 / flight.span.as_ns() as f64)) as u32
        } else {
            return;
        };
        (self.found, self.threshold) = (true, self.threshold.min(self.packets.saturating_add(passed)));
    }

    /// Packets are lost.
    pub(super) fn lose(&mut self) {
        if self.acked < self.recovers_at {
            return;
        }
        self.packets = self.cubic.loss(self.packets);
        (self.threshold, self.recovers_at, self.found) = (self.packets, self.sent, false);
    }
}
