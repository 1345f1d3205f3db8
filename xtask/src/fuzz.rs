//! `cargo xtask fuzz`: random scenarios and broken files, for as long as is asked for.

use std::collections::BTreeSet;

use clap::{Arg, ArgMatches, Command, value_parser};

use crate::failure::Outcome;
use crate::house::cargo;

/// Each target: its name, which is that of its test behind `fuzz_`, its package, and the option of cargo that builds its tests.
const TARGETS: [(&str, &str, &str); 6] = [
    ("scenarios", "sim", "--bins"),
    ("results", "sim", "--bins"),
    ("profiles", "sim", "--bins"),
    ("files", "traces", "--lib"),
    ("folders", "onnx", "--lib"),
    ("templates", "onnx", "--lib"),
];

const HELP: &str = "\
Runs the fuzz targets with optimisation, one after the other, each on all processors and for so long:

  scenarios   ours, with keys set to other values of their schema: read, resolved, and tame ones run to the end
  results     results folders and baselines with a damaged file: tables, comparisons, checks, steps
  profiles    profiles of measured steps with other values: read, and a scenario resolved on them
  files       request traces and series of links: damaged files, broken text, noise and broken gzip, read as every format
  folders     model folders with a damaged file: configurations, pictures, tokenizer, graphs
  templates   chat templates with damage and endless loops: rendered

They are the tests called `fuzz_` and the name, which `cargo xtask test` runs for a few seconds, and CI for thirty. Nothing may panic,
and a refusal is a message. Each target prints its counts and their rate; one that fails prints the input, and how to run it alone.";

/// The command and its help.
pub fn command() -> Command {
    let minutes = Arg::new("minutes").long("minutes").value_name("N").default_value("5");
    let executions = Arg::new("executions").long("executions").value_name("N").default_value("0");
    let seed = Arg::new("seed").long("seed").value_name("N").default_value("1");
    let target = Arg::new("target").long("target").value_name("NAME");
    let number = || value_parser!(u64);
    Command::new("fuzz")
        .about("Run random scenarios and broken files, and count the executions")
        .long_about(HELP)
        .arg(minutes.value_parser(number()).help("Minutes of each target, at least"))
        .arg(
            executions
                .value_parser(number())
                .help("Executions of each target, at least; a tenth of scenarios is to run to the end"),
        )
        .arg(seed.value_parser(number()).help("Seed of the inputs"))
        .arg(target.value_parser(TARGETS.map(|(name, ..)| name)).help("This target alone"))
}

/// Builds and runs the targets.
pub fn run(arguments: &ArgMatches) -> Outcome {
    let number = |name| *arguments.get_one::<u64>(name).expect("it has a default");
    let asked = arguments.get_one::<String>("target");
    let targets: Vec<_> = TARGETS.iter().filter(|(name, ..)| asked.is_none_or(|asked| asked == name)).collect();
    let packages: BTreeSet<&str> = targets.iter().map(|(_, package, _)| *package).collect();
    let packages = packages.into_iter().flat_map(|package| ["-p", package]);
    let kinds: BTreeSet<&str> = targets.iter().map(|(.., kind)| *kind).collect();
    let filter = format!("fuzz_{}", asked.map_or("", String::as_str));
    let status = cargo()
        .args(["test", "--release"])
        .args(packages)
        .args(kinds)
        .args([&filter, "--", "--nocapture", "--test-threads", "1"])
        .env("FUZZ_SECONDS", (60 * number("minutes")).to_string())
        .env("FUZZ_EXECUTIONS", number("executions").to_string())
        .env("FUZZ_SEED", number("seed").to_string())
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("a fuzz target failed ({status}); its input stands above").into()),
        Err(error) => Err(format!("cargo did not start: {error}; set CARGO to a working cargo").into()),
    }
}
