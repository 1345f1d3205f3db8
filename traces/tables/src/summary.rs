//! `summary.parquet` and `summary.csv`: one row for each policy at each point; `regret.csv`: the solver of the plan against the
//! exact one.

use crate::{
    MetricEstimates, Text, VariedNumbers, VariedValues,
    row::{FEW, rows},
};

rows! {
    /// One policy at one point, over all replications.
    pub struct SummaryRow in "`summary.parquet`, `summary.csv`", table "summary", version 5 from 4, groups of FEW;
    {
        /// The label of the policy; empty where the point as a whole cannot be run.
        policy: Text,
        /// The dataset of the point.
        dataset: Text,
        /// The rate of the uplink, in megabits per second; none where it is a series, or at a point that cannot be resolved.
        bandwidth_mbps: Option<f64>,
        /// The value of a varied key, as text; the column has the name of the key.
        varied: VariedValues,
        /// The number that a varied key's value is, in the unit that ends the column's name; `KEY_number` where it has none.
        numbers: VariedNumbers,
        /// Replications that did not fail.
        replications: u64,
        /// Replications that failed.
        failed: u64,
        /// Requests that were sent, over all replications.
        requests: u64,
        /// Requests that were answered, over all replications.
        completed: u64,
        /// Requests that were turned away, over all replications.
        rejected: u64,
        /// Requests whose answer came after `workload.timeout`, over all replications.
        timed_out: u64,
        /// The engine of the edge.
        edge_engine: Text,
        /// The engine of the cloud.
        cloud_engine: Text,
        /// The mean of each metric over replications, and in `NAME_ci95` the half-width of its 95 % confidence interval.
        metrics: MetricEstimates,
    }
}

rows! {
    /// One policy at one point whose plans were also solved exactly.
    pub struct RegretRow in "`regret.csv`", table "regret", version 1, groups of FEW;
    {
        /// The label of the policy.
        policy: Text,
        /// The dataset of the point.
        dataset: Text,
        /// The rate of the uplink, in megabits per second; none where it is a series.
        bandwidth_mbps: Option<f64>,
        /// The value of a varied key, as text; the column has the name of the key.
        varied: VariedValues,
        /// Requests whose plan was compared with the exact one.
        requests: u64,
        /// Compared plans that broke a bound, in per cent.
        infeasible_pct: Option<f64>,
        /// The mean gap between the objective of the plan and of the exact plan, in per cent of the latter.
        gap_pct_mean: Option<f64>,
        /// The largest of these gaps, in per cent.
        gap_pct_max: Option<f64>,
        /// Evaluations of the objective for each plan.
        evaluations_mean: Option<f64>,
        /// Time that planning took in the simulation, in milliseconds for each plan.
        planning_ms_mean: Option<f64>,
    }
}
