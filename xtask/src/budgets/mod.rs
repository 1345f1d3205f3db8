//! `cargo xtask budgets`: what a build and a run cost stays within limits, and each raise of a limit says why.

mod instructions;
mod limits;
mod measures;

use clap::{ArgMatches, Command};

use crate::failure::{Failure, Outcome};
use limits::{Budgets, FILE};

const HELP: &str = "\
Measures what a build and a run cost and holds it to the limits in xtask/budgets.toml:

  packages             packages that `cargo build --release --bin sim` compiles
  binary_mb            size of target/release/sim
  paper_instructions_m millions of instructions of scenarios/paper.toml at 10 requests a run, on one thread
  kernel ..            instructions an event of the kernel's hot paths
  serving ..           instructions a sequence and step of 64 decoding requests, by engine
  ci_minutes           minutes of `cargo xtask test`, which is all of .ci/run
  peak_mb              peak memory of xtask/million.toml: 1,000,000 requests on one thread

Instructions are counted by valgrind; where it is not installed, they are skipped, and that is said. The
minutes of CI are judged at the end of `cargo xtask test`, and fail it where CI=true.

A budget is a list of limits, the last of which holds:

    [budget.binary_mb]
    limits = [
        { limit = 60, why = \"aimed at: stripped, polars without its Parquet reader\" },
        { limit = 64, why = \"the live testbed: sockets and a scheduler\" },
    ]

What goes over a limit fails. To raise it, add a line that says why. A limit that is more than a tenth
too high is named, so that it can be lowered.";

/// The command and its help.
pub fn command() -> Command {
    Command::new("budgets").about("Hold binary, packages, instructions and memory to their limits").long_about(HELP)
}

/// Measures and judges.
pub fn run(_: &ArgMatches) -> Outcome {
    check()
}

/// The same as a step of `cargo xtask test`.
pub fn check() -> Outcome {
    let budgets = Budgets::read()?;
    let mut measured = measures::build()?;
    measured.extend(measures::instructions()?);
    measured.extend(measures::memory()?);
    let mut findings = Vec::new();
    for (name, amount) in &measured {
        match budgets.judge(name, *amount) {
            Ok(line) => println!("{line}"),
            Err(finding) => findings.push(finding),
        }
    }
    Failure::unless_none(findings)?;
    println!("{} measures are within the limits of {FILE}", measured.len());
    Ok(())
}

/// Judges the minutes that all of `cargo xtask test` took; on CI too many fail it.
pub fn check_minutes(minutes: f64, in_ci: bool) -> Outcome {
    match Budgets::read()?.judge("ci_minutes", minutes) {
        Ok(line) => println!("{line}"),
        Err(finding) if in_ci => return Err(finding.into()),
        Err(finding) => println!("on CI this would fail: {finding}"),
    }
    Ok(())
}
