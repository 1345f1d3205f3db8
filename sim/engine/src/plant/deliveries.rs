//! Messages on the link: sending them, and what they do where they arrive.

use super::event::{DOWN, Event, NOW, UP};
use super::job::{Task, Then};
use super::link::{Parcel, Passage};
use super::message::{Body, Drafts, Message};
use super::prices::HostWork;
use super::prompts;
use super::state::State;
use super::world::{TOKEN_BYTES, World};
use crate::ledger::{Kind, Lane, SlotId};
use crate::spec::{Connections, TcpSpec, Transport};
use backends::{Compute, Done};
use kernel::Phase;
use units::{Bytes, SimDuration, SimTime};

impl<'w, C: Compute> World<'w, C> {
    /// Makes a message between a request's edge and its pool.
    pub(crate) fn address(&self, state: &mut State<'w, C>, slot: SlotId, body: Body) -> u32 {
        let of = state.ledger.slots.get(slot.index);
        let (edge, pool) = (of.edge, of.pool);
        state.messages.insert(Message { slot, edge, pool, wire: Bytes::ZERO, number: 0, body })
    }

    /// The connection of a message: that between its edge and its pool, or its request's own.
    #[inline]
    fn connection(&self, slot: SlotId, edge: u32, pool: u32) -> u32 {
        match self.spec.link.transport {
            Transport::Tcp(TcpSpec { connections: Connections::PerRequest, .. }) => slot.index,
            _ => pool * self.fleet.edges() + edge,
        }
    }

    /// Sends a message to the cloud, of a request that pays for it.
    pub(crate) fn send_up(&self, state: &mut State<'w, C>, slot: SlotId, payload: Bytes, body: Body) -> u32 {
        let message = self.address(state, slot, body);
        let wire = self.send(state, true, message, payload);
        state.ledger.slots.get_mut(slot.index).tally.uplink += wire;
        message
    }

    /// Sends a message that is there back to the edge.
    pub(crate) fn send_down(&self, state: &mut State<'w, C>, message: u32, payload: Bytes) {
        let slot = state.messages.get(message).slot;
        let wire = self.send(state, false, message, payload);
        if state.ledger.lives(slot) {
            state.ledger.slots.get_mut(slot.index).tally.downlink += wire;
        }
    }

    /// Hands a message to its direction of the link; its bytes on the wire.
    fn send(&self, state: &mut State<'w, C>, up: bool, message: u32, payload: Bytes) -> Bytes {
        let now = self.kernel.now();
        let to_send = state.messages.get(message);
        let Message { slot, edge, pool, ref body, .. } = *to_send;
        let (connection, past) = (self.connection(slot, edge, pool), body.is_off_the_link());
        let warm_up = state.ledger.warm_up.has(slot);
        let beyond = self.beyond_the_link(pool);
        let parcel = Parcel { message, edge, connection, request: slot.generation, payload, beyond, warm_up };
        let (direction, out) = state.direction(up);
        if !past && let Some((wire, passage)) = direction.send_at_once(now, &parcel) {
            state.messages.get_mut(message).wire = wire;
            self.announce(state, up, message, &passage, lane(up));
            return wire;
        }
        let wire = if past { direction.send_past(now, &parcel, out) } else { direction.send(now, &parcel, out) };
        state.messages.get_mut(message).wire = wire;
        self.dispatch(state, up, if past { NOW } else { lane(up) });
        wire
    }

    /// Streams tokens down whose arrival is known at once, if nobody looks at it: no message, no event. False of any others.
    #[inline]
    pub(super) fn stream_down(&self, state: &mut State<'w, C>, id: SlotId, count: u32) -> bool {
        if !self.is_unseen(state, id) || state.ledger.watch.watches(id) {
            return false;
        }
        let now = self.kernel.now();
        let warm_up = state.ledger.warm_up.has(id);
        let slot = state.ledger.slots.get(id.index);
        let (edge, pool) = (slot.edge, slot.pool);
        let payload = TOKEN_BYTES * u64::from(count);
        let (connection, beyond) = (self.connection(id, edge, pool), self.beyond_the_link(pool));
        let parcel = Parcel { message: 0, edge, connection, request: id.generation, payload, beyond, warm_up };
        let Some((wire, Passage { arrival: Some(arrival), .. })) = state.down.send_at_once(now, &parcel) else {
            return false;
        };
        state.down.receive(wire);
        state.ledger.slots.get_mut(id.index).tally.downlink += wire;
        self.commit_ahead(state, id, count, arrival);
        true
    }

    /// Commits streamed tokens that arrive then.
    #[inline]
    fn commit_ahead(&self, state: &mut State<'w, C>, id: SlotId, count: u32, arrival: SimTime) {
        if !self.deliver_tokens(state, id, count, arrival) {
            state.ledger.commit_ahead(id, count, self.kernel.now(), self.kernel.take_place(arrival));
        }
    }

