//! The token process: entropy of each drafted token, and agreement of the cloud model. An assumption, unless a
//! recorded trace is given.
//!
//! A request has a share of hard tokens, Beta(1.2, 2.8) with mean .30. Each position keeps its predecessor's state with
//! probability `stay`, else draws a new one, so hard tokens come in runs. The draft's entropy H (nats) is Gamma(2, .06)
//! on easy and Gamma(2, .7) on hard tokens; the cloud model agrees with probability .99 / (1 + (H / 1.2)^1.6).
//! With deviations of their own, easy and hard entropies are lognormal instead, which has the longer tails of real models.
//!
//! Alternatives: [`Ar1`], entropies that drift instead of switching; `Iid`, for checks against formulas; [`Recorded`],
//! the tokens of an earlier run.
//!
//! Every number is a pure function of (seed, request, position): all policies see the same outcomes, and a position
//! drafted again after a rollback has the outcome that it had.

mod calibration;
mod rank;
mod recorded;

pub use calibration::Calibration;
pub use recorded::Recorded;

use kernel::{Keyed, Stream, Streams, draw};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::Ratio;

/// The process that gives each drafted token an entropy and a verdict.
///
/// ```
/// use kernel::Streams;
/// use model::tokens::{TokenProcess, TwoState};
///
/// let process = TokenProcess::TwoState(TwoState::default());
/// let tokens = process.request(Streams::new(1), 7, 100);
/// let accepted = (0..100).filter(|&position| process.outcome(&tokens, position).agrees).count();
/// assert_eq!(process.outcome(&tokens, 3), process.outcome(&tokens, 3), "drafted again, a token is the same");
/// assert!((50..100).contains(&accepted));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum TokenProcess {
    /// Easy and hard tokens; see the module.
    TwoState(TwoState),
    /// Every drafted token is accepted with this probability, whatever its entropy (which is drawn as in the two-state
    /// process). For checks against the formula (1 - a^(k+1)) / (1 - a).
    Iid(Ratio),
    /// Entropies that drift from token to token; see [`Ar1`].
    Ar1(Ar1),
    /// The tokens of an earlier run.
    Recorded(Recorded),
}

/// Lognormal entropies whose logarithms are a first-order autoregressive process. The acceptance at an entropy is that
/// of the two-state chain. Defaults are chosen to match that chain.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ar1 {
    /// Correlation of the log entropies of neighbouring tokens, below 1.
    pub correlation: Ratio,
    /// Median entropy, nats.
    pub median_nats: f64,
    /// Standard deviation of the logarithm of the entropy.
    pub deviation: f64,
}

impl Default for Ar1 {
    /// Median and deviation of the two-state chain's entropies; its correlation.
    fn default() -> Self {
        Self { correlation: Ratio::new(0.5), median_nats: 0.15, deviation: 1.3 }
    }
}

impl Ar1 {
    /// Checks every number. The error has the name of the first bad one.
    pub fn check(&self) -> Result<(), &'static str> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        match self {
            _ if self.correlation.as_f64() > 0.95 => Err("correlation"),
            _ if !positive(self.median_nats) => Err("median_nats"),
            _ if !positive(self.deviation) => Err("deviation"),
            _ => Ok(()),
        }
    }

    /// The entropy at a position: a moving average over the innovations at and before it. The average ends where the
    /// rest weighs below a millionth, so a position can be computed by itself.
    fn entropy(&self, keyed: Keyed, position: u32) -> f64 {
        let correlation = self.correlation.as_f64();
        let (mut weight, mut sum) = ((1.0 - correlation * correlation).sqrt(), 0.0);
        let mut at = i64::from(position);
        while weight > 1e-6 {
            // Innovations before the first token count too: the process is in its steady state from the start.
            sum += weight * normal(keyed, (at + INNOVATIONS) as u64);
            weight *= correlation;
            at -= 1;
        }
        self.median_nats * libm::exp(self.deviation * sum)
    }
}

/// Keys of the innovations, far above those of [`DRAWS`].
const INNOVATIONS: i64 = 1 << 40;

/// A normal variate from two keyed draws.
fn normal(keyed: Keyed, key: u64) -> f64 {
    normal_of((keyed.unit(2 * key), keyed.unit(2 * key + 1)))
}

/// A normal variate from two uniform ones (Box and Muller).
fn normal_of((length, turn): (f64, f64)) -> f64 {
    (-2.0 * libm::log(length)).sqrt() * libm::cos(std::f64::consts::TAU * turn)
}

