//! `sim`: simulates edge-cloud offloading of multimodal language models.

mod cli;
mod commands;
#[cfg(test)]
mod fuzz;
mod results;
mod run;
mod scenario;
mod terminal;

use clap::Parser;
use cli::{Cli, Command};
use std::process::ExitCode;
use terminal::{report_panics, say, watch_for_interrupts};

fn main() -> ExitCode {
    report_panics();
    watch_for_interrupts();
    let cli = Cli::parse();
    let done = match (cli.command, cli.written) {
        (Some(Command::Show(written)), _) => commands::show::run(&written),
        (Some(Command::Schema), _) => commands::schema::run(),
        (Some(Command::List(args)), _) => commands::list::run(&args),
        (Some(Command::Sweep(args)), _) => commands::sweep::run(&args),
        (Some(Command::Check(args)), _) => commands::check::run(&args),
        (Some(Command::Compare(args)), _) => commands::compare::run(&args),
        (Some(Command::Best(args)), _) => commands::best::run(&args),
        (Some(Command::Tune(args)), _) => commands::tune::run(&args),
        (Some(Command::Report(args)), _) => commands::report::run(&args),
        (Some(Command::Calibrate(args)), _) => commands::calibrate::run(&args),
        (Some(Command::Validate(args)), _) => commands::validate::run(&args),
        (Some(Command::Link(command)), _) => commands::link::run(&command),
        (Some(Command::Questions(command)), _) => commands::questions::run(&command),
        (Some(Command::Requests(command)), _) => commands::requests::run(&command),
        #[cfg(feature = "onnx")]
        (Some(Command::Models(command)), _) => commands::models::run(&command),
        (None, Some(written)) => commands::simulate::run(&written, &cli.options),
        (None, None) => unreachable!("clap asks for a scenario or a command"),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(format_args!("sim: {failure}"));
            ExitCode::from(failure.code() as u8)
        }
    }
}
