//! The compute model against published and measured times. `cargo test -p model --test measured -- --nocapture` prints
//! the tables that `docs/compute-model.md` quotes.
//!
//! No constant is fitted here: devices, models and engines are those of the simulator, and the asserted bounds only guard
//! what was found. An error is `modelled / measured - 1` of a duration: positive means that the model is too slow.

use std::{borrow::Cow, collections::BTreeMap, fs::File, path::Path};

use flate2::read::GzDecoder;
use model::{
    device::Device,
    engine_kind::{EngineKind, EngineProfile},
    model_spec::ModelSpec,
    roofline::{Load, Roofline},
};
use units::{Bytes, BytesPerSecond, Flops, FlopsPerSecond};

// ---------------------------------------------------------------------------------------------------------------- tables

/// One comparison: a label, and two durations in seconds.
struct Row {
    label: String,
    measured_s: f64,
    modelled_s: f64,
}

impl Row {
    fn error(&self) -> f64 {
        self.modelled_s / self.measured_s - 1.0
    }
}

/// Median, 90th percentile and worst of the absolute error, and the mean of the signed one.
struct Errors {
    rows: usize,
    median: f64,
    p90: f64,
    worst: f64,
    bias: f64,
    worst_label: String,
}

impl Errors {
    fn of(rows: &[Row]) -> Errors {
        let mut sorted: Vec<&Row> = rows.iter().collect();
        sorted.sort_by(|a, b| a.error().abs().total_cmp(&b.error().abs()));
        let at = |share: f64| sorted[((rows.len() - 1) as f64 * share).round() as usize];
        Errors {
            rows: rows.len(),
            median: at(0.5).error().abs(),
            p90: at(0.9).error().abs(),
            worst: at(1.0).error(),
            bias: rows.iter().map(Row::error).sum::<f64>() / rows.len() as f64,
            worst_label: at(1.0).label.clone(),
        }
    }

    fn print(&self, group: &str) {
        let Errors { rows, median, p90, worst, bias, worst_label } = self;
        let [median, p90, worst, bias] = [median, p90, worst, bias].map(|share| share * 100.0);
        println!("| {group} | {rows} | {median:.0} % | {p90:.0} % | {worst:+.0} % ({worst_label}) | {bias:+.0} % |");
    }
}

const ERRORS_HEADER: &str =
    "| group | rows | median | P90 | worst | mean signed |\n| --- | --- | --- | --- | --- | --- |";

// ---------------------------------------------------------------------------------------------- models and devices, ad hoc

/// A dense decoder without biases, from its dimensions: layers, hidden, intermediate, heads, KV heads, head dim, vocab.
fn dense(name: &str, [layers, hidden, intermediate, heads, kv_heads, head_dim, vocab]: [u64; 7]) -> ModelSpec {
    ModelSpec {
        name: Cow::Owned(name.to_owned()),
        layers,
        hidden,
        intermediate,
        heads,
        kv_heads,
        head_dim,
        vocab,
        gated_mlp: true,
        qkv_bias: false,
        tied_head: false,
        bytes_per_weight: 2.0,
        bytes_per_kv: 2,
        vision: None,
    }
}

fn llama_8b() -> ModelSpec {
    dense("llama-3-8b", [32, 4096, 14_336, 32, 8, 128, 128_256])
}

fn named(model: &str) -> ModelSpec {
    ModelSpec::named(model).expect("a built-in model").clone()
}

fn built_in(device: &str) -> Device {
    Device::named(device).expect("a built-in device").clone()
}

/// A device that only this test needs: bandwidth in GB/s and peak in TFLOP/s as their vendors print them.
fn only_here(name: &'static str, gb_per_s: u64, tflops: f64) -> Device {
    Device {
        name: Cow::Borrowed(name),
        bandwidth: BytesPerSecond::new(gb_per_s * 1_000_000_000),
        peak: FlopsPerSecond::new(tflops * 1e12),
        ..built_in("apple-m2")
    }
}

