//! Each other system against the control that decides whether it pays.

use super::bundled::Bundled;
use super::evidence::{Evidence, ratios};
use crate::numbers::short;
use tables::{Better, Metric};

/// A system held against its control, in the scenario that is bundled for it.
pub(super) struct Held {
    pub scenario: Bundled,
    pub of: &'static str,
    pub against: &'static str,
    pub metric: Metric,
    /// The ratio of the metric at each point of the scenario, rising.
    pub ratios: Vec<f64>,
}

/// The pairs, in the order of the page.
const PAIRS: [(Bundled, &str, &str, Metric); 12] = [
    (Bundled::Specedge, "specedge", "cloud_speculative", Metric::OutputRate),
    (Bundled::Specedge, "specedge", "cloud_speculative", Metric::TpotMean),
    (Bundled::Specedge, "specedge", "cloud_only", Metric::OutputRate),
    (Bundled::Wisp, "wisp", "cloud_only", Metric::TpotMean),
    (Bundled::Wisp, "wisp", "cloud_speculative", Metric::TpotMean),
    (Bundled::Covspec, "covspec", "cloud_only", Metric::E2eMean),
    (Bundled::Covspec, "covspec", "cloud_speculative", Metric::E2eMean),
    (Bundled::Pipesd, "pipesd", "speculative", Metric::E2eMean),
    (Bundled::Pipesd, "pipesd", "cloud_only", Metric::E2eMean),
    (Bundled::MoaOff, "moa_off", "cloud_only", Metric::E2eMean),
    (Bundled::MoaOff, "moa_off", "edge_only", Metric::E2eMean),
    (Bundled::Progressive, "progressive", "cloud_only", Metric::E2eMean),
];

/// The pairs that were run.
pub(super) fn all(evidence: &Evidence) -> Vec<Held> {
    let held = |(scenario, of, against, metric)| {
        let at_points = ratios(evidence.runs(scenario)?, [of, against], metric);
        let mut ratios: Vec<f64> = at_points.into_iter().map(|(_, ratio)| ratio).collect();
        ratios.sort_by(f64::total_cmp);
        (!ratios.is_empty()).then_some(Held { scenario, of, against, metric, ratios })
    };
    PAIRS.into_iter().filter_map(held).collect()
}

impl Held {
    /// The points at which the system is better than its control, in words.
    pub fn pays(&self) -> String {
        let better = |ratio: &&f64| match self.metric.better() {
            Better::Higher => **ratio > 1.0,
            Better::Lower | Better::Neither => **ratio < 1.0,
        };
        match (self.ratios.iter().filter(better).count(), self.ratios.len()) {
            (0, _) => "no".to_owned(),
            (all, points) if all == points => "yes".to_owned(),
            (some, points) => format!("at {some} of {points} points"),
        }
    }

    /// The least and the greatest ratio.
    pub fn times(&self) -> String {
        let [low, high] = [self.ratios[0], self.ratios[self.ratios.len() - 1]].map(|ratio| short(ratio, 2));
        if low == high { low } else { format!("{low} to {high}") }
    }
}
