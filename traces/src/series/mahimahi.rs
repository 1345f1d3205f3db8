//! Mahimahi traces: when a link could carry a packet.
//!
//! A line is a whole number of milliseconds, and says that one packet of 1500 bytes may leave at that time; a line that is there
//! `n` times lets `n` packets leave. At the end the trace starts again, its time zero being the last time of the file.
//!
//! Mahimahi lets a packet leave at the end of a millisecond in which a link of constant rate would have carried it: the trace
//! `1` is 12 Mbps, one packet after each millisecond. So the packets of time `t` are spread over the millisecond
//! before `t`, and a fluid link delivers the last of them just when Mahimahi does. Packets at time 0 fall together with the
//! end of the period before and are spread over its last millisecond. No packet is gained or lost.

use super::{About, BandwidthSeries, spans};
use crate::{
    TraceError,
    decimal::fixed_point,
    error::shown,
    open::{Lines, empty},
};
use std::path::Path;
use units::{BitsPerSecond, SimDuration};

/// 1500 bytes in one millisecond.
const ONE_PACKET: BitsPerSecond = BitsPerSecond::from_mbps(12);

const EXPECTED: &str = "lines of whole milliseconds, in order";

/// Reads the Mahimahi trace at `path`.
///
/// # Errors
///
/// If the file cannot be read, is empty, has a line that is not a whole number, goes back in time, or ends at time 0.
pub(super) fn read(path: &Path) -> Result<(BandwidthSeries, About), TraceError> {
    let packets = read_packets(path)?;
    let period_ms = packets.last().map_or(0, |(ms, _)| *ms);
    if period_ms == 0 {
        return Err(TraceError::new(path, "a trace that ends at 0 ms", "a later end", "add the time of the end"));
    }
    let about = About {
        values: "a packet of 1500 bytes for each line".to_owned(),
        times: "the number of each line, in ms".to_owned(),
        readings: packets.iter().map(|(_, count)| count).sum(),
        gaps: 0,
    };
    Ok((spans::series(path, spans(&packets, period_ms))?, about))
}

/// Milliseconds with packets, rising, and how many packets each has.
fn read_packets(path: &Path) -> Result<Vec<(u64, u64)>, TraceError> {
    let mut packets: Vec<(u64, u64)> = Vec::new();
    let mut lines = Lines::open(path)?;
    let mut blank = None;
    while let Some((number, text)) = lines.next()? {
        if text.trim().is_empty() {
            blank.get_or_insert(number);
            continue;
        }
        if let Some(line) = blank {
            return Err(TraceError::new(path, "\"\"", EXPECTED, "correct or remove the line").at(line));
        }
        let refuse = |found, remedy| TraceError::new(path, found, EXPECTED, remedy).at(number);
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        // Below the nanoseconds of a duration, so that the period fits.
        let ms = fixed_point(text, 0).filter(|ms| digits && *ms <= u64::MAX / 1_000_000);
        let ms = ms.ok_or_else(|| refuse(format!("\"{}\"", shown(text)), "correct or remove the line"))?;
        match packets.last_mut() {
            Some((last, count)) if *last == ms => *count += 1,
            Some((last, _)) if *last > ms => return Err(refuse(format!("{ms} after {last}"), "sort the file")),
            _ => packets.push((ms, 1)),
        }
    }
    if packets.is_empty() { Err(empty(path, EXPECTED)) } else { Ok(packets) }
}

/// The rate in each millisecond with packets, and the silence between.
fn spans(packets: &[(u64, u64)], period_ms: u64) -> Vec<(SimDuration, BitsPerSecond)> {
    let mut spans = Vec::new();
    let mut free_from = 0;
    let at_zero = packets.first().map_or(0, |(ms, count)| if *ms == 0 { *count } else { 0 });
    for &(ms, count) in packets.iter().filter(|(ms, _)| *ms > 0) {
        let count = if ms == period_ms { count + at_zero } else { count };
        spans.push((SimDuration::from_ms(ms - 1 - free_from), BitsPerSecond::ZERO));
        spans.push((SimDuration::from_ms(1), ONE_PACKET * count));
        free_from = ms;
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{file_with, shared};

    fn read(text: &str) -> Result<BandwidthSeries, String> {
        super::read(file_with(text.as_bytes()).path()).map(|(series, _)| series).map_err(|error| error.to_string())
    }

    fn in_ms(series: &BandwidthSeries) -> Vec<(f64, f64)> {
        series.segments().iter().map(|(start, rate)| (start.as_ms_f64(), rate.as_mbps_f64())).collect()
    }

    #[test]
    fn one_packet_each_millisecond_is_12_mbps() {
        let series = read("1\n").unwrap();
        assert_eq!(in_ms(&series), [(0.0, 12.0)]);
        assert_eq!(series.period(), SimDuration::from_ms(1));
    }

    #[test]
    fn packets_are_spread_over_the_millisecond_before_and_none_is_lost() {
        let series = read("0\n0\n1\n2\n5\n5\n8\n").unwrap();
        assert_eq!(in_ms(&series), [(0.0, 12.0), (2.0, 0.0), (4.0, 24.0), (5.0, 0.0), (7.0, 36.0)]);
        assert_eq!(series.period(), SimDuration::from_ms(8));
        assert_eq!(series.mean(), BitsPerSecond::new(7 * 1500 * 8 * 1000 / 8));
    }

    #[test]
    fn blank_lines_may_end_it() {
        for text in ["1\n5\n\n", "1\n5\n \r\n\n", "\u{feff}1\n5"] {
            assert_eq!(read(text).unwrap(), read("1\n5\n").unwrap(), "{text:?}");
        }
    }

    #[test]
    fn refusals_say_where_what_and_what_to_do() {
        for (text, says) in [
            ("", "found an empty file; expected lines of whole milliseconds, in order"),
            ("1\n\n2\n", ":2: found \"\"; expected lines of whole milliseconds"),
            ("1\n2.5\n", ":2: found \"2.5\""),
            ("1\n-2\n", ":2: found \"-2\""),
            ("1\nnan\n", ":2: found \"nan\""),
            ("1\n1e3\n", ":2: found \"1e3\""),
            ("5\n4\n", ":2: found 4 after 5; expected lines of whole milliseconds, in order; sort the file"),
            ("0\n0\n", "found a trace that ends at 0 ms"),
            ("99999999999999999999\n", ":1: found \"99999999999999999999\""),
            ("1\n18446744073709\n", "found a series of years; expected at most 366 days"),
            ("1\n99999999\n", "found a mean bandwidth of"),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.contains(says), "{refused}\nhas no\n{says}");
        }
    }

    #[test]
    fn shared_traces_are_read() {
        let Some(folder) = shared("traces/network") else { return };
        for name in
            ["ATT-LTE-driving-2016.down", "ATT-LTE-driving-2016.up", "Verizon-LTE-short.down", "Verizon-LTE-short.up"]
        {
            let (series, _) = super::read(&folder.join(format!("mahimahi_{name}.gz"))).unwrap();
            let mean = series.mean().as_mbps_f64();
            assert!((1.0..40.0).contains(&mean), "{name}: {mean} Mbps");
        }
    }
}
