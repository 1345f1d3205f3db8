//! Rows of results folders: `steps.parquet`, with `scenario.toml` saying what ran where and `requests.parquet` how many
//! visual tokens there were. A row there is an item; the items of an iteration are put together again, since it is the
//! iteration that took its time.
//!
//! What a step had to do is worked out from tokens and context after it, and is exact but for what is not logged: of a
//! verification the drafts that were accepted (a few tokens of context), of pruned pictures where they were pruned (before
//! the vision tower is taken), of several pictures their number (one is taken).

use super::args::Args;
use super::set::{Place, Row, Set};
use crate::results::replayed::Replayed;
use crate::scenario::{self, Plan, Point};
use crate::terminal::{Failure, say};
use backends::Tier;
use model::audio;
use model::load::Load;
use model::step::{Step, StepKind};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tables::{Kind, RequestRow, Side, StepRow, TableReader, Text};
use units::{Flops, quantile};

/// Configurations of a set that are kept at most; more of them say nothing new.
const MOST_CONFIGURATIONS: usize = 1500;

/// Policy, point, replication and request.
pub type Request = (Text, u32, u32, u64);

/// The tokens of a request that are not text: whole, as the probe reads them, and as left after pruning.
#[derive(Clone, Copy, Default)]
pub struct NonTextTokens {
    pub whole: Tokens,
    pub left: Tokens,
}

/// Tokens of pictures and audio.
#[derive(Clone, Copy, Default)]
pub struct Tokens {
    pub visual: u64,
    pub audio: u64,
}

/// Most tokens of an iteration, cached ones included: the pairs of their attention are counted in 64 bits.
const MOST_TOKENS: u64 = u32::MAX as u64;

/// An item of an iteration.
struct Item {
    /// Number of its row, from 1.
    row: u64,
    request: Request,
    side: Side,
    gpu: u64,
    kind: Kind,
    tokens: u64,
    context_tokens: u64,
    start_s: f64,
    duration_ms: f64,
}

impl Item {
    /// True if both are of one iteration.
    fn is_with(&self, other: &Self) -> bool {
        let same_time = self.start_s == other.start_s && self.duration_ms == other.duration_ms;
        let ((policy, point, replication, _), theirs) = (&self.request, &other.request);
        let same_run = (policy, point, replication) == (&theirs.0, &theirs.1, &theirs.2);
        same_time && same_run && self.gpu == other.gpu && self.side == other.side
    }
}

/// The key of a set of rows: kind, side, device and model.
type Key = (StepKind, String, String, String);

/// Steps of one configuration.
type Alike = BTreeMap<[u64; 9], (Step, Vec<f64>)>;

/// Iterations by place, kind and configuration.
#[derive(Default)]
struct Sets {
    sets: BTreeMap<Key, (Arc<Place>, Alike)>,
    split: u64,
    mixed: u64,
}

/// Reads the steps of the folders that are named.
///
/// # Errors
/// If a folder has no steps, or is none of this tool.
pub fn read(args: &Args) -> Result<Vec<Set>, Failure> {
    let wanted = |set: &Set| {
        let is = |asked: &[String], value: &str| asked.is_empty() || asked.iter().any(|asked| asked == value);
        is(&args.gpu, &set.place.gpu) && is(&args.model, &set.place.model.name) && is(&args.engine, &set.place.engine)
    };
    let mut found = steps(&args.folders, args.side.as_deref(), &|_| true)?;
    found.retain(wanted);
    if found.is_empty() {
        let folders: Vec<String> = args.folders.iter().map(|folder| folder.display().to_string()).collect();
        let expected = "expected some; leave out --side, --gpu, --model and --engine to see what there is";
        return Err(Failure::refused(format!("{}: found no step that is asked for; {expected}", folders.join(", "))));
    }
    Ok(found)
}

