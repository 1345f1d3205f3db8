//! The confidence threshold of Algorithm 1 (lines 4, 10 and 13).
//!
//! It starts at a percentile of the draft's entropy, falls by the factor delta with every low-confidence token, and
//! recovers with every verdict: `theta <- .7 theta + .3 theta_0 min(A / P_target, 1.25)`, A the moving average of the
//! acceptance rate. The paper only says "update with EMA of accepted tokens"; this is our reading of it. Taken
//! literally, as a moving average of the accepted tokens' entropy, theta can only fall.

use model::{decoding::Verdict, tokens::Calibration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::Ratio;

/// Settings of the threshold; the defaults are the paper's where it gives one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ThetaSettings {
    /// Share of the calibration set's entropies below the first threshold: 70 %.
    pub percentile: Ratio,
    /// Share of the calibration set's entropies below the least threshold (theta_min; the paper gives none).
    pub min_percentile: Ratio,
    /// Factor on the threshold at every low-confidence token: .95.
    pub delta: Ratio,
    /// Acceptance that is aimed at: .8.
    pub p_target: Ratio,
    /// Weight of the newest verdict in the moving average of the acceptance rate (the paper gives none).
    pub acceptance_weight: Ratio,
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
            acceptance_weight: Ratio::new(0.3),
            calibration_samples: 500,
        }
    }
}

/// Weight of the old threshold when a verdict arrives, and bound of the recovery above the first threshold.
const KEEP: f64 = 0.7;
const RECOVERY: f64 = 1.25;

impl ThetaSettings {
    /// Refuses settings that make no sense: key and reason.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        crate::testbed::open_share("theta.percentile", self.percentile)?;
        crate::testbed::open_share("theta.p_target", self.p_target)?;
        if !(1..=1_000_000).contains(&self.calibration_samples) {
            return Err(("theta.calibration_samples", "expected 1 to 1000000".to_owned()));
        }
        if self.min_percentile > self.percentile {
            return Err(("theta.min_percentile", "expected at most theta.percentile".to_owned()));
        }
        Ok(())
    }

    /// The threshold at the start of a request (line 4).
    pub(crate) fn start(&self, calibration: &Calibration) -> Theta {
        let first = f64::from(calibration.quantile(self.percentile));
        Theta {
            now: first,
            first,
            least: f64::from(calibration.quantile(self.min_percentile)),
            acceptance: self.p_target.as_f64(),
            settings: *self,
        }
    }

    /// N_draft of line 5: how many tokens it takes until one is unsure with probability P_target, at least 1.
    pub(crate) fn n_draft(&self, calibration: &Calibration, n_max: u32) -> u32 {
        let p_conf = calibration.share_below(calibration.quantile(self.percentile));
        // P_conf = 1: no token is ever unsure, so nothing but N_max bounds the batch.
        let n = if p_conf < 1.0 { libm::log(1.0 - self.p_target.as_f64()) / libm::log(p_conf) } else { f64::INFINITY };
        (libm::floor(n) as u32).clamp(1, n_max)
    }
}

/// The threshold within one request.
#[derive(Clone, Debug)]
pub(crate) struct Theta {
    now: f64,
    first: f64,
    least: f64,
    acceptance: f64,
    settings: ThetaSettings,
}

impl Theta {
    /// The threshold, nats.
    pub(crate) fn nats(&self) -> f32 {
        self.now as f32
    }

    /// Line 13: a token was unsure.
    pub(crate) fn decay(&mut self) {
        self.now = (self.now * self.settings.delta.as_f64()).max(self.least);
    }

    /// Line 10: a verdict has arrived.
    pub(crate) fn learn(&mut self, verdict: &Verdict) {
        let Some(acceptance) = verdict.acceptance() else { return };
        let weight = self.settings.acceptance_weight.as_f64();
        self.acceptance += weight * (acceptance - self.acceptance);
        let recovery = (self.acceptance / self.settings.p_target.as_f64()).min(RECOVERY);
        self.now = (KEEP * self.now + (1.0 - KEEP) * self.first * recovery).max(self.least);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::tokens::TokenProcess;
    use units::SimTime;

    fn calibration() -> Calibration {
        Calibration::sample(&TokenProcess::default(), 500, 1)
    }

    fn verdict(accepted: u32, drafted: u32) -> Verdict {
        Verdict { accepted, drafted, committed: 0, ends: false, at: SimTime::ZERO }
    }

    #[test]
    fn line_5_gives_four_at_the_papers_settings() {
        // floor(ln(1 - .8) / ln .7) = floor(4.51).
        assert_eq!(ThetaSettings::default().n_draft(&calibration(), 5), 4);
        assert_eq!(ThetaSettings::default().n_draft(&calibration(), 3), 3);
        let sure = ThetaSettings { percentile: Ratio::new(0.999), ..ThetaSettings::default() };
        assert_eq!(sure.n_draft(&calibration(), 7), 7);
        let unsure = ThetaSettings { percentile: Ratio::new(0.05), ..ThetaSettings::default() };
        assert_eq!(unsure.n_draft(&calibration(), 5), 1);
    }

    #[test]
    fn it_decays_to_the_floor_and_recovers_with_acceptance() {
        let mut theta = ThetaSettings::default().start(&calibration());
        let first = theta.now;
        theta.decay();
        assert_eq!(theta.now, first * 0.95);
        (0..100).for_each(|_| theta.decay());
        assert_eq!(theta.now, theta.least);
        (0..100).for_each(|_| theta.learn(&verdict(4, 4)));
        assert!((theta.now / first - 1.25).abs() < 1e-9, "all accepted: 1 / .8 of the first threshold");
        (0..100).for_each(|_| theta.learn(&verdict(2, 4)));
        assert!((theta.now / first - 0.625).abs() < 1e-6 || theta.now == theta.least);
        let before = theta.now;
        theta.learn(&verdict(0, 0));
        assert_eq!(theta.now, before, "a verdict on nothing teaches nothing");
    }
}
