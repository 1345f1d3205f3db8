//! One run, from the first request to the last token.

mod clients;
mod elsewhere;
mod fall_back;
mod names;
mod set_up;

use crate::arrivals::Source;
use crate::learning::Memories;
use crate::ledger::{Arrival, Shortfall, SlotId};
use crate::plant::{Bed, Event, Extent, Slot, State, World};
use crate::violation::Violation;
use crate::workload::{Arrivals, Begun, Row, Session, Turn};
use backends::Compute;
use clients::GivenUp;
use kernel::{Host, Spawner, Target};
use model::{
    kv::DoesNotFit,
    request::{Input, PayloadFormat},
};
use names::Names;
use policies::{About, Alone, Briefing, ClosedForms, CloudOnly, EdgeOnly, Policy, Prices, ServedBy, System};
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use units::{SimDuration, SimTime};

pub(crate) use set_up::{SetUp, Start, something_left};

/// The reason why a run was not completed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A model does not fit its device.
    #[error(transparent)]
    DoesNotFit(#[from] DoesNotFit),
    /// The warm-up leaves no request.
    #[error(
        "workload.warm_up leaves no request: all {requests} are sent within it, the last after {last}; expected a shorter \
         one, or more requests"
    )]
    AllWarmUp {
        /// Requests of the run.
        requests: u64,
        /// Time at which the last of them was sent.
        last: SimDuration,
    },
    /// The policy could not go on.
    #[error("{0}")]
    Policy(String),
    /// The program is wrong.
    #[error("{violation} (seed {seed}, replication {replication}, after event {event})")]
    Broken {
        /// The violated invariant.
        violation: Violation,
        /// Seed of the run.
        seed: u64,
        /// Replication of the run.
        replication: u32,
        /// Events until then.
        event: u64,
    },
}

/// Requests behind the warm-up whose closed forms are worked out.
const CLOSED_FORMS: u32 = 256;

/// A run under way.
pub(crate) struct Run<'r, C, P: Policy> {
    pub(crate) world: &'r World<'r, C>,
    policy: &'r P,
    /// Serves the requests of edges that only send.
    sender: CloudOnly,
    memories: Memories<P::Memory>,
    /// The briefing of each class, or of each group where groups have requests of their own.
    briefings: Vec<Briefing>,
    /// The sessions that have begun.
    begun: RefCell<Begun>,
    sources: Vec<Source>,
    tiers: Tiers,
    /// The edge's model, for requests that fall back.
    alone: EdgeOnly,
    /// Clients that have just given up.
    given_up: RefCell<Vec<GivenUp>>,
    /// The requests in flight, where their edges are simulated elsewhere.
    names: RefCell<Names>,
    progress: &'r AtomicU64,
}

/// The tiers on which a policy holds a request's sequence.
#[derive(Clone, Copy)]
struct Tiers {
    edge: bool,
    cloud: bool,
    /// The cloud verifies drafts.
    verifies: bool,
    /// The edge has a whole model, which can answer by itself.
    answers: bool,
}

impl Tiers {
    fn of(policy: &System) -> Self {
        let uses = policy.uses();
        // A probe or a vision tower on the edge holds no sequence there.
        let is_split = policy.split().is_some();
        let drafts = uses.drafts && uses.edge_model;
        let edge = uses.edge_answers || drafts || is_split;
        Self { edge, cloud: uses.cloud, verifies: uses.drafts, answers: edge && !is_split }
    }
}

impl<'a, C: Compute, P: Policy> Host<'a> for Run<'a, C, P> {
    #[inline]
    fn event(&'a self, target: Target, spawner: &mut Spawner<'a>) {
        match Event::decode(target.decode().expect("an event for a component")) {
            Event::Adoption => self.given_up.borrow_mut().drain(..).for_each(|one| spawner.spawn(self.go_on(one))),
            Event::Arrival(source) => self.arrive(source, spawner),
            event => self.world.handle(event),
        }
    }

    #[inline]
    fn is_withdrawn(&self, time: SimTime, target: Target) -> bool {
        match Event::decode(target.decode().expect("an event for a component")) {
            Event::Iteration(gpu) => !self.world.state.borrow().gpus[gpu as usize].ends_at(time),
            _ => false,
        }
    }
}

