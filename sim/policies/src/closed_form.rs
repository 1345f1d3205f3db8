//! Closed forms of the latency of a request that is alone on the platform; tables show them beside the simulated latency.
//!
//! *Eq. 14 as printed*: `max(D_edge, D_cloud + sum T_comm) + E[N_spec] (T_draft + P_conf T_verify) + (1 - P_conf) T_offload`,
//! with `T_comm = bytes / B + RTT` for each modality, `T_draft = N_draft t_draft`, `T_verify = N_draft t_verify` and
//! `E[N_spec] = 1 / (1 - P_conf)`. It knows no length of the answer, no round trip of a verdict and no rejection. Systems
//! that do not draft have L iterations of their model in its place.
//!
//! *Renewal form*: rounds of drafting and verifying are a renewal process. A round drafts until the batch is full or a
//! token is unsure, and commits the accepted tokens and one of the target's own:
//! `rate = E[tokens committed] / E[draws t_draft + RTT + t_verify]`. It takes acceptances as independent, the threshold as
//! it starts, and every GPU and the link as idle. The prefills' last logits spare the first draft, and where that is not sure
//! enough the cloud's pass as well. At a token that is not sure enough the edge flushes its cache and waits, or
//! drafts on (`continue`); the other choices are not told apart.
//! With several batches in flight a round is what lies between two stops: verdicts that reject a token, and tokens that
//! are not sure enough.

mod rounds;

use crate::speculation::Speculation;
use crate::testbed::{Briefing, Prices, View};
use model::{
    modality::Modality,
    request::{Input, Prompt},
    tokens::Calibration,
};
use rounds::Rounds;
use std::ops::Deref;
use units::{Bytes, Ratio, SimDuration};

/// A request that is alone on the platform.
pub struct Alone<'v> {
    /// Rates, round trip and prices.
    pub view: View<'v>,
    /// The input as it was let through.
    pub input: &'v Input,
    /// Tokens of the answer.
    pub output_tokens: u32,
    /// Time of the preprocessing.
    pub preprocess: SimDuration,
    /// Entropies and acceptances of the draft, over many tokens.
    pub tokens: &'v dyn Deref<Target = Calibration>,
    /// The policy's briefing.
    pub briefing: &'v Briefing,
}

/// End-to-end latency by closed forms, in seconds; by default there are none.
///
/// ```
/// use policies::ClosedForms;
///
/// // A paper's own estimate of a system for which nobody has worked out a renewal form.
/// let forms = ClosedForms { eq14_s: Some(1.25), ..ClosedForms::default() };
/// assert_eq!(forms.renewal_s, None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClosedForms {
    /// Eq. 14 of the MSAO paper, as printed.
    pub eq14_s: Option<f64>,
    /// The renewal form.
    pub renewal_s: Option<f64>,
}

impl ClosedForms {
    fn of(eq14_s: f64, renewal_s: f64) -> Self {
        Self { eq14_s: Some(eq14_s), renewal_s: Some(renewal_s) }
    }

    /// These forms with probability `share`, the others otherwise.
    pub(crate) fn mixed(self, other: &Self, share: f64) -> Self {
        let mix = |a: Option<f64>, b: Option<f64>| Some(share * a? + (1.0 - share) * b?);
        Self { eq14_s: mix(self.eq14_s, other.eq14_s), renewal_s: mix(self.renewal_s, other.renewal_s) }
    }

    /// The renewal form with that much more before it; Eq. 14 knows of nothing before the prefill.
    pub(crate) fn after(self, time: SimDuration) -> Self {
        Self { renewal_s: self.renewal_s.map(|seconds| seconds + time.as_secs_f64()), ..self }
    }
}

/// A system that drafts, as far as the closed forms know it.
pub(crate) struct Drafting<'s> {
    /// Tokens of a batch.
    pub n_draft: u32,
    /// Probability that a token is sure enough.
    pub confident: f64,
    /// Probability that such a token is accepted.
    pub acceptance: f64,
    /// The rest.
    pub speculation: &'s Speculation,
}

