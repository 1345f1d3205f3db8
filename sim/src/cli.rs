//! The command line.

use crate::commands::sweep;
use crate::run::options::Options;
use crate::scenario::Written;
use crate::terminal::Code;
use clap::{Parser, Subcommand};
use policies::SYSTEMS;

const EXAMPLES: &str = "\
Examples:
  sim init                                         a scenario of your own
  sim explain link.rtt                             a key, a metric, a policy, an exit code
  sim scenarios/paper.toml                         the paper's grid
  sim scenarios/paper.toml --set link.rtt=\"80 ms\"  over a slower link
  sim scenarios/paper.toml --set workload.requests=200 --out quick
  sim sweep scenarios/sweep_mas.toml               thousands of points, in parts
  sim compare results/paper                        policies, pair by pair
  sim check results/paper --baseline FILE          a regression gate for CI
  sim show scenarios/paper.toml                    every key, default or set
  sim list devices                                 built-in names of a kind
  sim schema > scenario.schema.json                for editors";

/// The policies that there are, the examples and the exit codes.
fn after_help() -> String {
    let names: Vec<&str> = SYSTEMS.iter().map(|(name, _)| *name).collect();
    let told = "`sim list policies` has a sentence on each, `sim list` says which other lists there are";
    let codes: Vec<String> = Code::ALL.iter().map(|(code, words)| format!("{code} {words}")).collect();
    let (names, codes) = (names.join(", "), codes.join("; "));
    format!(
        "Policies, each a table [policy.NAME] of the scenario: {names}. {told}.\n\n{EXAMPLES}\n\nExit codes: {codes}."
    )
}

/// Simulates edge-cloud offloading of multimodal language models: MSAO, its baselines and friends.
///
/// A scenario says which edge, which cloud, which link, which workload and which policies; a run prints one table and
/// writes one folder with every request in it.
#[derive(Debug, Parser)]
#[command(name = "sim", version, after_help = after_help(), args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub struct Cli {
    /// The command, unless a scenario is run.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Say nothing on stderr but warnings and failures: no progress, and not what was done.
    #[arg(long, global = true)]
    pub quiet: bool,
    /// The scenario to run.
    #[command(flatten)]
    pub written: Option<Written>,
    /// Options of the run.
    #[command(flatten)]
    pub options: Options,
}

/// Other commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    Init(crate::commands::init::Args),
    Explain(crate::commands::explain::Args),
    /// Print a scenario with every key, and whether it is the default or was set; running what is printed gives the same
    /// bytes.
    Show(Written),
    /// Print the JSON Schema of scenarios.
    Schema,
    List(crate::commands::list::Args),
    Sweep(sweep::Args),
    /// Hold the runs of a results folder to a baseline: the regression gate for CI.
    Check(crate::commands::check::Args),
    /// Compare policies pair by pair, with 95 % intervals.
    Compare(crate::commands::compare::Args),
    /// Find the best points of a sweep, under constraints, or its Pareto front.
    Best(crate::commands::best::Args),
    Tune(crate::commands::tune::Args),
    Capacity(crate::commands::capacity::Args),
    Report(crate::commands::report::Args),
    Referee(crate::commands::referee::Args),
    Calibrate(crate::commands::calibrate::Args),
    Validate(crate::commands::validate::Args),
    #[command(subcommand)]
    Link(crate::commands::link::Command),
    #[command(subcommand)]
    Questions(crate::commands::questions::Command),
    #[command(subcommand)]
    Requests(crate::commands::requests::Command),
    /// Look at real models, or let them answer: ONNX graphs in the hub's layout.
    #[cfg(feature = "onnx")]
    #[command(subcommand)]
    Models(crate::commands::models::Command),
    Completions(crate::commands::completions::Args),
    Man(crate::commands::man::Args),
}
