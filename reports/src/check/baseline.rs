//! A baseline: what a scenario's metrics were when somebody looked at them and found them right.
//!
//! As a file it is TOML that is read in review: the rules, then a row for each policy and point, a metric a line, each with
//! its replications. Numbers are rounded to seven digits. The bytes are a function of the results folder and the rules.

use super::rules::{Exact, Rules};
use crate::frame::ReportError;
use crate::manifest::Manifest;
use crate::runs::{Cell, Runs, place};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use tables::{Metric, RunRow};
use toml::Value;

/// Version of the file's tables and keys.
pub const SCHEMA: u32 = 1;

const HEAD: &str = "\
# A baseline for `sim check DIR --baseline FILE`; docs/regression.md says how it is judged. The rules are yours to change.
# `sim check DIR --baseline FILE --bless` keeps them and writes everything else anew.
";

/// The identity of a results folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name of the scenario.
    pub scenario: String,
    /// Hash of the resolved scenario.
    pub sha256: String,
    /// The version that ran it.
    pub tool_version: String,
    /// The version of its model.
    pub model_version: u64,
}

/// The baseline of runs: metrics and the rules for them.
#[derive(Clone, Debug)]
pub struct Baseline {
    /// The results that the metrics are from.
    pub identity: Identity,
    /// The rules of comparison.
    pub rules: Rules,
    /// The rules as they were written, comments and all.
    written_rules: Option<String>,
    pub(super) rows: Vec<Row>,
}

/// One policy at one point.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub policy: String,
    pub point: BTreeMap<String, String>,
    /// Seed of each replication, from 0.
    pub seeds: Vec<u64>,
    #[serde(default)]
    pub exact: BTreeMap<Exact, Value>,
    #[serde(default)]
    pub metrics: BTreeMap<String, Vec<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    schema: i64,
    scenario: String,
    scenario_sha256: String,
    tool_version: String,
    #[serde(default)]
    model_version: u64,
    rules: Rules,
    #[serde(default)]
    row: Vec<Row>,
}

impl Identity {
    /// Reads `manifest.json` of a results folder.
    ///
    /// # Errors
    ///
    /// If it is not there or not of this tool and version.
    pub fn read(folder: &Path) -> Result<Self, ReportError> {
        let Manifest { scenario, scenario_sha256: sha256, tool_version, model_version, .. } = Manifest::read(folder)?;
        Ok(Self { scenario, sha256, tool_version, model_version })
    }
}

impl Baseline {
    /// The baseline of these runs.
    ///
    /// # Errors
    ///
    /// If a run failed, or has no answered request: it has no metrics. If a rule of the user's own is of a metric that
    /// no row has.
    pub fn of(runs: &Runs, identity: Identity, rules: Rules) -> Result<Self, ReportError> {
        for cell in &runs.cells {
            if let Some((replication, why)) = runs.failures(cell).next() {
                let at = format!("{} at {}, replication {replication}", cell.policy, runs.place(cell));
                let remedy = "a baseline needs whole runs; mend it and run again";
                return Err(ReportError::refused(format!("{}: {at} failed: {why}; {remedy}", runs.path.display())));
            }
        }
        let rows: Vec<Row> = runs.cells.iter().map(|cell| Row::of(runs, cell, &rules)).collect();
        Self::must_guard(runs, &rows, &rules)?;
        Ok(Self { identity, rules, written_rules: None, rows })
    }

    /// Refuses rows that hold a later run to nothing.
    fn must_guard(runs: &Runs, rows: &[Row], rules: &Rules) -> Result<(), ReportError> {
        let refused = |what: String| Err(ReportError::refused(format!("{}: {what}", runs.path.display())));
        let empty: Vec<&Cell> = runs.cells.iter().filter(|cell| runs.unanswered(cell) > 0).collect();
        if let Some(first) = empty.first() {
            let (count, all) = (empty.len(), runs.cells.len());
            let at = format!("{} at {}", first.policy, runs.place(first));
            return refused(format!(
                "{count} of {all} rows have a run without an answered request, so they would guard nothing: the first \
                 is {at}; give these requests a place where they can be served"
            ));
        }
        let guarded = |row: &&Row| !row.metrics.is_empty() || !row.exact.is_empty();
        let count = rows.iter().filter(guarded).count();
        if count < rows.len() {
            let all = rows.len();
            return refused(format!("[rules] guard {count} of {all} rows; name a metric that each of them has"));
        }
        match rules.own_without(|name| runs.has(name))[..] {
            [] => Ok(()),
            [name, ..] => refused(format!("[rules]: no row has {name}, so its rule would guard nothing; take it out")),
        }
    }

    /// The same for others, with the rules of this one as they were written.
    ///
    /// # Errors
    ///
    /// If a run failed.
    pub fn renewed(&self, runs: &Runs, identity: Identity) -> Result<Self, ReportError> {
        let made = Self::of(runs, identity, self.rules.clone())?;
        Ok(Self { written_rules: self.written_rules.clone(), ..made })
    }

