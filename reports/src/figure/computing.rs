//! `computing`: computing of both tiers of each policy (the paper's Fig. 7).

use super::Figure;
use super::bars::{Measure, prepare};

const MEASURE: Measure = Measure {
    columns: &[Metric::EdgeFlop, Metric::CloudFlop],
    title: "Computing of both tiers",
    axis: "computing, TFLOP a request",
    decimals: 2,
};
use tables::{Metric, RunRow};

/// The line of the list.
pub(super) const FIGURE: Figure = Figure {
    name: "computing",
    title: MEASURE.title,
    needs: &[RunRow::DOC],
    prepare: |folder| prepare(folder, &MEASURE),
};
