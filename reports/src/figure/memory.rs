//! `memory`: peak memory of the GPUs of each policy (the paper's Fig. 8).

use super::Figure;
use super::bars::{Measure, prepare};
use tables::{Metric, RunRow};

const MEASURE: Measure = Measure {
    columns: &[Metric::Memory],
    title: "Peak memory of the GPUs",
    axis: Metric::Memory.doc().axis,
    decimals: 1,
};

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "memory", title: MEASURE.title, needs: &[RunRow::DOC], prepare: |folder| prepare(folder, &MEASURE) };
