//! Means with 95 % confidence intervals from Student's t.

use statrs::distribution::{ContinuousCDF, StudentsT};
use std::sync::LazyLock;

/// A mean, folded in the order of the values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Half-width of the 95 % confidence interval; none from a single value.
    pub ci95: Option<f64>,
}

impl Estimate {
    /// The mean of independent values, such as those of replications; of none it is no number.
    pub fn of(values: &[f64]) -> Self {
        let Moments { n, mean, variance } = Moments::of(values);
        let ci95 = variance.map(|variance| students_t(n - 1.0) * (variance / n).sqrt());
        Self { mean, ci95 }
    }

    /// The mean of `now - base`, value by value: both saw the same random numbers, and what they share cancels.
    ///
    /// # Panics
    ///
    /// If there are not as many of the one as of the other.
    pub fn paired(now: &[f64], base: &[f64]) -> Self {
        assert_eq!(now.len(), base.len(), "pairs");
        Self::of(&now.iter().zip(base).map(|(now, base)| now - base).collect::<Vec<_>>())
    }

    /// The difference of two means that have nothing in common (Welch). No interval if either side has a single value.
    pub fn unpaired(now: &[f64], base: &[f64]) -> Self {
        let (now, base) = (Moments::of(now), Moments::of(base));
        let ci95 = now.variance.zip(base.variance).map(|variances| {
            let (a, b) = (variances.0 / now.n, variances.1 / base.n);
            // Welch and Satterthwaite; two sides without any spread leave nothing to divide.
            let freedom = (a + b) * (a + b) / (a * a / (now.n - 1.0) + b * b / (base.n - 1.0));
            if a + b > 0.0 { students_t(freedom) * (a + b).sqrt() } else { 0.0 }
        });
        Self { mean: now.mean - base.mean, ci95 }
    }

    /// The lowest and the highest value of the interval; the mean itself without one.
    pub fn interval(&self) -> [f64; 2] {
        let half = self.ci95.unwrap_or(0.0);
        [self.mean - half, self.mean + half]
    }
}

/// The mean alone, which is much cheaper than its interval.
pub(crate) fn mean(values: &[f64]) -> f64 {
    Moments::of(values).mean
}

struct Moments {
    n: f64,
    mean: f64,
    /// Variance of the sample; `None` for a single value.
    variance: Option<f64>,
}

impl Moments {
    fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares = || values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
        Self { n, mean, variance: (values.len() > 1).then(|| squares() / (n - 1.0)) }
    }
}

/// Student's t: the number of standard errors on each side that hold 95 %. For few replications it is looked up, since
/// a summary asks for it in every cell.
pub fn students_t(freedom: f64) -> f64 {
    static WHOLE: LazyLock<Vec<f64>> = LazyLock::new(|| (1..=64).map(f64::from).map(quantile).collect());
    let whole = (freedom.fract() == 0.0).then(|| WHOLE.get(freedom as usize - 1)).flatten();
    whole.copied().unwrap_or_else(|| quantile(freedom))
}

fn quantile(freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).expect("degrees of freedom are positive").inverse_cdf(0.975)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
    }

    #[test]
    fn intervals_are_students() {
        // Mean 2, deviation 1, t(.975, 2) = 4.302653.
        let estimate = Estimate::of(&[1.0, 2.0, 3.0]);
        assert_eq!(estimate.mean, 2.0);
        near(estimate.ci95.unwrap(), 4.302_652_73 / 3.0f64.sqrt());
        assert_eq!(Estimate::of(&[5.0]).ci95, None);
    }

    #[test]
    fn what_pairs_share_cancels() {
        // Differences 1, 1, 2: mean 4/3, variance 1/3, half-width t(.975, 2) / 3.
        let estimate = Estimate::paired(&[11.0, 101.0, 1002.0], &[10.0, 100.0, 1000.0]);
        near(estimate.mean, 4.0 / 3.0);
        near(estimate.ci95.unwrap(), 4.302_652_73 / 3.0);
    }

    #[test]
    fn welch_against_a_computation_by_hand() {
        // Variances 1 and 4 of three values each: (1/3 + 4/3)^2 / ((1/9 + 16/9) / 2) = 2.941176 degrees of freedom, where
        // t(.975) is 3.218759 by numerical integration.
        let estimate = Estimate::unpaired(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0]);
        near(estimate.mean, -2.0);
        near(estimate.ci95.unwrap(), 3.218_758_61 * (5.0f64 / 3.0).sqrt());
        assert_eq!(Estimate::unpaired(&[1.0], &[2.0, 4.0]).ci95, None);
        assert_eq!(Estimate::unpaired(&[1.0, 1.0], &[2.0, 2.0]).ci95, Some(0.0));
    }
}