/// Bytes a weight of 4-bit groups of 32 with an fp16 scale (llama.cpp Q4_0; MLC and GPTQ are near it).
const Q4_0: f64 = 0.5625;
/// Bytes a weight of llama.cpp's Q4_K_M: 4.58 GiB for 8.03 G weights (`hardware.md` section B).
const Q4_K_M: f64 = 4.58 * 1.073_741_824 / 8.03;

// ------------------------------------------------------------------------------------------------------ published speeds

fn roofline(device: &Device, model: &ModelSpec, kind: EngineKind) -> Roofline {
    Roofline::new(device, model, &kind.profile(model))
}

fn seconds(roofline: &Roofline, load: &Load) -> f64 {
    roofline.iteration(load).duration.as_secs_f64()
}

/// Seconds per generated token, prompt included, of one request alone.
fn per_token(roofline: &Roofline, prompt: u64, output: u64) -> f64 {
    let prefill = seconds(roofline, &Load::prefill_chunk(prompt, 0).with_head());
    let decode: f64 = (1..output).map(|done| seconds(roofline, &Load::decode(prompt + done))).sum();
    (prefill + decode) / output as f64
}

/// A decode speed in tokens/s, after `context` tokens.
fn decode_row(label: String, tokens_per_s: f64, roofline: &Roofline, context: u64) -> Row {
    Row { label, measured_s: 1.0 / tokens_per_s, modelled_s: seconds(roofline, &Load::decode(context)) }
}

/// A prompt speed in tokens/s, for a prompt of `tokens`.
fn prefill_row(label: String, tokens_per_s: f64, roofline: &Roofline, tokens: u64) -> Row {
    let modelled_s = seconds(roofline, &Load::prefill_chunk(tokens, 0).with_head());
    Row { label, measured_s: tokens as f64 / tokens_per_s, modelled_s }
}

/// Section A: transformers on an A100-80, 2,048 tokens generated, at four prompt lengths.
fn transformers() -> Vec<(&'static str, Vec<Row>)> {
    const PROMPTS: [u64; 4] = [1, 6_144, 14_336, 30_720];
    let published = [
        ("qwen2-vl-2b", "bf16", 2.0, [35.29, 36.58, 36.31, 32.53]),
        ("qwen2-vl-7b", "bf16", 2.0, [39.02, 38.75, 30.65, 19.53]),
        ("qwen2-vl-2b", "GPTQ", Q4_0, [39.76, 39.27, 39.89, 30.73]),
        ("qwen2-vl-7b", "GPTQ", Q4_0, [42.76, 39.75, 29.72, 19.15]),
        ("qwen2-vl-2b", "AWQ", Q4_0, [29.89, 33.42, 32.28, 31.55]),
        ("qwen2-vl-7b", "AWQ", Q4_0, [32.08, 32.66, 31.42, 19.95]),
    ];
    let device = built_in("a100-80-sxm");
    let rows = |(name, format, width, speeds): (&str, &str, f64, [f64; 4])| {
        let roofline = roofline(&device, &named(name).with_bytes_per_weight(width), EngineKind::Hf);
        let row = |(prompt, speed): (u64, f64)| Row {
            label: format!("{name} {format}, prompt {prompt}"),
            measured_s: 1.0 / speed,
            modelled_s: per_token(&roofline, prompt, 2048),
        };
        PROMPTS.into_iter().zip(speeds).map(row).collect::<Vec<Row>>()
    };
    let (bf16, quantised) = published.split_at(2);
    vec![
        ("A transformers bf16, `hf`", bf16.iter().copied().flat_map(rows).collect()),
        ("A transformers 4-bit, `hf`", quantised.iter().copied().flat_map(rows).collect()),
    ]
}

/// The two vLLM anchors of `semantics.md`: the language models of the 7B and the 2B, from a prompt of one token.
fn vllm_anchors() -> Vec<Row> {
    let row = |(label, name, speed): (&str, &str, f64)| Row {
        label: label.to_owned(),
        measured_s: 1.0 / speed,
        modelled_s: per_token(&roofline(&built_in("a100-80-sxm"), &named(name), EngineKind::Vllm), 1, 2048),
    };
    [("Qwen2.5-7B", "qwen2.5-vl-7b", 84.28), ("Qwen2.5-1.5B", "qwen2-vl-2b", 183.33)].into_iter().map(row).collect()
}

