//! Speeds that others printed: `docs/hardware.md`, "Published measurements", by its section letters, and MindFusion's
//! devices alone.

use std::borrow::Cow;

use model::{
    device::Device,
    engine_kind::EngineKind,
    format::Storage,
    kv::{KvPool, blocks_for},
    load::Load,
    memory::BatchLimits,
    model_spec::ModelSpec,
    roofline::Roofline,
};
use units::{BytesPerSecond, FlopsPerSecond};

use crate::{ERRORS_HEAD, Errors, Row, device, model, quote, seconds};

/// Bytes a weight of 4-bit groups of 32 with an fp16 scale: llama.cpp's Q4_0; MLC, GPTQ and AWQ are near it.
const Q4_0: f64 = 0.5625;
/// Bytes a weight of llama.cpp's Q4_K_M: 4.58 GiB for 8.03 G weights (section B).
const Q4_K_M: f64 = 4.58 * 1.073_741_824 / 8.03;
/// In a column of speeds: nothing was published.
const NONE: f64 = 0.0;

/// Rows of one kind, and the guards of their median and worst error.
struct Group {
    name: &'static str,
    guard: (f64, f64),
    rows: Vec<Row>,
}

fn group(name: &'static str, guard: (f64, f64), rows: impl IntoIterator<Item = Row>) -> Group {
    let rows = rows.into_iter().filter(|row| row.measured_s.is_finite()).collect();
    Group { name, guard, rows }
}

fn roofline(device: &Device, model: &ModelSpec, kind: EngineKind) -> Roofline {
    Roofline::new(device, model, &kind.profile(model, device))
}

/// A device that only this test needs: GB/s and TFLOP/s from memory of its data sheet, not looked up;
/// its memory and power play no part.
fn only_here(name: &'static str, gb_per_s: u64, tflops: f64) -> Device {
    Device {
        name: Cow::Borrowed(name),
        bandwidth: BytesPerSecond::new(gb_per_s * 1_000_000_000),
        peak: FlopsPerSecond::new(tflops * 1e12),
        ..device("apple-m2")
    }
}

/// A decode speed in tokens/s, behind `context` tokens.
fn decode(label: impl Into<String>, tokens_per_s: f64, roofline: &Roofline, context: u64) -> Row {
    let modelled_s = seconds(roofline, &Load::decode(context));
    Row { label: label.into(), measured_s: 1.0 / tokens_per_s, modelled_s }
}

/// A prompt speed in tokens/s, for a prompt of `tokens`.
fn prompt(label: impl Into<String>, tokens_per_s: f64, roofline: &Roofline, tokens: u64) -> Row {
    let modelled_s = seconds(roofline, &Load::prefill_chunk(tokens, 0).with_head());
    Row { label: label.into(), measured_s: tokens as f64 / tokens_per_s, modelled_s }
}

/// A whole answer's speed in tokens/s, the prompt's time included, as Qwen measures.
fn answer(label: String, tokens_per_s: f64, roofline: &Roofline, prompt: u64, output: u64) -> Row {
    let prefill = seconds(roofline, &Load::prefill_chunk(prompt, 0).with_head());
    let decode: f64 = (1..output).map(|done| seconds(roofline, &Load::decode(prompt + done))).sum();
    Row { label, measured_s: 1.0 / tokens_per_s, modelled_s: (prefill + decode) / output as f64 }
}

/// Section A: transformers on an A100-80, 2,048 tokens generated, at four prompt lengths.
fn transformers(format: &str, width: f64, speeds: [(&str, [f64; 4]); 2]) -> Vec<Row> {
    const PROMPTS: [u64; 4] = [1, 6_144, 14_336, 30_720];
    let mut rows = Vec::new();
    for (name, speeds) in speeds {
        let spec = model(name).stored(Storage::uniform(width));
        let roofline = roofline(&device("a100-80-sxm"), &spec, EngineKind::Hf);
        for (prompt, speed) in PROMPTS.into_iter().zip(speeds) {
            rows.push(answer(format!("{name} {format}, prompt {prompt}"), speed, &roofline, prompt, 2048));
        }
    }
    rows
}

