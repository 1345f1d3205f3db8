//! Posts and deliveries: edges and cloud that are simulated apart send them to each other.

use super::message::Body;
use crate::ledger::{Ended, Row, SlotId};
use kernel::WaitIndex;
use model::{decoding::Verdict, request::Input};
use policies::{ClosedForms, Regret};
use std::cell::{Cell, RefCell};
use std::ops::Range;
use units::{Bytes, SimTime};

/// Room for about as many things as came the last time.
fn room_for_as_many<T>(last: &[T]) -> Vec<T> {
    Vec::with_capacity(last.len() + last.len() / 2)
}

/// The extent of a world: the things of a run that it simulates.
pub(crate) enum Extent<'w> {
    /// The edges and the cloud.
    Whole,
    /// Some of the edges.
    Edges(&'w Own),
    /// The cloud, and the ledger of all requests.
    Cloud(Deliveries),
}

/// The edges that a world simulates alone.
pub(crate) struct Own {
    pub(crate) edges: Range<u32>,
    /// Things that they have posted and that nobody has taken yet, in the order in which each edge did them.
    posts: RefCell<Vec<Posted>>,
    /// Events in which requests arrived, here or elsewhere.
    pub(crate) arrivals: Cell<u64>,
    /// The thing that each of them acts upon, since when: the place of a message among all that the cloud has sent.
    upon: Vec<Cell<(SimTime, u32)>>,
}

impl Own {
    /// An iteration: whoever acts upon one does so in the order of edges, behind those who act upon messages.
    pub(super) const ITERATION: u32 = u32::MAX;

    pub(crate) fn new(edges: Range<u32>) -> Self {
        let upon = vec![Cell::new((SimTime::ZERO, 0)); edges.len()];
        Self { edges, posts: RefCell::default(), arrivals: Cell::new(0), upon }
    }

    /// Takes out all that was posted.
    pub(crate) fn take(&self) -> Vec<Posted> {
        let room = room_for_as_many(&self.posts.borrow());
        self.posts.replace(room)
    }

    /// An edge acts upon something from now on.
    pub(super) fn act_upon(&self, edge: u32, now: SimTime, place: u32) {
        let upon = self.upon(edge);
        // Whatever an edge does in one nanosecond stays in its order.
        let least = if upon.get().0 == now { upon.get().1 } else { 0 };
        upon.set((now, place.max(least)));
    }

    fn upon(&self, edge: u32) -> &Cell<(SimTime, u32)> {
        &self.upon[(edge - self.edges.start) as usize]
    }

    /// Posts what comes of an edge at a moment, now or later.
    pub(crate) fn post(&self, now: SimTime, at: SimTime, edge: u32, thing: Thing) {
        let place = Place { at, posted: now, upon: self.upon(edge).get().1, edge };
        self.posts.borrow_mut().push(Posted { place, thing });
    }
}

/// Things for edges that nobody has taken yet.
#[derive(Default)]
pub(crate) struct Deliveries {
    pending: RefCell<Vec<(u32, Delivery)>>,
    /// Messages so far.
    sent: Cell<u32>,
}

impl Deliveries {
    /// The place of the next message among all that the cloud sends.
    pub(super) fn next_place(&self) -> u32 {
        let place = self.sent.get().checked_add(1).expect("fewer than 2^32 messages down");
        self.sent.set(place);
        place
    }

    /// Something is for an edge.
    pub(super) fn push(&self, edge: u32, delivery: Delivery) {
        self.pending.borrow_mut().push((edge, delivery));
    }

    /// Takes all of them out.
    pub(crate) fn take(&self) -> Vec<(u32, Delivery)> {
        let room = room_for_as_many(&self.pending.borrow());
        self.pending.replace(room)
    }
}

/// Something that an edge has posted.
pub(crate) struct Posted {
    pub(crate) place: Place,
    pub(crate) thing: Thing,
}

/// The thing that an edge has posted.
pub(crate) enum Thing {
    /// Something that is done for a request, which has this slot on the edges' side.
    Act(SlotId, Act),
    /// A row was written.
    Row(Box<Row>),
}

/// The place of what edges do in the order in which the cloud takes it. Edges that do the same in one nanosecond, because they heard of the
/// same batch, do it in the order in which the cloud sent their verdicts; those that have iterated since, in the order of their numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) at: SimTime,
    /// Time at which it was posted: earlier, where a message takes its time.
    posted: SimTime,
    /// The thing that the edge acts upon.
    upon: u32,
    pub(crate) edge: u32,
}

/// Something that an edge does to the cloud or to the ledger for a request.
pub(crate) enum Act {
    /// A sequence is opened in the cloud, perhaps for an input that is on its way.
    Open { input: Box<Input>, awaits_input: bool },
    /// A small model drafts beside the cloud's for it.
    OpenBeside { input: Box<Input>, n_draft: u32 },
    /// The answer is withheld until the cloud's word is asked for.
    Withhold { wait: WaitIndex },
    /// A message arrives; it has this number on the edges' side.
    Arrive { message: u32, wire: Bytes, body: Body },
    /// The sequence in the cloud is given up, and perhaps another one opened.
    GiveUp,
    /// A solver was compared with the exact one.
    Regret(Regret),
    /// The request has ended.
    End(Box<End>),
}

/// A request that has ended on its edge, and the closed forms of one of the first.
pub(crate) struct End {
    pub(crate) ended: Ended,
    pub(crate) forms: Option<(ClosedForms, f64)>,
}

/// Something that comes to an edge from the cloud. Requests and messages have their numbers on the edges' side.
pub(crate) enum Delivery {
    /// The verdict on a batch of drafts arrives then.
    Verdict { message: u32, at: SimTime, place: u32, wire: Bytes, verdict: Verdict },
    /// A batch of drafts was void.
    Dropped { message: u32 },
    /// Another message arrives then.
    Message { slot: SlotId, at: SimTime, place: u32, wire: Bytes, body: Body },
    /// Tokens arrive then, at which nobody looks.
    Tokens { slot: SlotId, at: SimTime, count: u32 },
}

impl Delivery {
    /// The time at which it has an event; none without one.
    pub(crate) fn at(&self) -> Option<SimTime> {
        match self {
            Self::Verdict { at, .. } | Self::Message { at, .. } => Some(*at),
            Self::Dropped { .. } | Self::Tokens { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_between_parts_is_small() {
        assert!(size_of::<Posted>() <= 216, "{}", size_of::<Posted>());
        assert!(size_of::<Delivery>() <= 200, "{}", size_of::<Delivery>());
    }
}
