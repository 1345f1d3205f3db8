//! The rate that flights share.

use super::flight::Trip;
use crate::spec::Sharing;
use kernel::{FairLink, FifoLink, RateProfile, Service};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use units::{BitsPerSecond, Bytes, SimDuration, SimTime};

pub(super) enum Medium {
    Fifo(FifoLink),
    Fair {
        link: FairLink,
        /// The flights of each flow, of which the first is on the link. A flow's flights stay in order, whatever their sizes and
        /// losses.
        flows: BTreeMap<u32, VecDeque<Pending>>,
    },
}

/// A flight that is on a shared medium or waits for those of its flow before it.
pub(super) struct Pending {
    trip: Trip,
    /// Bytes that it has to send once it is on the link.
    left: Bytes,
    /// Time at which it got onto the link; only set once it is there.
    started: SimTime,
}

impl Medium {
    /// An idle one, whose time starts at a moment of its rate.
    pub(super) fn new(sharing: Sharing, rate: &Arc<RateProfile>, moment: SimDuration) -> Self {
        match sharing {
            Sharing::Fifo => Self::Fifo(FifoLink::starting_at(rate.clone(), moment)),
            Sharing::Fair(cap) => {
                Self::Fair { link: FairLink::new(rate.starting_at(moment), cap), flows: BTreeMap::new() }
            }
        }
    }

    pub(super) fn rate_at(&self, now: SimTime) -> BitsPerSecond {
        match self {
            Self::Fifo(link) => link.rate_at(now),
            Self::Fair { link, .. } => link.rate().at(now),
        }
    }

    /// Puts a flight on it, which may have come over other hops. The time of its first packet on those and of its last on this one
    /// are known at once, or on a shared medium when it has left.
    #[inline]
    pub(super) fn put(&mut self, now: SimTime, trip: &Trip) -> Option<Service> {
        let size = trip.flight.bytes + trip.loss.bytes;
        match self {
            Self::Fifo(link) => Some(in_turn(link, now, trip.over, size)),
            Self::Fair { link, flows } => {
                // Its first packets have passed while the last ones came.
                let passed = trip.over.map_or(Bytes::ZERO, |over| link.share(now).data_in(now - over.start));
                let packet = Bytes::new(size.as_u64().div_ceil(trip.flight.packets.into()));
                let left = size.saturating_sub(passed).max(packet);
                let started = trip.over.map_or(now, |over| over.start);
                let flow = flows.entry(trip.flight.flow).or_default();
                if flow.is_empty() {
                    link.start(now, trip.flight.flow, left);
                }
                // Behind another it starts later, and that is noted then.
                flow.push_back(Pending { trip: Trip { put: now, ..*trip }, left, started });
                None
            }
        }
    }

    /// Puts so much on one that takes flights in turns, as [`put`](Self::put) does.
    #[inline]
    pub(super) fn put_in_turn(&mut self, now: SimTime, over: Option<Service>, size: Bytes) -> Service {
        let Self::Fifo(link) = self else { unreachable!("flights share this medium") };
        in_turn(link, now, over, size)
    }

    /// True if it takes flights in turns.
    pub(super) fn is_in_turns(&self) -> bool {
        matches!(self, Self::Fifo(_))
    }

    /// Time until the flights that wait for their turn will have left; none waits on a shared medium.
    pub(super) fn backlog(&self, now: SimTime) -> SimDuration {
        match self {
            Self::Fifo(link) => link.backlog(now),
            Self::Fair { .. } => SimDuration::ZERO,
        }
    }

    /// Time at which a shared medium has to be looked at next.
    pub(super) fn next_event(&self) -> Option<SimTime> {
        match self {
            Self::Fifo(_) => None,
            Self::Fair { link, .. } => link.next_event(),
        }
    }

    /// Takes out the flights that have left a shared medium by `now`.
    pub(super) fn take_left(&mut self, now: SimTime, left: &mut Vec<Trip>) {
        let Self::Fair { link, flows } = self else { return };
        let mut ended = Vec::new();
        link.take_ended(now, &mut ended);
        for id in ended {
            let flow = flows.get_mut(&id).expect("a flow has flights");
            let Pending { trip, started, .. } = flow.pop_front().expect("the one that has left");
            left.push(Trip { over: Some(Service { start: started, end: now }), ..trip });
            match flow.front_mut() {
                Some(next) => {
                    next.started = now;
                    link.start(now, id, next.left);
                }
                None => drop(flows.remove(&id)),
            }
        }
    }
}

/// Puts so much on a link, which may have come over other hops: the time of its first packet on those and of its last on this one.
#[inline]
fn in_turn(link: &mut FifoLink, now: SimTime, over: Option<Service>, size: Bytes) -> Service {
    match over {
        None => link.send(now, size),
        Some(over) => Service { start: over.start, end: link.pass_on(over, size).end },
    }
}
