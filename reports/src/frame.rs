//! Opening the tables of a results folder.

use polars::prelude::{Column, DataFrame, PolarsError};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use tables::{ColumnValues, Row, TableError, TableReader};

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
    /// A table of rows cannot be read, or is not what it should be.
    #[error(transparent)]
    Rows(#[from] TableError),
    /// A file or a question is not what it should be: what, where, what was expected and what to do.
    #[error("{0}")]
    Refused(String),
}

impl ReportError {
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::Refused(message.into())
    }
}

/// A table of a results folder as a frame, whole: a table whose columns depend on the scenario.
///
/// # Errors
///
/// If it is not there, or not this table in this version.
pub(crate) fn read_table<R: Row>(folder: &Path) -> Result<DataFrame, ReportError> {
    let path = folder.join(format!("{}.parquet", R::TABLE));
    is_there(&path, folder)?;
    File::open(&path).map_err(|error| ReportError::Open { path: path.clone(), error })?;
    let table = TableReader::<R>::open(&path)?;
    let columns = table.columns()?.into_iter().map(column).collect();
    let height = usize::try_from(table.rows()).unwrap_or(usize::MAX);
    DataFrame::new(height, columns).map_err(|error| ReportError::Table { path, error })
}

/// A column of a frame.
fn column((name, values): (String, ColumnValues)) -> Column {
    let name = name.into();
    match values {
        ColumnValues::Counts(values) => Column::new(name, values),
        ColumnValues::Numbers(values) => Column::new(name, values),
        ColumnValues::Texts(values) => Column::new(name, values.iter().map(|text| &**text).collect::<Vec<&str>>()),
    }
}

/// A table of a results folder whose columns are always the same, to be read group by group.
///
/// # Errors
///
/// If it is not there, or not this table in this version.
pub(crate) fn open<R: Row>(folder: &Path) -> Result<TableReader<R>, ReportError> {
    let path = folder.join(format!("{}.parquet", R::TABLE));
    is_there(&path, folder)?;
    Ok(TableReader::open(&path)?)
}

/// Refuses a folder without the table; one with a manifest was written by an earlier version.
fn is_there(path: &Path, folder: &Path) -> Result<(), ReportError> {
    if path.exists() || !folder.join("manifest.json").exists() {
        return Ok(());
    }
    let remedy = "an earlier version of sim wrote this folder: run the scenario again with this one";
    Err(ReportError::Refused(format!("{}: it is not there; {remedy}", path.display())))
}
