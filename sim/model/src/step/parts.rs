//! The physical form of a step:
//!
//! `max(floor, hidden, overhead + start + vision + layers layer + items item + activations + quantise + linear + kv + attention
//! + talk)`
//!
//! * `linear`: reading the weights and multiplying them, which overlap fully, partly or not at all; the tokens of a
//!   multiplication are rounded up to whole tiles.
//! * `kv`, `attention`: reading the cache, and the arithmetic of attention, apart from the matrices.
//! * `activations`: element-wise layers move every token's hidden state a number of times in each layer.
//! * `quantise`: before a product in 8 bits its inputs are read in 16 and written in 8.
//! * `hidden`: host time that passes while the GPU works; `overhead`, `layer` and `item` are host or GPU time that does not.
//! * `talk`: what several GPUs say to each other ([`crate::parallel`]); it belongs to the server, not to the form.
//!
//! A hardware coefficient is a multiple of the time at the data sheet's bandwidth or peak: 1 / the share reached. So a
//! form can be carried to another device or model. Overheads are times. No coefficient is negative, so the form grows
//! with every part of the load.

use serde::{Deserialize, Serialize};
use units::Ratio;

use crate::{
    device::Device,
    engine_kind::EngineProfile,
    format::Arithmetic,
    load::Load,
    model_spec::{Experts, ModelSpec},
    parallel::Parallel,
};

/// Overlap of reading the weights and multiplying by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Overlap {
    /// The slower of the two counts.
    Full,
    /// The root of the sum of their squares.
    Partial,
    /// Their sum.
    None,
}

