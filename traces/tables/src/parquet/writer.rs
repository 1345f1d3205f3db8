//! Writing a table row by row.

use super::file::{Packing, ParquetFile};
use crate::row::PART;
use crate::{Row, TableError};
use std::path::Path;

/// Writes the rows of a table to a Parquet file, holding at most one row group in memory.
///
/// The same rows give the same bytes. A writer that is dropped before [`finish`](Self::finish) leaves a file that no reader
/// accepts.
///
/// ```
/// use tables::{TableReader, TableWriter, TokenRow};
/// # let file = std::env::temp_dir().join("tokens of an example.parquet");
/// let mut table = TableWriter::create(&file)?;
/// table.write(TokenRow { policy: "msao".into(), request: 7, entropy_nats: 0.3, accepted: true, ..TokenRow::default() })?;
/// assert_eq!(table.finish()?, 1);
/// let table = TableReader::<TokenRow>::open(&file)?;
/// assert_eq!(table.whole_column(TokenRow::entropy_nats)?, [0.3]);
/// # Ok::<(), tables::TableError>(())
/// ```
pub struct TableWriter<R: Row> {
    file: ParquetFile,
    buffers: R::Buffers,
    buffered: usize,
    rows_per_group: usize,
    written: u64,
}

impl<R: Row> TableWriter<R> {
    /// Creates the file at `path`, in a folder that exists.
    ///
    /// # Errors
    ///
    /// If the file cannot be created.
    pub fn create(path: &Path) -> Result<Self, TableError> {
        Self::create_varied(path, &[], &[])
    }

    /// Creates the file at `path` for a scenario that varies these keys, with `notes` in its metadata. The column of a key whose name
    /// the table has itself is called `swept_KEY`: a sweep over `seed` has `swept_seed` beside the `seed` of each run.
    ///
    /// # Errors
    ///
    /// If the file cannot be created.
    pub fn create_varied(path: &Path, varied: &[String], notes: &[(&str, &str)]) -> Result<Self, TableError> {
        Self::create_packed(path, varied, notes, Packing::Packed, R::ROWS_PER_GROUP)
    }

    /// Creates a file at `path` that is soon read again: in small groups, since as many such files may be read at once as there are
    /// shards of a sweep, and unpacked. A packed column takes a context of zstd, which asks the processor what it can do, and that takes
    /// some microseconds on a virtual machine: two fifths of the time of a sweep of small points.
    ///
    /// # Errors
    ///
    /// If the file cannot be created.
    pub fn create_part(path: &Path, varied: &[String], notes: &[(&str, &str)]) -> Result<Self, TableError> {
        Self::create_packed(path, varied, notes, Packing::Unpacked, PART)
    }

    fn create_packed(
        path: &Path,
        varied: &[String],
        notes: &[(&str, &str)],
        packing: Packing,
        rows_per_group: usize,
    ) -> Result<Self, TableError> {
        let is_taken = |key: &String| R::FIELDS.iter().any(|field| field.name == key);
        let own = |key: &String| if is_taken(key) { format!("swept_{key}") } else { key.clone() };
        let own: Vec<String> = varied.iter().map(own).collect();
        let file = ParquetFile::create(path, (R::TABLE, R::VERSION), R::columns(&own), notes, packing)?;
        Ok(Self { file, buffers: R::Buffers::default(), buffered: 0, rows_per_group, written: 0 })
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// If a row group is full and cannot be written.
    #[inline]
    pub fn write(&mut self, row: R) -> Result<(), TableError> {
        row.push(&mut self.buffers);
        self.buffered += 1;
        if self.buffered == self.rows_per_group { self.flush() } else { Ok(()) }
    }

    /// Writes the rest and the end of the file, and returns the number of rows.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn finish(mut self) -> Result<u64, TableError> {
        self.flush()?;
        self.file.finish()?;
        Ok(self.written)
    }

