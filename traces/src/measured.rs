//! Measured forward passes, and the data sheets and dimensions that turn them into bytes and FLOP: CSV, plain or gzip.
//!
//! A row of a table of steps is one iteration of one configuration. These columns must be there: `gpu`, `model`, `engine`,
//! `batch` (sequences), `context_tokens` and `new_tokens` (of each sequence) and `duration_ms`. These may be: `kind`
//! (probe, encode, prefill, decode, draft or verify; without it one new token behind a context is decode and anything else
//! prefill), `source`, `how`, `dtype`, `tensor_parallel` (1), `lm_head_included` (1), `layers`, `hidden` and `kv_heads` (held
//! against the model's). Other columns are not looked at. Tables of `llama-bench` and of kernels are known by their columns:
//! [`llama_bench`], [`kernels`].

pub mod kernels;
mod llama_bench;

use crate::{
    TraceError,
    error::shown,
    rows::{CsvFile, Row},
};
use std::path::Path;

/// One row of a table of steps.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredStep {
    /// Its line in the file.
    pub line: u64,
    /// Source of the measurement; empty if not stated.
    pub source: String,
    /// Way of measuring; empty if not stated.
    pub how: String,
    /// The device, as the file calls it.
    pub gpu: String,
    /// The model, as the file calls it.
    pub model: String,
    /// The width of weights and activations; empty if not stated.
    pub dtype: String,
    /// Bytes of a stored weight, where the table says.
    pub bytes_per_weight: Option<f64>,
    /// The engine and its version.
    pub engine: String,
    /// GPUs that share each layer.
    pub tensor_parallel: u32,
    /// Kind of step, by the file or by its lengths.
    pub kind: String,
    /// Sequences.
    pub batch: u32,
    /// Tokens in the cache of each sequence, on average.
    pub context_tokens: f64,
    /// New tokens of each sequence.
    pub new_tokens: u32,
    /// True if the head that makes logits is in the duration.
    pub head: bool,
    /// Milliseconds.
    pub duration_ms: f64,
    /// Layers, width and KV heads of the model, where the file says.
    pub dimensions: [Option<u32>; 3],
}

/// A table of measured steps, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The steps, in order of their lines.
    pub steps: Vec<MeasuredStep>,
    /// Sentences about rows that were left out.
    pub remarks: Vec<String>,
}

/// A line of `gpus.csv`: columns `gpu`, `bw_gb_s` and `bf16_tflops`.
#[derive(Debug, Clone, PartialEq)]
pub struct Gpu {
    /// The device, as tables of steps call it.
    pub name: String,
    /// Memory bandwidth, 10^9 bytes/s.
    pub gb_per_s: f64,
    /// Peak dense 16-bit rate, 10^12 FLOP/s.
    pub tflops: f64,
}

/// A line of `models.csv`: columns `model`, `type`, `layers`, `hidden`, `intermediate`, `heads`, `kv_heads`, `head_dim`,
/// `vocab` and `gated_mlp`; of mixtures also `experts`, `experts_per_token`, `moe_intermediate` and, if any are shared,
/// `shared_experts`.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelDimensions {
    /// The model, as tables of steps call it.
    pub name: String,
    /// `dense`, or what else it is.
    pub kind: String,
    /// Layers, width, width of the MLP, heads, KV heads, width of a head, vocabulary; none that is not stated.
    pub dimensions: [Option<u64>; 7],
    /// True if the MLP has three matrices.
    pub gated_mlp: bool,
    /// Routed experts of a layer, those of a token, width of each, and experts that every token passes; none of a model without
    /// experts, or where the file does not say.
    pub experts: Option<[u64; 4]>,
}

/// Endings of columns that say a unit.
const UNITS: [&str; 5] = ["_ns", "_us", "_ms", "_s", "_min"];

/// The column of that name, or a refusal; if one is there in another unit, the refusal says so.
fn column(file: &CsvFile, name: &str) -> Result<usize, TraceError> {
    let missing = file.column(name);
    let Some(stem) = UNITS.iter().find_map(|unit| name.strip_suffix(unit)) else { return missing };
    missing.map_err(|refusal| {
        let other = |column: &&String| UNITS.iter().any(|unit| **column == format!("{stem}{unit}"));
        match file.header().iter().find(other) {
            Some(other) => {
                let found = format!("the column {}", shown(other));
                let remedy = "convert the values and rename the column: its name ends in its unit";
                TraceError::new(file.path(), found, format!("a column \"{name}\""), remedy).at(1)
            }
            None => refusal,
        }
    })
}