/// The steps of some folders, of a side or of both, whose requests all are to be kept: by their number.
///
/// # Errors
/// If a folder has no steps, or is none of this tool.
pub fn steps(folders: &[PathBuf], side: Option<&str>, keep: &dyn Fn(u64) -> bool) -> Result<Vec<Set>, Failure> {
    let mut sets = Sets::default();
    for folder in folders {
        read_folder(folder, side, keep, &mut sets)?;
    }
    let left_out = [
        (sets.split, "of parts of a model, which no law is of"),
        (sets.mixed, "with items of several kinds, which the laws of those kinds price together"),
    ];
    for (left, why) in left_out.into_iter().filter(|(left, _)| *left > 0) {
        say(format_args!("sim: left out: {left} iterations {why}"));
    }
    let row = |(step, mut each): (Step, Vec<f64>)| {
        each.sort_by(f64::total_cmp);
        Row { step, ms: quantile(&each, 0.5).expect("a configuration has a step"), each }
    };
    let set = |((kind, ..), (place, alike)): (Key, (Arc<Place>, Alike))| {
        // Every so many, in the order of their configurations.
        let every = alike.len().div_ceil(MOST_CONFIGURATIONS).max(1);
        Set { place, kind, rows: alike.into_values().step_by(every).map(row).collect() }
    };
    Ok(sets.sets.into_iter().map(set).collect())
}

fn read_folder(folder: &Path, side: Option<&str>, keep: &dyn Fn(u64) -> bool, sets: &mut Sets) -> Result<(), Failure> {
    let steps = folder.join("steps.parquet");
    if !steps.is_file() {
        let expected = "expected a results folder with steps.parquet; run the scenario with --steps";
        return Err(Failure::refused(format!("{}: found no steps.parquet; {expected}", folder.display())));
    }
    let (source, written) = scenario::read(&folder.join("scenario.toml"), &[])?;
    let plan = Plan::new(source, written)?;
    let replayed = Replayed::read(folder)?;
    let items = items(&steps, side)?;
    let beside = beside(&folder.join("requests.parquet"))?;
    let last = last_chunks(&items);
    let mut points: BTreeMap<u32, Point> = BTreeMap::new();
    let mut at = 0;
    while at < items.len() {
        let end = (at + 1..items.len()).find(|next| !items[*next].is_with(&items[at])).unwrap_or(items.len());
        let iteration = &items[at..end];
        at = end;
        check_tokens(&steps, iteration)?;
        if !iteration.iter().all(|item| keep(item.request.3)) {
            continue;
        }
        let first = &iteration[0];
        let (policy, point, ..) = &first.request;
        if u64::from(*point) >= plan.points() {
            let expected = format!("expected one of the {} of scenario.toml", plan.points());
            return Err(Failure::refused(format!("{}: found point {point}; {expected}", steps.display())));
        }
        if !points.contains_key(point) {
            points.insert(*point, plan.point(u64::from(*point))?);
        }
        let cell = points[point].cells.iter().find(|cell| *cell.policy == **policy);
        let Some(cell) = cell else {
            let expected = "expected the policies of scenario.toml";
            return Err(Failure::refused(format!("{}: found the policy {policy}; {expected}", steps.display())));
        };
        let edge = first.side == Side::Edge;
        let tier = if edge { &cell.spec.edges[0].tier } else { &cell.spec.pools[0].tier };
        let [of_edges, of_cloud] = plan.scenario.engines();
        let engine = if edge { of_edges } else { of_cloud };
        match &replayed {
            Some(played) => {
                let gpu = format!("{} played by {}", tier.device.name, played.device_name);
                sets.add(&played.played(tier, edge), &gpu, &engine, iteration, &beside, &last);
            }
            None => sets.add(tier, &tier.device.name, &engine, iteration, &beside, &last),
        }
    }
    Ok(())
}

