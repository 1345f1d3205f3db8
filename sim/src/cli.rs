//! The command line.

use crate::failure::Failure;
use crate::scenario::Mode;
use crate::sweep;
use crate::until::Until;
use clap::{Args, Parser, Subcommand};
use policies::SYSTEMS;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  sim scenarios/paper.toml                         the paper's grid
  sim scenarios/paper.toml --set link.rtt=\"80 ms\"  over a slower link
  sim scenarios/paper.toml --set workload.requests=200 --out quick
  sim sweep scenarios/sweep_mas.toml               thousands of points, in parts
  sim compare results/paper                        policies, pair by pair
  sim check results/paper --baseline FILE          a regression gate for CI
  sim show scenarios/paper.toml                    every key, default or set
  sim schema > scenario.schema.json                for editors

Exit codes: 0 done; 2 the scenario, an input file or the place for results was
refused; 3 sim check found a regression; 4 an engine such as Slurm is not
available; 5 done, but runs of a sweep failed; 70 a bug in this program.";

/// Columns that the text after the options fills: a terminal has at least 80.
const COLUMNS: usize = 80;

/// The policies that there are, each with its sentence, and the examples.
fn after_help() -> String {
    let widest = SYSTEMS.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut help = "Policies, each a table [policy.NAME] of the scenario:\n".to_owned();
    for (name, what) in SYSTEMS {
        let margin = format!("  {:widest$}  ", "");
        let mut line = format!("  {name:widest$} ");
        for word in what.split(' ') {
            if line.len() + 1 + word.len() > COLUMNS {
                help += &format!("{line}\n");
                line = format!("{margin}{word}");
            } else {
                line += &format!(" {word}");
            }
        }
        help += &format!("{line}\n");
    }
    format!("{help}\n{EXAMPLES}")
}

/// Simulates edge-cloud offloading of multimodal language models: MSAO, its baselines and friends.
///
/// A scenario says which edge, which cloud, which link, which workload and which policies; a run prints one table and
/// writes one folder with every request in it.
#[derive(Debug, Parser)]
#[command(name = "sim", version, after_help = after_help(), args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub struct Cli {
    /// What else to do than run a scenario.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The scenario to run.
    #[command(flatten)]
    pub written: Option<Written>,
    /// How to run it.
    #[command(flatten)]
    pub options: Options,
}

/// Other commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print a scenario with every key, and whether it is the default or was set; running what is printed gives the same
    /// bytes.
    Show(Written),
    /// Print the JSON Schema of scenarios.
    Schema,
    Sweep(sweep::Args),
    /// Hold the runs of a results folder to a baseline: the regression gate for CI.
    Check(crate::check::Args),
    /// Compare policies pair by pair, with 95 % intervals.
    Compare(crate::compare::Args),
    /// Find the best points of a sweep, under constraints, or its Pareto front.
    Best(crate::best::Args),
    Tune(crate::tune::Args),
    Report(crate::report::Args),
    Calibrate(crate::calibrate::Args),
    Validate(crate::validate::Args),
    #[command(subcommand)]
    Questions(crate::questions::Command),
    /// Look at real models, or let them answer: ONNX graphs in the hub's layout.
    #[cfg(feature = "onnx")]
    #[command(subcommand)]
    Models(crate::models::Command),
}

/// A scenario and what the command line changes of it.
#[derive(Debug, Args)]
pub struct Written {
    /// The scenario file (TOML).
    pub scenario: PathBuf,
    /// Set a key, over the file: a dotted path and a TOML value (quotes around text may be left out). Repeatable.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Seed of all random streams, over the file's.
    // TOML's integers end there.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: Option<u64>,
    /// How to run it, over the file's.
    #[arg(long)]
    pub mode: Option<Mode>,
}

/// How to run a scenario.
#[derive(Debug, Args)]
pub struct Options {
    /// Folder for the results [default: results/NAME]. One of ours is replaced whole, at the end; anything else is left
    /// alone and refused.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Threads that runs are spread over [default: all cores]. Results do not depend on it.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Also write steps.parquet: every item of every GPU iteration.
    #[arg(long)]
    pub steps: bool,
    /// Also write tokens.parquet: every drafted token, its entropy, the threshold and the verdict.
    #[arg(long)]
    pub tokens: bool,
    /// Write no report: neither figures nor verdicts on the papers' claims. `sim report DIR` writes it later.
    #[arg(long)]
    pub no_report: bool,
    /// Add replications until the 95 % interval of a mean is within this share of it, for every policy at every point.
    #[arg(long, value_name = "PERCENT")]
    pub until_ci: Option<String>,
    /// The mean that --until-ci looks at.
    #[arg(long, value_name = "METRIC", default_value = "e2e_ms_mean", requires = "until_ci")]
    pub ci_metric: String,
    /// The most replications that --until-ci may come to.
    #[arg(long, value_name = "N", default_value_t = 100, requires = "until_ci")]
    pub max_replications: u32,
    /// Run everything twice and compare event by event; the first event that differs is named.
    #[arg(long)]
    pub twice: bool,
}

impl Options {
    /// What a run asks for whose files alone are wanted.
    pub fn for_files() -> Self {
        Self {
            out: None,
            threads: None,
            steps: false,
            tokens: false,
            no_report: true,
            until_ci: None,
            ci_metric: "e2e_ms_mean".to_owned(),
            max_replications: 0,
            twice: false,
        }
    }

    /// When there are enough replications, where that is asked for.
    pub fn until(&self) -> Result<Option<Until>, Failure> {
        self.until_ci.as_ref().map(|share| Until::new(share, &self.ci_metric, self.max_replications)).transpose()
    }
}

impl Written {
    /// All overrides as `--set` would have them.
    pub fn overrides(&self) -> Vec<String> {
        let seed = self.seed.map(|seed| format!("seed={seed}"));
        let mode = self.mode.map(|mode| format!("mode={}", mode.name()));
        self.set.iter().cloned().chain(seed).chain(mode).collect()
    }
}
