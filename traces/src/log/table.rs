//! A table whose columns are known only when it is written, as Parquet and as CSV: whole, or group by group where it may be
//! longer than memory.

use super::{
    Text,
    cell::{Buffer, Cell, RowGroup},
    file::ParquetFile,
};
use crate::TraceError;
use parquet::{errors::ParquetError, schema::types::TypePtr};
use std::{collections::HashSet, fs::File, io, path::Path};

/// A column of a table, or of a group of its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The name, with the unit last.
    pub name: String,
    /// A value for each row.
    pub values: Values,
}

/// The values of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Text.
    Text(Vec<String>),
    /// Numbers that may be missing.
    F64(Vec<Option<f64>>),
    /// Counts.
    U64(Vec<u64>),
}

/// A table as a Parquet file that is written group by group.
pub struct TableFile {
    file: ParquetFile,
    names: Vec<String>,
}

impl TableFile {
    /// Creates the file at `path` for a table with the columns of `like` (their values are not written), named and versioned as
    /// those of a log are, and with `notes` in its metadata.
    ///
    /// # Errors
    ///
    /// If the file cannot be created.
    pub fn create(
        path: &Path,
        (table, version): (&str, u32),
        like: &[Column],
        notes: &[(&str, &str)],
    ) -> Result<Self, TraceError> {
        let schema = like.iter().map(|column| column.values.schema(&column.name)).collect();
        let names = like.iter().map(|column| column.name.clone()).collect();
        Ok(Self { file: ParquetFile::create(path, table, version, schema, notes)?, names })
    }

    /// Writes a group of rows; nothing if there is none.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    ///
    /// # Panics
    ///
    /// If the columns are not those of the table, or differ in length.
    pub fn write(&mut self, columns: &[Column]) -> Result<(), TraceError> {
        assert!(columns.iter().map(|column| &column.name).eq(&self.names), "a group has the columns of its table");
        if checked_rows(columns) == 0 {
            return Ok(());
        }
        self.file.row_group(|group| columns.iter().try_for_each(|column| column.values.flush(group)))
    }

    /// Writes the end of the file. Without it, a file is not readable.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn finish(self) -> Result<(), TraceError> {
        self.file.finish()
    }
}

/// A table as a CSV file that is written group by group: a header, fields quoted as in RFC 4180 where they must be, lines that
/// end in `\n` for the sake of `git` and `awk`, nothing where a number is missing, and otherwise the shortest text that reads
/// back as the same number.
pub struct CsvFile {
    path: std::path::PathBuf,
    writer: csv::Writer<File>,
}

impl CsvFile {
    /// Creates the file at `path` with the names of these columns.
    ///
    /// # Errors
    ///
    /// If the file cannot be created.
    pub fn create(path: &Path, like: &[Column]) -> Result<Self, TraceError> {
        let file = File::create(path).map_err(|error| TraceError::writing(path, error))?;
        let mut writer = csv::Writer::from_writer(file);
        let header = writer.write_record(like.iter().map(|column| column.name.as_str()));
        header.map_err(|error| csv_refused(path, error))?;
        Ok(Self { path: path.to_owned(), writer })
    }

    /// Writes a group of rows.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&mut self, columns: &[Column]) -> Result<(), TraceError> {
        (0..checked_rows(columns))
            .try_for_each(|row| self.writer.write_record(columns.iter().map(|column| column.values.text(row))))
            .map_err(|error| csv_refused(&self.path, error))
    }

    /// Writes what is left.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn finish(mut self) -> Result<(), TraceError> {
        self.writer.flush().map_err(|error| TraceError::writing(&self.path, error))
    }
}

fn csv_refused(path: &Path, error: csv::Error) -> TraceError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => TraceError::writing(path, error),
        other => TraceError::writing(path, io::Error::other(format!("{other:?}"))),
    }
}

/// The number of rows, which all columns must have.
fn checked_rows(columns: &[Column]) -> usize {
    let rows = columns.first().map_or(0, |column| column.values.len());
    for column in columns {
        assert_eq!(column.values.len(), rows, "the length of column {}", column.name);
    }
    rows
}

/// A whole table in memory, to be written as Parquet, as CSV or as both.
#[derive(Debug, Clone, PartialEq)]
pub struct TableWriter {
    table: String,
    version: u32,
    columns: Vec<Column>,
}

