//! What a row of logits says: the most likely token and how sure the model is.

use crate::error::{Result, refused};
use half::f16;

/// A row of logits, in the model's own precision.
#[derive(Clone, Copy, Debug)]
pub enum Row<'l> {
    /// Single precision.
    Single(&'l [f32]),
    /// Half precision.
    Half(&'l [f16]),
}

/// What came of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The most likely token; of several, the first.
    pub token: u32,
    /// Entropy of the softmax of the whole row at temperature 1, in nats.
    pub entropy: f64,
}

impl Row<'_> {
    /// The most likely token and the row's entropy.
    ///
    /// # Errors
    /// The row has NaNs or a positive infinity: nothing follows from it.
    pub fn choice(self) -> Result<Choice> {
        match self {
            Self::Single(row) => choice(row.iter().map(|logit| f64::from(*logit))),
            Self::Half(row) => choice(row.iter().map(|logit| f64::from(logit.to_f32()))),
        }
    }

    /// The row in single precision.
    pub fn to_vec(self) -> Vec<f32> {
        match self {
            Self::Single(row) => row.to_vec(),
            Self::Half(row) => row.iter().map(|logit| logit.to_f32()).collect(),
        }
    }
}

fn choice(row: impl ExactSizeIterator<Item = f64> + Clone) -> Result<Choice> {
    let (mut token, mut largest, mut broken) = (0, f64::NEG_INFINITY, 0_usize);
    for (id, logit) in row.clone().enumerate() {
        broken += usize::from(logit.is_nan() || logit == f64::INFINITY);
        if logit > largest {
            (token, largest) = (id, logit);
        }
    }
    if broken > 0 || largest == f64::NEG_INFINITY {
        return refused(format!(
            "the model's logits are broken: {broken} of {} are NaN or infinite; its weights or its precision do not hold",
            row.len()
        ));
    }
    // With w = exp(x - max) the entropy is ln(sum w) - sum(w (x - max)) / sum w: nothing overflows.
    let (mut sum, mut weighted) = (0.0, 0.0);
    for logit in row {
        let below = logit - largest;
        let weight = below.exp();
        sum += weight;
        // What is impossible adds nothing; 0 times infinity would be no number.
        if weight > 0.0 {
            weighted += weight * below;
        }
    }
    let token = u32::try_from(token).expect("a vocabulary is smaller than 2^32");
    Ok(Choice { token, entropy: sum.ln() - weighted / sum })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_fair_coin_has_ln_2() {
        let two = Row::Single(&[3.0, f32::NEG_INFINITY, 3.0]).choice().unwrap();
        assert_eq!(two.token, 0);
        assert!((two.entropy - 2_f64.ln()).abs() < 1e-15);
        let half = [f16::from_f32(-1.0), f16::from_f32(40.0)];
        assert!(Row::Half(&half).choice().unwrap().entropy < 1e-12);
    }

    #[test]
    fn broken_logits_are_reported() {
        for broken in [f32::NAN, f32::INFINITY] {
            let message = Row::Single(&[1.0, broken]).choice().unwrap_err().to_string();
            assert!(message.contains("1 of 2 are NaN"), "{message}");
        }
        assert!(Row::Single(&[f32::NEG_INFINITY]).choice().is_err());
    }

    proptest! {
        /// Against the definition, and in its bounds.
        #[test]
        fn the_entropy_is_that_of_the_softmax(row in prop::collection::vec(-30_f32..30.0, 1..60)) {
            let choice = Row::Single(&row).choice().unwrap();
            let sum: f64 = row.iter().map(|x| f64::from(*x).exp()).sum();
            let shares = row.iter().map(|x| f64::from(*x).exp() / sum);
            let plain: f64 = shares.map(|p| -p * p.ln()).sum();
            prop_assert!((choice.entropy - plain).abs() < 1e-9);
            prop_assert!(choice.entropy > -1e-12 && choice.entropy <= (row.len() as f64).ln() + 1e-12);
            prop_assert!(row.iter().all(|x| *x <= row[choice.token as usize]));
        }
    }
}
