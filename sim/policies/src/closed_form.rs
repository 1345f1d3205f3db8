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

use crate::speculation::Speculation;
use crate::testbed::{Briefing, Prices, View};
use model::{
    modality::Modality,
    request::{Input, Prompt},
    tokens::Calibration,
};
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
    pub tokens: &'v Calibration,
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
            + self.view.rtt / 2;
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
        ClosedForms::of(total - self.preprocess.as_secs_f64(), total)
    }

    /// The edge drafts, the cloud verifies.
    pub(crate) fn drafting(&self, drafting: &Drafting<'_>) -> ClosedForms {
        let view = &self.view;
        let draft = view.edge.token(self.context(view.edge)).as_secs_f64();
        let decode = view.cloud.token(self.context(view.cloud)).as_secs_f64();
        let edge = view.edge.prefill(self.input);
        let cloud = view.cloud.prefill(self.input);
        let n = f64::from(drafting.n_draft);
        let eq14_s = self.eq14(drafting, n * draft + drafting.confident * n * decode);
        let start = self.preprocess + self.encode() + edge.max(view.upload_time(self.input) + cloud);
        let rounds = Rounds {
            drafting,
            draft,
            compute: &|drafts| self.compute_s(drafting, drafts),
            link: &|drafts, unsure| self.link_s(drafting, drafts, unsure),
        };
        let decoding = if drafting.speculation.window == 1 {
            rounds.blocking(f64::from(self.output_tokens))
        } else {
            rounds.pipelined(f64::from(self.output_tokens))
        };
        ClosedForms::of(eq14_s, start.as_secs_f64() + decoding - self.spared_s(drafting, draft))
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
    pub(crate) fn trusting(&self, drafting: &Drafting<'_>) -> ClosedForms {
        let edge = self.view.edge.prefill(self.input);
        let draft = self.view.edge.token(self.context(self.view.edge)).as_secs_f64();
        let unsure = 1.0 - drafting.confident;
        // Tokens that were trusted since the last that was not.
        let trusted = (drafting.confident / unsure).min(f64::from(self.output_tokens)) as u32;
        let each = draft + unsure * (self.compute_s(drafting, trusted) + self.link_s(drafting, trusted, true));
        // Nothing waits for the cloud's prefill but the first unsure token.
        let start = (self.preprocess + self.encode() + edge).as_secs_f64() - self.spared_s(drafting, draft);
        ClosedForms::of(self.eq14(drafting, draft), start + f64::from(self.output_tokens) * each)
    }

    /// Seconds of passes that the prompts' last logits spare: the first draft, and the cloud's own first token in its place
    /// where it is not sure enough.
    fn spared_s(&self, drafting: &Drafting<'_>, draft: f64) -> f64 {
        draft + (1.0 - drafting.confident) * self.compute_s(drafting, 0)
    }

    /// Seconds in the cloud of verifying so many drafts.
    fn compute_s(&self, drafting: &Drafting<'_>, drafts: u32) -> f64 {
        let (prices, context) = (self.view.cloud, self.context(self.view.cloud));
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

/// Rounds of drafting and verifying.
struct Rounds<'d> {
    drafting: &'d Drafting<'d>,
    /// Seconds of a drafted token.
    draft: f64,
    /// Seconds in the cloud of the verification of so many.
    compute: &'d dyn Fn(u32) -> f64,
    /// Seconds on the link of so many, with or without the state of an unsure token.
    link: &'d dyn Fn(u32, bool) -> f64,
}

/// The batches of a pipeline that is never stopped: the time at which each is sent and its verdict lands.
struct Unstopped {
    sent: Vec<f64>,
    landed: Vec<f64>,
}

impl Rounds<'_> {
    /// From sending a batch to its verdict.
    fn verify(&self, drafts: u32, unsure: bool) -> f64 {
        (self.compute)(drafts) + (self.link)(drafts, unsure)
    }

    /// Batches that end early: the probability of each, and its tokens that are sure enough.
    fn unsure(&self) -> impl Iterator<Item = (f64, u32)> {
        let Drafting { n_draft, confident, .. } = *self.drafting;
        let reach = (0..n_draft).scan(1.0, move |reach, sure| {
            let unsure = *reach * (1.0 - confident);
            *reach *= confident;
            Some((unsure, sure))
        });
        reach.filter(|(probability, _)| *probability > 0.0)
    }

    /// Seconds for so many tokens when the edge waits for every verdict.
    fn blocking(&self, tokens: f64) -> f64 {
        let Drafting { n_draft, confident, acceptance, speculation } = *self.drafting;
        let (mut mean, mut square, mut time) = (0.0, 0.0, 0.0);
        let mut add = |probability: f64, committed: (f64, f64), seconds: f64| {
            mean += probability * committed.0;
            square += probability * committed.1;
            time += probability * seconds;
        };
        for (probability, sure) in self.unsure() {
            let seconds = f64::from(sure + 1) * self.draft + self.verify(sure, true);
            add(probability, committed(acceptance, sure, true), seconds);
        }
        let full = libm::pow(confident, f64::from(n_draft));
        let seconds = f64::from(n_draft) * self.draft + self.verify(n_draft, false);
        add(full, committed(acceptance, n_draft, speculation.bonus), seconds);
        // The last round overshoots by half of what the mean round of a length-biased choice holds.
        let overshoot = (square / mean - 1.0) / 2.0;
        (tokens + overshoot) / mean * time
    }

    /// The first so many batches of a pipeline. The edge goes on when fewer than W of them are on their way, the cloud
    /// verifies one after the other.
    fn unstopped(&self, batches: usize) -> Unstopped {
        let Drafting { n_draft, speculation, .. } = *self.drafting;
        let (window, drafting) = (speculation.window as usize, f64::from(n_draft) * self.draft);
        let (compute, verify) = ((self.compute)(n_draft), self.verify(n_draft, false));
        let (mut sent, mut landed) = (Vec::with_capacity(batches), Vec::with_capacity(batches));
        for batch in 0..batches {
            let last = sent.last().copied().unwrap_or(0.0);
            let room = if batch < window { 0.0 } else { landed[batch - window] };
            sent.push(f64::max(last, room) + drafting);
            let free = landed.last().map_or(0.0, |landed| landed + compute);
            landed.push(f64::max(sent[batch] + verify, free));
        }
        Unstopped { sent, landed }
    }

    /// Seconds for so many tokens with several batches in flight: cycles of batches that are accepted whole, and one at the
    /// end that is rejected or has a token that is not sure enough, whose verdict the edge has to wait for.
    fn pipelined(&self, tokens: f64) -> f64 {
        let Drafting { n_draft, confident, acceptance, speculation } = *self.drafting;
        let (n, window) = (f64::from(n_draft), speculation.window as usize);
        let most = libm::ceil(tokens / n) as usize;
        let Unstopped { sent, landed } = self.unstopped(most + window);
        let full = libm::pow(confident, n);
        let whole = full * libm::pow(acceptance, n);
        // Tokens of a full batch that is accepted whole, and what the others bring by themselves.
        let all = committed(acceptance, n_draft, false);
        let rejected = (full * all.0 - whole * n, full * all.1 - whole * n * n);
        let (mut mean, mut square, mut time, mut reach) = (0.0, 0.0, 0.0, 1.0);
        for batch in 0..most {
            let before = batch as f64 * n;
            let mut add = |probability: f64, tokens: (f64, f64)| {
                mean += reach * (probability * before + tokens.0);
                square += reach * (probability * before * before + 2.0 * before * tokens.0 + tokens.1);
            };
            let free = if batch == 0 { f64::NEG_INFINITY } else { landed[batch - 1] };
            let begun = sent[batch] - n * self.draft;
            for (probability, sure) in self.unsure() {
                let sending = begun + f64::from(sure + 1) * self.draft;
                let verdict = f64::max(sending + self.verify(sure, true), free + (self.compute)(sure));
                let tokens = committed(acceptance, sure, true);
                add(probability, (probability * tokens.0, probability * tokens.1));
                time += reach * probability * verdict;
            }
            // The token that is being drafted when the verdict arrives is made to its end, unless the window is full.
            let ahead = (landed[batch] - sent[batch]) / self.draft;
            let full_window = sent[batch + window - 1] <= landed[batch];
            let left = if full_window { 0.0 } else { (libm::ceil(ahead) - ahead) * self.draft };
            add(full - whole, rejected);
            time += reach * (full - whole) * (landed[batch] + left);
            reach *= whole;
            if reach < 1e-9 {
                break;
            }
        }
        // Where nothing stops it, the answer ends the cycle, and its last batch.
        mean += reach * tokens;
        time += reach * (landed[most - 1] - (most as f64 * n - tokens) * self.draft);
        // The last cycle is cut short by what it overshoots, but for the wait at its end.
        let overshoot = (1.0 - reach) * (square / mean - 1.0).max(0.0) / 2.0;
        let each = sent[most - 1] / (most as f64 * n);
        tokens / mean * time + overshoot * (time / mean - each)
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
    use crate::Verify;
    use crate::speculation::{CacheAtLowConfidence, LowConfidence, StateSize, Unsure};
    use crate::testbed::Prices;
    use model::{
        accuracy::PruningLoss,
        audio::Audio,
        published::Benchmark,
        request::{ImageSize, Images},
        tokens::TokenProcess,
    };
    use units::BitsPerSecond;

    /// Milliseconds of the prefill and of a token, whatever the input and the context.
    struct Fixed(u64, u64);

    impl Prices for Fixed {
        fn prefill(&self, _: &Input) -> SimDuration {
            SimDuration::from_ms(self.0)
        }
        fn token(&self, _: u64) -> SimDuration {
            SimDuration::from_ms(self.1)
        }
        fn verify(&self, _: u64, _: u64) -> SimDuration {
            SimDuration::from_ms(self.1)
        }
        fn probe(&self, _: &Prompt) -> SimDuration {
            SimDuration::ZERO
        }
        fn prompt_tokens(&self, _: &Input) -> u64 {
            0
        }
        fn hidden_bytes(&self) -> Bytes {
            Bytes::ZERO
        }
        fn kv_bytes(&self) -> Bytes {
            Bytes::ZERO
        }
        fn encoded_bytes(&self, _: &Prompt) -> Bytes {
            Bytes::ZERO
        }
        fn encode(&self, _: &Prompt) -> SimDuration {
            SimDuration::ZERO
        }
        fn prompt_state_bytes(&self, _: &Input, _: Ratio) -> Bytes {
            Bytes::ZERO
        }
    }

    /// A request of 120 bytes of text, 160,000 of a picture and 40,000 of sound, of which 1 takes a microsecond, and a
    /// round trip of 20 ms. The cloud reads it in 300 ms and makes a token in 5; the edge takes so many milliseconds and 10.
    /// Its answer has 10 tokens.
    fn with<T>(edge_ms: u64, rtt_per_modality: bool, act: impl FnOnce(&Alone<'_>) -> T) -> T {
        let size = ImageSize::Pixels { width: 640, height: 480 };
        let images = Images { count: 1, size, payload: Bytes::new(160_000), moving: false, encoded: false };
        let audio = Some(Audio::lasting(SimDuration::from_secs(5)));
        let input = Input::whole(Prompt { request: 0, text_tokens: 30, images: Some(images), audio });
        let calibration = Calibration::sample(&TokenProcess::default(), 10, 1);
        let (pruning, benchmark) = (PruningLoss::default(), Benchmark::Other);
        let briefing = Briefing { calibration: calibration.clone().into(), pruning, benchmark };
        let view = View {
            uplink: BitsPerSecond::from_mbps(8),
            rtt: SimDuration::from_ms(20),
            rtt_per_modality,
            edge_requests: 0,
            cloud_requests: 0.0,
            edge_free_tokens: 1 << 20,
            edge: &Fixed(edge_ms, 10),
            cloud: &Fixed(300, 5),
        };
        let preprocess = SimDuration::from_ms(1);
        act(&Alone { view, input: &input, output_tokens: 10, preprocess, tokens: &calibration, briefing: &briefing })
    }

    #[test]
    fn eq_8_by_hand() {
        // .12 + 160 + 40 ms of bytes, and a round trip for each of three modalities, or half of one.
        let us = SimDuration::from_us;
        assert_eq!(with(0, false, |alone| alone.printed_upload()), us(260_120));
        assert_eq!(with(0, true, |alone| alone.view.upload_time(alone.input)), us(260_120));
        assert_eq!(with(0, false, |alone| alone.view.upload_time(alone.input)), us(210_120));
    }

    #[test]
    fn eq_13_and_14_by_hand() {
        let state =
            StateSize { fixed: Bytes::new(1000), per_new_token: Bytes::ZERO, per_token: Bytes::ZERO, prompt_tokens: 0 };
        let unsure = Unsure { then: LowConfidence::Wait, cache: CacheAtLowConfidence::Flush, state };
        let verify = Verify { one_by_one: false, off_the_link: false, token_bytes: Bytes::new(8) };
        let speculation = Speculation { window: 1, bonus: true, verify, unsure };
        // A round of N_draft = 4: T_draft = 4 x 10 ms, T_verify = 4 x 5 ms, and T_offload = 1 + 20 + 5 ms.
        // (edge's prefill, P_conf, seconds)
        let table = [
            // max(.5, .3 + .26012) + 4 (.04 + .75 x .02) + .25 x .026; E[N_spec] = 1 / (1 - .75) = 4.
            (500, 0.75, 0.56012 + 0.22 + 0.0065),
            (500, 0.5, 0.56012 + 2.0 * (0.04 + 0.01) + 0.013),
            (900, 0.75, 0.9 + 0.22 + 0.0065),
            // No token is sure: a round each, none of it verified.
            (500, 0.0, 0.56012 + 0.04 + 0.026),
            // Every token is: Eq. 13 diverges, and the answer's 10 tokens bound it.
            (500, 1.0, 0.56012 + 10.0 * (0.04 + 0.02)),
        ];
        for (edge_ms, confident, want) in table {
            let drafting = Drafting { n_draft: 4, confident, acceptance: 0.8, speculation: &speculation };
            let got = with(edge_ms, false, |alone| alone.eq14(&drafting, 0.04 + confident * 0.02));
            assert!((got - want).abs() < 1e-9, "{edge_ms} {confident}: {got}, not {want}");
        }
    }

    #[test]
    fn tokens_of_a_verify_are_the_formula() {
        // (1 - a^(g+1)) / (1 - a) with a bonus, (1 - a^g) / (1 - a) without.
        for (a, g) in [(0.5, 4), (0.825, 4), (0.9, 1), (0.97, 16)] {
            let formula = |n: i32| (1.0 - libm::pow(a, f64::from(n))) / (1.0 - a);
            assert!((committed(a, g, true).0 - formula(g as i32 + 1)).abs() < 1e-12);
            assert!((committed(a, g, false).0 - formula(g as i32)).abs() < 1e-12);
        }
        // All accepted: always g + 1.
        assert_eq!(committed(1.0, 4, true), (5.0, 25.0));
    }
}
