//! A log's verdict: whether the replay agrees with it.

use std::fmt;

use serde_json::Value;

use crate::log::Log;
use crate::replay::replay;

/// Verdict on a file.
#[derive(Debug)]
pub enum Verdict {
    /// All steps, results and totals agree.
    Agrees {
        /// The number of steps.
        steps: usize,
    },
    /// The first difference.
    Differs(Difference),
    /// The file is no step log: the line, and what was expected.
    NoLog(String),
}

impl Verdict {
    /// The exit code that stands for it.
    pub fn code(&self) -> u8 {
        match self {
            Self::Agrees { .. } => 0,
            Self::Differs(_) => 1,
            Self::NoLog(_) => 2,
        }
    }
}

/// A field in which log and replay differ.
#[derive(Debug)]
pub struct Difference {
    /// The step, or the part of the log.
    pub place: String,
    /// The field.
    pub field: String,
    /// The log's value.
    pub log: Value,
    /// The replay's value.
    pub replay: Value,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, field, log, replay } = self;
        write!(f, "{place} differs in {field}: the log has {log}, the replay {replay}")
    }
}

/// Reads a log from a file, replays it and compares.
pub fn file(path: &str) -> Verdict {
    match std::fs::read_to_string(path) {
        Ok(log) => text(&log),
        Err(error) => Verdict::NoLog(format!(" {error}; expected a step log in JSON")),
    }
}

/// Reads a log, replays it and compares.
pub fn text(log: &str) -> Verdict {
    match Log::read(log) {
        Ok(log) => compare(&log),
        Err(reason) => Verdict::NoLog(reason),
    }
}

fn compare(log: &Log) -> Verdict {
    let replay = replay(log);
    let mut parts = Vec::new();
    for (number, step) in log.steps.iter().enumerate() {
        let replayed = replay.steps.get(number).map_or(Value::Null, |record| record.as_logged(log.compact));
        parts.push((format!("step {number}"), step.clone(), replayed));
    }
    if let Some(further) = replay.steps.get(log.steps.len()) {
        parts.push((format!("step {}", log.steps.len()), Value::Null, further.as_logged(log.compact)));
    }
    for (id, result) in &log.results {
        let replayed = replay.results.get(id).cloned().unwrap_or_default();
        parts.push((format!("the result of {id}"), result.clone(), replayed));
    }
    parts.push(("the whole".into(), log.totals.clone(), replay.totals));
    parts.push((
        "the end".into(),
        serde_json::json!({ "stuck": log.stuck }),
        serde_json::json!({ "stuck": replay.stuck }),
    ));
    let mut differences = parts.iter().filter_map(|(place, log, replay)| difference(place, log, replay));
    match differences.next() {
        Some(difference) => Verdict::Differs(difference),
        None => Verdict::Agrees { steps: log.steps.len() },
    }
}

/// The first field of the log that the replay has otherwise.
fn difference(place: &str, log: &Value, replay: &Value) -> Option<Difference> {
    let differs = |field: &str, log: &Value, replay: &Value| Difference {
        place: place.to_owned(),
        field: field.to_owned(),
        log: log.clone(),
        replay: replay.clone(),
    };
    let (Value::Object(fields), Value::Object(replayed)) = (log, replay) else {
        return (log != replay).then(|| differs("being there", log, replay));
    };
    let missing = Value::from("no such field");
    fields.iter().find_map(|(field, value)| {
        let ours = replayed.get(field).unwrap_or(&missing);
        (value != ours).then(|| differs(field, value, ours))
    })
}
