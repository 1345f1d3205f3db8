//! `cargo xtask bench`: how fast the kernel and the full model are, as ratios to references built and run beside them.

mod commands;
mod json;
mod servers;
mod timing;

use clap::{Arg, ArgMatches, Command};

use crate::failure::Outcome;
use crate::house::cargo;

const HELP: &str = "\
Measures in one run, in CPU time of one thread, because the machine may be shared; `threads` in wall time:

  model      requests a second and ns a drafted, streamed or written token of the full model at 1, 1,000, 20,000 and 100,000
             devices, all metrics on; and the same with the standard library's BinaryHeap instead of our queue
  threads    a run of edges that meet in the cloud alone, at 1,000, 4,000 and 20,000 of them: whole, and apart on one thread and on all cores
  python     a tandem of three queues, by events and by processes, as a plain heapq script with equal results
  servers    one GPU under continuous batching, by the rules of `graph` and of `vllm`, against plain heapq scripts that agree within
             2 %, against SimPy and inference-lab where they are installed
  commands   small points of sweeps, small runs and the report of scenarios/paper.toml, everything included

Quote the ratios: they hold better than the nanoseconds. Timings of the model and of the tandem are the best of three, those of servers
the median of three.
Instructions of the kernel's hot paths are counted by `cargo xtask budgets`.";

/// The command and its help.
pub fn command() -> Command {
    let parts = PARTS.map(|(name, _)| name);
    Command::new("bench")
        .about("Measure speed as ratios to references")
        .long_about(HELP)
        .arg(Arg::new("part").value_name("PART").value_parser(parts).help("This part alone"))
}

/// Builds, measures and prints a part.
type Measure = fn() -> Outcome;

/// The parts, in their order.
const PARTS: [(&str, Measure); 5] = [
    ("model", timing::model),
    ("threads", timing::threads),
    ("python", timing::python),
    ("servers", servers::run),
    ("commands", commands::run),
];

/// Builds, measures and prints every part, or the one that is asked for.
pub fn run(arguments: &ArgMatches) -> Outcome {
    let asked = arguments.get_one::<String>("part");
    PARTS.iter().filter(|(name, _)| asked.is_none_or(|asked| asked == name)).try_for_each(|(_, measure)| measure())
}

/// Builds examples with optimisation; they land in `target/release/examples`.
fn build(what: &[&str]) -> Outcome {
    let status = cargo().args(["build", "--release", "--quiet"]).args(what).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("building {what:?} failed ({status}); its output above says why").into()),
        Err(error) => Err(format!("cargo did not start: {error}; set CARGO to a working cargo").into()),
    }
}
