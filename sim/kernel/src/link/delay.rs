//! A delay that changes over time: piecewise constant, repeating.

use units::{SimDuration, SimTime};

/// A delay as a piecewise constant function of time that repeats after its period.
///
/// ```
/// use kernel::DelayProfile;
/// use units::{SimDuration, SimTime};
///
/// let ms = SimDuration::from_ms;
/// let delay = DelayProfile::piecewise(&[(ms(0), ms(20)), (ms(10), ms(80))], ms(30));
/// assert_eq!(delay.at(SimTime::ZERO + ms(10)), ms(80));
/// assert_eq!(delay.at(SimTime::ZERO + ms(39)), ms(20), "it repeats");
/// assert_eq!(delay.starting_at(ms(10)).at(SimTime::ZERO), ms(80));
/// ```
#[derive(Clone, Debug)]
pub struct DelayProfile {
    /// Start of each piece within the period, ns, and its delay; the first start is 0.
    pieces: Vec<(u64, SimDuration)>,
    /// Length of the period, ns.
    period: u64,
}

impl DelayProfile {
    /// Pieces by start within a period, which repeats.
    ///
    /// # Panics
    /// If there is no piece, the first does not start at 0, starts do not increase, or the period ends before the last begins.
    /// Readers of files check this first and tell their user.
    pub fn piecewise(pieces: &[(SimDuration, SimDuration)], period: SimDuration) -> Self {
        let pieces: Vec<(u64, SimDuration)> = pieces.iter().map(|(start, delay)| (start.as_ns(), *delay)).collect();
        let ends = pieces.iter().skip(1).map(|(start, _)| *start).chain([period.as_ns()]);
        assert!(pieces.first().is_some_and(|(start, _)| *start == 0), "a delay profile starts at 0");
        assert!(pieces.iter().zip(ends).all(|((start, _), end)| *start < end), "a piece ends before it starts");
        Self { pieces, period: period.as_ns() }
    }

    /// The delay at an instant.
    pub fn at(&self, now: SimTime) -> SimDuration {
        let within = now.as_ns() % self.period;
        self.pieces[self.pieces.partition_point(|(start, _)| *start <= within) - 1].1
    }

    /// The time after which it repeats.
    pub fn period(&self) -> SimDuration {
        SimDuration::from_ns(self.period)
    }

    /// The same delays, of which those at `offset` come first.
    #[must_use]
    pub fn starting_at(&self, offset: SimDuration) -> Self {
        let pieces = super::rotated(&self.pieces, self.period, offset.as_ns());
        Self { pieces, period: self.period }
    }
}
