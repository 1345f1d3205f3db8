//! The verdict over one metric.

use super::rules::Worse;
use crate::estimate::Estimate;

/// The verdict on a metric, a count or a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// A run failed.
    Failed,
    /// It was there, and is no more.
    Missing,
    /// Neither side has anything to judge.
    Unjudged,
    /// It had to be equal and is not.
    Changed,
    /// Worse than allowed, and no noise.
    Regressed,
    /// Better by more than what would be allowed the other way, and no noise.
    Improved,
    /// It was not there before: nothing to hold it to.
    New,
    /// Within what is allowed, or not to be told from it.
    Same,
}

impl Verdict {
    /// Every verdict, the gravest first.
    pub const ALL: [Self; 8] = [
        Self::Failed,
        Self::Missing,
        Self::Unjudged,
        Self::Changed,
        Self::Regressed,
        Self::Improved,
        Self::New,
        Self::Same,
    ];

    /// True if the check fails.
    pub const fn fails(self) -> bool {
        matches!(self, Self::Failed | Self::Missing | Self::Unjudged | Self::Changed | Self::Regressed)
    }

    /// In a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Missing => "missing",
            Self::Unjudged => "not judged",
            Self::Changed => "changed",
            Self::Regressed => "regressed",
            Self::Improved => "improved",
            Self::New => "not guarded",
            Self::Same => "unchanged",
        }
    }
}

/// Judges a difference (now less baseline) against what is allowed, in one unit. The whole interval has to lie beyond what is
/// allowed; without one, the mean.
pub(super) fn judge(difference: Estimate, allowed: f64, worse: Worse) -> Verdict {
    let [low, high] = difference.interval();
    // How much worse it is at least, and at most.
    let (least, most) = match worse {
        Worse::Higher => (low, high),
        Worse::Lower => (-high, -low),
        Worse::Either => (low.max(-high), f64::INFINITY),
    };
    if least > allowed {
        Verdict::Regressed
    } else if most < -allowed {
        Verdict::Improved
    } else {
        Verdict::Same
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn difference(mean: f64, ci95: Option<f64>) -> Estimate {
        Estimate { mean, ci95 }
    }

    #[test]
    fn the_whole_interval_has_to_clear_the_tolerance() {
        let judged = |mean, half| judge(difference(mean, half), 1.0, Worse::Higher);
        assert_eq!(judged(2.0, Some(0.9)), Verdict::Regressed);
        assert_eq!(judged(2.0, Some(1.0)), Verdict::Same);
        assert_eq!(judged(-2.0, Some(0.9)), Verdict::Improved);
        assert_eq!(judged(-2.0, Some(1.5)), Verdict::Same);
        assert_eq!(judged(1.1, None), Verdict::Regressed);
        assert_eq!(judged(1.0, None), Verdict::Same);
        assert_eq!(judge(difference(0.0, Some(0.0)), 0.0, Worse::Either), Verdict::Same);
        assert_eq!(judge(difference(-2.0, Some(0.5)), 1.0, Worse::Either), Verdict::Regressed);
    }

    /// The rank of a verdict: the worse, the lower.
    fn badness(verdict: Verdict) -> i32 {
        match verdict {
            Verdict::Improved => 0,
            Verdict::Same => 1,
            _ => 2,
        }
    }

    proptest! {
        #[test]
        fn more_of_a_difference_is_never_judged_better(
            mean in -10.0..10.0f64, more in 0.0..10.0f64, half in proptest::option::of(0.0..5.0f64), allowed in 0.0..5.0f64,
        ) {
            let judged = |mean, worse| badness(judge(difference(mean, half), allowed, worse));
            prop_assert!(judged(mean, Worse::Higher) <= judged(mean + more, Worse::Higher));
            prop_assert!(judged(mean, Worse::Lower) >= judged(mean + more, Worse::Lower));
            prop_assert!(judged(mean, Worse::Either) <= judged(mean + more * mean.signum(), Worse::Either));
            // The two directions mirror each other.
            prop_assert_eq!(judged(mean, Worse::Higher), judged(-mean, Worse::Lower));
        }

        #[test]
        fn a_wider_interval_or_tolerance_never_fails_what_passed(
            mean in -10.0..10.0f64, half in 0.0..5.0f64, allowed in 0.0..5.0f64, more in 0.0..5.0f64,
        ) {
            for worse in [Worse::Higher, Worse::Lower, Worse::Either] {
                if judge(difference(mean, Some(half)), allowed, worse) == Verdict::Same {
                    prop_assert_eq!(judge(difference(mean, Some(half + more)), allowed, worse), Verdict::Same);
                    prop_assert_eq!(judge(difference(mean, Some(half)), allowed + more, worse), Verdict::Same);
                }
            }
        }
    }
}
