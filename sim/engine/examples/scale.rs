//! The speed of the full model: N edges of one client each, a cloud that keeps up with them, one shared link, all
//! metrics on. `scale POLICY DEVICES REQUESTS TOKENS` with a policy out of `pipelined`, `blocking`, `msao`,
//! `cloud_only` and `edge_only`, and TOKENS the length of an answer, or `short` for those of the paper's benchmarks.
//!
//! `scale POLICY DEVICES REQUESTS TOKENS THREADS` has edges that meet in the cloud alone: each has a link of its own, and requests come in an
//! open loop. They are simulated apart on so many threads, or whole on 0.
//!
//! Prints one line of JSON. Events a second say nothing of a model that needs fewer of them: quote requests a second, and
//! nanoseconds for each token that was drafted or answered. `check` depends on every event, and is equal for all queues. Built
//! with `--features binary-queue`, the same model runs on the standard library's heap, as a reference.

use engine::{Arrivals, Content, NoRecorder, RunSpec, SharedBy, simulate};
use kernel::{Journal, RateProfile};
use model::dataset::{Law, Named};
use policies::{CloudOnly, DraftDuringVerify, EdgeOnly, Msao, Speculative, System};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use units::{BitsPerSecond, Bytes, PerSecond};

const USAGE: &str = "scale pipelined|blocking|msao|cloud_only|edge_only DEVICES REQUESTS TOKENS|short [THREADS]";

/// Edges that share a GPU of the cloud, and edges that share 10 Gbps.
const EDGES_PER_GPU: u32 = 16;
const EDGES_PER_10_GBPS: u32 = 100;

fn main() {
    let arguments = arguments();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [policy, devices, requests, tokens, ref threads @ ..] = words[..] else { panic!("usage: {USAGE}") };
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("`{text}` is not a number; usage: {USAGE}"));
    let answer = match tokens {
        "short" => Law::Drawn(Named::Geometric { mean: 1.6, plus: Some(1) }),
        tokens => Law::Constant(number(tokens)),
    };
    let mut spec = spec(policy_named(policy), number(devices), number(requests).into(), answer);
    if let [threads] = threads {
        meet_in_the_cloud(&mut spec, number(threads));
    }

    let before = cpu_seconds();
    let outcome = simulate(&spec, Journal::digest_only(), &mut NoRecorder, &AtomicU64::new(0))
        .unwrap_or_else(|error| panic!("{error}"));
    let seconds = cpu_seconds() - before;

    let queue = if cfg!(feature = "binary-queue") { "binary" } else { "lanes" };
    let (events, answered, made) = (outcome.events, outcome.metrics.completed, outcome.metrics.output_tokens);
    let drafted = outcome.metrics.drafted;
    let per_second = |count: u64| (count as f64 / seconds).round();
    println!(
        r#"{{"policy":"{policy}","queue":"{queue}","devices":{devices},"requests":{answered},"tokens":{made},"drafted":{drafted},"events":{events},"check":"{:016x}","cpu_seconds":{seconds:.3},"ns_per_event":{:.1},"ns_per_token":{:.1},"requests_per_s":{},"peak_rss_mb":{:.1}}}"#,
        outcome.journal.digest(),
        seconds * 1e9 / events as f64,
        seconds * 1e9 / drafted.max(made) as f64,
        per_second(answered),
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
fn spec(policy: System, devices: u32, requests: u64, answer: Law<u32>) -> RunSpec {
    let links = u64::from(devices.div_ceil(EDGES_PER_10_GBPS));
    let rate = RateProfile::constant(BitsPerSecond::from_mbps(10_000 * links));
    let mut spec = RunSpec::example(policy);
    spec.edges[0].count = devices;
    spec.pools[0].gpus = devices.div_ceil(EDGES_PER_GPU);
    spec.link.hops[0].ways_mut().into_iter().for_each(|way| way.rate = rate.clone().into());
    spec.link.header = Bytes::new(52);
    spec.workload.requests = requests;
    let Content::Shape(shape) = &mut spec.workload.content else { unreachable!("the example has a shape") };
    let shape = Arc::make_mut(shape);
    (shape.text_tokens, shape.output_tokens) = (Law::Drawn(Named::Uniform { from: 5, to: 40 }), answer);
    spec
}

/// Gives each edge a link of its own and about a request under way, and lets it be simulated apart on so many threads; whole on 0.
fn meet_in_the_cloud(spec: &mut RunSpec, threads: u32) {
    spec.link.hops[0].shared_by = SharedBy::Edge;
    let rate = RateProfile::constant(BitsPerSecond::from_mbps(400));
    spec.link.hops[0].ways_mut().into_iter().for_each(|way| way.rate = rate.clone().into());
    spec.workload.arrivals = Arrivals::Poisson { rate: PerSecond::new(f64::from(spec.edge_count())) };
    (spec.threads, spec.least_edges_apart) = (threads.max(1), if threads > 0 { 1 } else { u32::MAX });
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