fn section_a() -> [Group; 4] {
    let (two, seven) = ("qwen2-vl-2b", "qwen2-vl-7b");
    let bf16 = [(two, [35.29, 36.58, 36.31, 32.53]), (seven, [39.02, 38.75, 30.65, 19.53])];
    let gptq = [(two, [39.76, 39.27, 39.89, 30.73]), (seven, [42.76, 39.75, 29.72, 19.15])];
    let awq = [(two, [29.89, 33.42, 32.28, 31.55]), (seven, [32.08, 32.66, 31.42, 19.95])];
    // The language models of the 7B and the 2B; these two speeds and the first of each bf16 line set the constants.
    let anchors = [("Qwen2.5-7B", seven, 84.28), ("Qwen2.5-1.5B", two, 183.33)].map(|(label, name, speed)| {
        let roofline = roofline(&device("a100-80-sxm"), &model(name), EngineKind::Vllm07);
        answer(label.to_owned(), speed, &roofline, 1, 2048)
    });
    [
        group("A transformers bf16, `hf`", (0.10, 0.55), transformers("bf16", 2.0, bf16)),
        group("A transformers GPTQ, `hf`", (0.20, 0.55), transformers("GPTQ", Q4_0, gptq)),
        group("A transformers AWQ, `hf`", (0.20, 0.55), transformers("AWQ", Q4_0, awq)),
        group("A vLLM anchors, `vllm-0.7`", (0.03, 0.04), anchors),
    ]
}

/// Section B: llama.cpp, an 8B; decode in fp16 and Q4_K_M, and a prompt of 1,024 tokens in fp16.
fn section_b() -> [Group; 3] {
    let speeds = [
        (device("rtx-3090"), 46.51, 111.74, 4240.0),
        (device("rtx-4090"), 54.34, 127.74, 9056.0),
        (device("a6000"), 40.25, 102.22, 4315.0),
        (device("a100-80-pcie"), 54.56, 138.31, 7504.0),
        (only_here("h100-pcie", 2000, 756.0), 67.79, 144.49, 10_343.0),
        (device("l40s"), 43.42, 113.60, NONE),
        (only_here("apple-m1-7-core", 68, 2.3), NONE, 9.72, 87.0),
        (only_here("apple-m1-max", 400, 10.4), 18.43, 34.49, 419.0),
        (only_here("apple-m2-ultra", 800, 27.2), 36.25, 76.28, 1203.0),
        (only_here("apple-m3-max", 400, 14.2), 22.39, 50.74, 751.0),
    ];
    let half = llama_8b();
    let four_bit = llama_8b().stored(Storage::uniform(Q4_K_M));
    let on = |device: &Device, model: &ModelSpec| roofline(device, model, EngineKind::Llamacpp);
    let label = |device: &Device| device.name.to_string();
    [
        group("B llama.cpp decode fp16, `llamacpp`", (0.25, 0.60), {
            speeds.iter().map(|(gpu, speed, _, _)| decode(label(gpu), *speed, &on(gpu, &half), 512))
        }),
        group("B llama.cpp decode Q4_K_M, `llamacpp`", (0.40, 0.60), {
            speeds.iter().map(|(gpu, _, speed, _)| decode(label(gpu), *speed, &on(gpu, &four_bit), 512))
        }),
        group("B llama.cpp prompt 1024 fp16, `llamacpp`", (0.45, 0.70), {
            speeds.iter().map(|(gpu, _, _, speed)| prompt(label(gpu), *speed, &on(gpu, &half), 1024))
        }),
    ]
}

