//! One run, from the first request to the last token.

use crate::bed::Bed;
use crate::calibration::calibration;
use crate::event::Event;
use crate::invariants::{self, Violation};
use crate::link::Traffic;
use crate::metrics::Metrics;
use crate::players::{Players, streams};
use crate::prices::Price;
use crate::recorder::{Recorder, RequestRecord, Status};
use crate::slot::{Slot, SlotId};
use crate::spec::RunSpec;
use crate::state::State;
use crate::workload::Arrivals;
use crate::world::World;
use backends::{Compute, Coverage, Part, Pricing};
use kernel::{Host, Journal, Kernel, Spawner, Stream, Target};
use model::{
    accuracy::AccuracyModel,
    kv::{DoesNotFit, KvPool},
    latency::Moments,
    memory::{BatchLimits, Footprint},
    request::{Input, PayloadFormat, Request},
};
use policies::{Alone, Briefing, Policy, Prices, ServedBy, Twin, Visitor};
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};
use units::{Bytes, Flops, SimDuration, SimTime};

/// What came of a run.
pub struct Outcome {
    /// Sums and quantiles over the requests.
    pub metrics: Metrics,
    /// Events that happened.
    pub events: u64,
    /// From the first request to the end of the last.
    pub makespan: SimDuration,
    /// What the edges and the cloud did.
    pub edge: TierOutcome,
    /// What the cloud did.
    pub cloud: TierOutcome,
    /// Bytes from edge to cloud.
    pub up: Traffic,
    /// Bytes from cloud to edge.
    pub down: Traffic,
    /// Digest of the events, and how they compare with an earlier run's.
    pub journal: Journal,
}

/// What the GPUs of a tier did.
#[derive(Clone, Copy, Debug)]
pub struct TierOutcome {
    /// GPUs.
    pub gpus: u32,
    /// Iterations.
    pub iterations: u64,
    /// Time in iterations, over all GPUs.
    pub busy: SimDuration,
    /// Arithmetic.
    pub flop: Flops,
    /// Energy above idle, joules.
    pub work_joules: f64,
    /// Idle power over the whole run, joules.
    pub idle_joules: f64,
    /// Iterations against what was measured, where measured laws price them.
    pub coverage: Option<Coverage>,
    /// Peak memory of one GPU: weights, activations and the most KV cache that was used at once.
    pub memory: Bytes,
}

/// Why a run was not completed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A model does not fit its device.
    #[error(transparent)]
    DoesNotFit(#[from] DoesNotFit),
    /// The program is wrong.
    #[error("{violation} (seed {seed}, replication {replication}, after event {event})")]
    Broken {
        /// What does not hold.
        violation: Violation,
        /// Seed of the run.
        seed: u64,
        /// Replication of the run.
        replication: u32,
        /// Events until then.
        event: u64,
    },
}

/// Simulates one run. `progress` is raised by one for each request that ends.
///
/// # Errors
/// If a model does not fit its device, or an invariant is broken.
pub fn simulate(
    spec: &RunSpec,
    journal: Journal,
    recorder: &mut dyn Recorder,
    progress: &AtomicU64,
) -> Result<Outcome, RunError> {
    play(spec, Players::modelled(spec), journal, recorder, progress)
}

/// Runs a spec on models of any kind: what they say their work took is what it takes. `progress` is raised by one for each
/// request that ends.
///
/// # Errors
/// As [`simulate`].
pub fn play<C: Compute>(
    spec: &RunSpec,
    players: Players<C>,
    journal: Journal,
    recorder: &mut dyn Recorder,
    progress: &AtomicU64,
) -> Result<Outcome, RunError> {
    spec.policy.visit(Play { spec, players, journal, recorder, progress })
}

struct Play<'s, C> {
    spec: &'s RunSpec,
    players: Players<C>,
    journal: Journal,
    recorder: &'s mut dyn Recorder,
    progress: &'s AtomicU64,
}

impl<C: Compute> Visitor for Play<'_, C> {
    type Output = Result<Outcome, RunError>;

    fn visit<P: Policy>(self, policy: &P) -> Self::Output {
        let Self { spec, players: Players { edge, cloud, calibration: measured }, journal, recorder, progress } = self;
        let streams = streams(spec);
        let known = |samples, seed| measured.clone().unwrap_or_else(|| calibration(&spec.tokens, samples, seed));
        let pools = pools(spec)?;
        let kernel = Kernel::with_journal(journal);
        let world = World {
            kernel: &kernel,
            spec,
            streams,
            edge_prices: price(&spec.edge.tier),
            cloud_prices: price(&spec.cloud.tier),
            accuracy: AccuracyModel::new(spec.accuracy, spec.pruning),
            twin_tokens: known(TWIN_TOKENS, spec.seed ^ 1),
            state: RefCell::new(State::new(spec, streams, pools, [edge, cloud], recorder)),
        };
        let run = Run {
            world: &world,
            policy,
            memory: P::Memory::default(),
            briefing: Briefing {
                calibration: known(policy.calibration_samples(), spec.seed),
                pruning: spec.pruning,
                benchmark: spec.benchmark,
            },
            next: Cell::new(0),
            arrivals: RefCell::new(streams.stream("arrivals", 0)),
            progress,
        };
        let waiting = kernel.run(&run, |spawner| run.start(spawner));
        let checked = invariants::check(&world.state.borrow(), kernel.now(), waiting);
        checked.map_err(|violation| RunError::Broken {
            violation,
            seed: spec.seed,
            replication: spec.replication,
            event: kernel.events(),
        })?;
        Ok(outcome(&world))
    }
}

