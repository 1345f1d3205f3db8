//! `sim`: simulates edge-cloud offloading of multimodal language models.

mod cli;
mod commands;
#[cfg(test)]
mod fuzz;
mod mistakes;
mod results;
mod run;
mod scenario;
mod terminal;

use clap::{CommandFactory, Parser};
use cli::{Cli, Command};
use std::ffi::OsString;
use std::process::ExitCode;
use terminal::{Code, be_quiet, report_panics, say, watch_for_interrupts};

fn main() -> ExitCode {
    report_panics();
    watch_for_interrupts();
    let args: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => match mistakes::explained(&args, error.use_stderr()) {
            Some(mistake) => return refused(&mistake),
            None => error.exit(),
        },
    };
    if cli.quiet {
        be_quiet();
    }
    let unread = cli.written.as_ref().and_then(|written| mistakes::no_such_scenario(&args, &written.scenario));
    if let Some(mistake) = mistakes::explained(&args, false).or(unread) {
        return refused(&mistake);
    }
    let done = match (cli.command, cli.written) {
        (Some(Command::Show(written)), _) => commands::show::run(&written),
        (Some(Command::Schema), _) => commands::schema::run(),
        (Some(Command::Completions(args)), _) => commands::completions::run(&args, Cli::command()),
        (Some(Command::Man(args)), _) => commands::man::run(&args, Cli::command()),
        (Some(Command::Init(args)), _) => commands::init::run(&args),
        (Some(Command::Explain(args)), _) => commands::explain::run(&args),
        (Some(Command::List(args)), _) => commands::list::run(&args),
        (Some(Command::Sweep(args)), _) => commands::sweep::run(&args),
        (Some(Command::Check(args)), _) => commands::check::run(&args),
        (Some(Command::Compare(args)), _) => commands::compare::run(&args),
        (Some(Command::Best(args)), _) => commands::best::run(&args),
        (Some(Command::Tune(args)), _) => commands::tune::run(&args),
        (Some(Command::Capacity(args)), _) => commands::capacity::run(&args),
        (Some(Command::Report(args)), _) => commands::report::run(&args),
        (Some(Command::Referee(args)), _) => commands::referee::run(&args),
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

/// Says why a command line is refused.
fn refused(mistake: &str) -> ExitCode {
    say(format_args!("sim: {mistake}"));
    ExitCode::from(Code::Refused as u8)
}
