//! Rows of tables of measured steps, by place and kind.

use super::args::Args;
use super::kernels::{Composed, MixedStep, compose};
use super::set::{Place, Row, Set, encoded, impossible, load};
use super::sheets::{Sheets, short};
use crate::scenario::profile::KERNELS;
use crate::terminal::{Failure, say};
use model::device::Device;
use model::engine_kind::{EngineKind, EngineProfile};
use model::format::Storage;
use model::model_spec::ModelSpec;
use model::step::{Step, StepKind};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use traces::measured::kernels::Kernel;
use traces::measured::{self, Measured, MeasuredStep, Table};

/// Rows, and different configurations, that a law takes at least.
pub const LEAST_ROWS: usize = 6;
pub const LEAST_CONFIGURATIONS: usize = 3;

/// The key of a set of rows.
type Key = (StepKind, String, u32, String, String, String, String);

/// The rows of tables.
pub struct Tables<'p> {
    /// Rows that laws are fitted to.
    pub sets: Vec<Set>,
    /// Steps that two laws price together, each with its table.
    pub mixed: Vec<(&'p Path, MixedStep)>,
}

/// Reads the tables that are named, filtered. Kernels become steps.
///
/// # Errors
/// If a table is refused, or a row of it.
pub fn read<'p>(args: &'p Args, sheets: &Sheets) -> Result<Tables<'p>, Failure> {
    let (mut steps, mut kernels) = (Vec::new(), Vec::new());
    for path in &args.table {
        match measured::read(path)? {
            Table::Steps(Measured { steps: read, remarks }) => {
                for remark in remarks {
                    say(format_args!("sim: warning: {}: {remark}", path.display()));
                }
                let wanted = |step: &MeasuredStep| wanted(args, [&step.gpu, &step.model, &step.engine, &step.source]);
                steps.extend(read.into_iter().filter(wanted).map(|step| (path.as_path(), step)));
            }
            Table::Kernels(read) => {
                let wanted =
                    |one: &Kernel| wanted(args, [&one.place.gpu, &one.place.model, &one.engine, &one.place.source]);
                kernels.extend(read.into_iter().filter(wanted).map(|kernel| (path.as_path(), kernel)));
            }
        }
    }
    let found = steps.len() + kernels.len();
    let Composed { steps: composed, mixed } = compose(&kernels, sheets)?;
    steps.extend(composed);
    let mut sets: BTreeMap<Key, Set> = BTreeMap::new();
    let mut broken = Broken::default();
    for (path, step) in &steps {
        add(&mut sets, &mut broken, sheets, path, step)?;
    }
    if found == 0 {
        let all = "expected some; leave out --gpu, --model, --engine and --source to see what there is";
        let tables: Vec<String> = args.table.iter().map(|path| path.display().to_string()).collect();
        return Err(Failure::refused(format!("{}: found no row that is asked for; {all}", tables.join(", "))));
    }
    if steps.is_empty() {
        return Err(Failure::refused(format!(
            "found {found} kernels, none of them part of a step that can be put together; expected the layers of a model and its \
             attention, each with --table"
        )));
    }
    broken.settle(args.skip_broken)?;
    Ok(Tables { sets: sets.into_values().collect(), mixed })
}

/// True if device, model, engine and source are asked for.
fn wanted(args: &Args, [gpu, model, engine, source]: [&str; 4]) -> bool {
    let is = |asked: &[String], value: &str| asked.is_empty() || asked.iter().any(|asked| asked == value);
    is(&args.gpu, gpu) && is(&args.model, model) && is(&args.engine, engine) && is(&args.source, source)
}

/// Rows that no device can have done, and models that are not dense.
#[derive(Default)]
pub struct Broken {
    first: Option<String>,
    places: Vec<String>,
    not_dense: BTreeMap<String, u32>,
    /// Rows of the vision towers of models whose tower is not known.
    towerless: BTreeMap<String, u32>,
}

impl Broken {
    /// Notes a row.
    pub fn add(&mut self, place: String, why: String) {
        self.first.get_or_insert_with(|| format!("{place}: found a row that implies {why}"));
        self.places.push(place);
    }

    /// Refuses them, or says that they are left out.
    ///
    /// # Errors
    /// If there are any and they are not to be left out.
    pub fn settle(self, skip: bool) -> Result<(), Failure> {
        for (model, rows) in &self.not_dense {
            say(format_args!(
                "sim: left out: {rows} rows of {model}, which is no dense model and whose experts are not stated: its bytes \
                 and FLOP are not known"
            ));
        }
        for (model, rows) in &self.towerless {
            say(format_args!(
                "sim: left out: {rows} rows of the vision tower of {model}, whose dimensions are not known; `sim models measure` \
                 writes them beside its table"
            ));
        }
        let Some(first) = self.first else { return Ok(()) };
        let count = self.places.len();
        const SHOWN: usize = 8;
        let more = if count > SHOWN { ", ..." } else { "" };
        let places = self.places.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
        let told = format!("{first}; expected at most 1.05 times of either: {count} such rows ({places}{more})");
        if skip {
            say(format_args!("sim: left out: {told}"));
            return Ok(());
        }
        Err(Failure::refused(format!("{told}; correct or remove them, or leave them out with --skip-broken")))
    }
}