/// The coefficients of the form; see the module.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// Overlap of reading the weights and multiplying by them.
    pub overlap: Overlap,
    /// Tokens are rounded up to multiples of this in multiplications; 1 does not.
    pub tile_tokens: u32,
    /// Share of reading the weights that each further token adds in a step of up to 8 tokens, where a kernel for vectors
    /// multiplies so few; 0 where there is none.
    #[serde(default)]
    pub vector_token: f64,
    /// Shortest step of all layers, microseconds.
    pub floor_us: f64,
    /// Time of every step, microseconds.
    pub overhead_us: f64,
    /// Time of a step in which a prompt starts, microseconds.
    pub start_us: f64,
    /// Time of each layer, microseconds.
    pub layer_us: f64,
    /// Time of each item, microseconds.
    pub item_us: f64,
    /// Host time of every step that passes while the GPU works, microseconds.
    #[serde(default)]
    pub hidden_us: f64,
    /// Host time of each item that passes while the GPU works, microseconds.
    #[serde(default)]
    pub hidden_item_us: f64,
    /// Moves of a token's hidden state in a layer.
    pub activations: f64,
    /// Passes over the inputs of a layer's products that quantise them to 8 bits, where the arithmetic has as many; each reads 2 bytes
    /// and writes 1. A law of measured steps has them in its other coefficients.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub quantise: f64,
    /// Time of each layer that quantises, microseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub quantise_us: f64,
    /// Reading the weights, as a multiple of the data sheet's time.
    pub weights: f64,
    /// Multiplying by them.
    pub matrices: f64,
    /// Reading the KV cache.
    pub kv: f64,
    /// Reads of the KV cache by each query head of a group, as a share of one, in a step that has an item of several tokens:
    /// FlashAttention 2 packs the heads of a group for single tokens alone.
    #[serde(default)]
    pub kv_per_head: f64,
    /// Reads of the longest context of an item of several tokens, as a multiple over the KV heads: a few query tokens keep few
    /// of a GPU's units busy.
    #[serde(default)]
    pub kv_alone: f64,
    /// Attention's arithmetic.
    pub attention: f64,
    /// The vision tower: the slower of reading and arithmetic.
    pub vision: f64,
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// GPU time of a layer's kernels beside their work, microseconds: four products take 4 to 7 each, attention 13, and
/// element-wise layers 10 in all, if they run alone (`measured/ops_*`: RTX 4090, RTX PRO 6000, H100); 35 run behind each other.
const LAYER_US: f64 = 35.0;
/// GPU time of a layer's router and of its experts' kernels beside their work, more than an MLP's: experts take 29 us and 6.2 for
/// each one read (`measured/ops_moe`, RTX PRO 6000), the two products of an MLP about 10, the router's about 5 [A].
const EXPERTS_US: f64 = 25.0;
/// Tokens that llama.cpp's kernel for vectors takes at most, and the tile of the one for more. With such a tile 17 drafted tokens of
/// a 32B take 439 ms on an M4 Pro by this form; 430 are reported (llama.cpp pull request 10455).
const VECTOR_TOKENS: u64 = 8;
const QUANTISED_TILE: u32 = 32;
/// Moves of a token's hidden state in a layer, by its norms, rotation, residuals and activation: 14 to 16 under vLLM 0.19
/// (`measured/ops_linear`, element-wise rows of 2,048 tokens).
const ACTIVATION_MOVES: f64 = 14.0;
/// Passes that quantise the inputs of 8-bit products, and the time of a layer's four products beside them, microseconds. Products in
/// fp8 reach the shares of 16 bits and take 3.5 passes and 3.1 us more on an H100, 1.6 and 4.3 on an RTX PRO 6000
/// (`measured/ops_linear`, vLLM 0.24). That integers of 8 bits take the same is an assumption.
const QUANTISE_PASSES: f64 = 2.5;
const QUANTISE_LAYER_US: f64 = 15.0;
/// Share of the matrix kernels' bandwidth that decoding attention reaches: .81 to .88 of the data sheet's on cards whose
/// products reach .83 to .94 (`measured/ops_attention`).
const ATTENTION_MEM: f64 = 0.90;
/// Reads of the cache by each query head in a step with an item of several tokens: a batch of single tokens beside a chunk of a
/// prompt takes 1.8 to 2.2 times as long as alone with 4 query heads a KV head, and 3.4 to 3.6 times with 8
/// (`measured/ops_attention_mixed` over `ops_attention`, vLLM 0.19 on an RTX 4090 and an RTX PRO 6000).
const KV_PER_HEAD: f64 = 0.40;
/// Reads of its own context by a chunk, over the KV heads, of the same tables: 41 to 49 over 8, 4 and 2 KV heads.
const KV_ALONE: f64 = 41.0;
/// Share of the matrix kernels' rate that a prompt's attention reaches: .55 to .61 of the peak on A100, H100 and RTX PRO 6000,
/// .78 on an RTX 4090, whose products reach .76 to .97.
const ATTENTION_FLOP: f64 = 0.70;
/// Share of the matrix kernels' rate that a vision tower reaches: its attention .54 to .66 of the peak, its products as others.
const VISION_FLOP: f64 = 0.80;

/// Bytes of an element of a hidden state.
const ACTIVATION_BYTES: f64 = 2.0;
/// Bytes of an element that is read in 16 bits and written in 8.
const QUANTISED_BYTES: f64 = 3.0;

impl Parts {
    /// The form by an engine's constants, where no step is measured.
    pub fn of_engine(engine: &EngineProfile) -> Self {
        let us = |time: units::SimDuration| time.as_ns() as f64 / 1e3;
        let (read, multiply) = (1.0 / engine.eta_mem.as_f64(), 1.0 / engine.eta_flop.as_f64());
        let shown = |time: units::SimDuration| if engine.hides_host { 0.0 } else { us(time) };
        let hidden = |time: units::SimDuration| if engine.hides_host { us(time) } else { 0.0 };
        Self {
            overlap: Overlap::Partial,
            tile_tokens: if engine.vector_token == Ratio::ZERO { 1 } else { QUANTISED_TILE },
            vector_token: engine.vector_token.as_f64(),
            floor_us: us(engine.floor),
            overhead_us: shown(engine.overhead),
            start_us: us(engine.prefill_overhead),
            layer_us: LAYER_US + us(engine.layer_overhead),
            item_us: shown(engine.sequence_overhead),
            hidden_us: hidden(engine.overhead),
            hidden_item_us: hidden(engine.sequence_overhead),
            activations: ACTIVATION_MOVES,
            quantise: QUANTISE_PASSES,
            quantise_us: QUANTISE_LAYER_US,
            weights: read,
            matrices: multiply,
            kv: read / ATTENTION_MEM,
            kv_per_head: if engine.packs_heads { 0.0 } else { KV_PER_HEAD },
            kv_alone: if engine.packs_heads { 0.0 } else { KV_ALONE },
            attention: multiply / ATTENTION_FLOP,
            vision: multiply / VISION_FLOP,
        }
    }

