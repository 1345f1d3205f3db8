//! Writing a table as CSV.

use crate::{Row, TableError, shortest::shortest, spreadsheet_text};
use serde_json::Value;
use std::{fs::File, io, marker::PhantomData, path::Path};

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
        self.writer.write_record(texts(row)).map_err(|error| refused(&self.path, error))
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
    let mut write = |row: Vec<String>| writer.write_record(row).expect("memory takes every record");
    write(R::column_names(varied));
    rows.into_iter().for_each(|row| write(texts(&row)));
    String::from_utf8(writer.into_inner().expect("memory takes every record")).expect("texts and figures are UTF-8")
}

/// The values of a row as text.
fn texts<R: Row>(row: &R) -> Vec<String> {
    let text = |value: Value| match value {
        Value::Null => String::new(),
        Value::String(text) => spreadsheet_text(&text).into_owned(),
        Value::Number(number) if number.is_f64() => number.as_f64().map_or_else(String::new, shortest),
        other => other.to_string(),
    };
    row.values().into_iter().map(text).collect()
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
