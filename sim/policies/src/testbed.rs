//! The testbed as a policy sees it: operations on edge and cloud, and all that can be observed.

use crate::batch::{Batch, Tree, Verify};
use model::{
    accuracy::PruningLoss,
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
///
/// ```
/// use policies::{Cloud, Edge, Testbed};
/// use model::request::Input;
///
/// /// Serves a request from whichever tier has fewer of them.
/// async fn serve<B: Testbed>(bed: &B) {
///     let input = Input::whole(bed.prompt());
///     bed.edge().preprocess().await;
///     let view = bed.view();
///     if view.cloud_requests <= f64::from(view.edge_requests) {
///         bed.cloud().answer(&input).await;
///     } else {
///         bed.edge().answer(&input).await;
///     }
/// }
/// ```
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
    /// The platform as it can be observed now.
    fn view(&self) -> View<'_>;
    /// Time since the request was sent.
    fn elapsed(&self) -> SimDuration;
    /// Notes a decision for `decisions.parquet`: the value of a declared note in a round, from 1; round 0 is the request
    /// as a whole. The last value of a round stands.
    fn note(&self, round: u32, note: &'static Note, value: f64);
}

/// A decision that a policy notes under a name: a column of `decisions.parquet`.
///
/// ```
/// use policies::Note;
///
/// const DRAFT_LENGTH: Note = Note { name: "draft_length", unit: "tokens", meaning: "Draft length that was tried." };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// Name of the column, in snake case.
    pub name: &'static str,
    /// Unit of its values; empty for a plain number.
    pub unit: &'static str,
    /// A sentence about its values.
    pub meaning: &'static str,
}

/// Drafts that nobody has to look at one by one: up to the first that is not sure enough or ends the answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// Tokens, at most; at least 1.
    pub most: u32,
    /// Entropy up to which a draft is sure enough, nats.
    pub sure_up_to_nats: f32,
}

impl Stretch {
    /// One token, whatever its entropy.
    pub const ONE: Self = Self { most: 1, sure_up_to_nats: f32::INFINITY };
}

/// Operations on the edge, where the user sits. All are local.
pub trait Edge {
    /// Decodes and resizes the pictures on the edge's processor. It takes longer by the pixels only where `uses` says that a model runs
    /// on the edge.
    fn preprocess(&self) -> impl Future<Output = ()>;
    /// Measures the redundancy and relevance of each modality on the edge's GPU (Eq. 3 to 6).
    fn probe(&self, tau_s: Ratio) -> impl Future<Output = Descriptors>;
    /// The share of requests that look easier than this one to a router of this AUC.
    fn score(&self, auc: Ratio) -> f64;
    /// Spends time of the edge's processor on planning.
    fn think(&self, time: SimDuration) -> impl Future<Output = ()>;
    /// Notes the plan that the request is served with, for the log.
    fn note_plan(&self, plan: &Plan);
    /// Notes for the token log the threshold that the next batch was drafted under, in nats, and the token above it that
    /// ended the batch. A batch without a note counts as drafted without a threshold.
    fn note_threshold(&self, _nats: f32, _unsure: Option<&Draft>) {}
    /// Answers the request with the edge's model alone.
    fn answer(&self, input: &Input) -> impl Future<Output = ()>;
    /// Answers the request with the edge's model, for which the model beside it ([`About::drafter`](crate::About::drafter)) drafts
    /// so many tokens a step.
    fn answer_drafted(&self, input: &Input, n_draft: u32) -> impl Future<Output = ()>;
    /// Lets the edge's model, or its part of the cloud's, read the prompt.
    fn prefill(&self, input: &Input) -> impl Future<Output = ()>;
    /// Drafts the token that follows the drafts so far: a guess at the cloud's answer.
    fn draft(&self) -> impl Future<Output = Draft>;
    /// Drafts tokens one after the other, and returns the last of them; those before it, which are sure and end nothing, join
    /// `drafts`. It may return before the end of the stretch, and does when a verdict has arrived. By default it drafts one.
    fn draft_on(&self, _: Stretch, _: &mut Vec<Draft>) -> impl Future<Output = Draft> {
        self.draft()
    }
    /// `true` if trees of drafts grow here; elsewhere they are sequences.
    fn grows_trees(&self) -> bool {
        false
    }
    /// Passes nodes of a tree through the edge's model, all at once, and gives so many of the likeliest children of each, likeliest
    /// first. None is the root, which is the end of the answer. Where no trees grow, it drafts the one token that follows all others.
    fn expand(&self, tree: &Tree, nodes: &[Option<u16>], most: u32) -> impl Future<Output = Vec<Draft>>;
    /// Makes the next token of the edge's own answer.
    fn decode(&self) -> impl Future<Output = Draft>;
    /// Commits a token of the edge's own answer, which nobody verifies.
    fn trust(&self, token: &Draft);
    /// Commits a verdict's tokens at the time of its arrival. A verdict that rejects or adds a token voids the drafts
    /// behind it: drafting goes on behind the committed tokens.
    fn commit(&self, verdict: &Verdict);
    /// Forgets the drafts from this position of the answer on.
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

