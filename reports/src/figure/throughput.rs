//! `throughput`: output throughput of each policy (the paper's Fig. 5).

use super::Figure;
use super::bars::{Measure, prepare};
use tables::{Metric, RunRow};

const MEASURE: Measure = Measure {
    columns: &[Metric::OutputRate],
    parts: &[],
    title: "Output throughput",
    axis: Metric::OutputRate.doc().axis,
    decimals: 1,
    from_zero: true,
};

/// The line of the list.
pub(super) const FIGURE: Figure = Figure {
    name: "throughput",
    title: MEASURE.title,
    needs: &[RunRow::DOC],
    prepare: |folder| prepare(folder, &MEASURE),
};
