//! Gains of drafting on one device, as others have measured them: tokens a second with a small model beside the other, over those
//! without it. Acceptances and lengths of drafts are inputs; both models and the device are those of the sources.
//!
//! In sample are the two rows of llama.cpp, by which the time of k + 1 tokens under its vector kernels was set.

use crate::common::{Alike, Override, blocking, mbps, run, spec, stands_in};
use backends::Tier;
use engine::RunSpec;
use model::device::Device;
use model::engine_kind::EngineKind;
use model::format::{KvFormat, Storage, WeightFormat};
use model::load::Load;
use model::model_spec::ModelSpec;
use model::roofline::Roofline;
use policies::{EdgeOnly, EdgeSpeculative, System};
use units::{Bytes, BytesPerSecond, FlopsPerSecond, SimDuration};

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

    /// The simulated gain.
    fn simulated(&self) -> f64 {
        let n_draft = self.drafts;
        let drafted = System::EdgeSpeculative(EdgeSpeculative { n_draft, ..EdgeSpeculative::default() });
        self.tokens_per_s(drafted) / self.tokens_per_s(System::EdgeOnly(EdgeOnly::default()))
    }
}

/// Fails unless `docs/compute-model.md` has the row of a system: measured and simulated, and the error.
fn quote(name: &str, measured: f64, simulated: f64, unit: &str) {
    let error = 100.0 * (simulated / measured - 1.0);
    let digits = if unit.is_empty() { 2 } else { 1 };
    let row = format!("| {name} | {measured:.digits$}{unit} | {simulated:.digits$}{unit} | {error:+.0} % |");
    stands_in("docs/compute-model.md", &row);
}

#[test]
fn verifications_take_as_long_as_the_logs_say() {
    let [card, chip, _] = rows();
    // 6 tokens on the RTX 3060, 17 on the M4 Pro.
    for (row, tokens, measured) in [(card, 6, [55.0, 60.0]), (chip, 17, [430.0, 430.0])] {
        let [own, _] = &row.models;
        let roofline = Roofline::new(&row.device, own, &row.engine.profile(own, &row.device));
        let ms = roofline.iteration(&Load::verify(tokens, 64)).duration.as_ms_f64();
        println!("{}: {tokens} tokens take {ms:.0} ms, measured {measured:?}", row.name);
        assert!(0.95 * measured[0] < ms && ms < 1.05 * measured[1], "{}: {ms} ms for {measured:?}", row.name);
    }
}

#[test]
fn gains_of_drafting_on_one_device_are_the_measured_ones() {
    for row in rows() {
        let gain = row.simulated();
        assert!((gain / row.gain - 1.0).abs() < 0.15, "{}: {gain:.2} for {:.2}", row.name, row.gain);
        assert_eq!(gain > 1.0, row.gain > 1.0, "{}: {gain:.2} for {:.2}", row.name, row.gain);
        quote(row.name, row.gain, gain, "");
    }
}

/// Tokens a second of Qwen3-14B in 4 bits on a Lunar Lake whose other processor drafts by threes, each draft in so many ms: the two
/// processors are an edge and a cloud without a way between them. OpenVINO has no engine of its own here.
fn drafted_by_another_processor(draft_ms: f64) -> f64 {
    let mut spec = spec(blocking(3), EngineKind::Graph, 8, 256).text_only(64).iid(0.40);
    let hop = &mut spec.link.hops[0];
    hop.set_rtt(SimDuration::ZERO);
    hop.set_rate(mbps(1_000_000));
    let chip = device("jetson-agx-orin-64", 32, 136.5, 33.0);
    let qwen = |shape, tied| decoder(shape, tied, WeightFormat::Q4_0);
    let small = qwen([28, 1024, 3072, 16, 8, 128, 151_936], true);
    let own = qwen([40, 5120, 17_408, 40, 8, 128, 151_936], false);
    for (tier, model) in [(&mut spec.edges[0].tier, small), (&mut spec.pools[0].tier, own)] {
        let engine = EngineKind::Graph.profile(&model, &chip);
        *tier = Tier { engine, device: chip.clone(), model, ..tier.clone() };
    }
    spec.edges[0].tier.engine.floor = SimDuration::from_secs_f64(draft_ms / 1e3);
    let metrics = run(&spec).metrics;
    1e9 * metrics.itl.count() as f64 / metrics.itl.sum_ns() as f64
}

/// OpenVINO's example prints 16.5 tok/s with drafts on the CPU, of 9.4 ms each, and 7.1 on the NPU, of 34.3 ms, 40 % accepted. The first is
/// met. The second is not: three drafts are 75 ms more a round, which with 1.62 tokens a round leaves 9.4 tok/s, whatever a verification
/// takes to give the first. 55 ms of a round on the NPU are in none of the printed figures.
#[test]
fn drafts_of_another_processor_take_their_time() {
    let [cpu, npu] = [9.4, 34.3].map(drafted_by_another_processor);
    assert!((cpu / 16.5 - 1.0).abs() < 0.15, "{cpu}");
    assert!((npu / 9.4 - 1.0).abs() < 0.05, "{npu}");
    quote("Lunar Lake, Qwen3-14B INT4, drafts of a 0.6B on the CPU, OpenVINO", 16.5, cpu, " tok/s");
    quote("the same with drafts on the NPU", 7.1, npu, " tok/s");
}
