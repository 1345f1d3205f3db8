//! One direction of the link: headers, connections, loss, delay.
//!
//! A message is cut into flights by the window of its connection; without a transport it is one flight. A flight waits for the
//! medium, is put on it, and its last bit arrives half a round trip later. Messages of a connection arrive in their order;
//! jitter and loss hold back no other connection.
//!
//! | file | what it holds |
//! |---|---|
//! | `access.rs` | the links that edges have for themselves |
//! | `connection.rs` | a connection: its sender's window, and the messages that wait for it |
//! | `windows.rs` | messages are cut into flights by the windows of their connections |
//! | `flight.rs` | packets that leave together, and their way |
//! | `medium.rs` | the rate that flights share: first in, first out, or max-min fair |
//! | `loss.rs` | packets that are lost, and the time until they are there after all |

mod access;
mod connection;
mod flight;
mod loss;
mod medium;
mod windows;

use crate::ledger::Phase;
use crate::spec::{LinkSpec, Transport};
pub(crate) use access::Access;

use access::Passing;
use connection::Connection;
pub(crate) use flight::Passage;
use flight::{Flight, Loss};
use kernel::{DelayProfile, Service, Stream, Streams, draw};
use medium::Medium;
use units::{BitsPerSecond, Bytes, SimDuration, SimTime};

/// From edge to cloud or back.
pub(crate) struct Direction {
    medium: Medium,
    access: Access,
    transport: Transport,
    /// Connections are opened from this end.
    opens: bool,
    rtt: SimDuration,
    /// Round-trip times over time, in the place of `rtt`.
    rtts: Option<DelayProfile>,
    header: Bytes,
    packet: Bytes,
    jitter: SimDuration,
    loss: f64,
    /// Bytes that may wait for the medium.
    queue: Option<Bytes>,
    /// One for each edge, or for each request in flight.
    connections: Vec<Connection>,
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
    /// The round trips of the edge's own link and beyond the shared one, to its pool.
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
    /// Flights that will have passed an edge's own link then, on their way up.
    pub(crate) passing: Vec<(u32, SimTime)>,
}

impl Direction {
    pub(crate) fn new(spec: &LinkSpec, access: Access, up: bool, connections: u32, streams: Streams) -> Self {
        let (rate, name) = if up { (&spec.up, "link/up") } else { (&spec.down, "link/down") };
        Self {
            medium: Medium::new(spec.sharing, rate),
            access,
            transport: spec.transport,
            opens: up,
            rtt: spec.rtt,
            rtts: spec.rtts.clone(),
            header: spec.header,
            packet: spec.packet,
            jitter: spec.jitter,
            loss: spec.loss.as_f64(),
            queue: spec.queue.filter(|_| spec.transport != Transport::Ideal),
            connections: (0..connections).map(|_| Connection::open(&spec.transport)).collect(),
            stream: streams.stream(name, 0),
            traffic: Traffic::default(),
        }
    }

