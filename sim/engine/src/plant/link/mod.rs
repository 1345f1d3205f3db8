//! One direction of the link: headers, connections, loss, delay.
//!
//! A message is cut into flights by the window of its connection; without a transport it is one flight. A flight waits for the
//! hops on its way, passes them, and its last bit arrives half a round trip later. Messages of a connection arrive in their order;
//! jitter and loss hold back no other connection.
//!
//! | file | what it holds |
//! |---|---|
//! | `chain.rs` | the hops between each edge and the cloud |
//! | `connection.rs` | a connection: its sender's window, and the messages that wait for it |
//! | `windows.rs` | messages are cut into flights by the windows of their connections |
//! | `flight.rs` | packets that leave together, and their way |
//! | `medium.rs` | the rate that flights share: first in, first out, or max-min fair |
//! | `loss.rs` | packets that are lost, and the time until they are there after all |

mod chain;
mod connection;
mod flight;
mod loss;
mod medium;
mod windows;

use crate::ledger::Phase;
use crate::spec::{RunSpec, TcpSpec, Transport};
use chain::Chain;
use connection::Connection;
pub(crate) use flight::Passage;
use flight::{Flight, Loss, Trip};
use kernel::{Service, Stream, Streams, draw};
use units::{BitsPerSecond, Bytes, SimDuration, SimTime};

/// From edge to cloud or back.
pub(crate) struct Direction {
    chain: Chain,
    transport: Transport,
    /// Connections are opened from this end.
    opens: bool,
    header: Bytes,
    packet: Bytes,
    jitter: SimDuration,
    /// One for each edge, or for each request in flight; none without a transport.
    connections: Vec<Connection>,
    /// Time at which the last message of each connection arrives, which every message looks at.
    last_arrivals: Vec<SimTime>,
    stream: Stream,
    /// Bytes put on the wire, arrived and lost.
    pub(crate) traffic: Traffic,
}

/// Bytes sent, received and lost, headers included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Put on the wire.
    pub sent: Bytes,
    /// Arrived.
    pub received: Bytes,
    /// Lost on the way, and sent again.
    pub lost: Bytes,
    /// Put on the wire for requests of the warm-up.
    pub warm_up: Bytes,
}

impl Traffic {
    /// Adds what was carried elsewhere.
    pub(crate) fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.lost += other.lost;
        self.warm_up += other.warm_up;
    }

    /// Put on the wire for the requests that are counted.
    pub fn counted(&self) -> Bytes {
        self.sent - self.warm_up
    }
}

/// A message that is handed over.
pub(crate) struct Parcel {
    pub(crate) message: u32,
    /// Its request's edge.
    pub(crate) edge: u32,
    /// Its connection: that of its edge or of its request.
    pub(crate) connection: u32,
    /// Its request's own number.
    pub(crate) request: u32,
    pub(crate) payload: Bytes,
    /// The round trip from the end of the link to its pool.
    pub(crate) beyond: SimDuration,
    /// Its request belongs to the warm-up.
    pub(crate) warm_up: bool,
}

/// The things that came of looking at a direction.
#[derive(Default)]
pub(crate) struct Outbox {
    /// Flights that have left, by their messages.
    pub(crate) left: Vec<(u32, Passage)>,
    /// Connections that have to be looked at then.
    pub(crate) wakes: Vec<(u32, SimTime)>,
    /// Flights that will come to their next hop then.
    pub(crate) passing: Vec<(u32, SimTime)>,
    /// Shared hops that flights were put on or taken from: they may have to be looked at.
    pub(crate) touched: Vec<u32>,
}

impl Direction {
    pub(crate) fn new(spec: &RunSpec, up: bool, connections: u32, streams: Streams) -> Self {
        let link = &spec.link;
        Self {
            chain: Chain::new(spec, up),
            transport: link.transport,
            opens: up,
            header: link.header,
            packet: link.packet,
            jitter: link.jitter,
            connections: match &link.transport {
                Transport::Ideal => Vec::new(),
                Transport::Tcp(TcpSpec { tcp, .. }) => (0..connections).map(|_| Connection::open(tcp)).collect(),
            },
            last_arrivals: vec![SimTime::ZERO; connections as usize],
            stream: streams.stream(if up { "link/up" } else { "link/down" }, 0),
            traffic: Traffic::default(),
        }
    }

    /// Sends a message whose arrival is known at once: its way is plain, and its connection lets it go. Its bytes on the wire and its
    /// passage; none if it has to be [sent](Self::send) as any other.
    #[inline]
    pub(crate) fn send_at_once(&mut self, now: SimTime, parcel: &Parcel) -> Option<(Bytes, Passage)> {
        if !self.chain.is_plain(parcel.edge) || self.jitter > SimDuration::ZERO {
            return None;
        }
        let flight = self.flight(now, parcel);
        if !self.leave_at_once(now, &flight) {
            return None;
        }
        self.traffic.sent += flight.bytes;
        self.traffic.warm_up += if flight.warm_up { flight.bytes } else { Bytes::ZERO };
        let over = self.chain.pass(now, flight.edge, flight.bytes);
        Some((flight.bytes, self.passage(now, &flight, over, Loss::default())))
    }

    /// Sends a message; its bytes on the wire that will arrive.
    pub(crate) fn send(&mut self, now: SimTime, parcel: &Parcel, out: &mut Outbox) -> Bytes {
        let whole = self.flight(now, parcel);
        match self.transport {
            Transport::Ideal => self.put(now, whole, out),
            Transport::Tcp(_) => self.send_by_window(now, whole, out),
        }
        whole.bytes
    }

