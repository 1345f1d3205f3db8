//! A rate that changes over time: piecewise constant, repeating.

use units::{BitsPerSecond, Bytes, SimDuration, SimTime, overflow};

/// Nanoseconds in a second: work is counted in bit nanoseconds per second, so that everything stays an integer.
const SECOND: u128 = 1_000_000_000;

/// Bits per second as a piecewise constant function of time that repeats after its period. A constant rate has one
/// piece.
///
/// ```
/// use kernel::RateProfile;
/// use units::{BitsPerSecond, Bytes, SimDuration, SimTime};
///
/// let (fast, slow) = (BitsPerSecond::from_mbps(8), BitsPerSecond::from_mbps(4));
/// let (start, ms) = (SimDuration::ZERO, SimDuration::from_ms);
/// let rate = RateProfile::piecewise(&[(start, fast), (ms(10), slow)], ms(20));
/// assert_eq!(rate.finish(SimTime::ZERO, Bytes::new(12_000)).as_ms_f64(), 14.0, "10 ms fast, 4 ms slow");
/// ```
#[derive(Clone, Debug)]
pub struct RateProfile {
    /// Start of each piece within the period, ns; the first is 0.
    starts: Vec<u64>,
    rates: Vec<u64>,
    /// Work done within the period before each piece, in bits x 1e9.
    before: Vec<u128>,
    /// Length of the period, ns, and work done in it.
    period: u64,
    whole: u128,
}

impl RateProfile {
    /// The same rate for ever.
    ///
    /// # Panics
    /// If `rate` is zero.
    pub fn constant(rate: BitsPerSecond) -> Self {
        Self::piecewise(&[(SimDuration::ZERO, rate)], SimDuration::from_secs(1))
    }

    /// Pieces by start within a period, which repeats.
    ///
    /// # Panics
    /// If there is no piece, the first does not start at 0, starts do not increase, or the period ends before
    /// the last begins. Also if every rate is zero. Readers of files check this first and tell their user.
    pub fn piecewise(pieces: &[(SimDuration, BitsPerSecond)], period: SimDuration) -> Self {
        let starts: Vec<u64> = pieces.iter().map(|(start, _)| start.as_ns()).collect();
        let rates: Vec<u64> = pieces.iter().map(|(_, rate)| rate.as_u64()).collect();
        let period = period.as_ns();
        assert!(starts.first() == Some(&0), "a rate profile starts at 0");
        let ends = starts[1..].iter().copied().chain([period]);
        let mut before = Vec::with_capacity(starts.len());
        let mut whole = 0;
        for ((&start, &rate), end) in starts.iter().zip(&rates).zip(ends) {
            assert!(end > start, "a piece of a rate profile ends before it starts");
            before.push(whole);
            whole += u128::from(rate) * u128::from(end - start);
        }
        assert!(whole > 0, "a rate profile that never transfers anything");
        Self { starts, rates, before, period, whole }
    }

    /// The time after which it repeats.
    pub fn period(&self) -> SimDuration {
        SimDuration::from_ns(self.period)
    }

    /// The same rates, of which those at `offset` come first.
    #[must_use]
    pub fn starting_at(&self, offset: SimDuration) -> Self {
        if self.is_constant() {
            return self.clone();
        }
        let pieces: Vec<(u64, u64)> = self.starts.iter().copied().zip(self.rates.iter().copied()).collect();
        let rotated = super::rotated(&pieces, self.period, offset.as_ns());
        let typed = rotated.into_iter().map(|(start, rate)| (SimDuration::from_ns(start), BitsPerSecond::new(rate)));
        Self::piecewise(&typed.collect::<Vec<_>>(), self.period())
    }

