//! One run, from the first request to the last token.

use crate::calibration::calibration;
use crate::ledger::{Arrival, Grading, Ledger, Recorder, Shortfall, SlotId, WarmUp};
use crate::models::{Models, streams};
use crate::outcome::{Outcome, outcome};
use crate::plant::{self, Bed, Event, Price, Slot, State, World};
use crate::spec::RunSpec;
use crate::violation::Violation;
use crate::workload::{Arrivals, Begun, OpenLoop, Session, Turn};
use backends::{Compute, Pricing};
use kernel::{Host, Journal, Kernel, Spawner, Target};
use model::{
    accuracy::AccuracyModel,
    kv::DoesNotFit,
    request::{Input, PayloadFormat},
};
use policies::{Alone, Briefing, Memory, Policy, Prices, ServedBy, System, Visitor};
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};
use units::{SimDuration, SimTime};

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

/// A run that is about to begin.
pub(crate) struct Start<'s, C> {
    pub(crate) spec: &'s RunSpec,
    pub(crate) models: Models<C>,
    pub(crate) journal: Journal,
    pub(crate) recorder: &'s mut dyn Recorder,
    pub(crate) progress: &'s AtomicU64,
}

impl<C: Compute> Visitor for Start<'_, C> {
    type Output = Result<Outcome, RunError>;

    fn visit<P: Policy>(self, policy: &P) -> Self::Output {
        let Self { spec, models: Models { edge, cloud, calibration: measured }, journal, recorder, progress } = self;
        let streams = streams(spec);
        let known = |samples, seed| measured.clone().unwrap_or_else(|| calibration(&spec.tokens, samples, seed));
        let pools = plant::pools(spec)?;
        let kernel = Kernel::with_journal(journal);
        let accuracy = AccuracyModel::new(spec.accuracy, spec.pruning);
        let grading = Grading { accuracy, streams, deadline: spec.deadline };
        let counted = (WarmUp::new(spec.workload.warm_up), spec.workload.len());
        let ledger = Ledger::new(grading, counted, spec.slo, recorder);
        let world = World {
            kernel: &kernel,
            spec,
            streams,
            edge_prices: price(&spec.edge.tier),
            cloud_prices: price(&spec.cloud.tier),
            closed_form_tokens: known(CLOSED_FORM_TOKENS, spec.seed ^ 1),
            state: RefCell::new(State::new(spec, streams, pools, [edge, cloud], ledger)),
        };
        let run = Run {
            world: &world,
            policy,
            memories: memories(policy, spec.edge.count),
            briefing: Briefing {
                calibration: known(policy.calibration_samples(), spec.seed),
                pruning: spec.pruning,
                benchmark: spec.benchmark,
            },
            begun: Cell::default(),
            arrivals: RefCell::new(OpenLoop::new(&spec.workload.arrivals, streams, spec.edge.count)),
            tiers: Tiers::of(&spec.policy),
            progress,
        };
        let waiting = kernel.run(&run, |spawner| run.start(spawner));
        let checked = world.state.borrow().check(kernel.now(), waiting);
        checked.map_err(|violation| RunError::Broken {
            violation,
            seed: spec.seed,
            replication: spec.replication,
            event: kernel.events(),
        })?;
        something_left(&world.state.borrow().ledger)?;
        Ok(outcome(&world))
    }
}

/// Refuses a warm-up that has all requests in it.
fn something_left<R>(ledger: &Ledger<'_, R>) -> Result<(), RunError> {
    let warm_up = &ledger.warm_up;
    if ledger.metrics.submitted > 0 || warm_up.requests() == 0 {
        return Ok(());
    }
    Err(RunError::AllWarmUp { requests: warm_up.requests(), last: warm_up.last_sent().since_start() })
}

/// A policy's memory of each edge.
fn memories<P: Policy>(policy: &P, edges: u32) -> Vec<P::Memory> {
    let first = P::Memory::of(policy);
    let others: Vec<_> = (1..edges).map(|_| first.of_another_edge(policy)).collect();
    std::iter::once(first).chain(others).collect()
}

fn price(tier: &backends::Tier) -> Price {
    Price(Pricing::new(tier))
}

/// Tokens that the closed forms know the token process by.
const CLOSED_FORM_TOKENS: u32 = 10_000;

/// Requests behind the warm-up whose closed forms are worked out.
const CLOSED_FORMS: u32 = 256;

