//! The `[sweep]` table: which keys vary and how, and so the list of points, a pure function of the scenario.
//!
//! ```toml
//! [sweep]
//! "link.rtt" = ["5 ms", "20 ms"]                              # each value
//! "link.bandwidth" = { from = "100 Mbps", to = "400 Mbps", step = "100 Mbps" }
//! "policy.msao.mas.tau_s" = { from = 0.1, to = 0.9, points = 5 }  # evenly spaced
//! "arrivals.poisson.rate" = { from = "1 /s", to = "64 /s", points = 7, scale = "log" }
//!
//! [[sweep.zip]]                                               # these vary together
//! "edge.device" = ["rtx-3090", "jetson-agx-orin-64"]
//! "edge.model" = ["qwen2.5-vl-3b", "qwen2-vl-2b"]
//!
//! [sweep.latin_hypercube]                                     # or [sweep.random]
//! points = 64
//! keys = { "policy.msao.mas.lambda_spatial" = { from = 0.0, to = 1.0 } }
//!
//! [[sweep.one_at_a_time]]                                     # the scenario as it is, and each row of each group by itself
//! "link.transport" = ["ideal"]
//! [[sweep.one_at_a_time]]
//! "edge.engine" = ["hf", "graph"]
//! "cloud.engine" = ["hf", "graph"]
//! ```
//!
//! Every combination of these is a point; the first key varies slowest. Points are worked out one by one, so that a list of
//! millions takes no memory.

mod range;
mod sample;
#[cfg(test)]
mod tests;

use super::keys::Overrides;
use super::source::Source;
use crate::terminal::Failure;
pub use range::Form;
use range::Range;
use sample::{Domain, Law, Sampled};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use toml::Value;

/// The table as it is written; [`Design`] is what it means.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sweep(pub BTreeMap<String, Value>);

impl Sweep {
    /// True if no key varies.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl JsonSchema for Sweep {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Sweep".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let end = serde_json::json!({ "type": ["number", "string"] });
        let list = serde_json::json!({ "type": "array", "minItems": 1, "description": "each of these values" });
        let range = serde_json::json!({
            "type": "object",
            "description": "values from one end to the other, by `step` or as so many `points`",
            "properties": {
                "from": end, "to": end, "step": end,
                "points": { "type": "integer", "minimum": 2 },
                "scale": { "enum": ["linear", "log"] },
            },
            "required": ["from", "to"],
            "additionalProperties": false,
        });
        let values = serde_json::json!({ "anyOf": [list, range] });
        let sample = serde_json::json!({
            "type": "object",
            "description": "points drawn at random, or with one in each part of each key's range",
            "properties": {
                "points": { "type": "integer", "minimum": 1, "maximum": MOST_SAMPLES },
                "keys": { "type": "object", "additionalProperties": values },
            },
            "required": ["points", "keys"],
            "additionalProperties": false,
        });
        schemars::json_schema!({
            "type": "object",
            "description": "keys to vary, by their dotted names; every combination is a point",
            "properties": {
                "zip": {
                    "type": "array",
                    "description": "keys that vary together: lists of one length",
                    "items": { "type": "object", "additionalProperties": list },
                },
                "one_at_a_time": {
                    "type": "array",
                    "description": "groups of keys, each varied by itself while the others stay as the scenario has them",
                    "items": { "type": "object", "additionalProperties": list },
                },
                "random": sample,
                "latin_hypercube": sample,
            },
            "additionalProperties": values,
        })
    }
}

/// Points of a sample, at most: the places of a Latin hypercube are held in memory.
const MOST_SAMPLES: u32 = 10_000_000;

/// The list of points.
#[derive(Clone, Debug)]
pub struct Design {
    axes: Vec<Axis>,
    points: u64,
}

/// Keys that vary together, independently of the other axes.
#[derive(Clone, Debug)]
struct Axis {
    /// Paths of the tables in the scenario that the keys stand in: one for all, or one for each.
    at: Vec<Vec<String>>,
    keys: Vec<String>,
    rows: Rows,
}

/// The values of an axis, by row: one for each of its keys, or none for a key that stays as the scenario has it.
#[derive(Clone, Debug)]
enum Rows {
    Listed(Vec<Vec<Option<Value>>>),
    Sampled(Sampled),
}

