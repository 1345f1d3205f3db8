//! Items of an iteration, and waits for memory.

use crate::common::oracle::{Idle, prompt_tokens};
use crate::common::{Log, Override, blocking, cloud_only, edge_only, examples, pipelined, run_logged, sizes, spec};
use engine::{Kind, RunSpec, Sharing, Side, Status, StepRecord};
use model::dataset::{Law, Named};
use model::{engine_kind::EngineKind, load::Load, memory::BatchLimits};
use std::collections::{BTreeMap, BTreeSet};
use units::{BitsPerSecond, SimDuration};

/// Requests in the order of their steps, each named once for every stretch of steps.
fn stretches(steps: &[StepRecord]) -> Vec<u64> {
    let mut requests: Vec<u64> = steps.iter().map(|step| step.request).collect();
    requests.dedup();
    requests
}

#[test]
fn hf_answers_one_request_at_a_time() {
    for (policy, side) in [(edge_only(), Side::Edge), (cloud_only(), Side::Cloud)] {
        let (_, log) = run_logged(&spec(policy, EngineKind::Hf, 6, 20).clients(2));
        assert_eq!(stretches(&log.steps), [0, 1, 2, 3, 4, 5]);
        assert!(log.steps.iter().all(|step| step.batch == 1 && step.side == side));
        // Both were sent at once: the second waits for the whole first answer, then has the GPU for itself.
        let e2e = log.e2e_ns();
        assert!(e2e[&1] > e2e[&0] + (e2e[&0] - 12_000_000) * 9 / 10, "{e2e:?}");
    }
}

#[test]
fn an_idealised_engine_reads_the_weights_once_for_all() {
    let (clients, output) = (8, 30u64);
    let spec = spec(edge_only(), EngineKind::Graph, clients, output as u32).text_only(100).clients(clients as u32);
    let (outcome, log) = run_logged(&spec);
    // Iteration i reads prompt i and decodes one token of each answer that is under way.
    let edge = Idle::new(&spec.edges[0].tier);
    let prompt = log.requests[0].request.prompt;
    let load = |iteration: u64| {
        let mut load = Load::NONE;
        for request in 0..clients.min(iteration) {
            let made = iteration - request;
            if made < output {
                load.add(&Load::decode(prompt_tokens(&prompt) + made - 1));
            }
        }
        if iteration < clients {
            load.add(&edge.prompt_loads(&prompt)[0]);
        }
        load
    };
    let iterations = clients + output - 1;
    assert_eq!(outcome.edge.iterations, iterations);
    let busy: u64 = (0..iterations).map(|iteration| edge.ns(&load(iteration))).sum();
    assert_eq!((outcome.edge.busy.as_ns(), outcome.makespan.as_ns()), (u128::from(busy), busy));
}

#[test]
fn an_iteration_has_at_most_64_items_and_one_chunk() {
    let reads_a_prompt = |step: &&StepRecord| matches!(step.kind, Kind::Prefill | Kind::Probe | Kind::Encode);
    for (name, policy) in examples() {
        let mut spec = spec(policy, EngineKind::Graph, 150, 150).clients(120);
        spec.shape().text_tokens = Law::Drawn(Named::Uniform { from: 30, to: 1000 });
        let (_, log) = run_logged(&spec);
        let mut fullest = 0;
        for steps in [Side::Edge, Side::Cloud].into_iter().flat_map(|side| log.iterations(side).into_values()) {
            let prompts: Vec<_> = steps.iter().filter(reads_a_prompt).collect();
            assert!(prompts.len() <= 1 && prompts.iter().all(|step| step.tokens <= 1024), "{name}: {prompts:?}");
            assert!(steps.len() - prompts.len() <= 64, "{name}: {} items", steps.len());
            assert!(steps.iter().all(|step| step.batch as usize == steps.len()), "{name}: {steps:?}");
            let requests: BTreeSet<u64> = steps.iter().map(|step| step.request).collect();
            assert_eq!(requests.len(), steps.len(), "{name}: one item a sequence");
            fullest = fullest.max(steps.len() - prompts.len());
        }
        if name == "edge_only" || name == "cloud_only" {
            assert_eq!(fullest, 64, "{name}: 120 answers at once fill an iteration");
        }
    }
}

