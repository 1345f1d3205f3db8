//! `sim schema`: the JSON Schema of scenarios.

use crate::scenario::Scenario;
use crate::terminal::{Failure, print};

/// Prints the schema.
///
/// # Errors
/// If stdout cannot be written to.
pub fn run() -> Result<(), Failure> {
    print(&text())
}

/// The schema as text.
pub fn text() -> String {
    let schema = schemars::schema_for!(Scenario);
    serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n"
}