/// A run under way.
struct Run<'r, C, P: Policy> {
    world: &'r World<'r, C>,
    policy: &'r P,
    /// The policy's memory of each edge.
    memories: Vec<P::Memory>,
    briefing: Briefing,
    /// The sessions that have begun.
    begun: Cell<Begun>,
    arrivals: RefCell<OpenLoop>,
    tiers: Tiers,
    progress: &'r AtomicU64,
}

/// The tiers on which a policy holds a request's sequence.
#[derive(Clone, Copy)]
struct Tiers {
    edge: bool,
    cloud: bool,
    /// The cloud verifies drafts.
    verifies: bool,
}

impl Tiers {
    fn of(policy: &System) -> Self {
        let uses = policy.uses();
        // A probe or a vision tower on the edge holds no sequence there.
        let edge = uses.edge_answers || uses.drafts || policy.split().is_some();
        Self { edge, cloud: uses.cloud, verifies: uses.drafts }
    }
}

impl<'a, C: Compute, P: Policy> Host<'a> for Run<'a, C, P> {
    #[inline]
    fn event(&'a self, target: Target, spawner: &mut Spawner<'a>) {
        match Event::decode(target.decode().expect("an event for a component")) {
            Event::Arrival => self.arrive(spawner),
            event => self.world.handle(event),
        }
    }
}

impl<'a, C: Compute, P: Policy> Run<'a, C, P> {
    fn start(&'a self, spawner: &mut Spawner<'a>) {
        match self.world.spec.workload.arrivals {
            Arrivals::ClosedLoop { clients, think } => {
                for client in 0..clients {
                    for edge in 0..self.world.spec.edge.count {
                        spawner.spawn(self.client(edge, client, think));
                    }
                }
            }
            _ => self.schedule_arrival(),
        }
    }

    /// Begins the next session, if there is one.
    fn begin(&self) -> Option<Session> {
        let mut begun = self.begun.get();
        let session = begun.session(&self.world.spec.workload, self.world.streams);
        self.begun.set(begun);
        session
    }

    /// A client of a closed loop.
    #[expect(clippy::manual_async_fn, reason = "an `async fn` keeps its arguments twice, and there are many clients")]
    fn client(&'a self, edge: u32, client: u32, think: SimDuration) -> impl Future<Output = ()> + 'a {
        async move {
            while let Some(session) = self.begin() {
                self.play(session, edge, client).await;
                if think > SimDuration::ZERO {
                    self.world.kernel.sleep(think).await;
                }
            }
        }
    }

    fn schedule_arrival(&self) {
        let (number, workload) = (self.begun.get().next, &self.world.spec.workload);
        let now = self.world.kernel.now();
        if number < workload.len() {
            let at = self.arrivals.borrow_mut().next(workload, number, now);
            self.world.schedule_arrival(at.max(now));
        } else if workload.arrivals.drain() {
            self.world.state.borrow_mut().ledger.begin_drain(now);
        }
    }

    /// A session of an open loop begins.
    fn arrive(&'a self, spawner: &mut Spawner<'a>) {
        let session = self.begin().expect("an arrival was scheduled for a session");
        let Self { world, .. } = self;
        let (arrivals, edges) = (&world.spec.workload.arrivals, world.spec.edge.count);
        let edge = self.arrivals.borrow().edge(arrivals, world.streams, session.first, edges);
        spawner.spawn(self.play(session, edge, 0));
        self.schedule_arrival();
    }

    /// Plays a session: each turn is sent when its user has thought about the answer to the one before.
    fn play(&'a self, mut session: Session, edge: u32, client: u32) -> impl Future<Output = ()> + 'a {
        let mut bed = self.admit(&mut session, edge, client);
        async move {
            loop {
                let answered = self.serve(bed).await;
                let world = self.world;
                let Some(think) = session.think(&world.spec.workload, world.streams) else { return };
                // A policy may be busy for a while after the last token.
                let left = (answered + think).saturating_since(world.kernel.now());
                if left > SimDuration::ZERO {
                    world.kernel.sleep(left).await;
                }
                bed = self.admit(&mut session, edge, client);
            }
        }
    }

    /// Takes the next request of a session in.
    fn admit(&self, session: &mut Session, edge: u32, client: u32) -> Bed<'a, C> {
        let world = self.world;
        let mut turn = session.turn(&world.spec.workload, world.streams);
        self.encode_pictures(&mut turn);
        let visual_tokens = world.cloud_prices.0.visual_tokens(&Input::whole(turn.request.prompt));
        let arrival = Arrival { turn, edge, client, visual_tokens };
        let id = world.state.borrow_mut().ledger.admit(arrival, world.kernel.now());
        Bed { world, id }
    }

    /// Serves a request that has been taken in; the time at which its answer was there.
    fn serve(&'a self, bed: Bed<'a, C>) -> impl Future<Output = SimTime> + 'a {
        let memory = &self.memories[self.edge_of(bed.id)];
        async move {
            let ending = match self.rejection(bed.id) {
                None => Ok(self.policy.serve(&bed, &self.briefing, memory).await),
                Some(reason) => Err(reason),
            };
            let answered = self.end(bed.id, ending);
            self.progress.fetch_add(1, Ordering::Relaxed);
            answered
        }
    }

