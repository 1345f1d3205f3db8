//! Shapes of models, as their published configurations have them. Another size is one more entry here.

use super::trained::Trained;
use super::weights::Dtype;

/// A family: what differs beyond numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Its vision tower has layer norms, an MLP of two matrices, and full attention.
    Qwen2Vl,
    /// Its vision tower has RMS norms, a gated MLP, and attention in windows but for some layers.
    Qwen25Vl,
}

impl Family {
    /// Its name in `config.json`.
    pub(crate) fn model_type(self) -> &'static str {
        match self {
            Self::Qwen2Vl => "qwen2_vl",
            Self::Qwen25Vl => "qwen2_5_vl",
        }
    }

    /// The vision tower's name for the grid of a picture.
    pub(crate) fn grid_name(self) -> &'static str {
        match self {
            Self::Qwen2Vl => "grid_thw",
            Self::Qwen25Vl => "image_grid_thw",
        }
    }
}

/// A vision tower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tower {
    /// Layers.
    pub layers: u64,
    /// Width of a layer.
    pub hidden: u64,
    /// Width of the MLP.
    pub intermediate: u64,
    /// Heads.
    pub heads: u64,
    /// Layers in which a patch sees its whole picture; in the others of Qwen2.5-VL it sees its window.
    pub full: &'static [u64],
}

/// The dimensions of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its name; the weights are drawn by it.
    pub name: &'static str,
    /// Its family.
    pub family: Family,
    /// Decoder layers.
    pub layers: u64,
    /// Width of the decoder.
    pub hidden: u64,
    /// Width of its MLP.
    pub intermediate: u64,
    /// Query heads.
    pub heads: u64,
    /// Heads of keys and values.
    pub kv_heads: u64,
    /// Values of a head.
    pub head_dim: u64,
    /// Rows of the embedding and width of the logits.
    pub vocab: u64,
    /// Ordinary tokens; the special ones follow.
    pub tokens: u32,
    /// True if head and embedding are one by the configuration.
    pub tied: bool,
    /// Pairs of a head's values that turn with time, height and width.
    pub sections: [u64; 3],
    /// The most tokens of prompt and answer.
    pub context: u64,
    /// The most pixels of a picture, which is shrunk to them.
    pub most_pixels: u64,
    /// The base of rotary positions in the decoder.
    pub theta: u64,
    /// The vision tower.
    pub tower: Tower,
    /// Its weights and words, if it was trained; else weights are random.
    pub trained: Option<Trained>,
}

/// Pixels of a patch's side.
pub(crate) const PATCH: u64 = 14;
/// Frames of a patch.
pub(crate) const FRAMES: u64 = 2;
/// Patches along each side that become one token.
pub(crate) const MERGE: u64 = 2;
/// Pixels of a window's side.
pub(crate) const WINDOW: u64 = 112;
/// Values of a patch.
pub(crate) const PATCH_VALUES: u64 = 3 * FRAMES * PATCH * PATCH;
/// The term that norms add to a variance.
pub(crate) const EPSILON: f32 = 1e-6;

/// A release: one model, or several that belong together, each in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its name.
    pub name: &'static str,
    /// A short description.
    pub about: &'static str,
    /// The precision that it has if none is asked for.
    pub dtype: Dtype,
    /// Its models and their folders; no folder where there is one model.
    pub models: &'static [(&'static str, Shape)],
}

impl Release {
    /// The release of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        RELEASES.iter().find(|release| release.name == name)
    }
}

const QWEN2_VL_2B: Shape = Shape {
    name: "qwen2-vl-2b",
    family: Family::Qwen2Vl,
    layers: 28,
    hidden: 1536,
    intermediate: 8960,
    heads: 12,
    kv_heads: 2,
    head_dim: 128,
    vocab: 151_936,
    tokens: 151_643,
    tied: true,
    sections: [16, 24, 24],
    context: 32_768,
    most_pixels: 12_845_056,
    theta: 1_000_000,
    tower: Tower { layers: 32, hidden: 1280, intermediate: 5120, heads: 16, full: &[] },
    trained: None,
};

