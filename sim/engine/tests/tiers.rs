//! Rejections: a request is rejected by the tiers that hold its sequence under its policy, and by no other.

use crate::common::{Log, Override, cloud_only, edge_only, examples, run_logged, spec};
use engine::{Kind, RunSpec, Shortfall, Side, Status};
use model::engine_kind::EngineKind;
use policies::System;
use units::SimDuration;

/// Requests with text, a picture and sound, some of which go to either tier under any rule.
fn varied(policy: System) -> RunSpec {
    let mut spec = spec(policy, EngineKind::Vllm, 12, 12).clients(6);
    spec.shape().sound = Some(SimDuration::from_secs(5).into());
    spec
}

/// True if a tier held a sequence in a run: a probe or a vision tower alone holds none.
fn holds(log: &Log, side: Side) -> bool {
    log.steps.iter().any(|step| step.side == side && !matches!(step.kind, Kind::Probe | Kind::Encode))
}

/// The requests that were rejected, by reason, and how many were sent.
fn rejected(spec: &RunSpec, reason: Shortfall) -> (u64, u64) {
    let (outcome, log) = run_logged(spec);
    let metrics = &outcome.metrics;
    let rows = log.requests.iter().filter(|row| row.status == Status::Rejected).count() as u64;
    assert_eq!((metrics.rejected, metrics.shortfalls[reason]), (rows, rows));
    (rows, metrics.submitted)
}

#[test]
fn every_policy_is_held_to_the_tiers_that_it_uses_and_to_no_other() {
    for (name, policy) in examples() {
        let log = run_logged(&varied(policy.clone())).1;
        let one_block = |side| {
            let mut spec = varied(policy.clone());
            match side {
                Side::Edge => spec.edges[0].kv_blocks = Some(1),
                Side::Cloud => spec.pools[0].kv_blocks = Some(1),
            }
            spec
        };
        let short_window = |side| {
            let mut spec = varied(policy.clone());
            match side {
                Side::Edge => spec.edges[0].tier.model.context_window = Some(1),
                Side::Cloud => spec.pools[0].tier.model.context_window = Some(1),
            }
            spec
        };
        for (side, memory, context) in [
            (Side::Edge, Shortfall::EdgeMemory, Shortfall::EdgeContext),
            (Side::Cloud, Shortfall::CloudMemory, Shortfall::CloudContext),
        ] {
            for (spec, reason) in [(one_block(side), memory), (short_window(side), context)] {
                let (rejected, all) = rejected(&spec, reason);
                let expected = if holds(&log, side) { all } else { 0 };
                assert_eq!(rejected, expected, "{name}: {reason} of {all}");
            }
        }
    }
}

#[test]
fn a_window_holds_the_prompt_and_the_answer_that_may_be() {
    let alone = |window: u64, most: Option<u32>| {
        let mut spec = spec(cloud_only(), EngineKind::Vllm, 3, 20).text_only(100);
        spec.pools[0].tier.model.context_window = Some(window);
        spec.workload.max_output_tokens = most;
        rejected(&spec, Shortfall::CloudContext).0
    };
    // Without a cap the answer is as long as it comes to; with one, a server takes the client at its word.
    assert_eq!([alone(120, None), alone(119, None)], [0, 3]);
    assert_eq!([alone(150, Some(50)), alone(149, Some(50))], [0, 3]);
}

#[test]
fn a_cap_cuts_and_counts_and_no_default_does() {
    let lengths = |most: Option<u32>| {
        let mut spec = spec(edge_only(), EngineKind::Vllm, 4, 3000).text_only(100);
        spec.workload.max_output_tokens = most;
        let (outcome, log) = run_logged(&spec);
        let lengths: Vec<u32> = log.requests.iter().map(|row| row.request.output_tokens).collect();
        (lengths, outcome.metrics.shortfalls[Shortfall::Cut])
    };
    assert_eq!(lengths(None), (vec![3000; 4], 0));
    assert_eq!(lengths(Some(3000)), (vec![3000; 4], 0));
    assert_eq!(lengths(Some(64)), (vec![64; 4], 4));
}
