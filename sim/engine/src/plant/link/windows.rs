//! Messages are cut into flights by the windows of their connections.

use super::connection::Connection;
use super::flight::Flight;
use super::{Direction, Outbox};
use crate::ledger::Phase;
use crate::spec::{Connections, TcpSpec, Transport};
use kernel::Service;
use units::SimTime;

impl Direction {
    fn tcp(&self) -> TcpSpec {
        match self.transport {
            Transport::Tcp(settings) => settings,
            Transport::Ideal => unreachable!("windows are TCP's"),
        }
    }

    /// Sends a message as far as the window of its connection allows; the rest follows as packets are acknowledged.
    pub(super) fn send_by_window(&mut self, now: SimTime, message: Flight, out: &mut Outbox) {
        let settings = self.tcp();
        if settings.connections == Connections::PerRequest {
            self.connect(now, &message, out);
        }
        let rtt = self.rtt(message.edge, now) + message.beyond;
        let connection = &mut self.connections[message.connection as usize];
        connection.gap = now - connection.handed;
        connection.handed = now;
        let fits = connection.waiting.is_empty()
            && now >= connection.open_at
            && message.packets <= connection.sender.room(&settings.tcp, rtt, now);
        if fits {
            self.release(now, message, false, out);
        } else {
            let wait = if now < connection.open_at { Phase::Connecting } else { Phase::Window };
            connection.waiting.push_back(Flight { wait, ..message });
            self.advance(now, message.connection, out);
        }
    }

    /// Lets a message go, if the window of its connection has room for all of it and nothing waits before it. Connections of one request
    /// alone may still have to be opened.
    #[inline]
    pub(super) fn leave_at_once(&mut self, now: SimTime, message: &Flight) -> bool {
        let Transport::Tcp(settings) = self.transport else { return true };
        if settings.connections == Connections::PerRequest {
            return false;
        }
        let rtt = self.rtt(message.edge, now) + message.beyond;
        let connection = &mut self.connections[message.connection as usize];
        let fits = connection.waiting.is_empty()
            && now >= connection.open_at
            && message.packets <= connection.sender.room(&settings.tcp, rtt, now);
        if fits {
            connection.gap = now - connection.handed;
            connection.handed = now;
            connection.sender.send(&settings.tcp, rtt, now, message.packets, false);
        }
        fits
    }

    /// Makes a new connection for a request that has none yet. On the way up it opens after a round trip for TCP and those of TLS; the
    /// cloud's half is open by then.
    fn connect(&mut self, now: SimTime, message: &Flight, out: &mut Outbox) {
        let (index, request) = (message.connection as usize, message.request);
        if self.connections.len() <= index {
            let tcp = self.tcp().tcp;
            self.connections.resize_with(index + 1, || Connection::open(&tcp));
            self.last_arrivals.resize(index + 1, SimTime::ZERO);
        }
        if self.connections[index].request >= request {
            return;
        }
        // A message of a request that has ended, of which nobody waits for the rest, leaves with the old connection.
        for flight in std::mem::take(&mut self.connections[index].waiting) {
            self.release(now, flight, true, out);
        }
        let round_trips = if self.opens { 1 + u64::from(self.tcp().tls) } else { 0 };
        let opened = (self.rtt(message.edge, now) + message.beyond) * round_trips;
        let fresh = Connection::open(&self.tcp().tcp);
        self.last_arrivals[index] = SimTime::ZERO;
        self.connections[index] = Connection { open_at: now + opened, request, handed: now, ..fresh };
    }

    /// A look at a connection that is due.
    pub(crate) fn look(&mut self, now: SimTime, connection: u32, out: &mut Outbox) {
        let due = &mut self.connections[connection as usize].due;
        if *due == Some(now) {
            *due = None;
            self.advance(now, connection, out);
        }
    }