fn llama_8b() -> ModelSpec {
    ModelSpec::dense("llama-3-8b", [32, 4096, 14_336, 32, 8, 128, 128_256])
}

/// Section C: a 7B in Q4_0 on Apple's chips, and an 8B in Q4_K_M. The peaks there are unconfirmed.
fn section_c() -> [Group; 2] {
    let llama_7b = ModelSpec::dense("llama-7b", [32, 4096, 11_008, 32, 32, 128, 32_000]).stored(Storage::uniform(Q4_0));
    let speeds = [
        (only_here("apple-m1", 68, 2.6), 118.0, 14.0),
        (device("apple-m2"), 180.0, 22.0),
        (device("apple-m4"), 221.0, 24.0),
        (only_here("apple-m4-pro", 273, 8.6), 440.0, 51.0),
    ];
    let on = |device: &Device, model: &ModelSpec| roofline(device, model, EngineKind::Llamacpp);
    let label = |device: &Device| device.name.to_string();
    let eight_b = llama_8b().stored(Storage::uniform(Q4_K_M));
    let m4 = on(&device("apple-m4"), &eight_b);
    [
        group("C llama.cpp decode in 4 bits, `llamacpp`", (0.08, 0.08), {
            let seven_b = speeds.iter().map(|(gpu, _, speed)| decode(label(gpu), *speed, &on(gpu, &llama_7b), 128));
            seven_b.chain([decode("apple-m4, 8B Q4_K_M", 20.9, &m4, 128)])
        }),
        group("C llama.cpp prompt 512 in 4 bits, `llamacpp`", (0.30, 0.35), {
            let seven_b = speeds.iter().map(|(gpu, speed, _)| prompt(label(gpu), *speed, &on(gpu, &llama_7b), 512));
            seven_b.chain([prompt("apple-m4, 8B Q4_K_M", 224.8, &m4, 512)])
        }),
    ]
}

/// Section D: 4-bit models on an Orin Nano, under MLC at both of its memory clocks and under three engines.
fn section_d() -> [Group; 2] {
    let three_b = ModelSpec::dense("llama-3.2-3b", [28, 3072, 8192, 24, 8, 128, 128_256]);
    let fast = device("jetson-orin-nano-8");
    let slow = Device { bandwidth: BytesPerSecond::new(68_000_000_000), ..fast.clone() };
    let mut mlc = Vec::new();
    for (spec, before, now) in [(model("qwen2-vl-7b"), 14.2, 21.75), (llama_8b(), 14.0, 19.14), (three_b, 27.7, 43.07)]
    {
        let spec = spec.stored(Storage::uniform(Q4_0));
        for (gpu, clock, speed) in [(&slow, "68 GB/s", before), (&fast, "102 GB/s", now)] {
            let label = format!("{} at {clock}", spec.name);
            mlc.push(decode(label, speed, &roofline(gpu, &spec, EngineKind::Graph), 256));
        }
    }
    let cosmos =
        ModelSpec::dense("cosmos-reason2-2b", [28, 2048, 6144, 16, 8, 128, 151_936]).stored(Storage::uniform(Q4_0));
    let (trtllm, vllm, llamacpp) = (EngineKind::Trtllm, EngineKind::Vllm, EngineKind::Llamacpp);
    let engines = [("TensorRT Edge-LLM", trtllm, 60.0), ("vLLM", vllm, 56.0), ("llama.cpp", llamacpp, 38.0)];
    let row = |(label, kind, speed)| decode(label, speed, &roofline(&fast, &cosmos, kind), 256);
    [
        group("D Orin Nano MLC 4-bit decode, `graph`", (0.15, 0.25), mlc),
        group("D Orin Nano, a 2B in W4A16, decode", (0.40, 0.65), engines.map(row)),
    ]
}

