//! `sim`: simulates edge-cloud offloading of multimodal language models.

mod best;
mod calibrate;
mod check;
mod cli;
mod compare;
mod failure;
mod grid;
mod intervals;
mod manifest;
#[cfg(feature = "onnx")]
mod models;
mod one_run;
mod options;
mod profile;
mod progress;
mod questions;
#[cfg_attr(not(feature = "onnx"), path = "no_replay.rs")]
mod replay;
mod replayed;
mod report;
mod results;
mod rows;
mod runs;
mod sample;
mod scenario;
mod spans;
mod summary;
mod sweep;
mod threads;
mod tune;
mod until;
mod validate;
mod whole_file;

use clap::Parser;
use cli::{Cli, Command};
use failure::{Code, Failure, say};
use grid::Grid;
use options::{Options, Written};
use replay::Studio;
use scenario::{Plan, Scenario};
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        say(format_args!(
            "sim: a bug in this program{}: {panic}\nplease report it with the scenario and the version",
            failure::at_work()
        ));
        if !failure::survives() {
            std::process::exit(Code::Bug as i32);
        }
    }));
    let cli = Cli::parse();
    let done = match (cli.command, cli.written) {
        (Some(Command::Show(written)), _) => show(&written),
        (Some(Command::Schema), _) => schema(),
        (Some(Command::Sweep(args)), _) => sweep::run(&args),
        (Some(Command::Check(args)), _) => check::run(&args),
        (Some(Command::Compare(args)), _) => compare::run(&args),
        (Some(Command::Best(args)), _) => best::run(&args),
        (Some(Command::Tune(args)), _) => tune::run(&args),
        (Some(Command::Report(args)), _) => report::run(&args),
        (Some(Command::Calibrate(args)), _) => calibrate::run(&args),
        (Some(Command::Validate(args)), _) => validate::run(&args),
        (Some(Command::Questions(command)), _) => questions::run(&command),
        #[cfg(feature = "onnx")]
        (Some(Command::Models(command)), _) => models::run(&command),
        (None, Some(written)) => simulate(&written, &cli.options),
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

fn plan(written: &Written) -> Result<Plan, Failure> {
    let (source, scenario) = scenario::read(&written.scenario, &written.overrides())?;
    Plan::new(source, scenario)
}

/// Prints to stdout; a reader that went away early is no failure.
fn print(text: &str) -> Result<(), Failure> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::refused(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

fn show(written: &Written) -> Result<(), Failure> {
    let plan = plan(written)?;
    plan.point(0)?;
    warn_of_idle_keys(&plan);
    print(&scenario::shown(&plan))
}

fn warn_of_idle_keys(plan: &Plan) {
    for remark in scenario::idle(plan) {
        say(format_args!("sim: warning: {remark}"));
    }
}

fn schema() -> Result<(), Failure> {
    let schema = schemars::schema_for!(Scenario);
    print(&(serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n"))
}

fn simulate(written: &Written, options: &Options) -> Result<(), Failure> {
    let until = options.until()?;
    let mut plan = plan(written)?;
    let mut points = grid::points(&plan)?;
    warn_of_idle_keys(&plan);
    let studio = Studio::open(&plan, &mut points)?;
    if options.twice && studio.is_some() {
        let why = "a replay takes measured times, of which no two are equal";
        return Err(Failure::refused(format!("--twice compares runs event by event: {why}; leave it out")));
    }
    let out = options.out.clone().unwrap_or_else(|| ["results", &plan.scenario.name].iter().collect());
    let results = results::Results::begin(&out)?;
    let outcome = grid::run(&plan, &Grid::new(&points, studio.as_ref(), options, results.folder()), until)?;
    plan.scenario.replications = outcome.replications;
    manifest::write(&plan, &outcome, studio.as_ref(), results.folder())?;
    let report = (!options.no_report).then(|| report::write(results.folder())).transpose()?;
    let folder = results.finish()?;
    let table = reports::table(&folder).map_err(|error| Failure::bug(error.to_string()))?;
    print(&table)?;
    print(&intervals::table(&points, options.threads)?)?;
    report.as_ref().map_or(Ok(()), report::print_claims)?;
    say(format_args!(
        "{} runs, {} events in {:.2} s ({:.1} M events/s); results in {}",
        outcome.runs,
        outcome.events,
        outcome.wall_s,
        outcome.events as f64 / outcome.wall_s / 1e6,
        folder.display()
    ));
    Ok(())
}
