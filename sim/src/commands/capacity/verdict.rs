//! The verdict on a value: whether its runs meet the targets, and how surely.

use super::crossing::Crossing;
use crate::results::latencies::Latencies;
use crate::results::metrics::Sample;
use engine::{Backlog, Outcome};
use reports::{Constraint, Estimate};
use std::str::FromStr;
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

/// A target: a metric, of all requests or of a class, and its bound.
#[derive(Clone, Debug)]
pub struct Target {
    /// The class; none of a metric of all requests.
    class: Option<String>,
    metric: Metric,
    bound: Constraint,
}

impl FromStr for Target {
    type Err = String;

    /// Reads `e2e_ms_p99 <= 2 s`, and `chat:e2e_ms_p99 <= 2 s` of a class.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((class, bound)) => Self::of_class(Some(class.trim().to_owned()), bound.trim().parse()?),
            None => Self::of_class(None, text.parse()?),
        }
    }
}

impl Target {
    /// Looks up the metric of a bound on all requests or on a class.
    ///
    /// # Errors
    /// If there is no such metric; the nearest is named.
    pub fn of_class(class: Option<String>, bound: Constraint) -> Result<Self, String> {
        Ok(Self { class, metric: Metric::named(bound.metric())?, bound })
    }

    /// The class that it is for; none for all requests.
    pub fn class(&self) -> Option<&str> {
        self.class.as_deref()
    }

    /// The target as it is written.
    pub fn text(&self) -> String {
        self.class.as_ref().map_or_else(|| self.bound.to_string(), |class| format!("{class}:{}", self.bound))
    }

    /// The metric of a run. A percentile is over all requests that were sent: one without an answer takes for ever.
    pub fn value(&self, outcome: &Outcome, sample: &Sample) -> Option<f64> {
        let metrics = &outcome.metrics;
        let (latencies, own, sent, without) = match &self.class {
            None => {
                let sent = metrics.submitted;
                (Latencies::of_all(metrics), &sample.metrics, sent, sent - metrics.completed)
            }
            Some(name) => {
                let place = sample.classes.iter().position(|class| *class.name == **name)?;
                let (class, sums) = (&sample.classes[place], &metrics.classes[place]);
                (Latencies::of_class(sums), &class.metrics, class.submitted, class.submitted - class.completed)
            }
        };
        let statistic = latencies.statistic(self.metric);
        if self.class.is_some() && statistic.is_some() && sent == 0 {
            // Nobody of the class waited.
            return Some(0.0);
        }
        match statistic.filter(|_| without > 0) {
            Some((durations, Some(share))) => {
                let share = share * (durations.count() + without) as f64 / durations.count() as f64;
                Some(if share <= 1.0 { durations.quantile_ms(share)? } else { f64::INFINITY })
            }
            _ => own[self.metric],
        }
    }
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
    /// Distance of the mean from the bound that is missed by most or met by least, relative to the bound; below 0 if it is missed.
    pub margin: f64,
    /// Standard deviation of that distance from run to run.
    pub spread: f64,
    /// The target that is missed by most, or the one that is missed surely; empty where all are met.
    pub limited_by: String,
}

/// Runs whose interval is believed wherever it lies.
const MANY: u32 = 12;

/// Standard errors from the bound at which that of fewer runs is: of many values that are looked at, some intervals are wrong.
const FAR: f64 = 8.0;

impl Verdict {
    /// True if the verdict of so many runs is sure, and not by their luck.
    pub fn is_settled(&self, runs: u32) -> bool {
        let error = self.spread / f64::from(runs).sqrt();
        self.sure && (runs >= MANY || self.margin.abs() >= FAR * error)
    }

    /// Judges the runs of a value.
    pub fn of(targets: &[Target], runs: &[Judged]) -> Self {
        let each = targets.iter().enumerate().map(|(place, target)| {
            let values: Vec<f64> = runs.iter().map(|run| run.values[place]).collect();
            (target.text(), held(&target.bound, &values))
        });
        let mut verdicts: Vec<(String, Held)> = each.collect();
        verdicts.extend(carried(runs).map(|carried| (BACKLOG.to_owned(), carried)));
        let missed = |sure: bool| verdicts.iter().find(|(_, held)| !held.met && (held.sure || !sure));
        let least = verdicts.iter().map(|(_, held)| held).min_by(|a, b| a.margin.total_cmp(&b.margin));
        let (margin, spread) = least.map_or((f64::INFINITY, 0.0), |held| (held.margin, held.spread));
        let (met, sure, limited_by) = match missed(true).or_else(|| missed(false)) {
            Some((name, held)) => (false, held.sure, name.clone()),
            None => (true, verdicts.iter().all(|(_, held)| held.sure), String::new()),
        };
        Self { met, sure, margin, spread, limited_by }
    }
}

