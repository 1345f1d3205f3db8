//! Vision towers: the patches and tokens of an image, and the cost of encoding them.
//!
//! The resize rule is `smart_resize` of the Qwen2-VL image processor (transformers), as `docs/hardware.md` ("Visual
//! tokens") restates it; its examples are the tests. LLaVA-1.5 always sees 336 x 336 pixels.

use serde::{Deserialize, Serialize};
use units::Flops;

/// Most times that one side of a picture is as long as the other; the published processor refuses what is longer.
pub const MAX_ASPECT: u32 = 200;

/// Values of a pixel: red, green, blue.
const CHANNELS: u64 = 3;

/// True if one side is longer than [`MAX_ASPECT`] times the other.
pub fn is_too_elongated(width: u32, height: u32) -> bool {
    width.max(height) > width.min(height).saturating_mul(MAX_ASPECT)
}

/// The range of a patch's attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attention {
    /// Every patch of its image, in every layer.
    Full,
    /// Its window, except in every `full_every`-th layer (Qwen2.5-VL: 64 patches; layers 7, 15, 23, 31 are full).
    Window {
        /// Patches of a whole window.
        patches: u64,
        /// Period of the layers with full attention.
        full_every: u64,
    },
}

/// The rule from an image's size to a number of patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// Sides rounded to multiples of a token's side, the area kept within bounds.
    Qwen {
        /// Pixels of the side of the square that one visual token covers: two patches of 14 (28) or of 16 (32).
        token_side: u64,
        /// Least area in pixels: 3,136 (4 tokens) in the hub's preprocessor.
        min_pixels: u64,
        /// Greatest area in pixels: 12,845,056 (16,384 tokens) in the hub's preprocessor, 1,003,520 (1,280 tokens) as
        /// the class default of transformers.
        max_pixels: u64,
    },
    /// Every image is resized to the same square (LLaVA-1.5: 24 x 24 patches).
    Fixed {
        /// Patches of that square.
        patches: u64,
    },
}

/// An image as the models see it: patches for the vision tower, tokens for the language model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patches {
    /// Patches that the tower encodes.
    pub patches: u64,
    /// Visual tokens that the language model reads, without the two markers around an image.
    pub tokens: u64,
}

/// A vision transformer with its projector.
///
/// ```
/// use model::model_spec::ModelSpec;
///
/// let tower = ModelSpec::named("qwen2-vl-2b").unwrap().vision.as_ref().unwrap();
/// let image = tower.image(448, 448).expect("not too elongated");
/// assert_eq!((image.tokens, image.patches), (256, 1024)); // 16 x 16 tokens of 28 x 28 pixels
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisionTower {
    /// Transformer layers that run (CLIP stores one more).
    pub layers: u64,
    /// Width of a layer.
    pub hidden: u64,
    /// Width of the MLP.
    pub intermediate: u64,
    /// Three MLP matrices instead of two.
    pub gated_mlp: bool,
    /// Input values of a patch: channels x frames x 14 x 14.
    pub patch_values: u64,
    /// Tokens beside the patches that take part in attention (CLIP's class token).
    pub class_tokens: u64,
    /// The range of a patch's attention.
    pub attention: Attention,
    /// Patches merged into one visual token.
    pub patches_per_token: u64,
    /// Widths of the two-layer projector: in, middle, out.
    pub projector: [u64; 3],
    /// Projectors of that size: one, and with DeepStack (Qwen3-VL) one more for each layer whose features are added to
    /// those of a decoder layer.
    pub projectors: u64,
    /// The rule from pixels to patches.
    pub resize: Resize,
    /// Stored parameters, projector and unused layers included.
    pub params: u64,
}

impl VisionTower {
    /// Patches and tokens of an image of that many pixels; `None` if it has no pixels or is too elongated.
    pub fn image(&self, width: u32, height: u32) -> Option<Patches> {
        if width.min(height) == 0 || is_too_elongated(width, height) {
            return None;
        }
        let tokens = match self.resize {
            Resize::Fixed { patches } => patches / self.patches_per_token,
            Resize::Qwen { token_side, min_pixels, max_pixels } => {
                qwen_tokens((width, height), token_side, (min_pixels, max_pixels))
            }
        };
        Some(self.of_tokens(tokens))
    }