#[test]
fn limits_of_the_scenario_are_kept() {
    let limits = BatchLimits { items: 5, chunk_tokens: 100, ..BatchLimits::default() };
    let mut spec = spec(edge_only(), EngineKind::Graph, 30, 30).clients(12);
    spec.edges[0].limits = limits;
    let (_, log) = run_logged(&spec);
    let fullest = log.iterations(Side::Edge).into_values().map(|steps| {
        assert!(steps.iter().all(|step| step.tokens <= 100));
        steps.iter().filter(|step| step.kind == Kind::Decode).count()
    });
    assert_eq!(fullest.max(), Some(5));
}

/// The steps of each request on a side: start of the first and end of the last.
fn spans(log: &Log, side: Side, kinds: &[Kind]) -> BTreeMap<u64, (u64, u64)> {
    let mut spans: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for step in log.steps.iter().filter(|step| step.side == side && kinds.contains(&step.kind)) {
        let (start, end) = (step.start.as_ns(), (step.start + step.duration).as_ns());
        let span = spans.entry(step.request).or_insert((start, end));
        *span = (span.0.min(start), span.1.max(end));
    }
    spans
}

/// The most requests that are between their first and last step on a side at once.
fn most_at_once(log: &Log, side: Side, kinds: &[Kind]) -> usize {
    let spans = spans(log, side, kinds);
    let at = |now: u64| spans.values().filter(|(start, end)| (*start..*end).contains(&now)).count();
    spans.values().map(|(start, _)| at(*start)).max().unwrap_or(0)
}

/// The most KV blocks of a side that are in use at once: those of the prompts, as far as they are read, and of 64 tokens of
/// an answer each. A prompt that is read anew has given back what it held.
fn most_blocks_at_once(log: &Log, side: Side) -> u64 {
    let mut held: Vec<(u64, u64, u64, u64)> = Vec::new();
    for step in log.steps.iter().filter(|step| step.side == side && MODEL_STEPS.contains(&step.kind)) {
        let (start, end) = (step.start.as_ns(), (step.start + step.duration).as_ns());
        let is_read = step.kind == Kind::Prefill;
        // The first token of the answer stands behind the prompt.
        let is_anew = is_read && step.context_tokens <= u64::from(step.tokens) + 1;
        let prompt = if is_read { step.context_tokens } else { 0 };
        match held.iter_mut().rev().find(|(request, ..)| *request == step.request) {
            Some((_, _, until, tokens)) if !is_anew => (*until, *tokens) = (end.max(*until), prompt.max(*tokens)),
            _ => held.push((step.request, start, end, prompt)),
        }
    }
    let at = |now: u64| {
        let there = held.iter().filter(|(_, start, end, _)| (*start..*end).contains(&now));
        there.map(|(.., tokens)| (tokens + 64).div_ceil(16)).sum::<u64>()
    };
    held.iter().map(|(_, start, ..)| at(*start)).max().unwrap_or(0)
}

const MODEL_STEPS: [Kind; 6] =
    [Kind::Prefill, Kind::Decode, Kind::Draft, Kind::Verify, Kind::LowerLayers, Kind::UpperLayers];

#[test]
fn prompts_wait_for_memory_and_nothing_deadlocks() {
    for engine in EngineKind::IDEAL {
        for (name, policy) in examples() {
            let mut spec = spec(policy, engine, 12, 20).clients(6);
            spec.workload.max_output_tokens = Some(64);
            // 423 prompt tokens and 64 of the answer: 31 blocks a request.
            spec.pools[0].kv_blocks = Some(2 * 31);
            spec.edges[0].kv_blocks = Some(2 * 31);
            let (outcome, log) = run_logged(&spec);
            assert_eq!((outcome.metrics.completed, outcome.metrics.rejected), (12, 0), "{engine:?} {name}");
            let used = [Side::Edge, Side::Cloud].map(|side| most_blocks_at_once(&log, side));
            assert!(used.iter().all(|blocks| *blocks <= 2 * 31), "{engine:?} {name}: {used:?} blocks at once");
            // Two requests are there at once, but where one answer keeps the GPU to its end.
            let alone = engine == EngineKind::Hf;
            assert!(alone || used.iter().any(|blocks| *blocks > 31), "{engine:?} {name}: {used:?} blocks at once");
        }
    }
}

