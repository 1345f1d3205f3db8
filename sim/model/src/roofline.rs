//! The time of one iteration: `max(floor, overhead + vision + max(bytes / (bandwidth eta_mem), FLOP / (peak eta_flop)))`
//! (`docs/compute-model.md`).
//!
//! `bytes` are the weights that the iteration runs, once, and the KV cache of every item; writing new keys and values,
//! activations and communication between GPUs are not counted. Vision towers are encoded before the language model
//! starts, so their time is added, not overlapped.
//!
//! [`Roofline::iteration`] is called once for each simulated iteration, so everything that does not depend on the load
//! is folded into one factor beforehand, and no step allocates or divides.

use units::{Bytes, Flops, Ratio, SimDuration};

use crate::{
    device::Device,
    engine_kind::EngineProfile,
    model_spec::{ModelSpec, causal_pairs},
};

/// The work of one iteration: the sum over its items.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Tokens that pass through the decoder layers.
    pub query_tokens: u64,
    /// Those of them that belong to prompts: such an iteration draws the power of a prefill.
    pub prefill_tokens: u64,
    /// Rows of logits.
    pub head_rows: u64,
    /// Cached tokens whose keys and values are read, the item's own new ones included.
    pub context_tokens: u64,
    /// (query, key) pairs of attention, causal.
    pub attention_pairs: u64,
    /// FLOP of the vision tower, from [`crate::vision::VisionTower::flop`].
    pub vision_flop: Flops,
    /// Prompts of which this is the first chunk; the prefill overhead is charged once if there is any.
    pub prefill_starts: u64,
    /// Share of the decoder layers that this tier runs: 1, or less in a layer split.
    pub layer_share: Ratio,
}

impl Load {
    /// No work, on all layers.
    pub const NONE: Load = Load {
        query_tokens: 0,
        prefill_tokens: 0,
        head_rows: 0,
        context_tokens: 0,
        attention_pairs: 0,
        vision_flop: Flops::ZERO,
        prefill_starts: 0,
        layer_share: Ratio::ONE,
    };

    /// `tokens` new tokens behind `past` cached ones, with so many rows of logits.
    fn span(tokens: u64, past: u64, head_rows: u64) -> Load {
        Load {
            query_tokens: tokens,
            head_rows,
            context_tokens: past + tokens,
            attention_pairs: causal_pairs(tokens, past),
            ..Load::NONE
        }
    }

    /// One token behind `context` cached ones.
    pub fn decode(context: u64) -> Load {
        Load::span(1, context, 1)
    }

    /// `tokens` at once behind `context` cached ones, each with its logits: k drafted tokens are verified by k + 1.
    pub fn verify(tokens: u64, context: u64) -> Load {
        Load::span(tokens, context, tokens)
    }

    /// `new` prompt tokens behind `past` cached ones, without logits.
    ///
    /// A prompt starts where `past` is 0. Its last chunk yields a token: add [`Load::with_head`].
    pub fn prefill_chunk(new: u64, past: u64) -> Load {
        Load { prefill_tokens: new, prefill_starts: u64::from(past == 0 && new > 0), ..Load::span(new, past, 0) }
    }

    /// The vision tower's work alone.
    pub fn vision(flop: Flops) -> Load {
        Load { vision_flop: flop, ..Load::NONE }
    }

    /// With the logits of one more row.
    pub fn with_head(self) -> Load {
        Load { head_rows: self.head_rows + 1, ..self }
    }

    /// On a tier that runs this share of the decoder layers.
    pub fn on_layers(self, layer_share: Ratio) -> Load {
        Load { layer_share, ..self }
    }

