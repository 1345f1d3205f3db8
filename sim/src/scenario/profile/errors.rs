//! Errors of predictions, as reported for each law.

use serde::{Deserialize, Serialize};
use units::quantile;

/// Errors over some rows, per cent of what was measured: `100 (predicted / measured - 1)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Errors {
    /// Rows.
    pub rows: u64,
    /// Median of the absolute error.
    pub median_pct: f64,
    /// 90th percentile of the absolute error.
    pub p90_pct: f64,
    /// The error of the largest size, with its sign.
    pub worst_pct: f64,
    /// Mean error, with its sign: above 0 if predictions are too slow.
    pub bias_pct: f64,
}

impl Errors {
    /// The errors of ratios predicted / measured; `None` for no ratio.
    pub fn of(ratios: &[f64]) -> Option<Self> {
        let signed: Vec<f64> = ratios.iter().map(|ratio| 100.0 * (ratio - 1.0)).collect();
        let worst = signed.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()))?;
        let mut sizes: Vec<f64> = signed.iter().map(|error| error.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let at = |share| quantile(&sizes, share).map(to_digits);
        Some(Self {
            rows: ratios.len() as u64,
            median_pct: at(0.5)?,
            p90_pct: at(0.9)?,
            worst_pct: to_digits(worst),
            bias_pct: to_digits(signed.iter().sum::<f64>() / signed.len() as f64),
        })
    }
}

/// To six digits: more say nothing, and the same numbers are then written on every machine.
pub fn to_digits(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10f64.powi(5 - libm::floor(libm::log10(value.abs())) as i32);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_counted() {
        let errors = Errors::of(&[1.1, 0.9, 1.0, 1.3, 0.96]).expect("rows");
        assert_eq!((errors.rows, errors.median_pct, errors.worst_pct, errors.bias_pct), (5, 10.0, 30.0, 5.2));
        assert!(errors.p90_pct > 10.0 && errors.p90_pct <= 30.0);
        assert_eq!(Errors::of(&[]), None);
    }

    #[test]
    fn digits_are_six() {
        assert_eq!(to_digits(1234.56789), 1234.57);
        assert_eq!(to_digits(-0.000_123_456_789), -0.000_123_457);
        assert_eq!(to_digits(0.0), 0.0);
    }
}
