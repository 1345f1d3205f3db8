//! The one error of this package.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// The refusal of a file, or the failure to write one.
///
/// Displays as one line: `path:line: found ...; expected ...; what to do`.
#[derive(Debug, thiserror::Error)]
pub struct TraceError {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1, where there is one.
    pub line: Option<u64>,
    /// The found text.
    pub found: String,
    /// The expected text.
    pub expected: String,
    /// The remedy for the user.
    pub remedy: String,
    /// The failure of the operating system, where there is one.
    #[source]
    pub source: Option<io::Error>,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": found {}; expected {}; {}", self.found, self.expected, self.remedy)
    }
}

impl TraceError {
    /// A refusal of the whole of `path`; [`Self::at`] narrows it to a line.
    pub(crate) fn new(
        path: &Path,
        found: impl Into<String>,
        expected: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            line: None,
            found: found.into(),
            expected: expected.into(),
            remedy: remedy.into(),
            source: None,
        }
    }

    /// The same refusal, of one line.
    pub(crate) fn at(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// A file that could not be opened or read.
    pub(crate) fn reading(path: &Path, error: io::Error) -> Self {
        use io::ErrorKind::{InvalidData, InvalidInput, IsADirectory, NotFound, UnexpectedEof, Unsupported};
        let (found, expected, remedy) = match error.kind() {
            NotFound => ("no such file", "a trace file", "check the path"),
            IsADirectory => ("a folder", "a trace file", "name a file in it"),
            Unsupported => (
                "a device or a pipe",
                "a file",
                "copy what it gives into a file, since an input is read more than once",
            ),
            UnexpectedEof => ("a gzip stream that is cut off", "a whole one", "copy the file again"),
            InvalidData | InvalidInput => ("a damaged gzip stream", "a sound one", "copy the file again"),
            _ => ("a read error", "a readable file", "see whether the file can be read at all"),
        };
        let found = match error.kind() {
            NotFound | IsADirectory | Unsupported | UnexpectedEof => found.to_owned(),
            _ => format!("{found} ({error})"),
        };
        Self { source: Some(error), ..Self::new(path, found, expected, remedy) }
    }

    /// A line that is not the JSON that was expected.
    pub(crate) fn json(path: &Path, error: &serde_json::Error, expected: &str) -> Self {
        // The line number that serde_json adds counts within one line of the file, so it says nothing.
        let says = error.to_string();
        let says = says.split(" at line ").next().unwrap_or_default();
        let found = match error.classify() {
            serde_json::error::Category::Eof => format!("JSON that ends too early at column {}", error.column()),
            _ => format!("JSON with {} at column {}", shown(says), error.column()),
        };
        Self::new(path, found, expected, "correct the line, or copy the file again if it is cut off here")
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

/// Text from a file, cut and escaped so that a message stays one short line.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown += "...";
    }
    shown
}
