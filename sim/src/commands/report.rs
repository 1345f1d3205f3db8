//! `sim report`: pictures and answers of results folders, from their files alone. A run writes the same by itself.

use crate::terminal::{Failure, say};
use reports::{Report, ReportError};
use std::path::{Path, PathBuf};

const HELP: &str = "\
A run writes its report by itself; this draws it again, from the files of the folder alone, into DIR/report/: index.html, a page
that needs no other file; figures as SVG and PNG, with what the papers print beside them; claims.csv, a verdict on every number
that the papers print (docs/claims.md). A figure for which the folder has no data is left out. timeline.json opens in Perfetto.

Several folders also get a common report: their results and figures side by side, and their claims judged together, so that a
claim is reproduced if it is in one of them.

Examples:
  sim report results/paper
  sim report results/paper results/preset_r results/ablation";

/// Draw the report of results folders again: figures, verdicts on the papers' claims, and a page of it all.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The results folders, of runs or of sweeps.
    #[arg(required = true)]
    dir: Vec<PathBuf>,
    /// Folder for the common report of several.
    #[arg(long, value_name = "DIR", default_value = "report")]
    out: PathBuf,
}

/// Draws, and prints the names of the files and how many claims have which verdict.
pub fn run(args: &Args) -> Result<(), Failure> {
    warn_of_models(&args.dir)?;
    let mut last = None;
    for folder in &args.dir {
        let report = reports::write_report(folder)?;
        say_notes(folder, &report);
        print_files(&report)?;
        last = Some(report);
    }
    if args.dir.len() > 1 {
        let report = reports::write_joint_report(&args.dir, &args.out)?;
        print_files(&report)?;
        last = Some(report);
    }
    last.as_ref().map_or(Ok(()), print_claims)
}

/// Warns of results that were made by models of different versions, or by another than this program's.
///
/// # Errors
/// If a folder has no manifest that can be read.
pub fn warn_of_models(folders: &[PathBuf]) -> Result<(), Failure> {
    if let Some(warning) = reports::model_warning(folders)? {
        say(format_args!("sim: warning: {warning}"));
    }
    Ok(())
}

/// Says on stderr which figures are not drawn for lack of a table.
fn say_notes(folder: &Path, report: &Report) {
    for note in &report.notes {
        say(format_args!("sim: {}: {note}", folder.display()));
    }
}

fn print_files(report: &Report) -> Result<(), Failure> {
    let names: String = report.files.iter().map(|file| format!("{}\n", file.display())).collect();
    crate::terminal::print(&names)
}

/// Writes the report of results that were just written: nothing in them is a user's fault.
///
/// The folder that is written may stand beside `place`, which messages name.
pub fn write(folder: &Path, place: &Path) -> Result<Report, Failure> {
    let report = reports::write_report(folder);
    if let Ok(report) = &report {
        say_notes(place, report);
    }
    report.map_err(|error| match error {
        ReportError::Write { path, error } => Failure::io("write", &path, &error),
        other => Failure::bug(other.to_string()),
    })
}

/// Prints how many claims have which verdict.
pub fn print_claims(report: &Report) -> Result<(), Failure> {
    if !report.claims.any() {
        return Ok(());
    }
    crate::terminal::print(&format!("\n{}\n", report.claims.count()))
}
