//! A sender of TCP: how many packets may leave now, and when the next ones may.
//!
//! A message that fits the window leaves at once. A larger one leaves in flights: each begins when the first packet of the flight
//! before it is acknowledged, so that no packet is an event of its own. Within a flight acknowledgements come as fast as
//! packets left, so a flight of twice the size fills the link from its first acknowledgement on.
//!
//! | file | what it holds |
//! |---|---|
//! | `window.rs` | the congestion window by Linux's rules: slow start, HyStart, silence, loss |
//! | `cubic.rs` | its growth behind slow start (RFC 9438) |
//! | `bbr.rs` | pacing by an estimate of the bandwidth |

mod bbr;
mod cubic;
mod window;

#[cfg(test)]
mod cells;

use crate::Service;
use bbr::Pacing;
use std::collections::VecDeque;
use units::{SimDuration, SimTime};
use window::Window;

/// Linux's shortest retransmission timeout is the smoothed round trip and this much more.
const RTO_MARGIN: SimDuration = SimDuration::from_ms(200);

/// Timers of a kernel with 250 ticks a second, which most distributions have.
const TICK: SimDuration = SimDuration::from_ms(4);

/// The settings of a link's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// The rule by which the window grows and shrinks.
    pub congestion: Congestion,
    /// Packets of a new connection's first flight; 10 by RFC 6928.
    pub initial_window: u32,
    /// True halves the window for each timeout of silence (Linux's `tcp_slow_start_after_idle`).
    pub idle_restart: bool,
    /// Packets that the receiver lets be in flight.
    pub receive_window: u32,
}

impl Default for Tcp {
    /// Linux's settings. Half of the largest receive buffer, 6 MiB, is window; the other half is for what packets take beside
    /// their bytes.
    fn default() -> Self {
        Self { congestion: Congestion::Cubic, initial_window: 10, idle_restart: true, receive_window: 2172 }
    }
}

/// A rule of congestion control.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Congestion {
    /// CUBIC with HyStart, Linux's default.
    #[default]
    Cubic,
    /// BBR, as the pacing of its start-up: connections of short messages never leave it.
    Bbr,
}

/// The sender of one direction of a connection.
///
/// ```
/// use kernel::{Service, Tcp, TcpSender};
/// use units::{SimDuration, SimTime};
///
/// let (tcp, rtt, ms) = (Tcp::default(), SimDuration::from_ms(20), |ms| SimTime::ZERO + SimDuration::from_ms(ms));
/// let mut sender = TcpSender::new(&tcp);
/// assert_eq!(sender.room(&tcp, rtt, ms(0)), 10, "a new connection");
/// sender.send(&tcp, rtt, ms(0), 10, false);
/// sender.left(rtt, ms(0), 10, Service { start: ms(0), end: ms(5) });
/// assert_eq!(sender.next_ack(), Some(ms(20) + SimDuration::from_us(500)), "of the first packet");
/// assert_eq!(sender.room(&tcp, rtt, ms(21)), 20, "slow start doubles");
/// ```
#[derive(Clone, Debug)]
pub struct TcpSender {
    window: Window,
    pacing: Pacing,
    /// Flights that are not acknowledged, the oldest first.
    flights: VecDeque<Flight>,
    in_flight: u32,
    /// Packets were last sent then, or the window has rested until then.
    last_sent: SimTime,
    /// The smoothed round trip, queueing included (RFC 6298); none before the first.
    smoothed: Option<SimDuration>,
}

/// Packets that left together.
#[derive(Clone, Copy, Debug)]
struct Flight {
    /// The acknowledgement of the first of them.
    acked: SimTime,
    /// Time between the first acknowledgement and the last.
    span: SimDuration,
    /// Time that the first waited for the link.
    queued: SimDuration,
    packets: u32,
}

impl TcpSender {
    /// The sender of a new connection.
    pub fn new(tcp: &Tcp) -> Self {
        Self {
            window: Window::new(tcp.initial_window),
            pacing: Pacing::default(),
            flights: VecDeque::new(),
            in_flight: 0,
            last_sent: SimTime::ZERO,
            smoothed: None,
        }
    }