/// Section B: llama.cpp, an 8B: decode in fp16 and Q4_K_M, and a prompt of 1,024 tokens in fp16. Zero is "not published".
fn llama_cpp() -> Vec<(&'static str, Vec<Row>)> {
    let published = [
        (built_in("rtx-3090"), 46.51, 111.74, 4240.0),
        (built_in("rtx-4090"), 54.34, 127.74, 9056.0),
        (built_in("a6000"), 40.25, 102.22, 4315.0),
        (built_in("a100-80-pcie"), 54.56, 138.31, 7504.0),
        (only_here("h100-pcie", 2000, 756.0), 67.79, 144.49, 10_343.0),
        (built_in("l40s"), 43.42, 113.60, 0.0),
        (only_here("m1-7-core", 68, 2.3), 0.0, 9.72, 87.0),
        (only_here("m1-max", 400, 10.4), 18.43, 34.49, 419.0),
        (only_here("m2-ultra", 800, 27.2), 36.25, 76.28, 1203.0),
        (only_here("m3-max", 400, 14.2), 22.39, 50.74, 751.0),
    ];
    let half = llama_8b();
    let four_bit = llama_8b().with_bytes_per_weight(Q4_K_M);
    let mut groups = [
        ("B llama.cpp decode fp16, `graph`", Vec::new()),
        ("B llama.cpp decode Q4_K_M, `graph`", Vec::new()),
        ("B llama.cpp prompt 1024, `graph`", Vec::new()),
    ];
    for (device, half_speed, four_bit_speed, prompt_speed) in &published {
        let (half, four_bit) =
            (roofline(device, &half, EngineKind::Graph), roofline(device, &four_bit, EngineKind::Graph));
        let label = || device.name.to_string();
        let rows = [
            decode_row(label(), *half_speed, &half, 512),
            decode_row(label(), *four_bit_speed, &four_bit, 512),
            prefill_row(label(), *prompt_speed, &half, 1024),
        ];
        for ((_, group), row) in groups.iter_mut().zip(rows) {
            group.extend(row.measured_s.is_finite().then_some(row));
        }
    }
    groups.into()
}

/// Sections C and D: a 7B in Q4_0 on Apple's small chips, and 4-bit models on an Orin Nano at both of its memory clocks.
fn small_devices() -> Vec<(&'static str, Vec<Row>)> {
    let llama_7b = dense("llama-7b", [32, 4096, 11_008, 32, 32, 128, 32_000]).with_bytes_per_weight(Q4_0);
    let (mut apple, mut prompts) = (Vec::new(), Vec::new());
    for (name, prompt_speed, speed) in [("apple-m2", 180.0, 22.0), ("apple-m4", 221.0, 24.0)] {
        let roofline = roofline(&built_in(name), &llama_7b, EngineKind::Graph);
        apple.push(decode_row(name.to_owned(), speed, &roofline, 128));
        prompts.push(prefill_row(name.to_owned(), prompt_speed, &roofline, 512));
    }
    let three_b = dense("llama-3.2-3b", [28, 3072, 8192, 24, 8, 128, 128_256]);
    let mut jetson = Vec::new();
    for (model, before, now) in
        [(named("qwen2.5-vl-7b"), 14.2, 21.75), (llama_8b(), 14.0, 19.14), (three_b, 27.7, 43.07)]
    {
        let model = model.with_bytes_per_weight(Q4_0);
        let slow = Device { bandwidth: BytesPerSecond::new(68_000_000_000), ..built_in("jetson-orin-nano-8") };
        for (device, clock, speed) in [(slow, "68 GB/s", before), (built_in("jetson-orin-nano-8"), "102 GB/s", now)] {
            let label = format!("{} at {clock}", model.name);
            jetson.push(decode_row(label, speed, &roofline(&device, &model, EngineKind::Graph), 256));
        }
    }
    let cosmos = dense("cosmos-reason2-2b", [28, 2048, 6144, 16, 8, 128, 151_936]).with_bytes_per_weight(Q4_0);
    let runtimes = [
        ("TensorRT Edge-LLM", EngineKind::Graph, 60.0),
        ("vLLM", EngineKind::Vllm, 56.0),
        ("llama.cpp", EngineKind::Graph, 38.0),
    ];
    for (runtime, kind, speed) in runtimes {
        let label = format!("cosmos-reason2-2b, {runtime}");
        jetson.push(decode_row(label, speed, &roofline(&built_in("jetson-orin-nano-8"), &cosmos, kind), 256));
    }
    vec![
        ("C llama.cpp decode Q4_0, `graph`", apple),
        ("C llama.cpp prompt Q4_0, `graph`", prompts),
        ("D Orin Nano decode 4-bit", jetson),
    ]
}

