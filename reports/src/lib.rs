//! Tables, comparisons and verdicts from the files of a results folder, and from nothing else: what is drawn today can be
//! drawn again next year.
//!
//! It never sees the engine. It reads Parquet through polars and refuses a folder that it does not know.

mod best;
pub mod check;
mod claims;
mod compare;
mod effects;
mod estimate;
mod figure;
#[cfg(test)]
mod fixture;
mod frame;
mod manifest;
mod metric;
mod natural;
mod numbers;
mod runs;
mod sheet;
mod sweep;
mod table;

pub use best::{Answer, Constraint, Objective, Question, best};
pub use claims::{Claims, Verdict as ClaimVerdict, claims};
pub use compare::{Comparison, Difference, Line, compare};
pub use estimate::Estimate;
pub use frame::ReportError;
pub use manifest::MANIFEST_VERSION;
pub use metric::{Better, METRICS, Metric};
pub use runs::{Cell, Runs, VERSION as RUNS_VERSION, Values};
pub use sweep::write_sweep_report;
pub use table::table;

/// Draws every figure that a results folder has the tables for, as `report/NAME.svg` and `report/NAME.png` in it. The files.
///
/// # Errors
///
/// If a table cannot be read, or a file cannot be written.
pub fn write_figures(folder: &std::path::Path) -> Result<Vec<std::path::PathBuf>, ReportError> {
    figure::draw(folder, |_| true)
}
