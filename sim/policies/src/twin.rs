//! The analytic twin: what closed forms say of a request that is alone on the platform, beside what the simulation
//! finds.
//!
//! *Eq. 14 as printed*: `max(D_edge, D_cloud + sum T_comm) + E[N_spec] (T_draft + P_conf T_verify) + (1 - P_conf) T_offload`,
//! with `T_comm = bytes / B + RTT` for each modality, `T_draft = N_draft t_draft`, `T_verify = N_draft t_verify` and
//! `E[N_spec] = 1 / (1 - P_conf)`. It knows no length of the answer, no round trip of a verdict and no rejection. Systems
//! that do not draft have L iterations of their model in its place.
//!
//! *Renewal form*: rounds of drafting and verifying are a renewal process. A round drafts until the batch is full or a
//! token is unsure, and commits the accepted tokens and one of the target's own:
//! `rate = E[tokens committed] / E[draws t_draft + RTT + t_verify]`. It takes acceptances as independent, the threshold as
//! it starts, and every GPU and the link as idle.

use crate::speculation::Speculation;
use crate::{Briefing, View};
use model::{
    modality::Modality,
    request::{Input, Prompt},
    tokens::Calibration,
};
use units::{Ratio, SimDuration};

/// A request that is alone on the platform.
pub struct Alone<'v> {
    /// Rates, round trip and prices.
    pub view: View<'v>,
    /// The input as it was let through.
    pub input: &'v Input,
    /// Tokens of the answer.
    pub output_tokens: u32,
    /// What preprocessing takes.
    pub preprocess: SimDuration,
    /// Entropies and acceptances of the draft, over many tokens.
    pub tokens: &'v Calibration,
    /// What the policy was told.
    pub briefing: &'v Briefing,
}

/// End-to-end latency by closed forms, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Twin {
    /// Eq. 14 as printed.
    pub eq14_s: f64,
    /// The renewal form.
    pub renewal_s: f64,
}

impl Twin {
    /// This one with probability `share`, the other otherwise.
    pub(crate) fn mixed(self, other: &Self, share: f64) -> Self {
        let mix = |a: f64, b: f64| share * a + (1.0 - share) * b;
        Self { eq14_s: mix(self.eq14_s, other.eq14_s), renewal_s: mix(self.renewal_s, other.renewal_s) }
    }

    /// The renewal form with that much more before it; Eq. 14 knows of nothing before the prefill.
    pub(crate) fn after(self, time: SimDuration) -> Self {
        Self { renewal_s: self.renewal_s + time.as_secs_f64(), ..self }
    }
}

