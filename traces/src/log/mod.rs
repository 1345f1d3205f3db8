//! Result tables as Parquet, one row at a time and in bounded memory, and small tables as Parquet and CSV.
//!
//! | table | row |
//! |---|---|
//! | [`RequestRow`] | a request: how it was served, how long it took, what it used |
//! | [`StepRow`] | a compute step: where, what, when, how long |
//! | [`SpanRow`] | a part of a request's life: where, what, when, for how long |
//! | [`TokenRow`] | a drafted token: entropy, threshold, verdict |
//!
//! A table's columns are declared once, in [`tables`](self), together with its row; adding a column is adding a field and raising
//! the version. Each file says `<table>/<version>` under the key [`SCHEMA_KEY`].
//!
//! ```
//! use traces::log::{LogWriter, TokenRow};
//! # let folder = std::env::temp_dir();
//! let mut log = LogWriter::create(&folder.join("tokens.parquet"))?;
//! log.write(TokenRow { policy: "msao".into(), request: 7, entropy_nats: 0.3, accepted: true, ..TokenRow::default() })?;
//! assert_eq!(log.finish()?, 1);
//! # Ok::<(), traces::TraceError>(())
//! ```

mod cell;
mod file;
mod read;
mod recorded;
mod row;
mod table;
mod tables;
mod writer;

pub use file::{SCHEMA_KEY, concatenate};
pub use read::TableReader;
pub use recorded::{RecordedToken, read_tokens};
pub use row::{ColumnDoc, Row};
pub use table::{Column, CsvFile, TableFile, TableWriter, Values};
pub use tables::{AnswerRow, RequestRow, SpanRow, StepRow, TokenRow};
pub use writer::LogWriter;

/// Text in a row: cheap to copy, since the same few texts stand in millions of rows.
pub type Text = std::sync::Arc<str>;
