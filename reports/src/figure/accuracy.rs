//! `accuracy`: accuracy of each policy beside what the paper prints (Table 1), as points on an axis of their own: from zero,
//! accuracies between 58 and 78 % would all look alike.

use super::Figure;
use super::bars::{Measure, prepare};
use tables::{Metric, RunRow};

const MEASURE: Measure = Measure {
    columns: &[Metric::Accuracy],
    parts: &[],
    title: "Accuracy",
    axis: Metric::Accuracy.doc().axis,
    decimals: 1,
    from_zero: false,
};

/// The line of the list.
pub(super) const FIGURE: Figure = Figure {
    name: "accuracy",
    title: MEASURE.title,
    needs: &[RunRow::DOC],
    prepare: |folder| prepare(folder, &MEASURE),
};
