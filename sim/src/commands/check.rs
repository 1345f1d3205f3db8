//! `sim check`: the regression gate.

use crate::results::whole_file;
use crate::terminal::{Failure, say};
use clap::Args as ClapArgs;
use reports::Runs;
use reports::check::{self, Baseline, Check, Identity, Rules, Verdict, Worse};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

const HELP: &str = "\
Each metric of each policy and point is judged by the rules in the baseline:
regressed if it is worse by more than its tolerance and the whole 95 % interval
of the difference lies beyond it (paired where seeds and replications agree).
Counts, and the digest of all events if the rules say so, have to be equal.
A better metric does not fail; a failed run does, and so does a missing row.

Examples:
  sim scenarios/regression/short.toml --out out
  sim check out --baseline short.baseline.toml --bless   write or renew it
  sim check out --baseline short.baseline.toml           hold the runs to it
  sim check out --against ./sim-of-main                  to another binary's
  sim check out --baseline short.baseline.toml --junit junit.xml --markdown md

Exit codes: 0 nothing got worse; 2 the folder, the baseline or a file was
refused; 3 a regression, or nothing to judge; 4 the binary of --against cannot be run.
docs/regression.md has the rules and a workflow to copy.";

/// The arguments of `sim check`.
#[derive(Debug, ClapArgs)]
#[command(after_help = HELP)]
pub struct Args {
    /// The results folder, of a run or of a sweep.
    dir: PathBuf,
    /// The baseline (TOML). With --against, only its rules count.
    #[arg(long, value_name = "FILE", required_unless_present = "against")]
    baseline: Option<PathBuf>,
    /// Write these runs as the baseline, with the rules that it has; new ones if there is none.
    #[arg(long, requires = "baseline", conflicts_with_all = ["against", "junit", "markdown"])]
    bless: bool,
    /// Print one JSON document instead of text: every verdict, with all digits. docs/output.md has its keys.
    #[arg(long, conflicts_with = "bless")]
    json: bool,
    /// Another build of sim, which runs the folder's scenario now: its runs are the baseline.
    #[arg(long, value_name = "BINARY")]
    against: Option<PathBuf>,
    /// Also write JUnit XML: a suite for each policy and point, a case for each metric.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Also write Markdown, for the summary of a CI step.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Also write the guarded metrics as Bencher Metric Format (JSON).
    #[arg(long, value_name = "FILE")]
    bmf: Option<PathBuf>,
    /// Also write them for github-action-benchmark (customSmallerIsBetter): those that are worse higher.
    #[arg(long, value_name = "FILE")]
    benchmark_action: Option<PathBuf>,
    /// The same as customBiggerIsBetter: those that are worse lower.
    #[arg(long, value_name = "FILE")]
    benchmark_action_bigger: Option<PathBuf>,
}

/// Checks, or blesses.
pub fn run(args: &Args) -> Result<(), Failure> {
    let (runs, identity) = (Runs::read(&args.dir)?, Identity::read(&args.dir)?);
    if args.bless {
        let file = args.baseline.as_deref().expect("clap asks for a baseline to bless");
        return bless(file, &runs, identity, args);
    }
    let (baseline, against) = baseline(args)?;
    let check = check::check(&runs, &identity, &baseline, &against)?;
    if let Some(note) = check::model_note(&identity, &baseline) {
        say(format_args!("sim: warning: {note}"));
    }
    export(args, &runs, &baseline.rules, &identity.scenario)?;
    for (file, text) in [(&args.junit, check::junit as fn(&Check) -> String), (&args.markdown, check::markdown)] {
        if let Some(file) = file {
            whole_file::write(file, &text(&check))?;
        }
    }
    crate::terminal::print(&if args.json { check::json(&check, &args.dir)? } else { check::text(&check) })?;
    if check.fails() { Err(Failure::regression(verdict(&check, args))) } else { Ok(()) }
}

