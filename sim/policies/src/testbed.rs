//! What a policy may do and see.

use crate::twin::{Alone, Twin};
use model::{
    decoding::{Draft, Token, Verdict},
    mas::{Descriptors, Mas},
    published::Benchmark,
    request::{Input, Prompt},
    tokens::Calibration,
};
use std::future::Future;
use std::rc::Rc;
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
    fn probe(&self, tau_s: Ratio) -> impl Future<Output = Descriptors>;
    /// How hard the request looks to a router of this AUC: the share of requests that look easier.
    fn score(&self, auc: Ratio) -> f64;
    /// Spends time of the edge's processor on planning.
    fn think(&self, time: SimDuration) -> impl Future<Output = ()>;
    /// Notes the plan that the request is served with, for the log.
    fn note_plan(&self, plan: &Plan);
    /// Answers the request with the edge's model alone.
    fn answer(&self, input: &Input) -> impl Future<Output = ()>;
    /// Lets the edge's model, or its part of the cloud's, read the prompt.
    fn prefill(&self, input: &Input) -> impl Future<Output = ()>;
    /// Drafts the token that follows what was drafted so far: a guess at the cloud's answer.
    fn draft(&self) -> impl Future<Output = Draft>;
    /// Makes the next token of the edge's own answer.
    fn decode(&self) -> impl Future<Output = Draft>;
    /// Commits a token of the edge's own answer, which nobody verifies.
    fn trust(&self, token: &Draft);
    /// Commits a verdict's tokens at the time it arrived. If it rejects a token or adds one, drafting goes on behind
    /// what is committed, and what was drafted there before is forgotten.
    fn commit(&self, verdict: &Verdict);
    /// Forgets what was drafted from this position of the answer on.
    fn rewind(&self, position: u32);
    /// Drafts on behind a token that the cloud made for the next position.
    fn adopt(&self, token: Token);
    /// Runs the edge's layers of the cloud's model over the token that was made last.
    fn pass(&self) -> impl Future<Output = ()>;
}

/// Operations on the cloud. Each carries its payload over the link, up and down.
pub trait Cloud {
    /// A batch on its way to its verdict.
    type Verification: Verification;

    /// Uploads the input and answers it with the cloud's model; tokens stream down as they are made.
    fn answer(&self, input: &Input) -> impl Future<Output = ()>;
    /// Starts to upload the input and to prefill it, and returns when it is on its way: verification waits for the rest by
    /// itself.
    fn open(&self, input: &Input) -> impl Future<Output = ()>;
    /// Sends drafted tokens for verification, and returns at once.
    fn verify(&self, batch: &Batch<'_>) -> Self::Verification;
    /// Sends drafted tokens for verification, lets the cloud's model write the rest of the answer, and waits for its end.
    fn finish(&self, batch: &Batch<'_>) -> impl Future<Output = ()>;
    /// Sends hidden states up, runs the cloud's layers on them, and brings the token down. Returns whether it ends the
    /// answer.
    fn pass(&self, hidden: &Hidden<'_>) -> impl Future<Output = bool>;
    /// Sends hidden states of the prompt up and lets the cloud's layers write the whole answer.
    fn answer_from(&self, hidden: &Hidden<'_>) -> impl Future<Output = ()>;
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
    /// Whether the target judges the tokens, or takes them as they are and only adds its own.
    pub judged: bool,
    /// Bytes of the edge's state that go with them.
    pub state: Bytes,
    /// How they are verified.
    pub verify: Verify,
    /// Threshold at the time, for the log.
    pub theta_nats: f32,
    /// The token at the end of them that was not sure enough to be drafted, for the log.
    pub unsure: Option<&'d Draft>,
}

/// How drafts are verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verify {
    /// One after the other, an iteration each, instead of all in one.
    pub one_by_one: bool,
    /// Without the link: Eq. 14 has no term for it.
    pub off_the_link: bool,
    /// Bytes of a drafted token on the wire.
    pub token_bytes: Bytes,
}

/// Hidden states between the edge's layers and the cloud's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hidden<'i> {
    /// Of the whole prompt, or of the token that was made last.
    pub prompt: Option<&'i Input>,
    /// Share of the bytes of visual tokens that is sent.
    pub visual: Ratio,
}

/// What a request is served with, for the log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// The MAS, where it was measured.
    pub mas: Option<Mas>,
    /// The input as it is let through.
    pub input: Input,
    /// How the solver fared against the exact one, where they were compared.
    pub regret: Option<Regret>,
}

/// How a solver of Eq. 11 fared against the exact one on a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Regret {
    /// E[L_prefill] of the solver's plan over that of the exact plan, minus 1; none if no plan it looked at was allowed.
    pub gap: Option<f64>,
    /// Plans that it looked at.
    pub evaluations: u32,
    /// Time that it is charged.
    pub time: SimDuration,
}

/// What can be observed at an instant. It has no true output length and no future bandwidth.
#[derive(Clone, Copy)]
pub struct View<'v> {
    /// The uplink's rate now.
    pub uplink: BitsPerSecond,
    /// Round-trip time.
    pub rtt: SimDuration,
    /// Whether an upload takes a round trip for each of its modalities (Eq. 8) instead of half of one.
    pub rtt_per_modality: bool,
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

impl View<'_> {
    /// How long an input takes to the cloud when the link is free (Eq. 8).
    pub fn upload_time(&self, input: &Input) -> SimDuration {
        self.uplink.transfer_time(input.payload()) + self.delay(&input.prompt)
    }

    /// The part of that which does not depend on the bytes.
    pub fn delay(&self, prompt: &Prompt) -> SimDuration {
        if self.rtt_per_modality { self.rtt * u64::from(prompt.modalities()) } else { self.rtt / 2 }
    }
}

