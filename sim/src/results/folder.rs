//! The results folder: written under a temporary name beside its place, renamed when whole.

use crate::results::manifest;
use crate::terminal::Failure;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A results folder in the making. Dropped before the end, it leaves nothing.
pub struct Results {
    target: PathBuf,
    making: TempDir,
}

impl Results {
    /// Makes sure that the folder may stand at `target`, and begins it.
    ///
    /// # Errors
    /// If something that is not ours is in the way, or the place cannot be written to.
    pub fn begin(target: &Path) -> Result<Self, Failure> {
        let Some(name) = target.file_name().map(|name| name.to_string_lossy()) else {
            let remedy = "give --out a folder by its name";
            return Err(Failure::refused(format!(
                "{}: results cannot replace this folder; {remedy}",
                target.display()
            )));
        };
        may_replace(target)?;
        let parent = match target.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(|error| Failure::io("make the folder", parent, &error))?;
        let making = tempfile::Builder::new()
            .prefix(&format!(".{name}."))
            .suffix(".partial")
            .tempdir_in(parent)
            .map_err(|error| Failure::io("write in the folder", parent, &error))?;
        Ok(Self { target: target.to_owned(), making })
    }

    /// Where to write.
    pub fn folder(&self) -> &Path {
        self.making.path()
    }

    /// Puts the folder in its place, over an earlier one of ours.
    pub fn finish(self) -> Result<PathBuf, Failure> {
        let Self { target, making } = self;
        may_replace(&target)?;
        let failed = |error| Failure::io("put the results in", &target, &error);
        readable_by_others(making.path());
        let old = making.path().with_extension("old");
        let replaces = target.exists();
        if replaces {
            fs::rename(&target, &old).map_err(failed)?;
        }
        let made = making.keep();
        if let Err(error) = fs::rename(&made, &target) {
            // What was there before comes back; what was made goes.
            if replaces {
                let _ = fs::rename(&old, &target);
            }
            let _ = fs::remove_dir_all(&made);
            return Err(failed(error));
        }
        if replaces {
            fs::remove_dir_all(&old).map_err(|error| Failure::io("remove the earlier results in", &old, &error))?;
        }
        Ok(target)
    }
}

/// Temporary folders are private; results are not.
#[cfg(unix)]
fn readable_by_others(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    // Best effort: a results folder that only its owner can read is still whole.
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o755));
}

#[cfg(not(unix))]
fn readable_by_others(_: &Path) {}

/// Whether results may stand at `target`: nothing is there, an empty folder, or results of ours.
fn may_replace(target: &Path) -> Result<(), Failure> {
    let Ok(metadata) = fs::symlink_metadata(target) else { return Ok(()) };
    let refuse = |what: &str| {
        let remedy = "move it away, or choose another place with --out";
        Err(Failure::refused(format!("{}: {what} is in the way of the results; {remedy}", target.display())))
    };
    if !metadata.is_dir() {
        return refuse("something that is not a folder");
    }
    if target.join("sweep.json").exists() {
        // Its parts may be hours of work; `sim sweep` goes on with them.
        return refuse("a sweep");
    }
    let empty = fs::read_dir(target).map_err(|error| Failure::io("read", target, &error))?.next().is_none();
    if empty || manifest::is_ours(target) { Ok(()) } else { refuse("a folder that msao-sim did not write") }
}
