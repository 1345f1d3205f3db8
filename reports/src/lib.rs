//! Tables, comparisons and verdicts from the files of a results folder, and from nothing else: what is drawn today can be
//! drawn again next year.
//!
//! It never sees the engine. It reads Parquet through polars and refuses a folder that it does not know.

mod best;
pub mod check;
mod compare;
mod effects;
mod estimate;
mod figure;
#[cfg(test)]
mod fixture;
mod frame;
mod metric;
mod natural;
mod numbers;
mod runs;
mod sheet;
mod sweep;
mod table;

pub use best::{Answer, Constraint, Objective, Question, best};
pub use compare::{Comparison, Difference, Line, compare};
pub use estimate::Estimate;
pub use frame::ReportError;
pub use metric::{Better, METRICS, Metric};
pub use runs::{Cell, Runs, VERSION as RUNS_VERSION, Values};
pub use sweep::write_sweep_report;
pub use table::table;
