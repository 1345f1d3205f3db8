//! The size of pictures.

use super::{Draw, Law, Pixels, Spread};
use crate::vision::{MAX_ASPECT, is_too_elongated};
use kernel::{Stream, Streams};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The size of pictures: `"640x480"`, a list with weights, or width and height each with a spread of its own.
pub type Size = Spread<Pixels, Sides>;

/// Pictures that are drawn to see if a processor takes them.
const TRIED: u64 = 1000;

/// Width and height of a picture, drawn independently.
///
/// A height that no processor takes with its width becomes the nearest one that they take: sides of 1 to 200. Each side has a pixel at least. Laws of which
/// more than one picture in a hundred is that slender are refused.
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
        let Pixels { width, height } = self.drawn(stream);
        let width = width.max(1);
        Pixels { width, height: height.clamp(width.div_ceil(MAX_ASPECT), width.saturating_mul(MAX_ASPECT)) }
    }

    fn check(&self, least: Pixels, most: Pixels) -> Result<(), String> {
        let side = |name: &str, law: &Law<u32>, least, most| {
            law.check(least, most).map_err(|expected| format!("of its {name}, {expected}"))
        };
        side("width", &self.width, least.width, most.width)?;
        side("height", &self.height, least.height, most.height)?;
        let slender = self.slender();
        if slender * 100 <= TRIED {
            return Ok(());
        }
        Err(format!(
            "found sides of which one is longer than {MAX_ASPECT} times the other in {slender} of {TRIED} pictures drawn; \
             expected at most 1 in 100; narrow width or height, e.g. by `within`"
        ))
    }
}

impl Sides {
    fn drawn(&self, stream: &mut Stream) -> Pixels {
        Pixels { width: self.width.draw(stream), height: self.height.draw(stream) }
    }

    /// Pictures of those tried that no processor takes.
    fn slender(&self) -> u64 {
        let tried = (0..TRIED).map(|picture| self.drawn(&mut Streams::new(0).stream("input/slender", picture)));
        tried.filter(|size| is_too_elongated(size.width.max(1), size.height.max(1))).count() as u64
    }
}
