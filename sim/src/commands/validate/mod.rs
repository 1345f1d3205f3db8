//! `sim validate`: how wrong a simulation is, against requests that were served and that nothing was fitted to.
//!
//! | module | measured is |
//! |---|---|
//! | [`replayed`] | a replay of the scenario on real models: calibrated to one half, compared with the other |
//! | [`served`] | the file of served requests that is the scenario's dataset, e.g. of a vLLM server |

mod coverage;
mod figures;
mod gate;
mod replayed;
mod served;

use crate::results::{self, whole_file};
use crate::run::options::Options;
use crate::scenario::{Dataset, Plan, Written};
use crate::terminal::{Failure, say};
use std::path::PathBuf;

const HELP: &str = "\
Of a scenario with [replay.edge] and [replay.cloud], models of given weights,
the folder has the replay, profile.toml, and validation.csv: measured and
simulated, side by side, on the half that nothing was fitted to.

Of a scenario with dataset.served = \"requests.csv\" it has the simulation and
validation.csv: every request of the file, as it was served and as simulated.

Examples:
  sim validate my.toml
  sim validate my.toml --tolerance 10    exit code 3 past 10 % of mean or P50 of E2E";

/// Compare a simulation with requests that were served: by a replay of its own, or by a server.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    #[command(flatten)]
    written: Written,
    /// Folder for the runs and the comparison [default: results/NAME-validation].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Fail, with exit code 3, if the mean or the median of E2E is off by more, of any policy, or cannot be judged.
    #[arg(long, value_name = "PERCENT", value_parser = gate::percent, allow_negative_numbers = true)]
    tolerance: Option<f64>,
    /// Print the comparison as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs `sim validate`.
pub fn run(args: &Args) -> Result<(), Failure> {
    let mut overrides = args.written.overrides()?;
    let read = |overrides: &[String]| crate::scenario::read(&args.written.scenario, overrides);
    let is_served = matches!(read(&overrides)?.1.workload.dataset, Dataset::Trace(_));
    overrides.push(if is_served { "mode=simulate" } else { "mode=replay" }.to_owned());
    let (source, scenario) = read(&overrides)?;
    let plan = Plan::new(source, scenario)?;
    let compare = if is_served { served::compare } else { replayed::compare };
    let name = format!("{}-validation", plan.scenario.name);
    let out = args.out.clone().unwrap_or_else(|| ["results", &name].iter().collect());
    let results = results::Results::begin(&out)?;
    let validation = compare(&plan, &Options::for_files(), results.folder())?;
    whole_file::write(&results.folder().join("validation.csv"), &figures::csv(&validation))?;
    let folder = results.finish()?;
    crate::terminal::print(&if args.json { figures::json(&validation) } else { figures::text(&validation) })?;
    results::shortfalls::warn(&folder)?;
    say(format_args!("the runs and validation.csv in {}", folder.display()));
    gate::within(&validation.comparisons, args.tolerance)
}
