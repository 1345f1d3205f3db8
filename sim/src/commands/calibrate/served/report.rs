//! The printed fit: constants and errors, as text, as JSON, and as lines of a scenario.

use super::super::report::aligned;
use super::constants::{CONSTANTS, Values};
use super::fit::{Fate, Found};
use super::trace::{Half, Trace};
use crate::run::answered::Served;
use crate::scenario::Tuning;
use crate::scenario::profile::{SourceFile, to_digits};
use crate::terminal::Failure;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use units::quantile;

/// A latency of a request.
type Latency = fn(&Served) -> Option<f64>;

/// The latencies that are compared.
const LATENCIES: [(&str, Latency); 3] =
    [("ttft_ms", |one| one.ttft_ms), ("tpot_ms", |one| one.tpot_ms), ("e2e_ms", |one| one.e2e_ms)];

/// The errors of a latency, per cent: 100 (simulated / measured - 1).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Off {
    /// Error of the median.
    pub p50_pct: f64,
    /// Error of the 90th percentile.
    pub p90_pct: f64,
    /// Error of the mean.
    pub mean_pct: f64,
    /// Median size of the error of a single request.
    pub request_pct: f64,
}

/// The errors of a half of a trace in one latency, before and after.
#[derive(Clone, Debug)]
pub struct Line {
    file: String,
    half: Half,
    latency: &'static str,
    requests: usize,
    uncalibrated: Off,
    calibrated: Off,
}

impl Off {
    fn of(pairs: &[(f64, f64)]) -> Self {
        let sorted = |of: fn(&(f64, f64)) -> f64| {
            let mut all: Vec<f64> = pairs.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            all
        };
        let (measured, simulated) = (sorted(|pair| pair.0), sorted(|pair| pair.1));
        let off = |of: &dyn Fn(&[f64]) -> f64| to_digits(100.0 * (of(&simulated) / of(&measured) - 1.0));
        let at = |share: f64| move |all: &[f64]| quantile(all, share).expect("a pair");
        let each = sorted(|(measured, simulated)| 100.0 * (simulated / measured - 1.0).abs());
        Self {
            p50_pct: off(&at(0.5)),
            p90_pct: off(&at(0.9)),
            mean_pct: off(&|all: &[f64]| all.iter().sum::<f64>()),
            request_pct: to_digits(at(0.5)(&each)),
        }
    }

    fn cells(&self) -> [String; 4] {
        let [p50, p90, mean] = [self.p50_pct, self.p90_pct, self.mean_pct].map(|pct| format!("{pct:+.1}"));
        [p50, p90, mean, format!("{:.1}", self.request_pct)]
    }
}

/// The errors of every trace, half and latency, with the scenario's constants and with the fitted ones.
///
/// # Errors
/// If a simulation fails.
pub fn lines(traces: &[Trace], found: &Found) -> Result<Vec<Line>, Failure> {
    let mut lines = Vec::new();
    for trace in traces {
        let (before, after) = (trace.simulate(&trace.defaults())?, trace.simulate(&found.values)?);
        for half in [Half::Fitted, Half::HeldOut] {
            for (latency, of) in LATENCIES {
                let pairs = |simulated: &[Served]| -> Vec<(f64, f64)> {
                    let both = |(measured, simulated): (&Served, &Served)| Some((of(measured)?, of(simulated)?));
                    trace.pairs(simulated, half).filter_map(both).filter(|pair| pair.0 > 0.0).collect()
                };
                let [before, after] = [pairs(&before), pairs(&after)];
                if before.is_empty() {
                    continue;
                }
                lines.push(Line {
                    file: trace.file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                    half,
                    latency,
                    requests: before.len(),
                    uncalibrated: Off::of(&before),
                    calibrated: Off::of(&after),
                });
            }
        }
    }
    Ok(lines)
}

fn half(half: Half) -> &'static str {
    match half {
        Half::Fitted => "fitted",
        Half::HeldOut => "held out",
    }
}

/// The end of a constant in a fit, in words.
fn fate(number: usize, found: &Found) -> String {
    let constant = &CONSTANTS[number];
    match found.fates[number] {
        Fate::Fitted(_) if constant.is_at_its_end(found.values[number]) => {
            "fitted, at its end: the device's figures are too low".to_owned()
        }
        Fate::Fitted([least, most]) => {
            format!("fitted; {} to {} fit as well", constant.told(least), constant.told(most))
        }
        Fate::Kept(worse_pct) => {
            format!("kept: these requests do not tell it apart (without it the loss changes by {worse_pct:+.1} %)")
        }
    }
}

