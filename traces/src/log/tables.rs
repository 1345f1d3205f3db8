//! The tables of a results folder. A column's unit is the end of its name.

use super::{Text, row::rows};

rows! {
    /// One request.
    pub struct RequestRow in "requests", version 1 {
        /// The policy that served it.
        pub policy: Text,
        /// The data set it is from.
        pub dataset: Text,
        /// The bandwidth of the scenario between edge and cloud, in megabits per second.
        pub bandwidth_mbps: f64,
        /// The number of the point in the sweep's grid.
        pub point: u32,
        /// The number of the replication, each with its own seed.
        pub replication: u32,
        /// The number of the request in its replication, the same for every policy.
        pub request: u64,
        /// The edge device that took it.
        pub edge: u32,
        /// The client that sent it.
        pub client: u32,
        /// When it arrived, since the start of the run.
        pub arrival_s: f64,
        /// When work on it began, since the start of the run.
        pub submit_s: f64,
        /// How it ended: completed, rejected or timed_out.
        pub status: Text,
        /// Text tokens of the prompt.
        pub text_tokens: u32,
        /// Visual tokens of the prompt, before any is left out.
        pub visual_tokens: u32,
        /// Tokens of the answer.
        pub output_tokens: u32,
        /// The modality activation sparsity of the images, where the policy measures it.
        pub mas_visual: Option<f64>,
        /// The share of visual tokens that were kept.
        pub retention: f64,
        /// The share of the image's bytes that were sent.
        pub compression: f64,
        /// Time to the first token, in milliseconds; none if there was no token.
        pub ttft_ms: Option<f64>,
        /// Time per output token after the first, in milliseconds; none below two tokens.
        pub tpot_ms: Option<f64>,
        /// Time to the last token, in milliseconds; none if it was not completed.
        pub e2e_ms: Option<f64>,
        /// Bytes sent from edge to cloud.
        pub uplink_bytes: u64,
        /// Bytes sent from cloud to edge.
        pub downlink_bytes: u64,
        /// Rounds of drafting and verifying.
        pub rounds: u32,
        /// Tokens that were drafted.
        pub drafted_tokens: u32,
        /// Drafted tokens that the verifier accepted.
        pub accepted_tokens: u32,
        /// Tokens that were computed and thrown away.
        pub wasted_tokens: u32,
        /// Work of the edge, in 10^12 operations.
        pub edge_tflop: f64,
        /// Work of the cloud, in 10^12 operations.
        pub cloud_tflop: f64,
        /// Time that the edge computed for it, in milliseconds.
        pub edge_busy_ms: f64,
        /// Time that the cloud computed for it, in milliseconds; its share, where several were batched.
        pub cloud_busy_ms: f64,
        /// Energy of edge, link and cloud for it, in joules.
        pub energy_j: f64,
        /// The probability that the answer is correct; 0 or 1 where it was checked.
        pub correct: f64,
        /// Who gave the answer: edge, cloud or both.
        pub served_by: Text,
    }
}

rows! {
    /// One compute step.
    pub struct StepRow in "steps", version 1 {
        /// The policy that asked for it.
        pub policy: Text,
        /// The data set its request is from.
        pub dataset: Text,
        /// The bandwidth of the scenario between edge and cloud, in megabits per second.
        pub bandwidth_mbps: f64,
        /// The number of the point in the sweep's grid.
        pub point: u32,
        /// The number of the replication.
        pub replication: u32,
        /// The request it was for; the first of them, where several were batched.
        pub request: u64,
        /// Where it ran: edge or cloud.
        pub side: Text,
        /// The number of the device on that side.
        pub gpu: u32,
        /// What it was: probe, vision, prefill, decode, draft or verify.
        pub kind: Text,
        /// Tokens that went through the model, of all requests in the batch.
        pub tokens: u32,
        /// Tokens in the caches before the step, of all requests in the batch.
        pub context_tokens: u64,
        /// Requests in the batch.
        pub batch: u32,
        /// When it began, since the start of the run.
        pub start_s: f64,
        /// How long it took, in milliseconds.
        pub duration_ms: f64,
    }
}

rows! {
    /// One drafted token.
    pub struct TokenRow in "tokens", version 1 {
        /// The policy that drafted it.
        pub policy: Text,
        /// The data set its request is from.
        pub dataset: Text,
        /// The bandwidth of the scenario between edge and cloud, in megabits per second.
        pub bandwidth_mbps: f64,
        /// The number of the point in the sweep's grid.
        pub point: u32,
        /// The number of the replication.
        pub replication: u32,
        /// The request it is a token of.
        pub request: u64,
        /// The round of drafting and verifying, from 0.
        pub round: u32,
        /// Its place in the answer, from 0.
        pub position: u32,
        /// The entropy of the draft's distribution, in nats.
        pub entropy_nats: f64,
        /// The entropy threshold at that moment, in nats.
        pub theta_nats: f64,
        /// Whether it stands in the answer.
        pub accepted: bool,
        /// Whether the cloud verified it.
        pub verified: bool,
    }
}
