//! The common part of all quantities, written once: text, serde and JSON schema from one table of units.

use crate::{
    error::{Problem, QuantityError, expected},
    table::Table,
};
use schemars::{Schema, json_schema};
use serde::de::{self, Visitor};
use std::{fmt, marker::PhantomData, str::FromStr};

/// A type with a table of units.
pub(crate) trait Quantity: FromStr<Err = QuantityError> {
    const TABLE: &'static Table;
}

/// Declares a newtype over `u64` or `f64` that is read, written and described by its table.
///
/// A new unit is one line in the table; a new quantity is one invocation.
macro_rules! quantity {
    ($(#[$attribute:meta])* pub struct $name:ident($held:ty); $table:expr) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Default, PartialEq, PartialOrd)]
        pub struct $name($held);

        impl $crate::quantity::Quantity for $name {
            const TABLE: &'static $crate::table::Table = &$table;
        }

        impl std::fmt::Display for $name {
            /// The canonical text, which reads back to exactly this value.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                use $crate::{quantity::Quantity, text::Held};
                f.write_str(&self.0.write(Self::TABLE))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::QuantityError;

            /// Reads `<number> <unit>`; anything else is refused with the units to choose from.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                use $crate::quantity::Quantity;
                $crate::text::read(text, Self::TABLE)
                    .map(Self)
                    .map_err(|problem| $crate::QuantityError::new(Self::TABLE, text, problem))
            }
        }
    };
}

/// Serde and JSON schema as a string with a unit.
macro_rules! as_string {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any($crate::quantity::FromText::new())
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                <Self as $crate::quantity::Quantity>::TABLE.name.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $crate::quantity::string_schema(<Self as $crate::quantity::Quantity>::TABLE)
            }
        }
    };
}

/// Sums and whole multiples of an integer quantity. An overflow panics with [`Overflow`](crate::Overflow), in release too.
macro_rules! integer_arithmetic {
    ($name:ident) => {
        impl std::ops::Add for $name {
            type Output = Self;
            #[inline]
            fn add(self, other: Self) -> Self {
                Self(self.0.checked_add(other.0).unwrap_or_else(|| $crate::overflow(stringify!($name))))
            }
        }

        impl std::ops::Sub for $name {
            type Output = Self;
            /// Panics if `other` is the larger.
            #[inline]
            fn sub(self, other: Self) -> Self {
                Self(self.0.checked_sub(other.0).expect(concat!(stringify!($name), " difference is negative")))
            }
        }

        impl std::ops::Mul<u64> for $name {
            type Output = Self;
            #[inline]
            fn mul(self, times: u64) -> Self {
                Self(self.0.checked_mul(times).unwrap_or_else(|| $crate::overflow(stringify!($name))))
            }
        }

        impl std::ops::AddAssign for $name {
            #[inline]
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }

        impl std::ops::SubAssign for $name {
            #[inline]
            fn sub_assign(&mut self, other: Self) {
                *self = *self - other;
            }
        }

        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
                values.fold(Self(0), |sum, value| sum + value)
            }
        }
    };
}

/// Construction, sums and multiples of a floating-point quantity.
macro_rules! float_arithmetic {
    ($name:ident, $unit:literal) => {
        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0.0);

            #[doc = concat!("From a number of ", $unit, ".\n\n# Panics\n\nIf it is negative, infinite or not a number.")]
            #[inline]
            pub const fn new(value: f64) -> Self {
                assert!(value >= 0.0 && value <= f64::MAX, concat!(stringify!($name), " must be finite and not negative"));
                // Adding zero turns -0.0 into 0.0, which has no sign to print.
                Self(value + 0.0)
            }

            #[doc = concat!("In ", $unit, ".")]
            #[inline]
            pub const fn as_f64(self) -> f64 {
                self.0
            }
        }

        impl std::ops::Add for $name {
            type Output = Self;
            #[inline]
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }

        impl std::ops::AddAssign for $name {
            #[inline]
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }

        impl std::ops::Mul<f64> for $name {
            type Output = Self;
            /// Panics if `times` is negative, infinite or not a number.
            #[inline]
            fn mul(self, times: f64) -> Self {
                Self::new(self.0 * times)
            }
        }

        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
                values.fold(Self::ZERO, |sum, value| sum + value)
            }
        }
    };
}

pub(crate) use {as_string, float_arithmetic, integer_arithmetic, quantity};

/// Reads a quantity from a string and refuses a bare number with the same message everywhere.
pub(crate) struct FromText<Q>(PhantomData<Q>);

impl<Q> FromText<Q> {
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<Q: Quantity> FromText<Q> {
    fn bare<E: de::Error>(number: impl fmt::Display) -> E {
        E::custom(QuantityError::new(Q::TABLE, &number.to_string(), Problem::BareNumber))
    }
}

impl<Q: Quantity> Visitor<'_> for FromText<Q> {
    type Value = Q;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a string such as \"{}\"", Q::TABLE.example)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Q, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Q, E> {
        Err(Self::bare(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Q, E> {
        Err(Self::bare(number))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Q, E> {
        Err(Self::bare(number))
    }
}

/// A regular expression that accepts what the grammar accepts, but for the limits of the type.
pub(crate) fn pattern(table: &Table) -> String {
    let symbols: Vec<&str> = table.units.iter().map(|unit| unit.symbol).collect();
    format!("^[0-9]+(_[0-9]+)*(\\.[0-9]+(_[0-9]+)*)? ({})$", symbols.join("|"))
}

/// The JSON schema of a quantity that is written as a string.
pub(crate) fn string_schema(table: &Table) -> Schema {
    json_schema!({
        "type": "string",
        "description": format!("{}: {}", capitalised(table.what), expected(table)),
        "pattern": pattern(table),
        "examples": [table.example],
    })
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use crate::{BitsPerSecond, Bytes, SimDuration};
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    struct Link {
        rate: BitsPerSecond,
        delay: SimDuration,
    }

    #[test]
    fn toml_round_trip() {
        let text = "rate = \"200 Mbps\"\ndelay = \"20 ms\"\n";
        let link: Link = toml::from_str(text).unwrap();
        assert_eq!(link, Link { rate: BitsPerSecond::from_mbps(200), delay: SimDuration::from_ms(20) });
        assert_eq!(toml::to_string(&link).unwrap(), text);
    }

    #[test]
    fn bare_numbers_are_refused_where_they_stand() {
        for bare in ["200", "200.5", "-3"] {
            let message = toml::from_str::<Link>(&format!("delay = \"1 s\"\nrate = {bare}\n")).unwrap_err().to_string();
            assert!(message.contains(&format!("{bare} is a bare number without a unit")), "{message}");
            assert!(message.contains("as in \"200 Mbps\"") && message.contains("line 2"), "{message}");
        }
        let message = serde_json::from_str::<Bytes>("true").unwrap_err().to_string();
        assert!(message.contains("expected a string such as \"24 GiB\""), "{message}");
    }

    #[test]
    fn the_schema_is_a_string_with_a_pattern() {
        let schema = serde_json::to_value(schemars::schema_for!(BitsPerSecond)).unwrap();
        assert_eq!(schema["type"], "string");
        assert_eq!(schema["pattern"], "^[0-9]+(_[0-9]+)*(\\.[0-9]+(_[0-9]+)*)? (bps|kbps|Mbps|Gbps|Tbps)$");
        assert_eq!(schema["examples"][0], "200 Mbps");
    }
}
