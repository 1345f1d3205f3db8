//! SpecStop (Sun et al., arXiv 2606.20591): a bandit on each edge learns the draft length of least time a token.
//!
//! The time of a round over its tokens is a ratio, so the bandit takes the ratio of sums, not the mean of ratios (Algorithm 1 of the
//! authors' draft of 10 May 2026; the text of v1 was not seen). An arm is a draft length. Each is tried once, in order; then
//! the arm with the least
//!
//! ```text
//! S_N / S_A - beta sqrt(T ln t) / S_A
//! ```
//!
//! where S_N are the milliseconds of its T rounds as the edge's clock sees them, S_A their tokens, and t all rounds. Nothing is
//! forgotten on drift: the contextual form keeps sums for each state of the channel instead.
//!
//! Ours: a state is a range of the round-trip time; the paper's states are those of its channel model. The first round of an
//! answer, whose verdict waits for the cloud to read the prompt, teaches nothing; the paper's server reads the prompt in every round.

use crate::closed_form::{Alone, ClosedForms, Drafting};
use crate::settings::count;
use crate::speculation::{At, Gate, Speculation, read_prompt};
use crate::{About, Briefing, Edge, Memory, Note, Policy, ServedBy, Testbed, Uses};
use model::{decoding::Verdict, request::Input};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use units::SimDuration;

/// Settings of SpecStop; the defaults are the paper's on its testbed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SpecStop {
    /// K_max: the longest draft, tokens; default 10.
    pub longest: u32,
    /// Weight of the confidence bound; default 1.
    pub beta: f64,
    /// Round-trip times between the states of the channel, rising, e.g. `["50 ms", "200 ms"]` for three states that learn apart;
    /// default none, so one state.
    pub states: Vec<SimDuration>,
}

impl Default for SpecStop {
    fn default() -> Self {
        Self { longest: 10, beta: 1.0, states: Vec::new() }
    }
}

/// The length of a round.
const LENGTH: Note = Note { name: "draft_length", unit: "tokens", meaning: "Draft length that the bandit chose." };

/// A draft length: its rounds, their milliseconds and their tokens.
#[derive(Clone, Copy, Debug, Default)]
struct Arm {
    rounds: f64,
    ms: f64,
    tokens: f64,
}

/// The arms of each state of the channel, as one edge has seen them.
pub struct SpecStopMemory(RefCell<Vec<Vec<Arm>>>);

impl Memory<SpecStop> for SpecStopMemory {
    fn of(settings: &SpecStop) -> Self {
        let arms = vec![Arm::default(); settings.longest as usize];
        Self(RefCell::new(vec![arms; settings.states.len() + 1]))
    }
}

/// The draft length of the next round: the first that was not tried, then that of the least bound.
fn choose(arms: &[Arm], beta: f64) -> u32 {
    let rounds: f64 = arms.iter().map(|arm| arm.rounds).sum();
    let bound = |arm: &Arm| match arm.rounds {
        0.0 => f64::NEG_INFINITY,
        tried => (arm.ms - beta * (tried * libm::log(rounds)).sqrt()) / arm.tokens,
    };
    let least = (0..arms.len()).min_by(|&a, &b| bound(&arms[a]).total_cmp(&bound(&arms[b])));
    least.map_or(1, |place| place as u32 + 1)
}

/// The bandit at work on one request.
struct Bandit<'m> {
    settings: &'m SpecStop,
    memory: &'m SpecStopMemory,
    state: usize,
    length: u32,
    /// Time at which the round began, from the request's start.
    began: SimDuration,
}

impl Gate for Bandit<'_> {
    fn begin<B: Testbed>(&mut self, at: &At<'_, B>) {
        let rtt = at.view().rtt;
        self.state = self.settings.states.partition_point(|&end| end <= rtt);
        self.length = choose(&self.memory.0.borrow()[self.state], self.settings.beta);
        self.began = at.elapsed();
        at.note(&LENGTH, self.length.into());
    }

    fn sure_up_to_nats(&self) -> Option<f32> {
        Some(f32::INFINITY)
    }

    fn learn<B: Testbed>(&mut self, verdict: &Verdict, at: &At<'_, B>) {
        if at.round == 1 {
            return;
        }
        let arm = &mut self.memory.0.borrow_mut()[self.state][self.length as usize - 1];
        arm.rounds += 1.0;
        arm.ms += (at.elapsed() - self.began).as_secs_f64() * 1e3;
        arm.tokens += f64::from(verdict.accepted + u32::from(verdict.token.is_some()));
    }

    fn n_draft(&self) -> u32 {
        self.length
    }
}

impl About for SpecStop {
    fn uses(&self) -> Uses {
        Uses { edge_model: true, cloud: true, drafts: true, ..Uses::default() }
    }

