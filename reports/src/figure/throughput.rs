//! `throughput`: output throughput of each policy (the paper's Fig. 5).

use super::Figure;
use super::bars::{Measure, prepare};

const MEASURE: Measure =
    Measure { columns: &["output_tokens_per_s"], title: "Output throughput", axis: "output, tokens/s", decimals: 1 };

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "throughput", title: MEASURE.title, needs: &["runs"], prepare: |folder| prepare(folder, &MEASURE) };
