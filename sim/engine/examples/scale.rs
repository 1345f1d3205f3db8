//! The speed of the full model: N edges of one client each, a cloud that keeps up with them, one shared link, all
//! metrics on. `scale POLICY DEVICES REQUESTS TOKENS` with a policy out of `pipelined`, `blocking`, `msao`,
//! `cloud_only` and `edge_only`, and TOKENS the length of an answer, or `short` for those of the paper's benchmarks.
//!
//! Prints one line of JSON. Events a second alone mean little, since a model can be made of more events than it needs;
//! requests and tokens a second stand beside them. `check` depends on every event, and is equal for all queues. Built
//! with `--features binary-queue`, the same model runs on the standard library's heap, as a reference.

use backends::Tier;
use engine::{
    Answer, Arrivals, CloudSpec, Content, EdgeSpec, LinkSpec, NoRecorder, RunSpec, Shape, Sharing, Workload, simulate,
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
use policies::{CloudOnly, DraftDuringVerify, EdgeOnly, Msao, Speculative, System};
use std::sync::atomic::AtomicU64;
use units::{BitsPerSecond, Bytes, Ratio, SimDuration};

const USAGE: &str = "scale pipelined|blocking|msao|cloud_only|edge_only DEVICES REQUESTS TOKENS|short";

/// Edges that share a GPU of the cloud, and edges that share 10 Gbps.
const EDGES_PER_GPU: u32 = 16;
const EDGES_PER_10_GBPS: u32 = 100;

fn main() {
    let arguments = arguments();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [policy, devices, requests, tokens] = words[..] else { panic!("usage: {USAGE}") };
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("`{text}` is not a number; usage: {USAGE}"));
    let answer = match tokens {
        "short" => Answer::OnePlusGeometric(1.6),
        tokens => Answer::Fixed(number(tokens)),
    };
    let spec = spec(policy_named(policy), number(devices), number(requests).into(), answer);

    let before = cpu_seconds();
    let outcome = simulate(&spec, Journal::digest_only(), &mut NoRecorder, &AtomicU64::new(0))
        .unwrap_or_else(|error| panic!("{error}"));
    let seconds = cpu_seconds() - before;

    let queue = if cfg!(feature = "binary-queue") { "binary" } else { "lanes" };
    let (events, answered, made) = (outcome.events, outcome.metrics.completed, outcome.metrics.output_tokens);
    let per_second = |count: u64| (count as f64 / seconds).round();
    println!(
        r#"{{"policy":"{policy}","queue":"{queue}","devices":{devices},"requests":{answered},"tokens":{made},"events":{events},"check":"{:016x}","cpu_seconds":{seconds:.3},"ns_per_event":{:.1},"events_per_s":{},"requests_per_s":{},"output_tokens_per_s":{},"peak_rss_mb":{:.1}}}"#,
        outcome.journal.digest(),
        seconds * 1e9 / events as f64,
        per_second(events),
        per_second(answered),
        per_second(made),
        peak_rss_mb(),
    );
}

fn policy_named(name: &str) -> System {
    let speculative =
        |draft_during_verify| System::Speculative(Speculative { draft_during_verify, ..Speculative::default() });
    match name {
        "pipelined" => speculative(DraftDuringVerify::Pipelined(3)),
        "blocking" => speculative(DraftDuringVerify::Blocking),
        "msao" => System::Msao(Msao::default()),
        "cloud_only" => System::CloudOnly(CloudOnly::default()),
        "edge_only" => System::EdgeOnly(EdgeOnly::default()),
        _ => panic!("no policy `{name}`; usage: {USAGE}"),
    }
}

/// The paper's devices and models, as many as it takes.
fn spec(policy: System, devices: u32, requests: u64, answer: Answer) -> RunSpec {
    let links = u64::from(devices.div_ceil(EDGES_PER_10_GBPS));
    let rate = RateProfile::constant(BitsPerSecond::from_mbps(10_000 * links));
    RunSpec {
        seed: 1,
        replication: 0,
        edge: EdgeSpec {
            tier: tier("rtx-3090", "qwen2-vl-2b"),
            count: devices,
            cpu_workers: 1,
            preprocess: SimDuration::from_ms(12),
            kv_blocks: None,
            limits: BatchLimits::default(),
        },
        cloud: CloudSpec {
            tier: tier("a100-40-sxm", "qwen2.5-vl-7b"),
            gpus: devices.div_ceil(EDGES_PER_GPU),
            kv_blocks: None,
            limits: BatchLimits::default(),
        },
        link: LinkSpec {
            up: rate.clone(),
            down: rate,
            sharing: Sharing::Fifo,
            rtt: SimDuration::from_ms(20),
            rtt_per_modality: false,
            header: Bytes::new(52),
            packet: Bytes::new(1448),
            jitter: SimDuration::ZERO,
            loss: Ratio::ZERO,
        },
        workload: Workload {
            content: Content::Shape(Shape {
                sizes: vec![(640, 480, 1.0)],
                frames: None,
                audio: None,
                text_tokens: (5, 40),
                answer,
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
    }
}

fn tier(device: &str, model: &str) -> Tier {
    let model = ModelSpec::named(model).expect("a known model").clone();
    Tier {
        device: Device::named(device).expect("a known device").clone(),
        engine: EngineKind::Vllm.profile(&model),
        model,
        part: None,
        probe_blocks: 2,
        encoder: None,
        receives: false,
        profile: None,
    }
}

#[expect(clippy::disallowed_methods, reason = "a command, not a simulation")]
fn arguments() -> Vec<String> {
    std::env::args().skip(1).collect()
}

/// CPU time of this thread, from Linux; 0 elsewhere. CPU time, because the machine may be shared.
fn cpu_seconds() -> f64 {
    // Giving way brings the kernel's account up to date, which it otherwise is every few milliseconds.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ns: u64 = text.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
    ns as f64 * 1e-9
}

/// The most memory that the process has had, from Linux; 0 elsewhere.
fn peak_rss_mb() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let kb: u64 = line.split_whitespace().next().and_then(|kb| kb.parse().ok()).unwrap_or(0);
    kb as f64 / 1024.0
}
