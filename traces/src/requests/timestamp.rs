//! Calendar time stamps, as the published Azure traces have them.

use crate::decimal::fixed_point;
use units::SimDuration;

/// Reads `2023-11-16 18:15:46.6805900` as the time since 1970, to the nanosecond.
///
/// A `T` may stand for the space, and `Z` or a distance to UTC such as `+02:00` at the end.
pub(crate) fn read(text: &str) -> Option<SimDuration> {
    let (text, zone_min) = zone(text.strip_suffix('Z').unwrap_or(text))?;
    let (date, time) = text.split_once([' ', 'T'])?;
    let [year, month, day] = parts(date, '-', [4, 2, 2])?;
    let (clock, _) = time.split_once('.').unwrap_or((time, ""));
    let [hour, minute, second] = parts(clock, ':', [2, 2, 2])?;
    let in_range = year >= 1970 && (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    if !in_range || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    let fraction = fixed_point(&format!("0{}", &time[clock.len()..]), 9)?;
    let seconds = seconds.checked_add_signed(-60 * zone_min)?;
    seconds.checked_mul(1_000_000_000)?.checked_add(fraction).map(SimDuration::from_ns)
}

/// The time without its distance to UTC, and that in minutes.
fn zone(text: &str) -> Option<(&str, i64)> {
    let Some((time, zone)) = text.len().checked_sub(6).and_then(|at| text.split_at_checked(at)) else {
        return Some((text, 0));
    };
    let sign = match zone.as_bytes()[0] {
        b'+' => 1,
        // A date alone ends in such text too.
        b'-' if time.contains(':') => -1,
        _ => return Some((text, 0)),
    };
    let [hours, minutes] = parts(&zone[1..], ':', [2, 2])?;
    (hours < 15 && minutes < 60).then(|| (time, sign * (60 * hours + minutes) as i64))
}

/// Numbers of fixed width.
fn parts<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[u64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let part = parts.next().filter(|part| part.len() == width && part.bytes().all(|b| b.is_ascii_digit()))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let leap_days_before = |year: u64| (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    let years = (year - 1970) * 365 + leap_days_before(year) - leap_days_before(1970);
    years + (1..month).map(|month| days_in(year, month)).sum::<u64>() + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_instants() {
        for (text, ns) in [
            ("1970-01-01 00:00:00", 0),
            ("2000-03-01 00:00:00", 951_868_800_000_000_000),
            ("2023-11-16 18:15:46.6805900", 1_700_158_546_680_590_000),
            ("2024-05-10 00:00:00.009930+00:00", 1_715_299_200_009_930_000),
            ("2024-10-15T12:00:00Z", 1_728_993_600_000_000_000),
            ("2024-10-15T14:00:00+02:00", 1_728_993_600_000_000_000),
            ("2024-10-15 06:30:00.5-05:30", 1_728_993_600_500_000_000),
        ] {
            assert_eq!(read(text), Some(SimDuration::from_ns(ns)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_stamp_is_none() {
        for text in [
            "",
            "2023-11-16",
            "18:15:46",
            "2023-13-01 00:00:00",
            "2023-02-29 00:00:00",
            "1969-12-31 23:59:59",
            "2023-11-16 24:00:00",
            "2023-11-16 18:15",
            "2023-11-16 18:15:46,5",
            "2023-11-16 18:15:46.5 ",
            "16.11.2023 18:15:46",
            "2023-11-16 18:15:46+1:00",
            "2023-11-16 18:15:46+25:00",
            "1970-01-01 00:00:00+00:01",
            "9999-01-01 00:00:00",
            "2023-11-16 18:15:46.-5",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*", near in "[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]*)?.?") {
            read(&text);
            read(&near);
        }
    }
}
