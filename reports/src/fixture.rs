//! Results folders for tests: as `sim` writes them, with numbers of the test's own.

use crate::check::Identity;
use crate::runs::{Runs, VERSION};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;
use traces::log::{Column, TableWriter, Values};

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
    /// Why the last replication failed.
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

    fn mbps(&self) -> f64 {
        self.key("bandwidth_mbps").map_or(400.0, |mbps| mbps.parse().unwrap())
    }

    fn replications(&self) -> usize {
        self.metrics.first().map_or(1, |(_, values)| values.len())
    }
}

/// A results folder with these cells, of the scenario `fixture`.
pub fn folder(cells: &[Cell]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(cells, folder.path(), VERSION);
    folder
}

/// Reads such a folder.
pub fn runs(cells: &[Cell]) -> Runs {
    Runs::read(folder(cells).path()).unwrap()
}

/// What the manifest of such a folder says.
pub fn identity() -> Identity {
    let text = str::to_owned;
    let (scenario, sha256, tool_version) = (text("fixture"), text("0123456789abcdef"), text("0.1.0"));
    Identity { scenario, sha256, tool_version, model_version: crate::MODEL_VERSION }
}

/// What tells one point from another.
type Point<'c> = (&'c str, &'c Vec<(&'static str, &'static str)>);

pub fn write(cells: &[Cell], folder: &Path, version: u32) {
    let rows: Vec<(&Cell, usize)> =
        cells.iter().flat_map(|cell| (0..cell.replications()).map(move |replication| (cell, replication))).collect();
    let text = |of: &dyn Fn(&Cell, usize) -> String| Values::Text(rows.iter().map(|(cell, r)| of(cell, *r)).collect());
    let count = |of: &dyn Fn(&Cell, usize) -> u64| Values::U64(rows.iter().map(|(cell, r)| of(cell, *r)).collect());
    let last = |cell: &Cell, r: usize| r + 1 == cell.replications();
    let mut points: Vec<Point<'_>> = Vec::new();
    for cell in cells {
        if points.last() != Some(&(cell.tau, &cell.at)) {
            points.push((cell.tau, &cell.at));
        }
    }
    let point = |cell: &Cell, _| points.iter().position(|point| *point == (cell.tau, &cell.at)).unwrap() as u64;
    let usual = ["dataset", "bandwidth_mbps"];
    let mut keys: Vec<&str> = Vec::new();
    for (key, _) in cells.iter().flat_map(|cell| &cell.at) {
        if !usual.contains(key) && !keys.contains(key) {
            keys.push(key);
        }
    }
    let mut columns = vec![
        ("point", count(&point)),
        ("point_id", text(&|cell, r| format!("{:016x}", point(cell, r)))),
        ("policy", text(&|cell, _| cell.policy.to_owned())),
        ("dataset", text(&|cell, _| cell.key("dataset").unwrap_or("vqav2").to_owned())),
        ("bandwidth_mbps", Values::F64(rows.iter().map(|(cell, _)| Some(cell.mbps())).collect())),
        ("policy.msao.tau_s", text(&|cell, _| cell.tau.to_owned())),
    ];
    columns.extend(keys.iter().map(|key| (*key, text(&|cell, _| cell.key(key).unwrap_or_default().to_owned()))));
    columns.extend([
        ("replication", count(&|_, r| r as u64)),
        ("seed", count(&|cell, _| cell.seed)),
        ("failed", text(&|cell, r| if last(cell, r) { cell.failed.to_owned() } else { String::new() })),
        ("journal_digest", text(&|cell, r| format!("{:016x}", cell.digest + r as u64))),
        ("events", count(&|_, _| 1000)),
        ("requests", count(&|cell, _| cell.requests)),
        ("completed", count(&|cell, _| cell.requests)),
        ("rejected", count(&|_, _| 0)),
        ("edge_engine", text(&|_, _| "vllm".to_owned())),
        ("cloud_engine", text(&|_, _| "vllm".to_owned())),
    ]);
    let mut names: Vec<&'static str> = Vec::new();
    for (name, _) in cells.iter().flat_map(|cell| &cell.metrics) {
        if !names.contains(name) {
            names.push(name);
        }
    }
    let value = |cell: &Cell, name: &str, r: usize| {
        cell.metrics.iter().find(|(known, _)| *known == name).and_then(|(_, values)| values[r])
    };
    for name in names {
        columns.push((name, Values::F64(rows.iter().map(|(cell, r)| value(cell, name, *r)).collect())));
    }
    let columns = columns.into_iter().map(|(name, values)| Column { name: name.to_owned(), values }).collect();
    TableWriter::new("runs", version, columns).write_parquet(&folder.join("runs.parquet")).unwrap();
    manifest(folder, json!({}), json!([]));
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
pub type Metric<'m> = (&'m str, &'m dyn Fn(usize, &[usize]) -> Option<f64>);

/// The folder of a sweep over `keys`, every combination, under these policies, with what `metrics` says of policy and levels.
pub fn swept(policies: &[&str], keys: &[(&str, &[&str])], metrics: &[Metric<'_>]) -> TempDir {
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
    let text = |of: &dyn Fn(usize, usize) -> String| {
        Values::Text(runs.iter().map(|(point, policy, _)| of(*point, *policy)).collect())
    };
    let whole = |of: &dyn Fn(usize, u64) -> u64| Values::U64(runs.iter().map(|run| of(run.0, run.2)).collect());
    let same = |value: &'static str| text(&|_, _| value.to_owned());
    let mut columns = vec![
        ("point", whole(&|point, _| point as u64)),
        ("point_id", text(&|point, _| format!("{point:016x}"))),
        ("policy", text(&|_, policy| policies[policy].to_owned())),
        ("dataset", same("photo")),
        ("bandwidth_mbps", Values::F64(vec![Some(200.0); runs.len()])),
    ];
    for (index, (name, values)) in keys.iter().enumerate() {
        columns.push((name, text(&|point, _| values[points[point][index]].to_owned())));
    }
    columns.extend([("replication", whole(&|_, replication| replication)), ("seed", whole(&|_, _| 1))]);
    columns.extend([("failed", same("")), ("journal_digest", same("00000000000000ff"))]);
    for name in ["events", "requests", "completed", "rejected"] {
        columns.push((name, whole(&|_, _| 5)));
    }
    columns.extend([("edge_engine", same("vllm")), ("cloud_engine", same("vllm"))]);
    for (name, of) in metrics {
        // Replications lie on either side of the mean.
        let of = |(point, policy, replication): &(usize, usize, u64)| {
            of(*policy, &points[*point]).map(|mean| mean + *replication as f64 - 0.5)
        };
        columns.push((name, Values::F64(runs.iter().map(of).collect())));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let column = |(name, values): (&str, Values)| Column { name: name.to_owned(), values };
    let columns = columns.into_iter().map(column).collect();
    TableWriter::new("runs", 1, columns).write_parquet(&folder.path().join("runs.parquet")).expect("a table");
    self::policies(folder.path(), policies);
    folder
}