    /// Uploads the input and answers it with the cloud's model. Tokens stream down as they are made.
    fn answer(&self, input: &Input) -> impl Future<Output = ()>;
    /// Answers as [`answer`](Self::answer) does, from an input whose pictures go up in so many parts: each has the pictures' bytes as they
    /// are stated, and the cloud asks for it when it has the one before.
    fn answer_in_parts(&self, input: &Input, parts: u32) -> impl Future<Output = ()>;
    /// Uploads the input, answers it with the cloud's model, and withholds the answer. It returns when the cloud's word that it wants to
    /// see more is there; nothing stays in the cloud.
    fn consider(&self, input: &Input) -> impl Future<Output = ()>;
    /// Uploads the input and answers it with the cloud's model, for which the model beside it
    /// ([`About::drafter`](crate::About::drafter)) drafts so many tokens a step. Tokens stream down as they are made.
    fn answer_drafted(&self, input: &Input, n_draft: u32) -> impl Future<Output = ()>;
    /// Starts to upload the input and to prefill it. It returns when the input is on its way; verification waits for the
    /// rest by itself.
    fn open(&self, input: &Input) -> impl Future<Output = ()>;
    /// Sends drafts ahead of the batch that will have them verified, and returns at once.
    fn send_ahead(&self, drafts: &[Draft], by: &Verify);
    /// Sends drafts for verification, and returns at once.
    fn verify(&self, batch: &Batch<'_>, by: &Verify) -> Self::Verification;
    /// Sends drafts for verification, lets the cloud's model write the rest of the answer, and waits for its end.
    fn finish(&self, batch: &Batch<'_>, by: &Verify) -> impl Future<Output = ()>;
    /// Sends hidden states up, runs the cloud's layers on them, and brings the token down. It returns `true` for the last
    /// token of the answer.
    fn pass(&self, hidden: &Hidden<'_>) -> impl Future<Output = bool>;
    /// Sends hidden states of the prompt up and lets the cloud's layers write the whole answer.
    fn answer_from(&self, hidden: &Hidden<'_>) -> impl Future<Output = ()>;
}

/// A verdict to come, which can be awaited or looked for.
pub trait Verification: Future<Output = Verdict> + Unpin {
    /// `true` once the verdict has arrived; awaiting it then takes no time.
    fn has_arrived(&self) -> bool;
}

/// Hidden states between the edge's layers and the cloud's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hidden<'i> {
    /// The prompt that they are of; none for those of the token that was made last.
    pub prompt: Option<&'i Input>,
    /// Share of the bytes of visual tokens that is sent.
    pub visual: Ratio,
}

/// The plan that a request is served with, for the log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// The MAS, where it was measured.
    pub mas: Option<Mas>,
    /// The input as it is let through.
    pub input: Input,
    /// The solver against the exact one, where they were compared.
    pub regret: Option<Regret>,
}

/// A solver of Eq. 11 against the exact one, on one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Regret {
    /// E[L_prefill] of the solver's plan over that of the exact plan, minus 1. None if the solver found no allowed plan.
    pub gap: Option<f64>,
    /// Plans that it looked at.
    pub evaluations: u32,
    /// Time that the request is charged for it.
    pub time: SimDuration,
}

/// The platform as observed at an instant. It has no true output length and no future bandwidth.
#[derive(Clone, Copy)]
pub struct View<'v> {
    /// Number of the edge's kind and the cloud's: where it is equal, so are prices.
    pub platform: u32,
    /// The uplink's rate now.
    pub uplink: BitsPerSecond,
    /// Round-trip time.
    pub rtt: SimDuration,
    /// The part of it on the way to the cloud.
    pub way_up: SimDuration,
    /// `true` charges an upload a round trip for each of its modalities (Eq. 8) instead of half of one.
    pub rtt_per_modality: bool,
    /// Requests that wait or run on this edge's GPU.
    pub edge_requests: u32,
    /// Requests that wait or run in the cloud, per GPU.
    pub cloud_requests: f64,
    /// Tokens of KV cache that are free on this edge.
    pub edge_free_tokens: u64,
    /// Prices of the edge when it is idle.
    pub edge: &'v dyn Prices,
    /// Prices of the cloud when it is idle.
    pub cloud: &'v dyn Prices,
}

impl View<'_> {
    /// Time of an input's upload over a free link (Eq. 8).
    pub fn upload_time(&self, input: &Input) -> SimDuration {
        self.uplink.transfer_time(input.payload()) + self.delay(&input.prompt)
    }

    /// The part of that which does not depend on the bytes.
    pub fn delay(&self, prompt: &Prompt) -> SimDuration {
        if self.rtt_per_modality { self.rtt * u64::from(prompt.modalities()) } else { self.way_up }
    }

    /// The part of the round trip on the way back.
    pub fn way_down(&self) -> SimDuration {
        self.rtt.saturating_sub(self.way_up)
    }
}

/// Prices of work on an idle device, to plan with, and sizes of its model's states.
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

/// Facts that a policy is told before the first request.
#[derive(Clone, Debug)]
pub struct Briefing {
    /// Seed of the scenario.
    pub seed: u64,
    /// Number of the run's replication, from 0.
    pub replication: u32,
    /// The draft's entropy on a calibration set.
    pub calibration: Rc<Calibration>,
    /// Mean share of right answers lost at a retention. A request's own factor is not known.
    pub pruning: PruningLoss,
    /// The benchmark that is asked.
    pub benchmark: Benchmark,
}