/// Indices of the columns of a table of steps.
struct Columns {
    gpu: usize,
    model: usize,
    engine: usize,
    batch: usize,
    context_tokens: usize,
    new_tokens: usize,
    duration_ms: usize,
    kind: Option<usize>,
    source: Option<usize>,
    how: Option<usize>,
    dtype: Option<usize>,
    tensor_parallel: Option<usize>,
    head: Option<usize>,
    dimensions: [Option<usize>; 3],
}

impl Columns {
    fn of(file: &CsvFile) -> Result<Self, TraceError> {
        let optional = |name: &str| file.header().iter().position(|column| column == name);
        Ok(Self {
            gpu: column(file, "gpu")?,
            model: column(file, "model")?,
            engine: column(file, "engine")?,
            batch: column(file, "batch")?,
            context_tokens: column(file, "context_tokens")?,
            new_tokens: column(file, "new_tokens")?,
            duration_ms: column(file, "duration_ms")?,
            kind: optional("kind"),
            source: optional("source"),
            how: optional("how"),
            dtype: optional("dtype"),
            tensor_parallel: optional("tensor_parallel"),
            head: optional("lm_head_included"),
            dimensions: ["layers", "hidden", "kv_heads"].map(optional),
        })
    }

    fn read(&self, row: &Row<'_>) -> Result<MeasuredStep, TraceError> {
        let stated = |column: Option<usize>| column.filter(|column| !row.text(*column).is_empty());
        let text = |column: Option<usize>| column.map_or("", |column| row.text(column)).to_owned();
        let count = |column: Option<usize>, absent| stated(column).map_or(Ok(absent), |column| row.count(column));
        let (context_tokens, new_tokens) = (row.number(self.context_tokens)?, positive(row, self.new_tokens)?);
        let by_length = kind_by_length(new_tokens, context_tokens);
        let duration_ms = row.number(self.duration_ms).ok().filter(|ms| *ms > 0.0);
        let mut dimensions = [None; 3];
        for (dimension, column) in dimensions.iter_mut().zip(self.dimensions) {
            *dimension = stated(column).map(|column| row.count(column)).transpose()?;
        }
        Ok(MeasuredStep {
            line: row.line(),
            source: text(self.source),
            how: text(self.how),
            gpu: row.text(self.gpu).to_owned(),
            model: row.text(self.model).to_owned(),
            dtype: text(self.dtype),
            bytes_per_weight: None,
            engine: row.text(self.engine).to_owned(),
            tensor_parallel: count(self.tensor_parallel, 1)?.max(1),
            kind: stated(self.kind).map_or(by_length, |column| row.text(column)).to_owned(),
            batch: positive(row, self.batch)?,
            context_tokens,
            new_tokens,
            head: count(self.head, 1)? > 0,
            duration_ms: duration_ms
                .ok_or_else(|| row.refuse(self.duration_ms, "a finite number of milliseconds above 0"))?,
            dimensions,
        })
    }
}

/// The kind of a step whose kind is not stated: one new token behind a context is decode.
pub fn kind_by_length(new_tokens: u32, context_tokens: f64) -> &'static str {
    if new_tokens == 1 && context_tokens > 0.0 { "decode" } else { "prefill" }
}

/// A whole number above 0.
fn positive(row: &Row<'_>, column: usize) -> Result<u32, TraceError> {
    match row.count(column)? {
        0 => Err(row.refuse(column, "a whole number from 1 up")),
        count => Ok(count),
    }
}

/// A table of measurements.
#[derive(Debug, Clone, PartialEq)]
pub enum Table {
    /// Steps.
    Steps(Measured),
    /// Kernels.
    Kernels(Vec<kernels::Kernel>),
}

/// Reads a table of measured steps or kernels; see the module.
///
/// # Errors
/// If the file cannot be read, lacks a column or has it in another unit, or a value is none; with the line.
pub fn read(path: &Path) -> Result<Table, TraceError> {
    let mut file = CsvFile::open(path, "a table of measured steps or kernels with a header")?;
    if llama_bench::is(&file) {
        return llama_bench::read(file).map(Table::Steps);
    }
    if let Some(kernels) = kernels::read(&mut file)? {
        return Ok(Table::Kernels(kernels));
    }
    let columns = Columns::of(&file)?;
    let mut steps = Vec::new();
    while let Some(row) = file.next()? {
        steps.push(columns.read(&row)?);
    }
    Ok(Table::Steps(Measured { steps, remarks: Vec::new() }))
}