    fn notes(&self) -> &'static [Note] {
        &[LENGTH]
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        count("longest", self.longest)?;
        if !(self.beta.is_finite() && self.beta >= 0.0) {
            return Err(("beta", "expected a finite number of at least 0".to_owned()));
        }
        if !self.states.is_sorted_by(|a, b| a < b) || self.states.first() == Some(&SimDuration::ZERO) {
            return Err(("states", "expected round-trip times above 0, each longer than the one before".to_owned()));
        }
        Ok(())
    }

    fn examples() -> Vec<(&'static str, Self)> {
        let states = vec![SimDuration::from_ms(30), SimDuration::from_ms(100)];
        vec![("", Self::default()), ("states", Self { states, longest: 4, ..Self::default() })]
    }

    /// Those of the best fixed length.
    fn closed_forms(&self, alone: &Alone<'_>) -> ClosedForms {
        let (_, acceptance) = alone.tokens.below(f32::INFINITY);
        let speculation = &Speculation::default();
        let of = |n_draft| alone.drafting(&Drafting { n_draft, confident: 1.0, acceptance, speculation });
        let time = |forms: &ClosedForms| forms.renewal_s.unwrap_or(f64::INFINITY);
        (1..=self.longest).map(of).min_by(|a, b| time(a).total_cmp(&time(b))).unwrap_or_default()
    }
}

impl Policy for SpecStop {
    type Memory = SpecStopMemory;

    async fn serve<B: Testbed>(&self, bed: &B, _: &Briefing, memory: &SpecStopMemory) -> ServedBy {
        bed.edge().preprocess().await;
        // Boxed, so that drafting, which every request waits in, stays small.
        Box::pin(read_prompt(bed, Input::whole(bed.prompt()))).await;
        let mut bandit = Bandit { settings: self, memory, state: 0, length: 1, began: SimDuration::ZERO };
        Speculation::default().run(bed, &mut bandit).await;
        ServedBy::Cloud
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(rounds: f64, ms: f64, tokens: f64) -> Arm {
        Arm { rounds, ms, tokens }
    }

    #[test]
    fn each_length_is_tried_in_order() {
        let tried = |lengths: usize| {
            (0..3).map(move |place| if place < lengths { arm(1.0, 90.0, 2.0) } else { Arm::default() })
        };
        for lengths in 0..3 {
            assert_eq!(choose(&tried(lengths).collect::<Vec<_>>(), 1.0), lengths as u32 + 1);
        }
    }

    /// After ten rounds: 8 of one draft took 800 ms for 12 tokens, 2 of two took 260 ms for 4. The ratios are 66.67 and 65.
    /// With beta 40 the bounds are (800 - 40 x 4.292) / 12 = 52.36 and (260 - 40 x 2.146) / 4 = 43.54;
    /// with 100 ms less for the first, 58.33 beats 65, but not its bound.
    #[test]
    fn the_least_ratio_of_sums_within_its_bound_wins() {
        assert_eq!(choose(&[arm(8.0, 800.0, 12.0), arm(2.0, 260.0, 4.0)], 0.0), 2);
        assert_eq!(choose(&[arm(8.0, 700.0, 12.0), arm(2.0, 260.0, 4.0)], 0.0), 1);
        assert_eq!(choose(&[arm(8.0, 700.0, 12.0), arm(2.0, 260.0, 4.0)], 40.0), 2);
        assert_eq!(choose(&[arm(8.0, 700.0, 12.0), arm(2.0, 260.0, 4.0)], 1.0), 1, "in milliseconds 1 is little");
    }

    /// The mean of ratios would take the first: (10 + 110) / 2 = 60 against 65; the ratio of sums is 120 / 1.2 = 100.
    #[test]
    fn a_short_round_with_many_tokens_does_not_mislead() {
        assert_eq!(choose(&[arm(2.0, 10.0 + 110.0, 1.2), arm(2.0, 130.0, 2.0)], 0.0), 2);
    }

    #[test]
    fn settings_without_sense_are_refused() {
        let ms = SimDuration::from_ms;
        for (settings, key) in [
            (SpecStop { longest: 0, ..SpecStop::default() }, "longest"),
            (SpecStop { beta: f64::NAN, ..SpecStop::default() }, "beta"),
            (SpecStop { beta: f64::INFINITY, ..SpecStop::default() }, "beta"),
            (SpecStop { beta: -1.0, ..SpecStop::default() }, "beta"),
            (SpecStop { states: vec![ms(30), ms(30)], ..SpecStop::default() }, "states"),
            (SpecStop { states: vec![ms(0)], ..SpecStop::default() }, "states"),
        ] {
            assert_eq!(settings.check().expect_err(key).0, key);
        }
    }
}
