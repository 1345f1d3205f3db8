//! Each other system against the control that decides whether it pays.

use super::evidence::Evidence;
use tables::Metric;

/// A system held against its control, in the scenario that is bundled for it.
pub(super) struct Held {
    pub scenario: &'static str,
    pub of: &'static str,
    pub against: &'static str,
    pub metric: Metric,
    /// The ratio of the metric, over all points of the scenario.
    pub ratio: f64,
}

/// The pairs, in the order of the page.
const PAIRS: [(&str, &str, &str, Metric); 12] = [
    ("specedge", "specedge", "cloud_speculative", Metric::OutputRate),
    ("specedge", "specedge", "cloud_speculative", Metric::TpotMean),
    ("specedge", "specedge", "cloud_only", Metric::OutputRate),
    ("wisp", "wisp", "cloud_only", Metric::TpotMean),
    ("wisp", "wisp", "cloud_speculative", Metric::TpotMean),
    ("covspec", "covspec", "cloud_only", Metric::E2eMean),
    ("covspec", "covspec", "cloud_speculative", Metric::E2eMean),
    ("pipesd", "pipesd", "speculative", Metric::E2eMean),
    ("pipesd", "pipesd", "cloud_only", Metric::E2eMean),
    ("moa_off", "moa_off", "cloud_only", Metric::E2eMean),
    ("moa_off", "moa_off", "edge_only", Metric::E2eMean),
    ("progressive", "progressive", "cloud_only", Metric::E2eMean),
];

/// The pairs that were run.
pub(super) fn all(evidence: &Evidence) -> Vec<Held> {
    let held = |(scenario, of, against, metric)| {
        let ratio = evidence.ratio(scenario, [of, against], metric, &[])?;
        Some(Held { scenario, of, against, metric, ratio })
    };
    PAIRS.into_iter().filter_map(held).collect()
}

impl Held {
    /// True if the system is better than its control.
    pub fn pays(&self) -> bool {
        match self.metric.better() {
            tables::Better::Higher => self.ratio > 1.0,
            _ => self.ratio < 1.0,
        }
    }
}