impl Axis {
    fn len(&self) -> u64 {
        match &self.rows {
            Rows::Listed(rows) => rows.len() as u64,
            Rows::Sampled(sampled) => sampled.points(),
        }
    }

    fn values(&self, row: u64) -> Vec<Option<Value>> {
        match &self.rows {
            Rows::Listed(rows) => rows[row as usize].clone(),
            Rows::Sampled(sampled) => sampled.values(row).map(Some).collect(),
        }
    }

    /// The keys that a row sets, with their values.
    fn row(&self, row: u64) -> impl Iterator<Item = (&String, Value)> {
        self.keys.iter().zip(self.values(row)).filter_map(|(key, value)| Some((key, value?)))
    }

    fn set(&self, row: u64, overrides: &mut Overrides) {
        overrides.extend(self.row(row).map(|(key, value)| (key.clone(), value)));
    }

    /// A row in words: `link.rtt = "80 ms"`.
    fn words(&self, row: u64) -> String {
        self.row(row).map(|(key, value)| format!("{key} = {value}")).collect::<Vec<_>>().join(", ")
    }
}

/// The path to a place in the table.
fn place(names: &[&str]) -> Vec<String> {
    ["sweep"].iter().chain(names).map(|name| (*name).to_owned()).collect()
}

/// Names in the table that are no keys of a scenario.
const ZIP: &str = "zip";
const ALONE: &str = "one_at_a_time";
const LAWS: [(&str, Law); 2] = [("random", Law::Random), ("latin_hypercube", Law::LatinHypercube)];

impl Design {
    /// The values that a key is given, row by row; none of a key that does not vary.
    pub fn given(&self, key: &str) -> impl Iterator<Item = Value> {
        let place = |axis: &Axis| axis.keys.iter().position(|own| own == key);
        let axis = self.axes.iter().find_map(|axis| Some((axis, place(axis)?)));
        axis.into_iter()
            .flat_map(|(axis, place)| (0..axis.len()).filter_map(move |row| axis.values(row).swap_remove(place)))
    }

    /// Works out what the table means.
    ///
    /// # Errors
    /// At the key's line, if a range is empty or wrong, lists of a group differ in length, a key varies twice or cannot vary.
    pub fn read(source: &Source, sweep: &Sweep, seed: u64) -> Result<Self, Failure> {
        let mut axes = Vec::new();
        let named = |key: &String| [ZIP, ALONE].contains(&key.as_str()) || LAWS.iter().any(|(name, _)| key == name);
        for (key, value) in sweep.0.iter().filter(|(key, _)| !named(key)) {
            let refuse = |reason: String| source.refuse_at(&["sweep", key], &reason);
            let rows = listed(value).map_err(refuse)?.into_iter().map(|value| vec![Some(value)]).collect();
            axes.push(Axis { at: vec![place(&[])], keys: vec![key.clone()], rows: Rows::Listed(rows) });
        }
        if let Some(groups) = sweep.0.get(ZIP) {
            axes.extend(grouped(source, ZIP, groups)?);
        }
        if let Some(groups) = sweep.0.get(ALONE) {
            axes.push(one_at_a_time(grouped(source, ALONE, groups)?));
        }
        for (name, law) in LAWS {
            if let Some(table) = sweep.0.get(name) {
                axes.push(sampled(source, name, law, table, seed)?);
            }
        }
        let points = axes.iter().try_fold(1u64, |points, axis| points.checked_mul(axis.len()));
        let points =
            points.ok_or_else(|| source.refuse_at(&["sweep"], "the grid has more points than can be counted"))?;
        let design = Self { axes, points };
        design.check_keys(source)?;
        Ok(design)
    }

    fn check_keys(&self, source: &Source) -> Result<(), Failure> {
        let mut seen = BTreeSet::new();
        for (key, place) in self.places() {
            let place: Vec<&str> = place.iter().map(String::as_str).collect();
            let refuse = |reason: &str| Err(source.refuse_at(&place, reason));
            if key.starts_with("sweep") || ["name", "description", "replications", "mode", "point_seeds"].contains(&key)
            {
                return refuse("this key cannot vary from point to point");
            }
            if !seen.insert(key) {
                return refuse("this key varies twice");
            }
            if source.overrides(key) {
                let reason =
                    format!("the sweep varies this key, so --set cannot fix it; use --set 'sweep.{key}=[...]'");
                return Err(source.refuse_key(key, &reason));
            }
        }
        Ok(())
    }