    /// Sends of the waiting messages what the window allows, and says when to look again.
    pub(super) fn advance(&mut self, now: SimTime, index: u32, out: &mut Outbox) {
        let settings = self.tcp();
        loop {
            let connection = &mut self.connections[index as usize];
            let Some(first) = connection.waiting.front() else { break };
            if now < connection.open_at {
                break;
            }
            let rtt = self.chain.rtt(first.edge, now)[0] + first.beyond;
            let room = connection.sender.room(&settings.tcp, rtt, now);
            if room == 0 {
                break;
            }
            let flight = self.cut(now, index, room);
            let waited = flight.wait == Phase::Window && flight.since < now;
            self.release(now, flight, waited, out);
        }
        let connection = &mut self.connections[index as usize];
        if connection.waiting.is_empty() {
            return;
        }
        let next = if now < connection.open_at { Some(connection.open_at) } else { connection.sender.next_ack() };
        if let Some(next) = next.map(|next| next.max(now))
            && connection.due.is_none_or(|due| next < due)
        {
            connection.due = Some(next);
            out.wakes.push((index, next));
        }
    }

    /// Takes so many packets, or fewer, from the first message that waits.
    fn cut(&mut self, now: SimTime, index: u32, room: u32) -> Flight {
        let (packet, header) = (self.packet, self.header);
        let waiting = &mut self.connections[index as usize].waiting;
        let rest = waiting.front_mut().expect("a message that waits");
        if rest.packets <= room {
            return waiting.pop_front().expect("a message that waits");
        }
        let bytes = (packet + header) * u64::from(room);
        let flight = Flight { packets: room, bytes, is_last: false, ..*rest };
        (rest.packets, rest.bytes) = (rest.packets - room, rest.bytes - bytes);
        (rest.since, rest.wait) = (now, Phase::Window);
        flight
    }

    /// Puts a flight of a connection on the medium.
    fn release(&mut self, now: SimTime, flight: Flight, waited: bool, out: &mut Outbox) {
        let (settings, rtt) = (self.tcp(), self.rtt(flight.edge, now) + flight.beyond);
        let sender = &mut self.connections[flight.connection as usize].sender;
        sender.send(&settings.tcp, rtt, now, flight.packets, waited);
        self.put(now, flight, out);
    }

    /// The medium takes a flight for that time: acknowledgements follow. Pacing may stretch it.
    pub(super) fn acknowledge(&mut self, put: SimTime, flight: &Flight, service: Service) -> Service {
        let Transport::Tcp(TcpSpec { tcp, .. }) = self.transport else { return service };
        let rtt = self.rtt(flight.edge, service.start) + flight.beyond;
        let Connection { sender, request, .. } = &mut self.connections[flight.connection as usize];
        if *request > flight.request {
            // Its connection is closed: another request has its place.
            return service;
        }
        let paced = service.start + sender.spread(&tcp, rtt, flight.packets);
        let service = Service { end: service.end.max(paced), ..service };
        sender.left(rtt, put, flight.packets, service);
        service
    }
}

#[cfg(test)]
mod tests {
    use super::super::Parcel;
    use super::*;
    use crate::models::streams;
    use crate::spec::{RunSpec, Sharing};
    use kernel::Tcp;
    use policies::{CloudOnly, System};
    use units::{Bytes, SimDuration};

    /// A flight of a request that has ended leaves a shared link when the next request has its place.
    #[test]
    fn a_closed_connection_leaves_the_next_one_its_window() {
        let mut spec = RunSpec::example(System::CloudOnly(CloudOnly::default()));
        let tcp = Tcp::default();
        spec.link.transport = Transport::Tcp(TcpSpec { tcp, connections: Connections::PerRequest, tls: 0 });
        spec.link.hops[0].sharing = Sharing::Fair(None);
        let mut link = Direction::new(&spec, true, 1, streams(&spec));
        let rtt = SimDuration::from_ms(20);
        let parcel = |request| Parcel {
            message: request,
            edge: 0,
            connection: 0,
            request,
            payload: Bytes::new(1000),
            beyond: SimDuration::ZERO,
            warm_up: false,
        };
        let mut out = Outbox::default();
        let leave = |link: &mut Direction| {
            let at = link.next_look(0).expect("a flight on the link");
            link.take_left(at, 0, &mut Outbox::default());
            at
        };
        link.send(SimTime::ZERO, &parcel(1), &mut out);
        let opened = SimTime::ZERO + rtt;
        link.look(opened, 0, &mut out);
        let second = opened + SimDuration::from_us(1);
        link.send(second, &parcel(2), &mut out);
        leave(&mut link);
        link.look(second + rtt, 0, &mut out);
        let left = leave(&mut link);
        let sender = &mut link.connections[0].sender;
        let room = sender.room(&tcp, rtt, left + rtt);
        assert_eq!(room, tcp.initial_window, "everything is acknowledged");
    }
}
