//! `--note KEY=VALUE`.

use crate::terminal::Failure;
use std::collections::BTreeMap;

/// The notes of the command line, by their keys.
///
/// # Errors
/// If one of them has no key.
pub fn notes(written: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let pair = |note: &String| {
        let (key, value) = note.split_once('=').filter(|(key, _)| !key.trim().is_empty()).ok_or_else(|| {
            Failure::refused(format!("--note {note}: expected KEY=VALUE, as in --note machine=\"node 7\""))
        })?;
        Ok((key.trim().to_owned(), value.trim().to_owned()))
    };
    written.iter().map(pair).collect()
}
