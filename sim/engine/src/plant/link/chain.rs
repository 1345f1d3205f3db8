//! The chain of hops between each edge and the cloud, in one direction.
//!
//! Packets pass from hop to hop as they come, so a flight takes as long as on the slowest, behind the flights before it on each. A hop
//! that gathers flights from several others takes them in the order in which their last packets come.

use super::Outbox;
use super::flight::{Flight, Trip};
use super::medium::Medium;
use crate::spec::{HopSpec, RunSpec, SharedBy, Sharing, Transport};
use kernel::{Numbered, Profile, Service};
use units::{BitsPerSecond, Bytes, Ratio, SimDuration, SimTime};

/// The hops of all edges.
pub(super) struct Chain {
    kinds: Vec<Kind>,
    hops: Vec<Hop>,
    /// The ways of all edges, one behind the other.
    steps: Vec<Step>,
    ways: Vec<Way>,
    /// The way of each edge, which those of a group share unless a hop on it is an edge's own.
    way_of: Vec<u32>,
    /// Flights that have yet to come to a hop.
    passing: Numbered<Trip>,
}

/// The part that all hops of a kind have in common.
struct Kind {
    /// Twice the delay in this direction, and in the other.
    rtt: [Profile<SimDuration>; 2],
    loss: Profile<Ratio>,
    queue: Option<Bytes>,
}

/// A hop: that of an edge, of a group or of all.
struct Hop {
    kind: u32,
    medium: Medium,
    /// The moment of its series at which the run starts.
    moment: SimDuration,
    /// Its next look is scheduled for then.
    due: Option<SimTime>,
}

/// A hop on an edge's way.
#[derive(Clone, Copy)]
struct Step {
    hop: u32,
    /// A flight comes to it when its last packet does: it gathers flights from several hops, or shares its rate among them.
    waits: bool,
}

/// An edge's way through the hops.
#[derive(Clone, Copy)]
struct Way {
    first: u32,
    end: u32,
    /// Its round trip, its part in this direction, doubled, and the probability of loss, where they never change.
    rtt: Option<[SimDuration; 2]>,
    loss: Option<f64>,
    /// It never changes and loses nothing, and each of its hops takes flights in turns as they come: what is put on it is known to its
    /// end.
    is_plain: bool,
    /// A hop on it has a queue of some length.
    has_queue: bool,
}

impl Chain {
    /// The hops of a run's edges in one direction.
    pub(super) fn new(spec: &RunSpec, up: bool) -> Self {
        let has_queue = spec.link.transport != Transport::Ideal;
        let kind = |hop: &HopSpec| {
            let (way, back) = if up { (&hop.up, &hop.down) } else { (&hop.down, &hop.up) };
            let rtt = [way.rtt.clone(), back.rtt.clone()];
            Kind { rtt, loss: way.loss.clone(), queue: hop.queue.filter(|_| has_queue) }
        };
        let kinds = spec.link.hops.iter().map(kind).collect();
        let (hops, steps, ways, way_of, passing) = Default::default();
        let mut chain = Self { kinds, hops, steps, ways, way_of, passing };
        chain.add_ways(spec, up);
        chain
    }

    /// Adds the ways of all edges, with the hops that are new on them.
    fn add_ways(&mut self, spec: &RunSpec, up: bool) {
        let ways: Vec<Vec<u32>> = spec.edges.iter().map(|group| directed(&group.hops, up)).collect();
        let is_for_all = |hop: &HopSpec| hop.shared_by == SharedBy::All;
        let mut for_all = |(kind, hop)| is_for_all(hop).then(|| self.add(spec, up, kind as u32, 0));
        let of_all: Vec<Option<u32>> = spec.link.hops.iter().enumerate().map(&mut for_all).collect();
        for (group, way) in spec.edges.iter().zip(&ways) {
            let mut of_group = vec![None; self.kinds.len()];
            let is_own = way.iter().any(|kind| spec.link.hops[*kind as usize].shared_by == SharedBy::Edge);
            for place in 0..group.count {
                let edge = self.way_of.len() as u32;
                if place > 0 && !is_own {
                    self.way_of.push(self.ways.len() as u32 - 1);
                    continue;
                }
                let first = self.steps.len();
                for (place, &kind) in way.iter().enumerate() {
                    let number = kind as usize;
                    let mut another = || self.add(spec, up, kind, edge);
                    let hop = match spec.link.hops[number].shared_by {
                        SharedBy::Edge => another(),
                        SharedBy::Group => *of_group[number].get_or_insert_with(another),
                        SharedBy::All => of_all[number].expect("a hop for all"),
                    };
                    let waits = place > 0 && waits(spec, &ways, way[place - 1], kind);
                    self.steps.push(Step { hop, waits });
                }
                self.add_way(first, up);
            }
        }
    }

