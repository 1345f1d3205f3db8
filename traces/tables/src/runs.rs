//! `runs.parquet`: one row for each run, and `failures.csv`: one for each run of a sweep that failed.

use crate::{
    MetricValues, Text, VariedValues,
    row::{FEW, rows},
};

rows! {
    /// One run: a replication of a policy at a point.
    pub struct RunRow in "`runs.parquet`", table "runs", version 4, groups of FEW;
    {
        /// The number of the point in the sweep's grid.
        point: u64,
        /// The hash of the resolved point.
        point_id: Text,
        /// The label of the policy; empty where the point as a whole cannot be run.
        policy: Text,
        /// The dataset of the point.
        dataset: Text,
        /// The rate of the uplink, in megabits per second; none where it is a series, or at a point that cannot be resolved.
        bandwidth_mbps: Option<f64>,
        /// The value of a varied key, as text; the column has the name of the key.
        varied: VariedValues,
        /// The number of the replication, from 0.
        replication: u64,
        /// The seed of the run.
        seed: u64,
        /// The reason why the run failed; empty if it did not.
        failed: Text,
        /// The digest of the run's events, 16 hexadecimal digits; empty if it failed.
        journal_digest: Text,
        /// Events of the run. Streamed tokens that nobody awaits have none.
        events: u64,
        /// Requests of the warm-up (`workload.warm_up`): the first of the run, which no other count and no metric has.
        warm_up: u64,
        /// Requests that were sent.
        requests: u64,
        /// Requests that were answered.
        completed: u64,
        /// Requests whose answer came after `workload.timeout`.
        timed_out: u64,
        /// Requests that were turned away.
        rejected: u64,
        /// Requests that were rejected for the context window of the edge's model.
        rejected_edge_context: u64,
        /// Requests that were rejected for the context window of the cloud's model.
        rejected_cloud_context: u64,
        /// Requests that were rejected for the KV cache of the edge.
        rejected_edge_memory: u64,
        /// Requests that were rejected for the KV cache of the cloud.
        rejected_cloud_memory: u64,
        /// Answers that were cut at `workload.max_output_tokens`.
        cut: u64,
        /// The engine of the edge.
        edge_engine: Text,
        /// The engine of the cloud.
        cloud_engine: Text,
        /// The metrics of the run, listed below; none where a metric does not apply.
        metrics: MetricValues,
        /// Requests whose plan was compared with the exact one.
        regret_requests: u64,
        /// Compared plans that broke a bound.
        regret_infeasible: u64,
        /// The sum of the gaps between the objective of the plan and of the exact plan, as shares of the latter.
        regret_gap_sum: Option<f64>,
        /// The largest of these gaps.
        regret_gap_max: Option<f64>,
        /// Evaluations of the objective by the solver.
        regret_evaluations: u64,
        /// Time that planning took in the simulation, in nanoseconds.
        regret_planning_ns: u64,
    }
}

rows! {
    /// One run of a sweep that failed.
    pub struct FailureRow in "`failures.csv`", table "failures", version 1, groups of FEW;
    {
        /// The number of the point in the sweep's grid.
        point: u64,
        /// The hash of the resolved point.
        point_id: Text,
        /// The label of the policy; empty where the point as a whole cannot be run.
        policy: Text,
        /// The dataset of the point.
        dataset: Text,
        /// The rate of the uplink, in megabits per second; none where it is a series, or at a point that cannot be resolved.
        bandwidth_mbps: Option<f64>,
        /// The value of a varied key, as text; the column has the name of the key.
        varied: VariedValues,
        /// The number of the replication, from 0.
        replication: u64,
        /// The reason of the failure.
        reason: Text,
    }
}
