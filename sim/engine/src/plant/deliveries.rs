//! Messages on the link: sending them, and what they do where they arrive.

use super::event::{DOWN, Event, NOW, UP};
use super::job::{Task, Then};
use super::link::{Left, Passage};
use super::message::{Body, Message};
use super::state::State;
use super::world::World;
use crate::ledger::SlotId;
use backends::{Compute, Done};
use kernel::Phase;
use units::{Bytes, SimDuration, SimTime};

impl<'w, C: Compute> World<'w, C> {
    /// Sends a message to the cloud, of a request that pays for it.
    pub(crate) fn send_up(&self, state: &mut State<'w, C>, slot: SlotId, payload: Bytes, body: Body) -> u32 {
        let now = self.kernel.now();
        let past = body.is_off_the_link();
        let message = state.messages.insert(Message { slot, wire: Bytes::ZERO, body });
        let sending =
            if past { state.up.send_past(now, payload) } else { state.up.send(now, slot.generation, message, payload) };
        state.messages.get_mut(message).wire = sending.wire;
        state.ledger.slots.get_mut(slot.index).tally.uplink += sending.wire;
        if state.ledger.warm_up.has(slot) {
            state.up.traffic.warm_up += sending.sent;
        }
        let lane = if past { NOW } else { UP };
        match sending.passage {
            Some(passage) => {
                let behind = if past { SimDuration::ZERO } else { self.behind_the_link(state, slot) };
                let passage = Passage { arrival: passage.arrival + behind, ..passage };
                if state.ledger.watch.is_on() {
                    self.watch_message(state, message, true, &passage);
                }
                self.kernel.schedule(passage.arrival, Phase::Happen, Event::AtCloud(message).target(), lane);
            }
            None => self.watch_uplink(state),
        }
        message
    }

    /// Sends a message that is there back to the edge.
    pub(crate) fn send_down(&self, state: &mut State<'w, C>, message: u32, payload: Bytes) {
        let now = self.kernel.now();
        let Message { slot, ref body, .. } = *state.messages.get(message);
        let past = body.is_off_the_link();
        let sending = if past {
            state.down.send_past(now, payload)
        } else {
            state.down.send(now, slot.generation, message, payload)
        };
        state.messages.get_mut(message).wire = sending.wire;
        if state.ledger.lives(slot) {
            state.ledger.slots.get_mut(slot.index).tally.downlink += sending.wire;
        }
        if state.ledger.warm_up.has(slot) {
            state.down.traffic.warm_up += sending.sent;
        }
        let lane = if past { NOW } else { DOWN };
        match sending.passage {
            Some(passage) => {
                let behind = if past { SimDuration::ZERO } else { self.behind_the_link(state, slot) };
                let passage = Passage { arrival: passage.arrival + behind, ..passage };
                if state.ledger.watch.is_on() {
                    self.watch_message(state, message, false, &passage);
                }
                self.kernel.schedule(passage.arrival, Phase::Happen, Event::AtEdge(message).target(), lane);
            }
            None => self.watch_downlink(state),
        }
    }

    fn watch_uplink(&self, state: &mut State<'w, C>) {
        let due = state.up.next_event();
        self.watch(due, &mut state.uplink_due, Event::Uplink);
    }

    fn watch_downlink(&self, state: &mut State<'w, C>) {
        let due = state.down.next_event();
        self.watch(due, &mut state.downlink_due, Event::Downlink);
    }

    /// Schedules a look at a shared link, unless one is due by then. A look that comes too early only looks again.
    fn watch(&self, next: Option<SimTime>, due: &mut Option<SimTime>, event: Event) {
        let Some(next) = next else { return };
        if due.is_none_or(|due| next < due) {
            *due = Some(next);
            self.kernel.schedule(next, Phase::Happen, event.target(), None);
        }
    }

    /// A batch of drafts is void if its request has ended or a token before it has been rejected.
    pub(crate) fn is_void(&self, state: &State<'w, C>, message: u32) -> bool {
        let Message { slot, body: Body::Drafts(drafts), .. } = state.messages.get(message) else {
            unreachable!("drafts to verify")
        };
        !state.ledger.lives(*slot) || state.ledger.slots.get(slot.index).resources.cloud.epoch != drafts.epoch
    }

    /// Drops a void batch: there will be no verdict. Its message stays until the edge has given it up too.
    pub(crate) fn drop_drafts(&self, state: &mut State<'w, C>, message: u32) {
        let Body::Drafts(drafts) = &mut state.messages.get_mut(message).body else { unreachable!("drafts to drop") };
        drafts.dropped = true;
        if drafts.abandoned {
            self.forget_drafts(state, message);
        }
    }

    /// Forgets drafts that both sides have given up, and gives their wait back.
    pub(crate) fn forget_drafts(&self, state: &mut State<'w, C>, message: u32) {
        let Body::Drafts(drafts) = state.messages.remove(message).body else { unreachable!("drafts to forget") };
        self.kernel.fire(drafts.wait.expect("only drafts that somebody waits for are given up"));
    }

