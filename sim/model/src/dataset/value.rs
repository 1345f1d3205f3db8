//! Values that a quantity of a request takes: counts, durations, and sizes of pictures.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use units::SimDuration;

/// A value of a quantity.
pub trait Value: Copy + fmt::Display {
    /// True if it lies from `least` to `most`, both included.
    fn is_within(self, least: Self, most: Self) -> bool;
}

/// A value that distributions draw: a whole number or a duration.
pub trait Quantity: Value {
    /// True if it counts things, so that a geometric distribution makes sense.
    const COUNTS: bool;
    /// The value as a number: a count, or seconds.
    fn as_f64(self) -> f64;
    /// The nearest value to a number; 0 below 0, the largest value above it.
    fn nearest(number: f64) -> Self;
    /// The value at a share `u` of the way from `from` to `to`, all counts equally likely if `u` is uniform.
    fn between(from: Self, to: Self, u: f64) -> Self;
}

impl Value for u32 {
    fn is_within(self, least: Self, most: Self) -> bool {
        (least..=most).contains(&self)
    }
}

impl Quantity for u32 {
    const COUNTS: bool = true;

    fn as_f64(self) -> f64 {
        f64::from(self)
    }

    fn nearest(number: f64) -> Self {
        // Saturates; what is no number is 0.
        (number + 0.5) as Self
    }

    fn between(from: Self, to: Self, u: f64) -> Self {
        from.saturating_add((u * (f64::from(to - from) + 1.0)) as Self).min(to)
    }
}

impl Value for SimDuration {
    fn is_within(self, least: Self, most: Self) -> bool {
        (least..=most).contains(&self)
    }
}

impl Quantity for SimDuration {
    const COUNTS: bool = false;

    fn as_f64(self) -> f64 {
        self.as_secs_f64()
    }

    fn nearest(number: f64) -> Self {
        const CENTURY_S: f64 = 3.2e9;
        Self::from_secs_f64(number.clamp(0.0, CENTURY_S))
    }

    fn between(from: Self, to: Self, u: f64) -> Self {
        from + Self::from_secs_f64((to - from).as_secs_f64() * u)
    }
}

/// The size of a picture in pixels, written `"640x480"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pixels {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Value for Pixels {
    fn is_within(self, least: Self, most: Self) -> bool {
        self.width.is_within(least.width, most.width) && self.height.is_within(least.height, most.height)
    }
}

impl fmt::Display for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

const EXPECTED: &str = "columns x rows of pixels, as in \"640x480\"";

impl FromStr for Pixels {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sides = text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
        let (width, height) = sides.ok_or_else(|| format!("found \"{text}\"; expected {EXPECTED}"))?;
        Ok(Self { width, height })
    }
}

impl Serialize for Pixels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pixels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Written)
    }
}

struct Written;

impl Visitor<'_> for Written {
    type Value = Pixels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Pixels, E> {
        text.parse().map_err(E::custom)
    }
}

impl JsonSchema for Pixels {
    fn schema_name() -> Cow<'static, str> {
        "Pixels".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Columns and rows of a picture, e.g. `640x480`.",
            "examples": ["640x480"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_back_and_others_are_refused() {
        let size: Pixels = "640x427".parse().expect("a size");
        assert_eq!((size, size.to_string()), (Pixels { width: 640, height: 427 }, "640x427".to_owned()));
        for text in ["", "640", "640x", "x480", "-640x480", "640x480x3", "640 x 480", "640.5x480"] {
            assert!(text.parse::<Pixels>().unwrap_err().contains("expected columns x rows"), "{text}");
        }
    }

    #[test]
    fn between_takes_both_ends() {
        let ends = [0.0, 0.5, 1.0 - 1e-12].map(|u| u32::between(27, 38, u));
        assert_eq!(ends, [27, 33, 38]);
        assert_eq!(u32::between(0, u32::MAX, 1.0 - 1e-16), u32::MAX);
        let seconds = SimDuration::from_secs;
        assert_eq!(SimDuration::between(seconds(2), seconds(4), 0.5), seconds(3));
    }

    #[test]
    fn nearest_never_leaves_the_range() {
        assert_eq!([-1.0, 0.4, 1.5, 1e30, f64::NAN].map(u32::nearest), [0, 0, 2, u32::MAX, 0]);
        assert_eq!(SimDuration::nearest(-1.0), SimDuration::ZERO);
        assert_eq!(SimDuration::nearest(1.25), SimDuration::from_ms(1250));
    }
}
