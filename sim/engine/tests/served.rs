//! Iterations formed by serving engines, with their own memory, budgets and preemptions.

use crate::common::{Override, cloud_only, edge_only, examples, run_logged, spec, try_run};
use engine::{Kind, RunSpec, Scheduling, Side};
use kernel::Journal;
use model::engine_kind::EngineKind;

/// The same run under an engine's own scheduler, with the constants that it has.
fn under(mut spec: RunSpec, engine: EngineKind) -> RunSpec {
    let scheduling = Scheduling::of(engine);
    assert_ne!(scheduling, Scheduling::Ideal);
    spec.edge.limits = scheduling.limits(&spec.edge.tier.device, None, 64, None);
    spec.cloud.limits = scheduling.limits(&spec.cloud.tier.device, None, 64, None);
    (spec.edge.scheduling, spec.cloud.scheduling) = (scheduling.clone(), scheduling);
    spec
}

/// Engines with a scheduler of their own.
fn engines() -> impl Iterator<Item = EngineKind> {
    EngineKind::ALL.into_iter().filter(|engine| !EngineKind::IDEAL.contains(engine))
}

#[test]
fn a_request_that_is_alone_is_served_as_under_the_idealised_engine() {
    for (name, policy) in examples() {
        let spec = spec(policy, EngineKind::Vllm, 6, 20);
        let ideal = run_logged(&spec).1.e2e_ns();
        assert_eq!(run_logged(&under(spec, EngineKind::Vllm019Sync)).1.e2e_ns(), ideal, "{name}");
    }
}

#[test]
fn every_engine_serves_every_policy() {
    for engine in engines() {
        for (name, policy) in examples() {
            let spec = under(spec(policy, EngineKind::Vllm, 12, 20).clients(6), engine);
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
            let mut spec = under(spec(policy, EngineKind::Vllm, 16, 60).clients(8), engine);
            (spec.edge.kv_blocks, spec.cloud.kv_blocks) = (Some(4 * 36), Some(4 * 36));
            let ran = try_run(&spec, Journal::digest_only());
            let (outcome, _) = ran.unwrap_or_else(|broken| panic!("{engine:?} {name}: {broken}"));
            assert_eq!((outcome.metrics.completed, outcome.metrics.rejected), (16, 0), "{engine:?} {name}");
        }
    }
}

#[test]
fn prompts_share_a_budget_with_answers() {
    for (policy, side) in [(edge_only(), Side::Edge), (cloud_only(), Side::Cloud)] {
        let spec = under(spec(policy, EngineKind::Vllm, 12, 20).text_only(300).clients(12), EngineKind::Vllm019Sync);
        let (_, log) = run_logged(&spec);
        let steps = log.iterations(side);
        let prompts =
            |items: &Vec<_>| items.iter().filter(|step: &&engine::StepRecord| step.kind == Kind::Prefill).count();
        assert!(steps.values().map(prompts).max() > Some(1), "several prompts in one step");
        assert!(steps.values().all(|items| items.iter().map(|step| step.tokens).sum::<u32>() <= 2048));
    }
}