    /// Sends a message; its bytes on the wire that will arrive.
    pub(crate) fn send(&mut self, now: SimTime, parcel: &Parcel, out: &mut Outbox) -> Bytes {
        let Parcel { message, edge, connection, request, payload, beyond, warm_up } = *parcel;
        let packets = payload.as_u64().div_ceil(self.packet.as_u64()).max(1);
        let wire = payload + self.header * packets;
        let packets = u32::try_from(packets).unwrap_or(u32::MAX);
        let whole = Flight {
            message,
            edge,
            connection,
            request,
            flow: request,
            packets,
            bytes: wire,
            since: now,
            wait: Phase::Queued,
            is_last: true,
            beyond,
            warm_up,
        };
        match self.transport {
            Transport::Ideal => self.put(now, whole, out),
            Transport::Tcp(_) => self.send_by_window(now, Flight { flow: connection, ..whole }, out),
        }
        wire
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

    /// Time at which a shared medium has to be looked at next.
    pub(crate) fn next_event(&self) -> Option<SimTime> {
        self.medium.next_event()
    }

    /// Takes out the flights that have left a shared medium by `now`.
    pub(crate) fn take_left(&mut self, now: SimTime, out: &mut Outbox) {
        let mut ended = Vec::new();
        self.medium.take_left(now, &mut ended);
        for medium::Left { put, flight, started, loss } in ended {
            self.left(put, &flight, Service { start: started, end: now }, loss, out);
            self.go_on(now, flight.connection, out);
        }
    }

    /// The rate of an edge now: that of its own link, or of the shared one, whichever is slower.
    pub(crate) fn rate(&self, edge: u32, now: SimTime) -> BitsPerSecond {
        let shared = self.medium.rate_at(now);
        self.access.rate(edge, now).map_or(shared, |own| if own < shared { own } else { shared })
    }

    /// The round-trip time that is seen now: where the queue has a length, what waits in it is a part of it.
    pub(crate) fn seen_rtt(&self, now: SimTime) -> SimDuration {
        let waits = if self.queue.is_some() { self.medium.backlog(now) } else { SimDuration::ZERO };
        self.rtt(now) + waits
    }

    /// The round-trip time now.
    pub(crate) fn rtt(&self, now: SimTime) -> SimDuration {
        self.rtts.as_ref().map_or(self.rtt, |rtts| rtts.at(now))
    }

    /// Puts a flight on the medium.
    fn put(&mut self, now: SimTime, flight: Flight, out: &mut Outbox) {
        let loss = self.lose(now, &flight);
        let sent = flight.bytes + loss.bytes;
        self.traffic.sent += sent + loss.dropped;
        self.traffic.lost += loss.bytes + loss.dropped;
        self.traffic.warm_up += if flight.warm_up { sent } else { Bytes::ZERO };
        if self.opens && self.access.is_there(flight.edge) {
            out.passing.push(self.access.enter(now, flight, loss));
            return;
        }
        if let Some(service) = self.medium.put(now, flight, loss, None) {
            self.left(now, &flight, service, loss, out);
        }
    }

    /// A flight has passed its edge's own link, and comes to the shared one.
    pub(crate) fn pass_on(&mut self, now: SimTime, flight: u32, out: &mut Outbox) {
        let Passing { flight, loss, put, service } = self.access.leave(flight);
        if let Some(service) = self.medium.put(now, flight, loss, Some(service)) {
            self.left(put, &flight, service, loss, out);
            self.go_on(now, flight.connection, out);
        }
    }

    /// A flight has left later than it was put on the link: its connection may have more to send.
    fn go_on(&mut self, now: SimTime, connection: u32, out: &mut Outbox) {
        if matches!(self.transport, Transport::Tcp(_)) {
            self.advance(now, connection, out);
        }
    }

    /// It is known when a flight has left, which was put on the medium at `put`.
    fn left(&mut self, put: SimTime, flight: &Flight, service: Service, loss: Loss, out: &mut Outbox) {
        let Flight { message, since, wait, is_last, .. } = *flight;
        let service = if self.opens { service } else { self.access.pass_on(flight, service, loss) };
        let service = self.acknowledge(put, flight, service);
        let arrived = self.arrive(flight, service.end, loss);
        let arrival = is_last.then_some(arrived);
        out.left.push((message, Passage { since, wait, started: service.start, left: service.end, arrival }));
    }

    /// Time at which a flight has arrived whose last bit left then. Round trips are those of that moment.
    fn arrive(&mut self, flight: &Flight, left: SimTime, loss: Loss) -> SimTime {
        let rtt = self.rtt(left) + flight.beyond;
        let mut arrival = left + rtt * loss.rounds + loss.delay + rtt / 2;
        if flight.is_last && self.jitter > SimDuration::ZERO {
            arrival += SimDuration::from_secs_f64(self.jitter.as_secs_f64() * draw::exponential(&mut self.stream));
        }
        let last = &mut self.connections[flight.connection as usize].last_arrival;
        *last = (*last).max(arrival);
        *last
    }
}