/// Section F: LLaVA-1.5-7B under vLLM on one A100, saturated by requests of 597 prompt and 104 output tokens; and alone
/// under llama.cpp on a 3090, whose format is not certain.
fn llava() -> Vec<Row> {
    let model = named("llava-1.5-7b");
    let tower = model.vision.as_ref().expect("a vision tower");
    let saturated = |device: &Device, running: u64| {
        let roofline = roofline(device, &model, EngineKind::Vllm);
        let mut decode = Load::NONE;
        (0..running).for_each(|_| decode.add(&Load::decode(597 + 52)));
        let mut prompt = Load::prefill_chunk(597, 0).with_head();
        prompt.add(&Load::vision(tower.flop(576)));
        // The chunk shares its iteration with the decoding ones, so its own part is what it adds to one.
        let mut mixed = decode;
        mixed.add(&prompt);
        let decode_s = seconds(&roofline, &decode);
        103.0 * decode_s / running as f64 + seconds(&roofline, &mixed) - decode_s
    };
    let alone = |width: f64| {
        seconds(
            &roofline(&built_in("rtx-3090"), &model.clone().with_bytes_per_weight(width), EngineKind::Graph),
            &Load::decode(650),
        )
    };
    let row = |label: &str, measured_s: f64, modelled_s: f64| Row { label: label.to_owned(), measured_s, modelled_s };
    vec![
        row("vLLM, A100-40, 55 running", 1.0 / 9.33, saturated(&built_in("a100-40-pcie"), 55)),
        row("vLLM, A100-80, 150 running", 1.0 / 9.33, saturated(&built_in("a100-80-sxm"), 150)),
        row("llama.cpp, 3090, if 4-bit", 1.0 / 54.0, alone(Q4_K_M)),
        row("llama.cpp, 3090, if fp16", 1.0 / 54.0, alone(2.0)),
    ]
}

/// Every published group: name and rows.
fn published() -> Vec<(&'static str, Vec<Row>)> {
    let mut groups = transformers();
    groups.push(("A vLLM anchors, `vllm`", vllm_anchors()));
    groups.extend(llama_cpp());
    groups.extend(small_devices());
    groups.push(("F LLaVA-1.5-7B", llava()));
    groups
}

#[test]
fn published_speeds() {
    let groups = published();
    for (group, rows) in &groups {
        println!("\n{group}\n\n| row | measured ms | modelled ms | error |\n| --- | --- | --- | --- |");
        for row in rows {
            let (measured, modelled) = (row.measured_s * 1e3, row.modelled_s * 1e3);
            println!("| {} | {measured:.2} | {modelled:.2} | {:+.0} % |", row.label, row.error() * 100.0);
        }
    }
    println!("\n{ERRORS_HEADER}");
    for (group, rows) in &groups {
        Errors::of(rows).print(group);
    }
}

// ------------------------------------------------------------------------------------------------- measured steps, shared/

type Record = BTreeMap<String, String>;

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/measured");

fn records(reader: impl std::io::Read) -> Vec<Record> {
    let mut reader = csv::Reader::from_reader(reader);
    reader.deserialize().map(|record| record.expect("a CSV row")).collect()
}

fn number(record: &Record, column: &str) -> f64 {
    let text = &record[column];
    text.parse().unwrap_or_else(|_| panic!("{column} = {text:?}"))
}

fn whole(record: &Record, column: &str) -> u64 {
    number(record, column).round() as u64
}

