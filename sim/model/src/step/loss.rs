//! How far a form is from measured steps. It stands here, beside the form, because a fit asks for it a million times.

use super::parts::Priced;
use crate::roofline::Load;

/// A measured step: which of several forms prices it (one for each device and model), what it had to do, and the logarithm
/// of the nanoseconds that it took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Place of its device and model among the forms.
    pub form: usize,
    /// What it had to do.
    pub load: Load,
    /// Its items.
    pub items: u64,
    /// Natural logarithm of its nanoseconds.
    pub ln_ns: f64,
    /// How much it counts.
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
