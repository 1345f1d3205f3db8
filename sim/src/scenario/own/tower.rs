//! The `[model.NAME.vision]` table: a vision tower of one's own.

use super::Refusal;
use super::ranges::{in_range, number, or_zero};
use model::vision::{Attention, Resize, TowerShape, VisionTower};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A vision tower by its dimensions: patches, layers, and a projector of two matrices that makes tokens of them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomTower {
    /// Layers (`depth`, `num_hidden_layers`).
    pub layers: u32,
    /// Width of a layer (`hidden_size`, of Qwen2-VL `embed_dim`).
    pub width: u32,
    /// Width of the MLP (`intermediate_size`).
    pub intermediate: u32,
    /// True if the MLP has three matrices instead of two; default false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gated_mlp: bool,
    /// Pixels of a patch's side (`patch_size`), e.g. 14.
    pub patch: u32,
    /// Frames of a patch (`temporal_patch_size`); default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<u32>,
    /// Patches of a side of the square that becomes one token (`spatial_merge_size`); default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<u32>,
    /// Window of a patch's attention; every patch of its picture if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<TowerWindow>,
    /// Layers whose features go to deeper layers of the decoder (`deepstack_visual_indexes`), with a projector each;
    /// default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deepstack: Option<u32>,
    /// Tokens of every picture, whatever its size. If absent, a picture has as many as it has squares of `patch` times
    /// `merge` pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u32>,
    /// Fewest tokens of a picture; smaller pictures are enlarged; default 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_tokens: Option<u32>,
    /// Most tokens of a picture; larger pictures are shrunk; default 16,384.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
}

/// A window of a patch's attention.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TowerWindow {
    /// Patches of a whole window, e.g. 64.
    pub patches: u32,
    /// Period of the layers that attend to all patches, e.g. 8.
    pub full_every: u32,
}

/// Most patches of a picture: beyond any published tower, and the products of a tower's FLOP below 2^63.
const MOST_PATCHES: u32 = 1 << 18;

impl CustomTower {
    /// The tower, whose projectors end in the width of a language model.
    ///
    /// # Errors
    /// A dimension is out of range.
    pub(super) fn tower(&self, width: u64) -> Result<VisionTower, Refusal> {
        let or_one = |key, value: Option<u32>, most| number(key, value.unwrap_or(1), most);
        let patch = number("vision.patch", self.patch, 128)?;
        let frames = or_one("vision.frames", self.frames, 16)?;
        let merge = or_one("vision.merge", self.merge, 16)?;
        let resize = self.resize(patch * merge, merge * merge)?;
        let attention = match self.window {
            Some(window) => Attention::Window {
                patches: number("vision.window.patches", window.patches, MOST_PATCHES)?,
                full_every: number("vision.window.full_every", window.full_every, 1000)?,
            },
            None => Attention::Full,
        };
        let shape = TowerShape {
            layers: number("vision.layers", self.layers, 1000)?,
            hidden: number("vision.width", self.width, 1 << 14)?,
            intermediate: number("vision.intermediate", self.intermediate, 1 << 16)?,
            gated_mlp: self.gated_mlp,
            norm_bias: true,
            patch_values: 3 * frames * patch * patch,
            patch_bias: true,
            positions: 0,
            merge,
            attention,
            deepstack: or_zero("vision.deepstack", self.deepstack, 1000)?,
            resize,
        };
        Ok(shape.into_width(width))
    }

    /// The rule from pixels to patches, for tokens of that side in pixels and of so many patches.
    fn resize(&self, token_side: u64, patches_per_token: u64) -> Result<Resize, Refusal> {
        let most = MOST_PATCHES / patches_per_token as u32;
        let ranges = [("vision.min_tokens", self.min_tokens), ("vision.max_tokens", self.max_tokens)];
        if let Some(tokens) = in_range("vision.tokens", self.tokens, most)? {
            return match ranges.into_iter().find(|(_, value)| value.is_some()) {
                Some((key, _)) => Err((key, "`tokens` has the number for every picture; leave one out".to_owned())),
                None => Ok(Resize::Fixed { patches: tokens * patches_per_token }),
            };
        }
        let [least, greatest] = ranges.map(|(key, value)| in_range(key, value, most));
        let (least, greatest) = (least?.unwrap_or(4), greatest?.unwrap_or(u64::from(most.min(16_384))));
        if least > greatest {
            return Err(("vision.max_tokens", format!("expected at least the {least} tokens of `min_tokens`")));
        }
        let pixels = token_side * token_side;
        Ok(Resize::Qwen { token_side, min_pixels: least * pixels, max_pixels: greatest * pixels })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tower(text: &str) -> Result<VisionTower, Refusal> {
        toml::from_str::<CustomTower>(text).expect("a table").tower(4096)
    }

    const QWEN3: &str =
        "layers = 27\nwidth = 1152\nintermediate = 4304\npatch = 16\nframes = 2\nmerge = 2\ndeepstack = 3\n";

    #[test]
    fn a_published_tower_can_be_written_out() {
        let own = tower(&format!("{QWEN3}min_tokens = 64\n")).unwrap();
        let published = TowerShape::QWEN3.into_width(4096);
        // But for the learned positions.
        assert_eq!(own.params, published.params - 2304 * 1152);
        assert_eq!(VisionTower { params: 0, ..own }, VisionTower { params: 0, ..published });
        let fixed = tower("layers = 23\nwidth = 1024\nintermediate = 4096\npatch = 14\ntokens = 576\n").unwrap();
        assert_eq!(fixed.image(1920, 1080).unwrap().patches, 576);
        let windows = tower(&format!("{QWEN3}window = {{ patches = 64, full_every = 9 }}\n")).unwrap();
        assert!(windows.flop(4096) < own.flop(4096));
    }

    #[test]
    fn dimensions_out_of_range_are_refused_by_their_key() {
        for (more, key) in [
            ("patch = 0", "vision.patch"),
            ("merge = 17", "vision.merge"),
            ("layers = 1001", "vision.layers"),
            ("tokens = 0", "vision.tokens"),
            ("tokens = 300000", "vision.tokens"),
            ("tokens = 9\nmin_tokens = 4", "vision.min_tokens"),
            ("min_tokens = 10\nmax_tokens = 9", "vision.max_tokens"),
            ("window = { patches = 64, full_every = 0 }", "vision.window.full_every"),
        ] {
            let first = more.split(" = ").next().unwrap();
            let rest: String =
                QWEN3.lines().filter(|line| !line.starts_with(first)).map(|line| format!("{line}\n")).collect();
            assert_eq!(tower(&format!("{rest}{more}\n")).unwrap_err().0, key);
        }
    }
}