    /// A message as one flight.
    #[inline]
    fn flight(&self, now: SimTime, parcel: &Parcel) -> Flight {
        let Parcel { message, edge, connection, request, payload, beyond, warm_up } = *parcel;
        // Most messages are one packet, and a division takes as long as all the rest of this.
        let packets = if payload <= self.packet { 1 } else { payload.as_u64().div_ceil(self.packet.as_u64()) };
        let wire = payload + self.header * packets;
        let packets = u32::try_from(packets).unwrap_or(u32::MAX);
        let flow = if self.transport == Transport::Ideal { request } else { connection };
        let (since, wait, is_last) = (now, Phase::Queued, true);
        Flight { message, edge, connection, request, flow, packets, bytes: wire, since, wait, is_last, beyond, warm_up }
    }

    /// Sends a message past the link: it takes no time, and only its bytes are counted.
    pub(crate) fn send_past(&mut self, now: SimTime, parcel: &Parcel, out: &mut Outbox) -> Bytes {
        self.traffic.sent += parcel.payload;
        self.traffic.warm_up += if parcel.warm_up { parcel.payload } else { Bytes::ZERO };
        let passage = Passage { since: now, wait: Phase::Queued, started: now, left: now, arrival: Some(now) };
        out.left.push((parcel.message, passage));
        parcel.payload
    }

    /// A message has arrived.
    #[inline]
    pub(crate) fn receive(&mut self, wire: Bytes) {
        self.traffic.received += wire;
    }

    /// Time at which a shared hop has to be looked at, if no look is due by then.
    pub(crate) fn next_look(&mut self, hop: u32) -> Option<SimTime> {
        self.chain.next_look(hop)
    }

    /// Takes out the flights that have left a shared hop by `now`.
    pub(crate) fn take_left(&mut self, now: SimTime, hop: u32, out: &mut Outbox) {
        for (mut trip, is_through) in self.chain.take_left(now, hop, out) {
            if is_through || self.chain.enter(now, &mut trip, out) {
                self.left(&trip, out);
                self.go_on(now, trip.flight.connection, out);
            }
        }
    }

    /// The rate of an edge now: that of the slowest hop on its way.
    pub(crate) fn rate(&self, edge: u32, now: SimTime) -> BitsPerSecond {
        self.chain.rate(edge, now)
    }

    /// The round-trip time that an edge sees now: where queues have a length, what waits in them is a part of it.
    pub(crate) fn seen_rtt(&self, edge: u32, now: SimTime) -> SimDuration {
        self.rtt(edge, now) + self.chain.waits(edge, now)
    }

    /// That round-trip time to a server so far beyond the link, and the part of it in this direction, which has the waits.
    pub(crate) fn seen_ways(&self, edge: u32, now: SimTime, beyond: SimDuration) -> [SimDuration; 2] {
        let ([rtt, this], waits) = (self.chain.rtt(edge, now), self.chain.waits(edge, now));
        [rtt + beyond + waits, (this + beyond) / 2 + waits]
    }

    /// The round-trip time of an edge now.
    #[inline]
    fn rtt(&self, edge: u32, now: SimTime) -> SimDuration {
        self.chain.rtt(edge, now)[0]
    }

    /// Puts a flight on its way.
    fn put(&mut self, now: SimTime, flight: Flight, out: &mut Outbox) {
        let loss = self.lose(now, &flight);
        let sent = flight.bytes + loss.bytes;
        self.traffic.sent += sent + loss.dropped;
        self.traffic.lost += loss.bytes + loss.dropped;
        self.traffic.warm_up += if flight.warm_up { sent } else { Bytes::ZERO };
        let mut trip = Trip { flight, loss, put: now, step: self.chain.first(flight.edge), over: None };
        if self.chain.enter(now, &mut trip, out) {
            self.left(&trip, out);
        }
    }

    /// A flight comes to its next hop.
    pub(crate) fn pass_on(&mut self, now: SimTime, trip: u32, out: &mut Outbox) {
        let mut trip = self.chain.passed(trip);
        if self.chain.enter(now, &mut trip, out) {
            self.left(&trip, out);
            self.go_on(now, trip.flight.connection, out);
        }
    }

    /// A flight has left later than it was put on the link: its connection may have more to send.
    fn go_on(&mut self, now: SimTime, connection: u32, out: &mut Outbox) {
        if matches!(self.transport, Transport::Tcp(_)) {
            self.advance(now, connection, out);
        }
    }

    /// It is known when a flight has left the last hop.
    fn left(&mut self, trip: &Trip, out: &mut Outbox) {
        let over = trip.over.expect("a flight that has left");
        out.left.push((trip.flight.message, self.passage(trip.put, &trip.flight, over, trip.loss)));
    }

    /// The passage of a flight that was put on the link then, and that the hops took for that time.
    #[inline]
    fn passage(&mut self, put: SimTime, flight: &Flight, over: Service, loss: Loss) -> Passage {
        let service = self.acknowledge(put, flight, over);
        let arrived = self.arrive(flight, service.end, loss);
        let (started, left, arrival) = (service.start, service.end, flight.is_last.then_some(arrived));
        Passage { since: flight.since, wait: flight.wait, started, left, arrival }
    }

    /// Time at which a flight has arrived whose last bit left then. Round trips are those of that moment.
    fn arrive(&mut self, flight: &Flight, left: SimTime, loss: Loss) -> SimTime {
        let [rtt, this] = self.chain.rtt(flight.edge, left);
        let way = (this + flight.beyond) / 2;
        let mut arrival = left + (rtt + flight.beyond) * loss.rounds + loss.delay + way;
        if flight.is_last && self.jitter > SimDuration::ZERO {
            arrival += SimDuration::from_secs_f64(self.jitter.as_secs_f64() * draw::exponential(&mut self.stream));
        }
        let last = &mut self.last_arrivals[flight.connection as usize];
        *last = (*last).max(arrival);
        *last
    }
}
