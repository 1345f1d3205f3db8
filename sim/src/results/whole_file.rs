//! Files that are whole or not there: written beside their place under a temporary name, synced and renamed.

use crate::terminal::Failure;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// Ends the name of what is being written; it begins with a dot.
pub const PARTIAL: &str = ".partial";

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
    let mut file = begin(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    put(file, path)
}

/// A temporary file in a folder. Dropped, it leaves nothing; [`put`] gives it its place.
pub fn begin(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(PARTIAL);
    // Temporary files are private; what becomes of these is as readable as other files.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Syncs a file and puts it in its place.
///
/// # Errors
/// If that fails; what was there is then still there.
pub fn put(file: NamedTempFile, path: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::io("write", path, &error);
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    sync_folder(folder_of(path));
    Ok(())
}

/// Makes renames in a folder outlive a loss of power, where the system can.
pub fn sync_folder(folder: &Path) {
    // Some file systems cannot sync a folder; the renames themselves have been done.
    let _ = File::open(folder).map(|folder| folder.sync_all());
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."))
}
