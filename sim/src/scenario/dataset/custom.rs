//! A shape of constants within the key `workload.dataset`. A `[dataset.NAME]` table can say more.

use model::dataset::{Shape, Spread};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::SimDuration;

/// A custom shape of constants. A `[dataset.NAME]` table can say more.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Custom {
    /// Name of the dataset in tables.
    pub name: String,
    /// Width of the picture in pixels; 0 for text alone.
    pub width: u32,
    /// Height of the picture in pixels; 0 for text alone.
    pub height: u32,
    /// Frames of a video of that size, instead of one picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames: Option<u32>,
    /// Length of the sound, e.g. `4 s`; no sound if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<SimDuration>,
    /// Text tokens of the prompt; at least 1.
    pub text_tokens: u32,
    /// Tokens of the answer.
    pub output_tokens: u32,
}

impl Default for Custom {
    fn default() -> Self {
        Self {
            name: "custom".to_owned(),
            width: 640,
            height: 480,
            frames: None,
            audio: None,
            text_tokens: 30,
            output_tokens: 200,
        }
    }
}

impl Custom {
    /// The shape that it abbreviates.
    pub fn shape(&self) -> Shape {
        let text = Shape::text(self.text_tokens, self.output_tokens);
        let has_pictures = self.width > 0 && self.height > 0;
        let shape = if has_pictures { text.with_size(self.width, self.height) } else { text };
        Shape { frames: self.frames.map(Spread::Constant), sound: self.audio.map(Spread::Constant), ..shape }
    }
}
