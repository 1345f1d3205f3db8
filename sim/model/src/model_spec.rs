//! Models: the dimensions of a decoder and its vision tower, and the parameters, bytes and FLOP derived from them.
//!
//! Only dimensions are stored; parameters, bytes and FLOP are derived, and the tests compare them with every number of
//! `docs/hardware.md` (section "Architecture numbers"), whose configuration sources are named there.
//! A multiply-accumulate counts as two FLOP. Norms, softmax, activations and rotary embedding are not counted.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use units::{Bytes, Flops};

use crate::format::Storage;
use crate::vision::{QwenTower, VisionTower, clip};

/// A dense decoder-only language model, with a vision tower if it has one.
///
/// ```
/// use model::model_spec::ModelSpec;
///
/// let qwen = ModelSpec::named("qwen2-vl-2b").expect("a built-in model");
/// assert_eq!(qwen.kv_bytes_per_token().to_string(), "28 KiB");
/// assert_eq!((qwen.decode_weight_bytes().as_gb_f64() * 100.0).round() / 100.0, 3.09);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelSpec {
    /// Kebab-case name, e.g. `qwen2-vl-2b`.
    pub name: Cow<'static, str>,
    /// Decoder layers.
    pub layers: u64,
    /// Width of the residual stream.
    pub hidden: u64,
    /// Width of the MLP.
    pub intermediate: u64,
    /// Query heads.
    pub heads: u64,
    /// Key/value heads: the KV cache counts these, not the query heads.
    pub kv_heads: u64,
    /// Width of a head.
    pub head_dim: u64,
    /// Rows of the embedding and of the head.
    pub vocab: u64,
    /// Longest sequence, prompt and answer together, in tokens; `None` if it is not known.
    pub context_window: Option<u64>,
    /// Three MLP matrices (gate, up, down) instead of two.
    pub gated_mlp: bool,
    /// The q, k and v projections have a bias (Qwen2), or not (LLaMA).
    pub qkv_bias: bool,
    /// The head is the embedding matrix: stored once, still read whole in each decode step.
    pub tied_head: bool,
    /// Bytes of its weights and of its cached keys and values, and the arithmetic on them.
    pub storage: Storage,
    /// The vision tower and its projector into `hidden`.
    pub vision: Option<VisionTower>,
}