    /// Adds another item to the same iteration.
    ///
    /// All items of a tier run the same layers. Should they differ, all are charged the larger share.
    #[inline]
    pub fn add(&mut self, other: &Load) {
        self.layer_share = match (self.query_tokens, other.query_tokens) {
            (_, 0) => self.layer_share,
            (0, _) => other.layer_share,
            _ if self.layer_share < other.layer_share => other.layer_share,
            _ => self.layer_share,
        };
        self.query_tokens += other.query_tokens;
        self.prefill_tokens += other.prefill_tokens;
        self.head_rows += other.head_rows;
        self.context_tokens += other.context_tokens;
        self.attention_pairs += other.attention_pairs;
        self.vision_flop += other.vision_flop;
        self.prefill_starts += other.prefill_starts;
    }

    /// True if the iteration encodes images or reads prompts.
    pub fn is_prefill(&self) -> bool {
        self.prefill_tokens > 0 || self.vision_flop > Flops::ZERO
    }
}

/// The cost of one iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Time on the device, to the nearest nanosecond.
    pub duration: SimDuration,
    /// Arithmetic done, vision included.
    pub flop: Flops,
    /// Memory read, vision weights included.
    pub bytes: Bytes,
}

impl Cost {
    /// No cost.
    pub const NONE: Cost = Cost { duration: SimDuration::ZERO, flop: Flops::ZERO, bytes: Bytes::ZERO };

    /// Adds the iteration that follows.
    pub fn add(&mut self, other: &Cost) {
        self.duration += other.duration;
        self.flop += other.flop;
        self.bytes += other.bytes;
    }
}

/// A model on a device under an engine, with everything folded in that does not depend on the load.
///
/// ```
/// use model::{device::Device, engine_kind::EngineKind, model_spec::ModelSpec, roofline::Load, roofline::Roofline};
///
/// let (gpu, qwen) = (Device::named("a100-80-sxm").unwrap(), ModelSpec::named("qwen2.5-vl-7b").unwrap());
/// let roofline = Roofline::new(gpu, qwen, &EngineKind::Vllm.profile(qwen));
///
/// // One token of an answer behind a context of 1,000, and four drafted tokens verified at once: nearly as fast.
/// let decode = roofline.iteration(&Load::decode(1000)).duration.as_ms_f64();
/// let verify = roofline.iteration(&Load::verify(5, 1000)).duration.as_ms_f64();
/// assert!(decode > 10.0 && verify < 1.01 * decode, "{decode} ms, {verify} ms");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Roofline {
    ns_per_byte: f64,
    ns_per_flop: f64,
    overhead_ns: f64,
    prefill_overhead_ns: f64,
    floor_ns: f64,
    layer_weight_bytes: f64,
    head_weight_bytes: f64,
    vision_weight_bytes: f64,
    kv_bytes: f64,
    layer_flop: f64,
    head_flop: f64,
    pair_flop: f64,
}

impl Roofline {
    /// The roofline of a data sheet, a model's dimensions and an engine's constants.
    ///
    /// # Panics
    ///
    /// If bandwidth, peak or an efficiency is zero: such a device never finishes.
    pub fn new(device: &Device, model: &ModelSpec, engine: &EngineProfile) -> Roofline {
        let bytes_per_ns = device.bandwidth.as_f64() * engine.eta_mem.as_f64() * 1e-9;
        let flop_per_ns = device.peak.as_f64() * engine.eta_flop.as_f64() * 1e-9;
        assert!(bytes_per_ns > 0.0 && flop_per_ns > 0.0, "device {} never finishes an iteration", device.name);
        let bytes = |bytes: Bytes| bytes.as_u64() as f64;
        let ns = |duration: SimDuration| duration.as_ns() as f64;
        Roofline {
            ns_per_byte: 1.0 / bytes_per_ns,
            ns_per_flop: 1.0 / flop_per_ns,
            overhead_ns: ns(engine.overhead),
            prefill_overhead_ns: ns(engine.prefill_overhead),
            floor_ns: ns(engine.floor),
            layer_weight_bytes: bytes(model.layer_weight_bytes()),
            head_weight_bytes: bytes(model.head_weight_bytes()),
            vision_weight_bytes: bytes(model.vision_weight_bytes()),
            kv_bytes: bytes(model.kv_bytes_per_token()),
            layer_flop: model.layer_flop_per_token().as_f64(),
            head_flop: model.head_flop().as_f64(),
            pair_flop: model.attention_flop_per_pair().as_f64(),
        }
    }

