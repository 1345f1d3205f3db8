//! WISP (Li et al.; SIGMETRICS 2026; arXiv 2601.11652): drafting stops where a rejection is foreseen, and the cloud packs verifications
//! by deadline and by goodput.
//!
//! 1. A small classifier on the edge reads the draft's own statistics of each token, and says if the target will reject it. There drafting
//!    stops, and what was drafted before is sent.
//! 2. The cloud estimates the time of a batch. Requests near their deadlines come first, the earliest first; what room remains goes by
//!    goodput for its cost, as long as the estimate keeps the deadlines of the batch.
//!
//! Seen: the abstract; the rest second hand, by two readers. Assumed: the classifier knows the acceptance at the token's entropy from the
//! calibration set, foresees a rejection where that is below a half, and is wrong in a tenth of its verdicts beside; limits on the time
//! a token of 50, 100 and 200 ms, by turns; at most 8 drafts. The token that is foreseen to be rejected is not sent: the target makes it.

use crate::queue::{Verifier, Waiting};
use crate::settings::count;
use crate::speculation::{At, Gate, LowConfidence, Speculation, Unsure, read_prompt};
use crate::{About, Briefing, Edge, Policy, ServedBy, Testbed, Uses};
use kernel::Streams;
use model::{
    decoding::{Draft, Verdict},
    request::Input,
    tokens::Calibration,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::{Ratio, SimDuration};

/// Drafts up to a foreseen rejection, verified by deadline and goodput.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Wisp {
    /// Drafts of a batch, at most.
    pub n_draft: u32,
    /// Acceptance below which a rejection is foreseen.
    pub least_acceptance: Ratio,
    /// Share of the classifier's verdicts that are turned round.
    pub error: Ratio,
    /// Limits on the time a token; requests have them by turns.
    pub slo: Vec<SimDuration>,
    /// Requests that the cloud verifies at once, at most.
    pub batch: u32,
}

impl Default for Wisp {
    fn default() -> Self {
        Self {
            n_draft: 8,
            least_acceptance: Ratio::new(0.5),
            error: Ratio::new(0.1),
            slo: [50, 100, 200].map(SimDuration::from_ms).to_vec(),
            batch: 64,
        }
    }
}

/// The classifier at work on one request.
struct Classifier<'b> {
    settings: &'b Wisp,
    chances: &'b Calibration,
    request: u64,
}

impl Gate for Classifier<'_> {
    fn is_confident<B: Testbed>(&mut self, draft: &Draft, _: &At<'_, B>) -> bool {
        let accepts = self.chances.chance(draft.entropy_nats) >= self.settings.least_acceptance.as_f64();
        // A token that is drafted again has the verdict that it had.
        let draw = Streams::new(0).keyed("wisp", self.request).unit(draft.position.into());
        accepts != (draw < self.settings.error.as_f64())
    }
    fn learn<B: Testbed>(&mut self, _: &Verdict, _: &At<'_, B>) {}
    fn n_draft(&self) -> u32 {
        self.settings.n_draft
    }
}

impl Wisp {
    /// Time that a batch has left until its request is behind its limit, in seconds; negative if it is.
    fn slack(&self, one: &Waiting) -> f64 {
        let limit = self.slo[(one.request % self.slo.len() as u64) as usize];
        limit.as_secs_f64() * one.brings - one.silent.as_secs_f64()
    }
}

impl About for Wisp {
    fn uses(&self) -> Uses {
        Uses { edge_model: true, cloud: true, drafts: true, ..Uses::default() }
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        count("n_draft", self.n_draft)?;
        count("batch", self.batch)?;
        if self.slo.is_empty() || self.slo.contains(&SimDuration::ZERO) {
            return Err(("slo", "expected one limit above 0 at least".to_owned()));
        }
        Ok(())
    }

    fn queues(&self) -> bool {
        true
    }

    fn next(&self, waiting: &[Waiting], verifier: &Verifier<'_>) -> Vec<usize> {
        let slack = |place: usize| self.slack(&waiting[place]);
        let time = |places: &[usize]| verifier.time(places.iter().map(|place| &waiting[*place])).as_secs_f64();
        let goodput = |place: usize| waiting[place].brings / time(&[place]);
        let mut places: Vec<usize> = (0..waiting.len()).collect();
        places.sort_by(|a, b| slack(*a).total_cmp(&slack(*b)));
        // Who has no time to wait for all others is near its deadline.
        let all = time(&places);
        let (mut batch, mut rest): (Vec<usize>, Vec<usize>) = places.into_iter().partition(|place| slack(*place) < all);
        batch.truncate(self.batch as usize);
        rest.sort_by(|a, b| goodput(*b).total_cmp(&goodput(*a)));
        let kept = |batch: &[usize]| {
            batch.iter().map(|place| slack(*place)).filter(|left| *left > 0.0).fold(f64::MAX, f64::min)
        };
        for place in rest {
            batch.push(place);
            let is_too_long = batch.len() > 1 && time(&batch) > kept(&batch);
            if batch.len() > self.batch as usize || is_too_long {
                batch.pop();
            }
        }
        batch
    }

