//! Sums over requests, and the shares of iterations that each request is charged for, by hand.

use crate::common::{Override, blocking, cloud_only, edge_only, run, run_logged, spec};
use engine::{RequestRecord, Side};
use model::engine_kind::EngineKind;
use policies::{System, TokenDropping};

/// Four clients of one edge, whose answers are batched.
fn batched(policy: System) -> engine::RunSpec {
    spec(policy, EngineKind::Vllm, 8, 30).clients(4)
}

/// A batch draws the power of its activity once, however many requests share it.
#[test]
fn requests_share_the_energy_of_their_iterations() {
    for policy in [cloud_only(), edge_only(), blocking(4)] {
        let (outcome, log) = run_logged(&batched(policy));
        let largest = log.steps.iter().map(|step| step.batch).max();
        assert_eq!(largest, Some(4), "the requests of the four clients run in one iteration");
        let sum = |of: fn(&RequestRecord) -> f64| log.requests.iter().map(of).sum::<f64>();
        let work = outcome.edge.work_joules + outcome.cloud.work_joules;
        assert!((sum(|row| row.joules) / work - 1.0).abs() < 1e-9, "{} J of {work} J", sum(|row| row.joules));
    }
}

/// The steps of a request, each by its items, are its busy time to the nanosecond.
#[test]
fn a_request_is_busy_for_its_share_of_each_step() {
    let (outcome, log) = run_logged(&batched(blocking(4)));
    for row in &log.requests {
        let of = |side| {
            let steps =
                log.steps.iter().filter(move |step| (step.side, step.request) == (side, row.request.prompt.request));
            steps.map(|step| step.duration.as_ns() / u64::from(step.batch)).sum::<u64>()
        };
        assert_eq!([row.edge_busy, row.cloud_busy].map(|busy| busy.as_ns()), [of(Side::Edge), of(Side::Cloud)]);
    }
    let shares: u64 = log.requests.iter().map(|row| row.cloud_busy.as_ns()).sum();
    let undivided = outcome.cloud.busy.as_ns() - u128::from(shares);
    assert!(
        undivided < 4 * u128::from(outcome.cloud.iterations),
        "{undivided} ns in {} iterations",
        outcome.cloud.iterations
    );
}

#[test]
fn answers_are_by_the_cloud_if_its_model_wrote_or_verified_them() {
    let dropping = System::TokenDropping(TokenDropping::default());
    for (policy, by_cloud) in [(cloud_only(), 8), (blocking(4), 8), (dropping, 8), (edge_only(), 0)] {
        assert_eq!(run(&batched(policy.clone())).metrics.by_cloud, by_cloud, "{policy:?}");
    }
}

#[test]
fn closed_forms_are_of_the_first_256_requests() {
    for (requests, worked_out) in [(1, 1), (255, 255), (256, 256), (300, 256)] {
        let metrics = run(&spec(cloud_only(), EngineKind::Vllm, requests, 2)).metrics;
        assert_eq!((metrics.completed, metrics.closed_forms.requests), (requests, worked_out));
        // Pictures of one size: what a form says of one request it says, but for the bytes, of all.
        let mean = metrics.closed_forms.renewal.seconds / worked_out as f64;
        assert!((mean / (metrics.e2e.sum_ns() as f64 / 1e9 / requests as f64) - 1.0).abs() < 1e-3, "{mean} s");
    }
}
