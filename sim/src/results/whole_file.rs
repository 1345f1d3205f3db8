//! Files that are whole or not there.

use super::making::{MakingFile, folder_of};
use crate::terminal::Failure;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Writes `text` to `path`, over what was there, at once. What is no file (`/dev/stdout`, a pipe) is written to as it is.
///
/// # Errors
/// If it cannot be written; what was there is then still there.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::io("write", path, &error);
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return fs::write(path, text).map_err(failed);
    }
    let folder = folder_of(path);
    // Said of the folder itself, not of a temporary name in it.
    fs::metadata(folder).map_err(failed)?;
    let mut making = MakingFile::begin(folder).map_err(failed)?;
    making.as_file().write_all(text.as_bytes()).map_err(failed)?;
    making.put(path).map_err(failed)
}
