//! Iterations formed by serving engines, with their own memory, budgets and preemptions.

use crate::common::{Override, blocking, cloud_only, edge_only, examples, pipelined, run_logged, spec, try_run};
use engine::{Kind, Lane, Phase, Remote, Scheduling, Side, StepRecord};
use kernel::Journal;
use model::engine_kind::EngineKind;
use policies::System;
use proptest::prelude::*;
use proptest::sample::select;
use units::SimDuration;

/// Engines with a scheduler of their own.
fn engines() -> impl Iterator<Item = EngineKind> {
    EngineKind::ALL.into_iter().filter(|engine| !EngineKind::IDEAL.contains(engine))
}

#[test]
fn a_request_that_is_alone_is_served_as_under_the_idealised_engine() {
    for (name, policy) in examples() {
        let served = spec(policy, EngineKind::Vllm019Sync, 6, 20);
        let mut ideal = served.clone();
        (ideal.edges[0].scheduling, ideal.pools[0].scheduling) = (Scheduling::Ideal, Scheduling::Ideal);
        assert_eq!(run_logged(&served).1.e2e_ns(), run_logged(&ideal).1.e2e_ns(), "{name}");
    }
}

#[test]
fn every_engine_serves_every_policy() {
    for engine in engines() {
        for (name, policy) in examples() {
            let spec = spec(policy, engine, 12, 20).clients(6);
            let (outcome, _) = run_logged(&spec);
            assert_eq!((outcome.metrics.completed, outcome.metrics.rejected), (12, 0), "{engine:?} {name}");
        }
    }
}