/// The place where one of the targets stops being met, by runs at several places; none if they do not tell yet.
pub fn crossing(targets: &[Target], runs: &[(f64, &Judged)]) -> Option<Crossing> {
    if runs.is_empty() {
        return None;
    }
    let mut all = Vec::new();
    for (number, Target { bound, .. }) in targets.iter().enumerate() {
        let sign = if bound.is_upper() { 1.0 } else { -1.0 };
        let scale = if bound.value() == 0.0 { sign } else { sign * bound.value().abs() };
        let excess: Vec<(f64, f64)> =
            runs.iter().map(|(place, run)| (*place, (run.values[number] - bound.value()) / scale)).collect();
        let values: Vec<f64> = runs.iter().map(|(_, run)| run.values[number]).collect();
        match Crossing::of(&targets[number].text(), &excess) {
            Some(crossing) => all.push(crossing),
            // It does not depend on the value, or hardly.
            None if matches!(held(bound, &values), Held { met: true, sure: true, .. }) => {}
            None => return None,
        }
    }
    all.extend(backlog(runs));
    Crossing::first(all)
}

/// The place where the backlog begins to grow; none where it grows nowhere.
fn backlog(runs: &[(f64, &Judged)]) -> Option<Crossing> {
    let hardest = runs.iter().map(|(place, _)| *place).fold(f64::NEG_INFINITY, f64::max);
    let there: Vec<Judged> =
        runs.iter().filter(|(place, _)| *place == hardest).map(|(_, run)| (*run).clone()).collect();
    if carried(&there)?.met {
        return None;
    }
    let growth = |run: &Judged| run.sample.metrics[Metric::Backlog].map(|growth| (growth - SATURATED_PCT) / 100.0);
    let excess = runs.iter().map(|(place, run)| Some((*place, growth(run)?))).collect::<Option<Vec<_>>>()?;
    Crossing::of(BACKLOG, &excess)
}

/// A target as the runs of a value hold it.
struct Held {
    met: bool,
    sure: bool,
    margin: f64,
    spread: f64,
}

/// A target: met if it is met in the mean, and surely so if the whole interval of the mean says the same.
fn held(bound: &Constraint, values: &[f64]) -> Held {
    let estimate = Estimate::of(values);
    let (met, sign) = (bound.holds(estimate.mean), if bound.is_upper() { 1.0 } else { -1.0 });
    if values.iter().any(|value| value.is_infinite()) {
        return Held { met, sure: true, margin: f64::NEG_INFINITY, spread: 0.0 };
    }
    let same = estimate.interval().into_iter().all(|end| bound.holds(end) == met);
    let (mean, limit) = (estimate.mean, bound.value());
    let margin = if mean > 0.0 && limit > 0.0 { (limit / mean).ln() } else { (limit - mean) / limit.abs().max(1.0) };
    let scale = if mean > 0.0 && limit > 0.0 { mean } else { limit.abs().max(1.0) };
    Held { met, sure: same && estimate.ci95.is_some(), margin: sign * margin, spread: deviation(values) / scale }
}

/// The standard deviation of values; 0 of one.
fn deviation(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (squares / values.len().saturating_sub(1).max(1) as f64).sqrt()
}

/// The backlog as a target, which is met if as much is carried as comes; none of arrivals that do not go on by themselves. The latencies
/// are what a load that is carried is judged by, so a backlog that does not grow in the mean is sure enough.
fn carried(runs: &[Judged]) -> Option<Held> {
    let backlogs = runs.iter().map(|run| run.backlog).collect::<Option<Vec<Backlog>>>()?;
    let growth = runs.iter().map(|run| run.sample.metrics[Metric::Backlog]).collect::<Option<Vec<f64>>>()?;
    let sum = |of: fn(&Backlog) -> u64| backlogs.iter().map(of).sum::<u64>() as f64;
    let estimate = Estimate::of(&growth);
    let grows = estimate.mean > SATURATED_PCT && sum(|one| one.last) >= GROWN * sum(|one| one.first);
    Some(Held {
        met: !grows,
        sure: !grows || (runs.len() >= BACKLOG_RUNS && estimate.interval()[0] > SURELY_PCT),
        // A backlog that does not grow limits nothing.
        margin: if grows { (SATURATED_PCT - estimate.mean) / 100.0 } else { f64::INFINITY },
        spread: deviation(&growth) / 100.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tables::{MetricValues, Shortfalls};

    fn target(text: &str) -> Target {
        text.parse().expect("a target")
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
            classes: Vec::new(),
        };
        let backlog = growth.map(|growth| Backlog { arrivals: 1000, first: 10, last: 10 + (10.0 * growth) as u64 });
        values.iter().map(|value| Judged { sample: sample.clone(), values: vec![*value], backlog }).collect()
    }

    fn judged(values: &[f64], growth: Option<f64>) -> (bool, bool, String) {
        let Verdict { met, sure, limited_by, .. } = Verdict::of(&[target("e2e_ms_p99 <= 2 s")], &runs(values, growth));
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
        let refused = "e2e_p99 <= 2".parse::<Target>().expect_err("no metric");
        assert!(refused.contains("did you mean"), "{refused}");
    }
}
