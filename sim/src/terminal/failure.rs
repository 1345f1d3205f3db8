//! The program's failures: a message, and an exit code that says whose turn it is.

use super::look;
use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use traces::TraceError;

/// The reason why there is no result.
#[derive(Debug)]
pub struct Failure {
    message: String,
    /// The message without the place in the scenario, where it names one.
    brief: Option<String>,
    code: Code,
}

/// Exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The scenario, an input file or the place for the results was refused.
    Refused = 2,
    /// Something got worse than its baseline allows.
    Regression = 3,
    /// A backend, a device or an engine such as Slurm is not available.
    Unavailable = 4,
    /// All was done, but runs of a sweep failed, or did not suffice for an answer.
    Failed = 5,
    /// A bug in this program.
    Bug = 70,
}

impl Code {
    /// Every exit code, each with its meaning.
    pub const ALL: [(u8, &'static str); 6] = [
        (0, "done"),
        (Self::Refused as u8, "the scenario, an input file or the place for results was refused"),
        (
            Self::Regression as u8,
            "sim check found a regression, sim validate a larger error than allowed, or a gate (--until-ci, best, tune too) \
             could not judge all",
        ),
        (Self::Unavailable as u8, "an engine such as Slurm is not available"),
        (Self::Failed as u8, "done, but runs of a sweep failed, or --max-runs ended sim capacity before it was sure"),
        (Self::Bug as u8, "a bug in this program"),
    ];
}

impl Failure {
    /// The user's turn: the message says what, where, what was expected and what to do.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::with_code(Code::Refused, message)
    }

    /// Nobody's turn here: the message says what is not available, and what to do instead.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::with_code(Code::Unavailable, message)
    }

    /// Something got worse: the message says how much of it.
    pub fn regression(message: impl Into<String>) -> Self {
        Self::with_code(Code::Regression, message)
    }

    /// Our turn.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::with_code(Code::Bug, message)
    }

    /// With an exit code, for instance that of another process.
    pub fn with_code(code: Code, message: impl Into<String>) -> Self {
        Self { message: message.into(), brief: None, code }
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

    /// This, told as `brief` where the place in the scenario does not matter.
    pub fn told_briefly(self, brief: String) -> Self {
        Self { brief: Some(brief), ..self }
    }

    /// The message without the place in the scenario.
    pub fn brief(&self) -> &str {
        self.brief.as_ref().unwrap_or(&self.message)
    }

    /// True if it is a bug of this program.
    pub fn is_bug(&self) -> bool {
        self.code == Code::Bug
    }

    /// The process's exit code.
    pub fn code(&self) -> Code {
        self.code
    }
}

/// Says something on stderr. Lines that begin with `sim:` are warnings and failures; `--quiet` leaves out the others.
///
/// Unlike `eprintln!`, it does not panic where nobody listens: `sim ... 2>&1 | head -1`.
pub fn say(line: impl fmt::Display) {
    let line = line.to_string();
    if look::is_quiet() && !line.starts_with("sim:") {
        return;
    }
    // Nowhere is left to say that this failed.
    let _ = writeln!(io::stderr(), "{}", look::painted(line));
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<tables::TableError> for Failure {
    fn from(error: tables::TableError) -> Self {
        Self::refused(error.to_string())
    }
}

impl From<TraceError> for Failure {
    fn from(error: TraceError) -> Self {
        Self::refused(error.to_string())
    }
}

impl From<reports::ReportError> for Failure {
    fn from(error: reports::ReportError) -> Self {
        Self::refused(error.to_string())
    }
}
