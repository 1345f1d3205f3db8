//! The simulator's binary, run on scenarios in a temporary folder.

use std::collections::BTreeMap;
use std::fs;
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use serde_json::Value;

use crate::failure::{Failure, Outcome};
use crate::house::{House, cargo};

/// Runs at a time; each takes one thread.
const AT_A_TIME: usize = 2;

/// A simulation that a line of the table needs; equal ones run once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    /// Words between `sim` and the scenario.
    pub command: &'static [&'static str],
    /// The scenario, as TOML.
    pub scenario: String,
}

/// The binary, with the keys that the caller set.
pub struct Simulator {
    binary: PathBuf,
    sets: Vec<String>,
}

/// The output of each run, or its failure.
pub struct Answers(BTreeMap<Run, Result<Value, String>>);

impl Answers {
    /// The JSON that a run printed; none if it failed.
    pub fn of(&self, run: &Run) -> Option<&Value> {
        self.0.get(run)?.as_ref().ok()
    }

    /// One finding for each run that failed.
    pub fn failures(&self) -> Vec<String> {
        self.0.values().filter_map(|answer| answer.as_ref().err().cloned()).collect()
    }
}

impl Simulator {
    /// The binary that is named, else one that is built with optimisation.
    pub fn obtain(named: Option<&PathBuf>, sets: Vec<String>) -> Outcome<Self> {
        if let Some(binary) = named {
            let binary = fs::canonicalize(binary).map_err(|error| {
                format!(
                    "--sim {}: {error}; name the simulator's binary, or leave --sim out to build it",
                    binary.display()
                )
            })?;
            return Ok(Self { binary, sets });
        }
        let status = cargo().args(["build", "--release", "--quiet", "--bin", "sim"]).status();
        match status {
            Ok(status) if status.success() => Ok(Self { binary: House::target()?.join("release/sim"), sets }),
            Ok(status) => Err(format!("building `sim` failed ({status}); its output above says why").into()),
            Err(error) => Err(format!("cargo did not start: {error}; set CARGO to a working cargo").into()),
        }
    }

    /// Runs each once, two at a time.
    pub fn run_all(&self, mut runs: Vec<Run>) -> Outcome<Answers> {
        runs.sort();
        runs.dedup();
        let folder = tempfile::tempdir().map_err(|error| {
            Failure::from(format!("no temporary folder: {error}; set TMPDIR to one that can be written"))
        })?;
        let waiting = Mutex::new(runs.iter().enumerate());
        let answers = Mutex::new(BTreeMap::new());
        thread::scope(|scope| {
            for _ in 0..AT_A_TIME {
                scope.spawn(|| {
                    while let Some((number, run)) = next(&waiting) {
                        let answer = self.run(&folder.path().join(number.to_string()), run);
                        let mut answers = answers.lock().expect("no worker panics");
                        answers.insert(run.clone(), answer);
                        progress(answers.len(), runs.len());
                    }
                });
            }
        });
        Ok(Answers(answers.into_inner().expect("no worker panics")))
    }

    /// Runs one in a folder of its own.
    fn run(&self, folder: &Path, run: &Run) -> Result<Value, String> {
        let scenario = folder.join("scenario.toml");
        let written = fs::create_dir(folder).and_then(|()| fs::write(&scenario, &run.scenario));
        written.map_err(|error| format!("{}: {error}; set TMPDIR to a folder with room", scenario.display()))?;
        let mut command = Command::new(&self.binary);
        command.args(run.command).arg(&scenario).arg("--json").arg("--out").arg(folder.join("out"));
        command.args(self.sets.iter().flat_map(|set| ["--set", set]));
        let output = command.output();
        let output = output.map_err(|error| format!("{} did not start: {error}", self.binary.display()))?;
        // Rows of a run are large, and nothing reads them again.
        let _ = fs::remove_dir_all(folder);
        let text = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(format!("{}: `sim` failed ({}): {}", name(run), output.status, text.trim().replace('\n', " ")));
        }
        let printed = serde_json::from_slice(&output.stdout);
        let printed = printed.map_err(|error| format!("{}: `sim` printed no JSON: {error}", name(run)))?;
        answered(printed).map_err(|lost| format!("{}: {lost}; a server that was measured answered all", name(run)))
    }
}

/// Refuses what was printed of a run that left requests without an answer: its means are not of the same requests.
fn answered(printed: Value) -> Result<Value, String> {
    for lost in ["rejected", "failed"] {
        if let Some(count @ 1..) = printed["rows"][0][lost].as_u64() {
            return Err(format!("{count} requests were {lost}"));
        }
    }
    Ok(printed)
}

/// The next run that no worker has taken.
fn next<T>(waiting: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    waiting.lock().expect("no worker panics").next()
}

/// A line that says how far the work is: over itself on a terminal, else now and then.
fn progress(done: usize, all: usize) {
    if stderr().is_terminal() {
        eprint!("\r{done} of {all} runs{}", if done == all { "\n" } else { "" });
    } else if done.is_multiple_of(25) || done == all {
        eprintln!("{done} of {all} runs");
    }
}

/// The scenario's description, its first line.
fn name(run: &Run) -> &str {
    let first = run.scenario.lines().next().unwrap_or_default();
    first.trim_start_matches("description = ").trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(scenario: &str) -> Run {
        Run { command: &["-c"], scenario: scenario.to_owned() }
    }

    #[test]
    fn a_run_that_fails_is_a_finding_with_its_name() {
        let simulator = Simulator { binary: "/bin/false".into(), sets: vec![] };
        let answers = simulator
            .run_all(vec![run("description = \"b\""), run("description = \"a\""), run("description = \"b\"")])
            .unwrap();
        assert_eq!(answers.failures().len(), 2, "equal runs run once");
        assert!(answers.failures()[0].starts_with("a: `sim` failed"), "{:?}", answers.failures());
        assert!(answers.of(&run("description = \"a\"")).is_none());
    }

    #[test]
    fn a_run_with_rejected_requests_is_not_compared() {
        let row = |rejected: u64| json!({"rows": [{"requests": 10, "failed": 0, "rejected": rejected}]});
        assert_eq!(answered(row(0)), Ok(row(0)));
        assert_eq!(answered(row(3)), Err("3 requests were rejected".to_owned()));
    }

    #[test]
    fn a_binary_that_is_not_there_is_refused() {
        let refused = Simulator::obtain(Some(&"/no/such/sim".into()), vec![]).map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains("--sim /no/such/sim") && refused.contains("leave --sim out"), "{refused}");
    }
}
