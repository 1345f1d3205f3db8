//! The common part of files that benchmarks of servers write: which of several runs, and latencies as they state them.

use super::TraceFile;
use crate::{TraceError, json::Decimal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use units::SimDuration;

/// A file that may hold several runs, and the number of the one that is meant.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a file name, or `{ file = \"FILE\", run = 0 }`")]
pub(super) enum RunOf {
    /// A file of one run.
    File(TraceFile),
    /// A run of a file.
    Run(Run),
}

/// A run of a file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    /// The file.
    file: TraceFile,
    /// Number of the run in the file, from 0; not needed if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<usize>,
}

impl RunOf {
    pub fn file(&self) -> &TraceFile {
        match self {
            Self::File(file) | Self::Run(Run { file, .. }) => file,
        }
    }

    pub fn file_mut(&mut self) -> &mut TraceFile {
        match self {
            Self::File(file) | Self::Run(Run { file, .. }) => file,
        }
    }

    /// The run that is meant of those of a file, each of which `name` describes.
    pub fn of<R>(&self, path: &Path, mut runs: Vec<R>, name: impl Fn(&R) -> String) -> Result<R, TraceError> {
        let number = match self {
            Self::Run(Run { run: Some(number), .. }) => *number,
            _ if runs.len() == 1 => 0,
            _ => {
                let names: Vec<String> =
                    runs.iter().enumerate().map(|(n, run)| format!("{n}: {}", name(run))).collect();
                let found = format!("{} runs ({})", runs.len(), names.join(", "));
                let remedy = "choose one: `{ file = \"FILE\", run = 0 }`, or --run 0";
                return Err(TraceError::new(path, found, "one run", remedy));
            }
        };
        if number < runs.len() {
            return Ok(runs.swap_remove(number));
        }
        let found = format!("no run {number}; there are {}, from 0", runs.len());
        Err(TraceError::new(path, found, "a run that the file has", "choose another"))
    }
}

/// Milliseconds of a duration in seconds; none for one that is 0, which was not measured.
pub(super) fn ms_of(seconds: Option<Decimal>) -> Option<f64> {
    seconds.map(|seconds| 1e3 * seconds.as_f64()).filter(|ms| *ms > 0.0)
}

/// A time in seconds.
pub(super) fn time(path: &Path, seconds: Decimal) -> Result<SimDuration, TraceError> {
    seconds.duration(0).ok_or_else(|| {
        let found = format!("a start at {} s", seconds.as_f64());
        TraceError::new(path, found, "seconds below 584 years", "check the unit of the times")
    })
}