    /// The same rates, but for an outage at the end of each `every`, which `lasts` so long.
    ///
    /// ```
    /// use kernel::RateProfile;
    /// use units::{BitsPerSecond, SimDuration, SimTime};
    ///
    /// let rate = RateProfile::constant(BitsPerSecond::from_mbps(8));
    /// let broken = rate.with_outages(SimDuration::from_secs(10), SimDuration::from_secs(2));
    /// let at = |s| broken.at(SimTime::ZERO + SimDuration::from_secs(s)).as_mbps_f64();
    /// assert_eq!([at(7), at(8), at(9), at(10)], [8.0, 0.0, 0.0, 8.0]);
    /// ```
    ///
    /// Outages begin anew with each period of a rate that changes, which is repeated until it is as long as `every`.
    ///
    /// # Panics
    /// If nothing is left between outages.
    #[must_use]
    pub fn with_outages(&self, every: SimDuration, lasts: SimDuration) -> Self {
        let (every, lasts) = (every.as_ns(), lasts.as_ns());
        let times = if self.is_constant() { 1 } else { every.div_ceil(self.period) };
        let period = if self.is_constant() { every } else { self.period * times };
        let changes = (0..times).flat_map(|time| self.starts.iter().map(move |start| time * self.period + start));
        let outages = (1..=period / every).flat_map(|end| [end * every - lasts, end * every]);
        let mut starts: Vec<u64> = changes.chain(outages).filter(|start| *start < period).collect();
        starts.sort_unstable();
        starts.dedup();
        let silent = |start: u64| start % every >= every - lasts && start < period / every * every;
        let rate = |start: u64| if silent(start) { BitsPerSecond::ZERO } else { self.at(SimTime::from_ns(start)) };
        let pieces: Vec<_> = starts.iter().map(|&start| (SimDuration::from_ns(start), rate(start))).collect();
        Self::piecewise(&pieces, SimDuration::from_ns(period))
    }

    /// True if the rate never changes.
    pub fn is_constant(&self) -> bool {
        self.rates.len() == 1
    }

    /// The rate at an instant.
    pub fn at(&self, now: SimTime) -> BitsPerSecond {
        BitsPerSecond::new(self.rates[self.piece(now.as_ns() % self.period)])
    }

    /// Time of the next change of the rate; `None` for a constant one.
    pub fn next_change(&self, now: SimTime) -> Option<SimTime> {
        if self.is_constant() {
            return None;
        }
        let within = now.as_ns() % self.period;
        let next = self.starts.get(self.piece(within) + 1).copied().unwrap_or(self.period);
        Some(now + SimDuration::from_ns(next - within))
    }

    /// Time at which `size` has been transferred, alone and without pause, from `start` on; rounded up to a
    /// nanosecond.
    pub fn finish(&self, start: SimTime, size: Bytes) -> SimTime {
        let start = start.as_ns();
        if self.is_constant() {
            return SimTime::from_ns(start) + SimDuration::from_ns(ceil_transfer(size, self.rates[0]));
        }
        let (periods, within) = (start / self.period, start % self.period);
        let piece = self.piece(within);
        let done = self.before[piece] + u128::from(self.rates[piece]) * u128::from(within - self.starts[piece]);
        // Work since the start of the period in which the transfer begins.
        let goal = done + u128::from(size.as_u64()) * 8 * SECOND;
        let (mut whole, mut rest) = (goal / self.whole, goal % self.whole);
        if rest == 0 && whole > 0 {
            // It ends with the last bit of a period, which may come before a silent tail.
            (whole, rest) = (whole - 1, self.whole);
        }
        if size.as_u64() == 0 {
            return SimTime::from_ns(start);
        }
        // The first piece within which the rest gets done: `before` of the next reaches it.
        let last = self.before.partition_point(|&before| before < rest) - 1;
        let at = u128::from(self.starts[last]) + (rest - self.before[last]).div_ceil(u128::from(self.rates[last]));
        let end = (u128::from(periods) + whole).checked_mul(self.period.into()).and_then(|start| start.checked_add(at));
        let end = end.and_then(|end| u64::try_from(end).ok());
        SimTime::from_ns(end.unwrap_or_else(|| overflow("SimTime")))
    }

    fn piece(&self, within: u64) -> usize {
        self.starts.partition_point(|&start| start <= within) - 1
    }
}