#[test]
fn waiting_for_memory_takes_longer_than_having_it() {
    let plenty = spec(edge_only(), EngineKind::Graph, 12, 100).clients(6);
    let mut scarce = plenty.clone();
    scarce.edges[0].kv_blocks = Some(423u64.div_ceil(16) + 1024 / 16);
    let [plenty, scarce] = [&plenty, &scarce].map(run_logged);
    assert_eq!(most_at_once(&scarce.1, Side::Edge, &MODEL_STEPS), 1);
    assert_eq!(most_at_once(&plenty.1, Side::Edge, &MODEL_STEPS), 6);
    assert!(scarce.0.makespan > plenty.0.makespan * 2);
}

#[test]
fn what_can_never_fit_is_turned_away_by_every_policy_of_the_cloud_alike() {
    let mut turned_away = BTreeSet::new();
    for (name, policy) in examples().into_iter().filter(|(_, policy)| policy.uses().cloud) {
        let mut spec = spec(policy, EngineKind::Vllm, 20, 5).clients(3);
        spec.workload.max_output_tokens = Some(64);
        spec.shape().size = sizes(&[(640, 480), (1680, 2240)]);
        // A picture of 4,800 tokens does not fit into 100 blocks of 16.
        spec.pools[0].kv_blocks = Some(100);
        let (outcome, log) = run_logged(&spec);
        let rejected = || log.requests.iter().filter(|row| row.status == Status::Rejected);
        assert_eq!(outcome.metrics.rejected, rejected().count() as u64, "{name}");
        assert_eq!(outcome.metrics.completed + outcome.metrics.rejected, 20, "{name}");
        assert!(outcome.metrics.completed > 0 && outcome.metrics.rejected > 0, "{name}");
        for row in rejected() {
            assert!(row.moments.is_none() && row.correct == Some(0.0) && row.visual_tokens == 4800, "{name}: {row:?}");
            assert_eq!((row.uplink.as_u64(), row.drafted), (0, 0), "{name}");
        }
        turned_away.insert(rejected().map(|row| row.request.prompt.request).collect::<BTreeSet<_>>());
    }
    assert_eq!(turned_away.len(), 1, "the same requests under every policy");
}

/// Three edges draft, a cloud of `hf` has memory for two of the three.
fn two_of_three(requests: u64) -> RunSpec {
    let mut spec = spec(pipelined(4, 3), EngineKind::Hf, requests, 100).text_only(100).iid(0.5);
    // The edges draft a batch in less time than it takes to verify one, so that void batches queue.
    spec.edges[0].tier = crate::common::tier("rtx-3090", "qwen2-vl-2b", EngineKind::Graph);
    spec.edges[0].count = 3;
    spec.pools[0].kv_blocks = Some(2 * 1124u64.div_ceil(16));
    spec
}

#[test]
fn a_prompt_that_waits_for_memory_delays_nobody() {
    let finish = |requests| {
        let log = run_logged(&two_of_three(requests)).1;
        let last = |request| {
            log.requests
                .iter()
                .find(|row| row.request.prompt.request == request)
                .map(|row| row.moments.expect("an answered request").last_token)
        };
        last(0).min(last(1)).expect("two requests")
    };
    let (alone, besides) = (finish(2), finish(3));
    // Until the first of them is done, the third has sent one prompt and a window of batches, 512 bytes in all.
    assert!(besides - alone < SimDuration::from_us(20), "{alone:?} without, {besides:?} with a third");
}

#[test]
fn no_order_of_arrival_locks_two_tiers_against_each_other() {
    // One request fits each tier. The second, with the small picture, overtakes the first on a shared link: it must
    // not take the cloud's memory while the first has the edge's.
    let mut stuck = Vec::new();
    for seed in 0..10 {
        for policy in [blocking(4), pipelined(4, 3), crate::common::msao()] {
            let mut spec = spec(policy, EngineKind::Vllm, 12, 20).clients(2);
            spec.seed = seed;
            spec.link.hops[0].sharing = Sharing::Fair(None);
            spec.link.hops[0].up.rate = crate::common::mbps(10).into();
            spec.shape().size = sizes(&[(224, 224), (1280, 720)]);
            let one = Some((1196u64 + 32 + 1024).div_ceil(16));
            (spec.edges[0].kv_blocks, spec.pools[0].kv_blocks) = (one, one);
            stuck.extend(
                crate::common::try_run(&spec, kernel::Journal::digest_only()).err().map(|error| error.to_string()),
            );
        }
    }
    assert!(stuck.is_empty(), "{} of 30 runs: {}", stuck.len(), stuck[0]);
}

