//! `capacity.parquet` and `capacity.csv`: the answers of `sim capacity`.

use crate::{
    Text,
    names::Finding,
    row::{FEW, rows},
};

rows! {
    /// The largest or least value of a key with which one policy meets all targets.
    pub struct CapacityRow in "`capacity.parquet`, `capacity.csv`", table "capacity", version 1, groups of FEW;
    {
        /// The label of the policy.
        policy: Text,
        /// The dotted name of the key that was varied.
        key: Text,
        /// The targets, each a metric and its bound.
        targets: Text,
        /// The verdict of the search.
        verdict: Finding,
        /// The value nearest to the limit at which the intervals of all targets lie within their bounds, as text; empty if none was found.
        meets: Text,
        /// Its number.
        meets_value: Option<f64>,
        /// The value nearest to the limit at which the interval of a target lies beyond its bound, as text; empty if none was found.
        misses: Text,
        /// Its number.
        misses_value: Option<f64>,
        /// The target that is missed there, or `backlog` where more requests come than are carried.
        limited_by: Text,
        /// Values that were looked at.
        points: u64,
        /// Runs that it took.
        runs: u64,
    }
}
