//! The seam between edges and cloud, where a run is simulated in parts: what edges do to the cloud is posted, and what the cloud sends
//! them is delivered. A world that simulates both does it at once.

use super::event::{DOWN, Event};
use super::message::{Body, Drafts, Message};
use super::resources::CloudSide;
use super::state::State;
use super::world::World;
use crate::ledger::{Ended, SlotId};
use crate::parts::Row;
use backends::Compute;
use kernel::{Phase, WaitIndex};
use model::{decoding::Verdict, request::Input};
use policies::{ClosedForms, Regret};
use std::cell::{Cell, RefCell};
use std::ops::Range;
use units::{Bytes, SimTime};

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
    pub(crate) posts: Posts,
    /// Events in which requests arrived, here or elsewhere.
    pub(crate) arrivals: Cell<u64>,
    /// The thing that each of them acts upon, since when: the place of a message among all that the cloud has sent.
    upon: Vec<Cell<(SimTime, u32)>>,
}

impl Own {
    /// An iteration: whoever acts upon one does so in the order of edges, behind those who act upon messages.
    const ITERATION: u32 = u32::MAX;

    pub(crate) fn new(edges: Range<u32>) -> Self {
        let upon = vec![Cell::new((SimTime::ZERO, 0)); edges.len()];
        Self { edges, posts: Posts::default(), arrivals: Cell::new(0), upon }
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

/// Things that edges have posted and that nobody has taken yet, in the order in which each edge did them.
pub(crate) type Posts = RefCell<Vec<Posted>>;

/// Things for edges that nobody has taken yet.
#[derive(Default)]
pub(crate) struct Deliveries {
    pub(crate) pending: RefCell<Vec<(u32, Delivery)>>,
    /// Messages so far.
    sent: Cell<u32>,
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

impl<'w, C: Compute> World<'w, C> {
    /// True of a world that simulates edges alone.
    #[inline]
    pub(crate) fn has_edges_alone(&self) -> bool {
        matches!(self.extent, Extent::Edges(..))
    }

    /// True if an edge is simulated elsewhere.
    pub(crate) fn is_elsewhere(&self, edge: u32) -> bool {
        match &self.extent {
            Extent::Whole => false,
            Extent::Edges(own) => !own.edges.contains(&edge),
            Extent::Cloud(_) => true,
        }
    }

    /// Posts what an edge does for a request at a moment. False of a world that has the cloud too.
    #[inline]
    pub(crate) fn post(&self, at: SimTime, edge: u32, slot: SlotId, act: impl FnOnce() -> Act) -> bool {
        let Extent::Edges(own) = &self.extent else { return false };
        own.post(self.kernel.now(), at, edge, Thing::Act(slot, act()));
        true
    }

    /// An edge acts upon a message from the cloud from now on, of this place among all.
    #[inline]
    pub(super) fn hear(&self, edge: u32, place: u32) {
        if let Extent::Edges(own) = &self.extent {
            let (now, upon) = (self.kernel.now(), own.upon(edge));
            // Whatever an edge does in one nanosecond stays in its order.
            let least = if upon.get().0 == now { upon.get().1 } else { 0 };
            upon.set((now, place.max(least)));
        }
    }

    /// An edge acts upon the end of an iteration from now on.
    #[inline]
    pub(super) fn act_upon_iteration(&self, edge: u32) {
        self.hear(edge, Own::ITERATION);
    }

    /// Posts what the edge of a request does now.
    #[inline]
    pub(crate) fn post_now(&self, state: &State<'w, C>, slot: SlotId, act: impl FnOnce() -> Act) -> bool {
        self.has_edges_alone() && self.post(self.kernel.now(), state.ledger.slots.get(slot.index).edge, slot, act)
    }

    /// Posts a message that arrives at the cloud then. Drafts stay, for their verdict.
    pub(super) fn post_message(&self, state: &mut State<'w, C>, message: u32, arrival: SimTime) -> bool {
        if !self.has_edges_alone() {
            return false;
        }
        let Message { slot, edge, wire, ref mut body, .. } = *state.messages.get_mut(message);
        let body = match body {
            Body::Drafts(drafts) => {
                let tokens = std::mem::take(&mut drafts.tokens);
                Body::Drafts(Drafts { tokens, tree: drafts.tree.clone(), ..*drafts })
            }
            _ => state.messages.remove(message).body,
        };
        self.post(arrival, edge, slot, || Act::Arrive { message, wire, body })
    }

    /// Delivers a message that arrives at its edge then. False of a world that has the edges too.
    #[inline]
    pub(super) fn deliver_message(&self, state: &mut State<'w, C>, message: u32, at: SimTime) -> bool {
        let Extent::Cloud(deliveries) = &self.extent else { return false };
        let Message { slot, edge, wire, body, number, .. } = state.messages.remove(message);
        let place = deliveries.sent.get().checked_add(1).expect("fewer than 2^32 messages down");
        deliveries.sent.set(place);
        let delivery = match body {
            Body::Drafts(drafts) => {
                let verdict = drafts.verdict.expect("what comes back is the verdict");
                Delivery::Verdict { message: number, at, place, wire, verdict }
            }
            body => Delivery::Message { slot: self.on_their_side(state, slot), at, place, wire, body },
        };
        deliveries.pending.borrow_mut().push((edge, delivery));
        true
    }

    /// Delivers tokens at which nobody looks. False of a world that has the edges too.
    #[inline]
    pub(super) fn deliver_tokens(&self, state: &State<'w, C>, slot: SlotId, count: u32, at: SimTime) -> bool {
        let Extent::Cloud(deliveries) = &self.extent else { return false };
        let edge = state.ledger.slots.get(slot.index).edge;
        let slot = self.on_their_side(state, slot);
        deliveries.pending.borrow_mut().push((edge, Delivery::Tokens { slot, at, count }));
        true
    }

    /// Tells an edge that a batch of drafts was void. False of a world that has the edges too.
    pub(super) fn deliver_dropped(&self, state: &mut State<'w, C>, message: u32) -> bool {
        let Extent::Cloud(deliveries) = &self.extent else { return false };
        let Message { edge, number, .. } = state.messages.remove(message);
        deliveries.pending.borrow_mut().push((edge, Delivery::Dropped { message: number }));
        true
    }

    /// The name of a request on the edges' side.
    fn on_their_side(&self, state: &State<'w, C>, slot: SlotId) -> SlotId {
        SlotId { index: state.ledger.slots.get(slot.index).resources.elsewhere, ..slot }
    }

    /// Takes in what the cloud has sent to an edge.
    pub(crate) fn take_in(&self, delivery: Delivery) {
        let state = &mut *self.state.borrow_mut();
        match delivery {
            Delivery::Verdict { message, at, place, wire, verdict } => {
                let this = state.messages.get_mut(message);
                (this.wire, this.number) = (wire, place);
                this.drafts_mut().verdict = Some(verdict);
                self.foresee_verdict(state, message, at);
                self.kernel.schedule(at, Phase::Happen, Event::AtEdge(message).target(), DOWN);
            }
            Delivery::Dropped { message } => self.drop_drafts(state, message),
            Delivery::Message { slot, at, place, wire, body } => {
                let message = self.address(state, slot, body);
                let this = state.messages.get_mut(message);
                (this.wire, this.number) = (wire, place);
                self.kernel.schedule(at, Phase::Happen, Event::AtEdge(message).target(), DOWN);
            }
            Delivery::Tokens { slot, at, count } => {
                state.ledger.commit_ahead(slot, count, self.kernel.now(), self.kernel.take_place(at));
            }
        }
    }

    /// Does what the edge of a request has done to the cloud; the request has this name here, and may have ended before its message arrives.
    pub(crate) fn act(&self, state: &mut State<'w, C>, id: SlotId, edge: u32, act: Act) {
        match act {
            Act::Open { input, awaits_input } => self.open_on_cloud(state, id, &input, awaits_input),
            Act::OpenBeside { input, n_draft } => self.open_beside(state, id, false, &input, n_draft),
            Act::Withhold { wait } => self.withhold(state, id, wait),
            Act::GiveUp => self.give_up_cloud(state, id),
            Act::Regret(regret) => {
                state.ledger.figures(id).into_iter().for_each(|metrics| metrics.regret.record(&regret));
            }
            Act::Arrive { message: number, wire, body } => {
                if matches!(&body, Body::Drafts(drafts) if drafts.wait.is_none()) && state.ledger.lives(id) {
                    state.ledger.slots.get_mut(id.index).resources.pending.drafted_first = true;
                }
                let message = state.messages.insert(Message { slot: id, edge, pool: 0, wire, number, body });
                self.receive_at_cloud(state, message);
            }
            Act::End(_) => unreachable!("a request ends on the ledger's side of a run"),
        }
    }

    /// Gives up a request's sequence in the cloud, which may open another one.
    pub(crate) fn give_up_cloud(&self, state: &mut State<'w, C>, id: SlotId) {
        if !self.post_now(state, id, || Act::GiveUp) {
            self.close_on_cloud(state, id);
        }
        state.ledger.slots.get_mut(id.index).resources.cloud = CloudSide::default();
    }

    /// Withholds a request's answer; the wait fires when the cloud's word is there that it wants to see more.
    pub(crate) fn withhold(&self, state: &mut State<'w, C>, id: SlotId, wait: WaitIndex) {
        if !self.post_now(state, id, || Act::Withhold { wait }) {
            state.ledger.slots.get_mut(id.index).resources.cloud.withheld = Some(wait);
        }
    }
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
        println!("{} {}", size_of::<Posted>(), size_of::<Delivery>());
    }
}