fn price(tier: &backends::Tier) -> Price {
    Price(Pricing::new(tier))
}

/// Tokens that the closed forms know the token process by.
const TWIN_TOKENS: u32 = 10_000;

/// Requests whose closed forms are worked out.
const TWINS: u64 = 256;

/// The KV pools of an edge and of a cloud GPU.
///
/// # Errors
/// If a model does not fit its device.
pub fn pools(spec: &RunSpec) -> Result<[KvPool; 2], DoesNotFit> {
    Ok([edge_pool(spec)?, cloud_pool(spec)?])
}

/// KV pool of an edge; refused if the model does not fit.
pub fn edge_pool(spec: &RunSpec) -> Result<KvPool, DoesNotFit> {
    pool(&spec.edge.tier, spec.edge.limits, spec.edge.kv_blocks)
}

/// KV pool of one of the cloud's GPUs; refused if the model does not fit.
pub fn cloud_pool(spec: &RunSpec) -> Result<KvPool, DoesNotFit> {
    pool(&spec.cloud.tier, spec.cloud.limits, spec.cloud.kv_blocks)
}

fn pool(tier: &backends::Tier, limits: BatchLimits, stated: Option<u64>) -> Result<KvPool, DoesNotFit> {
    let model = &tier.model;
    let (what, layers) = match &tier.part {
        Some(part) => (format!("{} layers of {}", part.layers, model.name).into(), part.layers),
        None => (model.name.clone(), model.layers),
    };
    let resident = footprint(tier, limits, Bytes::ZERO).total();
    let pool = KvPool::with_resident(&tier.device, &what, resident, model.kv_bytes_per_token_of(layers), stated)?;
    Ok(pool.for_sequences(limits.sequences))
}

/// What fills a tier's memory, with that much KV cache: of a split model, its part.
fn footprint(tier: &backends::Tier, limits: BatchLimits, kv: Bytes) -> Footprint {
    let whole = Footprint::paged(&tier.model, limits, kv);
    let weights = match tier.part {
        None => whole.weights,
        Some(Part { upper: false, layers, .. }) => tier.model.prefix_weight_bytes(layers),
        Some(Part { layers, .. }) => tier.model.suffix_weight_bytes(tier.model.layers - layers),
    };
    Footprint { weights, ..whole }
}

