//! `memory`: peak memory of the GPUs of each policy (the paper's Fig. 8), edge and cloud told apart where it is of both.

use super::Figure;
use super::bars::{CLOUD_WORK, EDGE_WORK, Measure, Part, prepare};
use tables::{Metric, RunRow};

const MEASURE: Measure = Measure {
    columns: &[Metric::Memory],
    parts: &[
        Part { name: "edge", of: Metric::EdgeMemory, less: None, colour: EDGE_WORK },
        Part { name: "cloud", of: Metric::CloudMemory, less: None, colour: CLOUD_WORK },
    ],
    title: "Peak memory of the GPUs",
    axis: Metric::Memory.doc().axis,
    decimals: 1,
    from_zero: true,
};

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "memory", title: MEASURE.title, needs: &[RunRow::DOC], prepare: |folder| prepare(folder, &MEASURE) };
