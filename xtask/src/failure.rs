//! The failure of a command: one line a finding, with the place, the expectation and the remedy.

use std::fmt;

/// The result of every command.
pub type Outcome<T = ()> = Result<T, Failure>;

/// The exit code of what this machine lacks, as `sim` has it.
pub const UNAVAILABLE: u8 = 4;

/// The findings of a command that failed; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    findings: Vec<String>,
    code: u8,
}

impl Failure {
    /// Passes when nothing was found.
    pub fn unless_none(findings: Vec<String>) -> Outcome {
        if findings.is_empty() { Ok(()) } else { Err(Self { findings, code: 1 }) }
    }

    /// A finding with an exit code of its own, for instance that of another process.
    pub fn with_code(code: u8, finding: impl Into<String>) -> Self {
        Self { findings: vec![finding.into()], code }
    }

    /// The process's exit code.
    pub fn code(&self) -> u8 {
        self.code
    }
}

impl From<String> for Failure {
    fn from(finding: String) -> Self {
        Self::with_code(1, finding)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.findings.iter().try_for_each(|finding| writeln!(f, "error: {finding}"))
    }
}