    /// Time, arithmetic and memory traffic of one iteration. An empty load costs the overhead.
    #[inline]
    pub fn iteration(&self, load: &Load) -> Cost {
        let (bytes, flop, floor_ns) = self.language(load);
        let vision_flop = load.vision_flop.as_f64();
        let vision_bytes = if vision_flop > 0.0 { self.vision_weight_bytes } else { 0.0 };
        let start_ns = if load.prefill_starts > 0 { self.prefill_overhead_ns } else { 0.0 };
        let busy_ns = self.bound_ns(vision_bytes, vision_flop) + self.bound_ns(bytes, flop);
        let ns = floor_ns.max(self.overhead_ns + start_ns + busy_ns);
        Cost {
            duration: SimDuration::from_ns((ns + 0.5) as u64),
            flop: Flops::new(flop + vision_flop),
            bytes: Bytes::new((bytes + vision_bytes) as u64),
        }
    }

    /// Bytes, FLOP and floor of the language model's part.
    #[inline]
    fn language(&self, load: &Load) -> (f64, f64, f64) {
        if load.query_tokens == 0 {
            return (0.0, 0.0, 0.0);
        }
        let share = load.layer_share.as_f64();
        let layer_bytes = self.layer_weight_bytes + load.context_tokens as f64 * self.kv_bytes;
        let layer_flop = load.query_tokens as f64 * self.layer_flop + load.attention_pairs as f64 * self.pair_flop;
        let head_bytes = if load.head_rows > 0 { self.head_weight_bytes } else { 0.0 };
        let head_flop = load.head_rows as f64 * self.head_flop;
        (share * layer_bytes + head_bytes, share * layer_flop + head_flop, share * self.floor_ns)
    }

