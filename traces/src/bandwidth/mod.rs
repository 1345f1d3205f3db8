//! Bandwidth of a link over time, from measured series.
//!
//! A format is a file in this folder and a constructor of [`BandwidthSeries`].

mod csv;
mod mahimahi;

pub use csv::CsvColumns;

use crate::TraceError;
use std::path::Path;
use units::{BitsPerSecond, SimDuration};

/// A bit rate that is constant on segments and repeats for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BandwidthSeries {
    segments: Vec<(SimDuration, BitsPerSecond)>,
    period: SimDuration,
}

impl BandwidthSeries {
    /// Start and rate of each segment: the first starts at zero, starts rise, neighbours differ, one at least is not zero.
    pub fn segments(&self) -> &[(SimDuration, BitsPerSecond)] {
        &self.segments
    }

    /// After this long, later than the last start, the series starts again.
    pub fn period(&self) -> SimDuration {
        self.period
    }

    /// The average over time, rounded to whole bits per second.
    pub fn mean(&self) -> BitsPerSecond {
        let ends = self.segments[1..].iter().map(|(start, _)| *start).chain([self.period]);
        let bits: u128 = self.segments.iter().zip(ends).map(|((start, rate), end)| weight(*rate, end - *start)).sum();
        let period = u128::from(self.period.as_ns());
        let mean = (bits + period / 2) / period;
        BitsPerSecond::new(u64::try_from(mean).expect("a mean is no more than the largest"))
    }

    /// Merges neighbours of one rate. `segments` has starts that rise from zero to below `period`.
    fn new(
        path: &Path,
        mut segments: Vec<(SimDuration, BitsPerSecond)>,
        period: SimDuration,
    ) -> Result<Self, TraceError> {
        if segments.iter().all(|(_, rate)| *rate == BitsPerSecond::ZERO) {
            return Err(TraceError::new(
                path,
                "a bandwidth of 0 at all times",
                "at least one time at which data can pass",
                "choose another trace",
            ));
        }
        segments.dedup_by_key(|(_, rate)| *rate);
        debug_assert!(segments[0].0.is_zero() && segments.is_sorted_by(|a, b| a.0 < b.0));
        Ok(Self { segments, period })
    }
}

fn weight(rate: BitsPerSecond, duration: SimDuration) -> u128 {
    u128::from(rate.as_u64()) * u128::from(duration.as_ns())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_weighted_by_time() {
        let rate = BitsPerSecond::from_mbps;
        let starts = [(0, 10), (1, 10), (2, 0), (3, 40)].map(|(s, mbps)| (SimDuration::from_secs(s), rate(mbps)));
        let series = BandwidthSeries::new(Path::new("x"), starts.to_vec(), SimDuration::from_secs(4)).unwrap();
        assert_eq!(series.mean(), rate(15));
        assert_eq!(series.segments().len(), 3);
    }
}
