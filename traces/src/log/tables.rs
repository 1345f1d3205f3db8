//! The tables of a results folder. A column's unit is the end of its name.

use super::{Text, row::rows};

rows! {
    /// One request.
    pub struct RequestRow in "requests", version 2 {
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
        /// When it was sent, since the start of the run; latencies count from here.
        pub submit_s: f64,
        /// How it ended: completed or rejected.
        pub status: Text,
        /// Text tokens of the prompt.
        pub text_tokens: u32,
        /// Visual tokens of the prompt, before any is left out.
        pub visual_tokens: u32,
        /// Tokens of the answer.
        pub output_tokens: u32,
        /// Tokens of sound in the prompt, before any is left out.
        pub audio_tokens: u32,
        /// The modality activation sparsity of the text, where the policy measures it.
        pub mas_text: Option<f64>,
        /// The same of pictures or video; 1 if there are none.
        pub mas_visual: Option<f64>,
        /// The same of sound; 1 if there is none.
        pub mas_audio: Option<f64>,
        /// The share of text tokens that were kept.
        pub retention_text: f64,
        /// The share of visual tokens that were kept.
        pub retention: f64,
        /// The share of the tokens of sound that were kept.
        pub retention_audio: f64,
        /// The share of the image's bytes that compression saved.
        pub compression: f64,
        /// The share of the sound's bytes that compression saved.
        pub compression_audio: f64,
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
        /// Time that the edge computed for it, in milliseconds; its share, where several were batched.
        pub edge_busy_ms: f64,
        /// Time that the cloud computed for it, in milliseconds; its share, where several were batched.
        pub cloud_busy_ms: f64,
        /// Energy of edge and cloud for it, without idle power, in joules; its share, where several were batched.
        pub energy_j: f64,
        /// The probability that the answer is correct; 0 or 1 where it was checked.
        pub correct: f64,
        /// Whose answer it is: edge, cloud, or both where unverified tokens of the edge stand beside the cloud's.
        pub served_by: Text,
    }
}

rows! {
    /// One item of one iteration of a GPU.
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
        /// The request it was for.
        pub request: u64,
        /// Where it ran: edge or cloud.
        pub side: Text,
        /// The number of the device on that side.
        pub gpu: u32,
        /// What it was: probe, encode, prefill, decode, draft, verify, lower_layers or upper_layers.
        pub kind: Text,
        /// Tokens of the request that went through the model.
        pub tokens: u32,
        /// Tokens of the request in the cache after the iteration.
        pub context_tokens: u64,
        /// Items of the iteration.
        pub batch: u32,
        /// When the iteration began, since the start of the run.
        pub start_s: f64,
        /// How long the iteration took, in milliseconds.
        pub duration_ms: f64,
    }
}

rows! {
    /// A part of the life of one of a few requests of a run.
    pub struct SpanRow in "spans", version 1 {
        /// The policy that served it.
        pub policy: Text,
        /// The data set the request is from.
        pub dataset: Text,
        /// The bandwidth of the scenario between edge and cloud, in megabits per second.
        pub bandwidth_mbps: f64,
        /// The number of the point in the sweep's grid.
        pub point: u32,
        /// The number of the replication: always the first, 0.
        pub replication: u32,
        /// The number of the request in its replication, the same for every policy.
        pub request: u64,
        /// Whether the request is one of the first of the run, which follow each other without a gap.
        pub first: bool,
        /// Whether the request is one of those that are spread over the run, of which means can be made.
        pub spread: bool,
        /// The edge device that took the request.
        pub edge: u32,
        /// Where it took place: request (nowhere, it is the whole), edge_cpu, edge_gpu, uplink, cloud_gpu or downlink.
        pub lane: Text,
        /// Which edge or GPU; 0 of the link, which is one.
        pub unit: u32,
        /// What it was: request; preprocess or plan; what a step can be; or input, hidden, drafts, verdict or token of a message.
        pub kind: Text,
        /// What it did: whole (from submission to the last token), queued, running, sending (from the first bit to the last) or
        /// flying (from the last bit to the arrival).
        pub phase: Text,
        /// The batch of drafts, or the token of a split model, that it belongs to, from 1; 0 if to none.
        pub round: u32,
        /// Tokens that went through the model, or that a message brought; of the whole, those of the answer.
        pub tokens: u32,
        /// Tokens of the request in the cache after the iteration; 0 of what is none.
        pub context_tokens: u64,
        /// Bytes of a message on the wire; of the whole, those of all its messages.
        pub bytes: u64,
        /// Items of the iteration; 0 of what is none.
        pub batch: u32,
        /// When it began, since the start of the run, in nanoseconds.
        pub start_ns: u64,
        /// How long it took, in nanoseconds.
        pub duration_ns: u64,
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
        /// The round of drafting and verifying, from 0: each batch of drafts is one.
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

rows! {
    /// One answer of a real model.
    pub struct AnswerRow in "answers", version 1 {
        /// The policy that served it.
        pub policy: Text,
        /// The data set its request is from.
        pub dataset: Text,
        /// The bandwidth of the scenario between edge and cloud, in megabits per second.
        pub bandwidth_mbps: f64,
        /// The number of the point in the sweep's grid.
        pub point: u32,
        /// The number of the replication.
        pub replication: u32,
        /// The request that it answers.
        pub request: u64,
        /// Its tokens, as numbers with spaces between them.
        pub ids: Text,
        /// Its words.
        pub text: Text,
        /// How right it is, from 0 to 1.
        pub score: f64,
    }
}
