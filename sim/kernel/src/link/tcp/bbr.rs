//! Pacing by BBR's start-up (Linux's `tcp_bbr.c`; Cardwell et al., CACM 60(2), 2017).
//!
//! A connection of messages is limited by its application, so BBR stays in start-up: it sends at 2 / ln 2 times the highest
//! rate of delivery seen in ten flights. A flight that takes T to send is delivered over the round trip and a part of T, since its first
//! packets are acknowledged before its last leave. So a warm connection spreads a message over .49 of a round trip, whatever its
//! size.

use units::SimDuration;

/// The gain of start-up, 2 / ln 2.
const GAIN: f64 = 2.885_39;

/// The part of a flight's own time that its delivery takes: fitted to one-way times on warm connections, 400 Mbps and 20 ms.
const OWN_TIME: f64 = 0.85;

/// Packets that leave at once.
const QUANTUM: u32 = 2;

/// Seconds that a flight takes to be delivered, at least.
const SHORTEST: f64 = 1e-6;

/// Flights for which an estimate stands.
const KEPT: u32 = 10;

#[derive(Clone, Debug, Default)]
pub(super) struct Pacing {
    /// Packets a second; none before the first flight, which is not paced.
    rate: Option<f64>,
    age: u32,
}

impl Pacing {
    /// Time to send a flight, which then is what the rate of delivery is estimated from.
    pub(super) fn spread(&mut self, rtt: SimDuration, packets: u32) -> SimDuration {
        let paced = f64::from(packets.saturating_sub(QUANTUM));
        let spread = self.rate.map_or(0.0, |rate| paced / (GAIN * rate));
        let delivered = f64::from(packets) / (rtt.as_secs_f64() + OWN_TIME * spread).max(SHORTEST);
        self.age += 1;
        if self.rate.is_none_or(|rate| delivered >= rate) || self.age > KEPT {
            (self.rate, self.age) = (Some(delivered), 0);
        }
        SimDuration::from_secs_f64(spread)
    }
}
