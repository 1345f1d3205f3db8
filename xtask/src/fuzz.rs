//! `cargo xtask fuzz`: random scenarios and broken files, for as long as is asked for.

use clap::{Arg, ArgMatches, Command, value_parser};

use crate::failure::Outcome;
use crate::house::cargo;

const HELP: &str = "\
Runs the fuzz targets with optimisation, one after the other, each for so long:

  scenarios   ours, with keys set to other values of their schema: read, resolved, and tame ones run to the end
  files       request traces and series of links: broken text, noise and broken gzip, read as every format

They are the tests called `fuzz` of `sim` and `traces`, which `cargo xtask test` runs for a few seconds. Nothing may panic, and a
refusal is one line that names the file. Each target prints how often it was executed. --seed changes the scenarios.";

/// The command and its help.
pub fn command() -> Command {
    let minutes = Arg::new("minutes").long("minutes").value_name("N").default_value("5");
    let seed = Arg::new("seed").long("seed").value_name("N").default_value("1");
    Command::new("fuzz")
        .about("Run random scenarios and broken files, and count the executions")
        .long_about(HELP)
        .arg(minutes.value_parser(value_parser!(u64).range(1..)).help("Minutes of each target"))
        .arg(seed.value_parser(value_parser!(u64)).help("Seed of the scenarios"))
}

/// Builds and runs the targets.
pub fn run(arguments: &ArgMatches) -> Outcome {
    let number = |name| *arguments.get_one::<u64>(name).expect("it has a default");
    let status = cargo()
        .args(["test", "--release", "-p", "traces", "-p", "sim", "--lib", "--bins", "fuzz", "--"])
        .args(["--nocapture", "--test-threads", "1"])
        .env("FUZZ_SECONDS", (60 * number("minutes")).to_string())
        .env("FUZZ_SEED", number("seed").to_string())
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("a fuzz target failed ({status}); its input stands above").into()),
        Err(error) => Err(format!("cargo did not start: {error}; set CARGO to a working cargo").into()),
    }
}
