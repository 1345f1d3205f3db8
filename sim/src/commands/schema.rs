//! `sim schema`: the JSON Schema of scenarios.

use crate::scenario::Scenario;
use crate::terminal::{Failure, print};

/// Prints the schema.
///
/// # Errors
/// If stdout cannot be written to.
pub fn run() -> Result<(), Failure> {
    let schema = schemars::schema_for!(Scenario);
    print(&(serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n"))
}
