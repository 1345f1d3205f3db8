//! `report/effects.csv`: the effect of each key of a sweep on some metrics.

use crate::{
    Text,
    row::{FEW, rows},
};

rows! {
    /// One value of one key of a sweep, with a metric under a policy over all points that have it.
    pub struct EffectRow in "`report/effects.csv`", table "effects", version 1, groups of FEW;
    {
        /// The label of the policy.
        policy: Text,
        /// The column of the metric.
        metric: Text,
        /// The varied key, or several that vary together, or `interactions`: the rest that no key explains alone.
        key: Text,
        /// The value of the key, or a bin of its values.
        value: Text,
        /// Points that have the value.
        points: u64,
        /// The mean of the metric over these points.
        mean: f64,
        /// The 10th percentile over these points.
        p10: f64,
        /// The 90th percentile over these points.
        p90: f64,
        /// The share of the variance between points that the key explains alone, in per cent to two decimals.
        explains_pct: Text,
        /// The share that a key without effect would seem to explain, in per cent to two decimals.
        by_chance_pct: Text,
    }
}
