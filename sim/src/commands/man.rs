//! `sim man`: a manual page for the program and one for each command.

use crate::results::whole_file;
use crate::terminal::{Failure, say};
use clap::Command;
use clap_mangen::Man;
use std::path::{Path, PathBuf};

const HELP: &str = "\
Examples:
  sim man ~/.local/share/man/man1                  then: man sim, man sim-sweep";

/// Write the manual pages, `sim.1` and one for each command, into a folder.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The folder; it is made if it is not there.
    dir: PathBuf,
}

/// Writes the manual pages of a command line.
///
/// # Errors
/// If the folder cannot be written to.
pub fn run(args: &Args, mut command: Command) -> Result<(), Failure> {
    std::fs::create_dir_all(&args.dir).map_err(|error| Failure::io("make the folder", &args.dir, &error))?;
    command.build();
    let pages = write(&command, &args.dir)?;
    say(format_args!("{pages} pages in {}", args.dir.display()));
    Ok(())
}

/// Writes the page of a command and those of the commands below it, and gives their number.
fn write(command: &Command, dir: &Path) -> Result<u32, Failure> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let file = dir.join(format!("{name}.1"));
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page).map_err(|error| Failure::io("write", &file, &error))?;
    whole_file::write(&file, &String::from_utf8_lossy(&page))?;
    let mut pages = 1;
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        pages += write(below, dir)?;
    }
    Ok(pages)
}