impl<'a, C: Compute, P: Policy> Run<'a, C, P> {
    /// The reason why the policy could not go on, if it could not.
    fn fault(&self) -> Result<(), RunError> {
        self.memories.fault().map_or(Ok(()), |fault| Err(RunError::Policy(fault)))
    }

    /// Checks the invariants of a run that has ended; `waiting` processes have not.
    pub(crate) fn check(&self, state: &State<'a, C>, waiting: usize) -> Result<(), RunError> {
        self.holds(state.check(self.world.kernel.now(), waiting))
    }

    /// Checks the invariants of a part of the edges.
    pub(crate) fn check_part(&self, state: &State<'a, C>, waiting: usize) -> Result<(), RunError> {
        self.holds(state.check_part(self.world.kernel.now(), waiting))
    }

    fn holds(&self, checked: Result<(), Violation>) -> Result<(), RunError> {
        let World { kernel, spec, .. } = self.world;
        checked.map_err(|violation| RunError::Broken {
            violation,
            seed: spec.seed,
            replication: spec.replication,
            event: kernel.events(),
        })
    }

    pub(crate) fn start(&'a self, spawner: &mut Spawner<'a>) {
        for (number, source) in self.sources.iter().enumerate() {
            match source.arrivals {
                Arrivals::ClosedLoop { clients, think } => {
                    for client in 0..clients {
                        source.edges().for_each(|edge| spawner.spawn(self.client(edge, client, think)));
                    }
                }
                _ => self.schedule_arrival(number as u32),
            }
        }
    }

    /// Begins the next session at an edge, if there is one and a policy can serve it: of this class, or of one that is drawn.
    fn begin(&self, class: Option<u32>, edge: u32) -> Option<Session> {
        if self.memories.fault().is_some() {
            return None;
        }
        let group = self.world.tier(edge) as u32;
        self.begun.borrow_mut().session(&self.world.spec.workload, self.world.streams, class, group)
    }

    /// The number of the next request, and its row if it is one of this source.
    fn next_of(&self, source: &Source) -> (u64, Row) {
        let begun = self.begun.borrow();
        (begun.next, begun.rows.next(&self.world.spec.workload, source.group))
    }

    fn schedule_arrival(&self, source: u32) {
        let workload = &self.world.spec.workload;
        let now = self.world.kernel.now();
        let source_of = &self.sources[source as usize];
        let (number, row) = self.next_of(source_of);
        if number >= workload.len() {
            if source_of.arrivals.drain() {
                self.world.state.borrow_mut().ledger.begin_drain(now);
            }
        } else if workload.left_at(row) > 0 {
            let at = source_of.next(workload, row, now);
            self.world.schedule_arrival(source, at.max(now));
        }
    }

    /// A session of an open loop begins, unless another source has had the last one.
    fn arrive(&'a self, source: u32, spawner: &mut Spawner<'a>) {
        if let Extent::Edges(own) = self.world.extent {
            own.arrivals.set(own.arrivals.get() + 1);
        }
        let source_of = &self.sources[source as usize];
        let (number, row) = self.next_of(source_of);
        let edge = source_of.edge(self.world.streams, number, row);
        let Some(mut session) = self.begin(source_of.class, edge) else { return };
        session.deadline = source_of.arrivals.deadline();
        match self.world.is_elsewhere(edge) {
            true => self.arrive_elsewhere(session, edge),
            false => spawner.spawn(self.play_alone(session, edge)),
        }
        self.schedule_arrival(source);
    }

