//! The share of their longest answers that running requests are expected to write, as SGLang learns it.

/// The share before anything is known, in millionths.
const FIRST: u32 = 700_000;
/// The smallest share.
const SMALLEST: u32 = 98_000;
/// The decrease with each step of answers: from the first to the smallest in 600.
const DECREASE: u32 = (FIRST - SMALLEST) / 600;

/// A share in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Estimate(u32);

impl Default for Estimate {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Estimate {
    /// The share that was seen: tokens written out of the longest answers.
    pub fn seen(written: u64, longest: u64) -> Self {
        Self((written * 1_000_000).checked_div(longest).unwrap_or(0).min(1_000_000) as u32)
    }

    /// The share of so many tokens.
    pub fn of(self, tokens: u64) -> u64 {
        tokens * u64::from(self.0) / 1_000_000
    }

    /// The share after steps of answers in which nobody was retracted.
    pub fn after(self, steps: u32) -> Self {
        if self.0 <= SMALLEST {
            self
        } else {
            Self(self.0.saturating_sub(DECREASE.saturating_mul(steps)).max(SMALLEST))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_falls_with_each_step_to_its_smallest() {
        for (steps, expected) in [(0, 700_000), (1, 698_997), (300, 399_100), (601, 98_000), (u32::MAX, 98_000)] {
            assert_eq!(Estimate::default().after(steps), Estimate(expected), "{steps}");
        }
        assert_eq!(Estimate(50_000).after(1), Estimate(50_000), "less was seen");
    }

    #[test]
    fn a_retraction_shows_what_was_written() {
        assert_eq!(Estimate::seen(30 + 20, 100), Estimate(500_000));
        assert_eq!((Estimate::seen(9, 0), Estimate::seen(9, 3)), (Estimate(0), Estimate(1_000_000)));
        assert_eq!(Estimate(500_000).of(61), 30);
    }
}
