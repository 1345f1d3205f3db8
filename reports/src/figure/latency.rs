//! `latency`: end-to-end latency of each policy (the paper's Fig. 6).

use super::Figure;
use super::bars::{Measure, prepare};

const MEASURE: Measure =
    Measure { columns: &["e2e_ms_mean"], title: "End-to-end latency", axis: "end-to-end latency, ms", decimals: 0 };

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "latency", title: MEASURE.title, needs: &["runs"], prepare: |folder| prepare(folder, &MEASURE) };