    /// Adds a hop of a kind, which has this edge as its first.
    fn add(&mut self, spec: &RunSpec, up: bool, kind: u32, edge: u32) -> u32 {
        let hop = &spec.link.hops[kind as usize];
        let moment = hop.moment(edge, spec.replication);
        let rate = if up { &hop.up.rate } else { &hop.down.rate };
        self.hops.push(Hop { kind, medium: Medium::new(hop.sharing, rate, moment), moment, due: None });
        self.hops.len() as u32 - 1
    }

    /// Adds the way that the steps from `first` on are.
    fn add_way(&mut self, first: usize, up: bool) {
        let kinds: Vec<&Kind> =
            self.steps[first..].iter().map(|step| &self.kinds[self.hops[step.hop as usize].kind as usize]).collect();
        let sum = |side: usize| kinds.iter().map(|kind| kind.rtt[side].constant()).sum::<Option<SimDuration>>();
        let rtt = sum(0).zip(sum(1)).map(|(this, back)| [(this + back) / 2, this]);
        let losses: Option<Vec<f64>> = kinds.iter().map(|kind| Some(kind.loss.constant()?.as_f64())).collect();
        let loss = losses.map(|losses| if up { any(losses.into_iter()) } else { any(losses.into_iter().rev()) });
        let has_queue = kinds.iter().any(|kind| kind.queue.is_some());
        let in_turns = |step: &Step| !step.waits && self.hops[step.hop as usize].medium.is_in_turns();
        let is_plain = rtt.is_some() && loss == Some(0.0) && !has_queue && self.steps[first..].iter().all(in_turns);
        self.way_of.push(self.ways.len() as u32);
        self.ways.push(Way { first: first as u32, end: self.steps.len() as u32, rtt, loss, is_plain, has_queue });
    }

    #[inline]
    fn way(&self, edge: u32) -> &Way {
        &self.ways[self.way_of[edge as usize] as usize]
    }

    /// True of a way on which a flight is known to its end when it is put on.
    #[inline]
    pub(super) fn is_plain(&self, edge: u32) -> bool {
        self.way(edge).is_plain
    }

    /// Takes a flight of so much over all hops of a plain way.
    #[inline]
    pub(super) fn pass(&mut self, now: SimTime, edge: u32, size: Bytes) -> Service {
        let Way { first, end, .. } = *self.way(edge);
        let mut over = None;
        for step in first..end {
            let hop = self.steps[step as usize].hop;
            over = Some(self.hops[hop as usize].medium.put_in_turn(now, over, size));
        }
        over.expect("a way has a hop")
    }

    /// The hops on an edge's way, with their kinds.
    fn hops_of(&self, edge: u32) -> impl DoubleEndedIterator<Item = (&Hop, &Kind)> {
        let Way { first, end, .. } = *self.way(edge);
        self.steps[first as usize..end as usize].iter().map(|step| {
            let hop = &self.hops[step.hop as usize];
            (hop, &self.kinds[hop.kind as usize])
        })
    }

    /// The round-trip time of an edge now, and the part of it in this direction, doubled.
    #[inline]
    pub(super) fn rtt(&self, edge: u32, now: SimTime) -> [SimDuration; 2] {
        self.way(edge).rtt.unwrap_or_else(|| self.rtt_at(edge, now))
    }

    #[cold]
    fn rtt_at(&self, edge: u32, now: SimTime) -> [SimDuration; 2] {
        let sum = |side: usize| self.hops_of(edge).map(|(hop, kind)| kind.rtt[side].at(now + hop.moment)).sum();
        let [this, back]: [SimDuration; 2] = [sum(0), sum(1)];
        [(this + back) / 2, this]
    }

    /// The time that waits now in the queues on an edge's way, where they have a length.
    pub(super) fn waits(&self, edge: u32, now: SimTime) -> SimDuration {
        let queues = self.hops_of(edge).filter(|(_, kind)| kind.queue.is_some());
        queues.map(|(hop, _)| hop.medium.backlog(now)).sum()
    }

    /// The rate of an edge now: that of the slowest hop on its way.
    pub(super) fn rate(&self, edge: u32, now: SimTime) -> BitsPerSecond {
        self.hops_of(edge).map(|(hop, _)| hop.medium.rate_at(now)).min().expect("a way has a hop")
    }

    /// The probability that a packet of an edge is lost now.
    #[inline]
    pub(super) fn loss(&self, edge: u32, now: SimTime, up: bool) -> f64 {
        self.way(edge).loss.unwrap_or_else(|| {
            let losses = self.hops_of(edge).map(|(hop, kind)| kind.loss.at(now + hop.moment).as_f64());
            if up { any(losses) } else { any(losses.rev()) }
        })
    }

