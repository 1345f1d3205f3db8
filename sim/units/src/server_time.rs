//! Time summed over many servers, which a run's clock need not hold.

use crate::SimDuration;
use std::iter::Sum;
use std::ops::{AddAssign, Sub};

/// A sum of durations over servers, in nanoseconds of 128 bits: 100,000 workers that are busy for a week sum to 1,900 years.
///
/// ```
/// use units::{ServerTime, SimDuration};
///
/// let week = SimDuration::from_secs(7 * 24 * 3600);
/// let busy = week.of_servers(100_000);
/// assert_eq!(busy.as_secs_f64(), 6.048e10);
/// assert!(busy > ServerTime::from(week));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerTime(u128);

impl ServerTime {
    /// No time.
    pub const ZERO: Self = Self(0);

    /// In nanoseconds, exactly.
    pub const fn as_ns(self) -> u128 {
        self.0
    }

    /// In seconds, to the nearest float.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl From<SimDuration> for ServerTime {
    fn from(duration: SimDuration) -> Self {
        Self(duration.as_ns().into())
    }
}

impl AddAssign<SimDuration> for ServerTime {
    fn add_assign(&mut self, duration: SimDuration) {
        self.0 += u128::from(duration.as_ns());
    }
}

impl AddAssign for ServerTime {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for ServerTime {
    type Output = Self;
    /// Panics if `other` is the longer.
    fn sub(self, other: Self) -> Self {
        Self(self.0.checked_sub(other.0).expect("ServerTime difference is negative"))
    }
}

impl Sum<SimDuration> for ServerTime {
    fn sum<I: Iterator<Item = SimDuration>>(durations: I) -> Self {
        Self(durations.map(|duration| u128::from(duration.as_ns())).sum())
    }
}

impl SimDuration {
    /// This duration on each of so many servers.
    pub fn of_servers(self, servers: u32) -> ServerTime {
        ServerTime(u128::from(self.as_ns()) * u128::from(servers))
    }
}