/// Parameters of the two-state chain of easy and hard tokens; the defaults are assumptions.
///
/// By numerical integration they give an acceptance of .829 (.964 below the 70th percentile), and a 70th percentile of
/// the entropy of .316 nats.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TwoState {
    /// First parameter of the Beta distribution of a request's share of hard tokens; default 1.2.
    pub hard_alpha: f64,
    /// Second parameter of the Beta distribution of a request's share of hard tokens; default 2.8 (mean share .30).
    pub hard_beta: f64,
    /// Probability that a token keeps the state, easy or hard, of its predecessor.
    pub stay: Ratio,
    /// Mean entropy of an easy token, nats.
    pub easy_entropy_nats: f64,
    /// Mean entropy of a hard token, nats.
    pub hard_entropy_nats: f64,
    /// Standard deviation of the logarithm of an easy token's entropy, which is then lognormal; absent: Gamma of shape 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub easy_deviation: Option<f64>,
    /// Standard deviation of the logarithm of a hard token's entropy, which is then lognormal; absent: Gamma of shape 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hard_deviation: Option<f64>,
    /// Acceptance of a token of entropy zero.
    pub accept_peak: Ratio,
    /// Entropy at which acceptance has fallen to half its peak, nats.
    pub accept_half_nats: f64,
    /// Exponent of the fall of acceptance with entropy; a larger one makes it steeper.
    pub accept_power: f64,
}

impl Default for TwoState {
    fn default() -> Self {
        Self::ASSUMED
    }
}

impl Default for TokenProcess {
    fn default() -> Self {
        Self::TwoState(TwoState::default())
    }
}

impl TwoState {
    const ASSUMED: Self = Self {
        hard_alpha: 1.2,
        hard_beta: 2.8,
        stay: Ratio::new(0.5),
        easy_entropy_nats: 0.12,
        hard_entropy_nats: 1.4,
        easy_deviation: None,
        hard_deviation: None,
        accept_peak: Ratio::new(0.99),
        accept_half_nats: 1.2,
        accept_power: 1.6,
    };

    /// Checks every number. The error has the name of the first bad one.
    pub fn check(&self) -> Result<(), &'static str> {
        let positive = [
            (self.hard_alpha, "hard_alpha"),
            (self.hard_beta, "hard_beta"),
            (self.easy_entropy_nats, "easy_entropy_nats"),
            (self.hard_entropy_nats, "hard_entropy_nats"),
            (self.easy_deviation.unwrap_or(1.0), "easy_deviation"),
            (self.hard_deviation.unwrap_or(1.0), "hard_deviation"),
            (self.accept_half_nats, "accept_half_nats"),
            (self.accept_power, "accept_power"),
        ];
        match positive.iter().find(|(value, _)| !(value.is_finite() && *value > 0.0)) {
            Some((_, name)) => Err(name),
            None if self.stay == Ratio::ONE => Err("stay"),
            None => Ok(()),
        }
    }

    /// Probability that the cloud model agrees with a token drafted at this entropy.
    pub fn acceptance(&self, entropy_nats: f64) -> f64 {
        self.accept_peak.as_f64() / (1.0 + libm::pow(entropy_nats / self.accept_half_nats, self.accept_power))
    }

    /// True if a draw, uniform in (0, 1), lies below [`acceptance`](Self::acceptance). The power is computed only if
    /// its bounds, a multiplication each, leave the answer open: for one token in twelve.
    #[inline]
    fn accepts(&self, entropy_nats: f64, draw: f64) -> bool {
        /// Relative; far above the rounding of any of these numbers.
        const MARGIN: f64 = 1e-9;
        let (low, high) = power_bounds(entropy_nats / self.accept_half_nats, self.accept_power);
        let peak = self.accept_peak.as_f64();
        if draw * (1.0 + high) < peak * (1.0 - MARGIN) {
            return true;
        }
        draw * (1.0 + low) <= peak * (1.0 + MARGIN) && draw < self.acceptance(entropy_nats)
    }

    fn hard_share(&self, stream: &mut Stream) -> f64 {
        draw::beta(self.hard_alpha, self.hard_beta, stream)
    }
}

