//! Gains of drafting on one device, as others have measured them: tokens a second with a small model beside the other, over those
//! without it. Acceptances and lengths of drafts are inputs; both models and the device are those of the sources.
//!
//! In sample are the two rows of llama.cpp, by which the time of k + 1 tokens under its vector kernels was set. One sign is missed: on
//! the M4 Pro, where 17 tokens were measured to take 4.7 times as long as one, drafting loses 2 %, and gains here.

use crate::common::{Override, run, spec};
use backends::Tier;
use engine::RunSpec;
use model::device::Device;
use model::engine_kind::EngineKind;
use model::format::{KvFormat, Storage, WeightFormat};
use model::model_spec::ModelSpec;
use policies::{EdgeOnly, EdgeSpeculative, System};
use units::{Bytes, BytesPerSecond, FlopsPerSecond};

/// A measured pair of speeds.
struct Row {
    name: &'static str,
    device: Device,
    engine: EngineKind,
    models: [ModelSpec; 2],
    drafts: u32,
    /// Probability that a draft is accepted, where those before it are.
    acceptance: f64,
    gain: f64,
    /// False where the simulation gains and the measurement loses, or the other way round.
    has_the_sign: bool,
}

fn device(like: &str, gib: u64, gb_per_s: f64, tflop_per_s: f64) -> Device {
    let mut device = Device::named(like).unwrap().clone();
    (device.memory, device.bandwidth) = (Bytes::new(gib << 30), BytesPerSecond::new((gb_per_s * 1e9) as u64));
    device.peak = FlopsPerSecond::new(tflop_per_s * 1e12);
    device
}

/// A decoder: layers, width, width of the MLP, heads, KV heads, width of a head, vocabulary.
fn decoder(shape: [u64; 7], tied_head: bool, weights: WeightFormat) -> ModelSpec {
    let [layers, hidden, intermediate, heads, kv_heads, head_dim, vocab] = shape;
    let like = ModelSpec::named("llama-3.1-8b").unwrap().clone();
    let model = ModelSpec {
        layers,
        hidden,
        intermediate,
        heads,
        kv_heads,
        head_dim,
        vocab,
        tied_head,
        name: "own".into(),
        ..like
    };
    model.stored(Storage::of(weights, weights, KvFormat::Fp16))
}

fn rows() -> [Row; 3] {
    use WeightFormat::{Fp16, Q4_0, Q4KM, Q8_0};
    let qwen = |shape, tied, format| ModelSpec { qkv_bias: true, ..decoder(shape, tied, format) };
    [
        // 32.5 and 55.5 tok/s; 526 of 730 drafts accepted by fives: a + a^2 + ... + a^5 = 3.60.
        Row {
            name: "RTX 3060, Llama-3.1-8B and Llama-3.2-1B in q8_0, llama.cpp (in sample)",
            device: device("rtx-3090", 12, 360.0, 25.5),
            engine: EngineKind::Llamacpp,
            models: [
                decoder([32, 4096, 14_336, 32, 8, 128, 128_256], false, Q8_0),
                decoder([16, 2048, 8192, 32, 8, 64, 128_256], true, Q8_0),
            ],
            drafts: 5,
            acceptance: 0.892,
            gain: 55.5 / 32.5,
            has_the_sign: true,
        },
        // 11 and 10.8 tok/s; 313 of 912 accepted by sixteens: the same sum to a^16 is 5.49.
        Row {
            name: "M4 Pro, Qwen2.5-Coder-32B in q4_K_L and 3B in q4_0, llama.cpp (in sample)",
            device: device("apple-m4", 48, 273.0, 2.0 * 4.3),
            engine: EngineKind::Llamacpp,
            models: [
                qwen([64, 5120, 27_648, 40, 8, 128, 152_064], false, Q4KM),
                qwen([36, 2048, 11_008, 16, 2, 128, 151_936], true, Q4_0),
            ],
            drafts: 16,
            acceptance: 0.857,
            gain: 10.8 / 11.0,
            has_the_sign: false,
        },
        // 1.93 times; 2.27 tokens a round by fives.
        Row {
            name: "A100, Vicuna-13B and 68 M, transformers (EAGLE-3's table)",
            device: Device::named("a100-80-sxm").unwrap().clone(),
            engine: EngineKind::Hf,
            models: [
                decoder([40, 5120, 13_824, 40, 40, 128, 32_000], false, Fp16),
                decoder([2, 768, 3072, 12, 12, 64, 32_000], false, Fp16),
            ],
            drafts: 5,
            acceptance: 0.575,
            gain: 1.93,
            has_the_sign: true,
        },
    ]
}

impl Row {
    fn tokens_per_s(&self, policy: System) -> f64 {
        let drafts = matches!(policy, System::EdgeSpeculative(_));
        let spec: RunSpec = spec(policy, self.engine, 8, 256).text_only(64).iid(self.acceptance);
        let mut spec = spec;
        let [own, small] = self.models.clone();
        let tier = &mut spec.edges[0].tier;
        *tier = Tier {
            engine: self.engine.profile(&own, &self.device),
            device: self.device.clone(),
            model: own,
            ..tier.clone()
        };
        tier.drafter = drafts.then(|| Box::new(small));
        let metrics = run(&spec).metrics;
        1e9 * metrics.itl.count() as f64 / metrics.itl.sum_ns() as f64
    }

    /// Simulated gain, and its error.
    fn gain(&self) -> (f64, f64) {
        let n_draft = self.drafts;
        let drafted = System::EdgeSpeculative(EdgeSpeculative { n_draft, ..EdgeSpeculative::default() });
        let (alone, together) = (self.tokens_per_s(System::EdgeOnly(EdgeOnly::default())), self.tokens_per_s(drafted));
        println!(
            "{}: {alone:.1} tok/s alone, {together:.1} drafted, gain {:.2} for {:.2}",
            self.name,
            together / alone,
            self.gain
        );
        (together / alone, together / alone / self.gain - 1.0)
    }
}

#[test]
fn gains_of_drafting_on_one_device_are_the_measured_ones() {
    for row in rows() {
        let (gain, error) = row.gain();
        assert!(error.abs() < 0.15, "{}: {gain:.2} for {:.2}", row.name, row.gain);
        assert_eq!((gain > 1.0) == (row.gain > 1.0), row.has_the_sign, "{}: {gain:.2} for {:.2}", row.name, row.gain);
    }
}
