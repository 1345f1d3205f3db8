//! Requests that a server has answered, with how long it took: CSV, plain or gzip.
//!
//! These columns must be there: `arrival_s`, `input_tokens` and `output_tokens`. These may be: `ttft_ms` (first token after
//! arrival), `tpot_ms` (between tokens after the first) and `e2e_ms` (last token after arrival); an empty cell means "not
//! measured". Other columns are not looked at.

use super::{Collector, Format, Requests, TraceFile, TraceRequest};
use crate::{
    TraceError,
    rows::{CsvFile, Row},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use units::SimDuration;

/// The file of requests that a server has answered.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Served(TraceFile);

impl Format for Served {
    const EXAMPLE: &str = "\"FILE\"";
    const PICTURES: bool = false;

    fn files(&mut self) -> Vec<&mut TraceFile> {
        vec![&mut self.0]
    }

    fn read(&self) -> Result<Requests, TraceError> {
        read(self.0.path()?).map(Requests::Listed)
    }
}

impl Served {
    /// The file's name.
    pub fn file(&self) -> PathBuf {
        self.0.clone().into()
    }
}

/// A request, and how a server fared with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ServedRequest {
    /// Its arrival and its lengths.
    pub request: TraceRequest,
    /// Milliseconds from its arrival to its first token, where measured.
    pub ttft_ms: Option<f64>,
    /// Milliseconds between tokens after the first, where measured.
    pub tpot_ms: Option<f64>,
    /// Milliseconds from its arrival to its last token, where measured.
    pub e2e_ms: Option<f64>,
}

/// Reads requests with what was measured of them; see the module.
///
/// # Errors
/// If the file cannot be read, lacks a column, has no request or goes back in time, or a value is none; with the line.
pub fn read_served(path: &Path) -> Result<Vec<ServedRequest>, TraceError> {
    let mut file = CsvFile::open(path, "a table of served requests: arrival_s, input_tokens, output_tokens, ...")?;
    let [arrival, input, output] = ["arrival_s", "input_tokens", "output_tokens"].map(|name| file.column(name));
    let (arrival, input, output) = (arrival?, input?, output?);
    let measured = ["ttft_ms", "tpot_ms", "e2e_ms"].map(|name| file.header().iter().position(|column| column == name));
    let (mut requests, mut timings) = (Collector::default(), Vec::new());
    while let Some(row) = file.next()? {
        let request = TraceRequest {
            arrival: SimDuration::from_ns(row.fixed_point(arrival, 9)?),
            text_tokens: row.count(input)?,
            images: 0,
            image_tokens: Some(0),
            output_tokens: row.count(output)?,
        };
        timings.push(timing(&row, measured)?);
        let line = row.line();
        requests.push(path, request).map_err(|error| error.at(line))?;
    }
    let requests = requests.finish(path)?.into_iter();
    let served = requests.zip(timings).map(|(request, timing)| {
        let [ttft_ms, tpot_ms, e2e_ms] = timing;
        ServedRequest { request, ttft_ms, tpot_ms, e2e_ms }
    });
    Ok(served.collect())
}

/// The timings of a row, from columns that may be absent.
fn timing(row: &Row<'_>, columns: [Option<usize>; 3]) -> Result<[Option<f64>; 3], TraceError> {
    let mut timing = [None; 3];
    for (timing, column) in timing.iter_mut().zip(columns) {
        let Some(column) = column.filter(|column| !row.text(*column).is_empty()) else { continue };
        *timing = Some(row.number(column)?);
    }
    Ok(timing)
}

fn read(path: &Path) -> Result<Vec<TraceRequest>, TraceError> {
    Ok(read_served(path)?.into_iter().map(|served| served.request).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{file_with, shared};

    fn read_text(text: &str) -> Result<Vec<ServedRequest>, String> {
        let file = file_with(text.as_bytes());
        let path = file.path().display().to_string();
        read_served(file.path()).map_err(|error| error.to_string().replace(&path, "served.csv"))
    }

    #[test]
    fn columns_are_found_by_name_and_timings_may_lack() {
        let text = "request,output_tokens,arrival_s,input_tokens,e2e_ms,tpot_ms\n7,3,1.5,10,90.5,2\n8,1,2.25,4,,\n";
        let served = read_text(text).unwrap();
        let first = served[0];
        assert_eq!((first.request.text_tokens, first.request.output_tokens), (10, 3));
        assert_eq!((first.ttft_ms, first.tpot_ms, first.e2e_ms), (None, Some(2.0), Some(90.5)));
        assert_eq!(served[1].request.arrival, SimDuration::from_ms(750), "counted from the first");
        assert_eq!(served[1].e2e_ms, None);
    }

    #[test]
    fn refusals_say_where_what_and_what_to_do() {
        let row = |row: &str| format!("arrival_s,input_tokens,output_tokens,ttft_ms\n0,5,5,1\n{row}\n");
        for (text, message) in [
            ("".to_owned(), "served.csv: found an empty file; expected a table of served requests"),
            (
                "arrival_s,input_tokens\n".to_owned(),
                "served.csv:1: found the columns arrival_s,input_tokens; expected a column \"output_tokens\"",
            ),
            ("arrival_s,input_tokens,output_tokens\n".to_owned(), "served.csv: found no request; expected at least 1"),
            (row("1,5,0,2"), "served.csv:3: found a request with 0 output tokens; expected at least 1"),
            (row("1,5,5,-2"), "served.csv:3: found ttft_ms = \"-2\"; expected a finite number that is not negative"),
            (row("1,5,5,NaN"), "served.csv:3: found ttft_ms = \"NaN\""),
            (row("1,5,5"), "served.csv:3: found 3 fields; expected 4"),
            (
                row("1,5,5,2\n0.5,5,5,2"),
                "served.csv:4: found an arrival 500 ms before the one above; expected times in order",
            ),
        ] {
            let refused = read_text(&text).unwrap_err();
            assert!(refused.starts_with(message), "{refused}\nis not\n{message}");
        }
    }

    #[test]
    fn shared_requests_are_read() {
        let Some(path) = shared("measured/requests_rtxpro6000_llama31_8b.csv.gz") else { return };
        let served = read_served(&path).unwrap();
        assert_eq!(served.len(), 300);
        for one in served {
            let [ttft, tpot, e2e] = [one.ttft_ms, one.tpot_ms, one.e2e_ms].map(Option::unwrap);
            let gaps = f64::from(one.request.output_tokens - 1);
            assert!((ttft + gaps * tpot - e2e).abs() < 1.0, "{one:?}");
        }
    }
}