/// A policy that drafts, and requests of a few tokens, under steps of any size.
fn small_steps() -> impl Strategy<Value = (EngineKind, System, Remote, u32, u32, u32, bool)> {
    let drafts = prop_oneof![
        (1u32..16).prop_map(blocking),
        (1u32..12, 2u32..5).prop_map(|(length, window)| pipelined(length, window)),
        select(examples().into_iter().map(|(_, policy)| policy).collect::<Vec<_>>()),
    ];
    let remote = prop_oneof![Just(Remote::Held), Just(Remote::Prefix)];
    (select(engines().collect::<Vec<_>>()), drafts, remote, 1u32..64, 1u32..6, 1u32..20, any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// However small a step is, every request is served, and no step has more tokens than it may.
    #[test]
    fn steps_may_be_small((engine, policy, remote, tokens, clients, output, scarce) in small_steps()) {
        let mut spec = spec(policy, engine, 6, output).text_only(9).clients(clients);
        spec.pools[0].remote = remote;
        (spec.edges[0].limits.chunk_tokens, spec.pools[0].limits.chunk_tokens) = (tokens.into(), tokens.into());
        if scarce {
            // Room for two requests and a little more; slots are an equal part each.
            let blocks = if engine == EngineKind::Llamacpp { 4 * 8 } else { 14 };
            (spec.edges[0].kv_blocks, spec.pools[0].kv_blocks) = (Some(blocks), Some(blocks));
        }
        let (Scheduling::Observed(edge), Scheduling::Observed(cloud)) = (&spec.edges[0].scheduling, &spec.pools[0].scheduling)
        else {
            unreachable!("engines of their own")
        };
        let cuts_prompts = edge.defaults.chunked_prompts && cloud.defaults.chunked_prompts;
        let (outcome, log) = run_logged(&spec);
        let metrics = outcome.metrics;
        prop_assert_eq!(metrics.completed + metrics.rejected, 6);
        if cuts_prompts {
            prop_assert_eq!(metrics.rejected, 0);
            let of_step = |items: &Vec<StepRecord>| items.iter().map(|item| item.tokens).sum::<u32>();
            prop_assert!(log.iterations(Side::Cloud).values().all(|items| of_step(items) <= tokens));
        }
    }
}

/// An engine that never pauses a request sets its longest answer aside, of 1,024 tokens here. It takes none where its cache,
/// of blocks of 32 tokens, is smaller than that and a prompt of 9.
#[test]
fn a_cache_without_room_for_the_longest_answer_takes_no_request() {
    for (blocks, completed) in [(65, 0), (66, 3)] {
        let mut spec = spec(cloud_only(), EngineKind::Trtllm, 3, 4).text_only(9);
        spec.pools[0].kv_blocks = Some(blocks);
        let (outcome, _) = run_logged(&spec);
        assert_eq!(
            (outcome.metrics.completed, outcome.metrics.rejected),
            (completed, 3 - completed),
            "{blocks} blocks"
        );
    }
}

/// Prompts of 423 tokens and answers of 60: 31 blocks a request. The sixth has no room while five run, and what is
/// preempted is computed again.
#[test]
fn under_pressure_requests_are_preempted_and_computed_again() {
    for engine in engines() {
        for (name, policy) in examples() {
            let mut spec = spec(policy, engine, 16, 60).clients(8);
            (spec.edges[0].kv_blocks, spec.pools[0].kv_blocks) = (Some(4 * 36), Some(4 * 36));
            let ran = try_run(&spec, Journal::digest_only());
            let (outcome, _) = ran.unwrap_or_else(|broken| panic!("{engine:?} {name}: {broken}"));
            assert_eq!((outcome.metrics.completed, outcome.metrics.rejected), (16, 0), "{engine:?} {name}");
        }
    }
}

#[test]
fn prompts_share_a_budget_with_answers() {
    for (policy, side) in [(edge_only(), Side::Edge), (cloud_only(), Side::Cloud)] {
        let spec = spec(policy, EngineKind::Vllm019Sync, 12, 20).text_only(300).clients(12);
        let (_, log) = run_logged(&spec);
        let steps = log.iterations(side);
        let prompts =
            |items: &Vec<_>| items.iter().filter(|step: &&engine::StepRecord| step.kind == Kind::Prefill).count();
        assert!(steps.values().map(prompts).max() > Some(1), "several prompts in one step");
        assert!(steps.values().all(|items| items.iter().map(|step| step.tokens).sum::<u32>() <= 2048));
    }
}

/// A step of two tokens has room for the drafts of two requests: a token that follows the request's own takes one.
#[test]
fn a_draft_takes_one_token_of_a_step() {
    let mut spec = spec(blocking(4), EngineKind::Vllm019Sync, 6, 20).text_only(9).clients(2);
    spec.edges[0].limits.chunk_tokens = 2;
    let (_, log) = run_logged(&spec);
    let drafts = |items: &&Vec<StepRecord>| items.iter().filter(|step| step.kind == Kind::Draft).count() == 2;
    let both = log.iterations(Side::Edge).values().filter(drafts).count();
    assert!(both > 10, "{both}");
}

/// A batch as a request of its own finds all full blocks of its prompt and answer, and computes the rest again.
#[test]
fn batches_may_be_requests_of_their_own() {
    for (name, policy) in
        examples().into_iter().filter(|(_, policy)| policy.uses().drafts && policy.drafter().is_none())
    {
        let held = spec(policy, EngineKind::Vllm019Sync, 12, 40).clients(3);
        let mut anew = held.clone();
        anew.pools[0].remote = Remote::Prefix;
        let [held, anew] = [held, anew].map(|spec| run_logged(&spec).0.metrics);
        assert_eq!((anew.completed, anew.output_tokens), (held.completed, held.output_tokens), "{name}");
        if anew.rounds > anew.completed {
            assert_eq!(held.memory.cached, 0, "{name}: nobody else's prompts are shared");
            let missed = anew.memory.looked_up - anew.memory.cached;
            assert!(anew.memory.cached > 0 && missed > held.memory.looked_up, "{name}: {:?}", anew.memory);
        }
    }
}

/// Two requests of 300 tokens and answers of 120, which are 27 blocks each, where there are 44: the second loses its blocks to
/// the first, and waits for its end.
#[test]
fn a_preemption_is_told() {
    let mut spec = spec(cloud_only(), EngineKind::Vllm019Sync, 2, 120).text_only(300).clients(2);
    spec.pools[0].kv_blocks = Some(44);
    let (outcome, log) = run_logged(&spec);
    let memory = outcome.metrics.memory;
    assert_eq!((memory.preemptions, outcome.metrics.completed), (1, 2));
    let row = log.requests.iter().find(|row| row.memory.preemptions == 1).expect("one was preempted");
    // What it found of its own blocks it did not compute again.
    assert!(row.memory.recomputed > 0 && memory.recomputed == u64::from(row.memory.recomputed), "{memory:?}");
    let preempted: Vec<_> = log.spans.iter().filter(|span| span.phase == Phase::Preempted).collect();
    let [span] = preempted[..] else { panic!("{preempted:?}") };
    assert_eq!((span.request, span.lane), (row.request.prompt.request, Lane::CloudGpu));
    assert!(span.duration > SimDuration::ZERO);
}
