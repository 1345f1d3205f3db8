//! `sim show`: a scenario with every key.

use crate::scenario::{self, Plan, Written, warn_of_idle_keys};
use crate::terminal::{Failure, print};

/// Prints the scenario with every key, default or set.
///
/// # Errors
/// If it cannot be read, or its first point cannot be run.
pub fn run(written: &Written) -> Result<(), Failure> {
    let plan = Plan::read(written)?;
    plan.point(0)?;
    warn_of_idle_keys(&plan);
    print(&scenario::shown(&plan))
}