/// A run under way.
struct Run<'r, C, P: Policy> {
    world: &'r World<'r, C>,
    policy: &'r P,
    memory: P::Memory,
    briefing: Briefing,
    /// Number of the next request.
    next: Cell<u64>,
    arrivals: RefCell<Stream>,
    progress: &'r AtomicU64,
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
            Arrivals::Poisson { .. } | Arrivals::Trace { .. } => self.schedule_arrival(),
        }
    }

    /// Takes the number of the next request, if there is one.
    fn take_number(&self) -> Option<u64> {
        let number = self.next.get();
        (number < self.world.spec.workload.len()).then(|| {
            self.next.set(number + 1);
            number
        })
    }

    /// A client of a closed loop.
    #[expect(clippy::manual_async_fn, reason = "an `async fn` keeps its arguments twice, and there are many clients")]
    fn client(&'a self, edge: u32, client: u32, think: SimDuration) -> impl Future<Output = ()> + 'a {
        async move {
            while let Some(number) = self.take_number() {
                self.serve(self.admit(number, edge, client)).await;
                if think > SimDuration::ZERO {
                    self.world.kernel.sleep(think).await;
                }
            }
        }
    }

    fn schedule_arrival(&self) {
        let number = self.next.get();
        if number < self.world.spec.workload.len() {
            let now = self.world.kernel.now();
            let at = self.world.spec.workload.arrival(&mut self.arrivals.borrow_mut(), number, now);
            self.world.schedule_arrival(at.max(now));
        }
    }

    /// A request of an open loop arrives.
    fn arrive(&'a self, spawner: &mut Spawner<'a>) {
        let number = self.take_number().expect("an arrival was scheduled for a request");
        let edge = self.world.spec.workload.edge(self.world.streams, number, self.world.spec.edge.count);
        spawner.spawn(self.serve(self.admit(number, edge, 0)));
        self.schedule_arrival();
    }

    /// Takes a request in.
    fn admit(&self, number: u64, edge: u32, client: u32) -> Bed<'a, C> {
        let request = self.request(number);
        let world = self.world;
        let state = &mut *world.state.borrow_mut();
        let now = world.kernel.now();
        state.metrics.submit(now);
        let id = state.insert(Slot::new(request, edge, client, now));
        if state.recorder.wants_spans(number) {
            state.watch.begin(id, number, edge);
        }
        Bed { world, id }
    }

    /// Serves a request that has been taken in.
    #[expect(clippy::manual_async_fn, reason = "an `async fn` keeps its arguments twice")]
    fn serve(&'a self, bed: Bed<'a, C>) -> impl Future<Output = ()> + 'a {
        async move {
            let fits = self.fits(bed.id);
            let served_by = if fits { Some(self.policy.serve(&bed, &self.briefing, &self.memory).await) } else { None };
            self.end(bed.id, served_by);
            self.progress.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Request number `number`, with its pictures as they are sent.
    fn request(&self, number: u64) -> Request {
        let world = self.world;
        let mut request = world.spec.workload.request(world.streams, number);
        if world.spec.workload.payload == PayloadFormat::VisionTokens {
            let encoded = world.cloud_prices.encoded_bytes(&request.prompt);
            if let Some(images) = &mut request.prompt.images {
                (images.payload, images.encoded) = (encoded, true);
            }
        }
        request
    }

    /// Whether the prompt and the longest answer fit into the KV cache of both tiers. Asked of every policy alike, so
    /// that all serve the same requests.
    fn fits(&self, id: SlotId) -> bool {
        let world = self.world;
        let state = world.state.borrow();
        let input = Input::whole(state.slots.get(id.index).about.request.prompt);
        let edges = world.spec.edge.count as usize;
        let tiers = [(&world.edge_prices, 0), (&world.cloud_prices, edges)];
        tiers.into_iter().all(|(price, gpu)| {
            let tokens = price.0.prompt_tokens(&input) + u64::from(world.spec.workload.max_output_tokens);
            state.gpus[gpu].kv.could_hold(tokens)
        })
    }

    /// A request has ended: its memory is given back and its row is written.
    fn end(&self, id: SlotId, served_by: Option<ServedBy>) {
        let world = self.world;
        let state = &mut *world.state.borrow_mut();
        let graded = served_by.and_then(|by| grade(state, id, by));
        world.close_on_edge(state, id);
        world.close_on_cloud(state, id);
        let slot = state.slots.remove(id.index);
        let record = self.record(&slot, served_by, graded);
        let by_cloud = matches!(served_by, Some(ServedBy::Cloud | ServedBy::Published(_)));
        state.metrics.end(world.kernel.now(), &record, by_cloud);
        if record.moments.is_some() && slot.about.request.prompt.request < TWINS {
            self.add_twin(state, &slot);
        }
        if state.watch.is_on() {
            world.watch_end(state, slot.generation, &record);
        }
        state.recorder.request(&record);
    }

    /// Works out what closed forms say of a request.
    fn add_twin(&self, state: &mut State<'a, C>, slot: &Slot) {
        let world = self.world;
        let prompt = &slot.about.request.prompt;
        let alone = Alone {
            view: world.view(state, slot.edge),
            input: &slot.about.input,
            output_tokens: slot.about.request.output_tokens,
            preprocess: if prompt.is_text() { SimDuration::ZERO } else { world.spec.edge.preprocess },
            tokens: &world.twin_tokens,
            briefing: &self.briefing,
        };
        let Twin { eq14_s, renewal_s } = self.policy.twin(&alone);
        let whole = world.cloud_prices.0.request_flop(&Input::whole(*prompt), slot.about.request.output_tokens);
        let twin = &mut state.metrics.twin;
        twin.requests += 1;
        twin.eq14_s += eq14_s;
        twin.renewal_s += renewal_s;
        twin.probe_flop += world.edge_prices.0.probe_flop(prompt).as_f64() / whole.as_f64();
    }

    /// How right an answer is: as it was graded, or the probability that it is right.
    fn correct(&self, slot: &Slot, served_by: ServedBy, e2e: SimDuration, graded: Option<f64>) -> f64 {
        let world = self.world;
        if world.spec.deadline.is_some_and(|deadline| e2e > deadline) {
            return 0.0;
        }
        if let Some(graded) = graded {
            return graded;
        }
        let difficulty = world.accuracy.difficulty(world.streams, slot.about.request.prompt.request);
        let right = |by_cloud, input: &Input| world.accuracy.correct(&difficulty, by_cloud, input);
        match served_by {
            ServedBy::Edge => right(false, &slot.about.input),
            ServedBy::Cloud => right(true, &slot.about.input),
            ServedBy::Both => right(!slot.about.diverged, &slot.about.input),
            ServedBy::Published(remaining) => right(true, &Input::whole(slot.about.request.prompt)) * remaining,
        }
    }

    fn record(&self, slot: &Slot, served_by: Option<ServedBy>, graded: Option<f64>) -> RequestRecord {
        let committed = &slot.committed;
        let moments = served_by.map(|_| Moments {
            submit: slot.about.submit,
            first_token: committed.first,
            last_token: committed.last,
            tokens: committed.tokens,
        });
        let correct =
            served_by.zip(moments.as_ref()).map(|(by, moments)| self.correct(slot, by, moments.e2e(), graded));
        // A real model's answer ends where it ends.
        let output_tokens = moments.as_ref().map_or(slot.about.request.output_tokens, |moments| moments.tokens);
        RequestRecord {
            request: Request { output_tokens, ..slot.about.request },
            edge: slot.edge,
            client: slot.about.client,
            status: if served_by.is_some() { Status::Completed } else { Status::Rejected },
            moments,
            submit: slot.about.submit,
            visual_tokens: self.world.cloud_prices.0.visual_tokens(&Input::whole(slot.about.request.prompt)),
            mas: slot.about.mas,
            input: slot.about.input,
            uplink: slot.tally.uplink,
            downlink: slot.tally.downlink,
            rounds: slot.tally.rounds,
            drafted: slot.tally.drafted,
            accepted: slot.tally.accepted,
            edge_flop: slot.tally.edge.flop.as_f64(),
            cloud_flop: slot.tally.cloud.flop.as_f64(),
            edge_busy: slot.tally.edge.busy,
            cloud_busy: slot.tally.cloud.busy,
            joules: slot.tally.edge.joules + slot.tally.cloud.joules,
            correct: correct.unwrap_or(0.0),
            served_by: served_by.unwrap_or(ServedBy::Edge),
        }
    }
}

