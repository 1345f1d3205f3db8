//! `cargo xtask validation`: whole simulated servers against measured ones that the model was not fitted to.

mod errors;
mod points;
mod published;
mod series;
mod servers;
mod simulator;
mod table;

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::Value;

use crate::failure::{Failure, Outcome};
use crate::house::root;
use simulator::{Run, Simulator};
use table::Line;

/// The folder of measurements, from the workspace's root.
const MEASURED: &str = "../shared/measured";

const HELP: &str = "\
Simulates servers that somebody has measured, with the real binary, and prints the table of errors that
docs/compute-model.md has under \"Servers that nobody fitted\". A line has its data's source, says whether any
constant was fitted to it, and is held to its target: MET or MISSED. A target that is missed is no failure; a
simulation that is refused, or that rejects requests, is.

The measurements are in ../shared/measured; without that folder nothing is printed but that it is missing.

  cargo xtask validation
  cargo xtask validation --sim target/debug/sim --only TP8
  cargo xtask validation --only 70B --set 'cloud.tuning.overhead=\"0 ms\"'    what a term does to a line";

/// The command and its help.
pub fn command() -> Command {
    let sim = Arg::new("sim").long("sim").value_name("PATH").value_parser(value_parser!(PathBuf));
    let only = Arg::new("only").long("only").value_name("TEXT");
    let set = Arg::new("set").long("set").value_name("KEY=VALUE").action(ArgAction::Append);
    Command::new("validation")
        .about("Print the errors of simulated servers against measured ones")
        .long_about(HELP)
        .arg(sim.help("The simulator's binary [default: built with optimisation]"))
        .arg(only.help("Only lines whose server has this text"))
        .arg(set.help("A key of the scenarios to set, as `sim` takes it; repeatable"))
}

/// A line of the table, before anything is simulated.
trait Measurement {
    /// The server, as the table names it.
    fn server(&self) -> &str;

    /// The simulations that the line needs.
    fn runs(&self) -> Vec<Run>;

    /// The line, from what the simulator printed for each run; none where a run failed.
    fn line(&self, printed: &[Option<&Value>]) -> Line;
}

/// Simulates and prints.
pub fn run(arguments: &ArgMatches) -> Outcome {
    let folder = root().join(MEASURED);
    if !folder.is_dir() {
        println!("skipped: {MEASURED} is not here, so there is nothing to compare with");
        return Ok(());
    }
    let mut measurements = all(&folder)?;
    if let Some(text) = arguments.get_one::<String>("only") {
        measurements.retain(|one| one.server().contains(text.as_str()));
        if measurements.is_empty() {
            return Err(format!("--only {text}: no server of the table has this text; leave it out to see all").into());
        }
    }
    let sets = arguments.get_many::<String>("set").into_iter().flatten().cloned().collect();
    let simulator = Simulator::obtain(arguments.get_one::<PathBuf>("sim"), sets)?;
    let runs: Vec<Vec<Run>> = measurements.iter().map(|one| one.runs()).collect();
    let answers = simulator.run_all(runs.concat())?;
    let lines = measurements.iter().zip(&runs).map(|(one, runs)| {
        let printed: Vec<_> = runs.iter().map(|run| answers.of(run)).collect();
        one.line(&printed)
    });
    print!("{}", table::markdown(&lines.collect::<Vec<_>>()));
    Failure::unless_none(answers.failures())
}

/// Every line, in the order of the table.
fn all(folder: &Path) -> Outcome<Vec<Box<dyn Measurement>>> {
    let mut all: Vec<Box<dyn Measurement>> = Vec::new();
    all.extend(servers::all(folder).into_iter().map(|one| Box::new(one) as Box<dyn Measurement>));
    all.extend(points::all(folder)?.into_iter().map(|one| Box::new(one) as Box<dyn Measurement>));
    all.push(Box::new(published::read(folder)?));
    Ok(all)
}
