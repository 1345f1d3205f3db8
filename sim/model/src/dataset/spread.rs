//! The spread of a quantity over requests: a constant, a list with weights, or a table that names a distribution.

use super::Value;
use kernel::{Stream, draw};
use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::marker::PhantomData;

/// The spread of a quantity over requests: a constant, a list with weights, or a distribution.
///
/// A constant and a list take one uniform number of the stream each, so that a list of one value is the constant.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Spread<T, D> {
    /// The same value for every request.
    Constant(T),
    /// Values with their weights, e.g. `[[27, 3], [38, 1]]`: three of four requests have 27.
    Weighted(Vec<(T, f64)>),
    /// A distribution.
    Drawn(D),
}

impl<T, D> From<T> for Spread<T, D> {
    fn from(constant: T) -> Self {
        Self::Constant(constant)
    }
}

/// Something that draws values, and knows if they stay in a range.
pub trait Draw<T> {
    /// Draws a value.
    fn draw(&self, stream: &mut Stream) -> T;

    /// Checks that it can be drawn from, and gives values from `least` to `most`. The error says what was found and expected.
    fn check(&self, least: T, most: T) -> Result<(), String>;
}

impl<T: Value, D: Draw<T>> Draw<T> for Spread<T, D> {
    fn draw(&self, stream: &mut Stream) -> T {
        match self {
            Self::Constant(value) => {
                draw::uniform(stream);
                *value
            }
            Self::Weighted(values) => weighted(values, stream),
            Self::Drawn(distribution) => distribution.draw(stream),
        }
    }

    fn check(&self, least: T, most: T) -> Result<(), String> {
        let within = |value: &T| {
            let refusal = || format!("found {value}; expected {least} to {most}");
            if value.is_within(least, most) { Ok(()) } else { Err(refusal()) }
        };
        match self {
            Self::Constant(value) => within(value),
            Self::Weighted(values) => {
                check_weights(values.iter().map(|(_, weight)| *weight))?;
                values.iter().try_for_each(|(value, _)| within(value))
            }
            Self::Drawn(distribution) => distribution.check(least, most),
        }
    }
}

fn weighted<T: Copy>(values: &[(T, f64)], stream: &mut Stream) -> T {
    let total: f64 = values.iter().map(|(_, weight)| weight).sum();
    let mut left = draw::uniform(stream) * total;
    for &(value, weight) in values {
        left -= weight;
        if left <= 0.0 {
            return value;
        }
    }
    values.last().expect("a checked list has a value").0
}

fn check_weights(weights: impl Iterator<Item = f64> + Clone) -> Result<(), String> {
    if let Some(weight) = weights.clone().find(|weight| !(weight.is_finite() && *weight >= 0.0)) {
        return Err(format!("found the weight {weight}; expected finite weights from 0 up"));
    }
    let total = weights.sum::<f64>() + 0.0; // the sum of nothing is -0
    if total > 0.0 && total.is_finite() {
        return Ok(());
    }
    let remedy = "expected a finite sum above 0; give each value that occurs a weight, as in [[27, 3], [38, 1]]";
    Err(format!("its weights sum to {total}; {remedy}"))
}

impl<'de, T: Deserialize<'de>, D: Deserialize<'de>> Deserialize<'de> for Spread<T, D> {
    fn deserialize<S: Deserializer<'de>>(deserializer: S) -> Result<Self, S::Error> {
        deserializer.deserialize_any(Written(PhantomData))
    }
}

/// Tells the three forms of a [`Spread`] apart by the kind of value, so that each is refused in its own words.
struct Written<T, D>(PhantomData<(T, D)>);

impl<'de, T: Deserialize<'de>, D: Deserialize<'de>> Visitor<'de> for Written<T, D> {
    type Value = Spread<T, D>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list of values with weights, or a table that names a distribution")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        T::deserialize(value.into_deserializer()).map(Spread::Constant)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        T::deserialize(value.into_deserializer()).map(Spread::Constant)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        T::deserialize(value.into_deserializer()).map(Spread::Constant)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        T::deserialize(value.into_deserializer()).map(Spread::Constant)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, values: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(values)).map(Spread::Weighted)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Self::Value, A::Error> {
        let drawn = D::deserialize(MapAccessDeserializer::new(&mut table))?;
        match table.next_key::<IgnoredAny>()? {
            Some(_) => Err(A::Error::custom("wanted exactly 1 element, more than 1 element")),
            None => Ok(Spread::Drawn(drawn)),
        }
    }
}
