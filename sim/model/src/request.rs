//! Requests: what a policy may see of one, and what it may not.

use crate::vision::{Patches, VisionTower};
use units::Bytes;

/// The pictures of a request. All pictures of one request have the same size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Images {
    /// How many.
    pub count: u32,
    /// Size of each.
    pub size: ImageSize,
    /// Encoded bytes of all together (JPEG).
    pub payload: Bytes,
}

/// The size of a picture, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageSize {
    /// In pixels: each model resizes it by its own rule.
    Pixels {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// In visual tokens, where a trace states no more.
    Tokens(u32),
}

impl Images {
    /// What one of the pictures is to a vision tower.
    pub fn patches(&self, tower: &VisionTower) -> Patches {
        match self.size {
            ImageSize::Pixels { width, height } => tower.image(width, height).unwrap_or_default(),
            ImageSize::Tokens(tokens) => tower.of_tokens(u64::from(tokens)),
        }
    }
}

/// What everybody may see of a request: the prompt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prompt {
    /// Number of the request within its run, from 0.
    pub request: u64,
    /// Text tokens, chat template included.
    pub text_tokens: u32,
    /// Pictures, if any.
    pub images: Option<Images>,
}

impl Prompt {
    /// Bytes a text token takes on the wire: its id.
    const TEXT_TOKEN_BYTES: u64 = 4;

    /// Bytes of the text on the wire.
    pub fn text_bytes(&self) -> Bytes {
        Bytes::new(u64::from(self.text_tokens) * Self::TEXT_TOKEN_BYTES)
    }
}

/// A prompt as a plan lets it through: pruned to the share `retention` of its visual tokens (beta of Eq. 11) and its
/// payload compressed by `compression` (rho of Eq. 11).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Input {
    /// The prompt itself.
    pub prompt: Prompt,
    /// Share of the visual tokens that is kept, in (0, 1].
    pub retention: f64,
    /// Share of the payload's bytes that compression removes, in [0, 1).
    pub compression: f64,
}

impl Input {
    /// The prompt whole.
    pub fn whole(prompt: Prompt) -> Self {
        Self { prompt, retention: 1.0, compression: 0.0 }
    }

    /// What is kept of one picture before a vision tower.
    pub fn patches(&self, tower: &VisionTower) -> Patches {
        self.prompt.images.map_or(Patches::default(), |images| tower.retain(images.patches(tower), self.retention))
    }

    /// Bytes to send to the cloud: text whole, pictures pruned and compressed (Eq. 8's DataSize).
    pub fn payload(&self) -> Bytes {
        let images = self.prompt.images.map_or(0, |images| images.payload.as_u64());
        let kept = (images as f64 * self.retention * (1.0 - self.compression)).ceil() as u64;
        self.prompt.text_bytes() + Bytes::new(kept)
    }
}

/// A whole request, with what only the simulated world knows. Policies get the [`Prompt`]; the length of the answer
/// is for whoever plays the models.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// The visible part.
    pub prompt: Prompt,
    /// Tokens of the cloud model's answer, the end-of-answer token included; at least 1.
    pub output_tokens: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_is_text_plus_what_is_left_of_the_pictures() {
        let size = ImageSize::Pixels { width: 640, height: 480 };
        let images = Images { count: 1, size, payload: Bytes::new(100_000) };
        let prompt = Prompt { request: 0, text_tokens: 10, images: Some(images) };
        assert_eq!(Input::whole(prompt).payload(), Bytes::new(100_040));
        let pruned = Input { retention: 0.5, compression: 0.2, ..Input::whole(prompt) };
        assert_eq!(pruned.payload(), Bytes::new(40_040));
    }
}