    /// A message has arrived at the cloud.
    pub(crate) fn at_cloud(&self, message: u32) {
        let state = &mut *self.state.borrow_mut();
        let Message { slot, wire, body } = state.messages.get_mut(message);
        if let Body::Input { delay, .. } = body
            && *delay > SimDuration::ZERO
        {
            let later = self.kernel.now() + std::mem::take(delay);
            self.kernel.schedule(later, Phase::Happen, Event::AtCloud(message).target(), None);
            return;
        }
        let slot = *slot;
        state.up.receive(*wire);
        if matches!(state.messages.get(message).body, Body::Input { .. }) && !state.ledger.lives(slot) {
            // Its request has ended without it.
            state.messages.remove(message);
            return;
        }
        match &state.messages.get(message).body {
            Body::Input { answer, .. } => {
                let then = if *answer { Then::Answer } else { Then::Open };
                state.messages.remove(message);
                self.prefill_in_cloud(state, slot, then);
            }
            Body::Prompt => {
                state.messages.remove(message);
                self.prefill_in_cloud(state, slot, Then::Answer);
            }
            Body::Drafts(_) if self.is_void(state, message) => self.drop_drafts(state, message),
            Body::Drafts(_) => {
                let of = state.ledger.slots.get_mut(slot.index);
                match of.resources.cloud.gpu {
                    Some(gpu) if of.resources.cloud.ready => self.submit_drafts(state, gpu, slot, message),
                    _ => of.resources.pending.parked.push(message),
                }
            }
            Body::Hidden { first: true, .. } => self.prefill_in_cloud(state, slot, Then::Return(message)),
            Body::Hidden { .. } => {
                let (gpu, _) = self.on_cloud(state, slot);
                self.submit(state, gpu, slot, Task::Upper { message });
            }
            Body::Token(_) => unreachable!("tokens go down"),
        }
    }

    /// Lets the cloud read a prompt that has arrived.
    fn prefill_in_cloud(&self, state: &mut State<'w, C>, slot: SlotId, then: Then) {
        let (gpu, sequence) = self.on_cloud(state, slot);
        let left = state.computes[self.tier(gpu)].prompt_tokens(sequence);
        state.ledger.slots.get_mut(slot.index).resources.cloud.reading = true;
        self.submit(state, gpu, slot, Task::Prefill { left, then });
    }

    /// A message has arrived at the edge.
    pub(crate) fn at_edge(&self, message: u32) {
        let state = &mut *self.state.borrow_mut();
        let now = self.kernel.now();
        let wire = state.messages.get(message).wire;
        state.down.receive(wire);
        let slot = state.messages.get(message).slot;
        match &mut state.messages.get_mut(message).body {
            Body::Token(token) => {
                let token = *token;
                state.messages.remove(message);
                state.ledger.commit(slot, 1, now);
                if token.ends {
                    self.answered(state, slot);
                }
            }
            Body::Hidden { wait, token, .. } => {
                let (wait, token) = (*wait, *token);
                state.messages.remove(message);
                state.ledger.slots.get_mut(slot.index).resources.edge_done = Done::Token(token);
                state.ledger.commit(slot, 1, now);
                self.kernel.fire(wait);
            }
            Body::Drafts(drafts) => {
                drafts.verdict.as_mut().expect("a verdict").at = now;
                match drafts.wait {
                    Some(_) if drafts.abandoned => self.forget_drafts(state, message),
                    Some(wait) => self.kernel.fire(wait),
                    None => self.end_drafting(state, slot, message),
                }
            }
            Body::Input { .. } | Body::Prompt => unreachable!("inputs go up"),
        }
    }

    /// The last verdict of a request, behind which the cloud writes on by itself.
    fn end_drafting(&self, state: &mut State<'w, C>, slot: SlotId, message: u32) {
        let Body::Drafts(drafts) = state.messages.remove(message).body else { unreachable!("a verdict") };
        let verdict = drafts.verdict.expect("a verdict that has arrived");
        state.ledger.slots.get_mut(slot.index).resources.pending.last_verdict = Some(verdict);
        state.ledger.commit_verdict(slot, &verdict);
        if verdict.ends {
            self.answered(state, slot);
        }
    }

    pub(crate) fn look_at_link(&self, up: bool) {
        let state = &mut *self.state.borrow_mut();
        let now = self.kernel.now();
        let due = if up { &mut state.uplink_due } else { &mut state.downlink_due };
        if *due == Some(now) {
            *due = None;
        }
        let mut left = std::mem::take(&mut state.left);
        let direction = if up { &mut state.up } else { &mut state.down };
        direction.take_left(now, &mut left);
        for Left { message, passage } in left.drain(..) {
            let behind = self.behind_the_link(state, state.messages.get(message).slot);
            let passage = Passage { arrival: passage.arrival + behind, ..passage };
            if state.ledger.watch.is_on() {
                self.watch_message(state, message, up, &passage);
            }
            let (event, lane) = if up { (Event::AtCloud(message), UP) } else { (Event::AtEdge(message), DOWN) };
            self.kernel.schedule(passage.arrival, Phase::Happen, event.target(), lane);
        }
        state.left = left;
        if up { self.watch_uplink(state) } else { self.watch_downlink(state) }
    }
}
