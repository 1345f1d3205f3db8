//! `answers.parquet`: the answers of real models, written with `--answers`.

use crate::{
    Text,
    row::{MANY, rows},
};

rows! {
    /// One answer of a real model.
    pub struct AnswerRow in "`answers.parquet`", table "answers", version 1, groups of MANY;
    {
        /// The policy that served the request.
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
        /// The tokens of the answer, as numbers with spaces between them.
        ids: Text,
        /// The words of the answer.
        text: Text,
        /// The score of the answer, from 0 (wrong) to 1 (right).
        score: f64,
    }
}
