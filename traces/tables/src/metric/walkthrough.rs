//! The walk-through of CONTRIBUTING.md is true: the line of its metric compiles as it stands.

use super::{AMOUNT, Better, MetricDoc};
use crate::unit_of;

metrics! {
    /// Energy of both tiers for an output token, idle power included.
    EnergyPerToken = "energy_j_per_token", Lower, AMOUNT, "J", 2, "J/token", "energy, J a token";
}

#[test]
fn the_metric_has_its_facts() {
    let MetricDoc { column, unit, decimals, heading, meaning, .. } = Metric::EnergyPerToken.doc();
    assert_eq!((unit_of(column), unit, decimals, heading), ("J", "J", 2, "J/token"));
    assert_eq!(meaning, "Energy of both tiers for an output token, idle power included.");
    assert_eq!(Metric::ALL.len(), 1);
}

#[test]
fn the_document_has_the_line_verbatim() {
    let file = include_str!("walkthrough.rs");
    let (_, lines) = file.split_once("metrics! {\n").expect("the list");
    let (lines, _) = lines.split_once("}\n").expect("its end");
    let document = include_str!("../../../../CONTRIBUTING.md");
    assert!(document.contains(&format!("```rust\n{lines}```\n")), "copy the line into it:\n{lines}");
}
