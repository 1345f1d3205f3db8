//! Series of lines with numbers between spaces, without a header.
//!
//! - Pensieve's cooked traces: seconds and Mbps. A rate is that of the time since the line before, as its simulator plays it.
//! - The Norwegian 3G logs: Unix time, milliseconds, latitude, longitude, bytes received since the line before, and milliseconds
//!   since the line before. Bytes over milliseconds is the rate of that time.

use super::{About, BandwidthSeries, spans};
use crate::{
    TraceError,
    decimal::fixed_point,
    error::shown,
    open::{Lines, empty},
};
use std::path::Path;
use units::{BitsPerSecond, SimDuration};

const PENSIEVE: &str = "lines of two numbers, seconds and Mbps";
const NORWAY: &str = "lines of six numbers: Unix time, milliseconds, latitude, longitude, bytes, milliseconds";

/// Reads a cooked trace.
pub(super) fn read_pensieve(path: &Path) -> Result<(BandwidthSeries, About), TraceError> {
    let mut readings: spans::Readings<BitsPerSecond> = Vec::new();
    let lines = each_line(path, PENSIEVE, |number, [seconds, mbps]: [&str; 2]| {
        let refuse = |found| TraceError::new(path, found, PENSIEVE, "correct or remove the line").at(number);
        let read =
            |text: &str, exponent| fixed_point(text, exponent).ok_or_else(|| refuse(format!("\"{}\"", shown(text))));
        let (time, rate) = (SimDuration::from_ns(read(seconds, 9)?), BitsPerSecond::new(read(mbps, 6)?));
        if let Some((last, _)) = readings.last().filter(|(last, _)| *last >= time) {
            return Err(refuse(format!("the time {time} after {last}")));
        }
        readings.push((time, rate));
        Ok(())
    })?;
    let about = About {
        values: "the second number of each line, in Mbps".to_owned(),
        times: "the first number of each line, in s; a rate is of the time since the line before".to_owned(),
        readings: lines,
        gaps: 0,
    };
    Ok((spans::series(path, spans::since_last(&readings))?, about))
}

/// Reads a log of 3G in Norway.
pub(super) fn read_norway(path: &Path) -> Result<(BandwidthSeries, About), TraceError> {
    let mut spans = Vec::new();
    let lines = each_line(path, NORWAY, |number, fields: [&str; 6]| {
        let [.., bytes, ms] = fields;
        let refuse = |found| TraceError::new(path, found, NORWAY, "correct or remove the line").at(number);
        let read = |text: &str| fixed_point(text, 0).ok_or_else(|| refuse(format!("\"{}\"", shown(text))));
        let (bytes, ms) = (read(bytes)?, read(ms)?);
        let length = SimDuration::from_ms(1).checked_mul(ms);
        let length = length.ok_or_else(|| refuse(format!("\"{ms}\"")))?;
        if ms == 0 && bytes > 0 {
            return Err(refuse(format!("{bytes} bytes in 0 ms")));
        }
        let rate = u128::from(bytes) * 8000 / u128::from(ms.max(1));
        spans.push((length, BitsPerSecond::new(u64::try_from(rate).unwrap_or(u64::MAX))));
        Ok(())
    })?;
    let about = About {
        values: "the fifth number of each line, in bytes, over the sixth".to_owned(),
        times: "the sixth number of each line, in ms".to_owned(),
        readings: lines,
        gaps: 0,
    };
    Ok((spans::series(path, spans)?, about))
}

/// Hands on the fields of each line that is not blank; the number of such lines.
fn each_line<const N: usize>(
    path: &Path,
    expected: &str,
    mut then: impl FnMut(u64, [&str; N]) -> Result<(), TraceError>,
) -> Result<u64, TraceError> {
    let (mut lines, mut count) = (Lines::open(path)?, 0);
    while let Some((number, text)) = lines.next()? {
        let fields: Vec<&str> = text.split_whitespace().collect();
        if fields.is_empty() {
            continue;
        }
        let fields = <[&str; N]>::try_from(fields).map_err(|fields| {
            let found = format!("{} fields in \"{}\"", fields.len(), shown(text));
            TraceError::new(path, found, expected, "check that it is the right file").at(number)
        })?;
        then(number, fields)?;
        count += 1;
    }
    if count == 0 { Err(empty(path, expected)) } else { Ok(count) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::file_with;

    type Reader = fn(&Path) -> Result<(BandwidthSeries, About), TraceError>;

    fn read(reader: Reader, text: &str) -> Result<Vec<(f64, f64)>, String> {
        let (series, _) = reader(file_with(text.as_bytes()).path()).map_err(|error| error.to_string())?;
        let segments = series.segments().iter().map(|(start, rate)| (start.as_ms_f64(), rate.as_mbps_f64()));
        Ok(segments.chain([(series.period().as_ms_f64(), 0.0)]).collect())
    }

    #[test]
    fn a_cooked_rate_is_of_the_time_before_it() {
        let expected = [(0.0, 1.5), (1000.0, 2.0), (2000.0, 0.95), (4000.0, 0.0)];
        for text in ["0.5\t1.5\n1.5\t2.0\n3.5\t0.950\n", "0.5 1.5\r\n1.5 2\r\n3.5 9.5e-1\r\n\r\n"] {
            assert_eq!(read(read_pensieve, text).unwrap(), expected, "{text}");
        }
        assert_eq!(read(read_pensieve, "0 4\n").unwrap(), [(0.0, 4.0), (1000.0, 0.0)]);
    }

    #[test]
    fn a_norwegian_rate_is_bytes_over_milliseconds() {
        let text = "1289406399 549893 59.85 10.78 250000 1000\n1289406400 550893 59.85 10.78 0 500\n\
                    1289406401 551893 59.85 10.78 1000 2\n";
        assert_eq!(read(read_norway, text).unwrap(), [(0.0, 2.0), (1000.0, 0.0), (1500.0, 4.0), (1502.0, 0.0)]);
    }

    #[test]
    fn refusals_say_where_what_and_what_to_do() {
        for (reader, text, says) in [
            (read_pensieve as Reader, "", "found an empty file; expected lines of two numbers, seconds and Mbps"),
            (read_pensieve, "0 1\n1 2 3\n", ":2: found 3 fields in \"1 2 3\""),
            (read_pensieve, "0 1\n1 nan\n", ":2: found \"nan\""),
            (read_pensieve, "1 1\n1 2\n", ":2: found the time 1 s after 1 s"),
            (read_pensieve, "0 0\n", "found a bandwidth of 0 at all times"),
            (read_norway, "1 2 3\n", ":1: found 3 fields"),
            (read_norway, "1 2 3 4 5 0\n", ":1: found 5 bytes in 0 ms"),
            (read_norway, "1 2 3 4 5 18446744073709551615\n", ":1: found \"18446744073709551615\""),
            (read_norway, "1 2 3 4 18446744073709551615 1\n", "found a bandwidth above 1000 Tbps"),
        ] {
            let refused = read(reader, text).unwrap_err();
            assert!(refused.contains(says), "{refused}\nhas no\n{says}");
        }
    }
}
