//! The cost of one iteration by a data sheet, a model's dimensions and an engine's constants (`docs/compute-model.md`).
//!
//! Its time is the physical form of a step ([`crate::step::parts`]) with coefficients that nobody fitted to that server:
//! kernels reach the device's share of bandwidth and peak ([`Device::reach`]), and reading the weights and multiplying by them
//! overlap in part, as the root of the sum of their squares. A profile of measured steps has other coefficients of the same form.
//!
//! Bytes are the weights that the iteration runs, once, and the KV cache of every item; writing new keys and values is not
//! counted. Vision towers are encoded before the language model starts, so their time is added, not overlapped.
//!
//! [`Roofline::iteration`] is called once for each simulated iteration, so everything that does not depend on the load
//! is folded into one factor beforehand, and no step allocates or divides.

use units::{Bytes, Flops, Ratio, SimDuration};

use crate::{
    device::Device,
    engine_kind::EngineProfile,
    load::{Cost, Load},
    model_spec::{Experts, ModelSpec},
    parallel::Parallel,
    step::parts::{DataSheet, Parts, Priced},
};

/// A model on a device under an engine, with everything folded in that does not depend on the load.
///
/// ```
/// use model::{device::Device, engine_kind::EngineKind, model_spec::ModelSpec, load::Load, roofline::Roofline};
///
/// let (gpu, qwen) = (Device::named("a100-80-sxm").unwrap(), ModelSpec::named("qwen2.5-vl-7b").unwrap());
/// let roofline = Roofline::new(gpu, qwen, &EngineKind::Vllm.profile(qwen, gpu));
///
/// // One token of an answer behind a context of 1,000, and four drafted tokens verified at once: nearly as fast.
/// let decode = roofline.iteration(&Load::decode(1000)).duration.as_ms_f64();
/// let verify = roofline.iteration(&Load::verify(5, 1000)).duration.as_ms_f64();
/// assert!(decode > 9.0 && verify < 1.05 * decode, "{decode} ms, {verify} ms");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Roofline {
    time: Priced,
    layer_weight_bytes: f64,
    /// Experts, and the bytes of one of them in all layers.
    experts: Option<(Experts, f64)>,
    head_weight_bytes: f64,
    vision_weight_bytes: f64,
    kv_bytes: f64,
    layer_flop: f64,
    head_flop: f64,
    pair_flop: f64,
}

impl Roofline {
    /// The roofline of one GPU's data sheet, a model's dimensions and an engine's constants.
    ///
    /// # Panics
    ///
    /// If bandwidth, peak or an efficiency is zero: such a device never finishes.
    pub fn new(device: &Device, model: &ModelSpec, engine: &EngineProfile) -> Roofline {
        Roofline::of_server(device, model, engine, Parallel::NONE)
    }