/// What work costs on an idle device, to plan with, and what its model's states weigh.
pub trait Prices {
    /// Reading a prompt: vision tower and language model.
    fn prefill(&self, input: &Input) -> SimDuration;
    /// One token behind a context of so many tokens.
    fn token(&self, context: u64) -> SimDuration;
    /// So many tokens at once behind a context.
    fn verify(&self, tokens: u64, context: u64) -> SimDuration;
    /// The probe.
    fn probe(&self, prompt: &Prompt) -> SimDuration;
    /// Tokens of the input as this side's model counts them.
    fn prompt_tokens(&self, input: &Input) -> u64;
    /// Bytes of a token's hidden state.
    fn hidden_bytes(&self) -> Bytes;
    /// Bytes of a token's keys and values.
    fn kv_bytes(&self) -> Bytes;
    /// Bytes of the pictures as this side's vision tower encodes them.
    fn encoded_bytes(&self, prompt: &Prompt) -> Bytes;
    /// The cloud model's vision tower on this side's device.
    fn encode(&self, prompt: &Prompt) -> SimDuration;
    /// Bytes of the hidden states of a prompt, with this share of the visual tokens'.
    fn prompt_state_bytes(&self, input: &Input, visual: Ratio) -> Bytes;
}

/// Who gave an answer: decides its accuracy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ServedBy {
    /// The edge's model.
    Edge,
    /// The cloud's model, or tokens that it verified.
    Cloud,
    /// The edge's model, with tokens of the cloud's where it was not sure.
    Both,
    /// The cloud's model on an input whose effect on accuracy is published: the share of right answers that remains.
    Published(f64),
}

/// What a policy is told before the first request.
#[derive(Clone, Debug)]
pub struct Briefing {
    /// The draft's entropy on a calibration set.
    pub calibration: Rc<Calibration>,
    /// Mean share of right answers lost at a retention (policies do not know a request's own factor).
    pub pruning: model::accuracy::PruningLoss,
    /// The benchmark that is asked.
    pub benchmark: Benchmark,
}

/// What of the testbed a policy may ever use, with its settings as they are. A key that only serves what no policy of a
/// scenario uses is warned about, so when in doubt it is `true`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Runs a model on the edge's GPU: the edge's own, or layers of the cloud's.
    pub edge_model: bool,
    /// Gives answers of the edge's own model.
    pub edge_answers: bool,
    /// Sends anything to the cloud.
    pub cloud: bool,
    /// Sends pictures as the cloud model's vision tower encodes them, whatever `workload.payload` says.
    pub encodes: bool,
    /// Drafts tokens.
    pub drafts: bool,
    /// Commits tokens that nobody verifies.
    pub trusts: bool,
    /// Probes the inputs.
    pub probes: bool,
    /// Prunes or compresses the inputs.
    pub prunes: bool,
    /// Prunes text too.
    pub prunes_text: bool,
}

impl Uses {
    /// What either of two policies uses.
    pub fn or(self, other: Self) -> Self {
        Self {
            edge_model: self.edge_model || other.edge_model,
            edge_answers: self.edge_answers || other.edge_answers,
            cloud: self.cloud || other.cloud,
            encodes: self.encodes || other.encodes,
            drafts: self.drafts || other.drafts,
            trusts: self.trusts || other.trusts,
            probes: self.probes || other.probes,
            prunes: self.prunes || other.prunes,
            prunes_text: self.prunes_text || other.prunes_text,
        }
    }
}

/// What the requests of a workload may have beside text, as far as that is known beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Pictures or a video.
    pub pictures: bool,
    /// What has neighbours in time: a video or sound.
    pub moves: bool,
    /// Anything at all.
    pub more_than_text: bool,
}

/// A setting without effect: its key within the policy's table, and why.
pub type Idle = (&'static str, &'static str);

/// An offloading policy.
pub trait Policy: Sized {
    /// What it keeps between requests, for instance what it has learned.
    type Memory: Default;

    /// The label that its rows carry, if it is not the system's name.
    fn label(&self) -> Option<&str>;
    /// What it uses, with these settings.
    fn uses(&self) -> Uses;
    /// Settings that have no effect beside the others on such requests, whatever they are set to.
    fn idle(&self, _: Asked) -> Vec<Idle> {
        Vec::new()
    }
    /// How the layers of the cloud's model are placed, where the policy splits them.
    fn split(&self) -> Option<Split> {
        None
    }
    /// Size of the calibration set that the threshold starts from, where one is used.
    fn calibration_samples(&self) -> u32 {
        500
    }
    /// Refuses settings that make no sense: key and reason.
    fn check(&self) -> Result<(), (&'static str, String)> {
        Ok(())
    }
    /// Serves one request to the end.
    fn serve<B: Testbed>(&self, bed: &B, briefing: &Briefing, memory: &Self::Memory) -> impl Future<Output = ServedBy>;
    /// What closed forms say of a request that is alone on the platform.
    fn twin(&self, alone: &Alone<'_>) -> Twin;
}

/// A cut through the cloud's model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Layers on the edge, counted from below.
    pub layers_on_edge: u32,
    /// Whether the cloud decodes by itself, past the edge's layers (MindFusion's decoding shortcut).
    pub shortcut: bool,
    /// The key that the layers were set by.
    pub key: &'static str,
}

/// These keys, if they are idle.
pub(crate) fn idle_if(idle: bool, keys: &[&'static str], why: &'static str) -> Vec<Idle> {
    if idle { keys.iter().map(|key| (*key, why)).collect() } else { Vec::new() }
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
