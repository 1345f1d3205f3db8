//! The effects of a sweep's keys: the main effect on each metric, and the share of the variance between points that it
//! explains.
//!
//! The main effect is the mean at each value of the key over all points that have it. The share explained is eta squared, the
//! part of the variance between points that lies between those means: exact where the sweep is a full grid. What no key
//! explains alone is left to interactions. Keys that were sampled, with many values, are put into [`BINS`] bins of as many
//! points; so are shares of them estimates, and `by_chance_pct` says what a key without any effect would seem to explain.
//!
//! Keys that vary together, as those of a zipped group do, cannot be told apart: they are one key here.
//!
//! It is no test of significance, and it knows nothing of replications: those are averaged before.

use crate::natural::Levels;
use crate::runs::{Cell, Runs};
use tables::{EffectRow, Metric, RunRow, csv_text};
use units::quantile;

/// Up to so many values, each stands for itself.
const MOST_VALUES: usize = 12;

/// Bins of the values of a key that has more.
const BINS: usize = 8;

/// The metrics whose effects are given.
pub(crate) const METRICS: [Metric; 7] = [
    Metric::E2eMean,
    Metric::TtftMean,
    Metric::Accuracy,
    Metric::OutputRate,
    Metric::Energy,
    Metric::Uplink,
    Metric::AcceptanceRate,
];

/// The points of a sweep, with their means over replications.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Points {
    pub policies: Vec<String>,
    /// The keys in which the points differ.
    pub keys: Vec<Key>,
    /// By metric, the values of each policy at each point; none where a run failed or the metric does not apply.
    pub metrics: Vec<(Metric, Vec<Vec<Option<f64>>>)>,
    /// Number of points.
    pub count: usize,
    /// Replications of each.
    pub replications: usize,
}

/// A key that varies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    /// Its dotted name; those of all that vary together.
    pub names: Vec<String>,
    /// Its values, in their natural order, or bins of them.
    pub levels: Levels,
    /// Index of each point's value.
    pub of_point: Vec<usize>,
}

impl Key {
    /// A key with its value at each point.
    pub fn new(name: &str, texts: &[String]) -> Self {
        let texts_of = texts.iter().map(String::as_str);
        // Data sets stand in the order of the scenario in every figure.
        let is_dataset = name.rsplit('.').next() == Some(RunRow::dataset.name);
        let levels = if is_dataset { Levels::as_written(texts_of) } else { Levels::of(texts_of) };
        let place = |text: &String| levels.texts.iter().position(|level| level == text).expect("each text is a level");
        let of_point: Vec<usize> = texts.iter().map(place).collect();
        let names = vec![name.to_owned()];
        if levels.texts.len() <= MOST_VALUES || levels.numbers.is_none() {
            return Self { names, levels, of_point };
        }
        // A value is in the bin of the first point that has it.
        let mut sorted = of_point.clone();
        sorted.sort_unstable();
        let rank = |level: usize| sorted.partition_point(|other| *other < level);
        let bins: Vec<usize> = (0..levels.texts.len()).map(|level| rank(level) * BINS / texts.len()).collect();
        let (levels, renumbered) = levels.binned(&bins);
        Self { names, levels, of_point: of_point.into_iter().map(|level| renumbered[level]).collect() }
    }
}

impl Key {
    /// The points by the first that has the same value: equal for keys that vary together.
    fn partition(&self) -> Vec<usize> {
        let mut first = vec![usize::MAX; self.levels.texts.len()];
        let place = |(point, level): (usize, &usize)| {
            first[*level] = first[*level].min(point);
            first[*level]
        };
        self.of_point.iter().enumerate().map(place).collect()
    }
}

/// Keys that vary together as one, with the values of the first of them that has numbers.
pub(crate) fn together(keys: impl Iterator<Item = Key>) -> Vec<Key> {
    let mut apart: Vec<(Vec<usize>, Key)> = Vec::new();
    for key in keys {
        let partition = key.partition();
        match apart.iter_mut().find(|(other, _)| *other == partition) {
            Some((_, first)) => {
                let names = [std::mem::take(&mut first.names), key.names.clone()].concat();
                if first.levels.numbers.is_none() && key.levels.numbers.is_some() {
                    *first = key;
                }
                first.names = names;
            }
            None => apart.push((partition, key)),
        }
    }
    apart.into_iter().map(|(_, key)| key).collect()
}

/// The effect of a key on a metric under a policy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Effect {
    /// The spread of the points with each value of the key; `None` if none of them has the metric.
    pub levels: Vec<Option<Spread>>,
    /// Share of the variance between points that the key explains alone, 0 to 1; none if all points are equal.
    pub share: Option<f64>,
    /// The variance between points.
    pub variance: f64,
    /// The share that a key without effect would seem to explain.
    pub by_chance: f64,
}

/// The spread of some points' values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub points: usize,
    pub mean: f64,
    pub p10: f64,
    pub p90: f64,
}

impl Spread {
    /// The spread of values; `None` for no value.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (p10, p90) = (quantile(&sorted, 0.1)?, quantile(&sorted, 0.9)?);
        let mean = sorted.iter().sum::<f64>() / sorted.len() as f64;
        Some(Self { points: sorted.len(), mean, p10, p90 })
    }
}

