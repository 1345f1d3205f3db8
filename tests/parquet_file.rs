//! Reads result tables with the `parquet` crate, past the program's own readers.

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use std::collections::BTreeMap;
use std::path::Path;

/// A row: column to value.
pub type Row = BTreeMap<String, Field>;

fn open(path: &Path) -> SerializedFileReader<std::fs::File> {
    let file = std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    SerializedFileReader::new(file).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The columns, each with its type: `name: DOUBLE, optional`.
pub fn columns(path: &Path) -> Vec<String> {
    let reader = open(path);
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let column = |column: &parquet::schema::types::ColumnDescPtr| {
        let optional = if column.max_def_level() > 0 { ", optional" } else { "" };
        format!("{}: {}{optional}", column.name(), column.physical_type())
    };
    schema.columns().iter().map(column).collect()
}

/// All rows.
pub fn rows(path: &Path) -> Vec<Row> {
    let fields = |row: parquet::record::Row| row.into_columns().into_iter().collect();
    open(path).into_iter().map(|row| fields(row.expect("a row"))).collect()
}

/// A whole number of a row.
pub fn count(row: &Row, column: &str) -> u64 {
    match row[column] {
        Field::UInt(value) => value.into(),
        Field::ULong(value) => value,
        Field::Int(value) => value.try_into().expect("not negative"),
        Field::Long(value) => value.try_into().expect("not negative"),
        ref other => panic!("{column} is {other:?}"),
    }
}

/// A number of a row; none where it is null.
pub fn number(row: &Row, column: &str) -> Option<f64> {
    match row[column] {
        Field::Double(value) => Some(value),
        Field::Null => None,
        ref other => panic!("{column} is {other:?}"),
    }
}

/// The text of a row.
pub fn text<'r>(row: &'r Row, column: &str) -> &'r str {
    match &row[column] {
        Field::Str(value) => value,
        other => panic!("{column} is {other:?}"),
    }
}