    /// The roofline of several GPUs that share a model. Arithmetic and memory traffic are those of all of them.
    ///
    /// # Panics
    ///
    /// If bandwidth, peak or an efficiency is zero: such a server never finishes.
    pub fn of_server(device: &Device, model: &ModelSpec, engine: &EngineProfile, parallel: Parallel) -> Roofline {
        let never = engine.eta_mem == Ratio::ZERO || engine.eta_flop == Ratio::ZERO;
        assert!(!never, "device {} never finishes an iteration", device.name);
        let bytes = |bytes: Bytes| bytes.as_u64() as f64;
        Roofline {
            time: Parts::of_engine(engine).on(DataSheet::of(device, parallel), model),
            layer_weight_bytes: bytes(model.fixed_layer_weight_bytes()),
            experts: model.experts.map(|experts| (experts, bytes(model.expert_weight_bytes()))),
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
        let (bytes, flop) = self.language(load);
        let vision_flop = load.vision_flop.as_f64();
        let vision_bytes = load.vision_share.as_f64() * self.vision_weight_bytes;
        Cost {
            duration: SimDuration::from_ns((self.time.ns(load, load.sequences) + 0.5) as u64),
            flop: Flops::new(flop + vision_flop),
            bytes: Bytes::new((bytes + vision_bytes) as u64),
        }
    }

    /// Bytes and FLOP of the language model's part.
    #[inline]
    fn language(&self, load: &Load) -> (f64, f64) {
        if load.query_tokens == 0 {
            return (0.0, 0.0);
        }
        let share = load.layer_share.as_f64();
        let hit_bytes = self.experts.map_or(0.0, |(experts, one)| experts.expected_hit(load.query_tokens) * one);
        let layer_bytes = self.layer_weight_bytes + hit_bytes + load.context_tokens as f64 * self.kv_bytes;
        let layer_flop = load.query_tokens as f64 * self.layer_flop + load.attention_pairs as f64 * self.pair_flop;
        let head_bytes = if load.head_rows > 0 { self.head_weight_bytes } else { 0.0 };
        let head_flop = load.head_rows as f64 * self.head_flop;
        (share * layer_bytes + head_bytes, share * layer_flop + head_flop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine_kind::EngineKind, parallel::Interconnect};

    fn roofline(device: &str, model: &str, kind: EngineKind) -> Roofline {
        let model = ModelSpec::named(model).unwrap();
        let device = Device::named(device).unwrap();
        Roofline::new(device, model, &kind.profile(model, device))
    }

    fn ms(roofline: &Roofline, load: &Load) -> f64 {
        roofline.iteration(load).duration.as_ms_f64()
    }

    #[test]
    fn decode_is_weights_and_context_over_bandwidth_and_the_kernels_of_each_layer() {
        let roofline = roofline("a100-40-sxm", "qwen2.5-vl-7b", EngineKind::Graph);
        let (weights, context) = (2.0 * (6_525_621_760.0 + 544_997_376.0), 1001.0 * 57_344.0);
        let (read, multiply) = (weights / (1_555e9 * 0.80), 14_141_000_000.0 / (312e12 * 0.76));
        let kernels = 28.0 * (35e-6 + 14.0 * 3584.0 * 2.0 / 1_555e9);
        let attention = context / (1_555e9 * 0.80 * 0.90) + 1001.0 * 401_408.0 / (312e12 * 0.76 * 0.70);
        let expected = 0.8 + (libm::hypot(read, multiply) + kernels + attention) * 1e3;
        assert!((ms(&roofline, &Load::decode(1000)) - expected).abs() < 1e-4, "{expected}");
        assert_eq!(roofline.iteration(&Load::decode(1000)).bytes, Bytes::new((weights + context) as u64));
    }

    #[test]
    fn prefill_is_arithmetic_over_peak() {
        let roofline = roofline("a100-40-sxm", "qwen2.5-vl-7b", EngineKind::Graph);
        let flop = 1024.0 * 13_050_576_896.0 + 1024.0 * 1025.0 / 2.0 * 401_408.0;
        let cost = roofline.iteration(&Load::prefill_chunk(1024, 0));
        assert_eq!(cost.flop, Flops::new(flop));
        let ideal = flop / (312e12 * 0.76) * 1e3;
        let duration = cost.duration.as_ms_f64() - 3.8;
        assert!(duration > ideal && duration < 1.15 * ideal, "{duration} ms, {ideal} by the products alone");
        let later = roofline.iteration(&Load::prefill_chunk(1024, 1024));
        assert!(later.duration.as_ms_f64() < cost.duration.as_ms_f64(), "only the first chunk starts the prompt");
    }

    #[test]
    fn the_published_memory_roofline() {
        // Weights / bandwidth, ms per token in bf16, empty context: 2B on 3090 and A100-40, 7B on Orin, LLaVA on M2.
        let rows = [("rtx-3090", "qwen2-vl-2b", 3.30), ("a100-40-pcie", "qwen2-vl-2b", 1.99)];
        let slow = [("jetson-agx-orin-64", "qwen2.5-vl-7b", 69.0), ("apple-m2", "llava-1.5-7b", 132.0)];
        for (device, name, published) in rows.into_iter().chain(slow) {
            let (device, model) = (Device::named(device).unwrap(), ModelSpec::named(name).unwrap());
            let read = roofline(&device.name, name, EngineKind::Graph).iteration(&Load::decode(0)).bytes;
            let time = read.as_u64() as f64 / device.bandwidth.as_f64() * 1e3;
            assert!((time / published - 1.0).abs() < 4e-3, "{} on {}: {time}", model.name, device.name);
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
    fn the_host_is_hidden_behind_a_slow_gpu_and_bounds_a_fast_one() {
        let [slow, fast] = ["qwen2.5-vl-7b", "qwen2-vl-2b"].map(|model| {
            let of = |kind| roofline("h100-sxm", model, kind);
            let many = (0..64).fold(Load::NONE, |mut load, _| {
                load.add(&Load::decode(10));
                load
            });
            (ms(&of(EngineKind::Trtllm), &many), ms(&of(EngineKind::Vllm019Sync), &many))
        });
        assert!(slow.0 > 5.66 && fast.0 == 5.66, "1.5 ms and 65 us a sequence: {slow:?} {fast:?}");
        assert!(slow.1 > slow.0 + 3.2, "2 ms and 20 us a sequence are added: {slow:?}");
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
        assert!(sixteen.duration.as_ms_f64() < 1.15 * one.duration.as_ms_f64());
        assert!((sixteen.flop.as_f64() / one.flop.as_f64() - 16.0).abs() < 1e-9);
    }

    #[test]
    fn verifying_costs_little_more_than_decoding() {
        let roofline = roofline("a100-40-pcie", "qwen2.5-vl-7b", EngineKind::Vllm);
        let (decode, verify) = (ms(&roofline, &Load::decode(700)), ms(&roofline, &Load::verify(5, 700)));
        assert!(verify > decode && verify < 1.05 * decode, "{decode} {verify}");
    }

    #[test]
    fn vision_is_added_before_the_language_model() {
        let roofline = roofline("a100-40-pcie", "qwen2.5-vl-7b", EngineKind::Graph);
        let image = Load::vision(Flops::new(1.35e12));
        let mut both = Load::prefill_chunk(400, 0);
        let text = ms(&roofline, &both);
        both.add(&image);
        assert!((ms(&roofline, &both) - text - 1.35e12 / (312e12 * 0.76 * 0.80) * 1e3).abs() < 1e-5);
        assert!(both.is_prefill() && image.is_prefill() && !Load::decode(9).is_prefill());
        // A small image is bound by reading the tower's weights.
        let small = ms(&roofline, &Load::vision(Flops::new(1e9))) - 0.8;
        assert!((small - 2.0 * 676_550_144.0 / (1_555e9 * 0.76 * 0.80) * 1e3).abs() < 1e-5);
    }

    #[test]
    fn gpus_that_share_a_layer_read_less_each_and_talk() {
        let (device, model) = (Device::named("h100-sxm").unwrap(), ModelSpec::named("qwen2.5-vl-7b").unwrap());
        let engine = EngineKind::Graph.profile(model, device);
        let ms = |tensor| {
            let parallel = Parallel { tensor, interconnect: Interconnect::named("nvlink-4"), ..Parallel::NONE };
            ms(&Roofline::of_server(device, model, &engine, parallel), &Load::decode(100))
        };
        let fixed = 0.8 + 28.0 * 0.035;
        // Half of the reading, and 56 all-reduces of 16 us.
        assert!((ms(2) - (ms(1) - fixed) / 2.0 - fixed - 0.896).abs() < 0.01, "{} {}", ms(1), ms(2));
        assert!(ms(4) > ms(2) / 2.0);
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