/// The effect of a key on the values of its points.
pub(crate) fn effect(key: &Key, values: &[Option<f64>]) -> Effect {
    let mut groups: Vec<Vec<f64>> = vec![Vec::new(); key.levels.texts.len()];
    for (level, value) in key.of_point.iter().zip(values) {
        groups[*level].extend(value);
    }
    let all: Vec<f64> = values.iter().copied().flatten().collect();
    let levels: Vec<Option<Spread>> = groups.iter().map(|group| Spread::of(group)).collect();
    let filled = levels.iter().flatten().count();
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    let total: f64 = all.iter().map(|value| (value - mean).powi(2)).sum();
    let between: f64 = levels.iter().flatten().map(|level| level.points as f64 * (level.mean - mean).powi(2)).sum();
    // What differs by rounding alone does not differ.
    let differs = total > all.len() as f64 * (1e-9 * mean).powi(2);
    Effect {
        share: differs.then(|| (between / total).clamp(0.0, 1.0)),
        variance: if differs { total / all.len() as f64 } else { 0.0 },
        by_chance: filled.saturating_sub(1) as f64 / all.len().saturating_sub(1).max(1) as f64,
        levels,
    }
}

impl Points {
    /// From the runs of a sweep; keys that do not vary are left out.
    pub fn of(runs: &Runs) -> Self {
        // A point that could not be run at all has a row without a policy, and nothing to say here.
        let cells: Vec<&Cell> = runs.cells.iter().filter(|cell| !cell.policy.is_empty()).collect();
        let policies: Vec<String> =
            runs.policies().into_iter().filter(|policy| !policy.is_empty()).map(str::to_owned).collect();
        let mut numbers: Vec<u64> = cells.iter().map(|cell| cell.point).collect();
        numbers.dedup();
        let place = |point: u64| numbers.binary_search(&point).expect("each cell has a point");
        let mut texts = vec![vec![String::new(); numbers.len()]; runs.keys.len()];
        for cell in &cells {
            for (texts, value) in texts.iter_mut().zip(&cell.values) {
                texts[place(cell.point)].clone_from(value);
            }
        }
        let keys = runs.keys.iter().zip(&texts).map(|(name, texts)| match name.as_str() {
            name if name == RunRow::dataset.name => Key::new("workload.dataset", texts),
            name if name == RunRow::bandwidth_mbps.name => {
                let texts: Vec<String> = texts.iter().map(|number| format!("{number} Mbps")).collect();
                Key::new("link.bandwidth", &texts)
            }
            other => Key::new(other, texts),
        });
        let metrics = METRICS.into_iter().map(|metric| {
            let column = runs.metric(metric);
            let mut values = vec![vec![None; numbers.len()]; policies.len()];
            for cell in &cells {
                let policy = policies.iter().position(|policy| *policy == cell.policy).expect("each cell has a policy");
                let mean = column.all_of(cell).map(|runs| runs.iter().sum::<f64>() / runs.len() as f64);
                values[policy][place(cell.point)] = mean;
            }
            (metric, values)
        });
        let metrics = metrics.collect();
        let replications = cells.iter().map(|cell| runs.seeds(cell).len()).max().unwrap_or(0);
        let keys = together(keys.filter(|key| key.levels.texts.len() > 1));
        Self { keys, metrics, count: numbers.len(), policies, replications }
    }

    /// Every effect as CSV: a row for each policy, metric, key and value of it. The rows of the key `interactions` have the
    /// share that no key explains alone, and the spread of all points.
    pub fn csv(&self) -> String {
        let policies = self.policies.iter().enumerate();
        let of = |(policy, label)| self.metrics.iter().map(move |(metric, values)| (label, *metric, &values[policy]));
        csv_text(policies.flat_map(of).flat_map(|(label, metric, values)| self.rows(label, metric, values)), &[])
    }

    /// The rows of a metric under a policy.
    fn rows(&self, policy: &str, metric: Metric, values: &[Option<f64>]) -> Vec<EffectRow> {
        let percent = |share: Option<f64>| share.map_or_else(String::new, |share| format!("{:.2}", 100.0 * share));
        let row = |key: &str, value: &str, at: &Spread, share, by_chance| EffectRow {
            policy: policy.into(),
            metric: metric.column().into(),
            key: key.into(),
            value: value.into(),
            points: at.points as u64,
            mean: at.mean,
            p10: at.p10,
            p90: at.p90,
            explains_pct: percent(share).into(),
            by_chance_pct: percent(by_chance).into(),
        };
        let mut rows = Vec::new();
        let mut explained = Some(0.0);
        for key in &self.keys {
            let effect = effect(key, values);
            explained = explained.zip(effect.share).map(|(sum, share)| sum + share);
            for (text, level) in key.levels.texts.iter().zip(&effect.levels) {
                rows.extend(
                    level.iter().map(|at| row(&key.names.join(" + "), text, at, effect.share, Some(effect.by_chance))),
                );
            }
        }
        let all: Vec<f64> = values.iter().copied().flatten().collect();
        // Keys that are not independent may explain the same twice, and more than all.
        let left = explained.map(|explained| 1.0 - explained).filter(|left| *left > -1e-9).map(|left| left.max(0.0));
        rows.extend(Spread::of(&all).map(|at| row("interactions", "", &at, left, None)));
        rows
    }
}

#[cfg(test)]
mod tests;
