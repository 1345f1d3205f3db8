//! A value that changes over time: piecewise constant, repeating.

use units::{SimDuration, SimTime};

/// A delay or a probability as a piecewise constant function of time that repeats after its period.
///
/// ```
/// use kernel::Profile;
/// use units::{SimDuration, SimTime};
///
/// let ms = SimDuration::from_ms;
/// let delay = Profile::piecewise(&[(ms(0), ms(20)), (ms(10), ms(80))], ms(30));
/// assert_eq!(delay.at(SimTime::ZERO + ms(10)), ms(80));
/// assert_eq!(delay.at(SimTime::ZERO + ms(39)), ms(20), "it repeats");
/// assert_eq!((delay.constant(), Profile::from(ms(5)).constant()), (None, Some(ms(5))));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Profile<V> {
    /// Start of each piece within the period, ns, and its value; the first start is 0.
    pieces: Vec<(u64, V)>,
    /// Length of the period, ns.
    period: u64,
}

impl<V: Copy> Profile<V> {
    /// Pieces by start within a period, which repeats.
    ///
    /// # Panics
    /// If there is no piece, the first does not start at 0, starts do not increase, or the period ends before the last begins.
    /// Readers of files check this first and tell their user.
    pub fn piecewise(pieces: &[(SimDuration, V)], period: SimDuration) -> Self {
        let pieces: Vec<(u64, V)> = pieces.iter().map(|(start, value)| (start.as_ns(), *value)).collect();
        let ends = pieces.iter().skip(1).map(|(start, _)| *start).chain([period.as_ns()]);
        assert!(pieces.first().is_some_and(|(start, _)| *start == 0), "a profile starts at 0");
        assert!(pieces.iter().zip(ends).all(|((start, _), end)| *start < end), "a piece ends before it starts");
        Self { pieces, period: period.as_ns() }
    }

    /// The value at an instant.
    pub fn at(&self, now: SimTime) -> V {
        let within = now.as_ns() % self.period;
        self.pieces[self.pieces.partition_point(|(start, _)| *start <= within) - 1].1
    }

    /// The value, if it never changes.
    pub fn constant(&self) -> Option<V> {
        if let [(_, value)] = self.pieces[..] { Some(value) } else { None }
    }

    /// Other values at the same times.
    #[must_use]
    pub fn map(self, of: impl Fn(V) -> V) -> Self {
        let pieces = self.pieces.into_iter().map(|(start, value)| (start, of(value))).collect();
        Self { pieces, ..self }
    }

    /// The time after which it repeats.
    pub fn period(&self) -> SimDuration {
        SimDuration::from_ns(self.period)
    }
}

impl<V: Copy> From<V> for Profile<V> {
    /// The same value for ever.
    fn from(value: V) -> Self {
        Self::piecewise(&[(SimDuration::ZERO, value)], SimDuration::from_secs(1))
    }
}
