//! Requests: the prompt that a policy may see, and the answer's length that it may not.

use crate::audio::Audio;
use crate::modality::{Modality, PerModality};
use crate::vision::{Patches, VisionTower};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::Bytes;

/// The pictures of a request. All pictures of one request have the same size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Images {
    /// Number of pictures. Of a video: pairs of frames, since the towers of Qwen take two frames for one picture.
    pub count: u32,
    /// Size of each.
    pub size: ImageSize,
    /// Bytes of all pictures on the wire.
    pub payload: Bytes,
    /// True if they are the frames of one video, so that neighbours may be alike.
    pub moving: bool,
    /// True if `payload` is the output of the cloud model's vision tower, which then has run on the edge.
    pub encoded: bool,
}

/// The size of a picture, in pixels or in tokens.
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
    /// The patches and tokens of one of the pictures.
    pub fn patches(&self, tower: &VisionTower) -> Patches {
        match self.size {
            ImageSize::Pixels { width, height } => tower.image(width, height).unwrap_or_default(),
            ImageSize::Tokens(tokens) => tower.of_tokens(u64::from(tokens)),
        }
    }
}

/// The format in which pictures are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PayloadFormat {
    /// JPEG; of a video, an encoded stream.
    #[default]
    Jpeg,
    /// Pixels, 3 B each.
    Rgb8,
    /// Pixels as the vision tower takes them, 6 B each.
    Fp16Tensor,
    /// The same in single precision, 12 B each.
    Fp32Tensor,
    /// The output of the cloud model's vision tower, which then runs on the edge.
    VisionTokens,
}

impl PayloadFormat {
    /// Bytes of so many pixels; `None` if they depend on the pixels themselves or on a model.
    pub fn bytes(self, pixels: f64) -> Option<Bytes> {
        let each = match self {
            Self::Jpeg | Self::VisionTokens => return None,
            Self::Rgb8 => 3.0,
            Self::Fp16Tensor => 6.0,
            Self::Fp32Tensor => 12.0,
        };
        Some(Bytes::new((pixels * each) as u64))
    }
}

/// The visible part of a request: the prompt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prompt {
    /// Number of the request within its run, from 0.
    pub request: u64,
    /// Text tokens, chat template included.
    pub text_tokens: u32,
    /// Pictures or a video, if any.
    pub images: Option<Images>,
    /// Sound, if any.
    pub audio: Option<Audio>,
}

impl Prompt {
    /// Bytes a text token takes on the wire: its id.
    const TEXT_TOKEN_BYTES: u64 = 4;

    /// True if it has tokens of a modality. There is always text.
    pub fn has(&self, modality: Modality) -> bool {
        match modality {
            Modality::Text => true,
            Modality::Visual => self.images.is_some(),
            Modality::Audio => self.audio.is_some(),
        }
    }

    /// True if there is only text.
    pub fn is_text(&self) -> bool {
        self.images.is_none() && self.audio.is_none()
    }

    /// Modalities that it has.
    pub fn modalities(&self) -> u32 {
        Modality::ALL.into_iter().map(|modality| u32::from(self.has(modality))).sum()
    }

    /// Bytes of a modality on the wire, whole.
    pub fn bytes(&self, modality: Modality) -> Bytes {
        match modality {
            Modality::Text => Bytes::new(u64::from(self.text_tokens) * Self::TEXT_TOKEN_BYTES),
            Modality::Visual => self.images.map_or(Bytes::ZERO, |images| images.payload),
            Modality::Audio => self.audio.map_or(Bytes::ZERO, |audio| audio.payload),
        }
    }
}

/// The part of one modality that a plan keeps (beta and rho of Eq. 11).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kept {
    /// Share of the tokens that is kept, in (0, 1].
    pub retention: f64,
    /// Share of the payload's bytes that compression removes, in [0, 1).
    pub compression: f64,
}

impl Kept {
    /// The whole modality.
    pub const WHOLE: Self = Self { retention: 1.0, compression: 0.0 };
}

impl Default for Kept {
    fn default() -> Self {
        Self::WHOLE
    }
}

/// The stage at which pruned patches are dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PruneStage {
    /// Before the vision tower and the upload: neither sees them.
    #[default]
    PreVit,
    /// Behind the vision tower: it encodes them, the payload carries them, the language model does not read them.
    PostVit,
}

