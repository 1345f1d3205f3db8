//! Rows in Parquet files: the same rows give the same bytes.

mod file;
mod guard;
mod part;
mod reader;
mod writer;

pub use file::SCHEMA_KEY;
pub use guard::{is_reading, reading};
pub use part::{Keeping, Part, PartWriter, put_together};
pub use reader::TableReader;
pub use writer::TableWriter;
