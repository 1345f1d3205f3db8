//! Rows of results folders.

use super::args::Args;
use super::set::Set;
use crate::failure::Failure;

/// Reads the steps of the folders that are named.
pub fn read(_: &Args) -> Result<Vec<Set>, Failure> {
    Err(Failure::refused("not yet"))
}
