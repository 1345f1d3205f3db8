//! `sim completions`: the names of commands and options for a shell.

use crate::terminal::{Failure, print};
use clap::Command;
use clap_complete::Shell;

const HELP: &str = "\
Examples:
  sim completions bash > ~/.local/share/bash-completion/completions/sim
  sim completions zsh > ~/.zfunc/_sim              a folder of $fpath
  sim completions fish > ~/.config/fish/completions/sim.fish";

/// Print the completions of commands and options for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The shell.
    shell: Shell,
}

/// Prints the completions of a command line.
///
/// # Errors
/// If stdout cannot be written to.
pub fn run(args: &Args, mut command: Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "sim", &mut script);
    print(&String::from_utf8_lossy(&script))
}
