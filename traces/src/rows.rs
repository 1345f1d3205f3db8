//! CSV with a header: rows with their line numbers, and fields as numbers or a refusal that names the column.

use crate::{
    TraceError,
    decimal::fixed_point,
    error::shown,
    open::{empty, not_utf8, open},
};
use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};
use std::{
    cell::Cell,
    io::{Cursor, Read},
    path::{Path, PathBuf},
};

/// Bytes of a file in which its first line is looked for.
const LOOKED_AT: u64 = 1024;

/// A CSV file whose header has been read. Lines that start with `#` are comments; blank lines are skipped.
pub(crate) struct CsvFile {
    path: PathBuf,
    header: Vec<String>,
    header_line: u64,
    /// True for each column that somebody asked for.
    asked: Vec<Cell<bool>>,
    /// The first line, if it is a comment.
    comment: Option<String>,
    reader: Reader<Box<dyn Read + Send>>,
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

    /// The same of a file without a header, whose columns are called `names`.
    pub fn open_headless(path: &Path, names: &[&str]) -> Result<Self, TraceError> {
        let mut file = Self::open_raw(path, ReaderBuilder::new().comment(Some(b'#')))?;
        file.name(names.iter().copied());
        Ok(file)
    }

    fn open_as(path: &Path, expected: &str, reader: &mut ReaderBuilder) -> Result<Self, TraceError> {
        let mut file = Self::open_raw(path, reader)?;
        if !file.advance()? {
            return Err(empty(path, expected));
        }
        file.header_line = file.record.position().map_or(1, |position| position.line());
        let names: Vec<String> = file.record.iter().map(|name| name.trim().to_owned()).collect();
        file.name(names.iter().map(String::as_str));
        Ok(file)
    }

    fn open_raw(path: &Path, reader: &mut ReaderBuilder) -> Result<Self, TraceError> {
        let (mut text, mut start) = (open(path)?, Vec::new());
        let read = text.by_ref().take(LOOKED_AT).read_to_end(&mut start);
        read.map_err(|error| TraceError::reading(path, error))?;
        let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let comment = line.starts_with(b"#").then(|| String::from_utf8_lossy(line).trim().to_owned());
        let text: Box<dyn Read + Send> = Box::new(Cursor::new(start).chain(text));
        let reader = reader.has_headers(false).flexible(true).from_reader(text);
        let (header, asked, record) = (Vec::new(), Vec::new(), StringRecord::new());
        Ok(Self { path: path.to_owned(), header, header_line: 1, asked, comment, reader, record })
    }

    fn name<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        self.header = names.map(str::to_owned).collect();
        self.asked = vec![Cell::new(false); self.header.len()];
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The first line, if it is a comment.
    pub fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    /// The index of the column `name`, or a refusal that lists the columns there are.
    pub fn column(&self, name: &str) -> Result<usize, TraceError> {
        self.find(|column| column == name)?.ok_or_else(|| self.lacks(&format!("a column \"{name}\"")))
    }

    /// The same of several columns.
    pub fn columns<const N: usize>(&self, names: [&str; N]) -> Result<[usize; N], TraceError> {
        let mut found = [0; N];
        for (index, name) in found.iter_mut().zip(names) {
            *index = self.column(name)?;
        }
        Ok(found)
    }

    /// The index of the column `name`, none if there is none.
    pub fn optional(&self, name: &str) -> Result<Option<usize>, TraceError> {
        self.find(|column| column == name)
    }

    /// The index of the one column of which `is` holds.
    ///
    /// # Errors
    /// If there are two.
    pub fn find(&self, is: impl Fn(&str) -> bool) -> Result<Option<usize>, TraceError> {
        let mut places = (0..self.header.len()).filter(|index| is(&self.header[*index]));
        let first = places.next();
        if let Some(second) = places.next() {
            let found = format!("the column {} a second time", shown(&self.header[second]));
            let refusal = TraceError::new(&self.path, found, "each column once", "rename or remove one of them");
            return Err(refusal.at(self.header_line));
        }
        if let Some(index) = first {
            self.asked[index].set(true);
        }
        Ok(first)
    }

    /// The refusal of a file without a column.
    pub fn lacks(&self, expected: &str) -> TraceError {
        let found = format!("the columns {}", shown(&self.header.join(",")));
        TraceError::new(&self.path, found, expected, "name one of the columns found").at(self.header_line)
    }

    /// The columns that nobody asked for; one without a name by its place.
    pub fn unread(&self) -> Vec<String> {
        let name = |index: usize| match &*self.header[index] {
            "" => format!("(column {})", index + 1),
            name => shown(name),
        };
        (0..self.header.len()).filter(|index| !self.asked[*index].get()).map(name).collect()
    }

    /// The next row, or `None` after the last.
    pub fn next(&mut self) -> Result<Option<Row<'_>>, TraceError> {
        loop {
            if !self.advance()? {
                return Ok(None);
            }
            if !self.record.iter().all(|field| field.trim().is_empty()) {
                break;
            }
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

    /// The column, if the row says something in it.
    pub fn stated(&self, column: Option<usize>) -> Option<usize> {
        column.filter(|column| !self.text(*column).is_empty())
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
        let most = u64::MAX / 10_u64.saturating_pow(decimals);
        number.ok_or_else(|| self.refuse(column, &format!("a decimal number from 0 to {most}")))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::file_with;

    fn open(text: &str) -> CsvFile {
        CsvFile::open(file_with(text.as_bytes()).path(), "a header").unwrap()
    }

    #[test]
    fn columns_that_nobody_asks_for_are_told() {
        let file = open("# a comment\n,a,b,c\n");
        assert_eq!(file.columns(["c", "a"]).unwrap(), [3, 1]);
        assert_eq!(file.optional("d").unwrap(), None);
        assert_eq!(
            (file.unread(), file.comment()),
            (vec!["(column 1)".to_owned(), "b".to_owned()], Some("# a comment"))
        );
    }

    #[test]
    fn a_column_that_is_there_twice_is_refused_by_who_reads_it() {
        let file = open("a,b,b\n1,2,3\n");
        assert_eq!(file.column("a").unwrap(), 0);
        for refused in [file.column("b").unwrap_err(), file.optional("b").unwrap_err()] {
            let said = refused.to_string();
            assert!(said.contains(":1: found the column b a second time; expected each column once; rename"), "{said}");
        }
    }

    #[test]
    fn blank_lines_are_skipped() {
        let mut file = open("a,b\n1,2\n\n,\n  \n3,4\n\n");
        let mut rows = Vec::new();
        while let Some(row) = file.next().unwrap() {
            rows.push((row.line(), row.count(0).unwrap(), row.count(1).unwrap()));
        }
        assert_eq!(rows, [(2, 1, 2), (6, 3, 4)]);
    }
}
