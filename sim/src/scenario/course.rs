//! Quantities of a link that may change over time: a constant, or a series from a file.

use crate::terminal::Failure;
use kernel::{Profile, RateProfile};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use traces::series::{Format, SeriesFile, read_losses, read_rates, read_round_trips};
use units::{BitsPerSecond, Ratio, SimDuration};

/// The key of a constant that is written as a table.
const CONSTANT: &str = "constant";

/// A quantity over time: `"20 ms"`, or `{ csv = { file = "pings.csv" } }`, which repeats.
#[derive(Clone, Debug)]
pub enum Course<V> {
    /// The same for ever.
    Constant(V),
    /// A series of a file.
    Series(Format, SeriesFile),
}

/// A quantity that a link may have over time.
pub trait Varies: Copy + Serialize + for<'de> Deserialize<'de> + JsonSchema {
    /// The quantity over time, as the engine has it.
    type Profile;

    /// The formats of its files.
    const FORMATS: &'static [Format];

    /// The quantity as a refusal calls it.
    const WHAT: &'static str;

    /// The same value for ever.
    fn always(self) -> Self::Profile;

    /// Reads a file.
    fn read(format: Format, path: &Path, keys: &SeriesFile) -> Result<Self::Profile, Failure>;
}

impl Varies for BitsPerSecond {
    type Profile = RateProfile;
    const FORMATS: &'static [Format] = Format::ALL;
    const WHAT: &'static str = "a rate";

    fn always(self) -> RateProfile {
        RateProfile::constant(self)
    }

    fn read(format: Format, path: &Path, keys: &SeriesFile) -> Result<RateProfile, Failure> {
        let (series, _) = read_rates(format, path, keys)?;
        Ok(RateProfile::piecewise(series.segments(), series.period()))
    }
}

impl Varies for SimDuration {
    type Profile = Profile<Self>;
    const FORMATS: &'static [Format] = &[Format::Csv, Format::Irish5g];
    const WHAT: &'static str = "a time";

    fn always(self) -> Profile<Self> {
        self.into()
    }

    fn read(format: Format, path: &Path, keys: &SeriesFile) -> Result<Profile<Self>, Failure> {
        let (series, _) = read_round_trips(format, path, keys)?;
        Ok(Profile::piecewise(series.segments(), series.period()))
    }
}

impl Varies for Ratio {
    type Profile = Profile<Self>;
    const FORMATS: &'static [Format] = &[Format::Csv];
    const WHAT: &'static str = "a share";

    fn always(self) -> Profile<Self> {
        self.into()
    }

    fn read(format: Format, path: &Path, keys: &SeriesFile) -> Result<Profile<Self>, Failure> {
        let (series, _) = read_losses(format, path, keys)?;
        let pieces: Vec<_> = series.segments().iter().map(|(start, loss)| (*start, loss.ratio())).collect();
        Ok(Profile::piecewise(&pieces, series.period()))
    }
}

impl<V: Varies> Course<V> {
    /// The value, if it is constant.
    pub fn constant(&self) -> Option<V> {
        if let Self::Constant(value) = self { Some(*value) } else { None }
    }

    /// The keys of its file, if it has one.
    pub fn series(&self) -> Option<&SeriesFile> {
        if let Self::Series(_, keys) = self { Some(keys) } else { None }
    }

    /// The file that it reads.
    pub fn file(&mut self) -> Option<&mut PathBuf> {
        if let Self::Series(_, keys) = self { Some(&mut keys.file) } else { None }
    }

    /// The quantity over time.
    pub fn profile(&self, beside: &Path) -> Result<V::Profile, Failure> {
        match self {
            Self::Constant(value) => Ok(value.always()),
            Self::Series(format, keys) => V::read(*format, &beside.join(&keys.file), keys),
        }
    }
}

impl<V> From<V> for Course<V> {
    fn from(value: V) -> Self {
        Self::Constant(value)
    }
}

impl<V: Varies> Serialize for Course<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Constant(value) => value.serialize(serializer),
            Self::Series(format, keys) => BTreeMap::from([(format.name(), keys)]).serialize(serializer),
        }
    }
}

impl<'de, V: Varies> Deserialize<'de> for Course<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueOrTable(PhantomData))
    }
}

/// Reads a constant as it stands, or a table of one key.
struct ValueOrTable<V>(PhantomData<V>);

impl<'de, V: Varies> Visitor<'de> for ValueOrTable<V> {
    type Value = Course<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, or a table with the format of a file", V::WHAT)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Course<V>, E> {
        V::deserialize(text.into_deserializer()).map(Course::Constant)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Course<V>, E> {
        V::deserialize(number.into_deserializer()).map(Course::Constant)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Course<V>, E> {
        V::deserialize(number.into_deserializer()).map(Course::Constant)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Course<V>, A::Error> {
        let expected =
            || V::FORMATS.iter().map(|format| format.name()).chain([CONSTANT]).collect::<Vec<_>>().join(", ");
        let Some(name) = table.next_key::<String>()? else {
            return Err(A::Error::custom(format!("found an empty table; expected one of {}", expected())));
        };
        let course = match V::FORMATS.iter().find(|format| format.name() == name) {
            Some(format) => Course::Series(*format, table.next_value()?),
            None if name == CONSTANT => Course::Constant(table.next_value()?),
            None => {
                let reason = format!("found {name}; expected one of {}", expected());
                return Err(A::Error::custom(reason));
            }
        };
        match table.next_key::<String>()? {
            Some(other) => Err(A::Error::custom(format!("found {name} and {other}; expected one of them"))),
            None => Ok(course),
        }
    }
}

impl<V: Varies> JsonSchema for Course<V> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("CourseOf{}", V::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (value, series) = (generator.subschema_for::<V>(), generator.subschema_for::<SeriesFile>());
        let table = |name: &str, about: &str, of: &Schema| {
            let mut of = of.clone();
            of.insert("description".to_owned(), about.into());
            json_schema!({
                "type": "object",
                "properties": { name: of },
                "required": [name],
                "additionalProperties": false,
            })
        };
        let formats = V::FORMATS.iter().map(|format| table(format.name(), about(*format), &series));
        let tables: Vec<Schema> = formats.chain([table(CONSTANT, "The same for ever.", &value)]).collect();
        json_schema!({ "anyOf": [value, { "oneOf": tables }] })
    }
}

/// The sentence about a format.
fn about(format: Format) -> &'static str {
    match format {
        Format::Csv => "A column of a CSV file.",
        Format::Iperf3 => "The report of `iperf3 --json`; `column = \"sum_bidir_reverse\"` takes the way back.",
        Format::Irish5g => {
            "A session of the Irish 5G or 4G data set; the column is `DL_bitrate` of rates and `PINGAVG` of times unless `column` names \
             another."
        }
        Format::Lumos5g => "A run of Lumos5G 1.0; `only` picks it.",
        Format::Mahimahi => "A Mahimahi trace.",
        Format::Norway3g => "A log of 3G on a Norwegian commute.",
        Format::Pensieve => "A cooked trace of Pensieve: seconds and Mbps.",
    }
}
