//! Files that are whole or not there: written beside their place and renamed.

use crate::failure::Failure;
use std::fs;
use std::io::Write;
use std::path::Path;

/// Writes `text` to `path`, over what was there, at once. What is no file (`/dev/stdout`, a pipe) is written to as it is.
///
/// # Errors
/// If it cannot be written; what was there is then still there.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| Failure::io("write", path, error);
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return fs::write(path, text).map_err(|error| failed(&error));
    }
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    // Said of the folder itself, not of a temporary name in it.
    fs::metadata(parent).map_err(|error| failed(&error))?;
    let mut making = builder().tempfile_in(parent).map_err(|error| failed(&error))?;
    making.write_all(text.as_bytes()).map_err(|error| failed(&error))?;
    making.as_file().sync_all().map_err(|error| failed(&error))?;
    making.persist(path).map(drop).map_err(|error| failed(&error.error))
}

/// Temporary files are private; what becomes of these is as readable as other files.
#[cfg(unix)]
fn builder() -> tempfile::Builder<'static, 'static> {
    use std::os::unix::fs::PermissionsExt;
    let mut builder = tempfile::Builder::new();
    builder.permissions(fs::Permissions::from_mode(0o666));
    builder
}

#[cfg(not(unix))]
fn builder() -> tempfile::Builder<'static, 'static> {
    tempfile::Builder::new()
}
