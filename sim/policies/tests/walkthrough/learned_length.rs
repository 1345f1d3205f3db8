//! The edge drafts, the cloud verifies, and a bandit on each edge learns the best number of tokens to draft.

use crate::{About, At, Briefing, Edge, Gate, Memory, Note, Policy, ServedBy, Speculation, Testbed, Uses, read_prompt};
use model::{decoding::Verdict, request::Input};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use units::SimDuration;

/// Drafts of a learned length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LearnedLength {
    /// Longest draft, tokens; default 8.
    pub longest: u32,
    /// Weight of the confidence bound, in parts of the best length's rate; default 0.1.
    pub exploration: f64,
}

impl Default for LearnedLength {
    fn default() -> Self {
        Self { longest: 8, exploration: 0.1 }
    }
}

/// The length of a round, in `decisions.parquet`.
const LENGTH: Note = Note { name: "draft_length", unit: "tokens", meaning: "Draft length that the bandit chose." };

/// Rounds of each length on one edge, and the tokens a second that they brought.
pub struct Rates(RefCell<Vec<Rate>>);

#[derive(Clone, Copy, Default)]
struct Rate {
    rounds: f64,
    mean: f64,
}

impl Memory<LearnedLength> for Rates {
    fn of(settings: &LearnedLength) -> Self {
        Self(RefCell::new(vec![Rate::default(); settings.longest as usize]))
    }
}

/// The bandit at work on one request.
struct Bandit<'m> {
    settings: &'m LearnedLength,
    rates: &'m Rates,
    length: u32,
    /// Time at which the round began, from the request's start.
    began: SimDuration,
}

impl Bandit<'_> {
    /// The length with the greatest upper confidence bound; lengths that were never tried come first.
    fn choose(&self) -> u32 {
        let rates = self.rates.0.borrow();
        let rounds: f64 = rates.iter().map(|rate| rate.rounds).sum();
        let best = rates.iter().map(|rate| rate.mean).fold(f64::MIN_POSITIVE, f64::max);
        let bound = |rate: &Rate| match rate.rounds {
            0.0 => f64::INFINITY,
            tried => rate.mean / best + self.settings.exploration * (2.0 * libm::log(rounds) / tried).sqrt(),
        };
        let (mut chosen, mut greatest) = (0, f64::NEG_INFINITY);
        for (place, rate) in rates.iter().enumerate() {
            if bound(rate) > greatest {
                (chosen, greatest) = (place, bound(rate));
            }
        }
        chosen as u32 + 1
    }
}

impl Gate for Bandit<'_> {
    fn begin<B: Testbed>(&mut self, at: &At<'_, B>) {
        (self.length, self.began) = (self.choose(), at.elapsed());
        at.note(&LENGTH, self.length.into());
    }

    fn learn<B: Testbed>(&mut self, verdict: &Verdict, at: &At<'_, B>) {
        let tokens = verdict.accepted + u32::from(verdict.token.is_some());
        let rate = f64::from(tokens) / (at.elapsed() - self.began).as_secs_f64();
        let of_length = &mut self.rates.0.borrow_mut()[self.length as usize - 1];
        of_length.rounds += 1.0;
        of_length.mean += (rate - of_length.mean) / of_length.rounds;
    }

    fn n_draft(&self) -> u32 {
        self.length
    }
}

impl Policy for LearnedLength {
    type Memory = Rates;

    async fn serve<B: Testbed>(&self, bed: &B, _: &Briefing, rates: &Rates) -> ServedBy {
        bed.edge().preprocess().await;
        read_prompt(bed, Input::whole(bed.prompt())).await;
        let mut bandit = Bandit { settings: self, rates, length: self.longest, began: SimDuration::ZERO };
        Speculation::default().run(bed, &mut bandit).await;
        ServedBy::Cloud
    }
}

impl About for LearnedLength {
    fn uses(&self) -> Uses {
        Uses { edge_model: true, cloud: true, drafts: true, ..Uses::default() }
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        if (1..=64).contains(&self.longest) { Ok(()) } else { Err(("longest", "expected 1 to 64 tokens".to_owned())) }
    }

    fn notes(&self) -> &'static [Note] {
        &[LENGTH]
    }
}
