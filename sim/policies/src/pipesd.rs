//! PipeSD (Han et al.; ICML 2026; arXiv 2605.13319): drafts go up in pieces while more are drafted, a verdict is asked for when the draft
//! grows unsure, and drafting goes on while the verdict is out.
//!
//! 1. Drafts are sent in pieces. A dynamic program cuts a draft of the usual length (the mean of the last 100) so that the last piece
//!    is there soonest, by the cost to start a message, the time to send a token and the time to draft one.
//! 2. A verdict is asked for once the product of the confidences is at most R1, or one of them at most R2.
//! 3. Meanwhile drafting goes on. What was drafted is kept if all was accepted and the token that the target adds is the first of it.
//!
//! Seen: second hand in detail, and the code of a reproduction. The paper tunes R1 and R2 by Bayesian optimisation; here they are given, at
//! about the values that the reproduction found. A token has 290 kB, the whole distribution, since the printed times fit that and not
//! ids. Assumed: confidences are acceptances at a token's entropy, from the calibration set; a message costs 1 ms to start; what is
//! drafted while a verdict is out goes up once it is kept. Its printed gains are over plain drafting on a link, not over the cloud.

use crate::batch::{Batch, Verify};
use crate::settings::{count, open_share, payload};
use crate::speculation::read_prompt;
use crate::testbed::{Cloud, Edge, Testbed, Verification};
use crate::{About, Briefing, Memory, Policy, ServedBy, Uses};
use model::{decoding::Draft, request::Input, tokens::Calibration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::VecDeque;
use units::{Bytes, Ratio, SimDuration};

/// Drafts in pieces, and drafting while a verdict is out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PipeSd {
    /// Product of the confidences of a draft at which a verdict is asked for (R1).
    pub least_product: Ratio,
    /// Confidence of a token at which a verdict is asked for (R2).
    pub least_confidence: Ratio,
    /// Drafts of a batch, at most.
    pub most: u32,
    /// Bytes of a drafted token on the wire.
    pub token: Bytes,
    /// Cost of starting a message, for the cuts.
    pub start_up: SimDuration,
    /// Drafts whose lengths are remembered.
    pub window: u32,
}

impl Default for PipeSd {
    fn default() -> Self {
        Self {
            least_product: Ratio::new(0.4),
            least_confidence: Ratio::new(0.7),
            most: 16,
            token: Bytes::new(290_000),
            start_up: SimDuration::from_ms(1),
            window: 100,
        }
    }
}

/// Lengths of the last drafts on an edge.
pub struct Lengths(RefCell<VecDeque<u32>>);

impl Memory<PipeSd> for Lengths {
    fn of(_: &PipeSd) -> Self {
        Self(RefCell::default())
    }
}

impl Lengths {
    fn note(&self, length: usize, window: u32) {
        let lengths = &mut *self.0.borrow_mut();
        lengths.push_back(length as u32);
        if lengths.len() > window as usize {
            lengths.pop_front();
        }
    }

    /// The mean, rounded; the most there may be before the first.
    fn usual(&self, most: u32) -> usize {
        let lengths = self.0.borrow();
        let sum: u32 = lengths.iter().sum();
        (sum + lengths.len() as u32 / 2).checked_div(lengths.len() as u32).unwrap_or(most).max(1) as usize
    }
}

/// Ends of the pieces of a draft of so many tokens, such that the last arrives soonest. A piece is sent when it is drafted and the one
/// before it has left.
fn cuts(tokens: usize, draft_s: f64, start_up_s: f64, send_s: f64) -> Vec<usize> {
    // The time at which the first so many have left, and the cut before the last piece.
    let mut left = vec![(0.0, 0); tokens + 1];
    for end in 1..=tokens {
        let with = |cut: usize| f64::max(left[cut].0, end as f64 * draft_s) + start_up_s + (end - cut) as f64 * send_s;
        let best = (0..end).min_by(|a, b| with(*a).total_cmp(&with(*b))).expect("a cut");
        left[end] = (with(best), best);
    }
    let mut ends: Vec<usize> =
        std::iter::successors(Some(tokens), |end| Some(left[*end].1)).take_while(|end| *end > 0).collect();
    ends.reverse();
    ends
}

impl PipeSd {
    /// True if a verdict is asked for on these drafts.
    fn asks(&self, drafts: &[Draft], chances: &Calibration) -> bool {
        let Some(last) = drafts.last() else { return false };
        let confidence = |draft: &Draft| chances.chance(draft.entropy_nats);
        let product: f64 = drafts.iter().map(confidence).product();
        product <= self.least_product.as_f64()
            || drafts.iter().any(|draft| confidence(draft) <= self.least_confidence.as_f64())
            || drafts.len() >= self.most as usize
            || last.token.ends
    }