    /// Writes what is buffered as a row group, and the row groups of the table at `part` behind it, without unpacking them.
    pub(super) fn append(&mut self, part: &Path) -> Result<(), TableError> {
        self.flush()?;
        self.written += self.file.append(part)?;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), TableError> {
        if self.buffered == 0 {
            return Ok(());
        }
        self.file.row_group(|group| R::flush(&mut self.buffers, group))?;
        self.written += self.buffered as u64;
        self.buffered = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RequestRow, SCHEMA_KEY, StepRow, Text, TokenRow};
    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::{Field, Row as ParquetRow},
    };
    use std::fs::File;

    fn request(number: u64) -> RequestRow {
        RequestRow {
            policy: if number.is_multiple_of(3) { "msao".into() } else { "cloud \"only\", ü".into() },
            request: number | 1 << 63,
            text_tokens: u32::MAX,
            ttft_ms: number.is_multiple_of(2).then_some(number as f64 / 3.0),
            energy_j: number as f64 * 0.1,
            ..RequestRow::default()
        }
    }

    fn written<R: Row>(rows: impl Iterator<Item = R>) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut log = TableWriter::create(file.path()).unwrap();
        let mut count = 0;
        for row in rows {
            log.write(row).unwrap();
            count += 1;
        }
        assert_eq!(log.finish().unwrap(), count);
        file
    }

    fn field<'a>(row: &'a ParquetRow, name: &str) -> &'a Field {
        row.get_column_iter().find(|(column, _)| *column == name).map(|(_, field)| field).unwrap()
    }

    #[test]
    fn rows_read_back_over_row_groups() {
        let count = 2 * RequestRow::ROWS_PER_GROUP as u64 + 3;
        let file = written((0..count).map(request));
        let reader = SerializedFileReader::new(File::open(file.path()).unwrap()).unwrap();
        assert_eq!(reader.num_row_groups(), 3);
        let metadata = reader.metadata().file_metadata();
        assert_eq!(metadata.created_by(), Some("msao-sim"));
        let schema = metadata.key_value_metadata().unwrap().iter().find(|kv| kv.key == SCHEMA_KEY).unwrap();
        assert_eq!(schema.value.as_deref(), Some("requests/7"));
        for (number, row) in reader.get_row_iter(None).unwrap().enumerate() {
            let (row, expected) = (row.unwrap(), request(number as u64));
            assert_eq!(*field(&row, "policy"), Field::Str(expected.policy.to_string()));
            assert_eq!(*field(&row, "request"), Field::ULong(expected.request));
            assert_eq!(*field(&row, "text_tokens"), Field::UInt(expected.text_tokens));
            assert_eq!(*field(&row, "ttft_ms"), expected.ttft_ms.map_or(Field::Null, Field::Double));
            assert_eq!(*field(&row, "energy_j"), Field::Double(expected.energy_j));
        }
    }

    #[test]
    fn the_same_rows_give_the_same_bytes() {
        let bytes = || std::fs::read(written((0..70_000).map(request)).path()).unwrap();
        assert_eq!(bytes(), bytes());
    }

    #[test]
    fn an_empty_log_is_a_table_without_rows() {
        let file = written(std::iter::empty::<TokenRow>());
        let reader = SerializedFileReader::new(File::open(file.path()).unwrap()).unwrap();
        assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
        assert_eq!(reader.metadata().file_metadata().schema_descr().num_columns(), TokenRow::column_names(&[]).len());
    }

    #[test]
    fn each_type_of_cell_reads_back() {
        let token = TokenRow { accepted: true, position: 9, theta_nats: f64::INFINITY, ..TokenRow::default() };
        let file = written(std::iter::once(token));
        let reader = SerializedFileReader::new(File::open(file.path()).unwrap()).unwrap();
        let row = reader.get_row_iter(None).unwrap().next().unwrap().unwrap();
        assert_eq!(*field(&row, "accepted"), Field::Bool(true));
        assert_eq!(*field(&row, "verified"), Field::Bool(false));
        assert_eq!(*field(&row, "position"), Field::UInt(9));
        assert_eq!(*field(&row, "theta_nats"), Field::Double(f64::INFINITY));
    }

    #[test]
    fn a_file_that_cannot_be_created_is_named() {
        let refused = TableWriter::<StepRow>::create(Path::new("/nowhere/steps.parquet")).err().unwrap().to_string();
        assert!(refused.starts_with("/nowhere/steps.parquet: found a write error ("), "{refused}");
        assert!(refused.ends_with("expected to write this file; create the folder first"), "{refused}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_named() {
        let mut log = TableWriter::create(Path::new("/dev/full")).unwrap();
        log.write(TokenRow { policy: Text::from("msao"), ..TokenRow::default() }).unwrap();
        let refused = log.finish().unwrap_err().to_string();
        assert!(refused.starts_with("/dev/full: found a write error (No space left on device"), "{refused}");
        assert!(refused.ends_with("free some space and run again"), "{refused}");
    }
}