    /// Handles the passage of a flight: if its message arrives with it, an event follows, unless nobody needs one.
    #[inline]
    fn announce(&self, state: &mut State<'w, C>, up: bool, message: u32, passage: &Passage, lane: Option<u8>) {
        if state.ledger.watch.is_on() {
            self.watch_message(state, message, up, passage);
        }
        let Some(arrival) = passage.arrival else { return };
        if up {
            if !self.post_message(state, message, arrival) {
                self.kernel.schedule(arrival, Phase::Happen, Event::AtCloud(message).target(), lane);
            }
            return;
        }
        if self.arrives_unseen(state, message, arrival) || self.deliver_message(state, message, arrival) {
            return;
        }
        self.foresee_verdict(state, message, arrival);
        self.kernel.schedule(arrival, Phase::Happen, Event::AtEdge(message).target(), lane);
    }

    /// Schedules what came of looking at a direction: arrivals, and the next looks.
    fn dispatch(&self, state: &mut State<'w, C>, up: bool, lane: Option<u8>) {
        let mut out = std::mem::take(&mut state.outbox);
        for (message, passage) in out.left.drain(..) {
            self.announce(state, up, message, &passage, lane);
        }
        for (flight, at) in out.passing.drain(..) {
            let event = if up { Event::PassedUp(flight) } else { Event::PassedDown(flight) };
            self.kernel.schedule(at, Phase::Happen, event.target(), None);
        }
        for (connection, at) in out.wakes.drain(..) {
            let event = if up { Event::WindowUp(connection) } else { Event::WindowDown(connection) };
            self.kernel.schedule(at, Phase::Happen, event.target(), None);
        }
        for hop in out.touched.drain(..) {
            // A look that comes too early only looks again.
            let direction = if up { &mut state.up } else { &mut state.down };
            let Some(next) = direction.next_look(hop) else { continue };
            let event = if up { Event::HopUp(hop) } else { Event::HopDown(hop) };
            self.kernel.schedule(next, Phase::Happen, event.target(), None);
        }
        state.outbox = out;
    }

    /// True if nobody looks at the arrival of streamed tokens of a request but the last: no verdict before them may still be on its way.
    #[inline]
    fn is_unseen(&self, state: &State<'w, C>, slot: SlotId) -> bool {
        self.spec.looks_ahead() && !state.ledger.slots.get(slot.index).resources.pending.drafted_first
    }

    /// Tells the edge that drafts for a request when a verdict arrives that it will look at.
    #[inline]
    pub(super) fn foresee_verdict(&self, state: &mut State<'w, C>, message: u32, arrival: SimTime) {
        let Message { slot, edge, body: Body::Drafts(Drafts { wait: Some(_), abandoned: false, .. }), .. } =
            *state.messages.get(message)
        else {
            return;
        };
        if state.ledger.lives(slot) {
            state.ledger.slots.get_mut(slot.index).resources.pending.expect_verdict(arrival);
            self.cut_short(state, edge, arrival);
        }
    }

    /// Commits streamed tokens whose arrival is known and which nobody awaits: they need no event. False of anything else.
    #[inline]
    fn arrives_unseen(&self, state: &mut State<'w, C>, message: u32, arrival: SimTime) -> bool {
        let Message { slot, wire, body: Body::Tokens { count, ends: false }, .. } = *state.messages.get(message) else {
            return false;
        };
        if !self.is_unseen(state, slot) {
            return false;
        }
        state.messages.remove(message);
        state.down.receive(wire);
        self.commit_ahead(state, slot, count, arrival);
        true
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
        if self.deliver_dropped(state, message) {
            return;
        }
        let Body::Drafts(drafts) = &mut state.messages.get_mut(message).body else { unreachable!("drafts to drop") };
        drafts.dropped = true;
        if drafts.abandoned {
            self.forget_drafts(state, message);
        }
    }

    /// Forgets drafts that both sides have given up, and gives their wait back if they have one.
    pub(crate) fn forget_drafts(&self, state: &mut State<'w, C>, message: u32) {
        let Body::Drafts(drafts) = state.messages.remove(message).body else { unreachable!("drafts to forget") };
        if let Some(wait) = drafts.wait {
            self.kernel.fire(wait);
        }
    }

    /// Lets the host of a request's server work on the pictures of its input, and the cloud read it when that is done.
    fn prepare(&self, state: &mut State<'w, C>, slot: SlotId, message: u32) {
        let of = state.ledger.slots.get(slot.index);
        let gpu = of.resources.cloud.gpu.expect("an input goes to a GPU");
        let (input, tier) = (&of.about.input(), self.tier(gpu));
        let duration = self.prices[tier].picture_time(HostWork::BeforePrefill, input);
        if duration == SimDuration::ZERO {
            return self.read(state, message);
        }
        let keeps = self.spec.pools[tier - self.spec.edges.len()].scheduling.keeps_pictures();
        let shown = prompts::shown(of, input).filter(|_| keeps);
        let shown = shown.map(|name| (name, self.prices[tier].pricing.pixels(input)));
        let host = gpu - self.edges();
        let service = state.hosts[host as usize].serve(self.kernel.now(), duration, shown);
        if state.ledger.watch.is_on() {
            self.watch_processor(state, slot, (Lane::CloudCpu, host), Kind::Preprocess, service);
        }
        let Body::Input { is_prepared, .. } = &mut state.messages.get_mut(message).body else {
            unreachable!("an input to prepare")
        };
        *is_prepared = true;
        self.kernel.schedule(service.end, Phase::Happen, Event::AtCloud(message).target(), None);
    }

