//! Interrupts: SIGINT and SIGTERM remove unfinished files and end the program with 130 or 143, as shells expect.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Paths that an interrupt removes.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file or folder that an interrupt removes, until this is dropped.
#[derive(Debug)]
pub struct Unfinished(PathBuf);

impl Unfinished {
    /// Notes the path of something that is about to be written.
    pub fn new(path: &Path) -> Self {
        unfinished().insert(path.to_owned());
        Self(path.to_owned())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        unfinished().remove(&self.0);
    }
}

/// Removes a file, or a folder with all that is in it, as far as that is possible.
pub fn remove(path: &Path) {
    // A thread may still be writing into the folder: what it adds meanwhile is removed by the next try.
    for _ in 0..3 {
        if fs::remove_file(path).is_ok() || fs::remove_dir_all(path).is_ok() || !path.exists() {
            return;
        }
    }
}

/// Waits for SIGINT and SIGTERM on a thread of its own.
#[cfg(unix)]
pub fn watch_for_interrupts() {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    // Without the handler an interrupt ends the program all the same, and the next run removes what it left.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    std::thread::spawn(move || {
        let Some(signal) = signals.forever().next() else { return };
        // Held until the end, so that nothing new is begun.
        let paths = unfinished();
        paths.iter().for_each(|path| remove(path));
        super::say(format_args!("sim: interrupted; unfinished files were removed"));
        std::process::exit(128 + signal);
    });
}

/// Waits for nothing: this system has no such signals.
#[cfg(not(unix))]
pub fn watch_for_interrupts() {}
