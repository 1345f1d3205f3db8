//! `sim link`: looks at files of a link's rates, round-trip times and losses.

mod args;
mod describe;

pub use args::Command;

use crate::terminal::{Failure, print};

/// Runs a command.
///
/// # Errors
/// If the file cannot be read as what it is said to be.
pub fn run(command: &Command) -> Result<(), Failure> {
    let Command::Describe(args) = command;
    print(&describe::told(args)?)
}
