//! Runs for the tests: the paper's platform, everything overridable.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use backends::Tier;
use engine::{
    Answer, Arrivals, CloudSpec, Content, EdgeSpec, LinkSpec, Nobody, Outcome, RunSpec, Shape, Sharing, Workload,
    simulate,
};
use kernel::{Journal, RateProfile};
use model::{
    accuracy::{Accuracy, PruningLoss},
    device::Device,
    engine_kind::EngineKind,
    mas::DescriptorLaw,
    memory::BatchLimits,
    model_spec::ModelSpec,
    tokens::TokenProcess,
};
use policies::System;
use std::sync::atomic::AtomicU64;
use units::{BitsPerSecond, Bytes, Ratio, SimDuration};

pub fn tier(device: &str, model: &str, engine: EngineKind) -> Tier {
    let model = ModelSpec::named(model).expect("a known model").clone();
    Tier {
        device: Device::named(device).expect("a known device").clone(),
        engine: engine.profile(&model),
        model,
        split: None,
        probe_blocks: 2,
    }
}

/// The paper's platform at 400 Mbps, one client, 640 x 480 pictures, answers of `output` tokens.
pub fn spec(policy: System, engine: EngineKind, requests: u64, output: u32) -> RunSpec {
    let rate = RateProfile::constant(BitsPerSecond::from_mbps(400));
    RunSpec {
        seed: 1,
        replication: 0,
        edge: EdgeSpec {
            tier: tier("rtx-3090", "qwen2-vl-2b", engine),
            count: 1,
            cpu_workers: 1,
            preprocess: SimDuration::from_ms(12),
            limits: BatchLimits::default(),
        },
        cloud: CloudSpec {
            tier: tier("a100-40-sxm", "qwen2.5-vl-7b", engine),
            gpus: 1,
            limits: BatchLimits::default(),
        },
        link: LinkSpec {
            up: rate.clone(),
            down: rate,
            sharing: Sharing::Fifo,
            rtt: SimDuration::from_ms(20),
            header: Bytes::new(0),
            packet: Bytes::new(1448),
            jitter: SimDuration::ZERO,
            loss: Ratio::ZERO,
        },
        workload: Workload {
            content: Content::Shape(Shape {
                sizes: vec![(640, 480, 1.0)],
                text_tokens: (30, 30),
                answer: Answer::Fixed(output),
            }),
            arrivals: Arrivals::ClosedLoop { clients: 1, think: SimDuration::ZERO },
            requests,
            max_output_tokens: 1024,
        },
        tokens: TokenProcess::default(),
        accuracy: Accuracy { cloud: Ratio::new(0.77), edge: Ratio::new(0.62) },
        pruning: PruningLoss::default(),
        descriptors: DescriptorLaw::default(),
        policy,
    }
}

pub fn run(spec: &RunSpec) -> Outcome {
    simulate(spec, Journal::digest_only(), &mut Nobody, &AtomicU64::new(0)).expect("a sound run")
}
