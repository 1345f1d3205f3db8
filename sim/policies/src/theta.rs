//! The confidence threshold of Algorithm 1 (lines 4, 5, 10 and 13).
//!
//! It starts at a percentile of the draft's entropy, falls by the factor delta with every low-confidence token, and
//! changes with every verdict by the accept rule. The paper only says "update with EMA of accepted tokens"; taken
//! literally, as a moving average of the accepted tokens' entropy, theta can only fall, so the default is another rule.

use crate::settings::{Idle, count, idle_if, open_share};
use crate::speculation::{At, Gate};
use crate::testbed::Testbed;
use model::{
    decoding::{Draft, Verdict},
    tokens::Calibration,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use units::{Ratio, quantile};

/// Settings of the threshold; the defaults are the paper's where it gives one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ThetaSettings {
    /// Share of the calibration set's entropies below the first threshold: 70 %.
    pub percentile: Ratio,
    /// Share of the calibration set's entropies below the least threshold (theta_min; the paper gives none). 0 %: none.
    pub min_percentile: Ratio,
    /// Factor on the threshold at every low-confidence token: .95.
    pub delta: Ratio,
    /// Acceptance that is aimed at: .8.
    pub p_target: Ratio,
    /// Rule by which a verdict changes theta (Algorithm 1, line 10); default `ema_recover`.
    pub accept_rule: AcceptRule,
    /// Weight of the newest verdict in the moving average of the acceptance rate (the paper gives none).
    pub acceptance_weight: Ratio,
    /// Time at which theta starts anew: for each request (default) or never.
    pub reset: Reset,
    /// Unit of entropies; default nats.
    pub entropy_units: EntropyUnits,
    /// Size of the calibration set: 500.
    pub calibration_samples: u32,
}

impl Default for ThetaSettings {
    fn default() -> Self {
        Self {
            percentile: Ratio::new(0.7),
            min_percentile: Ratio::new(0.5),
            delta: Ratio::new(0.95),
            p_target: Ratio::new(0.8),
            accept_rule: AcceptRule::default(),
            acceptance_weight: Ratio::new(0.3),
            reset: Reset::default(),
            entropy_units: EntropyUnits::default(),
            calibration_samples: 500,
        }
    }
}

/// The rule by which a verdict changes the threshold (Algorithm 1, line 10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AcceptRule {
    /// `theta <- .7 theta + .3 theta_0 min(A / P_target, 1.25)`, A the moving average of the acceptance rate.
    #[default]
    EmaRecover,
    /// `theta <- .7 theta + .3 H`, H the mean entropy of the accepted tokens: the literal reading. No accepted token
    /// lies above theta, so theta only falls.
    EmaEntropy,
    /// Not at all.
    Static,
    /// `theta <- the percentile of the last 64 drafted tokens`.
    Quantile,
}

/// The time at which the threshold starts anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reset {
    /// With every request.
    #[default]
    PerRequest,
    /// Never: a request starts with the threshold of the one that ended last.
    Persistent,
}

/// The unit of entropies. The paper has `theta in [0, 1]` and an entropy that is not normalised (Eq. 9, 10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntropyUnits {
    /// Nats, without a bound: theta comes from a percentile.
    #[default]
    Nats,
    /// H / ln V, so that theta is at most 1 by itself: ln V = 11.9 nats.
    Normalised,
    /// Nats, and theta at most 1 all the same.
    LiteralCap1,
}

impl EntropyUnits {
    /// The greatest threshold, nats.
    fn cap_nats(self) -> f64 {
        match self {
            Self::Nats => f64::INFINITY,
            // The logarithm of the 151,936 tokens of Qwen2's vocabulary.
            Self::Normalised => 11.93,
            Self::LiteralCap1 => 1.0,
        }
    }
}