    /// Reads a baseline file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is of another schema, or is no baseline; with the line.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let text = traces::input::read_text(path).map_err(|error| {
            let remedy = "give a baseline, or make one with --bless";
            ReportError::refused(format!("{}: cannot read it: {error}; {remedy}", path.display()))
        })?;
        Self::parse(&text).map_err(|(line, what)| ReportError::refused(format!("{}:{line}: {what}", path.display())))
    }

    /// The line and what is wrong with it, if it is no baseline.
    fn parse(text: &str) -> Result<Self, (usize, String)> {
        let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
        let broken = |error: toml::de::Error| {
            let at = error.span().map_or(1, |span| line(span.start));
            (at, format!("{}; expected a baseline as --bless writes it", error.message()))
        };
        let written: Written = match toml::from_str(text) {
            Ok(written) => written,
            // Another schema may have other keys: that is said rather than which.
            Err(error) => {
                let table: toml::Table = toml::from_str(text).map_err(broken)?;
                other_schema(text, table.get("schema").and_then(Value::as_integer))?;
                return Err(broken(error));
            }
        };
        other_schema(text, Some(written.schema))?;
        if let Some((name, why)) = written.rules.problem() {
            return Err((line_of(text, name), format!("{name}: {why}")));
        }
        if let Some((row, why)) = problem(&written.row) {
            let at = text.match_indices("[[row]]").nth(row).map_or(1, |(at, _)| line(at));
            return Err((at, why));
        }
        let Written { scenario, scenario_sha256: sha256, tool_version, model_version, rules, row: rows, .. } = written;
        let written_rules = rules_as_written(text).filter(|text| Rules::parse(text).as_ref() == Some(&rules));
        Ok(Self { identity: Identity { scenario, sha256, tool_version, model_version }, rules, written_rules, rows })
    }

    /// The file.
    pub fn text(&self, runs: &Runs) -> String {
        let Identity { scenario, sha256, tool_version, model_version } = &self.identity;
        let quoted = |text: &String| Value::from(text.as_str()).to_string();
        let mut text = format!(
            "{HEAD}schema = {SCHEMA}\nscenario = {}\nscenario_sha256 = {}\ntool_version = {}\nmodel_version = {model_version}\n\n{}\n",
            quoted(scenario),
            quoted(sha256),
            quoted(tool_version),
            self.written_rules.as_deref().unwrap_or(Rules::DEFAULT).trim_end(),
        );
        for row in &self.rows {
            row.write(&runs.keys, &mut text);
        }
        text
    }
}

/// The line of the schema, and why it is not ours.
fn other_schema(text: &str, schema: Option<i64>) -> Result<(), (usize, String)> {
    if schema == Some(i64::from(SCHEMA)) {
        return Ok(());
    }
    let found = schema.map_or("none".to_owned(), |schema| schema.to_string());
    let remedy = "bless a new baseline under another name, and take the rules over";
    Err((line_of(text, "schema"), format!("schema: expected {SCHEMA}, found {found}; {remedy}")))
}

/// The largest figure of a metric: sums and squares of such fit a double.
const LARGEST: f64 = 1e30;

/// The first row that is none, and why.
fn problem(rows: &[Row]) -> Option<(usize, String)> {
    let mut seen = BTreeSet::new();
    rows.iter().enumerate().find_map(|(number, row)| {
        let odd = row.metrics.iter().find(|(_, values)| values.len() != row.seeds.len());
        let is_figure = |value: &&f64| value.is_finite() && value.abs() <= LARGEST;
        let none =
            row.metrics.iter().find_map(|(name, values)| Some((name, values.iter().find(|value| !is_figure(value))?)));
        let why = match (odd, none) {
            (Some((name, values)), _) => {
                format!("{name}: expected as many values as seeds ({}), found {}", row.seeds.len(), values.len())
            }
            (_, Some((name, value))) => {
                format!("{name}: expected numbers from -{LARGEST:e} to {LARGEST:e}, found {value:e}")
            }
            _ if row.seeds.is_empty() => "expected the seeds of the replications, found none".to_owned(),
            _ if !seen.insert((&row.policy, &row.point)) => {
                format!("a second row of {} at {}", row.policy, row.place())
            }
            _ => return None,
        };
        Some((number, why))
    })
}

impl Row {
    pub fn of(runs: &Runs, cell: &Cell, rules: &Rules) -> Self {
        let metric = |(name, _): &(&str, _)| {
            let values = runs.metric_named(name).ok()?.all_of(cell)?;
            Some(((*name).to_owned(), values.into_iter().map(rounded).collect()))
        };
        let seeds = runs.seeds(cell).iter().map(|(_, seed)| *seed).collect();
        Self {
            policy: cell.policy.clone(),
            point: runs.keys.iter().cloned().zip(cell.values.iter().cloned()).collect(),
            seeds,
            exact: rules.exact.iter().map(|exact| (*exact, exact.of(runs, cell))).collect(),
            metrics: rules.tolerances().iter().filter_map(metric).collect(),
        }
    }

