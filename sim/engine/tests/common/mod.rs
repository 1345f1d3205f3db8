//! Runs for the tests: the paper's platform, everything overridable.

pub mod oracle;
pub mod rows;
pub mod strategies;

use backends::Tier;
use engine::{
    Arrivals, CloudSpec, Content, EdgeSpec, HopSpec, Outcome, Recorder, RequestRecord, RunError, RunSpec, Scheduling,
    Side, SpanRecord, StepRecord, TokenRecord, simulate,
};
use kernel::{Journal, RateProfile};
use model::dataset::{Law, Named, Pixels, Shape, Size, Spread};
use model::{device::Device, engine_kind::EngineKind, tokens::TokenProcess};
use policies::{
    CloudOnly, DraftDuringVerify, EdgeOnly, MindFusion, Msao, PerLlm, PlanSettings, Reading, Semantics, Solver,
    Speculative, System,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use units::{BitsPerSecond, Ratio, SimDuration};

/// Engines that read a prompt in several steps; in these tests of 1,024 tokens each. `hf` reads it whole, as the others do.
pub const CUT_PROMPTS: [EngineKind; 8] = [
    EngineKind::Hf,
    EngineKind::Vllm,
    EngineKind::Graph,
    EngineKind::Vllm019,
    EngineKind::Vllm019Sync,
    EngineKind::Vllm033,
    EngineKind::Sglang,
    EngineKind::Llamacpp,
];

/// Fails unless a page, by its path from the root, has a row word for word.
pub fn stands_in(page: &str, row: &str) {
    let path = format!("{}/../../{page}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the page");
    assert!(text.lines().any(|line| line == row), "{page} does not have the row of now:\n{row}");
}

pub fn tier(device: &str, model: &str, engine: EngineKind) -> Tier {
    Tier::named(device, model, engine).expect("a known device and model")
}

/// The paper's platform under an engine, one client, 640 x 480 pictures, answers of `output` tokens.
pub fn spec(policy: System, engine: EngineKind, requests: u64, output: u32) -> RunSpec {
    let mut spec = RunSpec::example(policy);
    for tier in [&mut spec.edges[0].tier, &mut spec.pools[0].tier] {
        tier.engine = engine.profile(&tier.model, &tier.device);
    }
    let scheduling = Scheduling::of(engine);
    let tokens = CUT_PROMPTS.contains(&engine).then_some(1024);
    spec.edges[0].limits = scheduling.limits(&spec.edges[0].tier.device, None, 64, tokens);
    spec.pools[0].limits = scheduling.limits(&spec.pools[0].tier.device, None, 64, tokens);
    (spec.edges[0].scheduling, spec.pools[0].scheduling) = (scheduling.clone(), scheduling);
    spec.workload.requests = requests;
    spec.shape().output_tokens = output.into();
    spec
}

/// The same run under an engine's own scheduler, with the constants that it has.
pub fn under(mut spec: RunSpec, engine: EngineKind) -> RunSpec {
    let scheduling = Scheduling::of(engine);
    assert_ne!(scheduling, Scheduling::Ideal);
    spec.edges[0].limits = scheduling.limits(&spec.edges[0].tier.device, None, 64, None);
    spec.pools[0].limits = scheduling.limits(&spec.pools[0].tier.device, None, 64, None);
    (spec.edges[0].scheduling, spec.pools[0].scheduling) = (scheduling.clone(), scheduling);
    spec
}

/// The run in a fleet: a second group of two edges on another device, and a second pool that is faster and farther away.
pub fn fleet(mut spec: RunSpec) -> RunSpec {
    let on = |mut tier: Tier, device: &str| {
        tier.device = Device::named(device).expect("a known device").clone();
        tier
    };
    let (edge, pool) = (&spec.edges[0], &spec.pools[0]);
    let (small, fast) = (on(edge.tier.clone(), "rtx-4090"), on(pool.tier.clone(), "h100-sxm"));
    let edge = EdgeSpec { name: "small".into(), count: 2, tier: small, pool: 1, ..edge.clone() };
    let rtt = SimDuration::from_ms(7);
    let pool = CloudSpec { name: "fast".into(), gpus: 2, tier: fast, rtt, ..pool.clone() };
    spec.edges.push(edge);
    spec.pools.push(pool);
    spec.accuracy = vec![vec![spec.accuracy[0][0]; 2]; 2];
    spec
}

/// A hop with the same in both directions.
pub trait Alike {
    fn set_rate(&mut self, rate: RateProfile);
    fn set_rtt(&mut self, rtt: SimDuration);
    fn set_loss(&mut self, loss: f64);
    fn rtt(&self) -> SimDuration;
}

impl Alike for HopSpec {
    fn set_rate(&mut self, rate: RateProfile) {
        (self.up.rate, self.down.rate) = (rate.clone().into(), rate.into());
    }

    fn set_rtt(&mut self, rtt: SimDuration) {
        self.ways_mut().into_iter().for_each(|way| way.rtt = rtt.into());
    }

    fn set_loss(&mut self, loss: f64) {
        self.ways_mut().into_iter().for_each(|way| way.loss = Ratio::new(loss).into());
    }

    fn rtt(&self) -> SimDuration {
        self.up.rtt.constant().expect("a constant round trip")
    }
}

/// Puts a hop in front of the link's, for all groups.
pub fn in_front(spec: &mut RunSpec, hop: HopSpec) {
    spec.link.hops.insert(0, hop);
    spec.edges.iter_mut().for_each(|group| group.hops = (0..spec.link.hops.len() as u32).collect());
}

pub fn mbps(rate: u64) -> RateProfile {
    RateProfile::constant(BitsPerSecond::from_mbps(rate))
}

pub fn cloud_only() -> System {
    System::CloudOnly(CloudOnly::default())
}

pub fn edge_only() -> System {
    System::EdgeOnly(EdgeOnly::default())
}

pub fn ucb_route() -> System {
    System::PerLlm(PerLlm::default())
}

pub fn layer_split(layers: u32) -> System {
    System::PerLlm(PerLlm { reading: Reading::LayerSplit(layers) })
}

pub fn blocking(n_draft: u32) -> System {
    System::Speculative(Speculative { n_draft, ..Speculative::default() })
}

pub fn pipelined(n_draft: u32, window: u32) -> System {
    let draft_during_verify = DraftDuringVerify::Pipelined(window);
    System::Speculative(Speculative { n_draft, draft_during_verify, ..Speculative::default() })
}

pub fn msao() -> System {
    System::Msao(Msao::default())
}

/// MSAO that probes and keeps everything: what is left of it is the gate.
pub fn unpruned() -> Msao {
    let plan = PlanSettings { coarse_solver: Solver::None, ..PlanSettings::default() };
    Msao { plan, ..Msao::default() }
}

pub fn msao_of(semantics: Semantics) -> System {
    System::Msao(Msao { semantics, ..unpruned() })
}

pub fn mindfusion(layers_on_device: u32, representation_compression: bool, decoding_shortcut: bool) -> System {
    let default = MindFusion::default();
    System::MindFusion(MindFusion { layers_on_device, representation_compression, decoding_shortcut, ..default })
}

/// The examples of every policy on the list, by name.
pub fn examples() -> Vec<(String, System)> {
    System::examples()
}

/// Answers of one token and a geometric number of tokens of this mean.
pub fn one_plus_geometric(mean: f64) -> Law<u32> {
    Spread::Drawn(Named::Geometric { mean, plus: Some(1) })
}

/// Pictures of these sizes, equally often, if there are any.
pub fn sizes(sizes: &[(u32, u32)]) -> Option<Size> {
    let listed = sizes.iter().map(|&(width, height)| (Pixels { width, height }, 1.0)).collect::<Vec<_>>();
    (!listed.is_empty()).then_some(Spread::Weighted(listed))
}

/// Fields that tests override most.
pub trait Override: Sized {
    fn shape(&mut self) -> &mut Shape;
    /// Prompts of text alone, all of one length: nothing about them is random.
    fn text_only(self, tokens: u32) -> Self;
    fn clients(self, clients: u32) -> Self;
    fn iid(self, acceptance: f64) -> Self;
    /// Answers of random length, of this mean.
    fn geometric(self, mean: f64) -> Self;
}

impl Override for RunSpec {
    fn shape(&mut self) -> &mut Shape {
        let Content::Shape(shape) = &mut self.workload.content else { panic!("a workload with a shape") };
        Arc::make_mut(shape)
    }

    fn text_only(mut self, tokens: u32) -> Self {
        let shape = self.shape();
        (shape.size, shape.text_tokens) = (None, tokens.into());
        self
    }

    fn clients(mut self, clients: u32) -> Self {
        self.workload.arrivals = Arrivals::ClosedLoop { clients, think: SimDuration::ZERO };
        self
    }

    fn iid(mut self, acceptance: f64) -> Self {
        self.tokens = TokenProcess::Iid(Ratio::new(acceptance));
        self
    }

    fn geometric(mut self, mean: f64) -> Self {
        self.shape().output_tokens = one_plus_geometric(mean);
        self
    }
}

/// All rows of a run.
#[derive(Default)]
pub struct Log {
    pub requests: Vec<RequestRecord>,
    pub steps: Vec<StepRecord>,
    pub tokens: Vec<TokenRecord>,
    pub spans: Vec<SpanRecord>,
}

impl Recorder for Log {
    fn wants_steps(&self) -> bool {
        true
    }
    fn wants_tokens(&self) -> bool {
        true
    }
    fn wants_spans(&self, _: u64) -> bool {
        true
    }
    fn request(&mut self, row: &RequestRecord) {
        self.requests.push(row.clone());
    }
    fn step(&mut self, row: &StepRecord) {
        self.steps.push(*row);
    }
    fn token(&mut self, row: &TokenRecord) {
        self.tokens.push(*row);
    }
    fn span(&mut self, row: &SpanRecord) {
        self.spans.push(*row);
    }
}

impl Log {
    /// Iterations of one side, by GPU and start.
    pub fn iterations(&self, side: Side) -> BTreeMap<(u32, u64), Vec<StepRecord>> {
        let mut iterations: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for step in self.steps.iter().filter(|step| step.side == side) {
            iterations.entry((step.gpu, step.start.as_ns())).or_default().push(*step);
        }
        iterations
    }

    /// End-to-end latencies in ns by number of the request; the request must have been answered.
    pub fn e2e_ns(&self) -> BTreeMap<u64, u64> {
        let e2e = |row: &RequestRecord| row.moments.expect("an answered request").e2e().as_ns();
        self.requests.iter().map(|row| (row.request.prompt.request, e2e(row))).collect()
    }
}

/// Everything that came of a run but its events, to the bit.
pub fn sums(outcome: &Outcome) -> String {
    let Outcome { metrics, warm_up, since, window, makespan, edge, cloud, up, down, .. } = outcome;
    let tiers = [edge, cloud].map(|of| {
        let bits = [of.flop.as_f64(), of.work_joules, of.idle_joules].map(f64::to_bits);
        format!("{} {} {:?} {bits:x?} {:?}", of.gpus, of.iterations, of.busy, of.memory)
    });
    format!("{warm_up} {since:?} {window:?} {makespan} {tiers:?} {up:?} {down:?} {metrics:?}")
}

pub fn try_run(spec: &RunSpec, journal: Journal) -> Result<(Outcome, Log), RunError> {
    let mut log = Log::default();
    let outcome = simulate(spec, journal, &mut log, &AtomicU64::new(0))?;
    Ok((outcome, log))
}

pub fn run_logged(spec: &RunSpec) -> (Outcome, Log) {
    try_run(spec, Journal::digest_only()).unwrap_or_else(|error| panic!("{error}"))
}

pub fn run(spec: &RunSpec) -> Outcome {
    run_logged(spec).0
}
