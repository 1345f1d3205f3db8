//! A run to start from, in examples and tests.

use crate::routing::{Learners, Routing};
use crate::scheduling::{Remote, Scheduling};
use crate::spec::{CloudSpec, EdgeSpec, HopSpec, LinkSpec, RunSpec, SharedBy, Transport};
use crate::workload::{Arrivals, Content, WarmUp, Workload};
use backends::Tier;
use kernel::RateProfile;
use model::{
    accuracy::{Accuracy, PruningLoss},
    dataset::Shape,
    engine_kind::EngineKind,
    latency::LatencyLimits,
    mas::DescriptorLaw,
    memory::BatchLimits,
    model_spec::ModelSpec,
    published::Benchmark,
    request::PayloadFormat,
    tokens::TokenProcess,
};
use policies::{Drafter, Split, System};
use std::sync::Arc;
use units::{BitsPerSecond, Bytes, Ratio, SimDuration};

impl RunSpec {
    /// The platform of the MSAO paper: Qwen2-VL-2B on an RTX 3090, Qwen2.5-VL-7B on an A100 behind 400 Mbps and 20 ms. One
    /// client asks 8 questions about pictures of 640 x 480, and gets answers of 20 tokens.
    pub fn example(policy: System) -> Self {
        let mut wan = HopSpec::new(SharedBy::All, RateProfile::constant(BitsPerSecond::from_mbps(400)));
        wan.ways_mut().into_iter().for_each(|way| way.rtt = SimDuration::from_ms(20).into());
        let [edge, cloud] = tiers(&policy);
        Self {
            seed: 1,
            replication: 0,
            edges: vec![EdgeSpec {
                name: "edge".into(),
                has_gpu: true,
                only_sends: false,
                arrivals: None,
                share: None,
                pool: 0,
                tier: edge,
                hops: vec![0],
                count: 1,
                cpu_workers: 1,
                preprocess: SimDuration::from_ms(12),
                kv_blocks: None,
                limits: BatchLimits::default(),
                scheduling: Scheduling::Ideal,
            }],
            pools: vec![CloudSpec {
                name: "cloud".into(),
                tier: cloud,
                gpus: 1,
                kv_blocks: None,
                limits: BatchLimits::default(),
                scheduling: Scheduling::Ideal,
                remote: Remote::default(),
                rtt: SimDuration::ZERO,
            }],
            routing: Routing::default(),
            learners: Learners::default(),
            link: LinkSpec {
                hops: vec![wan],
                transport: Transport::Ideal,
                rtt_per_modality: false,
                header: Bytes::new(0),
                packet: Bytes::new(1448),
                jitter: SimDuration::ZERO,
            },
            workload: workload(),
            tokens: TokenProcess::default(),
            accuracy: vec![vec![Accuracy { cloud: Ratio::new(0.77), edge: Ratio::new(0.62) }.into()]],
            pruning: PruningLoss::default(),
            deadline: None,
            slo: LatencyLimits::default(),
            critical_tokens: 32,
            benchmark: Benchmark::Vqav2,
            descriptors: DescriptorLaw::default(),
            probed: Arc::default(),
            policy,
            single_steps: false,
            threads: 1,
            least_edges_apart: Self::LEAST_EDGES_APART,
        }
    }
}

/// The edge's tier, which may have to run the vision tower of the cloud's model, and the cloud's; each with its part, where
/// the policy splits the cloud's model.
fn tiers(policy: &System) -> [Tier; 2] {
    let tier = |device, model| Tier::named(device, model, EngineKind::Vllm).expect("a built-in device and model");
    let (mut edge, mut cloud) = (tier("rtx-3090", "qwen2-vl-2b"), tier("a100-40-sxm", "qwen2.5-vl-7b"));
    (edge.encoder, cloud.receives) = (cloud.model.vision.clone(), true);
    if let Some(Split { layers_on_edge, shortcut, .. }) = policy.split() {
        let engine = cloud.engine;
        edge.split(&mut cloud, layers_on_edge.into(), shortcut, engine);
    }
    if let Some(Drafter { on_edge, model, .. }) = policy.drafter() {
        let named = |name| ModelSpec::named(name).expect("a built-in model").clone();
        let drafter = Some(Box::new(model.map_or_else(|| edge.model.clone(), named)));
        if on_edge { edge.drafter = drafter } else { cloud.drafter = drafter }
    }
    [edge, cloud]
}

fn workload() -> Workload {
    Workload {
        content: Content::Shape(Shape::text(30, 20).with_size(640, 480).into()),
        own: [].into(),
        classes: [].into(),
        arrivals: Arrivals::ClosedLoop { clients: 1, think: SimDuration::ZERO },
        requests: 8,
        max_output_tokens: None,
        payload: PayloadFormat::default(),
        system_prompt: 0,
        questions_per_picture: 1,
        sessions: None,
        warm_up: WarmUp::default(),
        timeout: None,
        fall_back: false,
        fall_back_after: None,
    }
}