/// Reads the data sheets of devices.
///
/// # Errors
/// If the file cannot be read, lacks a column, or a figure is no number above 0.
pub fn read_gpus(path: &Path) -> Result<Vec<Gpu>, TraceError> {
    let mut file = CsvFile::open(path, "data sheets of devices with a header")?;
    let [name, bandwidth, peak] = ["gpu", "bw_gb_s", "bf16_tflops"].map(|name| file.column(name));
    let (name, bandwidth, peak) = (name?, bandwidth?, peak?);
    let mut gpus = Vec::new();
    while let Some(row) = file.next()? {
        let positive = |column| match row.number(column)? {
            0.0 => Err(row.refuse(column, "a number above 0")),
            number => Ok(number),
        };
        gpus.push(Gpu { name: row.text(name).to_owned(), gb_per_s: positive(bandwidth)?, tflops: positive(peak)? });
    }
    Ok(gpus)
}

/// Reads the dimensions of models.
///
/// # Errors
/// If the file cannot be read, lacks a column, or a dimension is no whole number.
pub fn read_models(path: &Path) -> Result<Vec<ModelDimensions>, TraceError> {
    const DIMENSIONS: [&str; 7] = ["layers", "hidden", "intermediate", "heads", "kv_heads", "head_dim", "vocab"];
    let mut file = CsvFile::open(path, "dimensions of models with a header")?;
    let (name, kind, gated) = (file.column("model")?, file.column("type")?, file.column("gated_mlp")?);
    let columns = DIMENSIONS.map(|name| file.column(name)).into_iter().collect::<Result<Vec<_>, _>>()?;
    let optional = |name: &str| file.header().iter().position(|column| column == name);
    let of_experts = ["experts", "experts_per_token", "moe_intermediate"].map(optional);
    let shared = optional("shared_experts");
    let mut models = Vec::new();
    while let Some(row) = file.next()? {
        let mut dimensions = [None; 7];
        for (dimension, column) in dimensions.iter_mut().zip(&columns) {
            if !row.text(*column).is_empty() {
                let number = row.number(*column)?;
                *dimension = Some(number as u64);
            }
        }
        let gated_mlp = row.text(gated) == "1";
        let count = |column: Option<usize>| match column.filter(|column| !row.text(*column).is_empty()) {
            Some(column) => row.count(column).map(u64::from),
            None => Ok(0),
        };
        let [experts, per_token, width] = of_experts.map(count);
        let experts = Some([experts?, per_token?, width?, count(shared)?]);
        models.push(ModelDimensions {
            name: row.text(name).to_owned(),
            kind: row.text(kind).to_owned(),
            dimensions,
            gated_mlp,
            experts: experts.filter(|[all, per_token, width, _]| (1..=*all).contains(per_token) && *width > 0),
        });
    }
    Ok(models)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::file_with;

    const HEADER: &str = "gpu,model,engine,batch,context_tokens,new_tokens,duration_ms\n";

    fn read(text: &str) -> Result<Vec<MeasuredStep>, String> {
        let file = file_with(text.as_bytes());
        let name = file.path().display().to_string();
        match super::read(file.path()).map_err(|error| error.to_string().replace(&name, "t.csv"))? {
            Table::Steps(read) => Ok(read.steps),
            Table::Kernels(_) => Err("kernels".to_owned()),
        }
    }

    #[test]
    fn a_step_is_decode_behind_a_context_and_prefill_otherwise() {
        let steps = read(&format!("{HEADER}a,m,e,4,100.5,1,7.5\na,m,e,1,0,1,9\na,m,e,1,100,16,8\n")).unwrap();
        assert_eq!(steps.iter().map(|step| &*step.kind).collect::<Vec<_>>(), ["decode", "prefill", "prefill"]);
        let first = &steps[0];
        assert_eq!((first.line, first.batch, first.context_tokens, first.duration_ms), (2, 4, 100.5, 7.5));
        assert_eq!((first.tensor_parallel, first.head), (1, true));
    }

    #[test]
    fn columns_and_units_are_refused_by_name() {
        let other = HEADER.replace("duration_ms", "duration_us");
        assert_eq!(
            read(&other).unwrap_err(),
            "t.csv:1: found the column duration_us; expected a column \"duration_ms\"; convert the values and rename \
             the column: its name ends in its unit"
        );
        let missing = read(&HEADER.replace("batch,", "")).unwrap_err();
        assert!(missing.contains("t.csv:1: found the columns gpu,model") && missing.contains("\"batch\""), "{missing}");
        for bad in ["-1", "NaN", "inf", "0", "", "fast"] {
            let said = read(&format!("{HEADER}a,m,e,1,0,16,5\na,m,e,1,0,16,{bad}\n")).unwrap_err();
            let start =
                format!("t.csv:3: found duration_ms = \"{bad}\"; expected a finite number of milliseconds above 0");
            assert!(said.starts_with(&start), "{said}");
        }
    }
}
