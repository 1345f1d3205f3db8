//! The runs of the set, by scenario, and the figures that sentences are made of.

use super::bundled::Bundled;
use crate::estimate::Estimate;
use crate::frame::ReportError;
use crate::manifest::Manifest;
use crate::runs::{Cell, Runs};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tables::Metric;

/// The results folders, by the name of their scenario.
pub(super) struct Evidence(BTreeMap<String, (PathBuf, Runs)>);

/// Values that keys of a point must have.
pub(super) type At<'a> = &'a [(&'a str, &'a str)];

impl Evidence {
    pub fn read(folders: &[PathBuf]) -> Result<Self, ReportError> {
        let one = |folder: &PathBuf| Ok((Manifest::read(folder)?.scenario, (folder.clone(), Runs::read(folder)?)));
        Ok(Self(folders.iter().map(one).collect::<Result<_, ReportError>>()?))
    }

    /// The runs of a scenario; none if it was not run.
    pub fn runs(&self, scenario: Bundled) -> Option<&Runs> {
        self.0.get(scenario.name()).map(|(_, runs)| runs)
    }

    /// The folder of a scenario.
    pub fn folder(&self, scenario: &str) -> Option<&Path> {
        self.0.get(scenario).map(|(folder, _)| folder.as_path())
    }

    /// Every scenario with its runs, by name.
    pub fn all(&self) -> impl Iterator<Item = (&String, &Runs)> {
        self.0.iter().map(|(name, (_, runs))| (name, runs))
    }

    /// The ratio of a metric between two policies at the points of a scenario that have these values; none if there is no such run.
    pub fn ratio(&self, scenario: Bundled, [of, against]: [&str; 2], metric: Metric, at: At<'_>) -> Option<f64> {
        let mean = |policy| self.mean(scenario, policy, metric, at);
        Some(mean(of)? / mean(against)?)
    }

    /// The same at the first point: of a sweep that varies one key at a time, the scenario as it is.
    pub fn ratio_as_it_is(&self, scenario: Bundled, pair: [&str; 2], metric: Metric) -> Option<f64> {
        ratios(self.runs(scenario)?, pair, metric).first().map(|(_, ratio)| *ratio)
    }

    /// The mean of a metric under a policy over the points that have these values.
    pub fn mean(&self, scenario: Bundled, policy: &str, metric: Metric, at: At<'_>) -> Option<f64> {
        let runs = self.runs(scenario)?;
        let values: Option<Vec<f64>> = matching(runs, policy, at).map(|cell| mean(runs, cell, metric)).collect();
        values.filter(|values| !values.is_empty()).map(|values| values.iter().sum::<f64>() / values.len() as f64)
    }
}

/// The cells of a policy at the points that have these values.
fn matching<'r>(runs: &'r Runs, policy: &'r str, at: At<'r>) -> impl Iterator<Item = &'r Cell> {
    let has = move |cell: &&Cell, (key, value): &(&str, &str)| {
        runs.keys.iter().position(|known| known == key).is_some_and(|key| cell.values[key] == *value)
    };
    runs.cells.iter().filter(move |cell| cell.policy == policy && at.iter().all(|wanted| has(cell, wanted)))
}

fn mean(runs: &Runs, cell: &Cell, metric: Metric) -> Option<f64> {
    runs.metric(metric).all_of(cell).map(|values| Estimate::of(&values).mean)
}

/// The value of a key at a cell.
pub(super) fn value<'c>(runs: &Runs, cell: &'c Cell, key: &str) -> Option<&'c str> {
    runs.keys.iter().position(|known| known == key).map(|key| cell.values[key].as_str())
}

/// For each point: the cell of `of`, and the ratio of its metric to that of `against`.
pub(super) fn ratios<'r>(runs: &'r Runs, [of, against]: [&'r str; 2], metric: Metric) -> Vec<(&'r Cell, f64)> {
    let ratio = |cell: &'r Cell| {
        let other = runs.cells.iter().find(|other| other.point == cell.point && other.policy == against)?;
        Some((cell, mean(runs, cell, metric)? / mean(runs, other, metric)?))
    };
    runs.cells.iter().filter(|cell| cell.policy == of).filter_map(ratio).collect()
}