    pub fn place(&self) -> String {
        let mut point: Vec<_> = self.point.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        point.sort_by_key(|(key, _)| (*key != RunRow::dataset.name, *key != RunRow::bandwidth_mbps.name));
        place(point.into_iter())
    }

    fn write(&self, keys: &[String], text: &mut String) {
        let quoted = |text: &str| Value::from(text).to_string();
        let bare = |key: &str| key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let key = |key: &str| if bare(key) { key.to_owned() } else { quoted(key) };
        let point = keys.iter().map(|name| format!("{} = {}", key(name), quoted(&self.point[name])));
        let seeds = self.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        let mut line = |line: String| writeln!(text, "{line}").expect("memory");
        line(format!("\n[[row]]\npolicy = {}", quoted(&self.policy)));
        line(format!("point = {{ {} }}\nseeds = [{seeds}]", point.collect::<Vec<_>>().join(", ")));
        if !self.exact.is_empty() {
            line("[row.exact]".to_owned());
        }
        for (exact, value) in &self.exact {
            line(format!("{} = {value}", exact.name()));
        }
        if !self.metrics.is_empty() {
            line("[row.metrics]".to_owned());
        }
        let mut metrics: Vec<_> = self.metrics.iter().collect();
        metrics.sort_by_key(|(name, _)| Metric::named(name).map_or(Metric::COUNT, |metric| metric as usize));
        for (name, values) in metrics {
            let values = values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(", ");
            line(format!("{} = [{values}]", key(name)));
        }
    }
}

impl Exact {
    /// Its value in a cell: a number a replication, or one digest for all.
    pub(super) fn of(self, runs: &Runs, cell: &Cell) -> Value {
        match runs.count(self.name(), cell) {
            // Counts of a simulation end far below the largest integer of TOML.
            Some(counts) => counts.iter().map(|count| Value::Integer(*count as i64)).collect::<Vec<_>>().into(),
            None => format!("{:016x}", runs.digest(cell)).into(),
        }
    }
}

/// To seven significant digits: enough for any tolerance, few enough to read.
pub(super) fn rounded(value: f64) -> f64 {
    format!("{value:.6e}").parse().expect("what was printed reads back")
}

/// The line on which a key is set, 1 if none does.
fn line_of(text: &str, key: &str) -> usize {
    let sets = |line: &str| {
        let rest = line.trim_start().strip_prefix(key);
        rest.is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    text.lines().position(sets).map_or(1, |line| line + 1)
}

/// From the line of `[rules]` to the first row.
fn rules_as_written(text: &str) -> Option<String> {
    let lines = text.lines().skip_while(|line| line.trim() != "[rules]").take_while(|line| line.trim() != "[[row]]");
    let lines: Vec<&str> = lines.collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_seven_digits() {
        assert_eq!(rounded(112.412_345_678), 112.4123);
        assert_eq!(rounded(-1.234_567_89e-12), -1.234_568e-12);
        assert_eq!((rounded(0.0), rounded(1e20)), (0.0, 1e20));
    }

    const WHOLE: &str =
        "schema = 1\nscenario = \"s\"\nscenario_sha256 = \"a\"\ntool_version = \"1\"\n[rules]\nexact = []\n";

    #[test]
    fn what_is_none_is_refused_with_its_line() {
        let refused = |text: &str| Baseline::parse(text).map(drop).unwrap_err();
        assert_eq!(refused("# nothing\nschema = 2\n").0, 2);
        assert!(refused("").1.starts_with("schema: expected 1, found none"));
        assert_eq!(refused("schema = 1\nscenario = [\n").0, 2);
        assert_eq!(refused(&WHOLE.replace("exact = []", "exact = [\"colour\"]")).0, 6);
        let row = format!("{WHOLE}[[row]]\npolicy = \"p\"\npoint = {{}}\nseeds = [1, 1]\nmetrics.a = [1.0]\n");
        assert_eq!(refused(&row), (7, "a: expected as many values as seeds (2), found 1".to_owned()));
        let twice = "[[row]]\npolicy = \"p\"\npoint = {}\nseeds = [1]\n".repeat(2);
        assert_eq!(refused(&format!("{WHOLE}{twice}")).0, 11);
        for tolerance in [
            "{ worse = \"higher\" }",
            "{ absolute = -1.0, worse = \"higher\" }",
            "{ absolute = nan, worse = \"lower\" }",
        ] {
            let refusal = refused(
                &format!(
                    "{WHOLE}tolerant.e2e_ms_mean = {{ relative = \"1 %\", worse = \"lower\" }}\n[rules.tolerant.x]\n"
                )
                .replace("[rules.tolerant.x]\n", "")
                .replace("{ relative = \"1 %\", worse = \"lower\" }", tolerance),
            );
            assert!(refusal.1.starts_with("e2e_ms_mean: expected"), "{refusal:?}");
        }
    }
}
