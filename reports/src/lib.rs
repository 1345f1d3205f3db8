//! Tables, comparisons and verdicts from the files of a results folder, and from nothing else: what is drawn today can be
//! drawn again next year.
//!
//! It never sees the engine. It reads Parquet through `tables` and refuses a folder that it does not know.

mod best;
mod capacity;
pub mod check;
mod choices;
mod claims;
mod classes;
mod compare;
mod effects;
mod estimate;
mod figure;
mod file;
mod finding;
#[cfg(test)]
mod fixture;
mod frame;
mod groups;
mod json;
mod manifest;
mod natural;
mod numbers;
mod page;
mod referee;
mod reference;
mod report;
mod runs;
mod sheet;
mod shortfalls;
mod spans;
mod stages;
mod table;
mod timeline;
mod warm_up;

pub use best::{Answer, Constraint, Objective, Per, Question, best};
pub use capacity::{capacity_document, capacity_text};
pub use choices::{choices_document, choices_text};
pub use claims::{Claims, Verdict as ClaimVerdict, VerdictKind, claims};
pub use classes::table_of_classes;
pub use compare::{Comparison, Difference, Line, compare, compare_folders};
pub use estimate::{Estimate, students_t};
pub use frame::ReportError;
pub use groups::table_of_groups;
pub use json::{DOCUMENT_VERSION, run_document};
pub use manifest::{MANIFEST_VERSION, MODEL_VERSION, TOOL, model_warning};
pub use referee::{Referee, judged_scenarios, write_referee};
pub use report::{Report, write_joint_report, write_report};
pub use runs::{Cell, Runs, Values};
pub use sheet::Sheet;
pub use stages::{Stage, StageTimes, stage_times};
pub use table::{Columns, table};