    /// The edge that a request came in at.
    fn edge_of(&self, id: SlotId) -> usize {
        self.world.state.borrow().ledger.slots.get(id.index).edge as usize
    }

    /// Gives a request its pictures as they are sent.
    fn encode_pictures(&self, Turn { request, .. }: &mut Turn) {
        if self.world.spec.workload.payload == PayloadFormat::VisionTokens {
            let encoded = self.world.cloud_prices.encoded_bytes(&request.prompt);
            if let Some(images) = &mut request.prompt.images {
                (images.payload, images.encoded) = (encoded, true);
            }
        }
    }

    /// The reason why a request is rejected, if it is: a tier that holds its sequence has a context window or a KV cache
    /// too small for the whole prompt and its answer.
    fn rejection(&self, id: SlotId) -> Option<Shortfall> {
        let Self { world, tiers, .. } = self;
        let (spec, workload) = (world.spec, &world.spec.workload);
        let state = world.state.borrow();
        let request = &state.ledger.slots.get(id.index).about.request;
        let input = Input::whole(request.prompt);
        let prompts = [&world.edge_prices, &world.cloud_prices].map(|price| price.0.prompt_tokens(&input));
        let held = [tiers.edge, tiers.cloud];
        let windows = [&spec.edge.tier, &spec.cloud.tier].map(|tier| tier.model.context_window);
        let gpus = [0, spec.edge.count as usize].map(|gpu| &state.gpus[gpu]);
        let over = |tier: usize| windows[tier].is_some_and(|most| prompts[tier] + workload.allowed(request) > most);
        let full = |tier: usize| match &gpus[tier].served {
            None => !gpus[tier].kv.could_hold(prompts[tier] + workload.reserved(request)),
            Some(served) => !served.could_hold(prompts[tier] + workload.allowed(request), tier == 1 && tiers.verifies),
        };
        let [edge, cloud] = [0, 1].map(|tier| [held[tier] && over(tier), held[tier] && full(tier)]);
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
        let graded = ending.ok().and_then(|by| grade(state, id, by));
        world.close_on_edge(state, id);
        world.close_on_cloud(state, id);
        let slot = state.ledger.end(id, world.kernel.now(), ending, graded);
        let is_among_first = state.ledger.warm_up.place(id).is_some_and(|place| place < CLOSED_FORMS);
        if ending.is_ok() && is_among_first {
            self.add_closed_forms(state, &slot);
        }
        slot.committed.last.max(slot.about.submit)
    }

    /// Works out the closed forms of a request.
    fn add_closed_forms(&self, state: &mut State<'a, C>, slot: &Slot) {
        let world = self.world;
        let prompt = &slot.about.request.prompt;
        let alone = Alone {
            view: world.view(state, slot.edge),
            input: &slot.about.input,
            output_tokens: slot.about.request.output_tokens,
            preprocess: if prompt.is_text() { SimDuration::ZERO } else { world.spec.edge.preprocess },
            tokens: &world.closed_form_tokens,
            briefing: &self.briefing,
        };
        let whole = world.cloud_prices.0.request_flop(&Input::whole(*prompt), slot.about.request.output_tokens);
        let probe_flop = world.edge_prices.0.probe_flop(prompt).as_f64() / whole.as_f64();
        state.ledger.metrics.closed_forms.record(&self.policy.closed_forms(&alone), probe_flop);
    }
}

/// The score of a request's answer, if the backend can tell.
fn grade<C: Compute>(state: &mut State<'_, C>, id: SlotId, served_by: ServedBy) -> Option<f64> {
    let State { ledger, edge, cloud, .. } = state;
    let held = &ledger.slots.get(id.index).resources;
    match served_by {
        ServedBy::Edge | ServedBy::Both => held.on_edge.as_ref().and_then(|held| edge.grade(held.sequence)),
        ServedBy::Cloud | ServedBy::Published(_) => held.on_cloud.as_ref().and_then(|held| cloud.grade(held.sequence)),
    }
}
