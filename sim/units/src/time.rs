//! Instants and durations in whole nanoseconds.

use crate::{
    overflow::overflow,
    quantity::{as_string, integer_arithmetic, quantity},
    table::{Table, Unit},
};
use std::{
    fmt,
    ops::{Add, AddAssign, Div, Sub},
};

const NS_PER_US: u64 = 1_000;
const NS_PER_MS: u64 = 1_000_000;
const NS_PER_SECOND: u64 = 1_000_000_000;

quantity! {
    /// A length of time in whole nanoseconds: up to 584 years, never negative. Written `20 ms`.
    ///
    /// ```
    /// use units::SimDuration;
    ///
    /// let tpot: SimDuration = "12.5 ms".parse()?;
    /// assert_eq!(tpot.as_ns(), 12_500_000);
    /// assert_eq!((tpot * 4).to_string(), "50 ms");
    /// assert!("0.5 ns".parse::<SimDuration>().is_err(), "half a nanosecond cannot be held");
    /// # Ok::<(), units::QuantityError>(())
    /// ```
    #[derive(Eq, Ord, Hash)]
    pub struct SimDuration(u64);
    Table {
        name: "Duration",
        what: "a duration",
        example: "20 ms",
        units: &[
            Unit::decimal("ns", 0),
            Unit::decimal("us", 3),
            Unit::decimal("ms", 6),
            Unit::decimal("s", 9),
            Unit::multiple("min", 9, 60),
            Unit::multiple("h", 9, 3600),
        ],
        counts_data: false,
    }
}
as_string!(SimDuration);
integer_arithmetic!(SimDuration);

impl SimDuration {
    /// The duration zero.
    pub const ZERO: Self = Self(0);
    /// The longest duration.
    pub const MAX: Self = Self(u64::MAX);

    /// From nanoseconds.
    #[inline]
    pub const fn from_ns(ns: u64) -> Self {
        Self(ns)
    }

    /// From microseconds. Panics if it does not fit.
    pub const fn from_us(us: u64) -> Self {
        Self(us.checked_mul(NS_PER_US).expect("SimDuration overflows"))
    }

    /// From milliseconds. Panics if it does not fit.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms.checked_mul(NS_PER_MS).expect("SimDuration overflows"))
    }

    /// From seconds. Panics if it does not fit.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.checked_mul(NS_PER_SECOND).expect("SimDuration overflows"))
    }

    /// From seconds, rounded to the nearest nanosecond, halves away from zero.
    ///
    /// # Panics
    ///
    /// If `seconds` is negative or not a number: a model gave a time that cannot be. With [`Overflow`](crate::Overflow)
    /// from 2^64 ns on.
    #[inline]
    pub fn from_secs_f64(seconds: f64) -> Self {
        let ns = (seconds * NS_PER_SECOND as f64).round();
        assert!(ns >= 0.0, "not a duration: {seconds} s");
        if ns >= u64::MAX as f64 {
            overflow("SimDuration");
        }
        Self(ns as u64)
    }

    /// In nanoseconds, exactly.
    #[inline]
    pub const fn as_ns(self) -> u64 {
        self.0
    }

    /// In microseconds, to the nearest float.
    #[inline]
    pub const fn as_us_f64(self) -> f64 {
        self.0 as f64 / NS_PER_US as f64
    }

    /// In milliseconds, to the nearest float.
    #[inline]
    pub const fn as_ms_f64(self) -> f64 {
        self.0 as f64 / NS_PER_MS as f64
    }

    /// In seconds, to the nearest float.
    #[inline]
    pub const fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NS_PER_SECOND as f64
    }

    /// True if the duration is zero.
    #[inline]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The difference, or zero if `other` is the longer.
    #[inline]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The sum, or `None` if it does not fit.
    #[inline]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(ns) => Some(Self(ns)),
            None => None,
        }
    }

    /// The difference, or `None` if `other` is the longer.
    #[inline]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(ns) => Some(Self(ns)),
            None => None,
        }
    }

    /// The multiple, or `None` if it does not fit.
    #[inline]
    pub const fn checked_mul(self, times: u64) -> Option<Self> {
        match self.0.checked_mul(times) {
            Some(ns) => Some(Self(ns)),
            None => None,
        }
    }
}