/// How right the answer of a request is, if whoever gave it can tell.
fn grade<C: Compute>(state: &mut State<'_, C>, id: SlotId, served_by: ServedBy) -> Option<f64> {
    let State { slots, edge, cloud, .. } = state;
    let slot = slots.get(id.index);
    match served_by {
        ServedBy::Edge | ServedBy::Both => slot.on_edge.as_ref().and_then(|held| edge.grade(held.sequence)),
        ServedBy::Cloud | ServedBy::Published(_) => slot.on_cloud.as_ref().and_then(|held| cloud.grade(held.sequence)),
    }
}

fn outcome<C: Compute>(world: &World<'_, C>) -> Outcome {
    let state = &mut *world.state.borrow_mut();
    let makespan = world.kernel.now() - SimTime::ZERO;
    let (edges, cloud) = state.gpus.split_at(world.spec.edge.count as usize);
    let edge_model = (&world.spec.edge.tier, world.spec.edge.limits);
    let cloud_model = (&world.spec.cloud.tier, world.spec.cloud.limits);
    Outcome {
        events: world.kernel.events(),
        makespan,
        edge: TierOutcome { coverage: state.edge.coverage(), ..tier_outcome(edges, edge_model, makespan) },
        cloud: TierOutcome { coverage: state.cloud.coverage(), ..tier_outcome(cloud, cloud_model, makespan) },
        up: state.up.traffic,
        down: state.down.traffic,
        metrics: std::mem::take(&mut state.metrics),
        journal: world.kernel.take_journal(),
    }
}

fn tier_outcome(
    gpus: &[crate::gpu::Gpu],
    (tier, limits): (&backends::Tier, model::memory::BatchLimits),
    makespan: SimDuration,
) -> TierOutcome {
    let energy = gpus.iter().map(|gpu| gpu.kind.power.energy(&gpu.busy, makespan));
    let (work, idle) =
        energy.fold((0.0, 0.0), |(work, idle), energy| (work + energy.work.as_f64(), idle + energy.idle.as_f64()));
    let kv = gpus.iter().map(|gpu| gpu.kv.peak_bytes()).max().unwrap_or_default();
    TierOutcome {
        gpus: gpus.len() as u32,
        iterations: gpus.iter().map(|gpu| gpu.server.batches()).sum(),
        busy: gpus.iter().map(|gpu| gpu.server.busy()).sum(),
        flop: gpus.iter().map(|gpu| gpu.flop).sum(),
        work_joules: work,
        idle_joules: idle,
        coverage: None,
        memory: footprint(tier, limits, kv).total(),
    }
}
