//! The verdict on a value: whether its runs meet the targets, and how surely.

use crate::results::metrics::Sample;
use engine::{Backlog, Durations, Metrics, Outcome};
use reports::{Constraint, Estimate};
use tables::Metric;

/// Per cent of the arrivals by which a backlog grows, in the mean, where more is asked for than is carried; and the end of the
/// interval that makes it sure.
const SATURATED_PCT: f64 = 2.0;
const SURELY_PCT: f64 = 1.0;

/// The fewest runs of which a growing backlog is sure: a queue of few requests wanders by more than an interval of three runs says.
const BACKLOG_RUNS: usize = 12;

/// The least ratio of the requests in flight at the last arrival to those in the middle of the arrivals, where a queue grows for as
/// long as requests come: twice for one that grows evenly, 1.4 times for one that wanders.
const GROWN: f64 = 1.5;

/// The name of what limits a load that is not carried.
const BACKLOG: &str = "backlog";

/// A target: a metric and its bound.
#[derive(Clone, Debug)]
pub struct Target {
    metric: Metric,
    bound: Constraint,
}

impl Target {
    /// Looks up the metric of a bound.
    ///
    /// # Errors
    /// If there is no such metric; the nearest is named.
    pub fn new(bound: Constraint) -> Result<Self, String> {
        Ok(Self { metric: Metric::named(bound.metric())?, bound })
    }

    /// The target as it is written.
    pub fn text(&self) -> String {
        self.bound.to_string()
    }

    /// The metric of a run. A percentile is over all requests that were sent: one without an answer takes for ever.
    pub fn value(&self, outcome: &Outcome, sample: &Sample) -> Option<f64> {
        let metrics = &outcome.metrics;
        let without = metrics.submitted - metrics.completed;
        match latency(metrics, self.metric).filter(|_| without > 0) {
            Some((durations, share)) => {
                let share = share * (durations.count() + without) as f64 / durations.count() as f64;
                Some(if share <= 1.0 { durations.quantile_ms(share)? } else { f64::INFINITY })
            }
            None => sample.metrics[self.metric],
        }
    }
}

/// The latencies of which a metric is a percentile, and the share that it stands for.
fn latency(metrics: &Metrics, metric: Metric) -> Option<(&Durations, f64)> {
    let (latency, percent) = metric.column().split_once("_ms_p")?;
    let durations = match latency {
        "ttft" => &metrics.ttft,
        "tpot" => &metrics.tpot,
        "e2e" => &metrics.e2e,
        _ => return None,
    };
    Some((durations, percent.parse::<f64>().ok()? / 100.0))
}

/// A run as it is judged.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The run's row.
    pub sample: Sample,
    /// The value of each target.
    pub values: Vec<f64>,
    /// The requests in flight; none of arrivals that do not go on by themselves.
    pub backlog: Option<Backlog>,
}

/// The verdict on a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// True if every target is met, in the mean.
    pub met: bool,
    /// True if the intervals say so too.
    pub sure: bool,
    /// The target that is missed by most, or the one that is missed surely; empty where all are met.
    pub limited_by: String,
}

impl Verdict {
    /// Judges the runs of a value.
    pub fn of(targets: &[Target], runs: &[Judged]) -> Self {
        let each = targets.iter().enumerate().map(|(place, target)| {
            let values: Vec<f64> = runs.iter().map(|run| run.values[place]).collect();
            (target.text(), held(&target.bound, &values))
        });
        let mut verdicts: Vec<(String, (bool, bool))> = each.collect();
        verdicts.extend(carried(runs).map(|carried| (BACKLOG.to_owned(), carried)));
        let missed = |sure: bool| verdicts.iter().find(|(_, (met, known))| !met && (*known || !sure));
        match missed(true).or_else(|| missed(false)) {
            Some((name, (_, sure))) => Self { met: false, sure: *sure, limited_by: name.clone() },
            None => Self { met: true, sure: verdicts.iter().all(|(_, (_, sure))| *sure), limited_by: String::new() },
        }
    }
}

/// True if a target is met in the mean; and true if the whole interval of the mean says the same.
fn held(bound: &Constraint, values: &[f64]) -> (bool, bool) {
    let estimate = Estimate::of(values);
    let met = bound.holds(estimate.mean);
    if values.iter().any(|value| value.is_infinite()) {
        return (met, true);
    }
    let same = estimate.interval().into_iter().all(|end| bound.holds(end) == met);
    (met, same && estimate.ci95.is_some())
}