    /// Checks every coefficient. The error has the name of the first bad one.
    pub fn check(&self) -> Result<(), &'static str> {
        let all = [
            (self.vector_token, "vector_token"),
            (self.floor_us, "floor_us"),
            (self.overhead_us, "overhead_us"),
            (self.start_us, "start_us"),
            (self.layer_us, "layer_us"),
            (self.item_us, "item_us"),
            (self.hidden_us, "hidden_us"),
            (self.hidden_item_us, "hidden_item_us"),
            (self.activations, "activations"),
            (self.quantise, "quantise"),
            (self.quantise_us, "quantise_us"),
            (self.weights, "weights"),
            (self.matrices, "matrices"),
            (self.kv, "kv"),
            (self.kv_per_head, "kv_per_head"),
            (self.kv_alone, "kv_alone"),
            (self.attention, "attention"),
            (self.vision, "vision"),
        ];
        match all.iter().find(|(value, _)| !(value.is_finite() && *value >= 0.0)) {
            Some((_, name)) => Err(name),
            None if self.tile_tokens == 0 => Err("tile_tokens"),
            None if self.weights + self.matrices + self.overhead_us + self.floor_us + self.layer_us <= 0.0 => {
                Err("weights")
            }
            None => Ok(()),
        }
    }

    /// The form on a device and a model, with everything folded in that does not depend on the load.
    ///
    /// # Panics
    /// If the device has no bandwidth or no peak.
    pub fn on(&self, sheet: DataSheet, model: &ModelSpec) -> Priced {
        assert!(sheet.bytes_per_s > 0.0 && sheet.flop_per_s > 0.0, "a device without bandwidth or peak");
        let (ns_per_byte, ns_per_flop) = (1e9 / sheet.bytes_per_s, 1e9 / sheet.flop_per_s);
        let bytes = |bytes: units::Bytes| bytes.as_u64() as f64 * ns_per_byte;
        let (layers, storage) = (model.layers as f64, &model.storage);
        let (talk_ns, token_talk_ns) = sheet.parallel.talk_ns(model);
        let context_ns = self.kv * bytes(model.kv_bytes_per_token());
        let (heads, kv_heads) = (model.heads as f64, model.kv_heads as f64);
        let reads = (self.kv_per_head * heads / kv_heads).max(1.0);
        let (quantise, quantise_us) =
            if sheet.has(storage.arithmetic) { (self.quantise, self.quantise_us) } else { (0.0, 0.0) };
        let moves = |passes: f64, elements: u64, bytes: f64| passes * layers * elements as f64 * bytes * ns_per_byte;
        let moved_ns = moves(self.activations, model.hidden, ACTIVATION_BYTES)
            + moves(quantise, model.product_inputs(), QUANTISED_BYTES);
        let experts_us = if model.experts.is_some() { EXPERTS_US } else { 0.0 };
        let alone = (self.kv_alone * f64::from(sheet.parallel.tensor) / kv_heads - reads).max(0.0);
        Priced {
            overlap: self.overlap,
            tile: u64::from(self.tile_tokens.max(1)),
            vector_token: self.vector_token,
            floor_ns: self.floor_us * 1e3,
            overhead_ns: self.overhead_us * 1e3,
            start_ns: self.start_us * 1e3,
            layers_ns: (self.layer_us + quantise_us + experts_us) * 1e3 * layers + talk_ns,
            item_ns: self.item_us * 1e3,
            hidden_ns: self.hidden_us * 1e3,
            hidden_item_ns: self.hidden_item_us * 1e3,
            token_ns: moved_ns + token_talk_ns,
            layer_weights_ns: self.weights * bytes(model.fixed_layer_weight_bytes()),
            experts: model.experts.map(|experts| (experts, self.weights * bytes(model.expert_weight_bytes()))),
            ranks: if sheet.parallel.spreads_experts { sheet.parallel.data.into() } else { 1 },
            head_weights_ns: self.weights * bytes(model.head_weight_bytes()),
            layer_token_ns: self.matrices
                * model.layer_flop_per_token().as_f64()
                * sheet.ns_per_flop(storage.arithmetic),
            head_row_ns: self.matrices * model.head_flop().as_f64() * ns_per_flop,
            context_ns,
            shared_context_ns: context_ns * (reads - 1.0),
            wide_context_ns: context_ns * alone,
            pair_ns: self.attention * model.attention_flop_per_pair().as_f64() * ns_per_flop,
            vision_weights_ns: self.vision * bytes(model.vision_weight_bytes()),
            vision_flop_ns: self.vision * sheet.ns_per_flop(storage.tower_arithmetic),
        }
    }
}

