//! Rows in Parquet files: the same rows give the same bytes.

pub(crate) mod cell;
pub(crate) mod columns;
mod file;
mod reader;
mod writer;

pub use cell::{Cell, VariedValues};
pub use columns::TypedColumn;
pub use file::{SCHEMA_KEY, concatenate};
pub use reader::TableReader;
pub use writer::TableWriter;
