//! Rows of `sim compare`, `sim best`, `sim check` and of the intervals of a run, in CSV files and JSON documents.

use crate::{
    AskedEstimates, Text, VariedValues,
    row::{FEW, rows},
};

rows! {
    /// One policy beside the reference, in one metric at one point.
    pub struct DifferenceRow in "the file of `sim compare --csv`, stdout of `sim compare --json`", table "differences", version 1, groups of FEW;
    {
        /// The dataset of the point.
        dataset: Text,
        /// The mean rate of the uplink, in megabits per second.
        bandwidth_mbps: Option<f64>,
        /// The value of a varied key, as text; the column has the name of the key.
        varied: VariedValues,
        /// The label of the policy.
        policy: Text,
        /// The policy that it is compared with.
        reference: Text,
        /// The column of the metric, which says the unit of both means.
        metric: Text,
        /// The mean of the policy over its replications; none where the metric does not apply.
        mean: Option<f64>,
        /// The mean of the reference over its replications.
        mean_reference: Option<f64>,
        /// The mean of the paired differences, as a share of the reference; none where there are no pairs.
        difference: Option<f64>,
        /// Half-width of the 95 % confidence interval of `difference`.
        difference_ci95: Option<f64>,
        /// Pairs of replications.
        replications: Option<u64>,
    }
}

rows! {
    /// One policy at one point that answers the question, the best first.
    pub struct BestRow in "the file of `sim best --csv`, stdout of `sim best --json`", table "best", version 1, groups of FEW;
    {
        /// The number of the point in the sweep's grid.
        point: u64,
        /// The label of the policy.
        policy: Text,
        /// The dataset of the point.
        dataset: Text,
        /// The mean rate of the uplink, in megabits per second.
        bandwidth_mbps: Option<f64>,
        /// The value of a varied key, as text; the column has the name of the key.
        varied: VariedValues,
        /// The mean of a metric that was asked for, over replications; the column has the name of the metric.
        asked: AskedEstimates,
        /// `best`, `tied` (the same mean), `overlaps` (the intervals do) or `apart`; `front` on a Pareto front.
        rank: Text,
    }
}

rows! {
    /// One verdict of a check: a metric or a count of a policy at a point against the baseline, the gravest first.
    pub struct CheckRow in "stdout of `sim check --json`", table "check", version 1, groups of FEW;
    {
        /// The label of the policy.
        policy: Text,
        /// The dataset of the point.
        dataset: Text,
        /// The mean rate of the uplink, in megabits per second.
        bandwidth_mbps: Option<f64>,
        /// The value of a varied key, as text; the column has the name of the key.
        varied: VariedValues,
        /// The column of the metric or count, which says its unit; `runs` where the verdict is about all of them.
        metric: Text,
        /// `failed`, `missing`, `not judged`, `changed`, `regressed`, `improved`, `not guarded` or `unchanged`.
        verdict: Text,
        /// True if the check fails by this verdict.
        fails: bool,
        /// The mean of the baseline; none where no means were compared, as for the next five.
        mean_baseline: Option<f64>,
        /// The mean of the runs.
        mean: Option<f64>,
        /// The mean of the runs less that of the baseline, in the unit of the metric.
        difference: Option<f64>,
        /// Half-width of the 95 % confidence interval of `difference`.
        difference_ci95: Option<f64>,
        /// The largest change for the worse that the rules allow.
        allowed: Option<f64>,
        /// Replications of the baseline.
        replications_baseline: Option<u64>,
        /// Replications of the runs.
        replications: Option<u64>,
        /// The evidence in words.
        evidence: Text,
    }
}

rows! {
    /// The prediction interval of a metric of one policy at one point, of a run that measured laws price.
    pub struct IntervalRow in "stdout of `sim SCENARIO --json`", table "intervals", version 1, groups of FEW;
    {
        /// The label of the policy.
        policy: Text,
        /// The dataset of the point.
        dataset: Text,
        /// The mean rate of the uplink, in megabits per second.
        bandwidth_mbps: Option<f64>,
        /// The value of a varied key, as text; the column has the name of the key.
        varied: VariedValues,
        /// The column of the metric, which says the unit; empty if there is no interval.
        metric: Text,
        /// The metric of replication 0.
        simulated: Option<f64>,
        /// The least of it with every step at the 5th or the 95th percentile of measured / predicted.
        low: Option<f64>,
        /// The most of it.
        high: Option<f64>,
        /// The reason why there is no interval; empty if there is one.
        withheld: Text,
    }
}