/// The data sheet of all GPUs that share a layer, as one device, and the way in which they share it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DataSheet {
    /// Peak memory bandwidth, bytes/s.
    pub bytes_per_s: f64,
    /// Peak dense rate in 16 bits, FLOP/s.
    pub flop_per_s: f64,
    /// Peak dense rate of 8-bit floats and of 8-bit integers, FLOP/s; none where weights of these are unpacked to 16 bits.
    pub eight_bit_flop_per_s: [Option<f64>; 2],
    /// The way in which several GPUs share a model.
    pub parallel: Parallel,
}

impl DataSheet {
    /// The data sheet of a device for each GPU of a server.
    pub fn of(device: &Device, parallel: Parallel) -> Self {
        let many = f64::from(parallel.tensor);
        let rate = |arithmetic| device.rate(arithmetic).as_f64() * many;
        let eight_bit = |arithmetic| device.has(arithmetic).then(|| rate(arithmetic));
        Self {
            bytes_per_s: device.bandwidth.as_f64() * many,
            flop_per_s: rate(Arithmetic::Fp16),
            eight_bit_flop_per_s: [Arithmetic::Fp8, Arithmetic::Int8].map(eight_bit),
            parallel,
        }
    }

    /// Nanoseconds of a FLOP on weights of an arithmetic.
    fn ns_per_flop(&self, arithmetic: Arithmetic) -> f64 {
        1e9 / self.eight_bit(arithmetic).unwrap_or(self.flop_per_s)
    }

    /// True if products are made in 8 bits.
    fn has(&self, arithmetic: Arithmetic) -> bool {
        self.eight_bit(arithmetic).is_some()
    }

    /// The rate of an arithmetic of 8 bits, where it is one and the device has it.
    fn eight_bit(&self, arithmetic: Arithmetic) -> Option<f64> {
        let [fp8, int8] = self.eight_bit_flop_per_s;
        match arithmetic {
            Arithmetic::Fp16 => None,
            Arithmetic::Fp8 => fp8,
            Arithmetic::Int8 => int8,
        }
    }
}

/// The form with everything in it that does not depend on the load, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Priced {
    overlap: Overlap,
    tile: u64,
    vector_token: f64,
    floor_ns: f64,
    overhead_ns: f64,
    start_ns: f64,
    layers_ns: f64,
    item_ns: f64,
    hidden_ns: f64,
    hidden_item_ns: f64,
    token_ns: f64,
    layer_weights_ns: f64,
    /// Experts, and the time of reading one of them in all layers.
    experts: Option<(Experts, f64)>,
    /// Ranks over which the experts are spread, each with as many tokens.
    ranks: u64,
    head_weights_ns: f64,
    layer_token_ns: f64,
    head_row_ns: f64,
    context_ns: f64,
    /// Added time of a token's keys and values in a step that has an item of several tokens.
    shared_context_ns: f64,
    /// Added time of those that the longest such item reads.
    wide_context_ns: f64,
    pair_ns: f64,
    vision_weights_ns: f64,
    vision_flop_ns: f64,
}

