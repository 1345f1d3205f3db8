//! The list of a scenario's points, each resolved when its turn comes, and the hash by which two lists are compared.

use super::assumptions::value_of;
use super::keys::Overrides;
use super::sweep::{Design, Sweep};
use super::{Cell, Costs, MemoryScope, Mode, PointSeeds, Scenario, Source, Written, lookup, resolve};
use crate::terminal::Failure;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use toml::Value;

/// Columns that every table has beside those of the keys that vary.
const OWN_COLUMN: [&str; 2] = ["workload.dataset", "link.bandwidth"];

/// The column of an uplink whose rate changes over time, which no number names.
const UPLINK: &str = "link.up";

/// A scenario with the list of its points.
pub struct Plan {
    /// The scenario's text.
    pub source: Source,
    /// The scenario, without the values of the sweep.
    pub scenario: Scenario,
    /// The list of points.
    pub design: Design,
    /// Keys that are columns beside dataset and bandwidth, which every row has: those that vary, and an uplink that is a series.
    pub varied: Vec<String>,
    /// Values of the sweep that give the points of earlier values, in words; they are left out.
    pub equals: Vec<String>,
    /// Hashes of the files that points name.
    files: Mutex<BTreeMap<PathBuf, String>>,
}

/// One combination of swept values.
#[derive(Clone, Debug)]
pub struct Point {
    /// The columns of its rows that name the point.
    pub label: Arc<PointLabel>,
    /// Tiers that the memory peak counts.
    pub memory_scope: MemoryScope,
    /// Prices, and energies beside those of the tiers.
    pub costs: Costs,
    /// A cell for each policy.
    pub cells: Vec<Cell>,
}

/// The columns that say which point a row is of.
#[derive(Clone, Debug, PartialEq)]
pub struct PointLabel {
    /// Number in the grid.
    pub point: u64,
    /// Hash of the resolved point.
    pub id: String,
    /// Name of the dataset.
    pub dataset: String,
    /// Rate of the uplink; none where it is a series, or at a point that cannot be resolved.
    pub bandwidth_mbps: Option<f64>,
    /// Value of each varied key, as text.
    pub values: Vec<String>,
    /// The engines of the edge and of the cloud.
    pub engines: [String; 2],
}

impl Plan {
    /// Reads the scenario that a command line names, with its overrides.
    ///
    /// # Errors
    /// If it cannot be read, or makes no sense: at the line of the key that is to blame, where there is one.
    pub fn read(written: &Written) -> Result<Self, Failure> {
        let (source, scenario) = super::read(&written.scenario, &written.overrides()?)?;
        Self::new(source, scenario)
    }

    /// Works out the list of points, and what is wrong with any value by itself.
    ///
    /// # Errors
    /// At the line of the key that is to blame, where there is one.
    pub fn new(source: Source, scenario: Scenario) -> Result<Self, Failure> {
        /// Values of an axis that are looked at before anything is run.
        const LOOKED_AT: u64 = 1000;
        let mut design = Design::read(&source, &scenario.sweep, scenario.seed)?;
        let written = |number: u64| {
            let point: Scenario = source.with(&design.point(number)).ok()?.parse().ok()?;
            Some(point.text_with(Path::to_owned))
        };
        let equals = if design.points() > 1 { design.equal_rows(LOOKED_AT, written) } else { Vec::new() };
        let equals = design.leave_out(&equals);
        let mut varied: Vec<String> =
            design.keys().filter(|key| !OWN_COLUMN.contains(key)).map(str::to_owned).collect();
        if scenario.uplink_series().is_some() && !varied.iter().any(|key| key == UPLINK) {
            varied.push(UPLINK.to_owned());
        }
        let plan = Self { source, scenario, design, varied, equals, files: Mutex::default() };
        for number in plan.design.along_the_axes(LOOKED_AT) {
            let (source, scenario) = plan.scenario_at(number)?;
            lookup::requests(&source, &scenario, "workload.dataset")?;
        }
        Ok(plan)
    }

    /// Refuses a plan that is to be replayed, for a command that only simulates.
    pub fn must_be_simulated(&self, command: &str) -> Result<(), Failure> {
        if self.scenario.mode == Mode::Simulate {
            return Ok(());
        }
        let what = format!(
            "{command} only simulates; replay the scenario by itself (`sim SCENARIO.toml`), or say --mode simulate"
        );
        Err(self.source.refuse_key("mode", &what))
    }

    /// Makes a key the first column though no sweep varies it; false if every row has it anyway.
    pub fn add_column(&mut self, key: &str) -> bool {
        let is_new = !OWN_COLUMN.contains(&key);
        if is_new {
            self.varied.insert(0, key.to_owned());
        }
        is_new
    }

    /// The values that a varied key is given, as text: `most` of them at most.
    pub fn given(&self, key: &str, most: usize) -> Vec<String> {
        self.design.given(key).take(most).map(|value| plain(&value)).collect()
    }

    /// Number of points.
    pub fn points(&self) -> u64 {
        self.design.points()
    }