impl TableWriter {
    /// A table with these columns, named and versioned in the Parquet file as those of a log are.
    ///
    /// # Panics
    ///
    /// If there is no column, two have one name, or they differ in length: then it is no table.
    pub fn new(table: &str, version: u32, columns: Vec<Column>) -> Self {
        assert!(!columns.is_empty(), "a table has a column");
        checked_rows(&columns);
        let names: HashSet<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names.len(), columns.len(), "the columns of {table} have distinct names");
        Self { table: table.to_owned(), version, columns }
    }

    /// Writes the table to a Parquet file at `path`, as one row group.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write_parquet(&self, path: &Path) -> Result<(), TraceError> {
        let mut file = TableFile::create(path, (&self.table, self.version), &self.columns, &[])?;
        file.write(&self.columns)?;
        file.finish()
    }

    /// Writes the table to a CSV file at `path`, as [`CsvFile`] does.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write_csv(&self, path: &Path) -> Result<(), TraceError> {
        let mut file = CsvFile::create(path, &self.columns)?;
        file.write(&self.columns)?;
        file.finish()
    }
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Values::Text(values) => values.len(),
            Values::F64(values) => values.len(),
            Values::U64(values) => values.len(),
        }
    }

    fn schema(&self, name: &str) -> TypePtr {
        match self {
            Values::Text(_) => Text::column(name),
            Values::F64(_) => <Option<f64>>::column(name),
            Values::U64(_) => u64::column(name),
        }
    }

    fn flush(&self, group: &mut RowGroup<'_>) -> Result<(), ParquetError> {
        match self {
            Values::Text(values) => flush(values.iter().map(|text| Text::from(text.as_str())), group),
            Values::F64(values) => flush(values.iter().copied(), group),
            Values::U64(values) => flush(values.iter().copied(), group),
        }
    }

    fn text(&self, row: usize) -> String {
        match self {
            Values::Text(values) => values[row].clone(),
            Values::F64(values) => values[row].map_or_else(String::new, shortest),
            Values::U64(values) => values[row].to_string(),
        }
    }
}

fn flush<C: Cell>(cells: impl Iterator<Item = C>, group: &mut RowGroup<'_>) -> Result<(), ParquetError> {
    let mut buffer = C::Buffer::default();
    cells.for_each(|cell| cell.push(&mut buffer));
    buffer.flush(group)
}

/// The shortest digits that read back, with an exponent where plain digits would be mostly zeros.
fn shortest(number: f64) -> String {
    let plain = number == 0.0 || !number.is_finite() || (1e-5..1e16).contains(&number.abs());
    if plain { number.to_string() } else { format!("{number:e}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use proptest::prelude::*;

    fn summary() -> TableWriter {
        let column = |name: &str, values| Column { name: name.to_owned(), values };
        let text = |texts: [&str; 3]| Values::Text(texts.map(str::to_owned).to_vec());
        TableWriter::new(
            "summary",
            1,
            vec![
                column("policy", text(["msao", "edge, \"only\"", ""])),
                column("ttft_ms_p99", Values::F64(vec![Some(0.1 + 0.2), None, Some(1e-9)])),
                column("requests", Values::U64(vec![0, u64::MAX, 7])),
            ],
        )
    }

    #[test]
    fn csv_is_quoted_and_shortest() {
        let file = tempfile::NamedTempFile::new().unwrap();
        summary().write_csv(file.path()).unwrap();
        let expected = "policy,ttft_ms_p99,requests\n\
                        msao,0.30000000000000004,0\n\
                        \"edge, \"\"only\"\"\",,18446744073709551615\n\
                        ,1e-9,7\n";
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), expected);
    }

    #[test]
    fn parquet_reads_back() {
        let file = tempfile::NamedTempFile::new().unwrap();
        summary().write_parquet(file.path()).unwrap();
        let reader = SerializedFileReader::new(File::open(file.path()).unwrap()).unwrap();
        let rows: Vec<String> = reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[1], "{policy: \"edge, \"only\"\", ttft_ms_p99: null, requests: 18446744073709551615}");
    }

    #[test]
    #[should_panic(expected = "the length of column b")]
    fn columns_of_different_length_are_no_table() {
        let column = |name: &str, values| Column { name: name.to_owned(), values: Values::U64(values) };
        TableWriter::new("summary", 1, vec![column("a", vec![1]), column("b", vec![])]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_named() {
        for refused in [summary().write_csv(Path::new("/dev/full")), summary().write_parquet(Path::new("/dev/full"))] {
            let refused = refused.unwrap_err().to_string();
            assert!(refused.contains("/dev/full: found a write error (No space left on device"), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn shortest_text_reads_back(number in any::<f64>()) {
            prop_assert_eq!(shortest(number).parse::<f64>().unwrap().to_bits(), number.to_bits());
        }
    }
}
