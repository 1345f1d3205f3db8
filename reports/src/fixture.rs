//! Results folders for tests: as `sim` writes them, with numbers of the test's own.

pub mod awkward;

use crate::check::Identity;
use crate::runs::Runs;
use serde_json::{Value, json};
use std::path::Path;
use tables::{Metric, MetricValues, RunRow, TableWriter, Text, VariedValues};
use tempfile::TempDir;

/// One policy at one point: a value for each replication of each metric.
#[derive(Clone)]
pub struct Cell {
    pub policy: &'static str,
    pub tau: &'static str,
    /// `dataset`, `bandwidth_mbps` and other keys that vary, where they are not those of the fixture.
    pub at: Vec<(&'static str, &'static str)>,
    pub metrics: Vec<(&'static str, Vec<Option<f64>>)>,
    pub requests: u64,
    pub digest: u64,
    pub seed: u64,
    /// Reason of the last replication's failure.
    pub failed: &'static str,
}

impl Cell {
    pub fn new(policy: &'static str, tau: &'static str, metrics: &[(&'static str, &[f64])]) -> Self {
        let values = |values: &[f64]| values.iter().map(|value| Some(*value)).collect();
        let metrics = metrics.iter().map(|(name, column)| (*name, values(column))).collect();
        Self { policy, tau, at: Vec::new(), metrics, requests: 100, digest: 7, seed: 1, failed: "" }
    }

    /// The same at another point.
    pub fn at(self, at: &[(&'static str, &'static str)]) -> Self {
        Self { at: at.to_vec(), ..self }
    }

    fn key(&self, key: &str) -> Option<&'static str> {
        self.at.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
    }

    /// The bandwidth.
    pub fn mbps(&self) -> f64 {
        self.key("bandwidth_mbps").map_or(400.0, |mbps| mbps.parse().unwrap())
    }

    fn replications(&self) -> usize {
        self.metrics.first().map_or(1, |(_, values)| values.len())
    }
}

/// A results folder with these cells, of the scenario `fixture`.
pub fn folder(cells: &[Cell]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(cells, folder.path());
    folder
}

/// Reads such a folder.
pub fn runs(cells: &[Cell]) -> Runs {
    Runs::read(folder(cells).path()).unwrap()
}

/// The manifest of such a folder.
pub fn identity() -> Identity {
    let text = str::to_owned;
    let (scenario, sha256, tool_version) = (text("fixture"), text("0123456789abcdef"), text("0.1.0"));
    Identity { scenario, sha256, tool_version, model_version: crate::MODEL_VERSION }
}

/// A point: the keys that vary, and their values.
type Point<'c> = (&'c str, &'c Vec<(&'static str, &'static str)>);

pub fn write(cells: &[Cell], folder: &Path) {
    let mut points: Vec<Point<'_>> = Vec::new();
    for cell in cells {
        if points.last() != Some(&(cell.tau, &cell.at)) {
            points.push((cell.tau, &cell.at));
        }
    }
    let point = |cell: &Cell| points.iter().position(|point| *point == (cell.tau, &cell.at)).unwrap() as u64;
    let usual = ["dataset", "bandwidth_mbps"];
    let mut keys: Vec<&str> = Vec::new();
    for (key, _) in cells.iter().flat_map(|cell| &cell.at) {
        if !usual.contains(key) && !keys.contains(key) {
            keys.push(key);
        }
    }
    let varied: Vec<String> = ["policy.msao.tau_s"].iter().chain(&keys).map(|key| (*key).to_owned()).collect();
    let mut table = TableWriter::create_varied(&folder.join("runs.parquet"), &varied, &[]).unwrap();
    for (cell, r) in cells.iter().flat_map(|cell| (0..cell.replications()).map(move |r| (cell, r))) {
        let mut metrics = MetricValues::default();
        for (name, values) in &cell.metrics {
            metrics[Metric::named(name).unwrap()] = values[r];
        }
        let last = r + 1 == cell.replications();
        let others = keys.iter().map(|key| cell.key(key).unwrap_or_default().into());
        let row = RunRow {
            point: point(cell),
            policy: cell.policy.into(),
            dataset: cell.key("dataset").unwrap_or("vqav2").into(),
            bandwidth_mbps: Some(cell.mbps()),
            varied: VariedValues(std::iter::once(cell.tau.into()).chain(others).collect()),
            replication: r as u64,
            seed: cell.seed,
            failed: if last { cell.failed } else { "" }.into(),
            journal_digest: format!("{:016x}", cell.digest + r as u64).into(),
            events: 1000,
            requests: cell.requests,
            completed: cell.requests,
            metrics,
            ..usual_row(point(cell))
        };
        table.write(row).unwrap();
    }
    table.finish().unwrap();
    manifest(folder, json!({}), json!([]));
}

fn usual_row(point: u64) -> RunRow {
    let engine = Text::from("vllm");
    RunRow {
        point,
        point_id: format!("{point:016x}").into(),
        edge_engine: engine.clone(),
        cloud_engine: engine,
        ..RunRow::default()
    }
}

/// Has the folder's manifest tell these assumptions and policies.
pub fn manifest(folder: &Path, assumptions: Value, policies: Value) {
    let manifest = json!({
        "tool": "msao-sim",
        "tool_version": "0.1.0",
        "schema_version": crate::MANIFEST_VERSION,
        "model_version": crate::MODEL_VERSION,
        "scenario": "fixture",
        "scenario_sha256": "0123456789abcdef",
        "assumptions": assumptions,
        "swept_defaults": { "policy.msao.tau_s": "0.3" },
        "policies": policies,
    });
    std::fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
}

/// Has the folder's manifest tell that these policies are the systems of their names, with every default.
pub fn policies(folder: &Path, names: &[&str]) {
    let policy = |name: &&str| json!({ "label": name, "kind": name, "settings": {} });
    manifest(folder, json!({}), names.iter().map(policy).collect());
}

/// A metric's name, and its mean by policy and levels of the keys.
pub type MetricOf<'m> = (&'m str, &'m dyn Fn(usize, &[usize]) -> Option<f64>);

/// The folder of a sweep over `keys`, every combination, under these policies, with what `metrics` says of policy and levels.
pub fn swept(policies: &[&str], keys: &[(&str, &[&str])], metrics: &[MetricOf<'_>]) -> TempDir {
    let mut points: Vec<Vec<usize>> = vec![Vec::new()];
    for (_, values) in keys {
        let longer = |point: &Vec<usize>| {
            (0..values.len()).map(|level| [point.clone(), vec![level]].concat()).collect::<Vec<_>>()
        };
        points = points.iter().flat_map(longer).collect();
    }
    let count = policies.len();
    let runs: Vec<(usize, usize, u64)> = (0..points.len())
        .flat_map(|point| {
            (0..count).flat_map(move |policy| (0..2).map(move |replication| (point, policy, replication)))
        })
        .collect();
    let varied: Vec<String> = keys.iter().map(|(key, _)| (*key).to_owned()).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let mut table = TableWriter::create_varied(&folder.path().join("runs.parquet"), &varied, &[]).expect("a table");
    for (point, policy, replication) in runs {
        let mut values = MetricValues::default();
        for (name, of) in metrics {
            // Replications lie on either side of the mean.
            let value = of(policy, &points[point]).map(|mean| mean + replication as f64 - 0.5);
            values[Metric::named(name).expect("a metric")] = value;
        }
        let levels = keys.iter().zip(&points[point]).map(|((_, values), level)| values[*level].into());
        let row = RunRow {
            policy: policies[policy].into(),
            dataset: "photo".into(),
            bandwidth_mbps: Some(200.0),
            varied: VariedValues(levels.collect()),
            replication,
            seed: 1,
            journal_digest: "00000000000000ff".into(),
            events: 5,
            requests: 5,
            completed: 5,
            rejected: 5,
            metrics: values,
            ..usual_row(point as u64)
        };
        table.write(row).expect("a row");
    }
    table.finish().expect("a table");
    self::policies(folder.path(), policies);
    folder
}
