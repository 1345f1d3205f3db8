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

/// The side of a run that a world simulates.
pub(crate) enum Side<'w> {
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
    /// The last message that came from the cloud: when, and its place among all that the cloud has sent.
    came: Cell<(SimTime, u32)>,
}

impl Own {
    /// Posts what an edge does at a moment, now or later.
    pub(crate) fn post(&self, now: SimTime, at: SimTime, edge: u32, act: Act) {
        let (when, upon) = self.came.get();
        let upon = if when == now { upon } else { 0 };
        self.posts.borrow_mut().push(Posted { place: Place { at, posted: now, upon, edge }, act });
    }

    pub(crate) fn new(edges: Range<u32>) -> Self {
        Self { edges, posts: Posts::default(), came: Cell::new((SimTime::ZERO, 0)) }
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

/// Something that an edge does to the cloud or to the ledger.
pub(crate) struct Posted {
    pub(crate) place: Place,
    pub(crate) act: Act,
}

/// The place of what edges do in the order in which the cloud takes it. Edges that heard of the same batch in one nanosecond act in the
/// order in which the cloud sent their verdicts, and all others in the order of their numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) at: SimTime,
    /// Time at which it was posted: earlier, where a message takes its time.
    posted: SimTime,
    /// The place of the message that the edge acts upon, if one has just come.
    upon: u32,
    pub(crate) edge: u32,
}

/// The thing that an edge does. Requests are named by their slots on the edges' side.
pub(crate) enum Act {
    /// A sequence is opened in the cloud, perhaps for an input that is on its way.
    Open { slot: SlotId, input: Box<Input>, awaits_input: bool },
    /// A small model drafts beside the cloud's for it.
    OpenBeside { slot: SlotId, input: Box<Input>, n_draft: u32 },
    /// The answer is withheld until the cloud's word is asked for.
    Withhold { slot: SlotId, wait: WaitIndex },
    /// A message arrives; it has this number on the edges' side.
    Arrive { slot: SlotId, message: u32, wire: Bytes, body: Body },
    /// The sequence in the cloud is given up, and perhaps another one opened.
    GiveUp { slot: SlotId },
    /// A solver was compared with the exact one.
    Regret { slot: SlotId, regret: Regret },
    /// A row was written.
    Row(Box<Row>),
    /// The request has ended.
    End(Box<End>),
}

/// A request that has ended on its edge, and the closed forms of one of the first.
pub(crate) struct End {
    pub(crate) slot: SlotId,
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
        matches!(self.side, Side::Edges(..))
    }

    /// True if an edge is simulated elsewhere.
    pub(crate) fn is_elsewhere(&self, edge: u32) -> bool {
        match &self.side {
            Side::Whole => false,
            Side::Edges(own) => !own.edges.contains(&edge),
            Side::Cloud(_) => true,
        }
    }

    /// Posts what an edge does at a moment. False of a world that has the cloud too.
    #[inline]
    pub(crate) fn post(&self, at: SimTime, edge: u32, act: impl FnOnce() -> Act) -> bool {
        let Side::Edges(own) = &self.side else { return false };
        own.post(self.kernel.now(), at, edge, act());
        true
    }

    /// A message has come from the cloud, of this place among all.
    pub(super) fn hear(&self, place: u32) {
        if let Side::Edges(own) = &self.side {
            own.came.set((self.kernel.now(), place));
        }
    }

    /// Posts what the edge of a request does now.
    #[inline]
    pub(crate) fn post_now(&self, state: &State<'w, C>, slot: SlotId, act: impl FnOnce() -> Act) -> bool {
        self.has_edges_alone() && self.post(self.kernel.now(), state.ledger.slots.get(slot.index).edge, act)
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
        self.post(arrival, edge, || Act::Arrive { slot, message, wire, body })
    }

    /// Delivers a message that arrives at its edge then. False of a world that has the edges too.
    #[inline]
    pub(super) fn deliver_message(&self, state: &mut State<'w, C>, message: u32, at: SimTime) -> bool {
        let Side::Cloud(deliveries) = &self.side else { return false };
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
        let Side::Cloud(deliveries) = &self.side else { return false };
        let edge = state.ledger.slots.get(slot.index).edge;
        let slot = self.on_their_side(state, slot);
        deliveries.pending.borrow_mut().push((edge, Delivery::Tokens { slot, at, count }));
        true
    }

    /// Tells an edge that a batch of drafts was void. False of a world that has the edges too.
    pub(super) fn deliver_dropped(&self, state: &mut State<'w, C>, message: u32) -> bool {
        let Side::Cloud(deliveries) = &self.side else { return false };
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
    pub(crate) fn act(&self, id: SlotId, edge: u32, act: Act) {
        let state = &mut *self.state.borrow_mut();
        match act {
            Act::Open { slot, input, awaits_input } => {
                state.ledger.slots.get_mut(id.index).resources.elsewhere = slot.index;
                self.open_on_cloud(state, id, &input, awaits_input);
            }
            Act::OpenBeside { input, n_draft, .. } => self.open_beside(state, id, false, &input, n_draft),
            Act::Withhold { wait, .. } => self.withhold(state, id, wait),
            Act::GiveUp { .. } => self.give_up_cloud(state, id),
            Act::Regret { regret, .. } => {
                state.ledger.figures(id).into_iter().for_each(|metrics| metrics.regret.record(&regret));
            }
            Act::Arrive { message: number, wire, body, .. } => {
                if matches!(&body, Body::Drafts(drafts) if drafts.wait.is_none()) && state.ledger.lives(id) {
                    state.ledger.slots.get_mut(id.index).resources.pending.drafted_first = true;
                }
                let message = state.messages.insert(Message { slot: id, edge, pool: 0, wire, number, body });
                self.receive_at_cloud(state, message);
            }
            Act::Row(_) | Act::End(_) => unreachable!("rows and ends are the ledger's"),
        }
    }

    /// Gives up a request's sequence in the cloud, which may open another one.
    pub(crate) fn give_up_cloud(&self, state: &mut State<'w, C>, id: SlotId) {
        if !self.post_now(state, id, || Act::GiveUp { slot: id }) {
            self.close_on_cloud(state, id);
        }
        state.ledger.slots.get_mut(id.index).resources.cloud = CloudSide::default();
    }

    /// Withholds a request's answer; the wait fires when the cloud's word is there that it wants to see more.
    pub(crate) fn withhold(&self, state: &mut State<'w, C>, id: SlotId, wait: WaitIndex) {
        if !self.post_now(state, id, || Act::Withhold { slot: id, wait }) {
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

impl Act {
    /// The request that it is about, by its generation; none of rows.
    pub(crate) fn request(&self) -> Option<u32> {
        match self {
            Self::Open { slot, .. }
            | Self::OpenBeside { slot, .. }
            | Self::Withhold { slot, .. }
            | Self::Arrive { slot, .. }
            | Self::GiveUp { slot }
            | Self::Regret { slot, .. } => Some(slot.generation),
            Self::End(end) => Some(end.slot.generation),
            Self::Row(_) => None,
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
