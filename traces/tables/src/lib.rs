//! Every table and every metric of a results folder, declared once: columns, units, versions, writers and readers.
//!
//! | module | content |
//! |---|---|
//! | [`Row`] | a row of a table; `rows!` declares its struct, columns, version, writer, reader and documentation together |
//! | [`RequestRow`], [`StepRow`], [`SpanRow`], [`TokenRow`], [`DecisionRow`], [`AnswerRow`] | rows of the hot path |
//! | [`RunRow`], [`FailureRow`], [`SummaryRow`], [`ClassRow`], [`ClassRunRow`], [`RegretRow`], [`ShortfallRow`], [`EffectRow`] | rows for runs, and for policies at points |
//! | [`DifferenceRow`], [`BestRow`], [`CheckRow`], [`IntervalRow`], [`ClaimRow`], [`ValidationRow`], [`CapacityRow`], [`ChoiceRow`] | rows of comparisons and verdicts |
//! | [`Metric`] | the metrics of a run: column, unit, direction, heading, words, decimals, axis |
//! | [`Lane`], [`Phase`], [`Kind`], [`Side`], [`Status`], [`Author`] | words that stand in columns |
//! | [`TableWriter`], [`TableReader`], [`CsvFile`] | files |
//! | [`objects`], [`Object`] | rows as JSON |
//!
//! To add a column, add a field to its row and raise the version. A column's unit is the end of its name. Each file has
//! `<table>/<version>` in its metadata under [`SCHEMA_KEY`], and a reader refuses another version, but for older ones whose columns it has too. `docs/columns.md` is
//! [`dictionary`].
//!
//! The same rows give the same bytes: no time stamp, host name or library version is written. Memory is bounded by one row
//! group, in writing and in reading.

mod answers;
mod capacity;
mod cell;
mod choices;
mod classes;
mod columns;
mod compared;
mod csv_file;
mod decisions;
mod dictionary;
mod effects;
mod error;
mod judged;
mod metric;
mod names;
mod object;
mod own;
mod parquet;
mod recorded;
mod requests;
mod row;
mod runs;
mod shortest;
mod shortfalls;
mod spans;
mod spreadsheet;
mod steps;
mod summary;
mod tokens;
mod values;

pub use answers::AnswerRow;
pub use capacity::CapacityRow;
pub use cell::Cell;
pub use choices::ChoiceRow;
pub use classes::{ClassRow, ClassRunRow};
pub use columns::TypedColumn;
pub use compared::{BestRow, CheckRow, DifferenceRow, IntervalRow};
pub use csv_file::{CsvFile, csv_text};
pub use decisions::{DecisionRow, NoteValues};
pub use dictionary::{DocumentedColumn, TABLES, dictionary, documented_columns, unit_of};
pub use effects::EffectRow;
pub use error::TableError;
pub use judged::{ClaimRow, ValidationRow};
pub use metric::{Better, Metric, MetricDoc, MetricEstimates, MetricValues, listed, unknown};
pub use names::{Author, Finding, Kind, Lane, Phase, Shortfall, Side, Standing, Status};
pub use object::{Object, objects};
pub use own::{AskedEstimates, VariedNumbers, VariedValues, is_number, number_column};
pub use parquet::{Keeping, Part, PartWriter, SCHEMA_KEY, TableReader, TableWriter, is_reading, put_together, reading};
pub use recorded::{RecordedToken, read_tokens};
pub use requests::RequestRow;
pub use row::{FieldDoc, Row, TableDoc};
pub use runs::{FailureRow, RunRow};
pub use shortfalls::{ShortfallRow, Shortfalls};
pub use spans::SpanRow;
pub use spreadsheet::spreadsheet_text;
pub use steps::StepRow;
pub use summary::{RegretRow, SummaryRow};
pub use tokens::TokenRow;
pub use values::ColumnValues;

/// Text in a row: cheap to copy, since the same few texts stand in millions of rows.
pub type Text = std::sync::Arc<str>;
