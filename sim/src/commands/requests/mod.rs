//! `sim requests`: traces of requests, described or imported into our own CSV.

mod args;
mod describe;
mod import;

pub use args::Command;

use crate::terminal::{Failure, print};

/// Does what was asked.
///
/// # Errors
/// If the file or the place for the result is refused.
pub fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Import(asked) => import::run(asked),
        Command::Describe(asked) => print(&describe::told(asked)?),
    }
}
