//! Runs for the tests: the paper's platform, everything overridable.

pub mod oracle;
pub mod strategies;

use backends::{Part, Tier};
use engine::{
    Answer, Arrivals, CloudSpec, Content, EdgeSpec, LinkSpec, Outcome, Recorder, RequestRecord, RunError, RunSpec,
    Shape, Sharing, Side, SpanRecord, StepRecord, TokenRecord, Workload, simulate,
};
use kernel::{Journal, RateProfile};
use model::{
    accuracy::{Accuracy, PruningLoss},
    device::Device,
    engine_kind::EngineKind,
    mas::DescriptorLaw,
    memory::BatchLimits,
    model_spec::ModelSpec,
    published::Benchmark,
    request::PayloadFormat,
    tokens::TokenProcess,
};
use policies::{
    CloudOnly, CloudPruned, DraftDuringVerify, EdgeOnly, MindFusion, Msao, PerLlm, PlanSettings, Policy, Reading,
    Router, Semantics, Solver, Speculative, Split, System, TokenDropping, Visitor,
};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use units::{BitsPerSecond, Bytes, Ratio, SimDuration};

pub fn tier(device: &str, model: &str, engine: EngineKind) -> Tier {
    let model = ModelSpec::named(model).expect("a known model").clone();
    Tier {
        device: Device::named(device).expect("a known device").clone(),
        engine: engine.profile(&model),
        model,
        part: None,
        probe_blocks: 2,
        encoder: None,
        receives: false,
        profile: None,
    }
}

/// The edge's tier, which may have to run the vision tower of the cloud's model, and the cloud's.
fn tiers(engine: EngineKind) -> [Tier; 2] {
    let (mut edge, mut cloud) = (tier("rtx-3090", "qwen2-vl-2b", engine), tier("a100-40-sxm", "qwen2.5-vl-7b", engine));
    (edge.encoder, cloud.receives) = (cloud.model.vision.clone(), true);
    [edge, cloud]
}

/// The paper's platform at 400 Mbps, one client, 640 x 480 pictures, answers of `output` tokens.
pub fn spec(policy: System, engine: EngineKind, requests: u64, output: u32) -> RunSpec {
    let [edge, cloud] = tiers(engine);
    let mut spec = RunSpec {
        seed: 1,
        replication: 0,
        edge: EdgeSpec {
            tier: edge,
            count: 1,
            cpu_workers: 1,
            preprocess: SimDuration::from_ms(12),
            kv_blocks: None,
            limits: BatchLimits::default(),
        },
        cloud: CloudSpec { tier: cloud, gpus: 1, kv_blocks: None, limits: BatchLimits::default() },
        link: LinkSpec {
            up: mbps(400),
            down: mbps(400),
            sharing: Sharing::Fifo,
            rtt: SimDuration::from_ms(20),
            rtt_per_modality: false,
            header: Bytes::new(0),
            packet: Bytes::new(1448),
            jitter: SimDuration::ZERO,
            loss: Ratio::ZERO,
        },
        workload: Workload {
            content: Content::Shape(Shape {
                sizes: vec![(640, 480, 1.0)],
                frames: None,
                audio: None,
                text_tokens: (30, 30),
                answer: Answer::Fixed(output),
            }),
            arrivals: Arrivals::ClosedLoop { clients: 1, think: SimDuration::ZERO },
            requests,
            max_output_tokens: 1024,
            payload: PayloadFormat::default(),
        },
        tokens: TokenProcess::default(),
        accuracy: Accuracy { cloud: Ratio::new(0.77), edge: Ratio::new(0.62) },
        pruning: PruningLoss::default(),
        deadline: None,
        critical_tokens: 32,
        benchmark: Benchmark::Vqav2,
        descriptors: DescriptorLaw::default(),
        probed: std::sync::Arc::default(),
        policy,
    };
    place_layers(&mut spec);
    spec
}

/// How a policy cuts the cloud's model, if it does.
struct Cut;

impl Visitor for Cut {
    type Output = Option<Split>;
    fn visit<P: Policy>(self, policy: &P) -> Option<Split> {
        policy.split()
    }
}

/// Gives both tiers their part of the cloud's model, where the policy splits its layers.
pub fn place_layers(spec: &mut RunSpec) {
    let Some(Split { layers_on_edge, shortcut, .. }) = spec.policy.visit(Cut) else { return };
    let (model, layers) = (spec.cloud.tier.model.clone(), u64::from(layers_on_edge));
    spec.cloud.tier.part = Some(Part::upper(&model, layers, shortcut));
    let (edge, engine) = (&mut spec.edge.tier, spec.cloud.tier.engine);
    (edge.part, edge.model, edge.engine) = (Some(Part::lower(&model, layers)), model, engine);
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
    System::PerLlm(PerLlm { reading: Reading::LayerSplit(layers), ..PerLlm::default() })
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
    let examples: [(&str, System); 13] = [
        ("cloud_only", cloud_only()),
        ("cloud_pruned", System::CloudPruned(CloudPruned::default())),
        ("edge_only", edge_only()),
        ("ucb_route", ucb_route()),
        ("layer_split", layer_split(8)),
        ("token_dropping", System::TokenDropping(TokenDropping::default())),
        ("mindfusion", mindfusion(8, true, true)),
        ("mindfusion_no_d", mindfusion(8, true, false)),
        ("blocking", blocking(4)),
        ("pipelined", pipelined(4, 3)),
        ("msao", msao()),
        ("route", msao_of(Semantics::Route(Router::JoinShortestQueue))),
        ("trust", msao_of(Semantics::Trust)),
    ];
    examples.map(|(name, policy)| (name.to_owned(), policy)).to_vec()
}

/// What a test overrides most.
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
        shape
    }

    fn text_only(mut self, tokens: u32) -> Self {
        let shape = self.shape();
        (shape.sizes, shape.text_tokens) = (Vec::new(), (tokens, tokens));
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
        self.shape().answer = Answer::OnePlusGeometric(mean);
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
