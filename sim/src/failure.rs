//! How the program fails: a message, and an exit code that says whose turn it is.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use traces::TraceError;

/// Why there is no result.
#[derive(Debug)]
pub struct Failure {
    message: String,
    code: Code,
}

/// Exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The scenario, an input file or the place for the results was refused.
    Refused = 2,
    /// A backend, a device or an engine such as Slurm is not available.
    Unavailable = 4,
    /// A bug in this program.
    Bug = 70,
}

impl Failure {
    /// The user's turn: the message says what, where, what was expected and what to do.
    pub fn refused(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: Code::Refused }
    }

    /// Nobody's turn here: the message says what is not available, and what to do instead.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: Code::Unavailable }
    }

    /// Our turn.
    pub fn bug(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: Code::Bug }
    }

    /// With the exit code that another process ended with.
    pub fn with_code(code: Code, message: impl Into<String>) -> Self {
        Self { message: message.into(), code }
    }

    /// A file that could not be read or written.
    pub fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        let remedy = match error.kind() {
            io::ErrorKind::NotFound => "; check the path",
            io::ErrorKind::PermissionDenied => "; check its permissions, or choose another place with --out",
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => "; a file is in the way",
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "; make room, or choose another place with --out"
            }
            _ => "",
        };
        Self::refused(format!("cannot {doing} {}: {error}{remedy}", path.display()))
    }

    /// The process's exit code.
    pub fn code(&self) -> Code {
        self.code
    }
}

thread_local! {
    /// The run that this thread is at.
    static AT_WORK: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Notes which run this thread is at, for the report of a bug.
pub fn at_work_on(run: String) {
    AT_WORK.set(Some(run));
}

/// What a bug's report says of where it happened.
pub fn at_work() -> String {
    AT_WORK.with_borrow(|run| run.as_ref().map_or_else(String::new, |run| format!(" (in {run})")))
}

/// Says something on stderr. Unlike `eprintln!`, it does not panic where nobody listens: `sim ... 2>&1 | head -1`.
pub fn say(line: impl fmt::Display) {
    // Nowhere is left to say that this failed.
    let _ = writeln!(io::stderr(), "{line}");
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<TraceError> for Failure {
    fn from(error: TraceError) -> Self {
        Self::refused(error.to_string())
    }
}
