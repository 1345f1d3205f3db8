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
        let widest = self.widest(replications);
        if count >= self.limit || widest.is_some_and(|widest| widest <= self.share) {
            return None;
        }
        // Half-widths shrink with the root of the number; not more than twice as many at once, for the estimate is rough.
        let ratio = widest.map_or(f64::INFINITY, |widest| widest / self.share);
        let enough = (f64::from(count) * ratio * ratio).ceil().min(2.0 * f64::from(count)) as u32;
        Some(enough.clamp(count + 1, self.limit.max(count + 1)).min(self.limit))
    }

    /// The widest interval over all policies and points, in parts of the mean; none if there is no interval yet.
    fn widest(&self, replications: &[Vec<Run>]) -> Option<f64> {
        let cells = replications.first().map_or(0, Vec::len);
        let share = |cell: usize| {
            let values = replications.iter().map(|runs| runs[cell].result.as_ref().ok()?.metrics[self.metric]);
            // A metric that a policy does not have need not be known.
            let Some(values) = values.collect::<Option<Vec<f64>>>() else { return Some(0.0) };
            let estimate = Estimate::of(&values);
            let half = estimate.ci95?;
            Some(if half == 0.0 { 0.0 } else { half / estimate.mean.abs() })
        };
        (0..cells).map(share).try_fold(0.0, |widest: f64, share| Some(widest.max(share?)))
    }

    /// Says what came of it.
    pub fn report(&self, replications: &[Vec<Run>]) {
        let (count, name) = (replications.len(), self.metric.column());
        match self.widest(replications) {
            Some(widest) if widest <= self.share => {
                say(format_args!("{name} is known within {:.2} % after {count} replications", 100.0 * widest));
            }
            Some(widest) => say(format_args!(
                "sim: warning: {name} is known within {:.2} % only, after {count} replications, the most allowed",
                100.0 * widest
            )),
            None => say(format_args!("sim: warning: {count} replications give no interval; allow more of them")),
        }
    }
}
