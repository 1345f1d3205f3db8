//! Models: the dimensions of a decoder and its vision tower, and the parameters, bytes and FLOP derived from them.
//!
//! Only dimensions are stored; parameters, bytes and FLOP are derived, and the tests compare them with every number of
//! `docs/hardware.md` (section "Architecture numbers"), whose configuration sources are named there.
//! A multiply-accumulate counts as two FLOP. Norms, softmax, activations and rotary embedding are not counted.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use units::{Bytes, Flops};

use crate::format::Storage;
use crate::vision::VisionTower;

mod built_in;
mod experts;
mod window;

pub use built_in::MODELS;
pub use experts::Experts;
pub use window::Window;

/// A decoder-only language model, dense or with a mixture of experts, with a vision tower if it has one.
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
    /// Width of the MLP. With a mixture of experts it is no part of the weights, and sizes activations alone.
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
    /// Queries and keys are normed in each head (Qwen3).
    pub qk_norm: bool,
    /// The head is the embedding matrix: stored once, still read whole in each decode step.
    pub tied_head: bool,
    /// The experts that stand in every layer in the place of the MLP.
    pub experts: Option<Experts>,
    /// The window of the layers that do not attend to the whole context.
    pub window: Option<Window>,
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

    /// Weights of an MLP of that width.
    fn mlp(&self, intermediate: u64) -> u64 {
        let matrices = if self.gated_mlp { 3 } else { 2 };
        matrices * self.hidden * intermediate
    }

    /// Weights of the matrices of one layer that every token passes: attention, and the MLP or router and shared experts.
    fn fixed_matrix(&self) -> u64 {
        let query_and_out = 2 * self.hidden * self.heads * self.head_dim;
        let key_and_value = 2 * self.hidden * self.kv_heads * self.head_dim;
        let mlp = match self.experts {
            Some(experts) => self.hidden * experts.experts + self.mlp(experts.shared * experts.intermediate),
            None => self.mlp(self.intermediate),
        };
        query_and_out + key_and_value + mlp
    }

    /// Elements of a token that the products of one layer multiply: of the hidden state for queries, keys and values and for the MLP, of
    /// attention's output, and of the MLP's inner state.
    pub(crate) fn product_inputs(&self) -> u64 {
        let inner = match self.experts {
            Some(experts) => (experts.shared + experts.per_token) * experts.intermediate,
            None => self.intermediate,
        };
        2 * self.hidden + self.heads * self.head_dim + inner
    }

    /// Weights of one routed expert of a layer; 0 in a dense model.
    fn expert(&self) -> u64 {
        self.experts.map_or(0, |experts| self.mlp(experts.intermediate))
    }

    /// Weights of the matrices of one layer that one token passes.
    fn active_matrix(&self) -> u64 {
        self.fixed_matrix() + self.experts.map_or(0, |experts| experts.per_token) * self.expert()
    }

    /// Weights of one layer without its routed experts, with its biases and its norms.
    fn fixed_stored(&self) -> u64 {
        let bias = if self.qkv_bias { (self.heads + 2 * self.kv_heads) * self.head_dim } else { 0 };
        let head_norms = if self.qk_norm { 2 * self.head_dim } else { 0 };
        self.fixed_matrix() + bias + head_norms + 2 * self.hidden
    }

    /// Weights of one layer, with all its experts, its biases and its norms.
    fn layer_stored(&self) -> u64 {
        self.fixed_stored() + self.experts.map_or(0, |experts| experts.experts) * self.expert()
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

    /// Parameters that one token passes: layers with its own experts, and the head. The embedding row is not counted.
    pub fn active_params(&self) -> u64 {
        let idle = self.experts.map_or(0, |experts| experts.experts - experts.per_token);
        self.lm_layer_params() - self.layers * idle * self.expert() + self.vocab * self.hidden
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

    /// Bytes of the decoder layers, with all experts.
    pub fn layer_weight_bytes(&self) -> Bytes {
        whole(self.lm_layer_params() as f64 * self.storage.layers)
    }

    /// Bytes of the decoder layers without their routed experts: read once in every iteration that runs them.
    pub fn fixed_layer_weight_bytes(&self) -> Bytes {
        whole((self.layers * self.fixed_stored() + self.hidden) as f64 * self.storage.layers)
    }

    /// Bytes of one routed expert in all layers: read once in every iteration of which a token is sent there. None in a
    /// dense model.
    pub fn expert_weight_bytes(&self) -> Bytes {
        whole((self.layers * self.expert()) as f64 * self.storage.layers)
    }

    /// Bytes of all routed experts in all layers; none in a dense model.
    pub fn routed_weight_bytes(&self) -> Bytes {
        self.expert_weight_bytes() * self.experts.map_or(0, |experts| experts.experts)
    }

    /// Bytes of the decoder layers that an iteration of so many tokens is expected to read.
    pub fn layer_bytes_read(&self, tokens: u64) -> Bytes {
        let hit = self.experts.map_or(0.0, |experts| experts.expected_hit(tokens));
        self.fixed_layer_weight_bytes() + whole(hit * self.expert_weight_bytes().as_u64() as f64)
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

    /// Weight bytes that a decode iteration of one token reads: layers and head. Its embedding row is not counted.
    pub fn decode_weight_bytes(&self) -> Bytes {
        self.layer_bytes_read(1) + self.head_weight_bytes()
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

    /// FLOP of one token through the matrices of all layers and its own experts: a prompt token's share, without head and
    /// attention.
    pub fn layer_flop_per_token(&self) -> Flops {
        Flops::new((2 * self.layers * self.active_matrix()) as f64)
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
    /// the context, the new ones before it, and itself, or as much of them as a layer's window holds.
    pub fn attention_flop(&self, query_tokens: u64, context_tokens: u64) -> Flops {
        let pairs = self.pairs_seen(query_tokens, context_tokens);
        Flops::new(pairs * self.attention_flop_per_pair().as_f64())
    }

    /// (query, key) pairs of attention in the mean of all layers; times [`ModelSpec::attention_flop_per_pair`] they are its
    /// FLOP.
    pub fn pairs_seen(&self, query_tokens: u64, context_tokens: u64) -> f64 {
        let all = causal_pairs(query_tokens, context_tokens);
        self.mean_of_layers(all, |window| window.pairs(query_tokens, context_tokens))
    }

    /// Cached tokens that an item reads, its own new ones included, in the mean of all layers; times
    /// [`ModelSpec::kv_bytes_per_token`] they are the bytes.
    pub fn context_seen(&self, query_tokens: u64, context_tokens: u64) -> f64 {
        let all = query_tokens + context_tokens;
        self.mean_of_layers(all, |window| window.context(query_tokens, context_tokens))
    }

    /// The mean over all layers of what those with and those without a window see.
    fn mean_of_layers(&self, all: u64, windowed: impl FnOnce(&Window) -> u64) -> f64 {
        let Some(window) = &self.window else { return all as f64 };
        let share = window.layers as f64 / self.layers as f64;
        share * windowed(window) as f64 + (1.0 - share) * all as f64
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
    qk_norm: false,
    tied_head: false,
    experts: None,
    window: None,
    storage: Storage::FP16,
    vision: None,
};

#[cfg(test)]
mod tests;
