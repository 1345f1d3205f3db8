//! `latency`: end-to-end latency of each policy (the paper's Fig. 6).

use super::Figure;
use super::bars::{Measure, prepare};
use tables::{Metric, RunRow};

const MEASURE: Measure = Measure {
    columns: &[Metric::E2eMean],
    parts: &[],
    title: "End-to-end latency",
    axis: Metric::E2eMean.doc().axis,
    decimals: 0,
    from_zero: true,
};

/// The line of the list.
pub(super) const FIGURE: Figure = Figure {
    name: "latency",
    title: MEASURE.title,
    needs: &[RunRow::DOC],
    prepare: |folder| prepare(folder, &MEASURE),
};
