//! Packets that are lost, and the time until they are there after all.

use super::Direction;
use super::flight::{Flight, Loss};
use crate::ledger::Phase;
use crate::spec::Transport;
use kernel::draw;
use units::{Bytes, SimDuration, SimTime};

impl Direction {
    /// Draws the losses of a flight. A lost packet is sent again, and may be lost again.
    pub(super) fn lose(&mut self, now: SimTime, flight: &Flight) -> Loss {
        let packets = u64::from(flight.packets);
        let each = flight.bytes.as_u64().div_ceil(packets);
        let comes_slowly = flight.wait == Phase::Window && flight.since < now;
        let dropped = self.chain.overflow(now, flight, each, comes_slowly);
        if dropped > 0 {
            self.shrink(flight);
        }
        let probability = self.chain.loss(flight.edge, now, self.opens);
        if probability == 0.0 {
            let rounds = u64::from(dropped > 0);
            return Loss { dropped: Bytes::new(dropped * each), rounds, ..Loss::default() };
        }
        let (mut lost, mut rounds, mut pending) = (0, 0, packets);
        loop {
            pending = draw::binomial(pending, probability, &mut self.stream);
            if pending == 0 {
                break;
            }
            lost += pending;
            rounds += 1;
        }
        let delay = if rounds == 0 { SimDuration::ZERO } else { self.notice(now, flight, lost) };
        let (bytes, dropped) = (Bytes::new(lost * each), Bytes::new(dropped * each));
        Loss { bytes, dropped, rounds: rounds.max(u64::from(dropped > Bytes::ZERO)), delay }
    }

    /// The window of a flight's connection shrinks.
    fn shrink(&mut self, flight: &Flight) {
        if let Transport::Tcp(settings) = self.transport {
            self.connections[flight.connection as usize].sender.lost(&settings.tcp);
        }
    }

    /// The window shrinks; the time until the sender knows, beyond the round trip in which later packets tell it.
    ///
    /// Packets behind the lost ones tell at once (RFC 8985). If the last packet of a message is lost, a probe goes out after two
    /// round trips; if it is the only one in flight, after the retransmission timeout, or when the next message tells, which is expected
    /// after as long as lay between the last two \[A\].
    fn notice(&mut self, now: SimTime, flight: &Flight, lost: u64) -> SimDuration {
        let Transport::Tcp(settings) = self.transport else { return SimDuration::ZERO };
        let rtt = self.rtt(flight.edge, now) + flight.beyond;
        let last_is_lost = draw::uniform(&mut self.stream) * f64::from(flight.packets) < lost as f64;
        let connection = &mut self.connections[flight.connection as usize];
        connection.sender.lost(&settings.tcp);
        match flight.packets {
            _ if !last_is_lost || !flight.is_last => SimDuration::ZERO,
            1 => (connection.gap + rtt / 4).min(connection.sender.retransmission_timeout(rtt).saturating_sub(rtt)),
            _ => rtt,
        }
    }
}
