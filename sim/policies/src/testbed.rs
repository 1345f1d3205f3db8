//! What a policy may do and see.

use model::{
    decoding::{Draft, Verdict},
    mas::{Descriptors, Mas},
    request::{Input, Prompt},
    tokens::Calibration,
};
use std::future::Future;
use units::{BitsPerSecond, Bytes, Ratio, SimDuration};

/// One request's view of the world: an edge with its GPU, a cloud, and a link between them.
pub trait Testbed {
    /// Operations on the edge.
    type Edge: Edge;
    /// Operations on the cloud.
    type Cloud: Cloud;

    /// The request's prompt.
    fn prompt(&self) -> Prompt;
    /// The edge that the request came in at.
    fn edge(&self) -> &Self::Edge;
    /// The cloud behind the link.
    fn cloud(&self) -> &Self::Cloud;
    /// What can be observed now.
    fn view(&self) -> View<'_>;
    /// Time since the request was sent.
    fn elapsed(&self) -> SimDuration;
}

/// Operations on the edge, where the user sits. All are local.
pub trait Edge {
    /// Decodes and resizes the pictures on the edge's processor.
    fn preprocess(&self) -> impl Future<Output = ()>;
    /// Measures how redundant and how relevant each modality is, on the edge's GPU (Eq. 3 to 6).
    fn probe(&self) -> impl Future<Output = Descriptors>;
    /// Spends time of the edge's processor on planning.
    fn think(&self, time: SimDuration) -> impl Future<Output = ()>;
    /// Notes the MAS and the plan that the request is served with, for the log.
    fn note_plan(&self, mas: Mas, input: &Input);
    /// Answers the request with the edge's model alone.
    fn answer(&self, input: &Input) -> impl Future<Output = ()>;
    /// Lets the edge's model read the prompt; drafting starts after it.
    fn prefill(&self, input: &Input) -> impl Future<Output = ()>;
    /// Drafts the token that follows what was drafted so far.
    fn draft(&self) -> impl Future<Output = Draft>;
    /// Commits a verdict's tokens at the time it arrived. If it rejects a token or adds one, drafting goes on behind
    /// what is committed, and what was drafted there before is forgotten.
    fn commit(&self, verdict: &Verdict);
    /// Forgets what was drafted from this position of the answer on.
    fn rewind(&self, position: u32);
    /// Runs the cloud model's first layers, as a layer split has them on the edge, over a pass.
    fn lower_layers(&self, pass: Pass) -> impl Future<Output = ()>;
}

/// Operations on the cloud. Each carries its payload over the link, up and down.
pub trait Cloud {
    /// A batch on its way to its verdict.
    type Verification: Verification;

    /// Uploads the input and answers it with the cloud's model; tokens stream down as they are made.
    fn answer(&self, input: &Input) -> impl Future<Output = ()>;
    /// Starts to upload the input and to prefill it, and returns at once: verification waits for it by itself.
    fn open(&self, input: &Input);
    /// Sends drafted tokens for verification, and returns at once.
    fn verify(&self, batch: &Batch) -> Self::Verification;
    /// Sends the hidden states of a pass up, runs the remaining layers on them, and brings the token down. Returns
    /// whether it ends the answer.
    fn upper_layers(&self, pass: Pass) -> impl Future<Output = bool>;
}

/// A verdict to come: await it, or look whether it is there.
pub trait Verification: Future<Output = Verdict> + Unpin {
    /// Whether the verdict has arrived; awaiting it then takes no time.
    fn has_arrived(&self) -> bool;
}

/// Drafted tokens sent for verification.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'d> {
    /// The tokens, in order. May be empty if only the target's own token is wanted.
    pub drafts: &'d [Draft],
    /// Position in the answer of the first of them, or of the wanted token.
    pub start: u32,
    /// Whether the target adds its own token when it accepts all. On a rejection it always corrects.
    pub bonus: bool,
    /// Whether the target goes on from a state of the edge that it has to be sent (low confidence).
    pub state: Bytes,
    /// Threshold at the time, for the log.
    pub theta_nats: f32,
}

/// A forward pass in a layer split.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pass {
    /// Over the whole prompt.
    Prompt(Input),
    /// Over the token that was made last.
    Token,
}