    /// The same tower with a projector into a model of another width.
    pub fn into_width(mut self, hidden: u64) -> VisionTower {
        let [_, middle, out] = self.projector;
        // The last matrix of each projector and its bias.
        let rows = self.projectors * (middle + 1);
        self.params = self.params - rows * out + rows * hidden;
        self.projector[2] = hidden;
        self
    }

    /// The patches behind that many visual tokens.
    pub fn of_tokens(&self, tokens: u64) -> Patches {
        Patches { patches: tokens * self.patches_per_token, tokens }
    }

    /// Pixels of that many patches, as the picture is after resizing.
    pub fn pixels(&self, patches: u64) -> u64 {
        match self.resize {
            Resize::Qwen { token_side, .. } => patches * token_side * token_side / self.patches_per_token,
            Resize::Fixed { .. } => patches * self.patch_values / CHANNELS,
        }
    }

    /// The rest of an image if the share `retained` is kept before the tower (`prune_stage = pre_vit`): whole tokens,
    /// rounded up, at least one.
    pub fn retain(&self, image: Patches, retained: f64) -> Patches {
        let kept = (image.tokens as f64 * retained).ceil() as u64;
        self.of_tokens(kept.clamp(1.min(image.tokens), image.tokens))
    }

    /// FLOP of encoding `patches` of one image: embedding, layers and projector.
    ///
    /// A video frame pair is one image: the towers do not attend across time.
    pub fn flop(&self, patches: u64) -> Flops {
        let [input, middle, output] = self.projector;
        let matrices = 2 * self.projectors * (input * middle + middle * output);
        let projector = u128::from(patches / self.patches_per_token) * u128::from(matrices);
        self.blocks_flop(patches, self.layers) + Flops::new(projector as f64)
    }

    /// FLOP of the patch embedding and the first `blocks` layers for `patches` of one image, as a probe runs them. They are
    /// counted in 128 bits, since a file may state any number of patches.
    ///
    /// Window attention counts whole windows, so an image whose sides are not multiples of 112 pixels is charged a
    /// little too much there; window attention is under 1 % of the tower.
    pub fn blocks_flop(&self, patches: u64, blocks: u64) -> Flops {
        let blocks = blocks.min(self.layers);
        let rows = u128::from(patches + self.class_tokens);
        let mlp = if self.gated_mlp { 3 } else { 2 } * self.hidden * self.intermediate;
        let matrices = rows * u128::from(2 * blocks * (4 * self.hidden * self.hidden + mlp));
        let embedding = u128::from(patches) * u128::from(2 * self.patch_values * self.hidden);
        let pairs = match self.attention {
            Attention::Full => u128::from(blocks) * rows * rows,
            Attention::Window { patches: window, full_every } => {
                let full = blocks / full_every;
                u128::from(full) * rows * rows + u128::from(blocks - full) * rows * u128::from(window).min(rows)
            }
        };
        Flops::new((embedding + matrices + u128::from(4 * self.hidden) * pairs) as f64)
    }
}

/// A tower of the shape that Qwen's have: patches, layers with biases, and mergers of square groups of patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TowerShape {
    /// Layers.
    pub layers: u64,
    /// Width of a layer.
    pub hidden: u64,
    /// Width of the MLP.
    pub intermediate: u64,
    /// Three matrices of the MLP instead of two.
    pub gated_mlp: bool,
    /// Norms have a bias.
    pub norm_bias: bool,
    /// Input values of a patch: channels x frames x side x side.
    pub patch_values: u64,
    /// The embedding of patches has a bias.
    pub patch_bias: bool,
    /// Learned positions; none where they are rotary.
    pub positions: u64,
    /// Patches of a side of the square that is merged into one token.
    pub merge: u64,
    /// The range of a patch's attention.
    pub attention: Attention,
    /// Layers beside the last whose features are merged too (DeepStack).
    pub deepstack: u64,
    /// The rule from pixels to patches.
    pub resize: Resize,
}

