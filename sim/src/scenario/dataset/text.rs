//! A dataset as it is written: a name, or a table of one key.

use super::{Custom, Dataset};
use schemars::JsonSchema;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use traces::requests::RequestTrace;

/// The form of a custom shape, for the schema.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct CustomTable {
    /// A shape of constants.
    custom: Custom,
}

const CUSTOM: &str = "custom";

impl Serialize for Dataset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Named(name) => serializer.serialize_str(name),
            Self::Custom(custom) => serializer.serialize_newtype_variant("Dataset", 0, CUSTOM, custom),
            Self::Trace(trace) => trace.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Dataset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Dataset;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a dataset, or a table such as `{ mooncake = \"FILE\" }`")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Dataset, E> {
        Ok(Dataset::Named(name.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Dataset, A::Error> {
        let exactly_one = || A::Error::custom("wanted exactly 1 element");
        let Key(key) = table.next_key()?.ok_or_else(exactly_one)?;
        let dataset = match RequestTrace::next_value(&key, &mut table)? {
            Some(trace) => Dataset::Trace(trace),
            None => Dataset::Custom(table.next_value()?),
        };
        if table.next_key::<IgnoredAny>()?.is_some() { Err(exactly_one()) } else { Ok(dataset) }
    }
}

/// A key that such a table may have, refused at its own place.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        let known: Vec<&str> = RequestTrace::FORMATS.iter().map(|format| format.name).chain([CUSTOM]).collect();
        if known.contains(&key.as_str()) {
            return Ok(Self(key));
        }
        let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        Err(D::Error::custom(format!("unknown variant `{key}`, expected one of {}", names.join(", "))))
    }
}
