//! `accuracy`: accuracy of each policy (the paper's Table 1).

use super::Figure;
use super::bars::{Measure, prepare};

const MEASURE: Measure =
    Measure { columns: &["accuracy_pct"], title: "Accuracy", axis: "right answers, %", decimals: 1 };

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "accuracy", title: MEASURE.title, needs: &["runs"], prepare: |folder| prepare(folder, &MEASURE) };
