//! Developer commands of the house: `cargo xtask --help`.
//!
//! A command is one file with `command()`, which carries its help, and `run()`. Adding one is that
//! file and two lines here: its `mod` and its place in [`TASKS`].

use std::process::ExitCode;

use clap::{ArgMatches, Command};

mod bench;
mod budgets;
mod docs;
mod failure;
mod floors;
mod fuzz;
mod gpu_check;
mod house;
mod installed;
mod lines;
#[cfg(target_os = "linux")]
mod link;
mod mutants;
mod network_free;
mod onnxruntime;
mod packages;
mod regression;
mod replay;
mod source;
mod test;
mod tests_only;
mod train;
mod validation;
mod wheel;

use failure::Outcome;

/// A command: what it is called and how it explains itself, and what it does.
type Task = (fn() -> Command, fn(&ArgMatches) -> Outcome);

/// Every command, in the order of the help.
const TASKS: &[Task] = &[
    (test::command, test::run),
    (floors::command, floors::run),
    (network_free::command, network_free::run),
    (lines::command, lines::run),
    (packages::command, packages::run),
    (onnxruntime::command, onnxruntime::run),
    (bench::command, bench::run),
    (budgets::command, budgets::run),
    (regression::command, regression::run),
    (validation::command, validation::run),
    (mutants::command, mutants::run),
    (docs::command, docs::run),
    (replay::command, replay::run),
    (train::command, train::run),
    (wheel::command, wheel::run),
    (gpu_check::command, gpu_check::run),
    (fuzz::command, fuzz::run),
    #[cfg(target_os = "linux")]
    (link::command, link::run),
];

fn main() -> ExitCode {
    let matches = command_line().get_matches();
    let outcome = match matches.subcommand() {
        Some((name, arguments)) => dispatch(name, arguments),
        None => Ok(()), // clap has shown the help: a subcommand is required
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprint!("{failure}");
            ExitCode::from(failure.code())
        }
    }
}

fn command_line() -> Command {
    Command::new("cargo xtask")
        .bin_name("cargo xtask")
        .about("Developer commands of msao-sim; each has a --help that says what it holds and why")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(TASKS.iter().map(|(command, _)| command()))
}

fn dispatch(name: &str, arguments: &ArgMatches) -> Outcome {
    TASKS.iter().filter(|(command, _)| command().get_name() == name).try_for_each(|(_, run)| run(arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed_and_every_command_teaches() {
        command_line().debug_assert();
        for (command, _) in TASKS {
            let command = command();
            let name = command.get_name().to_owned();
            assert!(command.get_about().is_some(), "{name} has no one-line help");
            assert!(command.get_long_about().is_some(), "{name} has no long help");
        }
    }
}
