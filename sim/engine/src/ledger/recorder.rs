//! The receiver of a run's rows. The default does nothing; an implementation may write files.

use super::MemoryTally;
use model::{
    latency::Moments,
    mas::Mas,
    request::{Input, Request},
};
use policies::{Note, ServedBy};
pub use tables::{Kind, Lane, Phase, Shortfall, Side, Status};
use units::{Bytes, SimDuration, SimTime};

/// Takes the rows of one run, in the order in which they come about.
pub trait Recorder {
    /// True if steps are wanted; asked once. If not, none is made.
    fn wants_steps(&self) -> bool {
        false
    }
    /// True if drafted tokens are wanted; asked once.
    fn wants_tokens(&self) -> bool {
        false
    }
    /// `true` asks for the decisions that policies note. The engine asks once.
    fn wants_decisions(&self) -> bool {
        false
    }
    /// True if the spans of a request are wanted; asked once, when it is sent.
    fn wants_spans(&self, _request: u64) -> bool {
        false
    }
    /// A request has ended.
    fn request(&mut self, _: &RequestRecord) {}
    /// An item of an iteration.
    fn step(&mut self, _: &StepRecord) {}
    /// A drafted token and its verdict.
    fn token(&mut self, _: &TokenRecord) {}
    /// A round of a request that has ended, in which its policy noted decisions.
    fn decision(&mut self, _: &DecisionRecord<'_>) {}
    /// A span of a request whose spans are wanted, once its end is known.
    fn span(&mut self, _: &SpanRecord) {}
}

/// A row on its way to a recorder.
pub(crate) enum Row {
    Step(StepRecord),
    Token(TokenRecord),
    Span(SpanRecord),
}

impl Row {
    /// Hands it over.
    pub(crate) fn write(&self, recorder: &mut dyn Recorder) {
        match self {
            Self::Step(row) => recorder.step(row),
            Self::Token(row) => recorder.token(row),
            Self::Span(row) => recorder.span(row),
        }
    }
}

/// Records nothing.
pub struct NoRecorder;

impl Recorder for NoRecorder {}

/// One request.
#[derive(Clone, Debug)]
pub struct RequestRecord {
    /// The request itself.
    pub request: Request,
    /// Its edge.
    pub edge: u32,
    /// Number of its class; 0 where there are no classes.
    pub class: u32,
    /// Number of the edge's group.
    pub group: u32,
    /// Number of the pool that worked for it; none where none did.
    pub pool: Option<u32>,
    /// Its client, within the edge.
    pub client: u32,
    /// Its end: completed or rejected.
    pub status: Status,
    /// The edge answered because the link was down when it came in.
    pub fell_back: bool,
    /// True if its latencies were within all limits.
    pub met: bool,
    /// True if its answer was not there at its deadline; none where it has none.
    pub missed: Option<bool>,
    /// Its moments, where it was answered.
    pub moments: Option<Moments>,
    /// Time at which it was sent.
    pub submit: SimTime,
    /// True if it is of the warm-up, which no figure counts.
    pub warm_up: bool,
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
    /// Preemptions, and tokens found in prefix caches.
    pub memory: MemoryTally,
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
    /// Probability that the answer is right; none where the accuracy of the model that gave it is not known.
    pub correct: Option<f64>,
    /// The tier whose answer it is.
    pub served_by: ServedBy,
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
    /// Kind of work.
    pub kind: Kind,
    /// Tokens that went through the model.
    pub tokens: u32,
    /// Tokens of the sequence after the step.
    pub context_tokens: u64,
    /// Items of the iteration.
    pub batch: u32,
    /// Start of the iteration.
    pub start: SimTime,
    /// Its duration.
    pub duration: SimDuration,
}

/// A part of a request's life.
#[derive(Clone, Copy, Debug)]
pub struct SpanRecord {
    /// Number of the request.
    pub request: u64,
    /// Its edge.
    pub edge: u32,
    /// Its lane.
    pub lane: Lane,
    /// Number of the GPU or edge of that lane; 0 for the link.
    pub unit: u32,
    /// Kind of work, or content of a message.
    pub kind: Kind,
    /// Its phase.
    pub phase: Phase,
    /// The batch of drafts, or the token of a split model, that it belongs to, from 1; 0 if to none.
    pub round: u32,
    /// Tokens that go through the model, or that a message brings.
    pub tokens: u32,
    /// Tokens of the sequence after the step.
    pub context_tokens: u64,
    /// Bytes of a message on the wire.
    pub bytes: Bytes,
    /// Items of the iteration.
    pub batch: u32,
    /// Its start.
    pub start: SimTime,
    /// Its duration.
    pub duration: SimDuration,
}

impl SpanRecord {
    /// A request as a whole, of which nothing is known yet.
    pub(crate) fn of(request: u64, edge: u32) -> Self {
        Self {
            request,
            edge,
            lane: Lane::Request,
            unit: edge,
            kind: Kind::Request,
            phase: Phase::Whole,
            round: 0,
            tokens: 0,
            context_tokens: 0,
            bytes: Bytes::ZERO,
            batch: 0,
            start: SimTime::ZERO,
            duration: SimDuration::ZERO,
        }
    }
}

/// One drafted token.
#[derive(Clone, Copy, Debug)]
pub struct TokenRecord {
    /// Number of the request.
    pub request: u64,
    /// Its edge.
    pub edge: u32,
    /// The batch that it was drafted for, of the request's batches from 0.
    pub round: u32,
    /// Position in the answer.
    pub position: u32,
    /// Entropy, nats.
    pub entropy_nats: f32,
    /// Threshold when the batch was sent, nats.
    pub theta_nats: f32,
    /// True if it was accepted.
    pub accepted: bool,
    /// True if it was sent for verification; a token that was not sure enough is not.
    pub verified: bool,
}

/// The decisions that a policy noted in one round of a request.
#[derive(Clone, Copy, Debug)]
pub struct DecisionRecord<'n> {
    /// Number of the request.
    pub request: u64,
    /// Its edge.
    pub edge: u32,
    /// The batch of drafts that they are about, from 1; 0 for the request as a whole.
    pub round: u32,
    /// Each note with its value.
    pub notes: &'n [(&'static Note, f64)],
}