    fn examples() -> Vec<(&'static str, Self)> {
        let exact = Self { error: Ratio::ZERO, n_draft: 3, batch: 2, ..Self::default() };
        vec![("", Self::default()), ("exact", exact)]
    }
}

impl Policy for Wisp {
    type Memory = ();

    async fn serve<B: Testbed>(&self, bed: &B, briefing: &Briefing, (): &()) -> ServedBy {
        bed.edge().preprocess().await;
        Box::pin(read_prompt(bed, Input::whole(bed.prompt()))).await;
        let mut classifier =
            Classifier { settings: self, chances: &briefing.calibration, request: bed.prompt().request };
        // A token that is not sure enough is left to the cloud, behind those before it.
        let unsure = Unsure { then: LowConfidence::Wait, ..Unsure::NEVER };
        Speculation { unsure, ..Speculation::default() }.run(bed, &mut classifier).await;
        ServedBy::Cloud
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testbed::Prices;
    use model::request::Prompt;
    use units::Bytes;

    /// Verification takes 10 ms and 2 ms a token; nothing else is looked at.
    struct Linear;

    impl Prices for Linear {
        fn verify(&self, tokens: u64, _: u64) -> SimDuration {
            SimDuration::from_ms(10 + 2 * tokens)
        }
        fn prefill(&self, _: &Input) -> SimDuration {
            unreachable!()
        }
        fn token(&self, _: u64) -> SimDuration {
            unreachable!()
        }
        fn probe(&self, _: &Prompt) -> SimDuration {
            unreachable!()
        }
        fn prompt_tokens(&self, _: &Input) -> u64 {
            unreachable!()
        }
        fn hidden_bytes(&self) -> Bytes {
            unreachable!()
        }
        fn kv_bytes(&self) -> Bytes {
            unreachable!()
        }
        fn encoded_bytes(&self, _: &Prompt) -> Bytes {
            unreachable!()
        }
        fn encode(&self, _: &Prompt) -> SimDuration {
            unreachable!()
        }
        fn prompt_state_bytes(&self, _: &Input, _: Ratio) -> Bytes {
            unreachable!()
        }
    }

    /// A batch of four drafts, silent for so long, of a request with the limit of its turn, that brings so many tokens a round.
    fn batch(request: u64, silent_ms: u64, brings: f64) -> Waiting {
        let (waits, silent) = (SimDuration::ZERO, SimDuration::from_ms(silent_ms));
        Waiting { request, waits, silent, drafts: 4, context: 100, brings }
    }

    #[test]
    fn batches_are_packed_by_deadline_and_then_by_goodput() {
        let verifier = Verifier { clients: 9, prices: &Linear };
        let wisp = Wisp::default();
        // Each takes 20 ms alone and 10 more beside others: three take 40 ms. Slacks: 50 * 2 - 90 = 10, 100 * 2 - 90 = 110, and
        // 200 * 1 - 90 = 110 ms.
        let three = [batch(0, 90, 2.0), batch(1, 90, 2.0), batch(2, 90, 1.0)];
        // The first has no time to wait for the others. Any other beside it makes 30 ms, which it does not have.
        assert_eq!(wisp.next(&three, &verifier), [0]);
        // Without it, the other two go together: 30 ms are below 110, and the one that brings more comes first.
        assert_eq!(wisp.next(&three[1..], &verifier), [0, 1]);
        assert_eq!(wisp.next(&[three[2], three[1]], &verifier), [1, 0]);
        // A batch of one takes the one that brings more for its time.
        let single = Wisp { batch: 1, ..Wisp::default() };
        assert_eq!(single.next(&[three[2], three[1]], &verifier), [1]);
        // Who is behind already keeps nobody else out.
        let late = [batch(0, 200, 2.0), batch(1, 90, 2.0)];
        assert_eq!(wisp.next(&late, &verifier), [0, 1]);
    }
}