fn add(
    sets: &mut BTreeMap<Key, Set>,
    broken: &mut Broken,
    sheets: &Sheets,
    path: &Path,
    step: &MeasuredStep,
) -> Result<(), Failure> {
    let at = || format!("{}:{}", path.display(), step.line);
    let Some(kind) = StepKind::named(&step.kind) else {
        let known: Vec<&str> = StepKind::ALL.iter().map(|kind| kind.name()).collect();
        return Err(Failure::refused(format!(
            "{}: found kind = \"{}\"; expected one of {}",
            at(),
            step.kind,
            known.join(", ")
        )));
    };
    let Some(model) = sheets.model(&step.model, &at)? else {
        *broken.not_dense.entry(step.model.clone()).or_default() += 1;
        return Ok(());
    };
    check_dimensions(step, &model, &at)?;
    let model = step.bytes_per_weight.into_iter().fold(model, |model, bytes| model.stored(Storage::uniform(bytes)));
    let key = (
        kind,
        step.gpu.clone(),
        step.tensor_parallel,
        step.model.clone(),
        step.engine.clone(),
        step.how.clone(),
        step.dtype.clone(),
    );
    let load = match kind {
        StepKind::Probe | StepKind::Encode => match &model.vision {
            Some(tower) => encoded(tower, step.batch, step.new_tokens),
            None => {
                *broken.towerless.entry(step.model.clone()).or_default() += 1;
                return Ok(());
            }
        },
        _ => load(kind, step.batch, step.new_tokens, step.context_tokens, step.head),
    };
    let row = Row { step: Step { load, items: u64::from(step.batch) }, ms: step.duration_ms, each: Vec::new() };
    if !sets.contains_key(&key) {
        let place = place(step, model, sheets, &at)?;
        sets.insert(key.clone(), Set { place: Arc::new(place), kind, rows: Vec::new() });
    }
    let set = sets.get_mut(&key).expect("just put there");
    match impossible(&set.place, &set.place.roofline(), &row) {
        Some(why) => broken.add(at(), why),
        None => set.rows.push(row),
    }
    Ok(())
}

/// Device, model and engine of a row.
///
/// # Errors
/// If nothing is known of the device.
pub fn place(
    step: &MeasuredStep,
    model: ModelSpec,
    sheets: &Sheets,
    at: &dyn Fn() -> String,
) -> Result<Place, Failure> {
    let device = sheets.device(&step.gpu, step.tensor_parallel, at)?;
    Ok(Place {
        gpu: step.gpu.clone(),
        gpus: step.tensor_parallel,
        assumed: assumed(&step.engine, &step.how, &model, &device),
        device,
        model,
        engine: step.engine.clone(),
        dtype: step.dtype.clone(),
        how: step.how.clone(),
        side: String::new(),
    })
}

/// The constants that the simulator has for an engine of that name; of a sum of kernels, without host time.
fn assumed(engine: &str, how: &str, model: &ModelSpec, device: &Device) -> EngineProfile {
    let engine = engine.to_lowercase();
    let kind = match () {
        () if engine.starts_with("hf") || engine.contains("transformers") => EngineKind::Hf,
        () if engine.contains("llama.cpp") => EngineKind::Llamacpp,
        () if ["tensorrt", "trt"].iter().any(|name| engine.contains(name)) => EngineKind::Trtllm,
        () if engine.contains("graph") => EngineKind::Graph,
        () if engine.starts_with("vllm-0.7") => EngineKind::Vllm07,
        () => EngineKind::Vllm,
    };
    let profile = kind.profile(model, device);
    if how == KERNELS { profile.kernels_only() } else { profile }
}

/// Refuses a row whose model is another one than that of `models.csv`.
fn check_dimensions(step: &MeasuredStep, model: &ModelSpec, at: &dyn Fn() -> String) -> Result<(), Failure> {
    let known = [model.layers, model.hidden, model.kv_heads];
    for ((stated, known), name) in step.dimensions.iter().zip(known).zip(["layers", "hidden", "kv_heads"]) {
        if let Some(stated) = stated.filter(|stated| u64::from(*stated) != known) {
            let model = short(&step.model);
            return Err(Failure::refused(format!(
                "{}: found {name} = {stated}; expected {known}, as {model} has; correct the row or the model's dimensions",
                at()
            )));
        }
    }
    Ok(())
}