/// Refuses an iteration of more tokens than can be counted.
fn check_tokens(path: &Path, iteration: &[Item]) -> Result<(), Failure> {
    let mut tokens: u64 = 0;
    for item in iteration {
        tokens = tokens.saturating_add(item.tokens).saturating_add(item.context_tokens);
        if tokens > MOST_TOKENS {
            let found = format!("found a step of {tokens} tokens and cached ones up to here");
            let expected = format!("expected at most {MOST_TOKENS}; the file is damaged, run the scenario again");
            return Err(Failure::refused(format!("{}: row {}: {found}; {expected}", path.display(), item.row)));
        }
    }
    Ok(())
}

impl Sets {
    fn add(
        &mut self,
        tier: &Tier,
        gpu: &str,
        engine: &str,
        iteration: &[Item],
        beside: &BTreeMap<Request, NonTextTokens>,
        last: &BTreeMap<(Request, Side), u64>,
    ) {
        let mut step = Step::NONE;
        let mut kind = None;
        for item in iteration {
            let Some(this) = StepKind::named(item.kind.name()).filter(|_| tier.part.is_none()) else {
                self.split += 1;
                return;
            };
            let with = beside.get(&item.request).copied().unwrap_or_default();
            let ends = last.get(&(item.request.clone(), item.side)) == Some(&item.context_tokens);
            step.add(&load(tier, this, item, with, ends));
            if kind.replace(this).is_some_and(|kind| kind != this) {
                self.mixed += 1;
                return;
            }
        }
        let (Some(kind), Some(first)) = (kind, iteration.first()) else { return };
        let key = (kind, first.side.name().to_owned(), tier.device.name.to_string(), tier.model.name.to_string());
        let (_, alike) = self
            .sets
            .entry(key)
            .or_insert_with(|| (Arc::new(place(tier, gpu, engine, first.side.name())), Alike::new()));
        let load = &step.load;
        let configuration = [
            load.query_tokens,
            load.context_tokens,
            step.items,
            load.prefill_tokens,
            load.head_rows,
            load.attention_pairs,
            load.vision_flop.as_f64() as u64,
            load.prefill_starts,
            (load.layer_share.as_f64() * 1e6) as u64,
        ];
        alike.entry(configuration).or_insert_with(|| (step, Vec::new())).1.push(first.duration_ms);
    }
}

fn place(tier: &Tier, gpu: &str, engine: &str, side: &str) -> Place {
    Place {
        gpu: gpu.to_owned(),
        device: tier.device.clone(),
        gpus: 1,
        model: tier.model.clone(),
        engine: engine.to_owned(),
        dtype: String::new(),
        how: String::new(),
        side: side.to_owned(),
        assumed: tier.engine,
    }
}

/// The work of an item.
fn load(tier: &Tier, kind: StepKind, item: &Item, with: NonTextTokens, ends: bool) -> Load {
    let before = item.context_tokens.saturating_sub(item.tokens);
    match kind {
        StepKind::Probe => Load::vision(probe_flop(tier, with.whole)),
        StepKind::Encode => {
            Load::vision(pictures(tier.encoder.as_ref(), with.whole, |tower, patches| tower.flop(patches)))
        }
        // The newest token goes through the model; those before it are in the cache.
        StepKind::Decode | StepKind::Draft => Load::decode(before.saturating_sub(1)),
        StepKind::Verify => Load::verify(item.tokens, (before + item.tokens / 2).saturating_sub(1)),
        StepKind::Prefill => {
            // With the first token of an answer, where the prompt ends in one.
            let starts = before <= 1;
            let chunk = Load::prefill_chunk(item.tokens, if starts { 0 } else { before });
            let mut load = if ends { chunk.with_head() } else { chunk };
            if starts {
                let tower = tier.model.vision.as_ref();
                let flop = pictures(tower, with.left, |tower, patches| tower.flop(patches));
                load.add(&Load::vision(flop + audio::encoder_flop(with.left.audio)));
            }
            load
        }
    }
}