impl ModelSpec {
    /// The built-in model of that name.
    pub fn named(name: &str) -> Option<&'static ModelSpec> {
        MODELS.iter().find(|model| model.name == name)
    }

    /// A text-only dense decoder without biases in 16 bits, from its dimensions: layers, hidden, intermediate, heads, KV
    /// heads, head dim, vocab. Its MLP is gated, its head stored apart, its context window not known.
    pub fn dense(name: impl Into<Cow<'static, str>>, dimensions: [u64; 7]) -> ModelSpec {
        let [layers, hidden, intermediate, heads, kv_heads, head_dim, vocab] = dimensions;
        ModelSpec { name: name.into(), layers, hidden, intermediate, heads, kv_heads, head_dim, vocab, ..DENSE }
    }

    /// The same model, stored in another way.
    pub fn stored(self, storage: Storage) -> ModelSpec {
        ModelSpec { storage, ..self }
    }

    /// Weights of the matrices of one layer.
    fn layer_matrix(&self) -> u64 {
        let query_and_out = 2 * self.hidden * self.heads * self.head_dim;
        let key_and_value = 2 * self.hidden * self.kv_heads * self.head_dim;
        let mlp = if self.gated_mlp { 3 } else { 2 } * self.hidden * self.intermediate;
        query_and_out + key_and_value + mlp
    }

    /// Weights of one layer, with its biases and its two norms.
    fn layer_stored(&self) -> u64 {
        let bias = if self.qkv_bias { (self.heads + 2 * self.kv_heads) * self.head_dim } else { 0 };
        self.layer_matrix() + bias + 2 * self.hidden
    }

    /// Parameters of the decoder layers and the final norm, without embedding and head.
    pub fn lm_layer_params(&self) -> u64 {
        self.layers * self.layer_stored() + self.hidden
    }

    /// Parameters of the token embedding.
    pub fn embedding_params(&self) -> u64 {
        self.vocab * self.hidden
    }

    /// Parameters of the head that are stored beside the embedding: none when it is tied.
    pub fn head_params(&self) -> u64 {
        if self.tied_head { 0 } else { self.vocab * self.hidden }
    }

    /// Parameters of the vision tower and its projector.
    pub fn vision_params(&self) -> u64 {
        self.vision.as_ref().map_or(0, |tower| tower.params)
    }

    /// All parameters.
    pub fn params(&self) -> u64 {
        self.lm_layer_params() + self.embedding_params() + self.head_params() + self.vision_params()
    }

    /// Bytes of a weight of the embedding, which is the head where they are tied.
    fn embedding_width(&self) -> f64 {
        if self.tied_head { self.storage.head } else { self.storage.embedding }
    }

    /// Bytes of embedding and head, as they are stored.
    fn ends_bytes(&self) -> f64 {
        self.embedding_params() as f64 * self.embedding_width() + self.head_params() as f64 * self.storage.head
    }

    /// Bytes of all weights.
    pub fn weight_bytes(&self) -> Bytes {
        let layers = self.lm_layer_params() as f64 * self.storage.layers;
        whole(layers + self.ends_bytes() + self.tower_bytes())
    }

    /// Bytes of the decoder layers: read once in every iteration that runs them.
    pub fn layer_weight_bytes(&self) -> Bytes {
        whole(self.lm_layer_params() as f64 * self.storage.layers)
    }

    /// Bytes of the head: read once in every iteration that yields a token.
    pub fn head_weight_bytes(&self) -> Bytes {
        whole((self.vocab * self.hidden) as f64 * self.storage.head)
    }

    fn tower_bytes(&self) -> f64 {
        self.vision_params() as f64 * self.storage.tower
    }

    /// Bytes of the vision tower: read once in every iteration that encodes an image.
    pub fn vision_weight_bytes(&self) -> Bytes {
        whole(self.tower_bytes())
    }

    /// Weight bytes that a decode iteration reads: layers and head. The few embedding rows are not counted.
    pub fn decode_weight_bytes(&self) -> Bytes {
        self.layer_weight_bytes() + self.head_weight_bytes()
    }

    /// Weight bytes of a device that runs the first `layers`: vision tower, embedding and those layers (MindFusion,
    /// layer split).
    pub fn prefix_weight_bytes(&self, layers: u64) -> Bytes {
        let layers = (layers.min(self.layers) * self.layer_stored()) as f64 * self.storage.layers;
        whole(self.tower_bytes() + self.embedding_params() as f64 * self.embedding_width() + layers)
    }

    /// Weight bytes of a device that runs the layers from `layers` on: those, the final norm, the head, and the
    /// embedding of the tokens that it generates.
    pub fn suffix_weight_bytes(&self, layers: u64) -> Bytes {
        let rest = self.layers - layers.min(self.layers);
        whole((rest * self.layer_stored() + self.hidden) as f64 * self.storage.layers + self.ends_bytes())
    }

    /// KV cache bytes of one token: 2 x layers x KV heads x head dim x bytes.
    pub fn kv_bytes_per_token(&self) -> Bytes {
        self.kv_bytes_per_token_of(self.layers)
    }

    /// KV cache bytes of one token in so many of the layers.
    pub fn kv_bytes_per_token_of(&self, layers: u64) -> Bytes {
        Bytes::new(2 * layers * self.kv_heads * self.head_dim * self.storage.kv)
    }

    /// FLOP of one token through the matrices of all layers: a prompt token's share, without head and attention.
    pub fn layer_flop_per_token(&self) -> Flops {
        Flops::new((2 * self.layers * self.layer_matrix()) as f64)
    }

    /// FLOP of the head for one row of logits.
    pub fn head_flop(&self) -> Flops {
        Flops::new((2 * self.vocab * self.hidden) as f64)
    }

    /// FLOP of one decoded token without attention: layers and head.
    pub fn decode_flop(&self) -> Flops {
        self.layer_flop_per_token() + self.head_flop()
    }

    /// FLOP of one (query, key) pair in all layers and heads: scores and weighted values, 4 x layers x heads x head dim.
    pub fn attention_flop_per_pair(&self) -> Flops {
        Flops::new((4 * self.layers * self.heads * self.head_dim) as f64)
    }

    /// FLOP of causal attention of `query_tokens` new tokens behind `context_tokens` cached ones: each new token sees
    /// the context, the new ones before it, and itself.
    pub fn attention_flop(&self, query_tokens: u64, context_tokens: u64) -> Flops {
        Flops::new(causal_pairs(query_tokens, context_tokens) as f64 * self.attention_flop_per_pair().as_f64())
    }
}

/// Whole bytes.
fn whole(bytes: f64) -> Bytes {
    Bytes::new(bytes as u64)
}

/// (query, key) pairs of causal attention: `q*c + q(q+1)/2` for q new tokens behind c cached ones.
pub fn causal_pairs(query_tokens: u64, context_tokens: u64) -> u64 {
    query_tokens * context_tokens + query_tokens * (query_tokens + 1) / 2
}

/// A decoder of no size: what [`ModelSpec::dense`] leaves unsaid.
const DENSE: ModelSpec = ModelSpec {
    name: Cow::Borrowed(""),
    layers: 0,
    hidden: 0,
    intermediate: 0,
    heads: 0,
    kv_heads: 0,
    head_dim: 0,
    vocab: 0,
    context_window: None,
    gated_mlp: true,
    qkv_bias: false,
    tied_head: false,
    storage: Storage::FP16,
    vision: None,
};

