//! The seam between edges and cloud, where a run is simulated in parts: what edges do to the cloud is posted, and what the cloud sends
//! them is delivered. A world that simulates both does it at once.

use super::event::{DOWN, Event};
use super::message::{Body, Content, Drafts, Message};
use super::posts::{Act, Delivery, Extent, Own, Thing};
use super::resources::CloudSide;
use super::state::State;
use super::world::World;
use crate::ledger::SlotId;
use backends::Compute;
use kernel::{Phase, WaitIndex};
use smallvec::SmallVec;
use units::SimTime;

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
            own.act_upon(edge, self.kernel.now(), place);
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
                let content = std::mem::replace(&mut drafts.content, Content::Tokens(SmallVec::new()));
                Body::Drafts(Drafts { content, tree: drafts.tree.clone(), ..*drafts })
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
        let place = deliveries.next_place();
        let delivery = match body {
            Body::Drafts(drafts) => Delivery::Verdict { message: number, at, place, wire, verdict: drafts.verdict() },
            body => Delivery::Message { slot: self.on_their_side(state, slot), at, place, wire, body },
        };
        deliveries.push(edge, delivery);
        true
    }

    /// Delivers tokens at which nobody looks. False of a world that has the edges too.
    #[inline]
    pub(super) fn deliver_tokens(&self, state: &State<'w, C>, slot: SlotId, count: u32, at: SimTime) -> bool {
        let Extent::Cloud(deliveries) = &self.extent else { return false };
        let edge = state.ledger.slots.get(slot.index).edge;
        let slot = self.on_their_side(state, slot);
        deliveries.push(edge, Delivery::Tokens { slot, at, count });
        true
    }

    /// Tells an edge that a batch of drafts was void. False of a world that has the edges too.
    pub(super) fn deliver_dropped(&self, state: &mut State<'w, C>, message: u32) -> bool {
        let Extent::Cloud(deliveries) = &self.extent else { return false };
        let Message { edge, number, .. } = state.messages.remove(message);
        deliveries.push(edge, Delivery::Dropped { message: number });
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
                this.drafts_mut().content = Content::Verdict(verdict);
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
