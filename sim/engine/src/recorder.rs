//! Where a run's rows go. Does nothing by default; whoever wants files implements it.

use model::{
    latency::Moments,
    mas::Mas,
    request::{Input, Request},
};
use policies::ServedBy;
use units::{Bytes, SimDuration, SimTime};

/// Takes the rows of one run, in the order in which they come about.
pub trait Recorder {
    /// Whether steps are wanted; if not, none is made.
    fn wants_steps(&self) -> bool {
        false
    }
    /// Whether drafted tokens are wanted.
    fn wants_tokens(&self) -> bool {
        false
    }
    /// A request has ended.
    fn request(&mut self, _: &RequestRecord) {}
    /// An item of an iteration.
    fn step(&mut self, _: &StepRecord) {}
    /// A drafted token and its verdict.
    fn token(&mut self, _: &TokenRecord) {}
}

/// Records nothing.
pub struct Nobody;

impl Recorder for Nobody {}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It was answered.
    Completed,
    /// It was turned away: its prompt and longest answer fit into no KV cache of a tier.
    Rejected,
}

/// One request.
#[derive(Clone, Debug)]
pub struct RequestRecord {
    /// The request itself.
    pub request: Request,
    /// Its edge.
    pub edge: u32,
    /// Its client, within the edge.
    pub client: u32,
    /// How it ended.
    pub status: Status,
    /// Its moments, where it was answered.
    pub moments: Option<Moments>,
    /// When it was sent.
    pub submit: SimTime,
    /// Visual tokens of the whole input, as the cloud's model counts them.
    pub visual_tokens: u64,
    /// MAS, where the policy measured it.
    pub mas: Option<Mas>,
    /// The input as the plan let it through.
    pub input: Input,
    /// Bytes on the wire, up and down.
    pub uplink: Bytes,
    /// Bytes on the wire, down.
    pub downlink: Bytes,
    /// Verdicts.
    pub rounds: u32,
    /// Tokens drafted, and how many of them were accepted.
    pub drafted: u32,
    /// Drafted tokens that were accepted.
    pub accepted: u32,
    /// FLOP on the edge.
    pub edge_flop: f64,
    /// FLOP in the cloud.
    pub cloud_flop: f64,
    /// GPU time on the edge.
    pub edge_busy: SimDuration,
    /// GPU time in the cloud.
    pub cloud_busy: SimDuration,
    /// Energy above idle, both tiers.
    pub joules: f64,
    /// Probability that the answer is right.
    pub correct: f64,
    /// Whose answer it is.
    pub served_by: ServedBy,
}

/// Where a step ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// On an edge.
    Edge,
    /// In the cloud.
    Cloud,
}

/// One item of one iteration.
#[derive(Clone, Copy, Debug)]
pub struct StepRecord {
    /// Number of the request.
    pub request: u64,
    /// Side.
    pub side: Side,
    /// GPU of that side.
    pub gpu: u32,
    /// probe, encode, prefill, decode, draft, verify, lower_layers or upper_layers.
    pub kind: &'static str,
    /// Tokens that went through the model.
    pub tokens: u32,
    /// Tokens of the sequence after the step.
    pub context_tokens: u64,
    /// Items of the iteration.
    pub batch: u32,
    /// When the iteration began.
    pub start: SimTime,
    /// How long it took.
    pub duration: SimDuration,
}

/// One drafted token.
#[derive(Clone, Copy, Debug)]
pub struct TokenRecord {
    /// Number of the request.
    pub request: u64,
    /// The batch that it was drafted for, of the request's batches from 0.
    pub round: u32,
    /// Position in the answer.
    pub position: u32,
    /// Entropy, nats.
    pub entropy_nats: f32,
    /// Threshold when the batch was sent, nats.
    pub theta_nats: f32,
    /// Whether it was accepted.
    pub accepted: bool,
    /// Whether it was sent for verification; a token that was not sure enough is not.
    pub verified: bool,
}
