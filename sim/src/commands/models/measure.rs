//! `sim models measure`: steps of a real model, one by one, as a table that `sim calibrate` reads.

use super::args::Measure;
use super::opened::{checked, loaded};
use super::shapes::{Measured, Shape};
use crate::commands::calibrate::Beside;
use crate::results::whole_file;
use crate::run::replay::Machine;
use crate::terminal::{Failure, say};
use backends::onnx::{Model, Runtime};
use backends::real;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const HEADER: &str = "source,gpu,model,dtype,engine,kind,batch,context_tokens,new_tokens,repeat,duration_ms\n";

/// A table in the making.
struct Table {
    path: PathBuf,
    text: String,
    /// The first six columns but the kind, which are the same in every row.
    place: String,
}

impl Table {
    /// Adds a shape, and writes all of the table anew, so that it is whole at any time.
    fn add(&mut self, measured: &Measured) -> Result<(), Failure> {
        let Measured { kind, context_tokens, new_tokens, durations } = measured;
        for (repeat, took) in (1..).zip(durations) {
            let (kind, ms) = (kind.name(), took.as_secs_f64() * 1e3);
            self.text += &format!("{},{kind},1,{context_tokens},{new_tokens},{repeat},{ms:.4}\n", self.place);
        }
        whole_file::write(&self.path, &self.text)
    }
}

/// Measures what was asked for.
pub fn run(asked: &Measure) -> Result<(), Failure> {
    let start = Instant::now();
    let shapes = Shape::asked(asked)?;
    let folder = checked(&asked.folder, asked.execution.dtype.as_deref())?;
    let runtime = asked.execution.runtime()?;
    let mut model = loaded(folder, &runtime)?;
    let mut beside = Beside::new(provenance(&model, &runtime), asked.repeats, real::spec(&model)?);
    beside.write(&asked.out)?;
    let place = place(asked, &model, &runtime, &beside);
    let mut table = Table { path: asked.out.clone(), text: HEADER.to_owned(), place };
    let limit = asked.seconds.map(|seconds| Duration::from_secs(u64::from(seconds)));
    for shape in shapes {
        if limit.is_some_and(|limit| start.elapsed() >= limit) {
            beside.left_out.push(shape.to_string());
            continue;
        }
        let measured = shape.measured(&mut model, asked.repeats)?;
        table.add(&measured)?;
        crate::terminal::print(&format!("{shape}: {}\n", spread(&measured.durations)))?;
    }
    if !beside.left_out.is_empty() {
        beside.write(&asked.out)?;
        say(format_args!("sim: left out, as --seconds were over: {}", beside.left_out.join("; ")));
    }
    Ok(())
}

/// Median and range, in words.
fn spread(durations: &[Duration]) -> String {
    let mut sorted: Vec<f64> = durations.iter().map(|took| took.as_secs_f64() * 1e3).collect();
    sorted.sort_by(f64::total_cmp);
    let median = units::quantile(&sorted, 0.5).unwrap_or_default();
    format!("{median:.3} ms ({:.3} to {:.3})", sorted[0], sorted[sorted.len() - 1])
}

/// Machine, library and way of measuring: what the table alone does not say.
fn provenance(model: &Model, runtime: &Runtime) -> BTreeMap<String, String> {
    let machine = Machine::of(runtime.provider());
    let mut told = BTreeMap::from([
        ("provider", runtime.provider().name().to_owned()),
        ("device_name", machine.device_name),
        ("library_version", runtime.library().version().to_owned()),
        ("weights", if model.folder().config.random_weights { "random" } else { "given" }.to_owned()),
        (
            "measured",
            "wall time of embedding, graph, logits and the choice of tokens, one sequence at a time".to_owned(),
        ),
    ]);
    told.extend(machine.driver.map(|driver| ("driver", driver)));
    told.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Those columns of a row that all have.
fn place(asked: &Measure, model: &Model, runtime: &Runtime, beside: &Beside) -> String {
    let (provider, version) = (runtime.provider().name(), runtime.library().version());
    let gpu = asked.gpu.as_ref().unwrap_or(&beside.provenance["device_name"]);
    let engine = format!("onnxruntime {version} {provider}");
    let columns = [gpu, &*beside.models[0].name, &model.describe().kv_type, &engine];
    format!("sim models measure,{}", columns.map(|text| text.replace([',', '"', '\n'], " ")).join(","))
}