impl Priced {
    /// Nanoseconds of an iteration of so many items.
    #[inline]
    pub fn ns(&self, load: &Load, items: u64) -> f64 {
        let is_step = load.query_tokens > 0;
        let (language_ns, floor_ns) = if is_step { self.language(load) } else { (0.0, 0.0) };
        let start_ns = if load.prefill_starts > 0 { self.start_ns } else { 0.0 };
        let items = items as f64;
        let fixed_ns = self.overhead_ns + start_ns + items * self.item_ns;
        // A probe runs beside the engine's steps.
        let hidden_ns = if is_step { self.hidden_ns + items * self.hidden_item_ns } else { 0.0 };
        let shortest_ns = floor_ns.max(hidden_ns);
        shortest_ns.max(fixed_ns + self.vision_ns(load) + language_ns)
    }

    /// Time of the items' own parts in an iteration of several kinds, ns: items, element-wise layers, cache, attention
    /// and pictures. Single tokens beside an item of several read their caches as such a step does.
    #[inline]
    pub fn apart_ns(&self, load: &Load, items: u64, beside_several: bool) -> f64 {
        let is_shared = beside_several && load.wide_context_tokens == 0;
        let shared_ns = if is_shared { load.context_tokens as f64 * self.shared_context_ns } else { 0.0 };
        let tokens_ns = load.layer_share.as_f64() * (self.tokens_ns(load) + shared_ns);
        items as f64 * self.item_ns + self.vision_ns(load) + tokens_ns
    }

    /// Time of the parts that grow with tokens, context and pairs alone, ns.
    #[inline]
    fn tokens_ns(&self, load: &Load) -> f64 {
        let mut context_ns = load.context_tokens as f64 * self.context_ns;
        if load.wide_context_tokens > 0 {
            context_ns += load.context_tokens as f64 * self.shared_context_ns
                + load.wide_context_tokens as f64 * self.wide_context_ns;
        }
        load.query_tokens as f64 * self.token_ns + context_ns + load.attention_pairs as f64 * self.pair_ns
    }

    /// Nanoseconds of the vision tower's part.
    #[inline]
    pub fn vision_ns(&self, load: &Load) -> f64 {
        let flop = load.vision_flop.as_f64();
        if flop > 0.0 {
            (load.vision_share.as_f64() * self.vision_weights_ns).max(flop * self.vision_flop_ns)
        } else {
            0.0
        }
    }

    /// The language model's part and its floor.
    #[inline]
    fn language(&self, load: &Load) -> (f64, f64) {
        let share = load.layer_share.as_f64();
        let tokens = load.query_tokens.div_ceil(self.tile) * self.tile;
        let head = if load.head_rows > 0 { self.head_weights_ns } else { 0.0 };
        let hit = |experts: Experts| experts.expected_hit(load.query_tokens * self.ranks) / self.ranks as f64;
        let hit_ns = self.experts.map_or(0.0, |(experts, ns)| hit(experts) * ns);
        let weights = share * (self.layer_weights_ns + hit_ns) + head;
        let matrices = share * tokens as f64 * self.layer_token_ns + load.head_rows as f64 * self.head_row_ns;
        if self.vector_token > 0.0 && load.query_tokens <= VECTOR_TOKENS {
            let read = weights * (1.0 + self.vector_token * (load.query_tokens - 1) as f64);
            return (read + share * (self.layers_ns + self.tokens_ns(load)), share * self.floor_ns);
        }
        let linear = match self.overlap {
            Overlap::Full => weights.max(matrices),
            Overlap::Partial => (weights * weights + matrices * matrices).sqrt(),
            Overlap::None => weights + matrices,
        };
        (linear + share * (self.layers_ns + self.tokens_ns(load)), share * self.floor_ns)
    }
}

#[cfg(test)]
mod tests;