#[test]
fn a_request_goes_to_the_gpu_with_the_fewest() {
    let mut spec = spec(cloud_only(), EngineKind::Vllm, 40, 50).text_only(200).clients(4);
    spec.pools[0].gpus = 4;
    let (_, log) = run_logged(&spec);
    // As many GPUs as clients: nobody ever shares one.
    assert!(log.steps.iter().all(|step| step.batch == 1));
    let served = |log: &Log| -> BTreeMap<u32, BTreeSet<u64>> {
        log.steps.iter().fold(BTreeMap::new(), |mut served: BTreeMap<_, BTreeSet<_>>, step| {
            served.entry(step.gpu).or_default().insert(step.request);
            served
        })
    };
    assert_eq!(served(&log).values().map(BTreeSet::len).collect::<Vec<_>>(), [10, 10, 10, 10]);
    // Eight clients on three GPUs: at no time does one have more than three of them.
    spec.pools[0].gpus = 3;
    let (_, log) = run_logged(&spec.clients(8));
    assert_eq!(served(&log).len(), 3);
    assert_eq!(log.steps.iter().map(|step| step.batch).max(), Some(3));
}

#[test]
fn edges_share_the_link_and_nothing_else() {
    for sharing in [Sharing::Fifo, Sharing::Fair(None), Sharing::Fair(Some(BitsPerSecond::from_mbps(40)))] {
        let with_edges = |policy, edges| {
            let mut spec = spec(policy, EngineKind::Vllm, u64::from(edges), 20).text_only(4000);
            (spec.edges[0].count, spec.pools[0].gpus, spec.link.hops[0].sharing) = (edges, edges, sharing);
            spec.link.hops[0].up.rate = crate::common::mbps(10).into();
            run_logged(&spec).1.e2e_ns()
        };
        // 16 kB at 10 Mbit/s are 12.8 ms of link time for each.
        let [alone, both] = [1, 2].map(|edges| with_edges(cloud_only(), edges));
        let latest = *both.values().max().expect("two requests");
        assert!(latest.abs_diff(alone[&0] + 12_800_000) < 2_000, "{sharing:?}: {alone:?} {both:?}");
        let [alone, both] = [1, 2].map(|edges| with_edges(edge_only(), edges));
        assert!(both.values().all(|ns| *ns == alone[&0]), "{sharing:?}: {alone:?} {both:?}");
    }
}

/// Batch sizes of the steps of a kind while all of `clients` requests have such steps to come.
fn batches_while_all_run(log: &Log, kind: Kind, clients: usize) -> Vec<u32> {
    let steps: Vec<_> = log.steps.iter().filter(|step| step.kind == kind).collect();
    let mut spans: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for step in &steps {
        let start = step.start.as_ns();
        spans.entry(step.request).and_modify(|span| span.1 = start).or_insert((start, start));
    }
    assert_eq!(spans.len(), clients);
    let from = spans.values().map(|span| span.0).max().expect("there are steps");
    let to = spans.values().map(|span| span.1).min().expect("there are steps");
    let all_run = |step: &&&StepRecord| (from..=to).contains(&step.start.as_ns());
    steps.iter().filter(all_run).map(|step| step.batch).collect()
}

#[test]
fn clients_that_are_ready_at_one_instant_share_one_batch() {
    // Without a batch phase the first of four would go alone and the other three together, in turns, for ever.
    for (policy, kind) in [(cloud_only(), Kind::Decode), (edge_only(), Kind::Decode), (pipelined(4, 64), Kind::Draft)] {
        let four = spec(policy, EngineKind::Vllm, 4, 200).text_only(50).iid(1.0).clients(4);
        let (outcome, log) = run_logged(&four);
        let batches = batches_while_all_run(&log, kind, 4);
        assert!(batches.len() > 4 * 150, "{kind}: {} steps", batches.len());
        assert!(batches.iter().all(|batch| *batch == 4), "{kind}: {batches:?}");
        let (alone, _) = run_logged(&four.clients(1));
        let [four, alone] = [outcome, alone].map(|outcome| outcome.metrics.tpot.mean_ms().expect("long answers"));
        assert!(four < 1.1 * alone, "{kind}: {four} ms a token, {alone} ms alone");
    }
}