    /// Takes the next request of a session in.
    fn admit(&self, session: &mut Session, edge: u32, client: u32) -> Bed<'a, C> {
        let world = self.world;
        let mut turn = session.turn(&world.spec.workload, world.streams);
        let group = world.tier(edge) as u32;
        let state = &mut *world.state.borrow_mut();
        let pool = world.pool_for(state, edge, &turn, self.tiers(group).verifies);
        self.encode_pictures(&mut turn, pool);
        let visual_tokens = world.pool_prices(pool).pricing.visual_tokens(&Input::whole(turn.request.prompt));
        let arrival = Arrival { turn, edge, client, group, pool, visual_tokens };
        if state.ledger.warm_up.ends_with(state.ledger.next_generation(), world.kernel.now()) {
            world.catch_up_all(state);
        }
        let id = state.ledger.admit(arrival, world.kernel.now(), world.kernel.reached());
        Bed { world, id }
    }

    /// The briefing about requests of a class and a group.
    fn briefing(&self, class: u32, group: u32) -> &Briefing {
        let place = if self.world.spec.workload.own.is_empty() { class } else { group };
        &self.briefings[place as usize]
    }

    /// Serves a request that has been taken in; the time at which its answer was there.
    fn serve(&'a self, bed: Bed<'a, C>) -> impl Future<Output = SimTime> + 'a {
        let (edge, briefing) = {
            let state = self.world.state.borrow();
            let slot = state.ledger.slots.get(bed.id.index);
            (slot.edge, self.briefing(slot.about.class, slot.about.group))
        };
        let memory = self.memories.of(edge);
        async move {
            self.hear(bed.id);
            let ending = match self.rejection(bed.id) {
                None if self.falls_back(bed.id) => Ok(self.alone.serve(&bed, briefing, &()).await),
                None if self.only_sends(bed.id) => Ok(self.sender.serve(&bed, briefing, &()).await),
                None => Ok(match self.patience(bed.id) {
                    None => self.policy.serve(&bed, briefing, memory).await,
                    Some(patience) => Box::pin(self.serve_or_fall_back(&bed, (briefing, memory), patience)).await,
                }),
                Some(reason) => Err(reason),
            };
            self.tell(bed.id);
            let answered = self.end(bed.id, ending);
            self.progress.fetch_add(1, Ordering::Relaxed);
            answered
        }
    }

    /// The tiers on which a group's requests have a sequence.
    fn tiers(&self, group: u32) -> Tiers {
        let only_sends = self.world.spec.edges[group as usize].only_sends;
        if only_sends { Tiers { edge: false, cloud: true, verifies: false, answers: false } } else { self.tiers }
    }

    /// True of a request of edges that only send.
    fn only_sends(&self, id: SlotId) -> bool {
        let group = self.world.state.borrow().ledger.slots.get(id.index).about.group;
        self.world.spec.edges[group as usize].only_sends
    }

    /// The edge of a request hears what others have learned, where edges share that.
    fn hear(&self, id: SlotId) {
        if self.memories.are_shared() {
            let (edge, delay) = self.way(id);
            self.memories.hear(edge, self.world.kernel.now(), delay);
        }
    }

    /// The edge of a request has learned from it, and says so in its next report.
    fn tell(&self, id: SlotId) {
        if self.memories.are_shared() {
            let (edge, delay) = self.way(id);
            self.memories.tell(edge, self.world.kernel.now(), delay);
        }
    }

    /// The edge of a request, and the time of a report's way to the cloud and on to another edge.
    fn way(&self, id: SlotId) -> (u32, SimDuration) {
        let state = &*self.world.state.borrow();
        let slot = state.ledger.slots.get(id.index);
        (slot.edge, self.world.rtt(state, slot.edge, slot.pool as usize))
    }

    /// Gives a request its pictures as they are sent.
    fn encode_pictures(&self, Turn { request, .. }: &mut Turn, pool: u32) {
        if self.world.spec.workload.payload == PayloadFormat::VisionTokens {
            let encoded = self.world.pool_prices(pool).encoded_bytes(&request.prompt);
            if let Some(images) = &mut request.prompt.images {
                (images.payload, images.encoded) = (encoded, true);
            }
        }
    }

    /// The reason why a request is rejected, if it is: a tier that holds its sequence has a context window or a KV cache
    /// too small for the whole prompt and its answer.
    fn rejection(&self, id: SlotId) -> Option<Shortfall> {
        let world = self.world;
        let state = &*world.state.borrow();
        let slot = state.ledger.slots.get(id.index);
        let (request, tiers) = (&slot.about.request, self.tiers(slot.about.group));
        let server = world.fleet.gpus(world.fleet.tier_of_pool(slot.pool as usize)).start;
        let lacks = |held: bool, gpu: u32, verifies: bool| {
            if held { world.lacks(state, gpu, request, verifies) } else { [false; 2] }
        };
        let edge = lacks(tiers.edge, slot.edge, false);
        let cloud = lacks(tiers.cloud, server, tiers.verifies);
        let reasons = [
            (edge[0], Shortfall::EdgeContext),
            (cloud[0], Shortfall::CloudContext),
            (edge[1], Shortfall::EdgeMemory),
            (cloud[1], Shortfall::CloudMemory),
        ];
        reasons.into_iter().find_map(|(applies, reason)| applies.then_some(reason))
    }

    /// A request has ended: its memory is given back and its row is written. The time of its last token, or of its rejection.
    fn end(&self, id: SlotId, ending: Result<ServedBy, Shortfall>) -> SimTime {
        let world = self.world;
        let state = &mut *world.state.borrow_mut();
        if world.has_edges_alone() {
            return self.end_on_edge(state, id, ending);
        }
        let slot = state.ledger.slots.get(id.index);
        let is_late = world.spec.workload.timeout.is_some_and(|most| slot.committed.last > slot.about.submit + most);
        let ending = if is_late { ending.and(Err(Shortfall::TimedOut)) } else { ending };
        let graded = ending.ok().and_then(|by| grade(world, state, id, by));
        world.close_on_edge(state, id);
        world.close_on_cloud(state, id);
        let slot = state.ledger.end(id, world.kernel.now(), ending, graded);
        if let Some((forms, probe_flop)) = self.closed_forms(state, id, &slot, ending.is_ok()) {
            state.ledger.metrics.closed_forms.record(&forms, probe_flop);
        }
        slot.committed.last.max(slot.about.submit)
    }

    /// The closed forms of a request, and the part of its FLOP that a probe is, if it is one of the first and was answered.
    fn closed_forms(
        &self,
        state: &mut State<'a, C>,
        id: SlotId,
        slot: &Slot,
        answered: bool,
    ) -> Option<(ClosedForms, f64)> {
        let is_among_first = state.ledger.warm_up.place(id).is_some_and(|place| place < CLOSED_FORMS);
        if !answered || !is_among_first {
            return None;
        }
        let world = self.world;
        let prompt = &slot.about.request.prompt;
        let (group, pool) = (slot.about.group as usize, slot.pool);
        let alone = Alone {
            view: world.view(state, slot.edge, pool as usize),
            input: &slot.about.input(),
            output_tokens: slot.about.request.output_tokens,
            preprocess: world.preprocess(group, prompt),
            tokens: &world.closed_form_tokens,
            briefing: self.briefing(slot.about.class, slot.about.group),
        };
        let whole =
            world.pool_prices(pool).pricing.request_flop(&Input::whole(*prompt), slot.about.request.output_tokens);
        let probe_flop = world.prices[group].pricing.probe_flop(prompt).as_f64() / whole.as_f64();
        let only_sends = world.spec.edges[group].only_sends;
        let forms = if only_sends { self.sender.closed_forms(&alone) } else { self.policy.closed_forms(&alone) };
        Some((forms, probe_flop))
    }
}

/// The score of a request's answer, if the backend can tell.
fn grade<C: Compute>(world: &World<'_, C>, state: &mut State<'_, C>, id: SlotId, served_by: ServedBy) -> Option<f64> {
    let State { ledger, computes, .. } = state;
    let slot = ledger.slots.get(id.index);
    let (tier, held) = match served_by {
        ServedBy::Edge | ServedBy::Both => (world.tier(slot.edge), &slot.resources.on_edge),
        ServedBy::Cloud | ServedBy::Published(_) => {
            (world.fleet.tier_of_pool(slot.pool as usize), &slot.resources.on_cloud)
        }
    };
    computes[tier].grade(held.as_ref()?.sequence)
}
