//! Distributions that a scenario names.

use super::{Draw, Quantity, Spread};
use kernel::{Stream, draw};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The spread of a count or a duration over requests.
///
/// ```
/// use kernel::Streams;
/// use model::dataset::{Draw, Law, Named};
///
/// let tokens: Law<u32> = Law::Drawn(Named::Uniform { from: 27, to: 38 });
/// let drawn = tokens.draw(&mut Streams::new(1).stream("input", 0));
/// assert!((27..=38).contains(&drawn));
/// assert!(tokens.check(1, 30).unwrap_err().contains("found 38; expected 1 to 30"));
/// ```
pub type Law<T> = Spread<T, Named<T>>;

/// A distribution by name. Each is drawn by the program's own code, so that a seed gives the same numbers everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Named<T> {
    /// Every value from `from` to `to` equally often, both included.
    Uniform {
        /// Least value.
        from: T,
        /// Largest value.
        to: T,
    },
    /// Number of trials up to the first success, from 1 up, plus a constant.
    Geometric {
        /// Mean number of trials, at least 1.
        mean: f64,
        /// Constant that is added, e.g. 1 for an end token; default 0.
        #[serde(skip_serializing_if = "Option::is_none")]
        plus: Option<T>,
    },
    /// Lognormal: exp of a normal variate.
    Lognormal {
        /// Median.
        median: T,
        /// Standard deviation of the logarithm.
        sigma: f64,
        /// Least and largest value: what is drawn outside becomes the nearer of them.
        #[serde(skip_serializing_if = "Option::is_none")]
        within: Option<(T, T)>,
    },
    /// Gamma; exponential with `shape = 1`.
    Gamma {
        /// Mean.
        mean: T,
        /// Shape; the coefficient of variation is 1 / sqrt(shape).
        shape: f64,
        /// Least and largest value: what is drawn outside becomes the nearer of them.
        #[serde(skip_serializing_if = "Option::is_none")]
        within: Option<(T, T)>,
    },
    /// Weibull.
    Weibull {
        /// Scale: 63.2 % of the values are smaller.
        scale: T,
        /// Shape; below 1 for tails longer than exponential.
        shape: f64,
        /// Least and largest value: what is drawn outside becomes the nearer of them.
        #[serde(skip_serializing_if = "Option::is_none")]
        within: Option<(T, T)>,
    },
}

/// Largest number of trials that is drawn.
const MOST_TRIALS: u64 = 1 << 20;

impl<T: Quantity> Draw<T> for Named<T> {
    fn draw(&self, stream: &mut Stream) -> T {
        match *self {
            Self::Uniform { from, to } => T::between(from, to, draw::uniform(stream)),
            Self::Geometric { mean, plus } => {
                let failures = draw::geometric(1.0 / mean, stream).min(MOST_TRIALS);
                T::nearest(plus.map_or(0.0, T::as_f64) + 1.0 + failures as f64)
            }
            Self::Lognormal { median, sigma, within } => {
                bounded(median.as_f64() * draw::lognormal(0.0, sigma, stream), within)
            }
            Self::Gamma { mean, shape, within } => bounded(draw::gamma(shape, mean.as_f64() / shape, stream), within),
            Self::Weibull { scale, shape, within } => bounded(draw::weibull(shape, scale.as_f64(), stream), within),
        }
    }

    fn check(&self, least: T, most: T) -> Result<(), String> {
        match *self {
            Self::Uniform { from, to } => check_range("from and to", (from, to), (least, most)),
            Self::Geometric { .. } if !T::COUNTS => {
                Err("found geometric, which counts; expected uniform, lognormal, gamma or weibull".to_owned())
            }
            Self::Geometric { mean, plus } => {
                plus.map_or(Ok(()), |plus| check_center("plus", plus, T::nearest(0.0), most))?;
                check_number("mean", mean, (1.0, most.as_f64()))
            }
            Self::Lognormal { median, sigma, within } => {
                check_center("median", median, least, most)?;
                check_number("sigma", sigma, (0.0, LARGEST_SIGMA))?;
                check_within(within, (least, most))
            }
            Self::Gamma { mean: center, shape, within } | Self::Weibull { scale: center, shape, within } => {
                let name = if matches!(self, Self::Gamma { .. }) { "mean" } else { "scale" };
                check_center(name, center, least, most)?;
                check_number("shape", shape, SHAPES)?;
                check_within(within, (least, most))
            }
        }
    }
}

/// A deviation of the logarithm beyond it is a mistake: values would differ by factors of thousands.
const LARGEST_SIGMA: f64 = 5.0;

/// Shapes beyond these are a mistake: all values would be 0, or one.
const SHAPES: (f64, f64) = (0.05, 1e6);

fn bounded<T: Quantity>(number: f64, within: Option<(T, T)>) -> T {
    let number = within.map_or(number, |(least, most)| number.max(least.as_f64()).min(most.as_f64()));
    T::nearest(number)
}

fn check_center<T: Quantity>(key: &str, value: T, least: T, most: T) -> Result<(), String> {
    let refusal = || format!("found {key} = {value}; expected {least} to {most}");
    if value.is_within(least, most) { Ok(()) } else { Err(refusal()) }
}

fn check_number(key: &str, value: f64, (least, most): (f64, f64)) -> Result<(), String> {
    let refusal = || format!("found {key} = {value}; expected a finite number from {least} to {most}");
    // Not a number is in no range.
    if (least..=most).contains(&value) { Ok(()) } else { Err(refusal()) }
}

fn check_range<T: Quantity>(keys: &str, (from, to): (T, T), (least, most): (T, T)) -> Result<(), String> {
    for value in [from, to] {
        if !value.is_within(least, most) {
            return Err(format!("found {value}; expected {least} to {most}"));
        }
    }
    let refusal = || format!("found {keys} = {from} and {to}; expected them in rising order");
    if from.is_within(least, to) { Ok(()) } else { Err(refusal()) }
}

fn check_within<T: Quantity>(within: Option<(T, T)>, range: (T, T)) -> Result<(), String> {
    within.map_or(Ok(()), |within| check_range("within", within, range))
}

#[cfg(test)]
mod tests;
