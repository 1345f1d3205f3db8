//! The failure of a command: one line a finding, with the place, the expectation and the remedy.

use std::fmt;

/// The result of every command.
pub type Outcome<T = ()> = Result<T, Failure>;

/// The findings of a command that failed; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(Vec<String>);

impl Failure {
    /// Passes when nothing was found.
    pub fn unless_none(findings: Vec<String>) -> Outcome {
        if findings.is_empty() { Ok(()) } else { Err(Self(findings)) }
    }
}

impl From<String> for Failure {
    fn from(finding: String) -> Self {
        Self(vec![finding])
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|finding| writeln!(f, "error: {finding}"))
    }
}