impl Drafting<'_> {
    /// The form for tokens that end their batch but stop nothing: batches of the mean length, whose tokens are
    /// accepted as all tokens are.
    pub(crate) fn without_stops(self, acceptance: f64) -> Self {
        let sure = libm::pow(self.confident, f64::from(self.n_draft));
        let length = if self.confident < 1.0 { (1.0 - sure) / (1.0 - self.confident) } else { f64::from(self.n_draft) };
        Self { n_draft: libm::round(length).max(1.0) as u32, confident: 1.0, acceptance, ..self }
    }
}

impl Alone<'_> {
    /// The probe of this request.
    pub(crate) fn probe(&self) -> SimDuration {
        self.view.edge.probe(self.prompt())
    }

    /// The cloud model's vision tower, on the edge, where its output is what is sent.
    fn encode(&self) -> SimDuration {
        let encoded = self.prompt().images.is_some_and(|images| images.encoded);
        if encoded { self.view.edge.encode(self.prompt()) } else { SimDuration::ZERO }
    }

    /// The prompt.
    fn prompt(&self) -> &Prompt {
        &self.input.prompt
    }

    /// The tokens that the model of a side has read, on average over the answer.
    fn context(&self, prices: &dyn Prices) -> u64 {
        prices.prompt_tokens(self.input) + u64::from(self.output_tokens) / 2
    }

    /// Eq. 8 as printed, over all modalities.
    fn printed_upload(&self) -> SimDuration {
        let sent = |&modality: &Modality| self.prompt().has(modality);
        let modalities = Modality::ALL.iter().filter(|modality| sent(modality));
        modalities.map(|&modality| self.view.uplink.transfer_time(self.input.bytes(modality)) + self.view.rtt).sum()
    }

    /// The cloud's model answers.
    pub fn on_cloud(&self) -> ClosedForms {
        let token = self.view.cloud.token(self.context(self.view.cloud));
        let prefill = self.view.cloud.prefill(self.input);
        let printed = self.printed_upload() + prefill + token * u64::from(self.output_tokens);
        let real = self.preprocess
            + self.encode()
            + self.view.upload_time(self.input)
            + prefill
            + self.rest(token)
            + self.view.way_down();
        ClosedForms::of(printed.as_secs_f64(), real.as_secs_f64())
    }

    /// The edge's model answers.
    pub fn on_edge(&self) -> ClosedForms {
        let token = self.view.edge.token(self.context(self.view.edge));
        let prefill = self.view.edge.prefill(self.input);
        let printed = prefill + token * u64::from(self.output_tokens);
        ClosedForms::of(printed.as_secs_f64(), (self.preprocess + prefill + self.rest(token)).as_secs_f64())
    }

    /// The tokens behind the first, which the prefill makes.
    fn rest(&self, token: SimDuration) -> SimDuration {
        token * u64::from(self.output_tokens - 1)
    }

    /// The cloud's model is split between the tiers; this share of the visual tokens' hidden states goes up. With the
    /// shortcut the edge takes no part in decoding.
    pub(crate) fn split(&self, visual: Ratio, shortcut: bool) -> ClosedForms {
        let (edge, cloud) = (self.view.edge, self.view.cloud);
        let states = cloud.prompt_state_bytes(self.input, visual);
        let upload = self.view.uplink.transfer_time(states) + self.view.way_up;
        let first =
            self.preprocess + edge.prefill(self.input) + upload + cloud.prefill(self.input) + self.view.way_down();
        let upper = cloud.token(self.context(cloud));
        let step = if shortcut {
            upper
        } else {
            let state = self.view.uplink.transfer_time(cloud.hidden_bytes());
            edge.token(self.context(edge)) + state + upper + self.view.rtt
        };
        let total = (first + self.rest(step)).as_secs_f64();
        ClosedForms::of(total - self.preprocess.as_secs_f64(), total)
    }

    /// The edge drafts, the cloud verifies.
    pub(crate) fn drafting(&self, drafting: &Drafting<'_>) -> ClosedForms {
        let view = &self.view;
        let context = self.context(view.cloud);
        let draft = view.edge.token(self.context(view.edge)).as_secs_f64();
        let decode = view.cloud.token(context).as_secs_f64();
        let (edge, cloud) = (view.edge.prefill(self.input), view.cloud.prefill(self.input));
        let n = f64::from(drafting.n_draft);
        let eq14_s = self.eq14(drafting, [edge, cloud], n * draft + drafting.confident * n * decode);
        let start = self.preprocess + self.encode() + edge.max(view.upload_time(self.input) + cloud);
        let rounds = Rounds {
            drafting,
            draft,
            compute: &|drafts| self.compute_s(drafting, context, drafts),
            link: &|drafts, unsure| self.link_s(drafting, drafts, unsure),
        };
        let decoding = if drafting.speculation.window == 1 {
            rounds.blocking(f64::from(self.output_tokens))
        } else {
            rounds.pipelined(f64::from(self.output_tokens))
        };
        ClosedForms::of(eq14_s, start.as_secs_f64() + decoding - self.spared_s(drafting, context, draft))
    }

    /// Eq. 14 as printed, with both sides' prefills and so many seconds for a round of drafting and verifying.
    fn eq14(&self, drafting: &Drafting<'_>, [edge, cloud]: [SimDuration; 2], round: f64) -> f64 {
        let view = &self.view;
        let prefill = edge.max(cloud + self.printed_upload());
        let upload = view.uplink.transfer_time(drafting.speculation.state_of_one()) + view.rtt;
        let offload = (upload + view.cloud.token(self.context(view.cloud))).as_secs_f64();
        // With P_conf = 1 Eq. 13 diverges: the answer is drafted to its end.
        let spec = (1.0 / (1.0 - drafting.confident)).min(f64::from(self.output_tokens));
        prefill.as_secs_f64() + spec * round + (1.0 - drafting.confident) * offload
    }

    /// Tokens that are sure enough stand as the edge made them; the cloud makes the others. Eq. 14 has rounds of one token
    /// then, and nothing to verify.
    pub(crate) fn trusting(&self, drafting: &Drafting<'_>) -> ClosedForms {
        let view = &self.view;
        let (edge, cloud) = (view.edge.prefill(self.input), view.cloud.prefill(self.input));
        let context = self.context(view.cloud);
        let draft = view.edge.token(self.context(view.edge)).as_secs_f64();
        let unsure = 1.0 - drafting.confident;
        // Tokens that were trusted since the last that was not.
        let trusted = (drafting.confident / unsure).min(f64::from(self.output_tokens)) as u32;
        let each = draft + unsure * (self.compute_s(drafting, context, trusted) + self.link_s(drafting, trusted, true));
        // Nothing waits for the cloud's prefill but the first unsure token.
        let start = (self.preprocess + self.encode() + edge).as_secs_f64() - self.spared_s(drafting, context, draft);
        ClosedForms::of(self.eq14(drafting, [edge, cloud], draft), start + f64::from(self.output_tokens) * each)
    }

    /// Seconds of passes that the prompts' last logits spare: the first draft, and the cloud's own first token in its place
    /// where it is not sure enough.
    fn spared_s(&self, drafting: &Drafting<'_>, context: u64, draft: f64) -> f64 {
        draft + (1.0 - drafting.confident) * self.compute_s(drafting, context, 0)
    }

    /// Seconds in the cloud of verifying so many drafts behind a context of so many tokens.
    fn compute_s(&self, drafting: &Drafting<'_>, context: u64, drafts: u32) -> f64 {
        let prices = self.view.cloud;
        let time = if drafting.speculation.verify.one_by_one {
            prices.token(context) * u64::from(drafts.max(1))
        } else {
            prices.verify(u64::from(drafts) + 1, context)
        };
        time.as_secs_f64()
    }

    /// Seconds of that on the link, up and down, with the state of a token that is not sure enough if there is one.
    fn link_s(&self, drafting: &Drafting<'_>, drafts: u32, unsure: bool) -> f64 {
        let Speculation { verify, .. } = drafting.speculation;
        if verify.off_the_link {
            return 0.0;
        }
        let half = self.output_tokens / 2;
        let state = if unsure { drafting.speculation.state_behind(drafts, half) } else { Bytes::ZERO };
        let bytes = verify.token_bytes * u64::from(drafts) + state;
        (self.view.uplink.transfer_time(bytes) + self.view.rtt).as_secs_f64()
    }
}

#[cfg(test)]
mod tests;
