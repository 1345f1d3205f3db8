//! `tokens.parquet`: the drafted tokens, written with `--tokens`.

use crate::{
    Text,
    row::{MANY, rows},
};

rows! {
    /// One drafted token.
    pub struct TokenRow in "`tokens.parquet`", table "tokens", version 1, groups of MANY;
    {
        /// The policy that drafted the token.
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
        /// The round of drafting and verifying, from 0: each batch of drafts is one.
        round: u32,
        /// The position of the token in the answer, from 0.
        position: u32,
        /// The entropy of the draft's distribution, in nats.
        entropy_nats: f64,
        /// The entropy threshold at that moment, in nats.
        theta_nats: f64,
        /// True if the token stands in the answer.
        accepted: bool,
        /// True if the cloud judged the token.
        verified: bool,
    }
}