    /// Lets the cloud read an input that is there, if its request still lives.
    fn read(&self, state: &mut State<'w, C>, message: u32) {
        let Message { slot, body: Body::Input { then, .. }, .. } = state.messages.remove(message) else {
            unreachable!("an input to read")
        };
        if state.ledger.lives(slot) {
            self.prefill_in_cloud(state, slot, then);
        }
    }

    /// A message has arrived at the cloud.
    pub(crate) fn at_cloud(&self, message: u32) {
        self.receive_at_cloud(&mut self.state.borrow_mut(), message);
    }

    /// The cloud receives a message.
    #[inline]
    pub(super) fn receive_at_cloud(&self, state: &mut State<'w, C>, message: u32) {
        let Message { slot, wire, body, .. } = state.messages.get_mut(message);
        match body {
            Body::Input { delay, .. } if *delay > SimDuration::ZERO => {
                let later = self.kernel.now() + std::mem::take(delay);
                return self.kernel.schedule(later, Phase::Happen, Event::AtCloud(message).target(), None);
            }
            Body::Input { is_prepared: true, .. } => return self.read(state, message),
            _ => {}
        }
        let (slot, wire) = (*slot, *wire);
        state.up.receive(wire);
        if matches!(state.messages.get(message).body, Body::Input { .. }) && !state.awaits_input(slot) {
            // Its request has ended or gone on without it.
            state.messages.remove(message);
            return;
        }
        match &state.messages.get(message).body {
            Body::Input { .. } => self.prepare(state, slot, message),
            Body::Ahead { .. } => drop(state.messages.remove(message)),
            Body::Part { .. } => self.send_down(state, message, TOKEN_BYTES),
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
            Body::Tokens { .. } => unreachable!("tokens go down"),
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
        let Message { edge, wire, number, .. } = *state.messages.get(message);
        self.hear(edge, number);
        state.down.receive(wire);
        let slot = state.messages.get(message).slot;
        match &mut state.messages.get_mut(message).body {
            &mut Body::Part { wait } => {
                state.messages.remove(message);
                self.kernel.fire(wait);
            }
            &mut Body::Tokens { count, ends } => {
                state.messages.remove(message);
                state.ledger.commit(slot, count, now);
                if ends {
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
                drafts.verdict_mut().at = now;
                match drafts.wait {
                    Some(_) if drafts.abandoned => self.forget_drafts(state, message),
                    Some(wait) => self.kernel.fire(wait),
                    None => self.end_drafting(state, slot, message),
                }
            }
            Body::Input { .. } | Body::Prompt | Body::Ahead { .. } => unreachable!("inputs and drafts go up"),
        }
    }

    /// The last verdict of a request, behind which the cloud writes on by itself.
    fn end_drafting(&self, state: &mut State<'w, C>, slot: SlotId, message: u32) {
        let Body::Drafts(drafts) = state.messages.remove(message).body else { unreachable!("a verdict") };
        let verdict = drafts.verdict();
        let pending = &mut state.ledger.slots.get_mut(slot.index).resources.pending;
        (pending.last_verdict, pending.last_batch) = (Some(Box::new(verdict)), None);
        state.ledger.commit_verdict(slot, &verdict);
        if verdict.ends {
            self.answered(state, slot);
        }
    }

    /// A shared hop has a flight that has left, or another rate.
    pub(crate) fn look_at_hop(&self, up: bool, hop: u32) {
        let state = &mut *self.state.borrow_mut();
        let (direction, out) = state.direction(up);
        direction.take_left(self.kernel.now(), hop, out);
        self.dispatch(state, up, lane(up));
    }

    /// A flight comes to its next hop.
    pub(crate) fn pass_on(&self, up: bool, flight: u32) {
        let state = &mut *self.state.borrow_mut();
        let (direction, out) = state.direction(up);
        direction.pass_on(self.kernel.now(), flight, out);
        self.dispatch(state, up, lane(up));
    }

    /// A connection may send more, for packets are acknowledged or its handshake is over.
    pub(crate) fn look_at_connection(&self, up: bool, connection: u32) {
        let state = &mut *self.state.borrow_mut();
        let (direction, out) = state.direction(up);
        direction.look(self.kernel.now(), connection, out);
        self.dispatch(state, up, lane(up));
    }
}

/// The lane of a direction's arrivals.
fn lane(up: bool) -> Option<u8> {
    if up { UP } else { DOWN }
}
