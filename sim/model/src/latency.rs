//! The moments of a request, and every latency as arithmetic on them. Tools define latencies differently; these hold
//! here.
//!
//! * **submit**: the user has sent it (in an open loop: the arrival, whether or not anybody was free).
//! * **first token**, **last token**: a token counts when it is *committed at the edge*, where the user sits. A drafted
//!   token counts when its verdict arrives.
//!
//! | metric | definition |
//! |---|---|
//! | TTFT | first token - submit |
//! | TPOT | (last token - first token) / (tokens - 1); none for a single token. A mean over requests weighs requests |
//! | ITL | time between two tokens that follow each other; tokens of one verdict are 0 apart. Weighs tokens |
//! | E2E | last token - submit |

use units::{SimDuration, SimTime};

/// The times of one answer that latencies are made of.
///
/// ```
/// use model::latency::Moments;
/// use units::SimTime;
///
/// let at = |ms: u64| SimTime::from_ns(ms * 1_000_000);
/// let answer = Moments { submit: at(0), first_token: at(180), last_token: at(780), tokens: 31 };
/// assert_eq!(answer.ttft().to_string(), "180 ms");
/// assert_eq!(answer.tpot().expect("31 tokens").to_string(), "20 ms");
/// assert_eq!(answer.e2e().to_string(), "780 ms");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moments {
    /// Time at which the request was sent.
    pub submit: SimTime,
    /// Time at which its first token was committed at the edge.
    pub first_token: SimTime,
    /// Time at which its last token was committed at the edge.
    pub last_token: SimTime,
    /// Tokens committed.
    pub tokens: u32,
}

impl Moments {
    /// Time to first token.
    pub fn ttft(&self) -> SimDuration {
        self.first_token - self.submit
    }

    /// Time per output token after the first, rounded down to a nanosecond.
    pub fn tpot(&self) -> Option<SimDuration> {
        let gaps = u64::from(self.tokens).checked_sub(1).filter(|&gaps| gaps > 0)?;
        Some((self.last_token - self.first_token) / gaps)
    }

    /// End-to-end latency.
    pub fn e2e(&self) -> SimDuration {
        self.last_token - self.submit
    }
}

/// Limits on the latencies of a request. It meets them if none of its latencies is longer; an answer of one token has no TPOT.
///
/// ```
/// use model::latency::{LatencyLimits, Moments};
/// use units::{SimDuration, SimTime};
///
/// let at = |ms: u64| SimTime::from_ns(ms * 1_000_000);
/// let answer = Moments { submit: at(0), first_token: at(180), last_token: at(780), tokens: 31 };
/// let limits = LatencyLimits { ttft: Some(SimDuration::from_ms(200)), ..LatencyLimits::default() };
/// assert!(limits.met_by(&answer));
/// assert!(!LatencyLimits { e2e: Some(SimDuration::from_ms(700)), ..limits }.met_by(&answer));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatencyLimits {
    /// Longest time to first token.
    pub ttft: Option<SimDuration>,
    /// Longest time per output token.
    pub tpot: Option<SimDuration>,
    /// Longest end-to-end latency.
    pub e2e: Option<SimDuration>,
}

impl LatencyLimits {
    /// True if there is no limit.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// True of an answer that takes no longer than allowed.
    pub fn met_by(&self, moments: &Moments) -> bool {
        let within = |limit: Option<SimDuration>, latency: Option<SimDuration>| {
            limit.zip(latency).is_none_or(|(limit, latency)| latency <= limit)
        };
        within(self.ttft, Some(moments.ttft()))
            && within(self.tpot, moments.tpot())
            && within(self.e2e, Some(moments.e2e()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_met_at_their_very_end_and_missed_behind_it() {
        let at = SimTime::from_ns;
        let moments = Moments { submit: at(100), first_token: at(150), last_token: at(210), tokens: 4 };
        let ns = |ns| Some(SimDuration::from_ns(ns));
        let limits = |ttft, tpot, e2e| LatencyLimits { ttft, tpot, e2e };
        let cases = [
            (limits(None, None, None), true),
            (limits(ns(50), ns(20), ns(110)), true),
            (limits(ns(49), None, None), false),
            (limits(None, ns(19), None), false),
            (limits(None, None, ns(109)), false),
        ];
        for (limits, met) in cases {
            assert_eq!((limits.met_by(&moments), limits.is_empty()), (met, limits == LatencyLimits::default()));
        }
        let one = Moments { tokens: 1, ..moments };
        assert!(limits(None, ns(0), None).met_by(&one), "one token has no time per token after the first");
    }

    #[test]
    fn latencies_are_arithmetic_on_moments() {
        let at = SimTime::from_ns;
        let moments = Moments { submit: at(100), first_token: at(150), last_token: at(210), tokens: 4 };
        assert_eq!(moments.ttft(), SimDuration::from_ns(50));
        assert_eq!(moments.tpot(), Some(SimDuration::from_ns(20)));
        assert_eq!(moments.e2e(), SimDuration::from_ns(110));
        assert_eq!(Moments { tokens: 1, ..moments }.tpot(), None);
    }
}