/// Constants and errors, as tables.
pub fn text(defaults: &Values, found: &Found, lines: &[Line]) -> String {
    let mut rows = vec![["constant", "before", "after", ""].map(str::to_owned).to_vec()];
    for (number, constant) in CONSTANTS.iter().enumerate() {
        let [before, after] = [defaults[number], found.values[number]].map(|value| constant.told(value));
        rows.push(vec![constant.key.to_owned(), before, after, fate(number, found)]);
    }
    let mut text = aligned(&rows) + "\n";
    let head = ["requests", "half", "latency", "n", "uncalibrated P50", "P90", "mean", "a request"];
    let after = ["calibrated P50", "P90", "mean", "a request"];
    let mut rows = vec![head.iter().chain(&after).map(|word| (*word).to_owned()).collect::<Vec<_>>()];
    for line in lines {
        let start = [line.file.clone(), half(line.half).to_owned(), line.latency.to_owned(), line.requests.to_string()];
        rows.push(start.into_iter().chain(line.uncalibrated.cells()).chain(line.calibrated.cells()).collect());
    }
    text += &aligned(&rows);
    text += "\nErrors in %: 100 (simulated / measured - 1) of P50, P90 and mean; median size of a request's.\n";
    text += "Fitted to the earlier half of each file; the later half, held out, was seen by nothing.\n";
    text
}

/// The same as one JSON object.
pub fn json(defaults: &Values, found: &Found, lines: &[Line]) -> Value {
    let constants = CONSTANTS.iter().enumerate().map(|(number, constant)| {
        let (fitted, range) = match found.fates[number] {
            Fate::Fitted(range) => (true, Some(range.map(to_digits))),
            Fate::Kept(_) => (false, None),
        };
        let (before, after) = (to_digits(defaults[number]), to_digits(found.values[number]));
        (constant.key.to_owned(), json!({ "before": before, "after": after, "fitted": fitted, "range": range }))
    });
    let line = |line: &Line| {
        json!({
            "file": line.file, "half": half(line.half), "latency": line.latency, "requests": line.requests,
            "uncalibrated": line.uncalibrated, "calibrated": line.calibrated,
        })
    };
    let errors: Vec<Value> = lines.iter().map(line).collect();
    json!({ "constants": constants.collect::<Map<String, Value>>(), "errors": errors })
}

/// The lines of a scenario with the fitted constants, and where they are from.
pub fn tuning(written: Tuning, found: &Found, lines: &[Line], about: &About) -> String {
    let mut tuning = written;
    for (number, constant) in CONSTANTS.iter().enumerate() {
        if matches!(found.fates[number], Fate::Fitted(_)) {
            constant.put(&mut tuning, found.values[number]);
        }
    }
    let mut text =
        "# Constants of a serving engine, fitted to its requests by `sim calibrate --served` (docs/calibration.md).\n\
                    # They take the place of [cloud.tuning] in the scenario.\n#\n"
            .to_owned();
    text += &format!("# tool_version = {}\n", env!("CARGO_PKG_VERSION"));
    for SourceFile { file, sha256 } in &about.files {
        text += &format!("# source = {file}, sha256 {sha256}\n");
    }
    for (key, value) in &about.notes {
        text += &format!("# {key} = {}\n", value.replace('\n', " "));
    }
    text += "# The earlier half of each file was fitted to. Errors of the later half, P50 / P90 / mean in %:\n";
    for line in lines.iter().filter(|line| line.half == Half::HeldOut) {
        let [before, after] = [line.uncalibrated, line.calibrated].map(|off| off.cells()[..3].join(" / "));
        text += &format!("#   {} {}: {after} (before {before})\n", line.file, line.latency);
    }
    text += "\n";
    let table = Cloud { cloud: Inner { tuning } };
    text + &toml::to_string(&table).expect("constants are TOML")
}

/// Provenance of a fit.
pub struct About {
    /// The scenario and the files of requests.
    pub files: Vec<SourceFile>,
    /// Notes of the command line.
    pub notes: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Cloud {
    cloud: Inner,
}

#[derive(Serialize)]
struct Inner {
    tuning: Tuning,
}