/// The baseline of the runs, and its name.
fn baseline(args: &Args) -> Result<(Baseline, String), Failure> {
    let written = args.baseline.as_deref().map(|file| Ok((Baseline::read(file)?, file.display().to_string())));
    let written = written.transpose().map_err(|error: reports::ReportError| Failure::from(error))?;
    match (&args.against, written) {
        (None, written) => Ok(written.expect("clap asks for a baseline or a binary")),
        (Some(binary), written) => {
            let rules = written.map_or_else(Rules::default, |(baseline, _)| baseline.rules);
            Ok((recompute(binary, &args.dir, rules)?, binary.display().to_string()))
        }
    }
}

/// The baseline that another binary gives for the folder's scenario.
fn recompute(binary: &Path, dir: &Path, rules: Rules) -> Result<Baseline, Failure> {
    let scenario = dir.join("scenario.toml");
    let place = TempDir::with_prefix("sim-against-")
        .map_err(|error| Failure::io("make a folder in", &std::env::temp_dir(), &error))?;
    let out = place.path().join("out");
    let mut command = Command::new(binary);
    if dir.join("sweep.json").exists() {
        command.arg("sweep");
    }
    command.arg(&scenario).arg("--out").arg(&out).stdin(Stdio::null()).stdout(Stdio::null());
    say(format_args!("sim: {} runs {} ...", binary.display(), scenario.display()));
    let output = command.output().map_err(|error| cannot_run(binary, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = said.lines().collect();
        let last = lines[lines.len().saturating_sub(5)..].join("\n  ");
        let what = format!("{} ended with {} on {}", binary.display(), output.status, scenario.display());
        return Err(Failure::refused(format!("{what}; it said:\n  {last}")));
    }
    let read = || Baseline::of(&Runs::read(&out)?, Identity::read(&out)?, rules);
    read().map_err(|error| Failure::refused(format!("{}: what it wrote cannot be used: {error}", binary.display())))
}

fn cannot_run(binary: &Path, error: &io::Error) -> Failure {
    let remedy = "give --against the path of another build of sim";
    Failure::unavailable(format!("{}: cannot run it: {error}; {remedy}", binary.display()))
}

fn bless(file: &Path, runs: &Runs, identity: Identity, args: &Args) -> Result<(), Failure> {
    let blessed = if file.exists() {
        let old = Baseline::read(file)?;
        // What is accepted is shown; a baseline of another scenario is refused here.
        crate::terminal::print(&check::text(&check::check(runs, &identity, &old, &file.display().to_string())?))?;
        old.renewed(runs, identity.clone())?
    } else {
        Baseline::of(runs, identity.clone(), Rules::default())?
    };
    whole_file::write(file, &blessed.text(runs))?;
    say(format_args!("blessed {} rows of {} in {}", runs.cells.len(), identity.scenario, file.display()));
    export(args, runs, &blessed.rules, &identity.scenario)
}

/// The guarded metrics, for other tools.
fn export(args: &Args, runs: &Runs, rules: &Rules, scenario: &str) -> Result<(), Failure> {
    let action = |worse| check::benchmark_action(runs, rules, scenario, worse);
    if let Some(file) = &args.bmf {
        whole_file::write(file, &check::bmf(runs, rules, scenario))?;
    }
    if let Some(file) = &args.benchmark_action {
        whole_file::write(file, &action(Worse::Higher))?;
    }
    match &args.benchmark_action_bigger {
        Some(file) => whole_file::write(file, &action(Worse::Lower)),
        None => Ok(()),
    }
}

/// The line on stderr for a check that fails.
fn verdict(check: &Check, args: &Args) -> String {
    let failing: usize =
        Verdict::ALL.iter().filter(|verdict| verdict.fails()).map(|verdict| check.count(*verdict)).sum();
    let what = format!("{failing} of {} checks failed", check.findings.len());
    match (&args.baseline, &args.against) {
        (Some(file), None) => {
            let bless = format!("sim check {} --baseline {} --bless", args.dir.display(), file.display());
            format!("{what}; if that is as it should be: {bless}")
        }
        _ => what,
    }
}