    /// Packets that may leave at `now`.
    #[inline]
    pub fn room(&mut self, tcp: &Tcp, rtt: SimDuration, now: SimTime) -> u32 {
        while let Some(flight) = self.flights.front()
            && flight.acked <= now
        {
            let flight = *flight;
            self.flights.pop_front();
            self.in_flight -= flight.packets;
            self.window.acknowledge(tcp, rtt, now, &flight);
            self.smooth(rtt, &flight);
        }
        if self.in_flight == 0 && self.restarts(tcp) {
            let silence = now.saturating_since(self.last_sent);
            if silence > RTO_MARGIN && self.window.rest(now, silence, self.retransmission_timeout(rtt)) {
                // A silence is paid for once, however often its end is looked at.
                self.last_sent = now;
            }
        }
        self.window.packets().min(tcp.receive_window).saturating_sub(self.in_flight)
    }

    /// So many packets go to the link at `now`. `waited` says that they had to wait for acknowledgements.
    #[inline]
    pub fn send(&mut self, tcp: &Tcp, rtt: SimDuration, now: SimTime, packets: u32, waited: bool) {
        self.in_flight += packets;
        self.last_sent = now;
        let timeout = self.restarts(tcp).then(|| self.retransmission_timeout(rtt));
        self.window.note(now, packets, self.in_flight, waited, timeout);
    }

    /// The link took packets for that time, which went to it at `sent`: acknowledgements follow.
    #[inline]
    pub fn left(&mut self, rtt: SimDuration, sent: SimTime, packets: u32, service: Service) {
        let Service { start, end } = service;
        let span = end - start;
        let first = span / u64::from(packets.max(1));
        self.flights.push_back(Flight {
            acked: start + first + rtt,
            span,
            queued: start.saturating_since(sent),
            packets,
        });
    }

    /// The time that pacing takes to send so many packets; zero under a rule that does not pace.
    #[inline]
    pub fn spread(&mut self, tcp: &Tcp, rtt: SimDuration, packets: u32) -> SimDuration {
        match tcp.congestion {
            Congestion::Cubic => SimDuration::ZERO,
            Congestion::Bbr => self.pacing.spread(rtt, packets),
        }
    }

    /// Packets of a flight were lost: the window shrinks, once for all that are in flight.
    pub fn lost(&mut self, tcp: &Tcp) {
        if tcp.congestion == Congestion::Cubic {
            self.window.lose();
        }
    }

    /// Time of the next acknowledgement that frees room.
    pub fn next_ack(&self) -> Option<SimTime> {
        self.flights.front().map(|flight| flight.acked)
    }

    /// The time without an acknowledgement after which TCP sends again, on a connection whose round trips hardly vary.
    pub fn retransmission_timeout(&self, rtt: SimDuration) -> SimDuration {
        let exact = self.smoothed.unwrap_or(rtt) + RTO_MARGIN;
        TICK * exact.as_ns().div_ceil(TICK.as_ns())
    }

    /// Takes the round trips of a flight into the smoothed one, an eighth of the difference for each acknowledgement.
    #[inline]
    fn smooth(&mut self, rtt: SimDuration, flight: &Flight) {
        let first = (rtt + flight.queued).as_ns() as f64;
        let acks = flight.packets.div_ceil(2);
        let before = self.smoothed.map_or(first, |smoothed| smoothed.as_ns() as f64);
        let span = flight.span.as_ns() as f64;
        let smoothed = if acks <= 1 {
            before + (first + span - before) / 8.0
        } else {
            // A ramp of so many samples, which the smoothed value follows seven samples behind.
            let left = libm::pow(0.875, f64::from(acks));
            let lag = 7.0 * span / f64::from(acks);
            before * left + (first + span - lag) * (1.0 - left)
        };
        self.smoothed = Some(SimDuration::from_ns(smoothed.max(0.0) as u64));
    }

    /// The congestion window, in packets.
    pub fn window(&self) -> u32 {
        self.window.packets()
    }

    fn restarts(&self, tcp: &Tcp) -> bool {
        tcp.idle_restart && tcp.congestion == Congestion::Cubic
    }
}
