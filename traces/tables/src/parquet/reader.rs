//! Reading a table back, group by group: whole rows, or some columns of them.

use super::{file::SCHEMA_KEY, guard::reading};
use crate::{Row, TableError};
use crate::{
    cell::Cell,
    columns::{GroupColumns, OwnColumns, TypedColumn},
    own::{NUMBERS, is_number},
    values::ColumnValues,
};
use parquet::{
    errors::ParquetError,
    file::reader::{FileReader, SerializedFileReader},
    schema::types::ColumnDescPtr,
};
use std::{
    fs::File,
    marker::PhantomData,
    path::{Path, PathBuf},
};

/// A table of rows of `R` in a Parquet file.
pub struct TableReader<R: Row> {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    /// Columns of varied keys and of their numbers, which only the file knows.
    own: OwnColumns,
    of: PhantomData<fn() -> R>,
}

impl<R: Row> TableReader<R> {
    /// Opens the file at `path`, which must be whole and hold this table in this version.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, is cut short, holds something else, or lacks a column, which is named.
    pub fn open(path: &Path) -> Result<Self, TableError> {
        let file = File::open(path).map_err(|error| TableError::reading(path, error))?;
        let reader = reading(|| SerializedFileReader::new(file).map_err(|error| error.to_string()));
        let reader = reader.and_then(|read| read).map_err(|found| foreign::<R>(path, found))?;
        let mut opened = Self { path: path.to_owned(), reader, own: OwnColumns::default(), of: PhantomData };
        match opened.notes().into_iter().find(|(key, _)| key == SCHEMA_KEY) {
            Some((_, schema)) if is_readable::<R>(&schema) => {}
            Some((_, schema)) => return Err(opened.refused(format!("the table {schema}"))),
            None => return Err(opened.refused("a Parquet file without the name of a table".to_owned())),
        }
        let names = opened.names();
        let declared = R::column_names(&[]);
        if let Some(missing) = declared.iter().find(|name| !names.contains(name)) {
            return Err(opened.refused(format!("no column {missing}")));
        }
        let own = opened.varied_names();
        let has_numbers = R::FIELDS.iter().any(|field| field.name == NUMBERS);
        let numbers = own.iter().filter(|name| has_numbers && is_number(name, &own)).count();
        // A varied key may have the name of a declared column, such as `seed`.
        opened.own = OwnColumns { varied: names.len() - declared.len() - numbers, numbers };
        Ok(opened)
    }

    /// The notes in the file's metadata, by key.
    pub fn notes(&self) -> Vec<(String, String)> {
        let notes = self.reader.metadata().file_metadata().key_value_metadata().into_iter().flatten();
        notes.filter_map(|note| Some((note.key.clone(), note.value.clone()?))).collect()
    }

    /// The names of the columns in the file.
    pub fn names(&self) -> Vec<String> {
        let schema = self.reader.metadata().file_metadata().schema_descr_ptr();
        (0..schema.num_columns()).map(|index| schema.column(index).name().to_owned()).collect()
    }

    /// The names of those columns that the file has beside the declared ones: of varied keys and their numbers, or of notes.
    pub fn varied_names(&self) -> Vec<String> {
        let declared = R::column_names(&[]);
        self.names().into_iter().filter(|name| !declared.contains(name)).collect()
    }

    /// The number of row groups.
    pub fn groups(&self) -> usize {
        self.reader.num_row_groups()
    }