    /// The cuts of the next draft.
    fn cuts<B: Testbed>(&self, bed: &B, lengths: &Lengths) -> Vec<usize> {
        let view = bed.view();
        let context = view.edge.prompt_tokens(&Input::whole(bed.prompt()));
        let draft = view.edge.token(context).as_secs_f64();
        let send = view.uplink.transfer_time(self.token).as_secs_f64();
        cuts(lengths.usual(self.most), draft, self.start_up.as_secs_f64(), send)
    }
}

impl About for PipeSd {
    fn uses(&self) -> Uses {
        Uses { edge_model: true, cloud: true, drafts: true, ..Uses::default() }
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        payload("token", self.token)?;
        open_share("least_product", self.least_product)?;
        open_share("least_confidence", self.least_confidence)?;
        count("window", self.window)?;
        match self.most {
            1..=64 => Ok(()),
            most => Err(("most", format!("expected 1 to 64 tokens, got {most}"))),
        }
    }

    fn examples() -> Vec<(&'static str, Self)> {
        let ids = Self { token: Bytes::new(8), most: 3, window: 2, ..Self::default() };
        vec![("", Self::default()), ("ids", ids)]
    }
}

impl Policy for PipeSd {
    type Memory = Lengths;

    async fn serve<B: Testbed>(&self, bed: &B, briefing: &Briefing, lengths: &Lengths) -> ServedBy {
        bed.edge().preprocess().await;
        Box::pin(read_prompt(bed, Input::whole(bed.prompt()))).await;
        let by = Verify { token_bytes: self.token, ..Verify::default() };
        let (mut drafts, mut start): (Vec<Draft>, u32) = (Vec::new(), 0);
        loop {
            let (cuts, mut sent) = (self.cuts(bed, lengths), 0);
            while !self.asks(&drafts, &briefing.calibration) {
                drafts.push(bed.edge().draft().await);
                if cuts.contains(&drafts.len()) && !self.asks(&drafts, &briefing.calibration) {
                    bed.cloud().send_ahead(&drafts[sent..], &by); // 1
                    sent = drafts.len();
                }
            }
            lengths.note(drafts.len(), self.window);
            let pending = bed.cloud().verify(&Batch { bonus: true, ahead: sent, ..Batch::of(&drafts, start) }, &by); // 2
            let mut more: Vec<Draft> = Vec::new();
            let ended = |drafts: &[Draft]| drafts.last().is_some_and(|last| last.token.ends);
            while !pending.has_arrived() && more.len() < self.most as usize && !ended(&drafts) && !ended(&more) {
                more.push(bed.edge().draft().await); // 3
            }
            let verdict = pending.await;
            let fits =
                !verdict.rejects() && verdict.token.is_some() && verdict.token == more.first().map(|first| first.token);
            if !fits {
                bed.edge().rewind(verdict.committed - u32::from(verdict.token.is_some()));
                more.clear();
            }
            bed.edge().commit(&verdict);
            if verdict.ends {
                return ServedBy::Cloud;
            }
            start = verdict.committed;
            drafts = more.into_iter().skip(1).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A token of 99 TB once filled a window of more packets than there are numbers for.
    #[test]
    fn a_token_has_a_payload_that_a_draft_can_have() {
        let of = |bytes| PipeSd { token: Bytes::new(bytes), ..PipeSd::default() };
        assert_eq!(of(100_000_000).check(), Ok(()));
        assert_eq!(of(99_000_000_000_000).check().expect_err("too much").0, "token");
    }

    #[test]
    fn pieces_are_cut_where_the_last_arrives_soonest() {
        // A message costs nothing: every token goes at once.
        assert_eq!(cuts(4, 1.0, 0.0, 0.5), [1, 2, 3, 4]);
        // It costs more than all waiting: one piece, there at 4 + 9 + 2 = 15; in two, at 2 + 9 + 1 and then 9 + 1 more, 22.
        assert_eq!(cuts(4, 1.0, 9.0, 0.5), [4]);
        // Start 1, send 1: [2, 3] ends at max(max(2, 0) + 3, 3) + 2 = 7, one piece of three at 3 + 1 + 3 = 7, and [1, 3] at
        // max(1 + 2, 3) + 3 = 6.
        assert_eq!(cuts(3, 1.0, 1.0, 1.0), [1, 3]);
        // Drafts of 2: each token goes when it is there, the last at 6 + 2 = 8; [1, 3] ends at max(2 + 2, 6) + 3 = 9.
        assert_eq!(cuts(3, 2.0, 1.0, 1.0), [1, 2, 3]);
    }

    #[test]
    fn the_usual_length_is_the_mean_of_the_last() {
        let lengths = Lengths::of(&PipeSd::default());
        assert_eq!(lengths.usual(16), 16);
        [9, 2, 3].into_iter().for_each(|length| lengths.note(length, 2));
        assert_eq!(lengths.usual(16), 3, "2.5, rounded up");
    }
}