impl Div<u64> for SimDuration {
    type Output = Self;
    /// Rounds down to whole nanoseconds. Panics if `parts` is zero.
    #[inline]
    fn div(self, parts: u64) -> Self {
        Self(self.0 / parts)
    }
}

/// An instant: whole nanoseconds since the start of the run.
///
/// ```
/// use units::{SimDuration, SimTime};
///
/// let arrival = SimTime::ZERO + SimDuration::from_ms(20);
/// let first_token = arrival + SimDuration::from_ms(185);
/// assert_eq!((first_token - arrival).to_string(), "185 ms");
/// assert_eq!(first_token.as_secs_f64(), 0.205);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(u64);

impl SimTime {
    /// The start of the run.
    pub const ZERO: Self = Self(0);
    /// The last instant there is.
    pub const MAX: Self = Self(u64::MAX);

    /// From nanoseconds since the start.
    #[inline]
    pub const fn from_ns(ns: u64) -> Self {
        Self(ns)
    }

    /// Nanoseconds since the start, exactly.
    #[inline]
    pub const fn as_ns(self) -> u64 {
        self.0
    }

    /// Milliseconds since the start, to the nearest float.
    #[inline]
    pub const fn as_ms_f64(self) -> f64 {
        self.since_start().as_ms_f64()
    }

    /// Seconds since the start, to the nearest float.
    #[inline]
    pub const fn as_secs_f64(self) -> f64 {
        self.since_start().as_secs_f64()
    }

    /// The duration since the start.
    #[inline]
    pub const fn since_start(self) -> SimDuration {
        SimDuration(self.0)
    }

    /// The duration since `earlier`, or zero if that is the later one.
    #[inline]
    pub const fn saturating_since(self, earlier: Self) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }

    /// The instant after `duration`, or `None` past the end of time.
    #[inline]
    pub const fn checked_add(self, duration: SimDuration) -> Option<Self> {
        match self.0.checked_add(duration.0) {
            Some(ns) => Some(Self(ns)),
            None => None,
        }
    }
}

impl Add<SimDuration> for SimTime {
    type Output = Self;
    /// Panics past the end of time.
    #[inline]
    fn add(self, duration: SimDuration) -> Self {
        self.checked_add(duration).unwrap_or_else(|| overflow("SimTime"))
    }
}

impl AddAssign<SimDuration> for SimTime {
    #[inline]
    fn add_assign(&mut self, duration: SimDuration) {
        *self = *self + duration;
    }
}

impl Sub for SimTime {
    type Output = SimDuration;
    /// The duration since `earlier`. Panics if that is the later one.
    #[inline]
    fn sub(self, earlier: Self) -> SimDuration {
        match self.0.checked_sub(earlier.0) {
            Some(ns) => SimDuration(ns),
            None => panic!("time runs backwards: {self} is before {earlier}"),
        }
    }
}

impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.since_start(), f)
    }
}

impl fmt::Debug for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_durations() {
        let start = SimTime::from_ns(5);
        let later = start + SimDuration::from_us(2);
        assert_eq!(later - start, SimDuration::from_ns(2_000));
        assert_eq!(start.saturating_since(later), SimDuration::ZERO);
        assert_eq!(later.to_string(), "2.005 us");
        assert_eq!(SimDuration::from_ms(7) / 2 * 2, SimDuration::from_ms(7));
        assert_eq!([1, 2, 3].map(SimDuration::from_secs).into_iter().sum::<SimDuration>(), SimDuration::from_secs(6));
    }

    #[test]
    #[should_panic(expected = "time runs backwards: 1 ns is before 2 ns")]
    fn a_negative_duration_panics() {
        let _ = SimTime::from_ns(1) - SimTime::from_ns(2);
    }

    #[test]
    fn seconds_round_to_the_nearest_nanosecond() {
        for (seconds, ns) in [(0.0, 0), (-0.0, 0), (1e-9, 1), (0.4e-9, 0), (0.5e-9, 1), (2.5e-9, 3), (0.02, 20_000_000)]
        {
            assert_eq!(SimDuration::from_secs_f64(seconds).as_ns(), ns, "{seconds}");
        }
    }

    #[test]
    fn what_is_no_duration_panics() {
        for seconds in [f64::NAN, f64::INFINITY, -1e-6, 2e10] {
            std::panic::catch_unwind(|| SimDuration::from_secs_f64(seconds)).expect_err("not a duration");
        }
    }
}
