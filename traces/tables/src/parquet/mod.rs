//! Rows in Parquet files: the same rows give the same bytes.

mod file;
mod guard;
mod reader;
mod writer;

pub use file::{SCHEMA_KEY, concatenate};
pub use guard::{is_reading, reading};
pub use reader::TableReader;
pub use writer::TableWriter;
