//! Opening the tables of a results folder.

use polars::prelude::{DataFrame, PolarsError};
use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Why a results folder could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A table is not there, or cannot be opened.
    #[error("{}: {error}; expected a results folder of msao-sim", path.display())]
    Open {
        /// The table.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A table is not what it should be.
    #[error("{}: {error}; run the scenario again", path.display())]
    Table {
        /// The table.
        path: PathBuf,
        /// What polars said.
        error: PolarsError,
    },
}

/// One table of a results folder, whole.
pub(crate) fn read(folder: &Path, table: &str) -> Result<DataFrame, ReportError> {
    let path = folder.join(format!("{table}.parquet"));
    let file = File::open(&path).map_err(|error| ReportError::Open { path: path.clone(), error })?;
    ParquetReader::new(file).finish().map_err(|error| ReportError::Table { path, error })
}