    /// Number of points, at least one.
    pub fn points(&self) -> u64 {
        self.points
    }

    /// Number of values of each axis; the point's number is that of a place in this box, the first axis slowest.
    pub fn lengths(&self) -> impl Iterator<Item = u64> {
        self.axes.iter().map(Axis::len)
    }

    /// Every key that varies, in the order of the columns.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.axes.iter().flat_map(|axis| &axis.keys).map(String::as_str)
    }

    /// Every key that varies, and where it stands in the scenario.
    pub fn places(&self) -> impl Iterator<Item = (&str, Vec<String>)> {
        self.axes.iter().flat_map(|axis| {
            axis.keys
                .iter()
                .zip(axis.at.iter().cycle())
                .map(|(key, table)| (key.as_str(), [table.as_slice(), std::slice::from_ref(key)].concat()))
        })
    }

    /// The overrides of point number `number`.
    ///
    /// # Panics
    /// If there is no such point.
    pub fn point(&self, number: u64) -> Overrides {
        assert!(number < self.points, "point {number} of {}", self.points);
        let mut left = number;
        let mut rows: Vec<u64> = Vec::with_capacity(self.axes.len());
        for axis in self.axes.iter().rev() {
            rows.push(left % axis.len());
            left /= axis.len();
        }
        let mut overrides = Overrides::new();
        for (axis, row) in self.axes.iter().zip(rows.into_iter().rev()) {
            axis.set(row, &mut overrides);
        }
        overrides
    }

    /// For each axis the rows that give the point of an earlier row. `text` is the point of a number as text; equal texts are
    /// equal points. Axes of more rows than `most` are not looked at.
    pub fn equal_rows(&self, most: u64, text: impl Fn(u64) -> Option<String>) -> Vec<BTreeSet<u64>> {
        let mut stride = self.points;
        let equal = |axis: &Axis| {
            stride /= axis.len();
            let mut seen = BTreeSet::new();
            let rows = 0..if axis.len() > most { 0 } else { axis.len() };
            rows.filter(|row| text(row * stride).is_some_and(|text| !seen.insert(text))).collect()
        };
        self.axes.iter().map(equal).collect()
    }

    /// The first of the points that differ from this one in axes of which no key matters, and their number.
    pub fn same(&self, number: u64, matters: impl Fn(&str) -> bool) -> (u64, u64) {
        let (mut first, mut points, mut stride) = (number, 1, self.points);
        for axis in &self.axes {
            stride /= axis.len();
            if !axis.keys.iter().any(|key| matters(key)) {
                first -= number / stride % axis.len() * stride;
                points *= axis.len();
            }
        }
        (first, points)
    }

    /// Leaves out these rows of each axis, and gives them in words.
    pub fn leave_out(&mut self, rows: &[BTreeSet<u64>]) -> Vec<String> {
        let mut words = Vec::new();
        for (axis, equal) in self.axes.iter_mut().zip(rows).filter(|(_, equal)| !equal.is_empty()) {
            words.extend(equal.iter().map(|row| axis.words(*row)));
            let others = (0..axis.len()).filter(|row| !equal.contains(row));
            axis.rows = Rows::Listed(others.map(|row| axis.values(row)).collect());
        }
        self.points = self.axes.iter().map(Axis::len).product();
        words
    }

    /// Numbers of points that between them have every value of every axis, of long ones `most` evenly spaced: what is wrong
    /// with a value by itself shows at one of them.
    pub fn along_the_axes(&self, most: u64) -> BTreeSet<u64> {
        let mut numbers = BTreeSet::from([0]);
        let mut stride = self.points;
        for axis in &self.axes {
            stride /= axis.len();
            let rows = axis.len().min(most);
            numbers.extend(
                (0..rows)
                    .map(|row| u128::from(row) * u128::from(axis.len()) / u128::from(rows))
                    .map(|row| u64::try_from(row).expect("less than the length of the axis") * stride),
            );
        }
        numbers
    }
}

/// Values of a list or a range.
fn listed(value: &Value) -> Result<Vec<Value>, String> {
    match value {
        Value::Array(values) if values.is_empty() => Err("expected at least one value".to_owned()),
        Value::Array(values) => Ok(values.clone()),
        Value::Table(table) => Range::read(table)?.values(),
        _ => Err("expected a list of values, or a range as in { from = 0.1, to = 0.9, step = 0.1 }".to_owned()),
    }
}

