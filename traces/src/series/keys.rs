//! The keys of a series in a scenario: its file, and what the file does not say.

use crate::TraceError;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::{
    borrow::Cow,
    fmt,
    path::{Path, PathBuf},
};
use units::SimDuration;

/// A file of a series, with the keys that say how it is read; a file alone is written as a text.
///
/// ```
/// use traces::series::SeriesFile;
///
/// #[derive(serde::Deserialize)]
/// struct Link {
///     up: SeriesFile,
/// }
/// let alone: Link = toml::from_str("up = \"a.csv\"").unwrap();
/// let named: Link = toml::from_str("up = { file = \"a.csv\", column = \"rate\", unit = \"kbps\" }").unwrap();
/// assert_eq!(alone.up.label(), "a.csv");
/// assert_eq!(named.up.label(), "a.csv rate");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeriesFile {
    /// The file, relative to the scenario.
    pub file: PathBuf,
    /// The column of the values.
    pub column: Option<String>,
    /// The unit of the values.
    pub unit: Option<String>,
    /// The column of the times.
    pub time: Option<String>,
    /// The unit of the times.
    pub time_unit: Option<String>,
    /// The time between rows.
    pub every: Option<SimDuration>,
    /// The rows to keep.
    pub only: Option<Only>,
}

/// A series of a file, as a table.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SeriesFile")]
struct Table {
    /// The file, relative to the scenario; may be gzipped.
    file: PathBuf,
    /// Column with the values; where it is absent, the one whose name ends in a unit.
    #[serde(alias = "rate", skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    /// Unit of the values, e.g. `kbps`, `Mbps`, `MBps` (bytes) or `ms`; the end of the column's name if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    /// Column with the times; where it is absent, one called `t`, `time` or the like with its unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    /// Unit of the times, `s`, `ms`, `us`, `ns` or `date`; the end of the column's name if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_unit: Option<String>,
    /// Time between rows, e.g. `1 s`, of a file without times.
    #[serde(skip_serializing_if = "Option::is_none")]
    every: Option<SimDuration>,
    /// Keeps only the rows with this value in this column: one run of a file with many.
    #[serde(skip_serializing_if = "Option::is_none")]
    only: Option<Only>,
}

/// A filter of rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Only {
    /// Name of the column.
    pub column: String,
    /// Value of that column in the rows to keep.
    pub value: String,
}

impl SeriesFile {
    /// The name of the series: the file's without its folder, the column and the kept value, where they are said.
    pub fn label(&self) -> String {
        let name = self.file.file_name().unwrap_or(self.file.as_os_str()).to_string_lossy().into_owned();
        let said = [self.column.as_ref(), self.only.as_ref().map(|only| &only.value)];
        said.into_iter().flatten().fold(name, |label, part| format!("{label} {part}"))
    }

    /// Refuses every key beside `file`, for a format that says all by itself.
    pub(super) fn refuse_all(&self, path: &Path, format: &str) -> Result<(), TraceError> {
        self.refuse_but(path, format, &[])
    }

    /// Refuses every key but `file` and these.
    pub(super) fn refuse_but(&self, path: &Path, format: &str, kept: &[&str]) -> Result<(), TraceError> {
        let said = [
            ("column", self.column.is_some()),
            ("unit", self.unit.is_some()),
            ("time", self.time.is_some()),
            ("time_unit", self.time_unit.is_some()),
            ("every", self.every.is_some()),
            ("only", self.only.is_some()),
        ];
        match said.iter().find(|(key, said)| *said && !kept.contains(key)) {
            Some((key, _)) => {
                let expected = format!("none: {format} says it by itself");
                Err(TraceError::new(path, format!("the key `{key}`"), expected, "leave the key out"))
            }
            None => Ok(()),
        }
    }

    fn is_alone(&self) -> bool {
        *self == Self { file: self.file.clone(), ..Self::default() }
    }
}

impl Serialize for SeriesFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_alone() {
            return self.file.serialize(serializer);
        }
        let Self { file, column, unit, time, time_unit, every, only } = self.clone();
        Table { file, column, unit, time, time_unit, every, only }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SeriesFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrTable;

        impl<'de> Visitor<'de> for TextOrTable {
            type Value = SeriesFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a file's name, or a table with `file`")
            }

            fn visit_str<E: serde::de::Error>(self, file: &str) -> Result<SeriesFile, E> {
                Ok(SeriesFile { file: file.into(), ..SeriesFile::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<SeriesFile, A::Error> {
                let Table { file, column, unit, time, time_unit, every, only } =
                    Table::deserialize(MapAccessDeserializer::new(table))?;
                Ok(SeriesFile { file, column, unit, time, time_unit, every, only })
            }
        }

        deserializer.deserialize_any(TextOrTable)
    }
}

impl JsonSchema for SeriesFile {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "SeriesFileOrName".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, generator.subschema_for::<Table>()] })
    }
}
