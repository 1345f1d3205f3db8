//! Measured forward passes: `decode_steps` and `prefill_steps` of `../shared/measured`, dense models only. The folder's
//! README says what a row is; where it is missing the test says so and passes.

use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

use crate::{ERRORS_HEAD, Errors, Row, device, quote, seconds};
use flate2::read::GzDecoder;
use model::{
    device::Device,
    engine_kind::{EngineKind, EngineProfile},
    load::Load,
    model_spec::ModelSpec,
    parallel::{Interconnect, Parallel},
    roofline::Roofline,
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/measured");

/// One line of a table, by column.
type Record = BTreeMap<String, String>;

fn records(reader: impl Read) -> Vec<Record> {
    csv::Reader::from_reader(reader).deserialize().map(|record| record.expect("a line of CSV")).collect()
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
    let spec = |record: Record| {
        let dimensions = columns.map(|column| whole(&record, column));
        let spec = ModelSpec {
            gated_mlp: record["gated_mlp"] == "1",
            ..ModelSpec::dense(record["model"].clone(), dimensions)
        };
        (record["model"].clone(), spec)
    };
    records(file).into_iter().filter(|record| record["type"] == "dense").map(spec).collect()
}

/// A row's GPUs, and the way in which they share the model.
fn gpus(record: &Record) -> (Device, Parallel) {
    let (one, link) = match record["gpu"].as_str() {
        "RTX3090" => ("rtx-3090", "pcie-4"),
        "RTX4090" => ("rtx-4090", "pcie-4"),
        "A100-SXM-80GB" | "A800-SXM-80GB" => ("a100-80-sxm", "nvlink-3"),
        "H100-SXM-80GB" => ("h100-sxm", "nvlink-4"),
        "RTX-PRO-6000" => ("rtx-pro-6000", "pcie-5"),
        other => panic!("no device for {other}"),
    };
    let tensor = whole(record, "tensor_parallel") as u32;
    (device(one), Parallel { tensor, interconnect: Interconnect::named(link), ..Parallel::NONE })
}

/// The engine that a row is: kernels alone where their times were added up, `vllm` whole where a server was timed.
fn engine(record: &Record, model: &ModelSpec, gpu: &Device) -> EngineProfile {
    match (record["how"].as_str(), record["source"].as_str()) {
        ("sum_of_kernels", "llmservingsim-v0") => EngineKind::Hf.profile(model, gpu).kernels_only(),
        ("sum_of_kernels", _) => EngineKind::Vllm.profile(model, gpu).kernels_only(),
        _ => EngineKind::Vllm.profile(model, gpu),
    }
}

/// The work of a row's step.
fn load(record: &Record, is_prefill: bool) -> Load {
    let (new, past) = (whole(record, "new_tokens"), whole(record, "context_tokens"));
    let head_rows = whole(record, "lm_head_included");
    let item = if is_prefill { Load::prefill_chunk(new, past) } else { Load::decode(past) };
    let mut batch = Load::NONE;
    (0..whole(record, "batch")).for_each(|_| batch.add(&Load { head_rows, ..item }));
    batch
}

/// A measured step and the shares of the data sheet that it reached.
struct Step {
    row: Row,
    memory_share: f64,
    flop_share: f64,
}

fn step(record: &Record, model: &ModelSpec, is_prefill: bool) -> Step {
    let ((gpu, parallel), load) = (gpus(record), load(record, is_prefill));
    let roofline = Roofline::of_server(&gpu, model, &engine(record, model, &gpu), parallel);
    let many = f64::from(parallel.tensor);
    let measured_s = number(record, "duration_ms") / 1e3;
    let cost = roofline.iteration(&load);
    let cell = |column: &str| &record[column];
    Step {
        row: Row {
            label: format!("batch {}, new {}, context {}", cell("batch"), cell("new_tokens"), cell("context_tokens")),
            measured_s,
            modelled_s: seconds(&roofline, &load),
        },
        memory_share: cost.bytes.as_u64() as f64 / (many * gpu.bandwidth.as_f64()) / measured_s,
        flop_share: cost.flop.as_f64() / (many * gpu.peak.as_f64()) / measured_s,
    }
}

/// Steps by source, GPUs, how they were measured, and kind.
fn groups(folder: &Path) -> BTreeMap<String, Vec<Step>> {
    let models = dense_models(folder);
    let mut groups: BTreeMap<String, Vec<Step>> = BTreeMap::new();
    for (name, kind) in [("decode_steps.csv.gz", "decode"), ("prefill_steps.csv.gz", "prefill")] {
        let file = File::open(folder.join(name)).expect("a table of steps");
        for record in records(GzDecoder::new(file)) {
            let Some(model) = models.get(&record["model"]) else { continue };
            let cell = |column: &str| &record[column];
            let (source, gpu, how) = (cell("source"), cell("gpu"), cell("how"));
            let group = format!("{source}, {} x {gpu}, {how}, {kind}", cell("tensor_parallel"));
            groups.entry(group).or_default().push(step(&record, model, kind == "prefill"));
        }
    }
    groups
}

/// Median and range of the larger share among the steps that are clearly bound by one side, at least threefold.
fn reached(steps: &[Step], of_memory: bool) -> String {
    let shares = |step: &Step| match of_memory {
        true => (step.memory_share, step.flop_share),
        false => (step.flop_share, step.memory_share),
    };
    let mut bound: Vec<f64> =
        steps.iter().map(shares).filter(|(this, other)| *this > 3.0 * other).map(|(this, _)| this).collect();
    bound.sort_by(f64::total_cmp);
    match (bound.first(), bound.last()) {
        (Some(least), Some(most)) => {
            format!("{:.2} ({least:.2}..{most:.2}), {} steps", bound[bound.len() / 2], bound.len())
        }
        _ => "-".to_owned(),
    }
}

/// Guards of the median error, by the beginning of a group's name; the worst is guarded for all alike.
const MEDIAN_GUARDS: [(&str, f64); 5] = [
    ("frontier", 0.50),
    ("llmservingsim,", 0.80),
    ("llmservingsim-bench", 0.30),
    ("llmservingsim-v0", 0.55),
    ("splitwise-sim", 0.80),
];

#[test]
fn measured_steps_of_shared() {
    let folder = Path::new(FOLDER);
    if !folder.is_dir() {
        println!("SKIPPED: {FOLDER} is missing, so the model is not compared with measured steps");
        return;
    }
    let groups = groups(folder);
    println!("\n| group | share of bandwidth reached | share of peak reached |\n| --- | --- | --- |");
    for (group, steps) in &groups {
        quote(&format!("| {group} | {} | {} |", reached(steps, true), reached(steps, false)));
    }
    println!("\n{ERRORS_HEAD}");
    for (group, steps) in groups {
        let rows: Vec<Row> = steps.into_iter().map(|step| step.row).collect();
        let errors = Errors::of(&rows);
        errors.print(&group);
        let guard =
            MEDIAN_GUARDS.iter().find(|(source, _)| group.starts_with(source)).expect("a guard for each source");
        errors.guard(&group, guard.1, 0.95);
    }
}
