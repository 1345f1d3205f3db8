//! `classes.parquet` and `classes.csv`: one row for each class of requests of each policy at each point, where there are classes.

use crate::{
    MetricEstimates, MetricValues, Text, VariedValues,
    row::{FEW, rows},
};

rows! {
    /// The requests of one class under one policy at one point, over all replications.
    pub struct ClassRow in "`classes.parquet`, `classes.csv`", table "classes", version 1, groups of FEW;
    {
        /// The number of the point in the sweep's grid.
        point: u64,
        /// The label of the policy.
        policy: Text,
        /// The dataset of the point; a class may have another.
        dataset: Text,
        /// The rate of the uplink, in megabits per second; none where it is a series.
        bandwidth_mbps: Option<f64>,
        /// The value of a varied key, as text; the column has the name of the key.
        varied: VariedValues,
        /// The name of the class.
        class: Text,
        /// Requests that were sent, over all replications.
        requests: u64,
        /// Requests that were answered, over all replications.
        completed: u64,
        /// The mean of each metric that a class has by itself, over replications, and in `NAME_ci95` the half-width of its 95 % confidence interval; the others are empty.
        metrics: MetricEstimates,
    }
}

rows! {
    /// The requests of one class in one run of a part of a sweep, where there are classes.
    pub struct ClassRunRow in "`parts/*.classes.parquet`", table "class_runs", version 1, groups of FEW;
    {
        /// The number of the run in the part, from 0.
        run: u64,
        /// The name of the class.
        class: Text,
        /// Requests that were sent.
        requests: u64,
        /// Requests that were answered.
        completed: u64,
        /// The metrics that a class has by itself; the others are empty.
        metrics: MetricValues,
    }
}