    /// The number of rows.
    pub fn rows(&self) -> u64 {
        u64::try_from(self.reader.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// The rows of one group.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    ///
    /// # Panics
    ///
    /// If there is no such group.
    pub fn group(&self, index: usize) -> Result<Vec<R>, TableError> {
        self.read(index, 0, R::read)
    }

    /// One column of one group, read alone.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    ///
    /// # Panics
    ///
    /// If there is no such group.
    pub fn column<C: Cell>(&self, group: usize, column: TypedColumn<R, C>) -> Result<Vec<C>, TableError> {
        let place = self.names().iter().position(|name| name == column.name);
        let place = place.ok_or_else(|| self.refused(format!("no column {}", column.name)))?;
        self.read(group, place, C::read)
    }

    /// One column of all groups.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn whole_column<C: Cell>(&self, column: TypedColumn<R, C>) -> Result<Vec<C>, TableError> {
        let mut values = Vec::new();
        for group in 0..self.groups() {
            values.extend(self.column(group, column)?);
        }
        Ok(values)
    }

    /// Every column of all groups with its name, in the order of the file: those of varied keys too, which only the file
    /// knows.
    ///
    /// # Errors
    ///
    /// If one cannot be read.
    pub fn columns(&self) -> Result<Vec<(String, ColumnValues)>, TableError> {
        let schema = self.reader.metadata().file_metadata().schema_descr_ptr();
        let none = |column: &ColumnDescPtr| (column.name().to_owned(), ColumnValues::none_of(column.physical_type()));
        let mut columns: Vec<_> = schema.columns().iter().map(none).collect();
        for group in 0..self.groups() {
            self.read(group, 0, |next| columns.iter_mut().try_for_each(|(_, values)| values.extend_from(next)))?;
        }
        Ok(columns)
    }

    fn read<T>(
        &self,
        group: usize,
        from: usize,
        read: impl FnOnce(&mut GroupColumns<'_>) -> Result<T, ParquetError>,
    ) -> Result<T, TableError> {
        let columns = reading(|| {
            self.reader.get_row_group(group).and_then(|group| {
                let mut columns = GroupColumns::from(&*group, from, self.own);
                read(&mut columns)
            })
        });
        columns.and_then(|read| read.map_err(|error| error.to_string())).map_err(|found| self.refused(found))
    }

    fn refused(&self, found: String) -> TableError {
        foreign::<R>(&self.path, found)
    }
}

/// True of this version of the table, and of older ones whose columns it has too.
fn is_readable<R: Row>(schema: &str) -> bool {
    let version = schema.strip_prefix(R::TABLE).and_then(|rest| rest.strip_prefix('/')?.parse::<u32>().ok());
    version.is_some_and(|version| (R::OLDEST..=R::VERSION).contains(&version))
}

fn foreign<R: Row>(path: &Path, found: String) -> TableError {
    let expected = format!("the whole table {}", R::schema_name());
    TableError::new(path, found, expected, "run the scenario again with this version of sim")
}

#[cfg(test)]
mod tests {
    use super::super::file::ParquetFile;
    use super::*;
    use crate::{Metric, MetricValues, RunRow, SummaryRow, TableWriter, TokenRow, VariedNumbers, VariedValues};
    use std::panic::{AssertUnwindSafe, catch_unwind};

    fn run(number: u64) -> RunRow {
        let mut metrics = MetricValues::default();
        metrics[Metric::E2eMean] = number.is_multiple_of(2).then_some(number as f64 / 3.0);
        metrics[Metric::Downlink] = Some(0.5);
        RunRow {
            policy: format!("p{number}").into(),
            varied: VariedValues(vec![format!("{number} ms").into(), "x".into()]),
            seed: u64::MAX - number,
            metrics,
            ..RunRow::default()
        }
    }

    fn written(path: &Path, count: u64) {
        let varied = ["link.rtt", "key"].map(str::to_owned);
        let mut table = TableWriter::create_varied(path, &varied, &[("plan", "abc")]).unwrap();
        (0..count).for_each(|number| table.write(run(number)).unwrap());
        table.finish().unwrap();
    }

    #[test]
    fn rows_columns_and_notes_read_back() {
        let file = tempfile::NamedTempFile::new().unwrap();
        written(file.path(), 300);
        let table = TableReader::<RunRow>::open(file.path()).unwrap();
        assert!(table.notes().contains(&("plan".to_owned(), "abc".to_owned())));
        assert_eq!((table.groups(), table.rows(), table.own.varied), (3, 300, 2));
        let rows: Vec<RunRow> = (0..3).flat_map(|group| table.group(group).unwrap()).collect();
        assert_eq!(rows, (0..300).map(run).collect::<Vec<_>>());
        let seeds = table.whole_column(RunRow::seed).unwrap();
        assert_eq!(seeds, (0..300).map(|number| u64::MAX - number).collect::<Vec<_>>());
    }

    #[test]
    fn columns_that_only_the_file_knows_are_read_too() {
        let file = tempfile::NamedTempFile::new().unwrap();
        written(file.path(), 300);
        let columns = TableReader::<RunRow>::open(file.path()).unwrap().columns().unwrap();
        let of = |wanted: &str| columns.iter().find(|(name, _)| name == wanted).map(|(_, values)| values).unwrap();
        let texts = (0..300).map(|number| format!("{number} ms").into()).collect();
        assert_eq!(of("link.rtt"), &ColumnValues::Texts(texts));
        assert_eq!(of("seed"), &ColumnValues::Counts((0..300).map(|number| u64::MAX - number).collect()));
        let means = (0..300).map(|number| run(number).metrics[Metric::E2eMean]).collect();
        assert_eq!(of("e2e_ms_mean"), &ColumnValues::Numbers(means));
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, RunRow::column_names(&["link.rtt", "key"].map(str::to_owned)));
        written(file.path(), 0);
        let columns = TableReader::<RunRow>::open(file.path()).unwrap().columns().unwrap();
        assert_eq!((columns.len(), &columns[0].1), (names.len(), &ColumnValues::Counts(Vec::new())));
    }

    #[test]
    fn numbers_of_varied_keys_read_back_and_older_files_have_none() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let names = ["link.rtt", "edge.device", "link.rtt_ms"].map(str::to_owned);
        let row = |number: u32| SummaryRow {
            varied: VariedValues(vec![format!("{number} ms").into(), "rtx-3090".into()]),
            numbers: VariedNumbers(vec![Some(f64::from(number))]),
            replications: 2,
            ..SummaryRow::default()
        };
        let mut table = TableWriter::create_varied(file.path(), &names, &[]).unwrap();
        (0..3).for_each(|number| table.write(row(number)).unwrap());
        table.finish().unwrap();
        let table = TableReader::<SummaryRow>::open(file.path()).unwrap();
        assert_eq!(table.varied_names(), names);
        assert_eq!(table.group(0).unwrap(), (0..3).map(row).collect::<Vec<_>>());
        assert!(
            SummaryRow::column_names(&names).starts_with(&["policy", "dataset", "bandwidth_mbps"].map(str::to_owned))
        );

        // Version 4 had the texts alone.
        let old = SummaryRow { numbers: VariedNumbers::default(), ..row(7) };
        let columns = SummaryRow::columns(&names[..2]);
        let mut table = ParquetFile::create(file.path(), "summary", 4, columns, &[]).unwrap();
        let mut buffers = <SummaryRow as Row>::Buffers::default();
        old.clone().push(&mut buffers);
        table.row_group(|group| SummaryRow::flush(&mut buffers, group)).unwrap();
        table.finish().unwrap();
        assert_eq!(TableReader::<SummaryRow>::open(file.path()).unwrap().group(0).unwrap(), [old]);
        ParquetFile::create(file.path(), "summary", 3, SummaryRow::columns(&[]), &[]).unwrap().finish().unwrap();
        let refusal = TableReader::<SummaryRow>::open(file.path()).err().unwrap().to_string();
        assert!(refusal.contains("found the table summary/3; expected the whole table summary/5"), "{refusal}");
    }