/// How a system drafts, as far as the closed forms know it.
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
    fn context(&self, prices: &dyn crate::Prices) -> u64 {
        prices.prompt_tokens(self.input) + u64::from(self.output_tokens) / 2
    }

    /// Eq. 8 as printed, over all modalities.
    fn printed_upload(&self) -> SimDuration {
        let sent = |&modality: &Modality| self.prompt().has(modality);
        let modalities = Modality::ALL.iter().filter(|modality| sent(modality));
        modalities.map(|&modality| self.view.uplink.transfer_time(self.input.bytes(modality)) + self.view.rtt).sum()
    }

    /// The cloud's model answers.
    pub fn on_cloud(&self) -> Twin {
        let token = self.view.cloud.token(self.context(self.view.cloud));
        let prefill = self.view.cloud.prefill(self.input);
        let printed = self.printed_upload() + prefill + token * u64::from(self.output_tokens);
        let real = self.preprocess
            + self.encode()
            + self.view.upload_time(self.input)
            + prefill
            + self.rest(token)
            + self.view.rtt / 2;
        Twin { eq14_s: printed.as_secs_f64(), renewal_s: real.as_secs_f64() }
    }

    /// The edge's model answers.
    pub fn on_edge(&self) -> Twin {
        let token = self.view.edge.token(self.context(self.view.edge));
        let prefill = self.view.edge.prefill(self.input);
        let printed = prefill + token * u64::from(self.output_tokens);
        Twin { eq14_s: printed.as_secs_f64(), renewal_s: (self.preprocess + prefill + self.rest(token)).as_secs_f64() }
    }

    /// The tokens behind the first, which the prefill makes.
    fn rest(&self, token: SimDuration) -> SimDuration {
        token * u64::from(self.output_tokens - 1)
    }

    /// The cloud's model is split between the tiers; this share of the visual tokens' hidden states goes up. With the
    /// shortcut the edge takes no part in decoding.
    pub(crate) fn split(&self, visual: Ratio, shortcut: bool) -> Twin {
        let (edge, cloud) = (self.view.edge, self.view.cloud);
        let states = cloud.prompt_state_bytes(self.input, visual);
        let upload = self.view.uplink.transfer_time(states) + self.view.rtt / 2;
        let first = self.preprocess + edge.prefill(self.input) + upload + cloud.prefill(self.input) + self.view.rtt / 2;
        let upper = cloud.token(self.context(cloud));
        let step = if shortcut {
            upper
        } else {
            let state = self.view.uplink.transfer_time(cloud.hidden_bytes());
            edge.token(self.context(edge)) + state + upper + self.view.rtt
        };
        let total = (first + self.rest(step)).as_secs_f64();
        Twin { eq14_s: total - self.preprocess.as_secs_f64(), renewal_s: total }
    }

    /// The edge drafts, the cloud verifies.
    pub(crate) fn drafting(&self, drafting: &Drafting<'_>) -> Twin {
        let view = &self.view;
        let draft = view.edge.token(self.context(view.edge)).as_secs_f64();
        let decode = view.cloud.token(self.context(view.cloud)).as_secs_f64();
        let edge = view.edge.prefill(self.input);
        let cloud = view.cloud.prefill(self.input);
        let n = f64::from(drafting.n_draft);
        let eq14_s = self.eq14(drafting, n * draft + drafting.confident * n * decode);
        let start = self.preprocess + self.encode() + edge.max(view.upload_time(self.input) + cloud);
        let rounds = Rounds { drafting, draft, verify: &|drafts| self.verify_s(drafting, drafts) };
        let decoding = if drafting.speculation.window == 1 {
            rounds.blocking(f64::from(self.output_tokens))
        } else {
            rounds.pipelined(f64::from(self.output_tokens))
        };
        Twin { eq14_s, renewal_s: start.as_secs_f64() + decoding }
    }

    /// Eq. 14 as printed, with so many seconds for a round of drafting and verifying.
    fn eq14(&self, drafting: &Drafting<'_>, round: f64) -> f64 {
        let view = &self.view;
        let prefill = view.edge.prefill(self.input).max(view.cloud.prefill(self.input) + self.printed_upload());
        let upload = view.uplink.transfer_time(drafting.speculation.state_of_one()) + view.rtt;
        let offload = (upload + view.cloud.token(self.context(view.cloud))).as_secs_f64();
        // With P_conf = 1 Eq. 13 diverges: the answer is drafted to its end.
        let spec = (1.0 / (1.0 - drafting.confident)).min(f64::from(self.output_tokens));
        prefill.as_secs_f64() + spec * round + (1.0 - drafting.confident) * offload
    }

    /// Tokens that are sure enough stand as the edge made them; the cloud makes the others. Eq. 14 has rounds of one token
    /// then, and nothing to verify.
    pub(crate) fn trusting(&self, drafting: &Drafting<'_>) -> Twin {
        let edge = self.view.edge.prefill(self.input);
        let draft = self.view.edge.token(self.context(self.view.edge)).as_secs_f64();
        let unsure = 1.0 - drafting.confident;
        let each = draft + unsure * self.verify_s(drafting, 0);
        // Nothing waits for the cloud's prefill but the first unsure token.
        let renewal_s = (self.preprocess + self.encode() + edge).as_secs_f64() + f64::from(self.output_tokens) * each;
        Twin { eq14_s: self.eq14(drafting, draft), renewal_s }
    }

    /// From sending a batch to its verdict.
    fn verify_s(&self, drafting: &Drafting<'_>, drafts: u32) -> f64 {
        let prices = self.view.cloud;
        let context = self.context(prices);
        let compute = if drafting.speculation.verify.one_by_one {
            prices.token(context) * u64::from(drafts.max(1))
        } else {
            prices.verify(u64::from(drafts) + 1, context)
        };
        let link =
            self.view.uplink.transfer_time(drafting.speculation.verify.token_bytes * u64::from(drafts)) + self.view.rtt;
        (if drafting.speculation.verify.off_the_link { compute } else { compute + link }).as_secs_f64()
    }
}

