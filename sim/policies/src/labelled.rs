//! A policy's table in a scenario: its settings and, beside them, the label of its rows. Policies know nothing of labels.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::{Serialize, forward_to_deserialize_any};
use std::{borrow::Cow, fmt, ops::Deref};

/// Settings with the label of their rows.
///
/// Serde's `flatten` would let typos pass; this takes the label out and hands the other keys on.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Labelled<P> {
    /// Label of its rows; the system's name if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The policy.
    #[serde(flatten)]
    pub settings: P,
}

const LABEL: &str = "label";

impl<P> From<P> for Labelled<P> {
    fn from(settings: P) -> Self {
        Self { label: None, settings }
    }
}

impl<P> Deref for Labelled<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.settings
    }
}

impl<P: JsonSchema> JsonSchema for Labelled<P> {
    fn schema_name() -> Cow<'static, str> {
        P::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("Labelled<{}>", P::schema_id()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut label = generator.subschema_for::<Option<String>>();
        label.insert("description".to_owned(), "Label of its rows; the system's name if absent.".into());
        let mut schema = P::json_schema(generator);
        let properties = schema.ensure_object().entry("properties").or_insert_with(|| Schema::default().into());
        if let Some(properties) = properties.as_object_mut() {
            properties.insert(LABEL.to_owned(), label.into());
        }
        schema
    }
}

impl<'de, P: Deserialize<'de>> Deserialize<'de> for Labelled<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut label = None;
        let settings = P::deserialize(TakeLabel { table: deserializer, label: &mut label })?;
        Ok(Self { label, settings })
    }
}

/// A table whose label is taken out while its settings are read.
struct TakeLabel<'l, D> {
    table: D,
    label: &'l mut Option<String>,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for TakeLabel<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_struct("", &[], visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        settings: V,
    ) -> Result<V::Value, D::Error> {
        self.table.deserialize_struct(name, fields, Settings { settings, fields, label: self.label })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Reads a table: the label itself, the rest as the settings want it.
struct Settings<'l, V> {
    settings: V,
    fields: &'static [&'static str],
    label: &'l mut Option<String>,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Settings<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<V::Value, A::Error> {
        self.settings.visit_map(Entries { table, fields: self.fields, label: self.label })
    }
}

/// The entries of a table but for its label.
struct Entries<'l, A> {
    table: A,
    fields: &'static [&'static str],
    label: &'l mut Option<String>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Entries<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let mut key = Some(seed);
        loop {
            match self.table.next_key_seed(Key { seed: &mut key, fields: self.fields })? {
                None => return Ok(None),
                Some(Some(key)) => return Ok(Some(key)),
                Some(None) => *self.label = Some(self.table.next_value()?),
            }
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.table.next_value_seed(seed)
    }
}

/// Reads a key; none for the label. The seed stays where it is until it is needed.
struct Key<'k, K> {
    seed: &'k mut Option<K>,
    fields: &'static [&'static str],
}

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for Key<'_, K> {
    type Value = Option<K::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de, K: DeserializeSeed<'de>> Visitor<'de> for Key<'_, K> {
    type Value = Option<K::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Self::Value, E> {
        if key == LABEL {
            return Ok(None);
        }
        if !self.fields.contains(&key) {
            return Err(unknown(key, self.fields));
        }
        let seed = self.seed.take().expect("a key is read once");
        seed.deserialize(key.into_deserializer()).map(Some)
    }
}

/// Serde's own words for an unknown key, with the label among the known ones.
fn unknown<E: de::Error>(key: &str, fields: &[&str]) -> E {
    let known: Vec<String> = [LABEL].iter().chain(fields).map(|field| format!("`{field}`")).collect();
    let expected = match &known[..] {
        [one] => one.clone(),
        [one, other] => format!("{one} or {other}"),
        many => format!("one of {}", many.join(", ")),
    };
    E::custom(format_args!("unknown field `{key}`, expected {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CloudOnly, OneOrMany, Speculative};

    type Drafting = Labelled<Speculative>;

    #[test]
    fn the_label_stands_among_the_settings() {
        let text = "n_draft = 6\nlabel = \"wide\"\n";
        let read: Drafting = toml::from_str(text).expect("a table");
        assert_eq!((read.label.as_deref(), read.n_draft), (Some("wide"), 6));
        assert_eq!(toml::from_str::<Drafting>("").expect("a table"), Drafting::default());
        let written = toml::to_string(&read).expect("TOML");
        assert!(written.starts_with("label = \"wide\"\nn_draft = 6\n"), "{written}");
        assert_eq!(toml::from_str::<Drafting>(&written).expect("a table"), read);
        let several: OneOrMany<Drafting> = serde_json::from_str("[{\"label\": \"a\"}, {}]").expect("an array");
        assert_eq!(several.0.iter().map(|one| one.label.as_deref()).collect::<Vec<_>>(), [Some("a"), None]);
    }

    #[test]
    fn typos_are_refused_in_their_place_and_the_label_is_known() {
        let refused = |text| {
            let error = toml::from_str::<Drafting>(text).expect_err("a typo");
            (error.message().to_owned(), error.span())
        };
        let known = "`label`, `n_draft`, `draft_during_verify`, `bonus_token`, `verify`";
        let (message, span) = refused("n_draft = 6\nlable = \"wide\"\n");
        assert_eq!((message, span), (format!("unknown field `lable`, expected one of {known}"), Some(12..17)));
        let error = toml::from_str::<Labelled<CloudOnly>>("x = 1").expect_err("a typo");
        assert_eq!(error.message(), "unknown field `x`, expected `label`");
        assert!(refused("label = 3").0.contains("expected a string"));
    }

    #[test]
    fn the_schema_has_the_label_beside_the_settings() {
        let schema = serde_json::to_value(schemars::schema_for!(Drafting)).expect("JSON");
        let properties = schema["properties"].as_object().expect("properties");
        assert!(properties.contains_key("label") && properties.contains_key("n_draft"), "{schema}");
        assert_eq!((&schema["title"], &schema["additionalProperties"]), (&"Speculative".into(), &false.into()));
    }
}
