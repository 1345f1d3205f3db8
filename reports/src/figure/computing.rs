//! `computing`: computing of both tiers of each policy (the paper's Fig. 7).

use super::Figure;
use super::bars::{CLOUD_WORK, EDGE_WORK, Measure, Part, prepare};
use tables::{Metric, RunRow};

const MEASURE: Measure = Measure {
    columns: &[Metric::EdgeFlop, Metric::CloudFlop],
    parts: &[
        Part { name: "edge", of: Metric::EdgeFlop, less: None, colour: EDGE_WORK },
        Part { name: "cloud", of: Metric::CloudFlop, less: None, colour: CLOUD_WORK },
    ],
    title: "Computing of both tiers",
    axis: "computing, TFLOP a request",
    decimals: 2,
    from_zero: true,
};

/// The line of the list.
pub(super) const FIGURE: Figure = Figure {
    name: "computing",
    title: MEASURE.title,
    needs: &[RunRow::DOC],
    prepare: |folder| prepare(folder, &MEASURE),
};