/// Section F: LLaVA-1.5-7B. Saturated under vLLM, a request takes its share of the decode iterations and what its prompt
/// adds to one of them; as many run as the KV pool holds. Alone under llama.cpp the format is not certain.
fn section_f() -> [Group; 2] {
    let llava = model("llava-1.5-7b");
    let (prompt_tokens, output_tokens) = (597, 104);
    let saturated = |name: &'static str| {
        let gpu = device(name);
        let pool = KvPool::for_model(&gpu, &llava, BatchLimits::default()).expect("it fits");
        let running = pool.total_blocks() / blocks_for(prompt_tokens + output_tokens);
        let roofline = roofline(&gpu, &llava, EngineKind::Vllm07);
        let mut decode = Load::NONE;
        (0..running).for_each(|_| decode.add(&Load::decode(prompt_tokens + output_tokens / 2)));
        let mut mixed = decode;
        mixed.add(&Load::prefill_chunk(prompt_tokens, 0).with_head());
        mixed.add(&Load::vision(llava.vision.as_ref().expect("a vision tower").flop(576)));
        let decode_s = seconds(&roofline, &decode);
        let share = (output_tokens - 1) as f64 * decode_s / running as f64;
        let modelled_s = share + seconds(&roofline, &mixed) - decode_s;
        Row { label: format!("{name}, {running} running"), measured_s: 1.0 / 9.33, modelled_s }
    };
    let alone = |label: &str, width| {
        let spec = llava.clone().stored(Storage::uniform(width));
        decode(label, 54.0, &roofline(&device("rtx-3090"), &spec, EngineKind::Llamacpp), 650)
    };
    [
        group("F LLaVA-1.5-7B saturated, `vllm-0.7`", (0.60, 0.60), ["a100-40-pcie", "a100-80-sxm"].map(saturated)),
        group("F LLaVA-1.5-7B on a 3090, `llamacpp`", (0.75, 0.75), [alone("if 4-bit", Q4_K_M), alone("if fp16", 2.0)]),
    ]
}

/// MindFusion's Table II, devices alone (`claims.json`, MF-T2-*): LLaVA-1.5-7B; the format is not stated, Q4_K_M taken.
fn mindfusion() -> [Group; 2] {
    let llava = model("llava-1.5-7b").stored(Storage::uniform(Q4_K_M));
    let speeds = [("iphone-15-pro", 30.08, 5.38), ("apple-m2", 135.56, 17.41), ("apple-m4", 193.75, 21.42)];
    let on = |name| roofline(&device(name), &llava, EngineKind::Graph);
    [
        group("MindFusion devices alone, decode, `graph`", (0.40, 0.70), {
            speeds.iter().map(|&(name, _, speed)| decode(name, speed, &on(name), 650))
        }),
        group("MindFusion devices alone, prompt, `graph`", (0.40, 0.75), {
            speeds.iter().map(|&(name, speed, _)| prompt(name, speed, &on(name), 650))
        }),
    ]
}

#[test]
fn published_speeds() {
    let groups: Vec<Group> = section_a()
        .into_iter()
        .chain(section_b())
        .chain(section_c())
        .chain(section_d())
        .chain(section_f())
        .chain(mindfusion())
        .collect();
    println!("\n| group | row | measured ms | modelled ms | error |\n| --- | --- | --- | --- | --- |");
    for Group { name, rows, .. } in &groups {
        for row in rows {
            let (measured, modelled, error) = (row.measured_s * 1e3, row.modelled_s * 1e3, row.error() * 100.0);
            quote(&format!("| {name} | {} | {measured:.2} | {modelled:.2} | {error:+.0} % |", row.label));
        }
    }
    println!("\n{ERRORS_HEAD}");
    let errors: Vec<Errors> = groups.iter().map(|group| Errors::of(&group.rows)).collect();
    for (group, errors) in groups.iter().zip(&errors) {
        errors.print(group.name);
    }
    for (group, errors) in groups.iter().zip(&errors) {
        errors.guard(group.name, group.guard.0, group.guard.1);
    }
}