    /// Packets of a flight, of so many bytes each, that find a queue full on their way.
    ///
    /// A flight that acknowledgements let go comes over the time that half of it takes to leave; one that comes over another hop comes
    /// at the rate of the slowest before.
    pub(super) fn overflow(&self, now: SimTime, flight: &Flight, each: u64, comes_slowly: bool) -> u64 {
        if !self.way(flight.edge).has_queue {
            return 0;
        }
        let (mut dropped, mut comes_at) = (0, None);
        for (hop, kind) in self.hops_of(flight.edge) {
            let rate = hop.medium.rate_at(now);
            if let Some(queue) = kind.queue {
                let bytes = flight.bytes.as_u64().saturating_sub(dropped * each);
                let queues = match comes_at {
                    None if comes_slowly => bytes / 2,
                    None => bytes,
                    Some(before) => beyond(bytes, before, rate),
                };
                let waiting = rate.data_in(hop.medium.backlog(now)).as_u64() + queues;
                let left = u64::from(flight.packets) - dropped;
                // A message may be empty.
                dropped += waiting.saturating_sub(queue.as_u64()).div_ceil(each.max(1)).min(left);
            }
            comes_at = Some(comes_at.map_or(rate, |before| rate.min(before)));
        }
        dropped
    }

    /// The first step of an edge's way.
    #[inline]
    pub(super) fn first(&self, edge: u32) -> u32 {
        self.way(edge).first
    }

    /// Takes a flight from its step on as far as is known now; true if that is to the end.
    #[inline]
    pub(super) fn enter(&mut self, now: SimTime, trip: &mut Trip, out: &mut Outbox) -> bool {
        loop {
            let hop = self.steps[trip.step as usize].hop;
            let Some(service) = self.hops[hop as usize].medium.put(now, trip) else {
                out.touched.push(hop);
                return false;
            };
            trip.over = Some(service);
            if self.is_through(trip) {
                return true;
            }
            if self.steps[trip.step as usize].waits && service.end > now {
                out.passing.push((self.passing.insert(*trip), service.end));
                return false;
            }
        }
    }

    /// Steps on behind a hop; true at the end of the way.
    #[inline]
    fn is_through(&self, trip: &mut Trip) -> bool {
        trip.step += 1;
        trip.step == self.way(trip.flight.edge).end
    }

    /// A flight comes to its next hop.
    pub(super) fn passed(&mut self, trip: u32) -> Trip {
        self.passing.remove(trip)
    }

    /// Takes out the flights that have left a shared hop by `now`. They are behind it, and true says that they are at the end.
    pub(super) fn take_left(&mut self, now: SimTime, hop: u32, out: &mut Outbox) -> Vec<(Trip, bool)> {
        let mut left = Vec::new();
        let one = &mut self.hops[hop as usize];
        one.due = one.due.filter(|due| *due != now);
        one.medium.take_left(now, &mut left);
        out.touched.push(hop);
        let behind = |mut trip: Trip| {
            let is_through = self.is_through(&mut trip);
            (trip, is_through)
        };
        left.into_iter().map(behind).collect()
    }

    /// Time at which a shared hop has to be looked at, if no look is due by then.
    pub(super) fn next_look(&mut self, hop: u32) -> Option<SimTime> {
        let Hop { medium, due, .. } = &mut self.hops[hop as usize];
        let next = medium.next_event().filter(|next| due.is_none_or(|due| *next < due))?;
        *due = Some(next);
        Some(next)
    }
}

/// Hops in the order of a direction.
fn directed(hops: &[u32], up: bool) -> Vec<u32> {
    if up { hops.to_vec() } else { hops.iter().rev().copied().collect() }
}

/// True if a hop behind `before` takes a flight only when its last packet comes.
fn waits(spec: &RunSpec, ways: &[Vec<u32>], before: u32, hop: u32) -> bool {
    let [first, second] = [before, hop].map(|number| &spec.link.hops[number as usize]);
    let gathers = match second.shared_by {
        SharedBy::Edge => false,
        SharedBy::Group => first.shared_by == SharedBy::Edge,
        SharedBy::All => {
            let elsewhere = |way: &Vec<u32>| {
                let place = way.iter().position(|one| *one == hop);
                place.is_some_and(|place| place == 0 || way[place - 1] != before)
            };
            first.shared_by != SharedBy::All || ways.iter().any(elsewhere)
        }
    };
    gathers || second.sharing != Sharing::Fifo
}

/// The probability of at least one of several losses; the last is that of the hop next to the cloud.
fn any(losses: impl DoubleEndedIterator<Item = f64>) -> f64 {
    let mut losses = losses.rev();
    let last = losses.next().expect("a way has a hop");
    let survival: f64 = losses.map(|loss| 1.0 - loss).product();
    if survival == 1.0 { last } else { 1.0 - (1.0 - last) * survival }
}

/// The part of so many bytes that waits in front of a hop of that rate, if they come at another.
fn beyond(bytes: u64, comes_at: BitsPerSecond, rate: BitsPerSecond) -> u64 {
    let (comes_at, rate) = (u128::from(comes_at.as_u64()), u128::from(rate.as_u64()));
    if comes_at <= rate { 0 } else { (u128::from(bytes) * (comes_at - rate) / comes_at) as u64 }
}
