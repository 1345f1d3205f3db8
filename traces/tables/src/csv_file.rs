//! Writing a table as CSV.

use crate::{Row, TableError, shortest::shortest, spreadsheet_text};
use serde_json::Value;
use std::{fmt::Write as _, fs::File, io, marker::PhantomData, path::Path};

/// A table as a CSV file that is written row by row.
///
/// A header comes first. Fields are quoted as in RFC 4180 where they must be, lines end in `\n` for the sake of `git` and
/// `awk`, a missing number is empty, and any other is the shortest text that reads back as the same number. A text that a
/// spreadsheet would run is marked: see [`spreadsheet_text`].
pub struct CsvFile<R: Row> {
    path: std::path::PathBuf,
    writer: csv::Writer<File>,
    of: PhantomData<fn(R)>,
}

impl<R: Row> CsvFile<R> {
    /// Creates the file at `path` for a scenario that varies these keys.
    ///
    /// # Errors
    ///
    /// If the file cannot be created.
    pub fn create(path: &Path, varied: &[String]) -> Result<Self, TableError> {
        let file = File::create(path).map_err(|error| TableError::writing(path, error))?;
        let mut writer = csv::Writer::from_writer(file);
        writer.write_record(R::column_names(varied)).map_err(|error| refused(path, error))?;
        Ok(Self { path: path.to_owned(), writer, of: PhantomData })
    }

    /// Writes a row.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&mut self, row: &R) -> Result<(), TableError> {
        write_row(&mut self.writer, row).map_err(|error| refused(&self.path, error))
    }

    /// Writes the rest.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn finish(mut self) -> Result<(), TableError> {
        self.writer.flush().map_err(|error| TableError::writing(&self.path, error))
    }
}

/// A table as CSV text in memory.
///
/// The columns are those for a scenario that varies these keys.
pub fn csv_text<R: Row>(rows: impl IntoIterator<Item = R>, varied: &[String]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(R::column_names(varied)).expect("memory takes every record");
    rows.into_iter().for_each(|row| write_row(&mut writer, &row).expect("memory takes every record"));
    String::from_utf8(writer.into_inner().expect("memory takes every record")).expect("texts and figures are UTF-8")
}

/// Writes the values of a row as text.
fn write_row<R: Row>(writer: &mut csv::Writer<impl io::Write>, row: &R) -> csv::Result<()> {
    let mut field = String::new();
    for value in row.values() {
        field.clear();
        match value {
            Value::Null => {}
            Value::String(text) => field.push_str(&spreadsheet_text(&text)),
            Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
                Some(number) => shortest(number, &mut field),
                None => write!(field, "{number}").expect("memory takes every text"),
            },
            other => write!(field, "{other}").expect("memory takes every text"),
        }
        writer.write_field(&field)?;
    }
    writer.write_record(None::<&[u8]>)
}

fn refused(path: &Path, error: csv::Error) -> TableError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => TableError::writing(path, error),
        other => TableError::writing(path, io::Error::other(format!("{other:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FailureRow, VariedValues};

    fn failure() -> FailureRow {
        FailureRow {
            policy: "edge, \"only\"".into(),
            reason: "=1+1".into(),
            bandwidth_mbps: Some(0.1 + 0.2),
            varied: VariedValues(vec!["5 ms".into()]),
            point: u64::MAX,
            ..FailureRow::default()
        }
    }

    #[test]
    fn csv_is_quoted_and_shortest() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut csv = CsvFile::create(file.path(), &["link.rtt".to_owned()]).unwrap();
        csv.write(&failure()).unwrap();
        csv.write(&FailureRow { bandwidth_mbps: None, ..failure() }).unwrap();
        csv.finish().unwrap();
        let expected = "point,point_id,policy,dataset,bandwidth_mbps,link.rtt,replication,reason\n\
                        18446744073709551615,,\"edge, \"\"only\"\"\",,0.30000000000000004,5 ms,0,'=1+1\n\
                        18446744073709551615,,\"edge, \"\"only\"\"\",,,5 ms,0,'=1+1\n";
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), expected);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_named() {
        let mut csv = CsvFile::create(Path::new("/dev/full"), &["link.rtt".to_owned()]).unwrap();
        let refused = csv.write(&failure()).and_then(|()| csv.finish()).unwrap_err().to_string();
        assert!(refused.contains("/dev/full: found a write error (No space left on device"), "{refused}");
    }
}
