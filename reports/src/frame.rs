//! Opening the tables of a results folder.

use polars::prelude::{DataFrame, PolarsError};
use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use traces::log::SCHEMA_KEY;

/// The error of a results folder that could not be read, or of a question that could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A table is not there, or cannot be opened.
    #[error("{}: {error}; expected a results folder of msao-sim", path.display())]
    Open {
        /// The table.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// A table is not what it should be.
    #[error("{}: {error}; run the scenario again", path.display())]
    Table {
        /// The table.
        path: PathBuf,
        /// The error of polars.
        error: PolarsError,
    },
    /// A file of the report cannot be written.
    #[error("{}: {error}; expected a folder that can be written to", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// A figure cannot be drawn: a bug.
    #[error("the figure {figure} cannot be drawn: {error}")]
    Draw {
        /// Its name.
        figure: &'static str,
        /// The error of the drawing library.
        error: String,
    },
    /// A file or a question is not what it should be: what, where, what was expected and what to do.
    #[error("{0}")]
    Refused(String),
}

impl ReportError {
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::Refused(message.into())
    }
}

/// One table of a results folder, whole.
pub(crate) fn read(folder: &Path, table: &str) -> Result<DataFrame, ReportError> {
    let path = folder.join(format!("{table}.parquet"));
    open(&path)?.finish().map_err(|error| ReportError::Table { path, error })
}

/// Some columns of it.
pub(crate) fn read_columns(folder: &Path, table: &str, columns: &[&str]) -> Result<DataFrame, ReportError> {
    let path = folder.join(format!("{table}.parquet"));
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    open(&path)?.with_columns(Some(columns)).finish().map_err(|error| ReportError::Table { path, error })
}

/// The same, of one version of its columns and no other.
pub(crate) fn read_version(folder: &Path, table: &str, version: u32) -> Result<DataFrame, ReportError> {
    let (path, reader) = open_version(folder, table, version)?;
    reader.finish().map_err(|error| ReportError::Table { path, error })
}

/// The same, one row group after the other: what is in memory at once does not grow with the table.
pub(crate) fn read_groups(
    folder: &Path,
    table: &str,
    version: u32,
    mut then: impl FnMut(&DataFrame) -> Result<(), ReportError>,
) -> Result<(), ReportError> {
    let (path, mut reader) = open_version(folder, table, version)?;
    let failed = |error| ReportError::Table { path: path.clone(), error };
    let metadata = reader.get_metadata().map_err(failed)?.clone();
    let mut before = 0;
    for group in &metadata.row_groups {
        let mut reader = open(&path)?.with_slice(Some((before, group.num_rows())));
        reader.set_metadata(metadata.clone());
        then(&reader.finish().map_err(failed)?)?;
        before += group.num_rows();
    }
    Ok(())
}

fn open_version(folder: &Path, table: &str, version: u32) -> Result<(PathBuf, ParquetReader<File>), ReportError> {
    let path = folder.join(format!("{table}.parquet"));
    if !path.exists() && folder.join("manifest.json").exists() {
        let remedy = "an earlier version of sim wrote this folder: run the scenario again with this one";
        return Err(ReportError::Refused(format!("{}: it is not there; {remedy}", path.display())));
    }
    let mut reader = open(&path)?;
    let metadata = reader.get_metadata().map_err(|error| ReportError::Table { path: path.clone(), error })?;
    let entry = metadata.key_value_metadata().iter().flatten().find(|entry| entry.key == SCHEMA_KEY);
    let found = entry.and_then(|entry| entry.value.as_deref()).unwrap_or("no table of msao-sim");
    let expected = format!("{table}/{version}");
    if found != expected {
        let remedy = "run the scenario again with this version of sim";
        let message = format!("{}: found {found}, expected the table {expected}; {remedy}", path.display());
        return Err(ReportError::Refused(message));
    }
    Ok((path, reader))
}

fn open(path: &Path) -> Result<ParquetReader<File>, ReportError> {
    let file = File::open(path).map_err(|error| ReportError::Open { path: path.to_owned(), error })?;
    Ok(ParquetReader::new(file))
}
