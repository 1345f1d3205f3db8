//! Laws of a step: the duration of an iteration, by a form or a table fitted to measured steps (`sim calibrate`).
//!
//! | module | what it is |
//! |---|---|
//! | [`parts`] | the physical form: weights, arithmetic, cache and attention apart, with overheads |
//! | [`table`] | measured durations over new tokens, context and batch, interpolated between them |
//! | [`law`] | one of the two with the range that was measured and the spread of what it missed |
//! | [`loss`] | how far a form is from measured steps |
//!
//! The laws are arithmetic on the numbers of a profile; `sim/src/commands/calibrate` fits them. A law promises a
//! positive duration that does not fall when tokens, context or batch grow.

pub mod law;
pub mod loss;
pub mod parts;
pub mod table;

use serde::{Deserialize, Serialize};

use crate::load::Load;

/// The kind of an iteration, by its dominant item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepKind {
    /// The first layers of the encoders.
    Probe,
    /// The cloud model's vision tower alone.
    Encode,
    /// One token of an answer for each item.
    Decode,
    /// One token of a draft for each item.
    Draft,
    /// A few tokens at once behind a context.
    Verify,
    /// A part of a prompt, perhaps with items of other kinds.
    Prefill,
}

impl StepKind {
    /// Every kind. Of several kinds in an iteration, the last in this list gives the iteration its kind.
    pub const ALL: [StepKind; 6] = [Self::Probe, Self::Encode, Self::Decode, Self::Draft, Self::Verify, Self::Prefill];

    /// The kind's name in `steps.parquet` and in profiles.
    pub fn name(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Encode => "encode",
            Self::Decode => "decode",
            Self::Draft => "draft",
            Self::Verify => "verify",
            Self::Prefill => "prefill",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The items of one kind in an iteration, as laws see them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Sum of their work.
    pub load: Load,
    /// Number of items.
    pub items: u64,
}

impl Step {
    /// No item.
    pub const NONE: Step = Step { load: Load::NONE, items: 0 };

    /// One item.
    pub fn one(load: Load) -> Self {
        Self { load, items: 1 }
    }

    /// With one more item.
    #[inline]
    pub fn add(&mut self, load: &Load) {
        self.load.add(load);
        self.items += 1;
    }

    /// New tokens of an item, on average.
    pub fn tokens_per_item(&self) -> f64 {
        self.load.query_tokens as f64 / self.items.max(1) as f64
    }

    /// Tokens of an item that were in the cache before, on average.
    pub fn context_per_item(&self) -> f64 {
        (self.load.context_tokens - self.load.query_tokens.min(self.load.context_tokens)) as f64
            / self.items.max(1) as f64
    }
}