const QWEN25_VL_7B: Shape = Shape {
    name: "qwen2.5-vl-7b",
    family: Family::Qwen25Vl,
    layers: 28,
    hidden: 3584,
    intermediate: 18_944,
    heads: 28,
    kv_heads: 4,
    head_dim: 128,
    vocab: 152_064,
    tied: false,
    context: 128_000,
    tower: Tower { layers: 32, hidden: 1280, intermediate: 3420, heads: 16, full: &[7, 15, 23, 31] },
    ..QWEN2_VL_2B
};

const TINY_DRAFT: Shape = Shape {
    name: "tiny-draft",
    family: Family::Qwen2Vl,
    layers: 2,
    hidden: 64,
    intermediate: 160,
    heads: 4,
    kv_heads: 2,
    head_dim: 16,
    vocab: 1024,
    tokens: 680,
    tied: true,
    sections: [2, 3, 3],
    context: 8192,
    most_pixels: 1_003_520,
    theta: 1_000_000,
    tower: Tower { layers: 2, hidden: 32, intermediate: 128, heads: 2, full: &[] },
    trained: None,
};

const TINY_TARGET: Shape = Shape {
    name: "tiny-target",
    family: Family::Qwen25Vl,
    layers: 4,
    hidden: 128,
    intermediate: 256,
    heads: 8,
    tied: false,
    tower: Tower { layers: 4, hidden: 48, intermediate: 112, heads: 3, full: &[1, 3] },
    ..TINY_DRAFT
};

/// The words of the trained pair: `cargo xtask train` writes them.
const WORDS: &str = include_str!("../../pair/words.json");

/// Rotary positions turn fast, so that places of a small picture differ; pictures are shrunk to those of the lessons.
const TRAINED_DRAFT: Shape = Shape {
    name: "trained-draft",
    hidden: 48,
    intermediate: 96,
    vocab: 111,
    tokens: 97,
    tied: false,
    context: 1024,
    most_pixels: 112 * 112,
    theta: 10,
    tower: Tower { layers: 1, hidden: 32, intermediate: 64, heads: 2, full: &[] },
    trained: Some(Trained {
        words: WORDS,
        weights: include_bytes!("../../pair/draft.safetensors"),
        heads: Some(include_str!("../../pair/heads.toml")),
    }),
    ..TINY_DRAFT
};

const TRAINED_TARGET: Shape = Shape {
    name: "trained-target",
    layers: 3,
    hidden: 96,
    intermediate: 192,
    heads: 6,
    tower: Tower { layers: 2, hidden: 64, intermediate: 128, heads: 4, full: &[] },
    trained: Some(Trained { words: WORDS, weights: include_bytes!("../../pair/target.safetensors"), heads: None }),
    ..TRAINED_DRAFT
};

/// The releases that can be written.
pub static RELEASES: [Release; 4] = [
    Release {
        name: "qwen2-vl-2b",
        about: "Qwen2-VL-2B: 2.2 billion parameters",
        dtype: Dtype::Fp16,
        models: &[("", QWEN2_VL_2B)],
    },
    Release {
        name: "qwen2.5-vl-7b",
        about: "Qwen2.5-VL-7B: 8.3 billion parameters",
        dtype: Dtype::Fp16,
        models: &[("", QWEN25_VL_7B)],
    },
    Release {
        name: "tiny",
        about: "a draft in Qwen2-VL's form and a target in Qwen2.5-VL's, for tests",
        dtype: Dtype::Fp32,
        models: &[("draft", TINY_DRAFT), ("target", TINY_TARGET)],
    },
    Release {
        name: "trained",
        about: "a draft and a target that were trained on drawn pictures",
        dtype: Dtype::Fp32,
        models: &[("draft", TRAINED_DRAFT), ("target", TRAINED_TARGET)],
    },
];