    #[test]
    fn cut_and_foreign_files_are_refused_by_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        written(file.path(), 7);
        let other = TableReader::<TokenRow>::open(file.path()).err().unwrap().to_string();
        let says =
            "found the table runs/4; expected the whole table tokens/1; run the scenario again with this version";
        assert!(other.contains(says), "{other}");
        let bytes = std::fs::read(file.path()).unwrap();
        for cut in [0, 3, bytes.len() / 2, bytes.len() - 1] {
            std::fs::write(file.path(), &bytes[..cut]).unwrap();
            let refusal = TableReader::<RunRow>::open(file.path()).err().unwrap().to_string();
            assert!(refusal.contains("expected the whole table runs/4"), "{cut}: {refusal}");
        }
    }

    /// The crate below panics on some of these bytes.
    #[test]
    fn damage_anywhere_is_refused_or_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        written(file.path(), 3);
        let whole = std::fs::read(file.path()).unwrap();
        let read = || {
            let table = TableReader::<RunRow>::open(file.path())?;
            (0..table.groups()).try_for_each(|group| table.group(group).map(drop))
        };
        for place in (4..whole.len() - 4).step_by(3) {
            let mut damaged = whole.clone();
            damaged[place] ^= 0x55;
            std::fs::write(file.path(), damaged).unwrap();
            let done = catch_unwind(AssertUnwindSafe(|| read().map_err(|error: TableError| error.to_string())));
            assert!(done.is_ok(), "byte {place}");
        }
    }
}
