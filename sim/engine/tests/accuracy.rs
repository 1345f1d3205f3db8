//! Accuracy of answers: that of the model, less the loss by pruning.

use crate::common::{Log, Override, blocking, cloud_only, edge_only, msao, run_logged, spec};
use engine::{RequestRecord, RunSpec};
use model::{
    accuracy::{PruningLoss, compression_loss},
    engine_kind::EngineKind,
    modality::{Modality, PerModality},
    request::Kept,
};
use policies::{Msao, PlanSettings, System};
use std::collections::BTreeMap;
use units::Ratio;

const REQUESTS: u64 = 3000;

fn short(policy: System) -> RunSpec {
    spec(policy, EngineKind::Graph, REQUESTS, 1)
}

fn correct(log: &Log) -> BTreeMap<u64, f64> {
    log.requests.iter().map(|row| (row.request.prompt.request, row.correct.expect("a known accuracy"))).collect()
}

#[test]
fn whole_inputs_have_the_accuracy_of_their_model() {
    for (policy, accuracy) in [(cloud_only(), 0.77), (edge_only(), 0.62), (blocking(4), 0.77)] {
        let (outcome, log) = run_logged(&short(policy));
        let seen = outcome.metrics.correct / REQUESTS as f64;
        let standard_error = (accuracy * (1.0 - accuracy) / REQUESTS as f64).sqrt();
        assert!((seen - accuracy).abs() < 3.0 * standard_error, "{seen}, expected {accuracy}");
        assert!(log.requests.iter().all(|row| [Some(0.0), Some(1.0)].contains(&row.correct)));
    }
}

#[test]
fn verification_gives_the_cloud_s_answers_and_not_the_edge_s() {
    let [cloud, edge, verified] =
        [cloud_only(), edge_only(), blocking(4)].map(|policy| correct(&run_logged(&short(policy)).1));
    assert_eq!(cloud, verified);
    let better = cloud.iter().filter(|(request, right)| **right > edge[request]).count();
    let worse = cloud.iter().filter(|(request, right)| **right < edge[request]).count();
    // The models err together, but not always: some requests only the small one gets right.
    assert!(better > 5 * worse && worse > 20, "{better} better, {worse} worse");
}

/// Share of the right answers that were lost, by request.
fn losses(whole: &Log, pruned: &Log) -> Vec<f64> {
    let pruned = correct(pruned);
    let right = correct(whole).into_iter().filter(|(_, right)| *right == 1.0);
    right.map(|(request, _)| 1.0 - pruned[&request]).collect()
}

#[test]
fn pruning_loses_no_more_than_the_bound_on_average() {
    let whole = run_logged(&short(cloud_only())).1;
    for pruning in [PruningLoss::QwenVispruner, PruningLoss::LlavaVisionzip, PruningLoss::LlavaFastv] {
        for bound in [0.005, 0.02, 0.05] {
            let policy = Msao {
                plan: PlanSettings { quality_loss_max: Ratio::new(bound), ..PlanSettings::default() },
                ..Msao::default()
            };
            let spec = RunSpec { pruning, ..short(System::Msao(policy)) };
            let losses = losses(&whole, &run_logged(&spec).1);
            let n = losses.len() as f64;
            let mean = losses.iter().sum::<f64>() / n;
            let square = losses.iter().map(|loss| loss * loss).sum::<f64>() / n;
            let standard_error = ((square - mean * mean) / n).sqrt();
            assert!(mean < bound + 3.0 * standard_error, "{pruning:?} {bound}: {mean} +- {standard_error}");
            assert!(mean > 0.5 * bound, "{pruning:?} {bound}: {mean}: the plan uses what it may");
        }
    }
}

/// Share of the visual tokens that a request kept.
fn retention(row: &RequestRecord) -> f64 {
    row.input.kept[Modality::Visual].retention
}

#[test]
fn every_plan_keeps_what_its_mas_protects_and_its_quality() {
    let (_, log) = run_logged(&short(msao()));
    let mut pruned = 0;
    for row in &log.requests {
        let mas = row.mas.expect("MSAO measures it").0[Modality::Visual];
        let Kept { retention, compression } = row.input.kept[Modality::Visual];
        assert!(retention >= 1.0 - mas && retention <= 1.0, "{row:?}");
        assert_eq!(row.input.kept[Modality::Text], Kept::WHOLE);
        let loss = PruningLoss::default().loss(retention) + compression_loss(compression);
        assert!(loss <= 0.02 + 1e-9, "{loss}: {row:?}");
        pruned += u32::from(retention < 1.0);
    }
    assert!(pruned > 1000, "{pruned} of {REQUESTS} pruned");
    let distinct = |value: fn(&RequestRecord) -> f64| {
        let values: std::collections::BTreeSet<u64> = log.requests.iter().map(|row| value(row).to_bits()).collect();
        values.len()
    };
    assert!(distinct(retention) > 5, "requests differ");
    let metrics_sum: f64 = log.requests.iter().map(retention).sum();
    assert!((run_logged(&short(msao())).0.metrics.retention - metrics_sum).abs() < 1e-6);
}

#[test]
fn text_alone_is_not_pruned() {
    let (_, log) = run_logged(&short(msao()).text_only(100));
    assert!(log.requests.iter().all(|row| row.input.kept == PerModality::default()));
}

#[test]
fn an_answer_of_a_model_without_a_known_accuracy_is_not_graded() {
    let unknown_edge = |policy| {
        let mut spec = short(policy);
        spec.accuracy[0][0].edge = None;
        run_logged(&spec)
    };
    for (policy, graded) in [(cloud_only(), REQUESTS), (edge_only(), 0), (blocking(4), REQUESTS)] {
        let (whole, _) = run_logged(&short(policy.clone()));
        let (outcome, log) = unknown_edge(policy);
        assert_eq!((outcome.metrics.completed, outcome.metrics.graded), (REQUESTS, graded));
        assert!(log.requests.iter().all(|row| row.correct.is_some() == (graded > 0)));
        assert_eq!(outcome.journal.digest(), whole.journal.digest(), "what is known of answers changes no run");
    }
}