/// The dense models of `models.csv`, by name.
fn dense_models(folder: &Path) -> BTreeMap<String, ModelSpec> {
    let columns = ["layers", "hidden", "intermediate", "heads", "kv_heads", "head_dim", "vocab"];
    let file = File::open(folder.join("models.csv")).expect("models.csv");
    records(file)
        .iter()
        .filter(|record| record["type"] == "dense")
        .map(|record| {
            let spec = dense(&record["model"], columns.map(|column| whole(record, column)));
            (spec.name.to_string(), ModelSpec { gated_mlp: record["gated_mlp"] == "1", ..spec })
        })
        .collect()
}

/// A row's GPUs as one device: tensor parallelism multiplies bandwidth and peak; its communication is not modelled.
fn gpus(record: &Record) -> Device {
    let name = match record["gpu"].as_str() {
        "RTX3090" => "rtx-3090",
        "RTX4090" => "rtx-4090",
        "A100-SXM-80GB" | "A800-SXM-80GB" => "a100-80-sxm",
        "H100-SXM-80GB" => "h100-sxm",
        "RTX-PRO-6000" => "rtx-pro-6000",
        other => panic!("a GPU without a device: {other}"),
    };
    let (one, many) = (built_in(name), whole(record, "tensor_parallel"));
    Device {
        memory: Bytes::new(one.memory.as_u64() * many),
        bandwidth: BytesPerSecond::new(one.bandwidth.as_u64() * many),
        peak: FlopsPerSecond::new(one.peak.as_f64() * many as f64),
        ..one
    }
}

/// The engine that a row is: kernels alone where they were added up, the whole engine where a server was timed.
fn engine(record: &Record, model: &ModelSpec) -> EngineProfile {
    match (record["how"].as_str(), record["source"].as_str()) {
        ("sum_of_kernels", "llmservingsim-v0") => EngineKind::Hf.profile(model).kernels_only(),
        ("sum_of_kernels", _) => EngineKind::Vllm.profile(model).kernels_only(),
        _ => EngineKind::Vllm.profile(model),
    }
}

/// What a row's step had to do.
fn load(record: &Record, prefill: bool) -> Load {
    let (new, past) = (whole(record, "new_tokens"), whole(record, "context_tokens"));
    let head_rows = whole(record, "lm_head_included");
    let item = if prefill { Load::prefill_chunk(new, past) } else { Load::decode(past) };
    let mut batch = Load::NONE;
    (0..whole(record, "batch")).for_each(|_| batch.add(&Load { head_rows, ..item }));
    batch
}

/// Errors by (source, GPUs, how, kind of step).
fn measured_groups(folder: &Path) -> BTreeMap<String, Vec<Row>> {
    let models = dense_models(folder);
    let mut groups: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for (file, kind) in [("decode_steps.csv.gz", "decode"), ("prefill_steps.csv.gz", "prefill")] {
        let file = File::open(folder.join(file)).expect("a table of steps");
        for record in records(GzDecoder::new(file)) {
            let Some(model) = models.get(&record["model"]) else { continue };
            let roofline = Roofline::new(&gpus(&record), model, &engine(&record, model));
            let cell = |column: &str| record[column].as_str();
            let row = Row {
                label: format!(
                    "batch {}, new {}, context {}",
                    cell("batch"),
                    cell("new_tokens"),
                    cell("context_tokens")
                ),
                measured_s: number(&record, "duration_ms") / 1e3,
                modelled_s: seconds(&roofline, &load(&record, kind == "prefill")),
            };
            let group =
                format!("{}, {} x {}, {}, {kind}", cell("source"), cell("tensor_parallel"), cell("gpu"), cell("how"));
            groups.entry(group).or_default().push(row);
        }
    }
    groups
}

#[test]
fn measured_steps_of_shared() {
    let folder = Path::new(SHARED);
    if !folder.is_dir() {
        println!("SKIPPED: {SHARED} is not here, the model is not compared with measured steps");
        return;
    }
    println!("\n{ERRORS_HEADER}");
    for (group, rows) in &measured_groups(folder) {
        Errors::of(rows).print(group);
    }
}

#[allow(dead_code)]
const _: fn() -> Flops = || Flops::ZERO;
