//! From readings to a series: the time for which each of them holds.

use super::{Quantity, Series};
use crate::TraceError;
use std::path::Path;
use units::SimDuration;

/// The longest series: beyond it, requests that wait for its end would leave the simulated clock.
const LONGEST: SimDuration = SimDuration::from_secs(366 * 86_400);

/// Readings, each with its time; times rise.
pub(super) type Readings<V> = Vec<(SimDuration, V)>;

/// Each reading holds until the next. The last holds for as long as the median of the others, a single one for a second.
pub(super) fn until_next<V: Quantity>(readings: &Readings<V>) -> Vec<(SimDuration, V)> {
    let lengths = spacings(readings).chain([median(readings)]);
    lengths.zip(readings).map(|(length, (_, value))| (length, *value)).collect()
}

/// Each reading is of the time since the one before. The first is of the median of the others, a single one of a second.
pub(super) fn since_last<V: Quantity>(readings: &Readings<V>) -> Vec<(SimDuration, V)> {
    let lengths = [median(readings)].into_iter().chain(spacings(readings));
    lengths.zip(readings).map(|(length, (_, value))| (length, *value)).collect()
}

/// A series of values, each with the time for which it holds.
///
/// # Errors
///
/// If there is none, or the series is too long, or has values that cannot be simulated.
pub(super) fn series<V: Quantity>(path: &Path, spans: Vec<(SimDuration, V)>) -> Result<Series<V>, TraceError> {
    let (mut segments, mut end): (Vec<(SimDuration, V)>, SimDuration) = (Vec::new(), SimDuration::ZERO);
    for (length, value) in spans {
        let (highest, limit) = V::HIGHEST;
        if value.as_u64() > limit {
            let found = format!("a {} above {highest}", V::NAME);
            return Err(TraceError::new(path, found, format!("at most {highest}"), "check the unit"));
        }
        let start = end;
        let later = start.checked_add(length).filter(|later| *later <= LONGEST);
        end = later.ok_or_else(|| TraceError::new(path, "a series of years", "at most 366 days", "check the unit"))?;
        let goes_on = segments.last().is_some_and(|(_, last)| *last == value);
        if !length.is_zero() && !goes_on {
            segments.push((start, value));
        }
    }
    if segments.is_empty() {
        return Err(TraceError::new(path, "a series without any time", "at least one reading", "choose another file"));
    }
    let series = Series { segments, period: end };
    match V::fault(&series) {
        Some((found, expected)) => Err(TraceError::new(path, found, expected, "choose another trace")),
        None => Ok(series),
    }
}

fn spacings<V>(readings: &Readings<V>) -> impl Iterator<Item = SimDuration> {
    readings.windows(2).map(|pair| pair[1].0 - pair[0].0)
}

/// The lower median of the distances between readings. A mean would let one hole in the readings set the length.
fn median<V>(readings: &Readings<V>) -> SimDuration {
    let mut spacings: Vec<SimDuration> = spacings(readings).collect();
    spacings.sort_unstable();
    spacings.get(spacings.len().saturating_sub(1) / 2).copied().unwrap_or(SimDuration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use units::BitsPerSecond;

    fn of(spans: &[(u64, u64)]) -> Result<Series<BitsPerSecond>, String> {
        let spans = spans.iter().map(|&(s, mbps)| (SimDuration::from_secs(s), BitsPerSecond::new(mbps * 1_000_000)));
        series(Path::new("x"), spans.collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_mean_is_weighted_by_time() {
        let series = of(&[(1, 10), (1, 10), (0, 99), (1, 0), (1, 40)]).unwrap();
        assert_eq!(series.segments().len(), 3, "equal neighbours are one, and what has no time is none");
        let mbps = [series.mean(), series.lowest(), series.highest()].map(BitsPerSecond::as_mbps_f64);
        assert_eq!(mbps, [15.0, 0.0, 40.0]);
        assert_eq!(series.period(), SimDuration::from_secs(4));
    }

    #[test]
    fn what_cannot_be_simulated_is_refused() {
        for (spans, says) in [
            (&[][..], "found a series without any time"),
            (&[(0, 1)], "found a series without any time"),
            (&[(1, 0), (2, 0)], "found a bandwidth of 0 at all times"),
            (&[(1, 1), (30_000_000, 0)], "found a mean bandwidth of 0 bps; expected at least 1 kbps"),
            (&[(1, 1_000_000_001)], "found a bandwidth above 1000 Tbps; expected at most 1000 Tbps"),
            (&[(1, 1), (40_000_000, 1)], "found a series of years; expected at most 366 days"),
        ] {
            let refused = of(spans).unwrap_err();
            assert!(refused.contains(says), "{refused}\nhas no\n{says}");
        }
    }
}
