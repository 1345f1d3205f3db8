//! The quantities that a series may have: rates, round-trip times and losses.

use super::{
    Series,
    unit::{self, Unit},
};
use units::{BitsPerSecond, Ratio, SimDuration};

/// A quantity over time.
pub trait Quantity: Copy + Ord + private::Sealed {
    /// From bits per second, nanoseconds or parts of a billion.
    fn from_u64(value: u64) -> Self;

    /// In bits per second, nanoseconds or parts of a billion.
    fn as_u64(self) -> u64;
}

pub(super) mod private {
    use super::{Series, Unit};

    /// The parts of a quantity that readers need.
    pub trait Sealed: Sized {
        /// The quantity in a refusal.
        const NAME: &str;
        /// Its units in a refusal.
        const UNITS: &str;
        /// The highest value, as a refusal says it, and in bits per second, nanoseconds or parts of a billion.
        const HIGHEST: (&str, u64);

        /// The unit of this name.
        fn unit(text: &str) -> Option<Unit>;

        /// The found and the expected, if the series as a whole cannot be simulated.
        fn fault(series: &Series<Self>) -> Option<(String, &'static str)>;
    }
}

impl Quantity for BitsPerSecond {
    fn from_u64(value: u64) -> Self {
        Self::new(value)
    }

    fn as_u64(self) -> u64 {
        self.as_u64()
    }
}

impl private::Sealed for BitsPerSecond {
    const NAME: &str = "bandwidth";
    const UNITS: &str = "bps, kbps, Mbps or Gbps, or MBps for bytes";
    const HIGHEST: (&str, u64) = ("1000 Tbps", 1_000_000_000_000_000);

    fn unit(text: &str) -> Option<Unit> {
        unit::rate(text)
    }

    fn fault(series: &Series<Self>) -> Option<(String, &'static str)> {
        if series.highest() == Self::ZERO {
            return Some(("a bandwidth of 0 at all times".to_owned(), "at least one time at which data can pass"));
        }
        let mean = series.mean();
        (mean < Self::new(1000)).then(|| (format!("a mean bandwidth of {mean}"), "at least 1 kbps"))
    }
}

impl Quantity for SimDuration {
    fn from_u64(value: u64) -> Self {
        Self::from_ns(value)
    }

    fn as_u64(self) -> u64 {
        self.as_ns()
    }
}

impl private::Sealed for SimDuration {
    const NAME: &str = "round-trip time";
    const UNITS: &str = "s, ms or us";
    const HIGHEST: (&str, u64) = ("1 h", 3_600_000_000_000);

    fn unit(text: &str) -> Option<Unit> {
        unit::time(text)
    }

    fn fault(_: &Series<Self>) -> Option<(String, &'static str)> {
        None
    }
}

/// A probability that a packet is lost, in parts of a billion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Loss(u64);

impl Loss {
    /// The probability.
    pub fn ratio(self) -> Ratio {
        Ratio::new(self.0 as f64 / 1e9)
    }

    /// The probability in percent.
    pub fn as_percent_f64(self) -> f64 {
        self.0 as f64 / 1e7
    }
}

impl Quantity for Loss {
    fn from_u64(value: u64) -> Self {
        Self(value)
    }

    fn as_u64(self) -> u64 {
        self.0
    }
}

impl private::Sealed for Loss {
    const NAME: &str = "loss";
    const UNITS: &str = "pct or %, or share for a number from 0 to 1";
    const HIGHEST: (&str, u64) = ("90 %", 900_000_000);

    fn unit(text: &str) -> Option<Unit> {
        unit::share(text)
    }

    fn fault(_: &Series<Self>) -> Option<(String, &'static str)> {
        None
    }
}
