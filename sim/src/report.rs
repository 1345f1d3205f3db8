//! `sim report`: the figures of results folders, from their files alone.

use crate::failure::{Failure, say};
use crate::manifest;
use std::path::PathBuf;

const HELP: &str = "\
Figures are drawn as SVG and PNG into DIR/report/: accuracy, throughput, latency and its distribution, computing and memory,
with what the papers print beside them where a bundled scenario asks the same; and what each key of a sweep does. A figure
for which the folder has no data is left out.

Example:
  sim scenarios/paper.toml && sim report results/paper";

/// Draw the figures of results folders again, from their files alone.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The results folders, of runs or of sweeps.
    #[arg(required = true)]
    dir: Vec<PathBuf>,
}

/// Draws, and prints the names of the files.
pub fn run(args: &Args) -> Result<(), Failure> {
    for folder in &args.dir {
        if !manifest::is_ours(folder) {
            let expected = "expected a results folder of msao-sim, with its manifest.json";
            return Err(Failure::refused(format!("{}: {expected}; run a scenario first", folder.display())));
        }
        let files = reports::write_figures(folder)?;
        if files.is_empty() {
            say(format_args!("sim: warning: {}: no figure has its data here", folder.display()));
        }
        let page = folder.join("report/index.html");
        reports::write_page(std::slice::from_ref(folder), &page)?;
        let files = files.into_iter().chain([page]);
        let names: String = files.map(|file| format!("{}\n", file.display())).collect();
        crate::print(&names)?;
    }
    Ok(())
}
