//! `cargo xtask test`: everything that must hold before a commit, the cheap steps first.

use std::time::Instant;

use clap::{ArgMatches, Command};

use crate::failure::Outcome;
use crate::house::{cargo, has_nextest};
use crate::{budgets, docs, floors, lines, network_free, onnxruntime, packages, regression};

/// A step's name and its work.
type Step = (&'static str, Work);

enum Work {
    /// A cargo command, with its output let through.
    Cargo(&'static [&'static str]),
    /// A check of this package.
    Here(fn() -> Outcome),
}
use Work::{Cargo, Here};

/// Every step, in order; adding one is a line. What needs no build comes first. Clippy comes before
/// the tests: it is the sooner to fail, and the build scripts and macros it builds serve them too. The
/// digests are those of the tests again, optimised and with the features of one package alone: both
/// have to give the same events. The tests come last, so that their count is what a log ends with.
const STEPS: &[Step] = &[
    ("format", Cargo(&["fmt", "--all", "--check"])),
    ("floors", Here(floors::check)),
    ("network-free", Here(network_free::check)),
    ("lines", Here(lines::check)),
    ("clippy", Cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])),
    ("clippy without real models", Cargo(WITHOUT_REAL_MODELS)),
    ("doctests", Cargo(&["test", "--doc", "--workspace"])),
    ("budgets", Here(budgets::check)),
    ("digests, optimised and alone", Cargo(&["test", "--release", "-p", "engine", "--test", "engine", "digest::"])),
    ("packages", Here(packages::obtain)),
    ("onnxruntime", Here(onnxruntime::obtain)),
    ("docs", Here(docs::check)),
    ("regression", Here(regression::check)),
    ("tests", Here(tests)),
];

/// The build without `backends/onnx`, which nobody here runs. Of the whole workspace, so that its other packages have the
/// features of the step before and are not built again: `sim`, `engine` and `backends` are checked anew, and nothing else.
const WITHOUT_REAL_MODELS: &[&str] = &["clippy", "--workspace", "--no-default-features", "--", "-D", "warnings"];

/// The command and its help.
pub fn command() -> Command {
    let names: Vec<_> = STEPS.iter().map(|(name, _)| *name).collect();
    let help = format!(
        "Runs every check of the house and stops at the first that fails.\n\nThe steps, in order: {}.\n\n\
         The tests run with nextest where it is installed, else with `cargo test`; neither runs \
         the doctests, which are a step of their own. CI runs this very command (.ci/run).",
        names.join(", ")
    );
    Command::new("test").about("Run every check of the house; what CI runs").long_about(help)
}

/// Runs the steps.
pub fn run(_: &ArgMatches) -> Outcome {
    let whole = Instant::now();
    for (name, work) in STEPS {
        println!("== {name}");
        let start = Instant::now();
        let outcome = work.run();
        let seconds = start.elapsed().as_secs_f64();
        if let Err(failure) = outcome {
            eprint!("{failure}");
            return Err(format!("step `{name}` failed after {seconds:.1} s; the steps after it did not run").into());
        }
        println!("== {name}: {seconds:.1} s\n");
    }
    budgets::check_minutes(whole.elapsed().as_secs_f64() / 60.0, packages::in_ci())?;
    println!("{} steps passed, 0 failed", STEPS.len());
    Ok(())
}

impl Work {
    fn run(&self) -> Outcome {
        match self {
            Self::Cargo(arguments) => let_through(arguments),
            Self::Here(check) => check(),
        }
    }
}

/// Runs cargo with its output on ours.
fn let_through(arguments: &[&str]) -> Outcome {
    let told = arguments.join(" ");
    let status = cargo()
        .args(arguments)
        .status()
        .map_err(|e| format!("`cargo {told}` did not start: {e}; set CARGO to a working cargo"))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("`cargo {told}` failed ({status}); its output above says why").into())
}

/// The unit and integration tests, all of them even when one fails, so that one run names them all.
fn tests() -> Outcome {
    if has_nextest() {
        return let_through(&["nextest", "run", "--workspace", "--no-fail-fast"]);
    }
    // `--tests` leaves the doctests to their own step; `cargo test` alone would run them twice.
    let_through(&["test", "--workspace", "--tests", "--no-fail-fast"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_names_are_distinct() {
        let mut names: Vec<_> = STEPS.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), STEPS.len());
    }
}
