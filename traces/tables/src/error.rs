//! The one error of this package.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// The refusal of a table, or the failure to write one.
///
/// Displays as one line: `path: found ...; expected ...; what to do`.
#[derive(Debug, thiserror::Error)]
pub struct TableError {
    /// The file.
    pub path: PathBuf,
    /// The content or failure that was found.
    pub found: String,
    /// The content that was expected instead.
    pub expected: String,
    /// Advice to the user.
    pub remedy: String,
    /// The failure of the operating system, where there is one.
    #[source]
    pub source: Option<io::Error>,
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {}; expected {}; {}", self.path.display(), self.found, self.expected, self.remedy)
    }
}

impl TableError {
    pub(crate) fn new(
        path: &Path,
        found: impl Into<String>,
        expected: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let (found, expected, remedy) = (found.into(), expected.into(), remedy.into());
        Self { path: path.to_owned(), found, expected, remedy, source: None }
    }

    /// A file that could not be opened or read.
    pub(crate) fn reading(path: &Path, error: io::Error) -> Self {
        use io::ErrorKind::{IsADirectory, NotFound};
        let (found, remedy) = match error.kind() {
            NotFound => ("no such file".to_owned(), "check the path"),
            IsADirectory => ("a folder".to_owned(), "name a file in it"),
            _ => (format!("a read error ({error})"), "see whether the file can be read at all"),
        };
        Self { source: Some(error), ..Self::new(path, found, "a table of a results folder", remedy) }
    }

    /// A file that could not be created or written.
    pub(crate) fn writing(path: &Path, error: io::Error) -> Self {
        use io::ErrorKind::{NotFound, PermissionDenied, QuotaExceeded, StorageFull};
        let remedy = match error.kind() {
            StorageFull | QuotaExceeded => "free some space and run again",
            PermissionDenied => "choose a folder that may be written to",
            NotFound => "create the folder first",
            _ => "see whether the folder can be written to",
        };
        let found = format!("a write error ({error})");
        Self { source: Some(error), ..Self::new(path, found, "to write this file", remedy) }
    }
}
