//! One direction of the link: headers, queueing or sharing, loss, delay.

use crate::spec::{LinkSpec, Sharing};
use kernel::{DelayProfile, FairLink, FifoLink, RateProfile, Service, Stream, Streams, draw};
use std::collections::{BTreeMap, VecDeque};
use units::{BitsPerSecond, Bytes, SimDuration, SimTime};

/// From edge to cloud or back.
pub(crate) struct Direction {
    medium: Medium,
    rtt: SimDuration,
    /// Round-trip times over time, in the place of `rtt`.
    rtts: Option<DelayProfile>,
    header: Bytes,
    packet: Bytes,
    jitter: SimDuration,
    loss: f64,
    /// On a shared link: the messages of each request, of which the first is on it. A request is one flow, so that its
    /// messages share as one and stay in order, whatever their sizes and losses.
    flows: BTreeMap<u32, VecDeque<Pending>>,
    stream: Stream,
    last_arrival: SimTime,
    /// Bytes put on the wire, arrived and lost.
    pub(crate) traffic: Traffic,
}

enum Medium {
    Fifo(FifoLink),
    Fair(FairLink),
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

/// A message that is on a shared link or waits for those before it.
struct Pending {
    message: u32,
    /// Bytes on the wire, retransmissions included.
    bytes: Bytes,
    /// Rounds of retransmission.
    rounds: u64,
    /// Time at which it was handed over.
    handed: SimTime,
    /// Time at which it got onto the link; only set once it is there.
    started: SimTime,
}

/// A message on its way.
pub(crate) struct Sending {
    /// Bytes on the wire that will arrive.
    pub(crate) wire: Bytes,
    /// Bytes on the wire, with those that are lost.
    pub(crate) sent: Bytes,
    /// Its way over the link. None on a shared link, where it depends on later messages and is told when it has left.
    pub(crate) passage: Option<Passage>,
}

/// A message's way over the link.
#[derive(Clone, Copy)]
pub(crate) struct Passage {
    /// It is handed over.
    pub(crate) handed: SimTime,
    /// Its first bit gets onto the link.
    pub(crate) started: SimTime,
    /// Its last bit has left.
    pub(crate) left: SimTime,
    /// It arrives.
    pub(crate) arrival: SimTime,
}

/// A shared message that has left the link.
pub(crate) struct Left {
    pub(crate) message: u32,
    pub(crate) passage: Passage,
}

impl Direction {
    pub(crate) fn new(spec: &LinkSpec, rate: &RateProfile, streams: Streams, name: &str) -> Self {
        let medium = match spec.sharing {
            Sharing::Fifo => Medium::Fifo(FifoLink::new(rate.clone())),
            Sharing::Fair(cap) => Medium::Fair(FairLink::new(rate.clone(), cap)),
        };
        Self {
            medium,
            rtt: spec.rtt,
            rtts: spec.rtts.clone(),
            header: spec.header,
            packet: spec.packet,
            jitter: spec.jitter,
            loss: spec.loss.as_f64(),
            flows: BTreeMap::new(),
            stream: streams.stream(name, 0),
            last_arrival: SimTime::ZERO,
            traffic: Traffic::default(),
        }
    }

    /// Sends a message of so many bytes of payload; `flow` is the request's own number.
    pub(crate) fn send(&mut self, now: SimTime, flow: u32, message: u32, payload: Bytes) -> Sending {
        let packets = payload.as_u64().div_ceil(self.packet.as_u64()).max(1);
        let wire = payload + self.header * packets;
        let (lost, rounds) = self.lose(packets, wire);
        self.traffic.sent += wire + lost;
        self.traffic.lost += lost;
        let passage = match &mut self.medium {
            Medium::Fifo(link) => {
                let Service { start, end } = link.send(now, wire + lost);
                let arrival = self.arrive(end, rounds);
                Some(Passage { handed: now, started: start, left: end, arrival })
            }
            Medium::Fair(link) => {
                let pending = self.flows.entry(flow).or_default();
                if pending.is_empty() {
                    link.start(now, flow, wire + lost);
                }
                // Behind another it starts later, and that is noted then.
                pending.push_back(Pending { message, bytes: wire + lost, rounds, handed: now, started: now });
                None
            }
        };
        Sending { wire, sent: wire + lost, passage }
    }

    /// Sends a message past the link: it takes no time, and only its bytes are counted.
    pub(crate) fn send_past(&mut self, now: SimTime, payload: Bytes) -> Sending {
        self.traffic.sent += payload;
        let passage = Passage { handed: now, started: now, left: now, arrival: now };
        Sending { wire: payload, sent: payload, passage: Some(passage) }
    }

    /// A message has arrived.
    #[inline]
    pub(crate) fn receive(&mut self, wire: Bytes) {
        self.traffic.received += wire;
    }

    /// Time at which a shared link has to be looked at next.
    pub(crate) fn next_event(&self) -> Option<SimTime> {
        match &self.medium {
            Medium::Fifo(_) => None,
            Medium::Fair(link) => link.next_event(),
        }
    }

    /// Takes out the messages that have left a shared link by `now`.
    pub(crate) fn take_left(&mut self, now: SimTime, left: &mut Vec<Left>) {
        let Medium::Fair(link) = &mut self.medium else { return };
        let (mut ended, mut passed) = (Vec::new(), Vec::new());
        link.take_ended(now, &mut ended);
        for flow in ended {
            let pending = self.flows.get_mut(&flow).expect("a flow has messages");
            passed.push(pending.pop_front().expect("the one that has left"));
            match pending.front_mut() {
                Some(next) => {
                    next.started = now;
                    link.start(now, flow, next.bytes);
                }
                None => drop(self.flows.remove(&flow)),
            }
        }
        for Pending { message, rounds, handed, started, .. } in passed {
            let arrival = self.arrive(now, rounds);
            left.push(Left { message, passage: Passage { handed, started, left: now, arrival } });
        }
    }

    /// The rate now.
    pub(crate) fn rate(&self, now: SimTime) -> BitsPerSecond {
        match &self.medium {
            Medium::Fifo(link) => link.rate().at(now),
            Medium::Fair(link) => link.rate().at(now),
        }
    }

    /// The round-trip time now.
    pub(crate) fn rtt(&self, now: SimTime) -> SimDuration {
        self.rtts.as_ref().map_or(self.rtt, |rtts| rtts.at(now))
    }

    /// Bytes to send again, and in how many rounds. A lost packet is sent again, and may be lost again.
    fn lose(&mut self, packets: u64, wire: Bytes) -> (Bytes, u64) {
        if self.loss == 0.0 {
            return (Bytes::ZERO, 0);
        }
        let each = wire.as_u64().div_ceil(packets);
        let (mut lost, mut rounds, mut pending) = (0, 0, packets);
        loop {
            pending = draw::binomial(pending, self.loss, &mut self.stream);
            if pending == 0 {
                return (Bytes::new(lost * each), rounds);
            }
            lost += pending;
            rounds += 1;
        }
    }

    /// Time at which a message arrives whose last bit left then, after rounds of retransmission. Round trips are those of that moment.
    fn arrive(&mut self, left: SimTime, rounds: u64) -> SimTime {
        let rtt = self.rtt(left);
        let mut arrival = left + rtt * rounds + rtt / 2;
        if self.jitter > SimDuration::ZERO {
            arrival += SimDuration::from_secs_f64(self.jitter.as_secs_f64() * draw::exponential(&mut self.stream));
        }
        self.last_arrival = self.last_arrival.max(arrival);
        self.last_arrival
    }
}
