//! The size of pictures.

use super::{Draw, Law, Pixels, Spread};
use kernel::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The size of pictures: `"640x480"`, a list with weights, or width and height each with a spread of its own.
pub type Size = Spread<Pixels, Sides>;

/// Width and height of a picture, drawn independently.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sides {
    /// Columns.
    pub width: Law<u32>,
    /// Rows.
    pub height: Law<u32>,
}

impl Draw<Pixels> for Sides {
    fn draw(&self, stream: &mut Stream) -> Pixels {
        Pixels { width: self.width.draw(stream), height: self.height.draw(stream) }
    }

    fn check(&self, least: Pixels, most: Pixels) -> Result<(), String> {
        let side = |name: &str, law: &Law<u32>, least, most| {
            law.check(least, most).map_err(|expected| format!("of its {name}, {expected}"))
        };
        side("width", &self.width, least.width, most.width)?;
        side("height", &self.height, least.height, most.height)
    }
}