/// Tokens of a batch (line 5), fixed or recomputed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DraftLength {
    /// `min(floor(ln(1 - P_target) / ln P_conf), N_max)`, at least 1, once for the request.
    #[default]
    Line5,
    /// The same with the P_conf of the threshold as it stands, for every batch.
    Recompute,
    /// Always so many.
    Fixed(u32),
    /// The longest batch that is accepted whole with probability P_target, at the acceptance rate seen so far.
    AcceptTarget,
}

/// Weight of the old threshold when a verdict arrives, and bound of the recovery above the first threshold.
const KEEP: f64 = 0.7;
const RECOVERY: f64 = 1.25;
/// Drafted tokens that `quantile` looks back on.
const WINDOW: usize = 64;

impl ThetaSettings {
    /// Refuses settings that make no sense: key and reason.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        open_share("theta.percentile", self.percentile)?;
        open_share("theta.p_target", self.p_target)?;
        if !(1..=1_000_000).contains(&self.calibration_samples) {
            return Err(("theta.calibration_samples", "expected 1 to 1000000".to_owned()));
        }
        if self.min_percentile > self.percentile {
            return Err(("theta.min_percentile", "expected at most theta.percentile".to_owned()));
        }
        Ok(())
    }

    /// Settings that have no effect beside the others. A system that `trusts` sends no batches.
    pub(crate) fn idle(&self, length: DraftLength, trusts: bool) -> Vec<Idle> {
        // Both the rule and the length of a batch may look at the acceptance rate and at P_target.
        let recovers = self.accept_rule == AcceptRule::EmaRecover;
        let averages = recovers || length == DraftLength::AcceptTarget && !trusts;
        let aims = recovers || !matches!(length, DraftLength::Fixed(_)) && !trusts;
        let averaged = "neither accept_rule nor the length of a batch looks at the acceptance rate";
        let aimed = "neither accept_rule nor the length of a batch aims at an acceptance";
        [idle_if(!averages, &["theta.acceptance_weight"], averaged), idle_if(!aims, &["theta.p_target"], aimed)]
            .concat()
    }

    /// The threshold at the start of a request (line 4) and the length of its batches (line 5).
    pub(crate) fn start<'c>(&'c self, length: DraftLength, n_max: u32, calibration: &'c Calibration) -> Theta<'c> {
        let first = f64::from(calibration.quantile(self.percentile)).min(self.entropy_units.cap_nats());
        let least = match self.min_percentile {
            Ratio::ZERO => 0.0,
            percentile => f64::from(calibration.quantile(percentile)),
        };
        let mut theta = Theta {
            now: first,
            first,
            least: least.min(first),
            acceptance: self.p_target.as_f64(),
            n_draft: 0,
            length,
            n_max,
            settings: self,
            calibration,
            history: matches!(self.accept_rule, AcceptRule::EmaEntropy | AcceptRule::Quantile).then(Box::default),
        };
        theta.n_draft = theta.batch_length();
        theta
    }
}

/// The threshold within one request.
#[derive(Clone, Debug)]
pub(crate) struct Theta<'c> {
    now: f64,
    first: f64,
    least: f64,
    acceptance: f64,
    n_draft: u32,
    length: DraftLength,
    n_max: u32,
    settings: &'c ThetaSettings,
    calibration: &'c Calibration,
    /// Kept only where the accept rule looks back.
    history: Option<Box<History>>,
}

/// The history that accept rules look back on.
#[derive(Clone, Debug, Default)]
struct History {
    /// Entropies drafted last, for `quantile`.
    seen: VecDeque<f32>,
    /// Entropies of the batches in flight, for `ema_entropy`.
    in_flight: VecDeque<Vec<f32>>,
}