/// The vision transformer of Qwen2-VL: full attention, two-matrix MLP; its merger ends in `hidden`.
const fn qwen2_tower(hidden: u64) -> VisionTower {
    let patch_values = 3 * 2 * 14 * 14;
    QwenTower { layers: 32, hidden: 1280, intermediate: 5120, patch_values, window: None }.into_width(hidden)
}

/// The vision transformer of Qwen2.5-VL: windows of 112 px, full attention in every eighth layer, gated MLP.
const fn qwen25_tower(hidden: u64) -> VisionTower {
    let patch_values = 3 * 2 * 14 * 14;
    QwenTower { layers: 32, hidden: 1280, intermediate: 3420, patch_values, window: Some((64, 8)) }.into_width(hidden)
}

/// The language model of Qwen2-VL-7B and Qwen2.5-VL-7B.
const fn qwen_7b(name: &'static str, context_window: u64, tower: VisionTower) -> ModelSpec {
    ModelSpec {
        name: Cow::Borrowed(name),
        layers: 28,
        hidden: 3584,
        intermediate: 18_944,
        heads: 28,
        kv_heads: 4,
        head_dim: 128,
        vocab: 152_064,
        context_window: Some(context_window),
        gated_mlp: true,
        qkv_bias: true,
        tied_head: false,
        storage: Storage::FP16,
        vision: Some(tower),
    }
}