/// The effect of compression: fewer bytes, or fewer tokens too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RhoMeaning {
    /// Bytes of the payload; the tokens stay.
    #[default]
    Bytes,
    /// Tokens are merged, so there are fewer of them too.
    TokenMerge,
}

/// The effects of a plan's retention and compression on an input. The paper does not state them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handling {
    /// The stage at which pruned patches are dropped.
    pub prune_stage: PruneStage,
    /// The effect of compression: fewer bytes, or fewer tokens too.
    pub rho_meaning: RhoMeaning,
}

/// A prompt with the part of it that a plan keeps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Input {
    /// The prompt itself.
    pub prompt: Prompt,
    /// The kept part of each modality.
    pub kept: PerModality<Kept>,
    /// The effects of pruning and compression.
    pub handling: Handling,
}

impl Input {
    /// The whole prompt.
    pub fn whole(prompt: Prompt) -> Self {
        Self { prompt, kept: PerModality::default(), handling: Handling::default() }
    }

    /// True if no token is dropped, whatever the bytes.
    pub fn is_whole(&self) -> bool {
        let merges = self.handling.rho_meaning == RhoMeaning::TokenMerge;
        Modality::ALL.into_iter().all(|modality| {
            let Kept { retention, compression } = self.kept[modality];
            retention >= 1.0 && !(merges && compression > 0.0)
        })
    }

    /// The rest of one picture: the patches that a tower encodes, and the tokens that the language model reads.
    pub fn patches(&self, tower: &VisionTower) -> Patches {
        let Some(images) = self.prompt.images else { return Patches::default() };
        let Kept { retention, compression } = self.kept[Modality::Visual];
        let whole = images.patches(tower);
        let encoded = match self.handling.prune_stage {
            PruneStage::PreVit => tower.retain(whole, retention),
            PruneStage::PostVit => whole,
        };
        let merged = match self.handling.rho_meaning {
            RhoMeaning::Bytes => 1.0,
            RhoMeaning::TokenMerge => 1.0 - compression,
        };
        Patches { patches: encoded.patches, tokens: tower.retain(whole, retention * merged).tokens }
    }

    /// Pixels that a vision tower takes of all pictures, those of both frames of a pair included.
    pub fn pixels(&self, tower: &VisionTower) -> u64 {
        let Some(images) = self.prompt.images else { return 0 };
        let frames = u64::from(images.count) * if images.moving { 2 } else { 1 };
        frames * tower.pixels(self.patches(tower).patches)
    }

    /// Tokens of text or audio that the language model reads.
    pub fn tokens(&self, modality: Modality) -> u64 {
        let whole = match modality {
            Modality::Text => self.prompt.text_tokens,
            Modality::Audio => self.prompt.audio.map_or(0, |audio| audio.tokens),
            Modality::Visual => unreachable!("visual tokens depend on the tower"),
        };
        share_of(u64::from(whole), self.kept[modality].retention)
    }

    /// Bytes of one modality on the wire (Eq. 8's DataSize).
    pub fn bytes(&self, modality: Modality) -> Bytes {
        let Kept { retention, compression } = self.kept[modality];
        // Patches that are dropped behind the tower are still part of the picture that is sent.
        let in_picture = modality == Modality::Visual
            && self.handling.prune_stage == PruneStage::PostVit
            && self.prompt.images.is_some_and(|images| !images.encoded);
        let kept = if in_picture { 1.0 } else { retention };
        Bytes::new(share_of(self.prompt.bytes(modality).as_u64(), kept * (1.0 - compression)))
    }

    /// Bytes to send to the cloud that show what was asked: text, sound and pictures, but for pictures that a vision tower has encoded.
    pub fn raw_payload(&self) -> Bytes {
        let encoded = self.prompt.images.is_some_and(|images| images.encoded);
        let hidden = if encoded { self.bytes(Modality::Visual) } else { Bytes::ZERO };
        self.payload() - hidden
    }

    /// Bytes to send to the cloud.
    pub fn payload(&self) -> Bytes {
        Modality::ALL.into_iter().map(|modality| self.bytes(modality)).sum()
    }
}

/// A share of a number, rounded up.
fn share_of(whole: u64, share: f64) -> u64 {
    if share == 1.0 { whole } else { (whole as f64 * share).ceil() as u64 }
}

