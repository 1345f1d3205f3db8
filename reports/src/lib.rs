//! Tables from the files of a results folder, and from nothing else: what is drawn today can be drawn again next year.
//!
//! It never sees the engine. It reads Parquet through polars and refuses a folder that it does not know.

mod frame;
mod table;

pub use frame::ReportError;
pub use table::table;