/// Every built-in model. To add one, add an entry.
///
/// Context windows are `max_position_embeddings` of `config.json` in the hub's `Qwen/Qwen2-VL-{2B,7B}-Instruct`,
/// `Qwen/Qwen2.5-VL-{3B,7B}-Instruct` and `llava-hf/llava-1.5-7b-hf` (`lmsys/vicuna-7b-v1.5`).
pub static MODELS: [ModelSpec; 5] = [
    ModelSpec {
        name: Cow::Borrowed("qwen2-vl-2b"),
        layers: 28,
        hidden: 1536,
        intermediate: 8960,
        heads: 12,
        kv_heads: 2,
        head_dim: 128,
        vocab: 151_936,
        context_window: Some(32_768),
        gated_mlp: true,
        qkv_bias: true,
        tied_head: true,
        storage: Storage::FP16,
        vision: Some(qwen2_tower(1536)),
    },
    ModelSpec {
        name: Cow::Borrowed("qwen2.5-vl-3b"),
        layers: 36,
        hidden: 2048,
        intermediate: 11_008,
        heads: 16,
        kv_heads: 2,
        head_dim: 128,
        vocab: 151_936,
        context_window: Some(128_000),
        gated_mlp: true,
        qkv_bias: true,
        tied_head: true,
        storage: Storage::FP16,
        vision: Some(qwen25_tower(2048)),
    },
    qwen_7b("qwen2.5-vl-7b", 128_000, qwen25_tower(3584)),
    qwen_7b("qwen2-vl-7b", 32_768, qwen2_tower(3584)),
    ModelSpec {
        name: Cow::Borrowed("llava-1.5-7b"),
        layers: 32,
        hidden: 4096,
        intermediate: 11_008,
        heads: 32,
        kv_heads: 32,
        head_dim: 128,
        vocab: 32_064,
        context_window: Some(4_096),
        gated_mlp: true,
        qkv_bias: false,
        tied_head: false,
        storage: Storage::FP16,
        vision: Some(clip(4096)),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    /// One column of the table in `docs/hardware.md`.
    struct Published {
        name: &'static str,
        params: u64,
        vision_m: f64,
        layers_m: f64,
        embedding_m: f64,
        head_m: f64,
        kv_bytes: u64,
        decode_gflop: f64,
        pair_flop: f64,
        prefill_gflop: f64,
        decode_gb: f64,
        vision_tflop: &'static [(u32, f64)],
    }

    #[rustfmt::skip]
    const TABLE: [Published; 5] = [
        Published { name: "qwen2-vl-2b", params: 2_208_985_600, vision_m: 665.3, layers_m: 1310.3, embedding_m: 233.4, head_m: 0.0,
            kv_bytes: 28_672, decode_gflop: 3.087, pair_flop: 172_032.0, prefill_gflop: 2.620, decode_gb: 3.087,
            vision_tflop: &[(224, 0.34), (448, 1.48), (672, 3.82), (896, 7.99)] },
        Published { name: "qwen2.5-vl-3b", params: 3_754_622_976, vision_m: 668.7, layers_m: 2774.8, embedding_m: 311.2, head_m: 0.0,
            kv_bytes: 36_864, decode_gflop: 6.171, pair_flop: 294_912.0, prefill_gflop: 5.549, decode_gb: 6.172,
            vision_tflop: &[(224, 0.33), (448, 1.34), (672, 3.08), (896, 5.63)] },
        Published { name: "qwen2.5-vl-7b", params: 8_292_166_656, vision_m: 676.6, layers_m: 6525.6, embedding_m: 545.0, head_m: 545.0,
            kv_bytes: 57_344, decode_gflop: 14.141, pair_flop: 401_408.0, prefill_gflop: 13.051, decode_gb: 14.141,
            vision_tflop: &[(224, 0.33), (448, 1.35), (672, 3.09), (896, 5.65)] },
        Published { name: "qwen2-vl-7b", params: 8_291_375_616, vision_m: 675.8, layers_m: 6525.6, embedding_m: 545.0, head_m: 545.0,
            kv_bytes: 57_344, decode_gflop: 14.141, pair_flop: 401_408.0, prefill_gflop: 13.051, decode_gb: 14.141,
            vision_tflop: &[] },
        Published { name: "llava-1.5-7b", params: 7_063_427_072, vision_m: 303.5 + 21.0, layers_m: 6476.3, embedding_m: 131.3, head_m: 131.3,
            kv_bytes: 524_288, decode_gflop: 13.215, pair_flop: 524_288.0, prefill_gflop: 12.952, decode_gb: 13.215,
            vision_tflop: &[(336, 0.39)] },
    ];

    /// `derived`, printed with as many decimals as `published` was, reads the same.
    fn prints_as(derived: f64, published: f64, last_digit: f64) -> bool {
        (derived - published).abs() <= last_digit * 0.500_001
    }

    #[test]
    fn parameters_are_the_published_ones() {
        for row in &TABLE {
            let model = ModelSpec::named(row.name).unwrap();
            assert_eq!(model.params(), row.params, "{}", row.name);
            let millions = |count: u64| count as f64 / 1e6;
            assert!(prints_as(millions(model.vision_params()), row.vision_m, 0.1), "{}", row.name);
            assert!(prints_as(millions(model.lm_layer_params()), row.layers_m, 0.1), "{}", row.name);
            assert!(prints_as(millions(model.embedding_params()), row.embedding_m, 0.1), "{}", row.name);
            assert!(prints_as(millions(model.head_params()), row.head_m, 0.1), "{}", row.name);
        }
    }

    #[test]
    fn bytes_are_the_published_ones() {
        for row in &TABLE {
            let model = ModelSpec::named(row.name).unwrap();
            assert_eq!(model.kv_bytes_per_token(), Bytes::new(row.kv_bytes), "{}", row.name);
            assert!(prints_as(model.decode_weight_bytes().as_gb_f64(), row.decode_gb, 0.001), "{}", row.name);
            assert_eq!(model.weight_bytes().as_u64(), 2 * row.params, "{}", row.name);
        }
    }

    #[test]
    fn flop_are_the_published_ones() {
        for row in &TABLE {
            let model = ModelSpec::named(row.name).unwrap();
            assert!(prints_as(model.decode_flop().as_f64() / 1e9, row.decode_gflop, 0.001), "{}", row.name);
            assert!(prints_as(model.layer_flop_per_token().as_f64() / 1e9, row.prefill_gflop, 0.001), "{}", row.name);
            assert_eq!(model.attention_flop_per_pair(), Flops::new(row.pair_flop), "{}", row.name);
            let tower = model.vision.as_ref().unwrap();
            for &(side, tflop) in row.vision_tflop {
                let image = tower.image(side, side).unwrap();
                // The published figures count biases and norms as well: 7.99 where the matrices alone give 7.985.
                let derived = tower.flop(image.patches).as_tflop_f64();
                assert!(prints_as(derived, tflop, 0.011), "{} at {side}: {derived}", row.name);
            }
        }
    }

    #[test]
    fn causal_attention_counts_every_pair_once() {
        let (new, past) = (5_u64, 7_u64);
        let by_hand: u64 = (0..new).map(|i| past + i + 1).sum();
        assert_eq!(causal_pairs(new, past), by_hand);
        // A prompt in two chunks has the pairs of the prompt in one.
        assert_eq!(causal_pairs(300, 0), causal_pairs(100, 0) + causal_pairs(200, 100));
        // Decode behind a context: context + 1 pairs.
        assert_eq!(causal_pairs(1, 1000), 1001);
    }

    #[test]
    fn the_two_halves_of_a_split_model_hold_all_its_weights() {
        let model = ModelSpec::named("llava-1.5-7b").unwrap();
        let both = model.prefix_weight_bytes(8) + model.suffix_weight_bytes(8);
        assert_eq!(both.as_u64(), model.weight_bytes().as_u64() + 2 * model.embedding_params());
        assert_eq!(model.kv_bytes_per_token_of(8) * 4, model.kv_bytes_per_token());
    }
}