/// A whole request. Policies get the [`Prompt`]; the length of the answer is for the backend alone.
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
    use crate::model_spec::ModelSpec;
    use units::SimDuration;

    fn input(retention: f64, compression: f64) -> Input {
        let size = ImageSize::Pixels { width: 640, height: 480 };
        let images = Images { count: 1, size, payload: Bytes::new(100_000), moving: false, encoded: false };
        let audio = Some(Audio::lasting(SimDuration::from_secs(4)));
        let mut input = Input::whole(Prompt { request: 0, text_tokens: 10, images: Some(images), audio });
        input.kept[Modality::Visual] = Kept { retention, compression };
        input
    }

    fn patches(input: &Input) -> (u64, u64) {
        let tower = ModelSpec::named("qwen2-vl-2b").unwrap().vision.as_ref().unwrap();
        let patches = input.patches(tower);
        (patches.patches, patches.tokens)
    }

    #[test]
    fn an_input_is_whole_while_no_token_is_dropped() {
        assert!(input(1.0, 0.0).is_whole() && !input(0.9, 0.0).is_whole());
        let mut merged = input(1.0, 0.2);
        assert!(merged.is_whole(), "fewer bytes are as many tokens");
        merged.handling.rho_meaning = RhoMeaning::TokenMerge;
        assert!(!merged.is_whole());
        merged.kept[Modality::Visual].compression = 0.0;
        assert!(merged.is_whole());
    }

    #[test]
    fn payload_is_what_is_left_of_each_modality() {
        assert_eq!(input(1.0, 0.0).payload(), Bytes::new(40 + 100_000 + 32_000));
        assert_eq!(input(0.5, 0.2).payload(), Bytes::new(40 + 40_000 + 32_000));
        assert_eq!(input(0.5, 0.2).raw_payload(), Bytes::new(40 + 40_000 + 32_000));
        let mut encoded = input(0.5, 0.2);
        encoded.prompt.images.as_mut().unwrap().encoded = true;
        assert_eq!(encoded.raw_payload(), Bytes::new(40 + 32_000), "a tower's output is no picture");
        let mut quiet = input(1.0, 0.0);
        quiet.kept[Modality::Audio].retention = 0.25;
        assert_eq!((quiet.tokens(Modality::Audio), quiet.bytes(Modality::Audio)), (25, Bytes::new(8_000)));
    }

    #[test]
    fn where_patches_are_dropped_decides_who_sees_them() {
        assert_eq!(patches(&input(0.5, 0.2)), (196 * 4, 196));
        let mut late = input(0.5, 0.2);
        late.handling.prune_stage = PruneStage::PostVit;
        assert_eq!((patches(&late), late.bytes(Modality::Visual)), ((391 * 4, 196), Bytes::new(80_000)));
        late.prompt.images.as_mut().unwrap().encoded = true;
        assert_eq!(late.bytes(Modality::Visual), Bytes::new(40_000), "tokens that are dropped need not be sent");
    }

    #[test]
    fn pixels_are_those_of_the_patches_that_a_tower_takes() {
        let tower = |model: &str| ModelSpec::named(model).unwrap().vision.clone().unwrap();
        let qwen = tower("qwen2-vl-2b");
        // 23 x 17 tokens of 28 x 28; half of the tokens, rounded up.
        assert_eq!(input(1.0, 0.0).pixels(&qwen), 644 * 476);
        assert_eq!(input(0.5, 0.0).pixels(&qwen), 196 * 28 * 28);
        assert_eq!(input(1.0, 0.0).pixels(&tower("llava-1.5-7b")), 336 * 336, "whatever its size");
        let mut video = input(1.0, 0.0);
        let images = video.prompt.images.as_mut().unwrap();
        (images.count, images.moving) = (3, true);
        assert_eq!(video.pixels(&qwen), 6 * 644 * 476, "three pairs of frames");
        video.prompt.images = None;
        assert_eq!(video.pixels(&qwen), 0);
    }

    #[test]
    fn merging_also_divides_the_tokens() {
        let mut merged = input(0.5, 0.2);
        merged.handling.rho_meaning = RhoMeaning::TokenMerge;
        assert_eq!(patches(&merged), (196 * 4, 157));
    }
}