impl TowerShape {
    /// Qwen2-VL: full attention, an MLP of two matrices.
    pub const QWEN2: TowerShape = TowerShape {
        layers: 32,
        hidden: 1280,
        intermediate: 5120,
        gated_mlp: false,
        norm_bias: true,
        patch_values: 3 * 2 * 14 * 14,
        patch_bias: false,
        positions: 0,
        merge: 2,
        attention: Attention::Full,
        deepstack: 0,
        resize: Resize::Qwen { token_side: 28, min_pixels: 3_136, max_pixels: 12_845_056 },
    };

    /// Qwen2.5-VL: windows of 112 px, full attention in every eighth layer, a gated MLP.
    pub const QWEN2_5: TowerShape = TowerShape {
        intermediate: 3420,
        gated_mlp: true,
        norm_bias: false,
        attention: Attention::Window { patches: 64, full_every: 8 },
        ..Self::QWEN2
    };

    /// Qwen3-VL from 8B on: patches of 16 px, learned positions of a grid of 48 x 48, features of three more layers.
    pub const QWEN3: TowerShape = TowerShape {
        layers: 27,
        hidden: 1152,
        intermediate: 4304,
        patch_values: 3 * 2 * 16 * 16,
        patch_bias: true,
        positions: 2304,
        deepstack: 3,
        resize: Resize::Qwen { token_side: 32, min_pixels: 65_536, max_pixels: 16_777_216 },
        ..Self::QWEN2
    };

    /// The tower, whose mergers end in the width of a language model.
    pub const fn into_width(self, width: u64) -> VisionTower {
        let Self { layers, hidden, intermediate, gated_mlp, patch_values, merge, .. } = self;
        let patches_per_token = merge * merge;
        let merged = patches_per_token * hidden;
        let norm = if self.norm_bias { 2 * hidden } else { hidden };
        let matrices = if gated_mlp { 3 } else { 2 };
        let mlp = matrices * hidden * intermediate + (matrices - 1) * intermediate + hidden;
        let layer = 2 * norm + 4 * hidden * hidden + 4 * hidden + mlp;
        let patch_bias = if self.patch_bias { hidden } else { 0 };
        let embedding = patch_values * hidden + patch_bias + self.positions * hidden;
        let merger = merged * merged + merged + merged * width + width;
        // The mergers of DeepStack norm what is merged, the last one each patch.
        let mergers = norm + merger + self.deepstack * (patches_per_token * norm + merger);
        VisionTower {
            layers,
            hidden,
            intermediate,
            gated_mlp,
            patch_values,
            class_tokens: 0,
            attention: self.attention,
            patches_per_token,
            projector: [merged, merged, width],
            projectors: 1 + self.deepstack,
            resize: self.resize,
            params: embedding + layers * layer + mergers,
        }
    }
}

/// CLIP-L/14 at 336 px as LLaVA-1.5 runs it: the features of layer -2, so 23 of 24 layers, and a projector of two layers into
/// the width of a language model.
pub const fn clip(width: u64) -> VisionTower {
    VisionTower {
        layers: 23,
        hidden: 1024,
        intermediate: 4096,
        gated_mlp: false,
        patch_values: 3 * 14 * 14,
        class_tokens: 1,
        attention: Attention::Full,
        patches_per_token: 1,
        projector: [1024, width, width],
        projectors: 1,
        resize: Resize::Fixed { patches: 576 },
        params: 303_507_456 + (1024 + 1) * width + (width + 1) * width,
    }
}

