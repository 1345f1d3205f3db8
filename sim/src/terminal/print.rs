//! Results go to stdout.

use super::Failure;
use std::io::{ErrorKind, Write, stdout};

/// Prints to stdout. A reader that went away early is no failure.
///
/// # Errors
/// If stdout cannot be written to.
pub fn print(text: &str) -> Result<(), Failure> {
    match stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::refused(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}