fn probe_flop(tier: &Tier, with: Tokens) -> Flops {
    let blocks = tier.probe_blocks;
    let tower = tier.model.vision.as_ref();
    pictures(tower, with, |tower, patches| tower.blocks_flop(patches, blocks)) + audio::blocks_flop(with.audio, blocks)
}

type Tower = model::vision::VisionTower;

fn pictures(tower: Option<&Tower>, with: Tokens, flop: impl Fn(&Tower, u64) -> Flops) -> Flops {
    let tower = tower.filter(|_| with.visual > 0);
    tower.map_or(Flops::ZERO, |tower| flop(tower, tower.of_tokens(with.visual).patches))
}

fn items(path: &Path, only: Option<&str>) -> Result<Vec<Item>, Failure> {
    let table = TableReader::<StepRow>::open(path)?;
    let mut items = Vec::new();
    let mut number = 0;
    for group in 0..table.groups() {
        for row in table.group(group)? {
            number += 1;
            let duration_ms = row.duration_ms;
            if !(duration_ms.is_finite() && duration_ms > 0.0) {
                let found = format!("{}: row {number}: found duration_ms = {duration_ms}", path.display());
                return Err(Failure::refused(format!("{found}; expected a finite number of milliseconds above 0")));
            }
            if only.is_none_or(|only| only == row.side.name()) {
                items.push(Item {
                    row: number,
                    request: (row.policy, row.point, row.replication, row.request),
                    side: row.side,
                    gpu: u64::from(row.gpu),
                    kind: row.kind,
                    tokens: u64::from(row.tokens),
                    context_tokens: row.context_tokens,
                    start_s: row.start_s,
                    duration_ms,
                });
            }
        }
    }
    Ok(items)
}

pub fn beside(path: &Path) -> Result<BTreeMap<Request, NonTextTokens>, Failure> {
    let table = TableReader::<RequestRow>::open(path)?;
    let mut all = BTreeMap::new();
    let left = |tokens: u32, share: f64| (f64::from(tokens) * share).ceil() as u64;
    for group in 0..table.groups() {
        for row in table.group(group)? {
            let whole = Tokens { visual: u64::from(row.visual_tokens), audio: u64::from(row.audio_tokens) };
            let left = Tokens {
                visual: left(row.visual_tokens, row.retention),
                audio: left(row.audio_tokens, row.retention_audio),
            };
            let request = (row.policy, row.point, row.replication, row.request);
            all.insert(request, NonTextTokens { whole, left });
        }
    }
    Ok(all)
}

/// The context behind the last chunk of each prompt, by side.
fn last_chunks(items: &[Item]) -> BTreeMap<(Request, Side), u64> {
    let mut last = BTreeMap::new();
    for item in items.iter().filter(|item| item.kind == Kind::Prefill) {
        let context = last.entry((item.request.clone(), item.side)).or_insert(0);
        *context = item.context_tokens.max(*context);
    }
    last
}

/// The machines on which the folders' steps were measured, by their manifests.
pub fn provenance(folders: &[PathBuf]) -> BTreeMap<String, String> {
    const TOLD: [&str; 18] = [
        "device_name",
        "library_version",
        "machine",
        "cpu",
        "device",
        "driver",
        "provider",
        "library",
        "runtime",
        "threads",
        "model_sha256",
        "models",
        "date",
        "measured",
        "mode",
        "commit",
        "scenario",
        "scenario_sha256",
    ];
    let mut all = BTreeMap::new();
    for folder in folders {
        let text = std::fs::read_to_string(folder.join("manifest.json")).unwrap_or_default();
        let Ok(manifest) = serde_json::from_str::<Value>(&text) else { continue };
        for (within, table) in [("", &manifest), ("replay.", &manifest["replay"])] {
            for key in TOLD {
                match &table[key] {
                    Value::String(said) => all.insert(format!("{within}{key}"), said.clone()),
                    Value::Number(said) => all.insert(format!("{within}{key}"), said.to_string()),
                    _ => None,
                };
            }
        }
    }
    all
}