/// The axis that has the scenario as it is, and then each row of each group, whose keys alone it sets.
fn one_at_a_time(groups: Vec<Axis>) -> Axis {
    let keys: Vec<String> = groups.iter().flat_map(|group| group.keys.clone()).collect();
    let at = groups.iter().flat_map(|group| group.keys.iter().zip(group.at.iter().cycle()).map(|(_, at)| at.clone()));
    let mut rows = vec![vec![None; keys.len()]];
    let mut before = 0;
    for group in &groups {
        rows.extend((0..group.len()).map(|row| {
            let mut values = vec![None; keys.len()];
            values[before..before + group.keys.len()].clone_from_slice(&group.values(row));
            values
        }));
        before += group.keys.len();
    }
    Axis { at: at.collect(), keys, rows: Rows::Listed(rows) }
}

/// The groups of keys under a name, each an axis of lists of one length.
fn grouped(source: &Source, name: &str, groups: &Value) -> Result<Vec<Axis>, Failure> {
    let refuse = |reason: &str| source.refuse_at(&["sweep", name], reason);
    let expected = format!("expected tables [[sweep.{name}]], each with keys and their lists of values");
    let expected = expected.as_str();
    let groups = groups.as_array().ok_or_else(|| refuse(expected))?;
    let group = |(index, group): (usize, &Value)| {
        let index = index.to_string();
        let refuse_key = |key: &str, reason: String| source.refuse_at(&["sweep", name, &index, key], &reason);
        let table = group.as_table().filter(|table| !table.is_empty()).ok_or_else(|| refuse(expected))?;
        let mut rows: Vec<Vec<Option<Value>>> = Vec::new();
        for (key, value) in table {
            let values = listed(value).map_err(|reason| refuse_key(key, reason))?;
            if rows.is_empty() {
                rows = vec![Vec::new(); values.len()];
            }
            if rows.len() != values.len() {
                let reason = format!("expected {} values, as the first key of the group has", rows.len());
                return Err(refuse_key(key, reason));
            }
            rows.iter_mut().zip(values).for_each(|(row, value)| row.push(Some(value)));
        }
        Ok(Axis { at: vec![place(&[name, &index])], keys: table.keys().cloned().collect(), rows: Rows::Listed(rows) })
    };
    groups.iter().enumerate().map(group).collect()
}

fn sampled(source: &Source, name: &str, law: Law, table: &Value, seed: u64) -> Result<Axis, Failure> {
    let refuse = |path: &[&str], reason: &str| source.refuse_at(&[&["sweep", name], path].concat(), reason);
    let expected = "expected `points`, how many to draw, and a table `keys` with a range or a list for each key";
    let table = table.as_table().ok_or_else(|| refuse(&[], expected))?;
    if let Some(unknown) = table.keys().find(|key| !["points", "keys"].contains(&key.as_str())) {
        return Err(refuse(&[unknown], expected));
    }
    let points = table.get("points").and_then(Value::as_integer).ok_or_else(|| refuse(&[], expected))?;
    let points = u32::try_from(points).ok().filter(|points| (1..=MOST_SAMPLES).contains(points));
    let points =
        points.ok_or_else(|| refuse(&["points"], &format!("expected a whole number from 1 to {MOST_SAMPLES}")))?;
    let keys = table.get("keys").and_then(Value::as_table).filter(|keys| !keys.is_empty());
    let domains = keys.ok_or_else(|| refuse(&[], expected))?.iter().map(|(key, value)| {
        let domain = match value {
            Value::Array(values) if !values.is_empty() => Ok(Domain::OneOf(values.clone())),
            Value::Table(table) => Range::read(table).and_then(Domain::within),
            _ => Err("expected a range as in { from = 0.1, to = 0.9 }, or a list of values".to_owned()),
        };
        Ok((key.clone(), domain.map_err(|reason| refuse(&["keys", key], &reason))?))
    });
    let domains = domains.collect::<Result<Vec<_>, Failure>>()?;
    let keys = domains.iter().map(|(key, _)| key.clone()).collect();
    let rows = Rows::Sampled(Sampled::new(law, points, domains, seed));
    Ok(Axis { at: vec![place(&[name, "keys"])], keys, rows })
}
