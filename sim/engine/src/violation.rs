//! Invariants that do not hold.

/// An invariant that does not hold: a bug of the program, never of the scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invariant broken: {0}")]
pub struct Violation(String);

impl Violation {
    pub(crate) fn new(what: String) -> Self {
        Self(what)
    }
}

/// Refuses unless `holds`.
pub(crate) fn require(holds: bool, what: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation(what())) }
}
