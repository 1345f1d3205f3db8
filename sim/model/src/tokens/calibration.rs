//! The calibration set: tokens that no request of a run has, whose entropies the threshold is taken from.

use super::{TokenOutcome, TokenProcess};
use kernel::Streams;
use units::{Ratio, quantile};

/// The draft's entropies in a calibration set: the empirical distribution of Eq. 12.
///
/// ```
/// use model::tokens::{Calibration, TokenProcess, TwoState};
/// use units::Ratio;
///
/// let set = Calibration::sample(&TokenProcess::TwoState(TwoState::default()), 500, 1);
/// let theta = set.quantile(Ratio::new(0.7));
/// assert_eq!(set.share_below(theta), 0.7);
/// let (_, accepted) = set.below(theta);
/// assert!(accepted > 0.9, "confident tokens are mostly accepted");
/// ```
#[derive(Clone, Debug)]
pub struct Calibration {
    /// Ascending, nats.
    pub(super) entropies: Vec<f32>,
    /// For each entropy, the number of tokens up to it that the target agrees with, or is expected to.
    pub(super) agreed: Vec<f64>,
}

impl Calibration {
    /// Draws `samples` tokens, each of another request, from a stream of its own, so that the set is never the test
    /// set. The paper takes 500 samples (section 5.1.4).
    ///
    /// # Panics
    /// If there are none.
    pub fn sample(process: &TokenProcess, samples: u32, seed: u64) -> Self {
        let streams = Streams::new(seed ^ 0x6361_6C69_6272_6174);
        let outcomes = (0..u64::from(samples)).map(|sample| process.any(streams, sample));
        Self::of(outcomes.collect())
    }

    /// Draws the entropies of `samples` tokens, each of another request, and takes the probability that the target agrees with each
    /// instead of a verdict. Shares and acceptances of such a set have less of chance in them.
    ///
    /// # Panics
    /// If there are none.
    pub fn expected(process: &TokenProcess, samples: u32, seed: u64) -> Self {
        let streams = Streams::new(seed ^ 0x6361_6C69_6272_6174);
        Self::with_chances((0..u64::from(samples)).map(|sample| process.any_with_chance(streams, sample)).collect())
    }

    /// The set of these tokens.
    ///
    /// # Panics
    /// If there are none.
    pub fn of(outcomes: Vec<TokenOutcome>) -> Self {
        let certain = |outcome: TokenOutcome| (outcome.entropy_nats, f64::from(u8::from(outcome.agrees)));
        Self::with_chances(outcomes.into_iter().map(certain).collect())
    }

    /// The set of tokens with these entropies and probabilities of agreement.
    fn with_chances(mut tokens: Vec<(f32, f64)>) -> Self {
        assert!(!tokens.is_empty(), "a calibration set is not empty");
        tokens.sort_by(|a, b| a.0.total_cmp(&b.0));
        let agreed = tokens.iter().scan(0.0, |sum, (_, chance)| {
            *sum += chance;
            Some(*sum)
        });
        Self { agreed: agreed.collect(), entropies: tokens.iter().map(|(entropy, _)| *entropy).collect() }
    }

    /// The entropy that the share `p` of tokens stays at or below: H_emp^-1(p) of Algorithm 1 line 4.
    pub fn quantile(&self, p: Ratio) -> f32 {
        quantile(&self.entropies, p.as_f64()).expect("a calibration set is not empty")
    }

    /// The share of tokens at or below `theta`: P_conf of Eq. 12.
    pub fn share_below(&self, theta: f32) -> f64 {
        self.below(theta).0
    }

    /// The share of tokens at or below `theta`, and the share of those that the target agrees with (1 if there are none).
    pub fn below(&self, theta: f32) -> (f64, f64) {
        let below = self.entropies.partition_point(|entropy| *entropy <= theta);
        let agreed = below.checked_sub(1).map_or(1.0, |last| self.agreed[last] / below as f64);
        (below as f64 / self.entropies.len() as f64, agreed)
    }
}

impl TokenProcess {
    /// A token at any position of any answer.
    fn any(&self, streams: Streams, sample: u64) -> TokenOutcome {
        match self {
            Self::Recorded(recorded) => recorded.any(streams.keyed("tokens", sample)),
            // Every place is alike.
            _ => self.outcome(&self.request(streams, sample, 1), 0),
        }
    }

    /// The entropy of a token at any position of any answer, and the probability that the target agrees with it: 0 or 1 where
    /// tokens are recorded.
    fn any_with_chance(&self, streams: Streams, sample: u64) -> (f32, f64) {
        let entropy = |process: &Self| process.entropy(&process.request(streams, sample, 1), 0);
        let (entropy, chance) = match self {
            Self::Recorded(_) => {
                let TokenOutcome { entropy_nats, agrees } = self.any(streams, sample);
                return (entropy_nats, f64::from(u8::from(agrees)));
            }
            Self::Iid(acceptance) => (entropy(self), acceptance.as_f64()),
            Self::TwoState(_) | Self::Ar1(_) => {
                let entropy = entropy(self);
                (entropy, self.chain().acceptance(entropy))
            }
        };
        (entropy as f32, chance)
    }
}