/// Rounds of drafting and verifying.
struct Rounds<'d> {
    drafting: &'d Drafting<'d>,
    /// Seconds of a drafted token.
    draft: f64,
    /// Seconds of the verification of so many.
    verify: &'d dyn Fn(u32) -> f64,
}

impl Rounds<'_> {
    /// Seconds for so many tokens when the edge waits for every verdict.
    fn blocking(&self, tokens: f64) -> f64 {
        let Drafting { n_draft, confident, acceptance, speculation } = *self.drafting;
        let (mut mean, mut square, mut time) = (0.0, 0.0, 0.0);
        let mut add = |probability: f64, committed: (f64, f64), seconds: f64| {
            mean += probability * committed.0;
            square += probability * committed.1;
            time += probability * seconds;
        };
        let mut reach = 1.0;
        for sure in 0..n_draft {
            let unsure = reach * (1.0 - confident);
            let seconds = f64::from(sure + 1) * self.draft + (self.verify)(sure);
            add(unsure, committed(acceptance, sure, true), seconds);
            reach *= confident;
        }
        let seconds = f64::from(n_draft) * self.draft + (self.verify)(n_draft);
        add(reach, committed(acceptance, n_draft, speculation.bonus), seconds);
        // The last round overshoots by half of what the mean round of a length-biased choice holds.
        let overshoot = (square / mean - 1.0) / 2.0;
        (tokens + overshoot) / mean * time
    }

    /// Seconds for so many tokens with several batches in flight: cycles that end with a token that is unsure or rejected.
    fn pipelined(&self, tokens: f64) -> f64 {
        let Drafting { n_draft, confident, acceptance, speculation } = *self.drafting;
        let (n, window) = (f64::from(n_draft), speculation.window);
        let verify = (self.verify)(n_draft);
        // A full window holds the edge back to one batch in (n t_draft + verdict) / W.
        let each = self.draft.max((n * self.draft + verify) / (n * f64::from(window)));
        let good = confident * acceptance;
        let before = good / (1.0 - good).max(1e-12);
        let rejected = confident * (1.0 - acceptance) / (1.0 - good).max(1e-12);
        // The batch of a rejected token is drafted to its end first; on average half of it is left.
        let wasted = rejected * (n - 1.0) / 2.0 * self.draft;
        let cycle = (before + 1.0) * each + wasted + verify;
        let in_cycles = tokens / (before + 1.0) * cycle;
        // An answer without any such token ends with one verdict.
        in_cycles.min(tokens * each + verify + tokens / (before + 1.0) * (wasted + verify))
    }
}

/// Mean and mean square of the tokens that a batch of `drafts` commits: the accepted ones and one of the target's own,
/// but for a batch that is accepted whole without a bonus.
fn committed(acceptance: f64, drafts: u32, bonus: bool) -> (f64, f64) {
    let (mut mean, mut square, mut reach) = (0.0, 0.0, 1.0);
    for accepted in 0..drafts {
        let tokens = f64::from(accepted) + 1.0;
        mean += reach * (1.0 - acceptance) * tokens;
        square += reach * (1.0 - acceptance) * tokens * tokens;
        reach *= acceptance;
    }
    let whole = f64::from(drafts) + f64::from(u8::from(bonus));
    (mean + reach * whole, square + reach * whole * whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_a_verify_are_the_formula() {
        // (1 - a^(g+1)) / (1 - a) with a bonus, (1 - a^g) / (1 - a) without.
        for (a, g) in [(0.5, 4), (0.825, 4), (0.9, 1), (0.97, 16)] {
            let formula = |n: i32| (1.0 - f64::powi(a, n)) / (1.0 - a);
            assert!((committed(a, g, true).0 - formula(g as i32 + 1)).abs() < 1e-12);
            assert!((committed(a, g, false).0 - formula(g as i32)).abs() < 1e-12);
        }
        // All accepted: always g + 1.
        assert_eq!(committed(1.0, 4, true), (5.0, 25.0));
    }
}