    /// Requests of a point, of all its runs, where no key of the sweep changes their number.
    pub fn requests_of_a_point(&self) -> u64 {
        let Scenario { policy, replications, workload, .. } = &self.scenario;
        let runs = policy.systems().len() as u64 * u64::from(*replications);
        workload.requests.saturating_mul(runs)
    }

    /// A point as if it were a scenario of its own.
    pub fn scenario_at(&self, number: u64) -> Result<(Source, Scenario), Failure> {
        let overrides = self.design.point(number);
        if overrides.is_empty() {
            return Ok((self.source.clone(), self.scenario.clone()));
        }
        let source = self.source.with(&overrides)?;
        let mut scenario: Scenario = source.parse()?;
        scenario.settle(source.written());
        Ok((source, scenario))
    }

    /// The first of the points at which a policy is the same as at this one, and their number: they differ in settings of other
    /// policies alone. Points with seeds of their own have nothing in common.
    pub fn same_for(&self, number: u64, policy: &str) -> (u64, u64) {
        let table = &self.scenario.policy;
        let label = table.systems().iter().position(|(label, _)| label == policy);
        let path = label.and_then(|place| table.paths().into_iter().nth(place));
        // `policy.msao` of `policy.msao.1`: a key without a number is of the first of several.
        let own = path.map(|path| path.split('.').take(2).collect::<Vec<_>>().join("."));
        let Some(own) = own.filter(|_| self.scenario.point_seeds == PointSeeds::Common) else { return (number, 1) };
        let is_own = |key: &str| key.strip_prefix(&own).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        self.design.same(number, |key| !key.starts_with("policy.") || is_own(key))
    }

    /// Works out a point.
    ///
    /// # Errors
    /// If it cannot be run: at the line of the key that is to blame, where there is one.
    pub fn point(&self, number: u64) -> Result<Point, Failure> {
        let (source, mut scenario) = self.scenario_at(number)?;
        let id = self.id(&scenario);
        if scenario.point_seeds == PointSeeds::FromId {
            scenario.seed = seed_of(&id);
        }
        let (cells, bandwidth_mbps) = resolve::cells(&source, &scenario)?;
        let label = PointLabel {
            point: number,
            id,
            dataset: scenario.workload.dataset.label(),
            bandwidth_mbps,
            values: self.values(&self.design.point(number), scenario.uplink_series()),
            engines: scenario.engines(),
        };
        Ok(Point { label: label.into(), memory_scope: scenario.memory_scope, costs: scenario.costs, cells })
    }

    /// The label of a point that cannot be run.
    pub fn label_of_refused(&self, number: u64) -> PointLabel {
        let overrides = self.design.point(number);
        let (id, dataset, uplink) = self.scenario_at(number).map_or_else(
            |_| (String::new(), String::new(), None),
            |(_, scenario)| (self.id(&scenario), scenario.workload.dataset.label(), scenario.uplink_series()),
        );
        let values = self.values(&overrides, uplink);
        PointLabel { point: number, id, dataset, bandwidth_mbps: None, values, engines: [String::new(), String::new()] }
    }

    /// Hash of all that the list of points and the results are made of: the resolved scenario but for its description, and what
    /// is in the files that it names, wherever they lie.
    pub fn hash(&self) -> String {
        let told = Scenario { description: None, ..self.scenario.clone() };
        hex(&Sha256::digest(told.text_with(|file| self.file_hash(file))))
    }

    /// The first 64 bits of the hash of the resolved point.
    fn id(&self, point: &Scenario) -> String {
        let mut alone = point.clone();
        alone.name = String::new();
        alone.description = None;
        alone.sweep = Sweep::default();
        // More of them leave those that there are as they are.
        alone.replications = 1;
        let hash = Sha256::digest(alone.text_with(|file| self.file_hash(file)));
        hex(&hash[..8])
    }

    /// The hash of a file, in label of its name.
    fn file_hash(&self, file: &Path) -> PathBuf {
        let path = self.source.folder().join(file);
        let mut known = self.files.lock().expect("no panic holds this lock");
        let hash = known.entry(path.clone()).or_insert_with(|| {
            // What cannot be read is refused with its reason when the point is resolved.
            let mut hash = Sha256::new();
            let read = traces::input::for_each_piece(&path, |piece| hash.update(piece));
            read.map_or_else(|_| "unreadable".to_owned(), |()| hex(&hash.finalize()))
        });
        PathBuf::from(&*hash)
    }

    /// The texts of the columns in `varied`: as the point sets a key, or else as the scenario has it; `uplink` is the name of the
    /// uplink's series.
    fn values(&self, overrides: &Overrides, uplink: Option<String>) -> Vec<String> {
        let text = |key: &String| {
            let set = overrides.iter().find(|(own, _)| own == key).map(|(_, value)| plain(value));
            let uplink = || uplink.clone().filter(|_| key == UPLINK);
            let stays = || value_of(&self.scenario, key).map(|value| plain(&value));
            set.or_else(uplink).or_else(stays).unwrap_or_default()
        };
        self.varied.iter().map(text).collect()
    }
}

/// A value as columns have it: a text without its quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A seed that TOML can hold.
fn seed_of(id: &str) -> u64 {
    u64::from_str_radix(id, 16).map_or(0, |bits| bits >> 1)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
