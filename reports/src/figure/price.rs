//! `price`: cost of a request of each policy, in the currency of `costs`, where anything has a price.

use super::Figure;
use super::bars::{Measure, prepare};
use tables::{Metric, RunRow};

const MEASURE: Measure = Measure {
    columns: &[Metric::Price],
    parts: &[],
    title: "Cost of a request",
    axis: Metric::Price.doc().axis,
    decimals: 2,
    from_zero: true,
};

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "price", title: MEASURE.title, needs: &[RunRow::DOC], prepare: |folder| prepare(folder, &MEASURE) };
