//! `--until-ci`: adds replications until the mean is known well enough.

use crate::results::runs::Run;
use crate::terminal::{Failure, say};
use reports::Estimate;
use tables::Metric;

/// Replications until the half-width of the 95 % interval of a metric is at most a share of its mean, for every policy at
/// every point; and for all of them the same number, so that differences stay paired.
///
/// It looks at the interval after each batch and stops at the first that is narrow enough, so the interval covers a little
/// less than 95 %.
pub struct Until {
    metric: Metric,
    share: f64,
    limit: u32,
}

impl Until {
    /// Half-width in percent of the mean of a metric, with at most `limit` replications.
    ///
    /// # Errors
    /// If there is no such metric, or the share is not above 0.
    pub fn new(share: &str, metric: &str, limit: u32) -> Result<Self, Failure> {
        let percent = share.trim().strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
        let Some(percent) = percent.filter(|percent| *percent > 0.0 && percent.is_finite()) else {
            return Err(Failure::refused(format!("--until-ci {share}: expected a share above 0, as in --until-ci 1%")));
        };
        let metric = Metric::named(metric).map_err(|reason| Failure::refused(format!("--ci-metric: {reason}")))?;
        Ok(Self { metric, share: percent / 100.0, limit })
    }

    /// The next number of replications, if those so far are too few.
    pub fn more(&self, replications: &[Vec<Run>]) -> Option<u32> {
        let count = replications.len() as u32;
        // More replications give a value to no cell that lacks one.
        let cells: Vec<Known> =
            self.cells(replications).filter(|known| !matches!(known, Known::Never { .. })).collect();
        let widest = cells.iter().map(|known| known.share()).try_fold(0.0, |widest: f64, one| Some(widest.max(one?)));
        if count >= self.limit || widest.is_some_and(|widest| widest <= self.share) {
            return None;
        }
        // Half-widths shrink with the root of the number; not more than twice as many at once, for the estimate is rough.
        let ratio = widest.map_or(f64::INFINITY, |widest| widest / self.share);
        let enough = (f64::from(count) * ratio * ratio).ceil().min(2.0 * f64::from(count)) as u32;
        Some(enough.clamp(count + 1, self.limit.max(count + 1)).min(self.limit))
    }

    /// The knowledge of the mean for each policy at each point.
    fn cells(&self, replications: &[Vec<Run>]) -> impl Iterator<Item = Known> {
        (0..replications.first().map_or(0, Vec::len)).map(|cell| self.cell(replications, cell))
    }

    fn cell(&self, replications: &[Vec<Run>], cell: usize) -> Known {
        let values = replications.iter().map(|runs| runs[cell].result.as_ref().ok()?.metrics[self.metric]);
        let values: Vec<f64> = values.flatten().collect();
        if values.len() < replications.len() {
            return Known::Never { without: replications.len() - values.len() };
        }
        let estimate = Estimate::of(&values);
        match estimate.ci95 {
            None => Known::NotYet,
            Some(half) => Known::Within(if half == 0.0 { 0.0 } else { half / estimate.mean.abs() }),
        }
    }

    /// Says what came of it.
    ///
    /// # Errors
    /// If a policy at a point has no interval: with the number of those that have one, and each that has none.
    pub fn verdict(&self, replications: &[Vec<Run>]) -> Result<(), Failure> {
        let (count, name) = (replications.len(), self.metric.column());
        let cells: Vec<Known> = self.cells(replications).collect();
        let shares = cells.iter().filter_map(Known::share);
        match shares.reduce(f64::max) {
            Some(widest) if widest <= self.share => {
                say(format_args!("{name} is known within {:.2} % after {count} replications", 100.0 * widest));
            }
            Some(widest) => say(format_args!(
                "sim: warning: {name} is known within {:.2} % only, after {count} replications, the most allowed",
                100.0 * widest
            )),
            None => {}
        }
        let without = cells.iter().zip(replications.first().into_iter().flatten());
        let without: Vec<String> =
            without.filter_map(|(known, run)| known.lack(count).map(|lack| told(run, &lack))).collect();
        if without.is_empty() {
            return Ok(());
        }
        let (judged, all) = (cells.len() - without.len(), cells.len());
        let few = if without.len() > TOLD { format!("; and {} more", without.len() - TOLD) } else { String::new() };
        let first = without.iter().take(TOLD).map(String::as_str).collect::<Vec<_>>().join("; ");
        Err(Failure::regression(format!(
            "--until-ci: {name} has an interval for {judged} of {all} policies at points; none has {first}{few}"
        )))
    }
}

/// Policies at points that a message names.
const TOLD: usize = 5;

/// A policy at a point, and what it lacks.
fn told(run: &Run, lack: &str) -> String {
    format!("{} at point {} ({lack})", run.policy, run.label.point)
}

/// The knowledge of a mean.
enum Known {
    /// Within this share of it.
    Within(f64),
    /// No interval from a single replication.
    NotYet,
    /// No value in some replications, for instance since no request was answered.
    Never { without: usize },
}

impl Known {
    /// The half-width in parts of the mean.
    fn share(&self) -> Option<f64> {
        match self {
            Self::Within(share) => Some(*share),
            _ => None,
        }
    }

    /// The reason why there is no interval.
    fn lack(&self, replications: usize) -> Option<String> {
        match self {
            Self::Within(_) => None,
            Self::NotYet => Some("one replication gives none; allow more of them".to_owned()),
            Self::Never { without } => Some(format!("no value in {without} of {replications} replications")),
        }
    }
}
