//! The figures of a run by class of requests.

use super::latencies::Latencies;
use super::shares::{missed_pct, per};
use engine::{OfClass, Outcome, RunSpec};
use tables::{Metric, MetricValues, Text};

/// The figures of a class in a run.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassSample {
    /// Its name.
    pub name: Text,
    /// Requests that were sent.
    pub submitted: u64,
    /// Requests that were answered.
    pub completed: u64,
    /// The metrics that a class has by itself.
    pub metrics: MetricValues,
}

/// The figures of each class; none where there are no classes.
pub fn of(outcome: &Outcome, spec: &RunSpec) -> Vec<ClassSample> {
    let lasts_s = outcome.window.lasts.as_secs_f64();
    let one = |(class, sums): (&engine::Class, &OfClass)| ClassSample {
        name: (&*class.name).into(),
        submitted: sums.submitted,
        completed: sums.completed,
        metrics: MetricValues::each(|metric| value(metric, sums, lasts_s, !class.slo.is_empty())),
    };
    spec.workload.classes.iter().zip(&outcome.metrics.classes).map(one).collect()
}

/// The value of a metric of a class in a run whose rates count for so long.
fn value(metric: Metric, sums: &OfClass, lasts_s: f64, has_limits: bool) -> Option<f64> {
    let per_second = |count: u64| (lasts_s > 0.0).then(|| count as f64 / lasts_s);
    match metric {
        Metric::RequestRate => per_second(sums.done.answered),
        Metric::Attainment => per(100.0 * sums.met as f64, sums.submitted).filter(|_| has_limits),
        Metric::Goodput => per_second(sums.done.met).filter(|_| has_limits),
        Metric::GoodputTokens => per_second(sums.done.met_tokens).filter(|_| has_limits),
        Metric::DeadlineMisses => missed_pct(sums.deadlines),
        Metric::Accuracy => per(100.0 * sums.correct, sums.completed).filter(|_| sums.graded == sums.completed),
        Metric::OutputTokens => per(sums.output_tokens as f64, sums.completed),
        _ => Latencies::of_class(sums).value(metric),
    }
}
