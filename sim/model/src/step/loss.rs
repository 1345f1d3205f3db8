//! The loss of a form against measured steps. It stands beside the form because a fit calls it a million times.

use super::parts::Priced;
use crate::load::Load;

/// A measured step, with the form that prices it: one for each device and model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Index of the form of its device and model.
    pub form: usize,
    /// Its work.
    pub load: Load,
    /// Its items.
    pub items: u64,
    /// Natural logarithm of its nanoseconds.
    pub ln_ns: f64,
    /// Its weight in the loss.
    pub weight: f64,
}

/// The weighted mean of Huber's loss of ln(predicted / measured): squared up to `delta`, linear beyond.
///
/// # Panics
/// If a sample's form is not there.
pub fn huber(forms: &[Priced], samples: &[Sample], delta: f64) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for sample in samples {
        let ns = forms[sample.form].ns(&sample.load, sample.items);
        let off = (libm::log(ns) - sample.ln_ns).abs();
        let loss = if off <= delta { 0.5 * off * off } else { delta * (off - 0.5 * delta) };
        sum += sample.weight * loss;
        weights += sample.weight;
    }
    sum / weights
}
