//! The common part of the two Azure formats: CSV whose columns are found by name, in any order, beside others.

use super::{RequestStream, TraceRequest, timestamp};
use crate::{
    TraceError,
    rows::{CsvFile, Row},
};
use std::path::Path;
use units::SimDuration;

/// The column of a request's time.
#[derive(Clone, Copy)]
enum Time {
    /// A calendar time, as published.
    Calendar(usize),
    /// Seconds.
    Seconds(usize),
}

impl Time {
    fn read(self, row: &Row<'_>) -> Result<SimDuration, TraceError> {
        match self {
            Self::Calendar(column) => timestamp::read(row.text(column))
                .ok_or_else(|| row.refuse(column, "a time such as 2023-11-16 18:15:46.6805900")),
            Self::Seconds(column) => row.fixed_point(column, 9).map(SimDuration::from_ns),
        }
    }
}

/// The columns of both formats.
pub(super) struct Columns {
    time: Time,
    input: usize,
    output: usize,
}

impl Columns {
    pub(super) fn of(file: &CsvFile, expected: &str) -> Result<Self, TraceError> {
        let lacks = || file.lacks(&format!("the columns {expected}"));
        let calendar = column(file, "TIMESTAMP")?.map(Time::Calendar);
        let time = match calendar {
            Some(time) => time,
            None => column(file, "arrival_s")?.map(Time::Seconds).ok_or_else(lacks)?,
        };
        let input = column(file, "ContextTokens")?.ok_or_else(lacks)?;
        let output = column(file, "GeneratedTokens")?.ok_or_else(lacks)?;
        Ok(Self { time, input, output })
    }

    /// The request of a row, all of whose tokens are text.
    pub(super) fn read(&self, row: &Row<'_>) -> Result<TraceRequest, TraceError> {
        Ok(TraceRequest::text(self.time.read(row)?, row.count(self.input)?, row.count(self.output)?))
    }
}

/// The index of a column, written as published or in small letters: `ContextTokens`, `context_tokens`.
pub(super) fn column(file: &CsvFile, name: &str) -> Result<Option<usize>, TraceError> {
    let letters = |name: &str| name.replace('_', "").to_ascii_lowercase();
    file.find(|column| letters(column) == letters(name))
}

/// Opens a file of one of the formats.
pub(super) fn open(path: &Path, expected: &str) -> Result<CsvFile, TraceError> {
    CsvFile::open(path, &format!("the columns {expected}"))
}

/// The requests of a file whose tokens are all text.
pub(super) fn text(file: CsvFile, columns: Columns) -> RequestStream {
    RequestStream::csv(file, move |row| Ok(Some(columns.read(row)?.into())))
}
