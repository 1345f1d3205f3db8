//! `spans.parquet`: the parts of some requests' lives.

use crate::{
    Kind, Lane, Phase, Text,
    row::{MANY, rows},
};

rows! {
    /// A part of the life of one of a few requests of a run.
    pub struct SpanRow in "`spans.parquet`", table "spans", version 1, groups of MANY;
    {
        /// The policy that served the request.
        policy: Text,
        /// The dataset of the request.
        dataset: Text,
        /// The rate of the uplink, in megabits per second; not a number where it is a series.
        bandwidth_mbps: f64,
        /// The number of the point in the sweep's grid.
        point: u32,
        /// The number of the replication: always the first, 0.
        replication: u32,
        /// The number of the request in its replication, the same for every policy.
        request: u64,
        /// True for the first requests of the run, which follow each other without a gap.
        first: bool,
        /// True for requests that are spread over the run, of which means can be made.
        spread: bool,
        /// The number of the edge device that took the request.
        edge: u32,
        /// The place of the span; `request` for the request as a whole.
        lane: Lane,
        /// The number of the edge or GPU; 0 for the link.
        unit: u32,
        /// The kind of work, or the content of a message.
        kind: Kind,
        /// The state of the request during the span.
        phase: Phase,
        /// The batch of drafts, or the token of a split model, that it belongs to, from 1; 0 if to none.
        round: u32,
        /// Tokens that went through the model, or that a message brought; of the request as a whole, its answer's.
        tokens: u32,
        /// Tokens of the request in the cache after the iteration; 0 outside of a GPU.
        context_tokens: u64,
        /// Bytes of a message on the wire; of the request as a whole, those of all its messages.
        bytes: u64,
        /// Items of the iteration; 0 outside of a GPU.
        batch: u32,
        /// The beginning of the span, since the start of the run, in nanoseconds.
        start_ns: u64,
        /// The duration of the span, in nanoseconds.
        duration_ns: u64,
    }
}
