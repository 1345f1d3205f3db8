//! Writing the files of a report.

use crate::frame::ReportError;
use std::fs;
use std::path::{Path, PathBuf};

/// Writes a file into a folder, which is made if it is not there. The file.
pub(crate) fn write(into: &Path, name: &str, content: &[u8]) -> Result<PathBuf, ReportError> {
    let path = into.join(name);
    let written = fs::create_dir_all(into).and_then(|()| fs::write(&path, content));
    written.map_err(|error| ReportError::Write { path: path.clone(), error })?;
    Ok(path)
}
