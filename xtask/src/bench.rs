//! `cargo xtask bench`: how fast the kernel and the full model are, as ratios to references built and run beside them.

mod instructions;
mod json;
mod timing;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::failure::Outcome;
use crate::house::cargo;

const HELP: &str = "\
Measures in one run, in CPU time of one thread, because the machine may be shared:

  full model    events, requests and tokens a second at 1, 1,000 and 20,000 devices, all metrics on
  std heap      the same model with the standard library's BinaryHeap instead of our queue
  python        a tandem of three queues, by events and by processes, as a plain heapq script with equal results
  instructions  instructions per event of the kernel's hot paths, by valgrind, beside the committed values in
                xtask/instructions.txt; more than 3 % above one of them fails

Quote the ratios: they hold better than the nanoseconds. Every timing is the best of three. `--bless` writes
the instruction counts instead of comparing them. `--instructions` leaves the timings out, for CI.";

/// The command and its help.
pub fn command() -> Command {
    Command::new("bench")
        .about("Measure speed as ratios, and instructions against the committed counts")
        .long_about(HELP)
        .arg(flag("bless").help("Write the instruction counts to xtask/instructions.txt"))
        .arg(flag("instructions").help("Only count instructions"))
}

fn flag(name: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue)
}

/// Builds the examples, measures, prints.
pub fn run(arguments: &ArgMatches) -> Outcome {
    build(&["-p", "kernel", "--examples"])?;
    if !arguments.get_flag("instructions") {
        timing::run()?;
    }
    instructions::run(arguments.get_flag("bless"))
}

/// The instruction counts as a step of `cargo xtask test`; without valgrind it says that it did not count.
pub fn check() -> Outcome {
    let found = std::process::Command::new("valgrind").arg("--version").output().is_ok();
    if !found {
        println!("skipped: valgrind is not installed, so no instructions were counted");
        return Ok(());
    }
    build(&["-p", "kernel", "--examples"])?;
    instructions::run(false)
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