/// Bounds of `base` to the power of `exponent`, both positive: the whole powers below and above, in order.
#[inline]
fn power_bounds(base: f64, exponent: f64) -> (f64, f64) {
    let whole = exponent.min(8.0) as u32;
    let near = (0..whole).fold(1.0, |power, _| power * base);
    let far = match (exponent < 8.0, base < 1.0) {
        (true, _) => near * base,
        (false, true) => 0.0,
        (false, false) => f64::INFINITY,
    };
    if base < 1.0 { (far, near) } else { (near, far) }
}

/// The draft model's token at one position: its entropy, and the agreement of the cloud model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenOutcome {
    /// Entropy of the draft's distribution, nats (Eq. 9).
    pub entropy_nats: f32,
    /// True if the cloud model's token is the same.
    pub agrees: bool,
}

/// The tokens of one request.
#[derive(Clone, Copy, Debug)]
pub struct RequestTokens {
    keyed: Keyed,
    hard_share: f64,
    /// Index of the recorded request that is played.
    record: u32,
}

/// Draws of one position; a position owns this many keys.
const DRAWS: u64 = 4;
const STAY: u64 = 0;
const STATE: u64 = 1;
const ENTROPY: u64 = 2;
const ACCEPT: u64 = 3;

impl TokenProcess {
    /// The tokens of a request with an answer of `output_tokens`.
    pub fn request(&self, streams: Streams, request: u64, output_tokens: u32) -> RequestTokens {
        let hard_share = self.chain().hard_share(&mut streams.stream("tokens/share", request));
        let keyed = streams.keyed("tokens", request);
        let record = match self {
            Self::Recorded(recorded) => recorded.record_for(keyed, output_tokens),
            _ => 0,
        };
        RequestTokens { keyed, hard_share, record }
    }

    /// The draft's token at `position` of the answer. The cost does not depend on the position.
    #[inline]
    pub fn outcome(&self, tokens: &RequestTokens, position: u32) -> TokenOutcome {
        if let Self::Recorded(recorded) = self {
            return recorded.outcome(tokens.record, position);
        }
        let entropy = self.entropy(tokens, position);
        let draw = tokens.keyed.unit(u64::from(position) * DRAWS + ACCEPT);
        let agrees = match self {
            Self::Iid(acceptance) => draw < acceptance.as_f64(),
            _ => self.chain().accepts(entropy, draw),
        };
        TokenOutcome { entropy_nats: entropy as f32, agrees }
    }

    /// The entropy of a token that is not recorded.
    #[inline]
    fn entropy(&self, tokens: &RequestTokens, position: u32) -> f64 {
        match self {
            Self::Ar1(ar1) => ar1.entropy(tokens.keyed, position),
            _ => self.chain().entropy(tokens, position),
        }
    }

    fn chain(&self) -> &TwoState {
        match self {
            Self::TwoState(chain) => chain,
            Self::Iid(_) | Self::Ar1(_) | Self::Recorded(_) => &TwoState::ASSUMED,
        }
    }
}

impl TwoState {
    /// The entropy at a position.
    #[inline]
    fn entropy(&self, tokens: &RequestTokens, position: u32) -> f64 {
        let (mean, deviation) = if self.is_hard(tokens, position) {
            (self.hard_entropy_nats, self.hard_deviation)
        } else {
            (self.easy_entropy_nats, self.easy_deviation)
        };
        // Two uniforms share one draw.
        let bits = tokens.keyed.bits(u64::from(position) * DRAWS + ENTROPY);
        let half = |bits: u64| (bits as u32 as f64 + 0.5) * (1.0 / 4_294_967_296.0);
        let uniforms = (half(bits), half(bits >> 32));
        match deviation {
            // Gamma(2, mean / 2) is minus the logarithm of their product.
            None => -0.5 * mean * libm::log(uniforms.0 * uniforms.1),
            // The mean of a lognormal lies half a variance above its median.
            Some(deviation) => mean * libm::exp(deviation * (normal_of(uniforms) - deviation / 2.0)),
        }
    }

