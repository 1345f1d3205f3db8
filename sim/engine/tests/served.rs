//! Iterations formed by serving engines, with their own memory, budgets and preemptions.

use crate::common::{Override, cloud_only, edge_only, examples, run_logged, spec, try_run};
use engine::{Kind, Lane, Phase, Remote, Scheduling, Side};
use kernel::Journal;
use model::engine_kind::EngineKind;
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

/// A batch as a request of its own finds all full blocks of its prompt and answer, and computes the rest again.
#[test]
fn batches_may_be_requests_of_their_own() {
    for (name, policy) in examples().into_iter().filter(|(_, policy)| policy.uses().drafts) {
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