    /// The slower of memory and arithmetic.
    #[inline]
    fn bound_ns(&self, bytes: f64, flop: f64) -> f64 {
        (bytes * self.ns_per_byte).max(flop * self.ns_per_flop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine_kind::EngineKind;

    fn roofline(device: &str, model: &str, kind: EngineKind) -> Roofline {
        let model = ModelSpec::named(model).unwrap();
        Roofline::new(Device::named(device).unwrap(), model, &kind.profile(model))
    }

    fn ms(roofline: &Roofline, load: &Load) -> f64 {
        roofline.iteration(load).duration.as_ms_f64()
    }

    #[test]
    fn decode_is_weights_and_context_over_bandwidth() {
        let roofline = roofline("a100-40-sxm", "qwen2.5-vl-7b", EngineKind::Vllm);
        let bytes = 2.0 * (6_525_621_760.0 + 544_997_376.0) + 1001.0 * 57_344.0;
        let expected = 3.6 + bytes / (1_555e9 * 0.85) * 1e3;
        assert!((ms(&roofline, &Load::decode(1000)) - expected).abs() < 1e-5);
        assert_eq!(roofline.iteration(&Load::decode(1000)).bytes, Bytes::new(bytes as u64));
    }

    #[test]
    fn prefill_is_arithmetic_over_peak() {
        let roofline = roofline("a100-40-sxm", "qwen2.5-vl-7b", EngineKind::Vllm);
        let flop = 1024.0 * 13_050_576_896.0 + 1024.0 * 1025.0 / 2.0 * 401_408.0;
        let cost = roofline.iteration(&Load::prefill_chunk(1024, 0));
        assert_eq!(cost.flop, Flops::new(flop));
        assert!((cost.duration.as_ms_f64() - (3.6 + 6.0 + flop / (312e12 * 0.5) * 1e3)).abs() < 1e-5);
        let later = roofline.iteration(&Load::prefill_chunk(1024, 1024));
        assert!(later.duration.as_ms_f64() < cost.duration.as_ms_f64(), "only the first chunk starts the prompt");
    }

    #[test]
    fn the_published_memory_roofline() {
        // Weights / bandwidth, ms per token in bf16, empty context: 2B on 3090 and A100-40, 7B on Orin, LLaVA on M2.
        let rows = [("rtx-3090", "qwen2-vl-2b", 3.30), ("a100-40-pcie", "qwen2-vl-2b", 1.99)];
        let slow = [("jetson-agx-orin-64", "qwen2.5-vl-7b", 69.0), ("apple-m2", "llava-1.5-7b", 132.0)];
        for (device, name, published) in rows.into_iter().chain(slow) {
            let model = ModelSpec::named(name).unwrap();
            let kernels = EngineKind::Vllm.profile(model).kernels_only();
            let ideal = EngineProfile { eta_mem: Ratio::ONE, ..kernels };
            let time = ms(&Roofline::new(Device::named(device).unwrap(), model, &ideal), &Load::decode(0));
            assert!((time / published - 1.0).abs() < 4e-3, "{name} on {device}: {time}");
        }
    }

    #[test]
    fn hf_is_bound_by_launches_and_a_share_of_layers_by_its_share_of_them() {
        let roofline = roofline("a100-80-sxm", "qwen2-vl-2b", EngineKind::Hf);
        assert_eq!(ms(&roofline, &Load::decode(500)), 28.3);
        let split = ms(&roofline, &Load::decode(500).on_layers(Ratio::new(0.25)));
        assert!((split - 28.3 / 4.0).abs() < 1e-6);
    }

    #[test]
    fn a_batch_reads_the_weights_once() {
        let roofline = roofline("a100-40-sxm", "qwen2.5-vl-7b", EngineKind::Vllm);
        let mut batch = Load::NONE;
        for _ in 0..16 {
            batch.add(&Load::decode(500));
        }
        let one = roofline.iteration(&Load::decode(500));
        let sixteen = roofline.iteration(&batch);
        assert_eq!(sixteen.bytes.as_u64() - one.bytes.as_u64(), 15 * 501 * 57_344);
        assert!(sixteen.duration.as_ms_f64() < 1.1 * one.duration.as_ms_f64());
        assert!((sixteen.flop.as_f64() / one.flop.as_f64() - 16.0).abs() < 1e-9);
    }

    #[test]
    fn verifying_costs_little_more_than_decoding() {
        let roofline = roofline("a100-40-pcie", "qwen2.5-vl-7b", EngineKind::Vllm);
        let (decode, verify) = (ms(&roofline, &Load::decode(700)), ms(&roofline, &Load::verify(5, 700)));
        assert!(verify > decode && verify < 1.001 * decode);
    }

    #[test]
    fn vision_is_added_before_the_language_model() {
        let roofline = roofline("a100-40-pcie", "qwen2.5-vl-7b", EngineKind::Vllm);
        let image = Load::vision(Flops::new(1.35e12));
        let mut both = Load::prefill_chunk(400, 0);
        let text = ms(&roofline, &both);
        both.add(&image);
        assert!((ms(&roofline, &both) - text - 1.35e12 / (312e12 * 0.5) * 1e3).abs() < 1e-5);
        assert!(both.is_prefill() && image.is_prefill() && !Load::decode(9).is_prefill());
        // A small image is bound by reading the tower's weights.
        let small = ms(&roofline, &Load::vision(Flops::new(1e9))) - 3.6;
        assert!((small - 2.0 * 676_550_144.0 / (1_555e9 * 0.85) * 1e3).abs() < 1e-5);
    }

    #[test]
    fn shares_of_a_mixed_batch_do_not_depend_on_the_order() {
        let half = Load::decode(10).on_layers(Ratio::new(0.5));
        let (mut a, mut b) = (half, Load::decode(10));
        a.add(&Load::decode(10));
        b.add(&half);
        assert_eq!(a, b);
        let mut alone = Load::NONE;
        alone.add(&half);
        assert_eq!(alone, half, "an empty batch takes the share of its first item");
    }
}