    /// The state at a position: the one drawn at the last position, at or before it, that did not stay.
    #[inline]
    fn is_hard(&self, tokens: &RequestTokens, position: u32) -> bool {
        let mut drawn = u64::from(position);
        while drawn > 0 && tokens.keyed.unit(drawn * DRAWS + STAY) < self.stay.as_f64() {
            drawn -= 1;
        }
        tokens.keyed.unit(drawn * DRAWS + STATE) < tokens.hard_share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (acceptance, acceptance when confident, 70th percentile of entropy) over many requests and positions.
    fn observe(process: &TokenProcess) -> (f64, f64, f64) {
        let streams = Streams::new(42);
        let outcomes: Vec<TokenOutcome> = (0..20_000)
            .flat_map(|request| {
                let tokens = process.request(streams, request, 1);
                (0..10).map(move |position| process.outcome(&tokens, position))
            })
            .collect();
        let mut entropies: Vec<f32> = outcomes.iter().map(|outcome| outcome.entropy_nats).collect();
        entropies.sort_unstable_by(f32::total_cmp);
        let percentile = entropies[entropies.len() * 7 / 10];
        let share = |keep: &dyn Fn(&TokenOutcome) -> bool| {
            let kept: Vec<_> = outcomes.iter().filter(|outcome| keep(outcome)).collect();
            kept.iter().filter(|outcome| outcome.agrees).count() as f64 / kept.len() as f64
        };
        (share(&|_| true), share(&|outcome| outcome.entropy_nats <= percentile), f64::from(percentile))
    }

    #[test]
    fn the_defaults_give_the_integrated_acceptance_and_percentile() {
        let (acceptance, confident, percentile) = observe(&TokenProcess::default());
        assert!((acceptance - 0.8287).abs() < 0.004, "{acceptance}");
        assert!((confident - 0.9641).abs() < 0.003, "{confident}");
        assert!((percentile - 0.3157).abs() < 0.01, "{percentile}");
    }

    #[test]
    fn entropies_with_a_deviation_are_lognormal_of_the_same_mean() {
        let chain = TwoState { easy_deviation: Some(1.5), hard_deviation: Some(0.5), ..TwoState::default() };
        let (easy, hard) = (TwoState { hard_alpha: 1e-6, ..chain }, TwoState { hard_beta: 1e-6, ..chain });
        for (chain, mean, deviation) in [(easy, 0.12, 1.5), (hard, 1.4, 0.5)] {
            let process = TokenProcess::TwoState(chain);
            let entropy = |r| process.outcome(&process.request(Streams::new(3), r, 1), 0).entropy_nats;
            let logs: Vec<f64> = (0..20_000).map(|r| libm::log(f64::from(entropy(r)))).collect();
            let middle = logs.iter().sum::<f64>() / 20_000.0;
            let square = logs.iter().map(|log| (log - middle) * (log - middle)).sum::<f64>() / 20_000.0;
            assert!((middle - (libm::log(mean) - deviation * deviation / 2.0)).abs() < 0.03, "{middle}");
            assert!((square.sqrt() / deviation - 1.0).abs() < 0.02, "{square}");
        }
    }

    #[test]
    fn iid_accepts_at_its_rate_whatever_the_entropy() {
        let (acceptance, confident, _) = observe(&TokenProcess::Iid(Ratio::new(0.6)));
        assert!((acceptance - 0.6).abs() < 0.005 && (confident - 0.6).abs() < 0.005);
    }

    #[test]
    fn drifting_entropies_have_their_median_deviation_and_correlation() {
        let ar1 = Ar1::default();
        let streams = Streams::new(4);
        let logs = |position| {
            (0..20_000u64).map(move |r| libm::log(ar1.entropy(streams.keyed("tokens", r), position) / ar1.median_nats))
        };
        let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / 20_000.0;
        let variance = mean(&mut logs(0).map(|x| x * x));
        let covariance = mean(&mut logs(0).zip(logs(1)).map(|(x, y)| x * y));
        assert!(mean(&mut logs(3)).abs() < 0.04);
        assert!((variance / 1.69 - 1.0).abs() < 0.05, "{variance}");
        assert!((covariance / variance - 0.5).abs() < 0.03, "{covariance} {variance}");
    }

    #[test]
    fn the_short_way_to_a_verdict_is_the_long_way() {
        let keyed = Streams::new(8).keyed("verdicts", 0);
        for power in [0.3, 1.0, 1.6, 2.0, 7.5, 8.0, 12.0] {
            let chain = TwoState { accept_power: power, ..TwoState::default() };
            for k in 0..20_000 {
                let (entropy, draw) = (4.0 * keyed.unit(2 * k), keyed.unit(2 * k + 1));
                assert_eq!(chain.accepts(entropy, draw), draw < chain.acceptance(entropy), "{entropy} {draw} {power}");
            }
        }
    }

    #[test]
    fn an_expected_set_is_the_limit_of_sampled_ones() {
        let iid = Calibration::expected(&TokenProcess::Iid(Ratio::new(0.6)), 1000, 1);
        assert!((iid.below(f32::INFINITY).1 - 0.6).abs() < 1e-9 && (iid.chance(0.3) - 0.6).abs() < 1e-9);
        for process in [TokenProcess::default(), TokenProcess::Ar1(Ar1::default())] {
            let expected = Calibration::expected(&process, 20_000, 1);
            let sampled = Calibration::sample(&process, 20_000, 1);
            for theta in [0.1, 0.3, f32::INFINITY] {
                let [(share, accepted), (drawn_share, drawn)] = [expected.below(theta), sampled.below(theta)];
                assert_eq!(share, drawn_share, "the entropies are the same");
                assert!((accepted - drawn).abs() < 0.01, "{process:?} {theta}: {accepted} {drawn}");
            }
        }
        let recorded = vec![vec![TokenOutcome { entropy_nats: 1.0, agrees: true }; 3]];
        let recorded = TokenProcess::Recorded(Recorded::new(recorded).expect("a request"));
        assert_eq!(Calibration::expected(&recorded, 50, 1).below(2.0), (1.0, 1.0));
    }

    #[test]
    fn states_persist_with_correlation_stay() {
        let (process, chain) = (TokenProcess::default(), TwoState::default());
        let streams = Streams::new(1);
        let (mut both, mut one, mut n) = (0.0, 0.0, 0.0);
        for request in 0..40_000 {
            let tokens = RequestTokens { hard_share: 0.3, ..process.request(streams, request, 1) };
            let (a, b) = (chain.is_hard(&tokens, 6), chain.is_hard(&tokens, 7));
            both += f64::from(u8::from(a && b));
            one += f64::from(u8::from(a));
            n += 1.0;
        }
        let (both, one) = (both / n, one / n);
        let correlation = (both - one * one) / (one * (1.0 - one));
        assert!((correlation - 0.5).abs() < 0.02, "{correlation}");
    }

    #[test]
    fn eq_12_by_hand() {
        // Four tokens; the target agrees with those of .5 and .75 nats.
        let token = |entropy_nats, agrees| TokenOutcome { entropy_nats, agrees };
        let set = Calibration::of(vec![token(2.0, false), token(0.5, true), token(1.0, false), token(0.75, true)]);
        // (theta, P_conf, acceptance of the tokens at or below it)
        let table = [(0.25, 0.0, 1.0), (0.5, 0.25, 1.0), (0.9, 0.5, 1.0), (1.0, 0.75, 2.0 / 3.0), (2.0, 1.0, 0.5)];
        for (theta, confident, acceptance) in table {
            assert_eq!(set.below(theta), (confident, acceptance), "{theta}");
            assert_eq!(set.share_below(theta), confident);
        }
        // Line 4, its inverse: the least entropy that the share of tokens stays at or below.
        for (share, theta) in [(0.25, 0.5), (0.26, 0.75), (0.7, 1.0), (0.75, 1.0), (0.76, 2.0)] {
            assert_eq!(set.quantile(Ratio::new(share)), theta, "{share}");
        }
    }

    #[test]
    fn a_calibration_set_gives_quantiles_and_shares() {
        let outcome = |tenths: u8| TokenOutcome { entropy_nats: f32::from(tenths) / 10.0, agrees: tenths != 2 };
        let set = Calibration::of([3, 1, 2, 5, 4].map(outcome).to_vec());
        assert_eq!(set.quantile(Ratio::new(0.7)), 0.4);
        assert_eq!((set.quantile(Ratio::ZERO), set.quantile(Ratio::ONE)), (0.1, 0.5));
        assert_eq!((set.share_below(0.3), set.share_below(0.05)), (0.6, 0.0));
        assert_eq!((set.below(0.4), set.below(0.0)), ((0.8, 0.75), (0.0, 1.0)));
        let sampled = Calibration::sample(&TokenProcess::default(), 500, 1);
        assert!((sampled.quantile(Ratio::new(0.7)) - 0.316).abs() < 0.1);
    }

    #[test]
    fn impossible_parameters_are_named() {
        assert_eq!(TwoState { hard_beta: f64::NAN, ..TwoState::default() }.check(), Err("hard_beta"));
        assert_eq!(TwoState { stay: Ratio::ONE, ..TwoState::default() }.check(), Err("stay"));
        assert_eq!(TwoState::default().check(), Ok(()));
    }
}
