//! Prices by measured laws instead of the roofline, for one tier.
//!
//! An iteration is priced by the law of the kind of its items that says most: prefill before verify before draft before
//! decode; items of other kinds beside them keep their own attention. Arithmetic and memory traffic, which energy is made of, stay the roofline's. What no law covers, such as a
//! vision tower that was not measured, is the roofline's too.

use kernel::{Keyed, Streams};
use model::preprocess::Preprocess;
use model::step::{
    Step, StepKind,
    law::{Law, Prediction, Spread},
};
use units::SimDuration;

/// The laws of a tier.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    laws: [Option<Law>; StepKind::ALL.len()],
    preprocess: Option<(Preprocess, Spread)>,
    noise: Noise,
}

/// The noise of an iteration, from the spread of its law's residuals.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Noise {
    /// Nothing: it takes what its law says.
    #[default]
    None,
    /// A draw from the random stream of that name.
    Stream(&'static str),
    /// Always the time that this share of all steps stays at or below; host time that is not known is none in the lower half.
    Quantile(f64),
}

impl Profile {
    /// Prices by the laws of these kinds.
    pub fn new(laws: impl IntoIterator<Item = (StepKind, Law)>, noise: Noise) -> Self {
        let mut profile = Self { laws: std::array::from_fn(|_| None), preprocess: None, noise };
        for (kind, law) in laws {
            profile.laws[kind as usize] = Some(law);
        }
        profile
    }

    /// The same with a law of preprocessing, and the spread of what it missed.
    pub fn with_preprocess(self, law: Preprocess, spread: Spread) -> Self {
        Self { preprocess: Some((law, spread)), ..self }
    }

    /// The time to preprocess a request whose pictures become so many visual tokens; `None` without a law.
    pub(crate) fn preprocess(&self, visual_tokens: u64, noise: Keyed) -> Option<SimDuration> {
        let (law, spread) = self.preprocess.as_ref()?;
        let factor = match self.noise {
            Noise::None => 1.0,
            Noise::Stream(_) => spread.quantile(noise.unit(0)),
            Noise::Quantile(share) => spread.quantile(share),
        };
        Some(duration(law.ns(visual_tokens) * factor))
    }

    /// The law of a kind, if there is one.
    pub fn law(&self, kind: StepKind) -> Option<&Law> {
        self.laws[kind as usize].as_ref()
    }

    /// The same laws with other noise.
    pub fn with_noise(&self, noise: Noise) -> Self {
        Self { noise, ..self.clone() }
    }

    /// The duration of a step by the law of its kind; `None` without one.
    #[inline]
    pub(crate) fn predict(&self, kind: StepKind, step: &Step) -> Option<Prediction> {
        self.laws[kind as usize].as_ref().map(|law| law.predict(step))
    }
}

/// Iterations of a tier that has a profile, against what was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Iterations.
    pub iterations: u64,
    /// Those of them in the range that was measured.
    pub measured: u64,
}

impl Coverage {
    /// Adds the iterations of another run.
    pub fn add(&mut self, other: Self) {
        self.iterations += other.iterations;
        self.measured += other.measured;
    }

    /// Per cent of the iterations that were in the range; none of none.
    pub fn pct(&self) -> Option<f64> {
        (self.iterations > 0).then(|| 100.0 * self.measured as f64 / self.iterations as f64)
    }
}

/// The items of an iteration, by their kind.
pub(crate) type Steps = [Step; StepKind::ALL.len()];

/// Counts iterations and draws their noise.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    stream: Option<Keyed>,
    pub(crate) coverage: Coverage,
}

impl Meter {
    pub(crate) fn new(profile: &Profile, streams: Streams) -> Self {
        let stream = match profile.noise {
            Noise::Stream(name) => Some(streams.keyed(name, 0)),
            Noise::None | Noise::Quantile(_) => None,
        };
        Self { stream, coverage: Coverage::default() }
    }

    /// The duration of the next iteration, with its items by their kinds; none where the profile has no law of the one that
    /// says most.
    #[inline]
    pub(crate) fn price(&mut self, profile: &Profile, steps: &Steps) -> Option<SimDuration> {
        let number = self.coverage.iterations;
        self.coverage.iterations += 1;
        let main = steps.iter().rposition(|step| step.items > 0)?;
        let law = profile.laws[main].as_ref()?;
        let mut others = (0..main).filter(|kind| steps[*kind].items > 0).peekable();
        let predicted = if others.peek().is_none() {
            law.predict(&steps[main])
        } else {
            let priced = |kind: usize| (profile.laws[kind].as_ref().unwrap_or(law), &steps[kind]);
            law.predict_beside(&steps[main], others.map(priced))
        };
        self.coverage.measured += u64::from(predicted.measured);
        let ns = match (profile.noise, self.stream) {
            (Noise::Quantile(share), _) => law.at_quantile(predicted, &steps[main], share),
            (_, Some(stream)) => predicted.ns * law.spread().quantile(stream.unit(number)),
            _ => predicted.ns,
        };
        Some(duration(ns))
    }
}

/// To the nearest nanosecond, and at least one.
#[inline]
pub(crate) fn duration(ns: f64) -> SimDuration {
    SimDuration::from_ns(((ns + 0.5) as u64).max(1))
}
