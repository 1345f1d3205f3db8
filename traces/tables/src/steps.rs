//! `steps.parquet`: the iterations of the GPUs, written with `--steps`.

use crate::{
    Kind, Side, Text,
    row::{MANY, rows},
};

rows! {
    /// One item of one iteration of a GPU.
    pub struct StepRow in "`steps.parquet`", table "steps", version 1, groups of MANY;
    {
        /// The policy that asked for the step.
        policy: Text,
        /// The dataset of the request.
        dataset: Text,
        /// The rate of the uplink, in megabits per second; not a number where it is a series.
        bandwidth_mbps: f64,
        /// The number of the point in the sweep's grid.
        point: u32,
        /// The number of the replication.
        replication: u32,
        /// The number of the request.
        request: u64,
        /// The tier that ran the step.
        side: Side,
        /// The number of the device on that side.
        gpu: u32,
        /// The kind of work.
        kind: Kind,
        /// Tokens of the request that went through the model.
        tokens: u32,
        /// Tokens of the request in the cache after the iteration.
        context_tokens: u64,
        /// Items of the iteration.
        batch: u32,
        /// The beginning of the iteration, since the start of the run.
        start_s: f64,
        /// The duration of the iteration, in milliseconds.
        duration_ms: f64,
    }
}