/// True if as much is carried as comes, and if that is sure; none of arrivals that do not go on by themselves. The latencies are what
/// a load that is carried is judged by, so a backlog that does not grow in the mean is sure enough.
fn carried(runs: &[Judged]) -> Option<(bool, bool)> {
    let backlogs = runs.iter().map(|run| run.backlog).collect::<Option<Vec<Backlog>>>()?;
    let growth = runs.iter().map(|run| run.sample.metrics[Metric::Backlog]).collect::<Option<Vec<f64>>>()?;
    let sum = |of: fn(&Backlog) -> u64| backlogs.iter().map(of).sum::<u64>() as f64;
    let estimate = Estimate::of(&growth);
    let grows = estimate.mean > SATURATED_PCT && sum(|one| one.last) >= GROWN * sum(|one| one.first);
    Some((!grows, !grows || (runs.len() >= BACKLOG_RUNS && estimate.interval()[0] > SURELY_PCT)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tables::{MetricValues, Shortfalls};

    fn target(text: &str) -> Target {
        Target::new(text.parse().expect("a bound")).expect("a metric")
    }

    /// Runs with these values of one target, and this growth of the backlog.
    fn runs(values: &[f64], growth: Option<f64>) -> Vec<Judged> {
        let sample = Sample {
            digest: 0,
            events: 0,
            warm_up: 0,
            submitted: 1,
            completed: 1,
            timed_out: 0,
            rejected: 0,
            shortfalls: Shortfalls::default(),
            regret: engine::RegretSums::default(),
            coverage: Default::default(),
            metrics: MetricValues::each(|metric| growth.filter(|_| metric == Metric::Backlog)),
        };
        let backlog = growth.map(|growth| Backlog { arrivals: 1000, first: 10, last: 10 + (10.0 * growth) as u64 });
        values.iter().map(|value| Judged { sample: sample.clone(), values: vec![*value], backlog }).collect()
    }

    fn judged(values: &[f64], growth: Option<f64>) -> (bool, bool, String) {
        let Verdict { met, sure, limited_by } = Verdict::of(&[target("e2e_ms_p99 <= 2 s")], &runs(values, growth));
        (met, sure, limited_by)
    }

    #[test]
    fn a_mean_within_its_bound_is_met_and_surely_so_if_its_interval_is() {
        let missed = |sure| (false, sure, "e2e_ms_p99 <= 2000 ms".to_owned());
        let met = |sure| (true, sure, String::new());
        assert_eq!(judged(&[1900.0, 1901.0, 1902.0], None), met(true));
        assert_eq!(judged(&[1700.0, 1900.0, 2200.0], None), met(false));
        assert_eq!(judged(&[2000.0, 2000.0], None), met(true));
        assert_eq!(judged(&[1900.0, 2300.0, 2100.0], None), missed(false));
        assert_eq!(judged(&[2200.0, 2201.0], None), missed(true));
        assert_eq!(judged(&[1000.0], None), met(false), "one run has no interval");
        assert_eq!(judged(&[1000.0, f64::INFINITY], None), missed(true), "too many had no answer");
    }

    #[test]
    fn a_backlog_that_grows_is_a_load_that_is_not_carried() {
        let many: Vec<f64> = (0..12).map(|run| 100.0 + f64::from(run)).collect();
        assert_eq!(judged(&many, Some(1.9)), (true, true, String::new()));
        assert_eq!(judged(&many, Some(2.1)), (false, true, "backlog".to_owned()));
        let many = runs(&many, Some(2.1));
        let wandering = |run: Judged| Judged { backlog: run.backlog.map(|one| Backlog { first: 21, ..one }), ..run };
        let verdict = Verdict::of(&[target("e2e_ms_p99 <= 2 s")], &many.into_iter().map(wandering).collect::<Vec<_>>());
        assert!(verdict.met, "a queue that is not half as long again wanders");
        assert_eq!(judged(&[100.0], Some(2.1)), (false, false, "backlog".to_owned()), "one run is not enough");
    }

    #[test]
    fn a_metric_that_is_not_there_is_refused_with_the_nearest() {
        let refused = Target::new("e2e_p99 <= 2".parse().expect("a bound")).expect_err("no metric");
        assert!(refused.contains("did you mean"), "{refused}");
    }
}
