//! The report of iperf3: `iperf3 --json`, one object, or `--json-stream`, an object a line.
//!
//! An interval is a segment with its own rate. Those that iperf3 omitted (`-O`) are left out. Of a test in both directions `column =
//! "sum_bidir_reverse"` takes the way back.

use super::{About, BandwidthSeries, SeriesFile, spans};
use crate::{
    TraceError,
    error::shown,
    open::{empty, open_unguarded},
};
use serde::Deserialize;
use std::{io::BufReader, path::Path};
use units::{BitsPerSecond, SimDuration};

const EXPECTED: &str = "the report of `iperf3 --json`";

/// A report, or an event of a stream of them.
#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    intervals: Vec<Interval>,
    event: Option<String>,
    data: Option<Event>,
    error: Option<String>,
}

/// The data of an event: an object for those that matter here.
#[derive(Deserialize)]
#[serde(untagged)]
enum Event {
    Interval(Interval),
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
struct Interval {
    sum: Option<Sum>,
    sum_bidir_reverse: Option<Sum>,
}

/// The streams of an interval together.
#[derive(Deserialize)]
struct Sum {
    start: f64,
    end: f64,
    bits_per_second: f64,
    #[serde(default)]
    omitted: bool,
}

/// Reads the intervals of a report.
pub(super) fn read(path: &Path, keys: &SeriesFile) -> Result<(BandwidthSeries, About), TraceError> {
    keys.refuse_but(path, "a report of iperf3", &["column"])?;
    let column = keys.column.as_deref().unwrap_or("sum");
    if !["sum", "sum_bidir_reverse"].contains(&column) {
        let found = format!("column = \"{}\"", shown(column));
        return Err(TraceError::new(path, found, "sum or sum_bidir_reverse", "correct the key"));
    }
    let sums = read_sums(path, column)?;
    let mut spans = Vec::new();
    for Sum { start, end, bits_per_second, .. } in sums.iter().filter(|sum| !sum.omitted) {
        let length = end - start;
        let sound = (0.0..1e9).contains(&length) && (0.0..1e18).contains(bits_per_second);
        if !sound {
            let found = format!("{bits_per_second} bits_per_second from {start} to {end} s");
            return Err(TraceError::new(path, found, "an interval and a rate from 0 up", "run iperf3 again"));
        }
        spans.push((SimDuration::from_secs_f64(length), BitsPerSecond::new(bits_per_second.round() as u64)));
    }
    let about = About {
        values: format!("bits_per_second of the {column} of each interval"),
        times: "start and end of the intervals, in s".to_owned(),
        readings: spans.len() as u64,
        gaps: (sums.len() - spans.len()) as u64,
    };
    Ok((spans::series(path, spans)?, about))
}

fn read_sums(path: &Path, column: &str) -> Result<Vec<Sum>, TraceError> {
    let reports = serde_json::Deserializer::from_reader(BufReader::new(open_unguarded(path)?)).into_iter::<Report>();
    let (mut sums, mut any) = (Vec::new(), false);
    for report in reports {
        let Report { intervals, event, data, error } = report.map_err(|error| no_report(path, error))?;
        any = true;
        if let Some(error) = error {
            let found = format!("a test that failed: {}", shown(&error));
            return Err(TraceError::new(path, found, EXPECTED, "run iperf3 again"));
        }
        let streamed = match (event.as_deref(), data) {
            (Some("interval"), Some(Event::Interval(interval))) => Some(interval),
            _ => None,
        };
        let sum = |interval: Interval| if column == "sum" { interval.sum } else { interval.sum_bidir_reverse };
        sums.extend(intervals.into_iter().chain(streamed).filter_map(sum));
    }
    match (any, sums.is_empty()) {
        (false, _) => Err(empty(path, EXPECTED)),
        (true, true) => {
            let found = format!("no interval with {column}");
            Err(TraceError::new(path, found, EXPECTED, "check that it is a report with intervals, of this direction"))
        }
        (true, false) => Ok(sums),
    }
}

/// The refusal of a text that is no report, with its line.
fn no_report(path: &Path, error: serde_json::Error) -> TraceError {
    let line = error.line() as u64;
    if error.is_io() {
        return TraceError::reading(path, error.into());
    }
    TraceError::json(path, &error, EXPECTED).at(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::file_with;

    fn interval(start: f64, mbps: f64, omitted: bool) -> String {
        let (end, bits) = (start + 1.0, mbps * 1e6);
        let sum = |bits: f64| {
            format!(
                "{{\"start\": {start}, \"end\": {end}, \"seconds\": 1, \"bits_per_second\": {bits}, \"omitted\": {omitted}}}"
            )
        };
        format!("{{\"streams\": [], \"sum\": {}, \"sum_bidir_reverse\": {}}}", sum(bits), sum(bits / 2.0))
    }

    fn mbps(text: &str, keys: &str) -> Result<Vec<(f64, f64)>, String> {
        let keys: SeriesFile = toml::from_str(&format!("file = \"x\"\n{keys}")).unwrap();
        let (series, _) = read(file_with(text.as_bytes()).path(), &keys).map_err(|error| error.to_string())?;
        Ok(series.segments().iter().map(|(start, rate)| (start.as_secs_f64(), rate.as_mbps_f64())).collect())
    }

    #[test]
    fn intervals_are_segments_in_both_forms() {
        let intervals = [interval(0.0, 9.0, true), interval(0.0, 80.0, false), interval(1.0, 40.0, false)];
        let whole = format!("{{\"start\": {{}}, \"intervals\": [{}], \"end\": {{}}}}", intervals.join(", "));
        let events = intervals.iter().map(|data| format!("{{\"event\": \"interval\", \"data\": {data}}}\n"));
        let stream = format!("{{\"event\": \"start\", \"data\": {{\"version\": 1}}}}\n{}", events.collect::<String>());
        for text in [whole, stream] {
            assert_eq!(mbps(&text, "").unwrap(), [(0.0, 80.0), (1.0, 40.0)], "{text}");
            assert_eq!(mbps(&text, "column = \"sum_bidir_reverse\"").unwrap(), [(0.0, 40.0), (1.0, 20.0)]);
        }
    }

    #[test]
    fn refusals_say_what_and_what_to_do() {
        let back = "{\"intervals\": [{\"sum\": {\"start\": 1, \"end\": 0, \"bits_per_second\": 1e6}}]}";
        for (text, keys, says) in [
            ("", "", "found an empty file; expected the report of `iperf3 --json`"),
            ("{\"intervals\": []}", "", "found no interval with sum"),
            ("{\"start\": {}, \"error\": \"unable to connect\"}", "", "found a test that failed: unable to connect"),
            ("{\n\"intervals\": [", "", ":2: found JSON that ends too early"),
            ("t_s,dl_mbps\n0,1\n", "", ":1: found JSON with expected ident at column"),
            (back, "", "found 1000000 bits_per_second from 1 to 0 s"),
            (back, "column = \"streams\"", "found column = \"streams\"; expected sum or sum_bidir_reverse"),
            (back, "time = \"start\"", "found the key `time`; expected none: a report of iperf3 says it by itself"),
        ] {
            let refused = mbps(text, keys).unwrap_err();
            assert!(refused.contains(says), "{refused}\nhas no\n{says}");
        }
    }
}