/// ceil(bits x 1e9 / rate), in 64 bits where that is enough.
fn ceil_transfer(size: Bytes, rate: u64) -> u64 {
    match size.as_u64().checked_mul(8 * SECOND as u64) {
        Some(work) => work.div_ceil(rate),
        None => {
            let work = u128::from(size.as_u64()) * 8 * SECOND;
            u64::try_from(work.div_ceil(u128::from(rate))).unwrap_or_else(|_| overflow("SimDuration"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn profile(pieces: &[(u64, u64)], period: u64) -> RateProfile {
        let pieces: Vec<_> =
            pieces.iter().map(|&(ns, bps)| (SimDuration::from_ns(ns), BitsPerSecond::new(bps))).collect();
        RateProfile::piecewise(&pieces, SimDuration::from_ns(period))
    }

    #[test]
    fn constant_is_size_over_rate_rounded_up() {
        let rate = RateProfile::constant(BitsPerSecond::new(400_000_000));
        assert_eq!(rate.finish(SimTime::from_ns(7), Bytes::new(162_816)).as_ns(), 7 + 3_256_320);
        let odd = RateProfile::constant(BitsPerSecond::new(3));
        assert_eq!(odd.finish(SimTime::ZERO, Bytes::new(1)).as_ns(), 2_666_666_667);
    }

    #[test]
    fn a_silent_piece_delays() {
        // 1 Gbit/s for 100 ns, then nothing for 100 ns.
        let rate = profile(&[(0, 1_000_000_000), (100, 0)], 200);
        assert_eq!(rate.finish(SimTime::ZERO, Bytes::new(12)).as_ns(), 96);
        assert_eq!(rate.finish(SimTime::from_ns(50), Bytes::new(10)).as_ns(), 230);
        assert_eq!(rate.finish(SimTime::from_ns(150), Bytes::new(1)).as_ns(), 208);
        assert_eq!(rate.next_change(SimTime::from_ns(150)), Some(SimTime::from_ns(200)));
    }

    proptest! {
        #[test]
        fn a_later_start_is_the_same_rate_later(
            rates in prop::collection::vec(0u64..4, 1..5),
            widths in prop::collection::vec(1u64..9, 5), offset in 0u64..90, at in 0u64..60, bytes in 0u64..20,
        ) {
            prop_assume!(rates.iter().any(|&rate| rate > 0));
            let starts: Vec<u64> = widths.iter().scan(0, |at, w| { *at += w; Some(*at - w) }).collect();
            let pieces: Vec<(u64, u64)> =
                starts.iter().copied().zip(rates.iter().map(|rate| rate * 1_000_000_000)).collect();
            let rate = profile(&pieces[..rates.len()], starts[rates.len() - 1] + widths[rates.len() - 1]);
            let later = rate.starting_at(SimDuration::from_ns(offset));
            prop_assert_eq!(later.period(), rate.period());
            let (now, then) = (SimTime::from_ns(at), SimTime::from_ns(at + offset));
            prop_assert_eq!(later.at(now), rate.at(then));
            let size = Bytes::new(bytes);
            prop_assert_eq!(later.finish(now, size).as_ns() + offset, rate.finish(then, size).as_ns());
        }

        #[test]
        fn finishing_agrees_with_a_walk_over_the_nanoseconds(
            rates in prop::collection::vec(prop::sample::select(vec![0u64, 1, 3, 8]), 1..5),
            widths in prop::collection::vec(1u64..9, 5), start in 0u64..60, bytes in 0u64..20,
        ) {
            prop_assume!(rates.iter().any(|&rate| rate > 0));
            let starts: Vec<u64> = widths.iter().scan(0, |at, w| { *at += w; Some(*at - w) }).collect();
            let pieces: Vec<(u64, u64)> =
                starts.iter().copied().zip(rates.iter().map(|rate| rate * 1_000_000_000)).collect();
            let period = starts[rates.len() - 1] + widths[rates.len() - 1];
            let rate = profile(&pieces[..rates.len()], period);
            let (mut now, mut left) = (start, (bytes * 8) as i64);
            while left > 0 {
                left -= (rate.at(SimTime::from_ns(now)).as_u64() / 1_000_000_000) as i64;
                now += 1;
            }
            prop_assert_eq!(rate.finish(SimTime::from_ns(start), Bytes::new(bytes)).as_ns(), now);
        }
    }
}
