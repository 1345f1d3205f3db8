//! Shares of a whole.

use crate::{
    QuantityError,
    error::{Problem, expected},
    quantity::{Quantity, pattern},
    table::{Table, Unit},
    text::{self, Held},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};
use std::{borrow::Cow, fmt, str::FromStr};

/// A share of a whole, from 0 to 1. Written `2 %` or, as it has no dimension, as the bare number 0.02.
///
/// ```
/// use units::Ratio;
///
/// let loss: Ratio = "2 %".parse()?;
/// assert_eq!(loss, Ratio::new(0.02));
/// assert_eq!(loss.complement().to_string(), "98 %");
/// # Ok::<(), units::QuantityError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, PartialOrd)]
pub struct Ratio(f64);

impl Quantity for Ratio {
    const TABLE: &'static Table =
        &Table { name: "Ratio", what: "a ratio", example: "2 %", units: &[Unit::decimal("%", -2)], counts_data: false };
}

impl Ratio {
    /// A share of 0.
    pub const ZERO: Self = Self(0.0);
    /// A share of 1.
    pub const ONE: Self = Self(1.0);

    /// From a share of one.
    ///
    /// # Panics
    ///
    /// If it is not between 0 and 1.
    #[inline]
    pub const fn new(share: f64) -> Self {
        Self::checked(share).expect("a ratio is between 0 and 1")
    }

    /// From a share of one, or `None` if it is not between 0 and 1.
    #[inline]
    pub const fn checked(share: f64) -> Option<Self> {
        // Adding zero turns -0.0 into 0.0, which has no sign to print.
        if share >= 0.0 && share <= 1.0 { Some(Self(share + 0.0)) } else { None }
    }

    /// As a share of one.
    #[inline]
    pub const fn as_f64(self) -> f64 {
        self.0
    }

    /// One minus this share.
    #[inline]
    pub const fn complement(self) -> Self {
        Self(1.0 - self.0)
    }
}

impl TryFrom<f64> for Ratio {
    type Error = QuantityError;

    /// Refuses a share that is not between 0 and 1.
    fn try_from(share: f64) -> Result<Self, QuantityError> {
        let refusal = || QuantityError::new(Self::TABLE, &share.to_string(), Problem::OutOfRange);
        Self::checked(share).ok_or_else(refusal)
    }
}

impl FromStr for Ratio {
    type Err = QuantityError;

    /// Reads `<number> %`.
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let refusal = |problem| QuantityError::new(Self::TABLE, text, problem);
        let share = text::read(text, Self::TABLE).map_err(refusal)?;
        Self::checked(share).ok_or_else(|| refusal(Problem::OutOfRange))
    }
}

impl fmt::Display for Ratio {
    /// In per cent, which reads back to exactly this value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.write(Self::TABLE))
    }
}

impl fmt::Debug for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FromNumberOrText)
    }
}

struct FromNumberOrText;

impl Visitor<'_> for FromNumberOrText {
    type Value = Ratio;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number from 0 to 1 or a string such as \"2 %\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Ratio, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Ratio, E> {
        self.visit_f64(number as f64)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Ratio, E> {
        self.visit_f64(number as f64)
    }

    fn visit_f64<E: de::Error>(self, share: f64) -> Result<Ratio, E> {
        Ratio::try_from(share).map_err(E::custom)
    }
}

impl JsonSchema for Ratio {
    fn schema_name() -> Cow<'static, str> {
        Self::TABLE.name.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": format!("A ratio: a number from 0 to 1, or in per cent: {}", expected(Self::TABLE)),
            "anyOf": [
                { "type": "number", "minimum": 0, "maximum": 1 },
                { "type": "string", "pattern": pattern(Self::TABLE) },
            ],
            "examples": [0.02, Self::TABLE.example],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Scenario {
        loss: Ratio,
    }

    fn written(loss: &str) -> Result<Ratio, String> {
        toml::from_str::<Scenario>(&format!("loss = {loss}")).map(|s| s.loss).map_err(|e| e.to_string())
    }

    #[test]
    fn a_number_or_per_cent() {
        assert_eq!(written("0.02"), Ok(Ratio::new(0.02)));
        assert_eq!(written("\"2 %\""), Ok(Ratio::new(0.02)));
        assert_eq!(written("1"), Ok(Ratio::ONE));
        assert_eq!(Ratio::new(0.145).to_string(), "14.5 %");
        assert_eq!(serde_json::to_string(&Ratio::new(0.145)).unwrap(), "0.145");
    }

    #[test]
    fn out_of_range_is_refused() {
        for wrong in ["1.5", "-0.1", "nan", "inf", "2", "\"101 %\""] {
            let message = written(wrong).unwrap_err();
            assert!(message.contains("is not between 0 and 1"), "{wrong}: {message}");
        }
    }
}