impl Theta<'_> {
    /// The threshold, nats.
    pub(crate) fn nats(&self) -> f32 {
        self.now as f32
    }

    /// Starts where another request has ended.
    pub(crate) fn resume(&mut self, nats: f32) {
        self.now = f64::from(nats);
        self.n_draft = self.batch_length();
    }

    fn set(&mut self, nats: f64) {
        self.now = nats.clamp(self.least, self.settings.entropy_units.cap_nats());
        if self.length != DraftLength::Line5 {
            self.n_draft = self.batch_length();
        }
    }

    fn batch_length(&self) -> u32 {
        // How many tokens it takes until one is unsure with probability P_target.
        let until_unsure = |share: f64| libm::log(1.0 - self.settings.p_target.as_f64()) / libm::log(share);
        let n = match self.length {
            DraftLength::Fixed(n) => return n,
            DraftLength::Line5 | DraftLength::Recompute => until_unsure(self.calibration.share_below(self.nats())),
            DraftLength::AcceptTarget => libm::log(self.settings.p_target.as_f64()) / libm::log(self.acceptance),
        };
        // A probability of 1: no token is ever unsure, so nothing but N_max bounds the batch.
        let n = if n.is_finite() { n } else { f64::INFINITY };
        (libm::floor(n) as u32).clamp(1, self.n_max)
    }

    fn quantile_seen(&self) -> Option<f64> {
        let mut seen: Vec<f32> = self.history.as_ref()?.seen.iter().copied().collect();
        seen.sort_unstable_by(f32::total_cmp);
        quantile(&seen, self.settings.percentile.as_f64()).map(f64::from)
    }

    /// Eq. 10.
    fn is_confident(&mut self, draft: &Draft) -> bool {
        if let Some(history) = &mut self.history {
            if history.seen.len() == WINDOW {
                history.seen.pop_front();
            }
            history.seen.push_back(draft.entropy_nats);
        }
        draft.entropy_nats <= self.nats()
    }

    /// Line 10.
    fn learn(&mut self, verdict: &Verdict) {
        let in_flight = self.history.as_mut().map(|history| &mut history.in_flight);
        let entropies = in_flight.map_or_else(Vec::new, |in_flight| {
            let oldest = in_flight.pop_front().unwrap_or_default();
            if verdict.rejects() {
                in_flight.clear();
            }
            oldest
        });
        let Some(acceptance) = verdict.acceptance() else { return };
        let weight = self.settings.acceptance_weight.as_f64();
        self.acceptance += weight * (acceptance - self.acceptance);
        match self.settings.accept_rule {
            AcceptRule::EmaRecover => {
                let recovery = (self.acceptance / self.settings.p_target.as_f64()).min(RECOVERY);
                self.set(KEEP * self.now + (1.0 - KEEP) * self.first * recovery);
            }
            AcceptRule::EmaEntropy if verdict.accepted > 0 => {
                let accepted = &entropies[..verdict.accepted as usize];
                let mean = accepted.iter().map(|&nats| f64::from(nats)).sum::<f64>() / accepted.len() as f64;
                self.set(KEEP * self.now + (1.0 - KEEP) * mean);
            }
            AcceptRule::Quantile => self.set(self.quantile_seen().unwrap_or(self.now)),
            AcceptRule::EmaEntropy | AcceptRule::Static => self.set(self.now),
        }
    }
}

impl Gate for Theta<'_> {
    fn is_confident<B: Testbed>(&mut self, draft: &Draft, _: &At<'_, B>) -> bool {
        self.is_confident(draft)
    }

    fn sure_up_to_nats(&self) -> Option<f32> {
        Some(self.nats())
    }

    /// Line 13.
    fn doubt(&mut self) {
        self.set(self.now * self.settings.delta.as_f64());
    }

    fn sent(&mut self, drafts: &[Draft]) {
        if let Some(history) = &mut self.history {
            history.in_flight.push_back(drafts.iter().map(|draft| draft.entropy_nats).collect());
        }
    }

    fn learn<B: Testbed>(&mut self, verdict: &Verdict, _: &At<'_, B>) {
        self.learn(verdict);
    }

    fn theta_nats(&self) -> f32 {
        self.nats()
    }

    fn n_draft(&self) -> u32 {
        self.n_draft
    }
}

impl DraftLength {
    /// Refuses a count that makes no sense: key and reason.
    pub(crate) fn check(self) -> Result<(), (&'static str, String)> {
        match self {
            Self::Fixed(n) => count("n_draft.fixed", n),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
