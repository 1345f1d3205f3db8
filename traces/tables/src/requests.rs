//! `requests.parquet`: how each request was served, how long it took and what it used.

use crate::{
    Author, Status, Text, VariedNumbers, VariedValues,
    row::{MANY, rows},
};

rows! {
    /// One request.
    pub struct RequestRow in "`requests.parquet`", table "requests", version 7 from 6, groups of MANY;
    {
        /// The policy that served the request.
        policy: Text,
        /// The dataset of the workload; a class may have another.
        dataset: Text,
        /// The rate of the uplink, in megabits per second; not a number where it is a series.
        bandwidth_mbps: f64,
        /// The value of a varied key, as text; the column has the name of the key.
        varied: VariedValues,
        /// The number that a varied key's value is, in the unit that ends the column's name; `KEY_number` where it has none.
        numbers: VariedNumbers,
        /// The number of the point in the sweep's grid.
        point: u32,
        /// The number of the replication, each with its own seed.
        replication: u32,
        /// The number of the request in its replication, the same for every policy.
        request: u64,
        /// The number of the edge device that took the request.
        edge: u32,
        /// The class of the request: the name of its table `[classes.NAME]`; empty where there are no classes.
        class: Text,
        /// The group of edges that it came in at: the name of its table `[edges.NAME]`, or `edge`.
        group: Text,
        /// The pool that worked for it: the name of its table `[pools.NAME]`, or `cloud`; empty where none did.
        pool: Text,
        /// The number of the client that sent the request, within its edge.
        client: u32,
        /// The time of submission, since the start of the run; latencies count from here.
        submit_s: f64,
        /// True of a request of the warm-up (`workload.warm_up`), which no figure counts.
        warm_up: bool,
        /// The end of the request.
        status: Status,
        /// True if the edge answered because the link was down (`workload.fall_back`).
        fell_back: bool,
        /// Text tokens of the prompt.
        text_tokens: u32,
        /// Visual tokens of the prompt, before any is left out.
        visual_tokens: u32,
        /// Tokens of the answer.
        output_tokens: u32,
        /// Tokens of sound in the prompt, before any is left out.
        audio_tokens: u32,
        /// The modality activation sparsity of the text, where the policy measures it.
        mas_text: Option<f64>,
        /// The modality activation sparsity of pictures or video; 1 without any.
        mas_visual: Option<f64>,
        /// The modality activation sparsity of sound; 1 without any.
        mas_audio: Option<f64>,
        /// The share of text tokens that were kept.
        retention_text: f64,
        /// The share of visual tokens that were kept.
        retention: f64,
        /// The share of the tokens of sound that were kept.
        retention_audio: f64,
        /// The share of the image's bytes that compression saved.
        compression: f64,
        /// The share of the sound's bytes that compression saved.
        compression_audio: f64,
        /// Time to the first token, in milliseconds; none if there was no token.
        ttft_ms: Option<f64>,
        /// Time per output token after the first, in milliseconds; none below two tokens.
        tpot_ms: Option<f64>,
        /// Time to the last token, in milliseconds; none if it was not completed.
        e2e_ms: Option<f64>,
        /// True if it was answered with latencies within the limits of its class, or of `[slo]`; without limits, of every answer.
        met_slo: bool,
        /// Bytes sent from edge to cloud.
        uplink_bytes: u64,
        /// Bytes sent from cloud to edge.
        downlink_bytes: u64,
        /// Rounds of drafting and verifying.
        rounds: u32,
        /// Tokens that were drafted.
        drafted_tokens: u32,
        /// Drafted tokens that the verifier accepted.
        accepted_tokens: u32,
        /// Tokens that were computed and thrown away.
        wasted_tokens: u32,
        /// Times that a serving engine took the blocks of the request for another one.
        preemptions: u32,
        /// Tokens that were computed again after preemptions.
        recomputed_tokens: u32,
        /// Tokens of the prompt that were found in a prefix cache, on both tiers.
        cached_tokens: u32,
        /// Work of the edge, in 10^12 operations.
        edge_tflop: f64,
        /// Work of the cloud, in 10^12 operations.
        cloud_tflop: f64,
        /// Time that the edge computed for the request, in milliseconds: its share of each batch.
        edge_busy_ms: f64,
        /// Time that the cloud computed for the request, in milliseconds: its share of each batch.
        cloud_busy_ms: f64,
        /// Energy of edge and cloud for the request, without idle power, in joules: its share of each batch.
        energy_j: f64,
        /// The probability that the answer is correct; 0 or 1 where it was checked, none where nothing is known of the model's accuracy.
        correct: Option<f64>,
        /// The model whose answer it is: both, where unverified tokens of the edge stand beside the cloud's.
        served_by: Author,
    }
}