/// What can be observed at an instant. It has no true output length and no future bandwidth.
#[derive(Clone, Copy)]
pub struct View<'v> {
    /// The uplink's rate now.
    pub uplink: BitsPerSecond,
    /// Round-trip time.
    pub rtt: SimDuration,
    /// Work that waits or runs on this edge's GPU, in requests.
    pub edge_requests: u32,
    /// Work that waits or runs in the cloud, in requests per GPU.
    pub cloud_requests: f64,
    /// Tokens of KV cache that are free on this edge.
    pub edge_free_tokens: u64,
    /// What work costs on the edge when it is idle.
    pub edge: &'v dyn Prices,
    /// What work costs in the cloud when it is idle.
    pub cloud: &'v dyn Prices,
}

/// What work costs on an idle device, to plan with.
pub trait Prices {
    /// Reading a prompt: vision tower and language model.
    fn prefill(&self, input: &Input) -> SimDuration;
    /// One token behind a context of so many tokens.
    fn token(&self, context: u64) -> SimDuration;
    /// Tokens of the input as this side's model counts them.
    fn prompt_tokens(&self, input: &Input) -> u64;
}

/// Who gave an answer: decides its accuracy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServedBy {
    /// The edge's model.
    Edge,
    /// The cloud's model, or tokens that it verified.
    Cloud,
}

/// What a policy is told before the first request.
#[derive(Clone, Debug)]
pub struct Briefing {
    /// The draft's entropy on a calibration set.
    pub calibration: Calibration,
    /// Mean share of right answers lost at a retention (policies do not know a request's own factor).
    pub pruning: model::accuracy::PruningLoss,
}

/// What of the testbed a policy may ever use, with its settings as they are. A key that only serves what no policy of a
/// scenario uses is warned about, so when in doubt it is `true`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Runs a model on the edge's GPU: the edge's own, or layers of the cloud's.
    pub edge_model: bool,
    /// Sends anything to the cloud.
    pub cloud: bool,
    /// Drafts tokens.
    pub drafts: bool,
    /// Probes the inputs.
    pub probes: bool,
    /// Prunes or compresses the inputs.
    pub prunes: bool,
}

impl Uses {
    /// What either of two policies uses.
    pub fn or(self, other: Self) -> Self {
        Self {
            edge_model: self.edge_model || other.edge_model,
            cloud: self.cloud || other.cloud,
            drafts: self.drafts || other.drafts,
            probes: self.probes || other.probes,
            prunes: self.prunes || other.prunes,
        }
    }
}

/// An offloading policy.
pub trait Policy: Sized {
    /// What it keeps between requests, for instance what it has learned.
    type Memory: Default;

    /// The label that its rows carry, if it is not the system's name.
    fn label(&self) -> Option<&str>;
    /// What it uses, with these settings.
    fn uses(&self) -> Uses;
    /// Settings that have no effect beside the others, whatever they are set to: key within the policy's table and reason.
    fn idle(&self) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }
    /// How many of the cloud model's layers the edge must hold, for a layer split.
    fn layers_on_edge(&self) -> Option<u32> {
        None
    }
    /// The share of a calibration set below which the threshold starts, where one is used.
    fn calibration_samples(&self) -> u32 {
        500
    }
    /// Refuses settings that make no sense: key and reason.
    fn check(&self) -> Result<(), (&'static str, String)> {
        Ok(())
    }
    /// Serves one request to the end.
    fn serve<B: Testbed>(&self, bed: &B, briefing: &Briefing, memory: &Self::Memory) -> impl Future<Output = ServedBy>;
}

/// Most tokens of a batch, and most batches in flight.
const MOST: u32 = 1024;

/// Refuses a count of zero, or one that no draft model could be asked for.
pub(crate) fn count(key: &'static str, value: u32) -> Result<(), (&'static str, String)> {
    if (1..=MOST).contains(&value) { Ok(()) } else { Err((key, format!("expected 1 to {MOST}, got {value}"))) }
}

/// Refuses a share of exactly 0 or 1.
pub(crate) fn open_share(key: &'static str, value: Ratio) -> Result<(), (&'static str, String)> {
    if value == Ratio::ZERO || value == Ratio::ONE {
        return Err((key, format!("expected a share between 0 and 1, both excluded, got {}", value.as_f64())));
    }
    Ok(())
}
