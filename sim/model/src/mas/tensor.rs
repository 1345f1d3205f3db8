//! Errors and checks of tensors, shared by the three probes.

use std::{error::Error, fmt};

/// A tensor or a head that a probe cannot work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TensorError {
    /// A tensor has another number of entries than its place asks for.
    Length {
        /// The thing counted.
        what: &'static str,
        /// The expected number.
        expected: usize,
        /// The number found.
        came: usize,
    },
    /// An entry is NaN or infinite.
    NotFinite {
        /// The tensor.
        what: &'static str,
        /// The first such entry, from 0.
        index: usize,
    },
    /// A needed thing is missing.
    Missing {
        /// The missing thing.
        what: &'static str,
    },
    /// The kernel of the pool has no cell in its middle.
    EvenPool {
        /// Side of the pool.
        came: usize,
    },
    /// The product of the dimensions does not fit a machine word.
    TooLarge {
        /// The tensor.
        what: &'static str,
    },
}

impl fmt::Display for TensorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { what, expected, came } => write!(f, "{what}: {expected} expected, {came} came"),
            Self::NotFinite { what, index } => write!(f, "{what}: a finite number expected at index {index}"),
            Self::Missing { what } => write!(f, "{what}: at least 1 expected, 0 came"),
            Self::EvenPool { came } => write!(f, "side of the pool: an odd number expected, {came} came"),
            Self::TooLarge { what } => write!(f, "{what}: the product of the dimensions is too large"),
        }
    }
}

impl Error for TensorError {}

pub(super) fn expect_length(what: &'static str, expected: usize, came: usize) -> Result<(), TensorError> {
    if came == expected { Ok(()) } else { Err(TensorError::Length { what, expected, came }) }
}

pub(super) fn expect_finite(what: &'static str, values: &[f32]) -> Result<(), TensorError> {
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(index) => Err(TensorError::NotFinite { what, index }),
    }
}

pub(super) fn expect_some(what: &'static str, count: usize) -> Result<(), TensorError> {
    if count > 0 { Ok(()) } else { Err(TensorError::Missing { what }) }
}

/// Number of entries of a tensor with these dimensions.
pub(super) fn entries(what: &'static str, dimensions: &[usize]) -> Result<usize, TensorError> {
    let product = dimensions.iter().try_fold(1usize, |product, &n| product.checked_mul(n));
    product.ok_or(TensorError::TooLarge { what })
}

/// Inner product in f64, from the first entry to the last. It does not overflow: a product of two f32 is below 2^256.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (&x, &y)| sum + f64::from(x) * f64::from(y))
}
