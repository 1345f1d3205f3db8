//! The rules of a baseline: values that must be equal, and tolerances of metrics.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use tables::{Metric, RunRow};
use units::Ratio;

/// The rules of a baseline, written once and kept by `--bless`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Values that may not differ at all.
    #[serde(default)]
    pub exact: Vec<Exact>,
    /// Tolerances by metric.
    #[serde(default)]
    pub tolerant: BTreeMap<String, Tolerance>,
}

/// The values compared for equality, replication by replication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exact {
    /// Requests that were asked.
    Requests,
    /// Requests that were answered.
    Completed,
    /// Requests that did not fit.
    Rejected,
    /// Events of the simulation.
    Events,
    /// Every event of every replication, as one number; see [`Runs::digest`](crate::Runs::digest).
    JournalDigest,
}

impl Exact {
    /// Its column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => RunRow::requests.name,
            Self::Completed => RunRow::completed.name,
            Self::Rejected => RunRow::rejected.name,
            Self::Events => RunRow::events.name,
            Self::JournalDigest => RunRow::journal_digest.name,
        }
    }
}

/// The tolerance of a metric: the larger of two allowances.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// As a share of the baseline's mean; nothing where that is 0.
    pub relative: Option<Ratio>,
    /// In the unit of the metric.
    pub absolute: Option<f64>,
    /// The worse direction.
    pub worse: Worse,
}

/// The worse direction of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Worse {
    /// More of it: latency.
    Higher,
    /// Less of it: accuracy.
    Lower,
    /// Any change: what describes and does not judge.
    Either,
}

impl Tolerance {
    /// The allowed difference in the unit of the metric, if the baseline's mean is `base`.
    pub fn allowed(&self, base: f64) -> f64 {
        let relative = self.relative.map_or(0.0, |share| share.as_f64() * base.abs());
        relative.max(self.absolute.unwrap_or(0.0))
    }

    /// The reason why it is no tolerance.
    fn problem(&self) -> Option<&'static str> {
        match self {
            Self { relative: None, absolute: None, .. } => {
                Some("expected relative = \"1 %\", absolute = 0.5, or both; 0 allows nothing")
            }
            Self { absolute: Some(absolute), .. } if !(absolute.is_finite() && *absolute >= 0.0) => {
                Some("expected an absolute tolerance of 0 or more")
            }
            _ => None,
        }
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.relative, self.absolute) {
            (Some(relative), Some(absolute)) => write!(f, "{relative} or {absolute}"),
            (Some(relative), None) => write!(f, "{relative}"),
            (None, absolute) => write!(f, "{}", absolute.unwrap_or(0.0)),
        }
    }
}

impl Rules {
    /// The rules of a baseline that nobody has written rules for, as they stand in its file.
    pub const DEFAULT: &str = include_str!("default_rules.toml");

    /// Reads a text that holds the table `[rules]` and nothing else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            rules: Rules,
        }
        toml::from_str::<Written>(text).ok().map(|written| written.rules)
    }

    /// The tolerances, in the order of the metrics.
    pub fn tolerances(&self) -> Vec<(&str, Tolerance)> {
        let mut all: Vec<_> = self.tolerant.iter().map(|(name, tolerance)| (name.as_str(), *tolerance)).collect();
        all.sort_by_key(|(name, _)| Metric::named(name).map_or(Metric::COUNT, |metric| metric as usize));
        all
    }

    /// The metrics with a rule of the user's own, as opposed to a default one, for which `has` is false.
    pub(super) fn own_without(&self, has: impl Fn(&str) -> bool) -> Vec<&str> {
        let default = Self::default().tolerant;
        let own = self.tolerant.iter().filter(|(name, tolerance)| default.get(*name) != Some(tolerance));
        own.map(|(name, _)| name.as_str()).filter(|name| !has(name)).collect()
    }

    /// The first tolerance that makes no sense, and why.
    pub(super) fn problem(&self) -> Option<(&str, &'static str)> {
        self.tolerant.iter().find_map(|(name, tolerance)| Some((name.as_str(), tolerance.problem()?)))
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::parse(Self::DEFAULT).expect("the default rules are rules")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tables::Better;

    #[test]
    fn the_default_rules_are_of_known_metrics_and_their_directions() {
        let rules = Rules::default();
        assert_eq!(rules.problem(), None);
        assert!(rules.tolerant.len() > 8);
        for (name, tolerance) in rules.tolerances() {
            let metric = Metric::named(name).expect(name);
            let worse = match metric.better() {
                Better::Lower => Worse::Higher,
                Better::Higher => Worse::Lower,
                Better::Neither => Worse::Either,
            };
            assert_eq!(tolerance.worse, worse, "{name}");
        }
    }

    #[test]
    fn the_larger_allowance_counts() {
        let both = Tolerance { relative: Some(Ratio::new(0.01)), absolute: Some(0.5), worse: Worse::Higher };
        assert_eq!((both.allowed(-200.0), both.allowed(10.0), both.allowed(0.0)), (2.0, 0.5, 0.5));
        let relative = Tolerance { absolute: None, ..both };
        assert_eq!(relative.allowed(0.0), 0.0);
    }
}
