//! `choices.parquet` and `choices.csv`: the answers of `sim capacity` about choices.

use crate::{
    Text,
    names::Standing,
    row::{FEW, rows},
};

rows! {
    /// One of several choices under one policy: whether it meets the targets, and the metric of which the best has least.
    pub struct ChoiceRow in "`choices.parquet`, `choices.csv`", table "choices", version 1, groups of FEW;
    {
        /// The label of the policy.
        policy: Text,
        /// The dotted name of the key whose values were offered, or `pool`.
        key: Text,
        /// The choice, as text.
        choice: Text,
        /// The targets, each a metric and its bound.
        targets: Text,
        /// The verdict on the choice beside the others of the policy.
        verdict: Standing,
        /// The target that is missed, or `backlog` where more requests come than are carried; empty where none is.
        limited_by: Text,
        /// The metric of which the best choice has least.
        metric: Text,
        /// The mean of that metric over the runs.
        mean: f64,
        /// The half-width of its 95 % confidence interval.
        ci95: Option<f64>,
        /// Runs that the verdict took.
        runs: u64,
    }
}
