//! The sets of rows that laws are fitted to: one kind of step on one device, model and engine.

use model::device::Device;
use model::engine_kind::EngineProfile;
use model::model_spec::ModelSpec;
use model::parallel::Parallel;
use model::step::loss::Sample;
use model::step::parts::DataSheet;
use model::step::{Step, StepKind};
use model::vision::VisionTower;
use model::{load::Load, roofline::Roofline};
use std::sync::Arc;
use units::Flops;

/// Device, model and engine of measured rows.
#[derive(Clone, Debug)]
pub struct Place {
    /// The device, as its source calls it.
    pub gpu: String,
    /// All GPUs that share a layer, as one device; its name is the built-in one's where it is one of those.
    pub device: Device,
    /// GPUs that share a layer.
    pub gpus: u32,
    /// The model; its name is the built-in one's where it is one of those.
    pub model: ModelSpec,
    /// The engine and its version.
    pub engine: String,
    /// The width of weights and activations; empty if not stated.
    pub dtype: String,
    /// Way of measuring; empty if not stated.
    pub how: String,
    /// Edge or cloud, of a results folder.
    pub side: String,
    /// The engine's constants as the simulator has them: what an uncalibrated run would assume.
    pub assumed: EngineProfile,
}

impl Place {
    /// True if another is the same, by what tables call it.
    pub fn is(&self, other: &Self) -> bool {
        (&self.gpu, self.gpus, &self.model.name) == (&other.gpu, other.gpus, &other.model.name)
            && (&self.engine, &self.dtype, &self.how) == (&other.engine, &other.dtype, &other.how)
    }

    /// Bandwidth and peak of all its GPUs.
    pub fn sheet(&self) -> DataSheet {
        DataSheet::of(&self.device, Parallel::NONE)
    }

    /// The uncalibrated roofline.
    pub fn roofline(&self) -> Roofline {
        Roofline::new(&self.device, &self.model, &self.assumed)
    }

    /// In words, for messages.
    pub fn name(&self) -> String {
        let many = if self.gpus > 1 { format!("{} x ", self.gpus) } else { String::new() };
        let how = if self.how.is_empty() { String::new() } else { format!(", {}", self.how) };
        let side = if self.side.is_empty() { String::new() } else { format!("{}: ", self.side) };
        format!("{side}{many}{}, {}, {}{how}", self.gpu, self.model.name, self.engine)
    }
}

/// One measured step, or the median of several of one configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its work.
    pub step: Step,
    /// Milliseconds: the median, if it is several.
    pub ms: f64,
    /// All of them, where it is several; else none.
    pub each: Vec<f64>,
}

impl Row {
    /// The measurements that it is.
    pub fn measured(&self) -> &[f64] {
        if self.each.is_empty() { std::slice::from_ref(&self.ms) } else { &self.each }
    }

    /// Its configuration: new tokens and context of each item, items. Of encoders alone the MFLOP of each item take the place of
    /// its tokens.
    pub fn configuration(&self) -> [f64; 3] {
        let first = match self.is_of_encoders() {
            true => self.step.load.vision_flop.as_f64() / 1e6 / self.step.items.max(1) as f64,
            false => self.step.tokens_per_item(),
        };
        [first, self.step.context_per_item(), self.step.items as f64]
    }

    /// True if no token passes through the decoder.
    pub fn is_of_encoders(&self) -> bool {
        self.step.load.query_tokens == 0
    }
}

/// Rows of one kind at one place.
#[derive(Clone, Debug)]
pub struct Set {
    /// Device, model and engine.
    pub place: Arc<Place>,
    /// Kind of step.
    pub kind: StepKind,
    /// The rows.
    pub rows: Vec<Row>,
}

impl Set {
    /// In words, for messages.
    pub fn name(&self) -> String {
        format!("{} on {}", self.kind.name(), self.place.name())
    }

    /// Number of different configurations.
    pub fn configurations(&self) -> usize {
        let mut all: Vec<[f64; 3]> = self.rows.iter().map(Row::configuration).collect();
        all.sort_by(|a, b| a.partial_cmp(b).expect("finite"));
        all.dedup();
        all.len()
    }

    /// The rows as a fit takes them, priced by the form of that number.
    pub fn samples<'s>(rows: impl IntoIterator<Item = &'s Row>, form: usize) -> Vec<Sample> {
        let sample = |row: &Row| Sample {
            form,
            load: row.step.load,
            items: row.step.items,
            ln_ns: libm::log(row.ms * 1e6),
            weight: (row.measured().len() as f64).sqrt(),
        };
        rows.into_iter().map(sample).collect()
    }
}

/// The load of `batch` sequences with `new` tokens each behind `context` (on average).
pub fn load(kind: StepKind, batch: u32, new: u32, context: f64, head: bool) -> Load {
    let (batch_f, new_f) = (f64::from(batch), f64::from(new));
    let whole = |value: f64| value.round() as u64;
    let tokens = u64::from(batch) * u64::from(new);
    let prefill = kind == StepKind::Prefill;
    let heads = match (head, kind) {
        (false, _) => 0,
        (true, StepKind::Verify) => tokens,
        (true, _) => u64::from(batch),
    };
    Load {
        query_tokens: tokens,
        prefill_tokens: if prefill { tokens } else { 0 },
        head_rows: heads,
        context_tokens: whole(batch_f * (context + new_f)),
        wide_context_tokens: if new > 1 { whole(context + new_f) } else { 0 },
        attention_pairs: whole(batch_f * new_f * (context + (new_f + 1.0) / 2.0)),
        prefill_starts: if prefill && context == 0.0 { u64::from(batch) } else { 0 },
        ..Load::NONE
    }
}

/// The load of a vision tower alone, on `batch` pictures of so many visual tokens each.
pub fn encoded(tower: &VisionTower, batch: u32, tokens: u32) -> Load {
    let patches = tower.of_tokens(u64::from(tokens)).patches;
    Load::vision(Flops::new(tower.flop(patches).as_f64() * f64::from(batch)))
}

/// The largest multiple of bandwidth or peak that a measurement may imply.
pub const MOST_OF_THE_SHEET: f64 = 1.05;

/// The impossible rate that a row implies for its device, in words; `None` if it is possible.
pub fn impossible(place: &Place, roofline: &Roofline, row: &Row) -> Option<String> {
    let cost = roofline.iteration(&row.step.load);
    let seconds = row.ms / 1e3;
    let (gb_per_s, tflops) = (cost.bytes.as_u64() as f64 / seconds / 1e9, cost.flop.as_f64() / seconds / 1e12);
    let (bandwidth, peak) = (place.device.bandwidth.as_f64() / 1e9, place.device.peak.as_f64() / 1e12);
    if gb_per_s > MOST_OF_THE_SHEET * bandwidth {
        return Some(format!("{gb_per_s:.0} GB/s, {:.2} times the bandwidth of {}", gb_per_s / bandwidth, place.gpu));
    }
    (tflops > MOST_OF_THE_SHEET * peak)
        .then(|| format!("{tflops:.0} TFLOP/s, {:.2} times the peak of {}", tflops / peak, place.gpu))
}
