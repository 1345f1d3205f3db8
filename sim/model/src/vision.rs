//! Vision towers: the patches and tokens of an image, and the cost of encoding them.
//!
//! The resize rule is `smart_resize` of the Qwen2-VL image processor (transformers), as `docs/hardware.md` ("Visual
//! tokens") restates it; its examples are the tests. LLaVA-1.5 always sees 336 x 336 pixels.

use serde::{Deserialize, Serialize};
use units::Flops;

/// Pixels of the side of the square that one Qwen visual token covers: two patches of 14.
const TOKEN_SIDE: f64 = 28.0;

/// The processor refuses images more elongated than this.
const MAX_ASPECT: u64 = 200;

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
    /// Sides rounded to multiples of 28 pixels, the area kept within bounds.
    Qwen {
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
    /// The rule from pixels to patches.
    pub resize: Resize,
    /// Stored parameters, projector and unused layers included.
    pub params: u64,
}

impl VisionTower {
    /// Patches and tokens of an image of that many pixels; `None` if it has no pixels or is more elongated than 200:1,
    /// which the published processor refuses.
    pub fn image(&self, width: u32, height: u32) -> Option<Patches> {
        let (short, long) = (u64::from(width.min(height)), u64::from(width.max(height)));
        if short == 0 || long > short * MAX_ASPECT {
            return None;
        }
        let tokens = match self.resize {
            Resize::Fixed { patches } => patches / self.patches_per_token,
            Resize::Qwen { min_pixels, max_pixels } => qwen_tokens(width, height, min_pixels, max_pixels),
        };
        Some(self.of_tokens(tokens))
    }

    /// The same tower with a projector into a model of another width.
    pub fn into_width(mut self, hidden: u64) -> VisionTower {
        let [_, middle, out] = self.projector;
        // The last matrix and its bias.
        self.params = self.params - (middle + 1) * out + (middle + 1) * hidden;
        self.projector[2] = hidden;
        self
    }

    /// The patches behind that many visual tokens.
    pub fn of_tokens(&self, tokens: u64) -> Patches {
        Patches { patches: tokens * self.patches_per_token, tokens }
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
        let projector = 2 * (patches / self.patches_per_token) * (input * middle + middle * output);
        self.blocks_flop(patches, self.layers) + Flops::new(projector as f64)
    }

    /// FLOP of the patch embedding and the first `blocks` layers for `patches` of one image, as a probe runs them.
    ///
    /// Window attention counts whole windows, so an image whose sides are not multiples of 112 pixels is charged a
    /// little too much there; window attention is under 1 % of the tower.
    pub fn blocks_flop(&self, patches: u64, blocks: u64) -> Flops {
        let blocks = blocks.min(self.layers);
        let rows = patches + self.class_tokens;
        let mlp = if self.gated_mlp { 3 } else { 2 } * self.hidden * self.intermediate;
        let matrices = 2 * rows * blocks * (4 * self.hidden * self.hidden + mlp);
        let embedding = 2 * patches * self.patch_values * self.hidden;
        let pairs = match self.attention {
            Attention::Full => blocks * rows * rows,
            Attention::Window { patches: window, full_every } => {
                let full = blocks / full_every;
                full * rows * rows + (blocks - full) * rows * window.min(rows)
            }
        };
        Flops::new((embedding + matrices + 4 * self.hidden * pairs) as f64)
    }
}

/// A tower of Qwen2-VL, or with windows one of Qwen2.5-VL, by its dimensions.
#[derive(Clone, Copy, Debug)]
pub struct QwenTower {
    /// Layers.
    pub layers: u64,
    /// Width of a layer.
    pub hidden: u64,
    /// Width of the MLP.
    pub intermediate: u64,
    /// Input values of a patch.
    pub patch_values: u64,
    /// Patches of a window and the period of the layers that see all. The later family has windows, norms without a
    /// bias and three matrices in its MLP; the first has none of these.
    pub window: Option<(u64, u64)>,
}

impl QwenTower {
    /// The tower, whose merger of four patches ends in the width of a language model.
    pub const fn into_width(self, width: u64) -> VisionTower {
        let Self { layers, hidden, intermediate, patch_values, window } = self;
        let merged = 4 * hidden;
        let (norm, mlp, attention) = match window {
            Some((patches, full_every)) => {
                let mlp = 3 * hidden * intermediate + 2 * intermediate + hidden;
                (hidden, mlp, Attention::Window { patches, full_every })
            }
            None => (2 * hidden, 2 * hidden * intermediate + intermediate + hidden, Attention::Full),
        };
        let layer = 2 * norm + 4 * hidden * hidden + 4 * hidden + mlp;
        let merger = norm + merged * merged + merged + merged * width + width;
        VisionTower {
            layers,
            hidden,
            intermediate,
            gated_mlp: window.is_some(),
            patch_values,
            class_tokens: 0,
            attention,
            patches_per_token: 4,
            projector: [merged, merged, width],
            resize: Resize::Qwen { min_pixels: 3_136, max_pixels: 12_845_056 },
            params: patch_values * hidden + layers * layer + merger,
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
        resize: Resize::Fixed { patches: 576 },
        params: 303_507_456 + (1024 + 1) * width + (width + 1) * width,
    }
}

/// Visual tokens of an image: `smart_resize` with factor 28, then one token for each 28 x 28 pixels.
fn qwen_tokens(width: u32, height: u32, min_pixels: u64, max_pixels: u64) -> u64 {
    let (width, height) = (f64::from(width), f64::from(height));
    // Python's round is half to even: 350 pixels are 12.5 tokens, which become 12.
    let rounded = |side: f64| (side / TOKEN_SIDE).round_ties_even();
    let (columns, rows) = (rounded(width), rounded(height));
    let pixels = columns * rows * TOKEN_SIDE * TOKEN_SIDE;
    let (columns, rows) = if pixels > max_pixels as f64 {
        let shrink = (width * height / max_pixels as f64).sqrt();
        let floored = |side: f64| (side / shrink / TOKEN_SIDE).floor().max(1.0);
        (floored(width), floored(height))
    } else if pixels < min_pixels as f64 {
        let stretch = (min_pixels as f64 / (width * height)).sqrt();
        let raised = |side: f64| (side * stretch / TOKEN_SIDE).ceil();
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
        capped.resize = Resize::Qwen { min_pixels: 3_136, max_pixels: 1_003_520 };
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