/// Visual tokens of an image: `smart_resize` with a token's side as the factor, then one token for each such square.
fn qwen_tokens((width, height): (u32, u32), token_side: u64, (min_pixels, max_pixels): (u64, u64)) -> u64 {
    let (width, height, side) = (f64::from(width), f64::from(height), token_side as f64);
    // Python's round is half to even: 350 pixels are 12.5 tokens of 28, which become 12.
    let rounded = |length: f64| (length / side).round_ties_even();
    let (columns, rows) = (rounded(width), rounded(height));
    let pixels = columns * rows * side * side;
    let (columns, rows) = if pixels > max_pixels as f64 {
        let shrink = (width * height / max_pixels as f64).sqrt();
        let floored = |length: f64| (length / shrink / side).floor().max(1.0);
        (floored(width), floored(height))
    } else if pixels < min_pixels as f64 {
        let stretch = (min_pixels as f64 / (width * height)).sqrt();
        let raised = |length: f64| (length * stretch / side).ceil();
        (raised(width), raised(height))
    } else {
        (columns, rows)
    };
    columns as u64 * rows as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model_spec::ModelSpec;

    fn tower(name: &str) -> VisionTower {
        ModelSpec::named(name).unwrap().vision.clone().unwrap()
    }

    /// Width, height, tokens with the hub's bounds, tokens with the cap of 1,280.
    const EXAMPLES: [(u32, u32, u64, u64); 9] = [
        (224, 224, 64, 64),
        (336, 336, 144, 144),
        (480, 360, 221, 221),
        (640, 480, 391, 391),
        (672, 672, 576, 576),
        (1024, 1024, 1369, 1225),
        (1280, 720, 1196, 1196),
        (1920, 1080, 2691, 1222),
        (1680, 2240, 4800, 1230),
    ];

    #[test]
    fn tokens_are_those_of_the_published_examples() {
        let hub = tower("qwen2.5-vl-7b");
        let mut capped = hub.clone();
        capped.resize = Resize::Qwen { token_side: 28, min_pixels: 3_136, max_pixels: 1_003_520 };
        for (width, height, tokens, with_cap) in EXAMPLES {
            assert_eq!(hub.image(width, height).unwrap().tokens, tokens, "{width}x{height}");
            assert_eq!(capped.image(width, height).unwrap().tokens, with_cap, "{width}x{height} capped");
        }
    }

    #[test]
    fn ties_round_to_even_and_bounds_hold() {
        let tower = tower("qwen2-vl-2b");
        assert_eq!(tower.image(350, 280).unwrap().tokens, 12 * 10);
        assert_eq!(tower.image(378, 280).unwrap().tokens, 14 * 10);
        assert_eq!(tower.image(20, 20).unwrap().tokens, 4);
        assert!(tower.image(8000, 8000).unwrap().tokens <= 16_384);
        assert_eq!(tower.image(0, 100), None);
        assert_eq!(tower.image(10, 3000), None);
    }

    #[test]
    fn a_qwen_token_is_four_patches_and_llava_has_576_always() {
        assert_eq!(tower("qwen2-vl-2b").image(640, 480).unwrap(), Patches { patches: 1564, tokens: 391 });
        for size in [(224, 224), (640, 480), (1680, 2240)] {
            assert_eq!(tower("llava-1.5-7b").image(size.0, size.1).unwrap(), Patches { patches: 576, tokens: 576 });
        }
    }

    #[test]
    fn a_projector_into_another_width_has_another_last_matrix() {
        let tower = tower("qwen2.5-vl-7b");
        let [_, middle, out] = tower.projector;
        assert_eq!(tower.clone().into_width(out), tower);
        let wider = tower.clone().into_width(out + 3);
        assert_eq!(wider.params - tower.params, 3 * tower.projectors * (middle + 1));
        assert_eq!(wider.projector[2], out + 3);
    }

    #[test]
    fn retention_keeps_whole_tokens() {
        let tower = tower("qwen2.5-vl-7b");
        let image = tower.image(640, 480).unwrap();
        assert_eq!(tower.retain(image, 1.0), image);
        assert_eq!(tower.retain(image, 0.5), Patches { patches: 784, tokens: 196 });
        assert_eq!(tower.retain(image, 0.0).tokens, 1);
        assert!(tower.flop(784) < tower.flop(image.patches));
    }

    #[test]
    fn windows_make_attention_linear_in_the_patches() {
        let (full, window) = (tower("qwen2-vl-7b"), tower("qwen2.5-vl-7b"));
        let growth = |tower: &VisionTower| tower.blocks_flop(4096, 4).as_f64() / tower.blocks_flop(1024, 4).as_f64();
        assert!((growth(&window) - 4.0).abs() < 1e-9);
        assert!(growth(&full) > 4.5);
    }
}
