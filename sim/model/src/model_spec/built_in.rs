//! The built-in models. `docs/hardware.md` (section "Architecture numbers") names the source of each one's dimensions.

use std::borrow::Cow;

use super::{Experts, ModelSpec};
use crate::format::Storage;
use crate::vision::{TowerShape, VisionTower, clip};

/// Every built-in model. To add one, add an entry.
///
/// Context windows are `max_position_embeddings` of each one's `config.json`; LLaVA's is that of `lmsys/vicuna-7b-v1.5`.
pub static MODELS: [ModelSpec; 12] = [
    spec(Decoder {
        dimensions: [28, 1536, 8960, 12, 2, 128, 151_936],
        context_window: 32_768,
        tied_head: true,
        vision: Some(TowerShape::QWEN2.into_width(1536)),
        ..qwen2("qwen2-vl-2b")
    }),
    spec(Decoder {
        dimensions: [36, 2048, 11_008, 16, 2, 128, 151_936],
        tied_head: true,
        vision: Some(TowerShape::QWEN2_5.into_width(2048)),
        ..qwen2("qwen2.5-vl-3b")
    }),
    spec(Decoder { vision: Some(TowerShape::QWEN2_5.into_width(3584)), ..qwen2("qwen2.5-vl-7b") }),
    spec(Decoder { context_window: 32_768, vision: Some(TowerShape::QWEN2.into_width(3584)), ..qwen2("qwen2-vl-7b") }),
    spec(Decoder {
        dimensions: [64, 5120, 27_648, 40, 8, 128, 152_064],
        vision: Some(LARGER_TOWER.into_width(5120)),
        ..qwen2("qwen2.5-vl-32b")
    }),
    spec(Decoder {
        dimensions: [80, 8192, 29_568, 64, 8, 128, 152_064],
        vision: Some(LARGER_TOWER.into_width(8192)),
        ..qwen2("qwen2.5-vl-72b")
    }),
    spec(Decoder {
        qk_norm: true,
        vision: Some(TowerShape::QWEN3.into_width(4096)),
        ..plain("qwen3-vl-8b", [36, 4096, 12_288, 32, 8, 128, 151_936], 262_144)
    }),
    spec(Decoder { vision: Some(TowerShape::QWEN3.into_width(2048)), ..qwen3_30b_a3b("qwen3-vl-30b-a3b") }),
    spec(Decoder { vision: Some(clip(4096)), ..plain("llava-1.5-7b", [32, 4096, 11_008, 32, 32, 128, 32_064], 4_096) }),
    spec(Decoder {
        qkv_bias: true,
        tied_head: true,
        ..plain("qwen2.5-0.5b", [24, 896, 4864, 14, 2, 64, 151_936], 32_768)
    }),
    spec(plain("llama-3.1-8b", [32, 4096, 14_336, 32, 8, 128, 128_256], 131_072)),
    spec(qwen3_30b_a3b("qwen3-30b-a3b-instruct-2507")),
];

/// The tower of the larger two of Qwen2.5-VL.
const LARGER_TOWER: TowerShape = TowerShape { intermediate: 3456, ..TowerShape::QWEN2_5 };

/// The facts in which built-in models differ.
struct Decoder {
    name: &'static str,
    /// In the order of [`ModelSpec::dense`].
    dimensions: [u64; 7],
    context_window: u64,
    qkv_bias: bool,
    qk_norm: bool,
    tied_head: bool,
    experts: Option<Experts>,
    vision: Option<VisionTower>,
}

/// A dense decoder without biases that reads text alone.
const fn plain(name: &'static str, dimensions: [u64; 7], context_window: u64) -> Decoder {
    let (qkv_bias, qk_norm, tied_head) = (false, false, false);
    Decoder { name, dimensions, context_window, qkv_bias, qk_norm, tied_head, experts: None, vision: None }
}

/// The language model of Qwen2-VL-7B and Qwen2.5-VL-7B, with the latter's context window.
const fn qwen2(name: &'static str) -> Decoder {
    Decoder { qkv_bias: true, ..plain(name, [28, 3584, 18_944, 28, 4, 128, 152_064], 128_000) }
}

/// The language model of Qwen3-30B-A3B and Qwen3-VL-30B-A3B: 128 experts, eight a token.
const fn qwen3_30b_a3b(name: &'static str) -> Decoder {
    let experts = Some(Experts { experts: 128, per_token: 8, shared: 0, intermediate: 768 });
    Decoder { qk_norm: true, experts, ..plain(name, [48, 2048, 6144, 32, 4, 128, 151_936], 262_144) }
}

const fn spec(decoder: Decoder) -> ModelSpec {
    let [layers, hidden, intermediate, heads, kv_heads, head_dim, vocab] = decoder.dimensions;
    ModelSpec {
        name: Cow::Borrowed(decoder.name),
        layers,
        hidden,
        intermediate,
        heads,
        kv_heads,
        head_dim,
        vocab,
        context_window: Some(decoder.context_window),
        gated_mlp: true,
        qkv_bias: decoder.qkv_bias,
        qk_norm: decoder.qk_norm,
        tied_head: decoder.tied_head,
        experts: decoder.experts,
        window: None,
        storage: Storage::FP16,
        vision: decoder.vision,
    }
}
