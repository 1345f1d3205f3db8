//! Reading a table back whose columns are known only when it is read, group by group.

use super::{
    file::SCHEMA_KEY,
    row::Row,
    table::{Column, Values},
};
use crate::TraceError;
use parquet::{
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::DataType,
    errors::ParquetError,
    file::reader::{FileReader, SerializedFileReader},
};
use std::{
    fs::File,
    path::{Path, PathBuf},
};

/// A table in a Parquet file that this house wrote.
pub struct TableReader {
    path: PathBuf,
    expected: String,
    reader: SerializedFileReader<File>,
}

impl TableReader {
    /// Opens the file at `path`, which must be whole and hold that table in that version.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, is cut short, or holds something else.
    pub fn open(path: &Path, (table, version): (&str, u32)) -> Result<Self, TraceError> {
        let file = File::open(path).map_err(|error| TraceError::reading(path, error))?;
        let expected = format!("{table}/{version}");
        let reader = SerializedFileReader::new(file).map_err(|error| foreign(path, error.to_string(), &expected))?;
        let opened = Self { path: path.to_owned(), expected, reader };
        match opened.notes().into_iter().find(|(key, _)| key == SCHEMA_KEY) {
            Some((_, schema)) if schema == opened.expected => Ok(opened),
            Some((_, schema)) => Err(opened.refused(format!("the table {schema}"))),
            None => Err(opened.refused("a Parquet file without the name of a table".to_owned())),
        }
    }

    /// Opens the log of rows of `R` at `path`. A truth value is read as 0 or 1.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn open_log<R: Row>(path: &Path) -> Result<Self, TraceError> {
        Self::open(path, (R::TABLE, R::VERSION))
    }

    /// What its metadata says, by key.
    pub fn notes(&self) -> Vec<(String, String)> {
        let notes = self.reader.metadata().file_metadata().key_value_metadata().into_iter().flatten();
        notes.filter_map(|note| Some((note.key.clone(), note.value.clone()?))).collect()
    }

    /// The number of its groups.
    pub fn groups(&self) -> usize {
        self.reader.num_row_groups()
    }

    /// The columns of one of its groups.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    ///
    /// # Panics
    ///
    /// If there is no such group.
    pub fn group(&self, index: usize) -> Result<Vec<Column>, TraceError> {
        self.columns(index).map_err(|error| self.refused(error.to_string()))
    }

    fn columns(&self, index: usize) -> Result<Vec<Column>, ParquetError> {
        let group = self.reader.get_row_group(index)?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let schema = self.reader.metadata().file_metadata().schema_descr_ptr();
        (0..group.num_columns())
            .map(|index| {
                let name = schema.column(index).name().to_owned();
                Ok(Column { name, values: values(group.get_column_reader(index)?, rows)? })
            })
            .collect()
    }

    fn refused(&self, found: String) -> TraceError {
        foreign(&self.path, found, &self.expected)
    }
}

fn foreign(path: &Path, found: String, expected: &str) -> TraceError {
    TraceError::new(path, found, format!("a whole table {expected}"), "remove the file and run again")
}

fn values(reader: ColumnReader, rows: usize) -> Result<Values, ParquetError> {
    Ok(match reader {
        ColumnReader::DoubleColumnReader(reader) => {
            let (values, levels) = records(reader, rows)?;
            let mut values = values.into_iter();
            Values::F64(if levels.is_empty() {
                values.map(Some).collect()
            } else {
                levels.into_iter().map(|level| if level > 0 { values.next() } else { None }).collect()
            })
        }
        ColumnReader::Int64ColumnReader(reader) => {
            Values::U64(records(reader, rows)?.0.into_iter().map(|value| value as u64).collect())
        }
        ColumnReader::Int32ColumnReader(reader) => {
            Values::U64(records(reader, rows)?.0.into_iter().map(|value| u64::from(value as u32)).collect())
        }
        ColumnReader::BoolColumnReader(reader) => {
            Values::U64(records(reader, rows)?.0.into_iter().map(u64::from).collect())
        }
        ColumnReader::ByteArrayColumnReader(reader) => {
            let text = |bytes: parquet::data_type::ByteArray| bytes.as_utf8().map(str::to_owned);
            Values::Text(records(reader, rows)?.0.into_iter().map(text).collect::<Result<_, _>>()?)
        }
        _ => return Err(ParquetError::General("a column of a type that no table of ours has".to_owned())),
    })
}

/// Values and, of a column where some may be missing, a level for each row.
fn records<D: DataType>(mut reader: ColumnReaderImpl<D>, rows: usize) -> Result<(Vec<D::T>, Vec<i16>), ParquetError> {
    let (mut values, mut levels) = (Vec::with_capacity(rows), Vec::new());
    let (read, ..) = reader.read_records(rows, Some(&mut levels), None, &mut values)?;
    if read < rows {
        return Err(ParquetError::EOF(format!("{read} of {rows} rows")));
    }
    Ok((values, levels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{TableFile, TableWriter};

    fn columns(from: u64) -> Vec<Column> {
        let column = |name: &str, values| Column { name: name.to_owned(), values };
        vec![
            column("policy", Values::Text(vec!["msao".to_owned(), format!("p{from}")])),
            column("e2e_ms", Values::F64(vec![None, Some(0.5 + from as f64)])),
            column("requests", Values::U64(vec![u64::MAX, from])),
        ]
    }

    #[test]
    fn groups_and_notes_read_back() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut table = TableFile::create(file.path(), ("runs", 1), &columns(0), &[("plan", "abc")]).unwrap();
        (0..3).for_each(|group| table.write(&columns(group)).unwrap());
        table.finish().unwrap();
        let read = TableReader::open(file.path(), ("runs", 1)).unwrap();
        assert!(read.notes().contains(&("plan".to_owned(), "abc".to_owned())));
        let groups: Vec<_> = (0..read.groups()).map(|group| read.group(group).unwrap()).collect();
        assert_eq!(groups, (0..3).map(columns).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_cut_short_or_something_else_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        TableWriter::new("runs", 1, columns(7)).write_parquet(file.path()).unwrap();
        let refusal = |expected| TableReader::open(file.path(), expected).err().unwrap().to_string();
        assert!(refusal(("runs", 2)).contains("found the table runs/1; expected a whole table runs/2"));
        let bytes = std::fs::read(file.path()).unwrap();
        for cut in [0, 3, bytes.len() / 2, bytes.len() - 1] {
            std::fs::write(file.path(), &bytes[..cut]).unwrap();
            assert!(refusal(("runs", 1)).contains("expected a whole table runs/1"), "{cut}");
        }
    }
}
