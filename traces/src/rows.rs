//! CSV with a header: rows with their line numbers, and fields as numbers or a refusal that names the column.

use crate::{
    TraceError,
    decimal::fixed_point,
    error::shown,
    open::{empty, not_utf8, open},
};
use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};
use std::{
    io::Read,
    path::{Path, PathBuf},
};

/// A CSV file whose header has been read. Lines that start with `#` are comments.
pub(crate) struct CsvFile {
    path: PathBuf,
    header: Vec<String>,
    reader: Reader<Box<dyn Read>>,
    record: StringRecord,
}

impl CsvFile {
    /// Opens `path` and reads its header; `expected` says in a refusal what the header should be.
    pub fn open(path: &Path, expected: &str) -> Result<Self, TraceError> {
        Self::open_as(path, expected, ReaderBuilder::new().comment(Some(b'#')))
    }

    /// The same of a file with tabs between its columns, and without comments.
    pub fn open_tsv(path: &Path, expected: &str) -> Result<Self, TraceError> {
        Self::open_as(path, expected, ReaderBuilder::new().delimiter(b'\t'))
    }

    fn open_as(path: &Path, expected: &str, reader: &mut ReaderBuilder) -> Result<Self, TraceError> {
        let reader = reader.has_headers(false).flexible(true).from_reader(open(path)?);
        let mut file = Self { path: path.to_owned(), header: Vec::new(), reader, record: StringRecord::new() };
        if !file.advance()? {
            return Err(empty(path, expected));
        }
        file.header = file.record.iter().map(|name| name.trim().to_owned()).collect();
        Ok(file)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The index of the column `name`, or a refusal that lists the columns there are.
    pub fn column(&self, name: &str) -> Result<usize, TraceError> {
        self.header.iter().position(|column| column == name).ok_or_else(|| {
            let found = format!("the columns {}", shown(&self.header.join(",")));
            TraceError::new(&self.path, found, format!("a column \"{name}\""), "name one of the columns found").at(1)
        })
    }

    /// The next row, or `None` after the last.
    pub fn next(&mut self) -> Result<Option<Row<'_>>, TraceError> {
        if !self.advance()? {
            return Ok(None);
        }
        let row = Row { path: &self.path, header: &self.header, record: &self.record };
        if self.record.len() != self.header.len() {
            return Err(row.of_wrong_length());
        }
        Ok(Some(row))
    }

    fn advance(&mut self) -> Result<bool, TraceError> {
        self.reader.read_record(&mut self.record).map_err(|error| self.refusal(error))
    }

    fn refusal(&self, error: csv::Error) -> TraceError {
        let line = self.reader.position().line();
        match error.into_kind() {
            ErrorKind::Io(error) => TraceError::reading(&self.path, error).at(line),
            ErrorKind::Utf8 { pos, .. } => not_utf8(&self.path, pos.map_or(line, |pos| pos.line())),
            other => TraceError::new(&self.path, format!("{other:?}"), "a CSV file", "check the file").at(line),
        }
    }
}

/// One row, with as many fields as the header.
pub(crate) struct Row<'a> {
    path: &'a Path,
    header: &'a [String],
    record: &'a StringRecord,
}

impl Row<'_> {
    pub fn line(&self) -> u64 {
        self.record.position().map_or(0, |position| position.line())
    }

    /// The text of a column, without spaces around it.
    pub fn text(&self, column: usize) -> &str {
        self.record[column].trim()
    }

    /// A whole number.
    pub fn count(&self, column: usize) -> Result<u32, TraceError> {
        let digits = self.text(column).bytes().all(|b| b.is_ascii_digit());
        let count = self.text(column).parse().ok().filter(|_| digits);
        count.ok_or_else(|| self.refuse(column, "a whole number from 0 to 4294967295"))
    }

    /// A number that is finite and not negative.
    pub fn number(&self, column: usize) -> Result<f64, TraceError> {
        let number = self.text(column).parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0);
        number.ok_or_else(|| self.refuse(column, "a finite number that is not negative"))
    }

    /// A decimal number times `10^decimals`, as an integer.
    pub fn fixed_point(&self, column: usize, decimals: u32) -> Result<u64, TraceError> {
        let number = fixed_point(self.text(column), decimals);
        number.ok_or_else(|| self.refuse(column, "a decimal number from 0 up"))
    }

    /// A refusal of what stands in `column`.
    pub fn refuse(&self, column: usize, expected: &str) -> TraceError {
        let found = format!("{} = \"{}\"", shown(&self.header[column]), shown(self.text(column)));
        self.refusal(found, expected, "correct or remove the line")
    }

    /// A refusal of the row.
    pub fn refusal(&self, found: String, expected: &str, remedy: &str) -> TraceError {
        TraceError::new(self.path, found, expected, remedy).at(self.line())
    }

    fn of_wrong_length(&self) -> TraceError {
        let found = format!("{} fields", self.record.len());
        let expected = format!("{}, as in the header {}", self.header.len(), shown(&self.header.join(",")));
        self.refusal(found, &expected, "correct the line, or copy the file again if it is cut off here")
    }
}
