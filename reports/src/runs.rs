//! `runs.parquet`: a row for each run, that is for each point, policy and replication.
//!
//! Everything that compares reads this table and no other: [`check`](crate::check()), [`compare`](crate::compare()) and
//! [`best`](crate::best()). Runs of a point and policy stand together, in the order of their replications: a [`Cell`].

use crate::frame::{self, ReportError};
use polars::prelude::{Column, DataFrame};
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use tables::{Metric, Row, RunRow, Text, VariedValues, unknown};

/// The runs of a results folder.
#[derive(Clone, Debug)]
pub struct Runs {
    /// The table, for messages.
    pub path: PathBuf,
    /// The keys of a point: `dataset`, `bandwidth_mbps`, and those that a sweep varies.
    pub keys: Vec<String>,
    /// True for each of them that varies in this folder.
    varied: Vec<bool>,
    /// Points and policies, in the order of the table.
    pub cells: Vec<Cell>,
    /// The values of every run, by metric.
    metrics: Vec<Vec<Option<f64>>>,
    counts: Vec<(&'static str, Vec<u64>)>,
    /// True if a run has a warm-up.
    pub(crate) have_warm_up: bool,
    seeds: Vec<(u64, u64)>,
    failed: Vec<String>,
    digests: Vec<u64>,
}

/// The runs of one policy at one point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Number of the point.
    pub point: u64,
    /// The policy's label.
    pub policy: String,
    /// The values of [`Runs::keys`], as text.
    pub values: Vec<String>,
    /// Its rows.
    rows: Range<usize>,
}

/// The counts of every run.
pub(crate) const COUNTS: [&str; 4] =
    [RunRow::requests.name, RunRow::completed.name, RunRow::rejected.name, RunRow::events.name];

impl Runs {
    /// Reads the runs of a results folder.
    ///
    /// # Errors
    ///
    /// If there is no such table, it is of another version, or it is not in order.
    pub fn read(folder: &Path) -> Result<Self, ReportError> {
        let path = folder.join("runs.parquet");
        let frame = frame::read_table::<RunRow>(folder)?;
        let table = Table { path: &path, frame: &frame };
        let keys = table.keys();
        let metrics = table.metrics()?;
        let cells = table.cells(&keys)?;
        let counts = COUNTS.iter().map(|name| Ok((*name, table.whole(name)?))).collect::<Result<_, ReportError>>()?;
        let have_warm_up = table.whole(RunRow::warm_up.name)?.iter().any(|requests| *requests > 0);
        let seeds = table.whole(RunRow::replication.name)?.into_iter().zip(table.whole(RunRow::seed.name)?).collect();
        let failed = table.text(RunRow::failed.name)?;
        let digests = table.digests(&failed)?;
        let varied =
            (0..keys.len()).map(|key| cells.iter().any(|cell| cell.values[key] != cells[0].values[key])).collect();
        Ok(Self { keys, varied, cells, metrics, counts, have_warm_up, seeds, failed, digests, path })
    }

    /// True if a key has more than one value.
    pub(crate) fn varies(&self, key: usize) -> bool {
        self.varied[key]
    }

    /// The keys that a sweep varies, behind dataset and bandwidth.
    pub(crate) fn varied_keys(&self) -> &[String] {
        &self.keys[2..]
    }

    /// The policies, in the order of the scenario. A point that fails as a whole has none.
    pub fn policies(&self) -> Vec<&str> {
        let mut seen = BTreeSet::from([""]);
        self.cells.iter().map(|cell| cell.policy.as_str()).filter(|policy| seen.insert(*policy)).collect()
    }

    /// The values of a metric.
    pub fn metric(&self, metric: Metric) -> Values<'_> {
        Values(&self.metrics[metric as usize])
    }

    /// The values of the metric of that name.
    ///
    /// # Errors
    ///
    /// If there is no such metric; the nearest one is named.
    pub fn metric_named(&self, name: &str) -> Result<Values<'_>, ReportError> {
        Metric::named(name).map(|metric| self.metric(metric)).map_err(ReportError::Refused)
    }

    /// Refuses a policy that has no run.
    ///
    /// # Errors
    ///
    /// If there is no such policy; the nearest one is named.
    pub fn policy(&self, name: &str) -> Result<(), ReportError> {
        let known = self.policies();
        let found = known.contains(&name);
        if found { Ok(()) } else { Err(ReportError::Refused(unknown("policy", name, &known))) }
    }

    /// Replication and seed of each run of a cell.
    pub fn seeds(&self, cell: &Cell) -> &[(u64, u64)] {
        &self.seeds[cell.rows.clone()]
    }

    /// A count of each run of a cell, by its name in [`COUNTS`].
    pub(crate) fn count(&self, name: &str, cell: &Cell) -> Option<&[u64]> {
        let column = self.counts.iter().find(|(known, _)| *known == name);
        column.map(|(_, values)| &values[cell.rows.clone()])
    }

    /// Runs of a cell without an answered request.
    pub(crate) fn unanswered(&self, cell: &Cell) -> usize {
        let completed = self.count(RunRow::completed.name, cell).expect("a column of the table");
        completed.iter().filter(|completed| **completed == 0).count()
    }

    /// True if some cell has this metric in all of its runs.
    pub(crate) fn has(&self, metric: &str) -> bool {
        self.metric_named(metric).is_ok_and(|values| self.cells.iter().any(|cell| values.all_of(cell).is_some()))
    }

    /// The digests of a cell's journals as one: folded over its replications in order, each bit moved on by seven places.
    /// It is the fold with which `manifest.json` puts all runs together.
    pub fn digest(&self, cell: &Cell) -> u64 {
        self.digests[cell.rows.clone()].iter().fold(0, |all: u64, digest| all.rotate_left(7) ^ digest)
    }

    /// The reasons of failed runs of a cell, with their replications; none if all are fine.
    pub fn failures<'r>(&'r self, cell: &Cell) -> impl Iterator<Item = (u64, &'r str)> {
        let rows = cell.rows.clone().filter(|row| !self.failed[*row].is_empty());
        rows.map(|row| (self.seeds[row].0, self.failed[row].as_str()))
    }

    /// A cell's place as text: `vqav2, 400 Mbps, policy.msao.tau_s 0.25`.
    pub fn place(&self, cell: &Cell) -> String {
        place(self.keys.iter().map(String::as_str).zip(cell.values.iter().map(String::as_str)))
    }
}

/// Values of [`Runs::keys`] as a row has them.
pub(crate) struct PointValues {
    pub dataset: Text,
    pub bandwidth_mbps: Option<f64>,
    pub varied: VariedValues,
}

impl PointValues {
    /// The values in the order of the keys: dataset, bandwidth, varied keys.
    pub fn of<'v>(mut values: impl Iterator<Item = &'v str>) -> Self {
        Self {
            dataset: values.next().unwrap_or_default().into(),
            bandwidth_mbps: values.next().and_then(|mbps| mbps.parse().ok()),
            varied: VariedValues(values.map(Text::from).collect()),
        }
    }
}

/// A point as text, from its keys and values.
pub(crate) fn place<'p>(keys: impl Iterator<Item = (&'p str, &'p str)>) -> String {
    // A series has no rate, and is a key of its own.
    let told = keys.filter(|(key, value)| !(value.is_empty() && *key == RunRow::bandwidth_mbps.name));
    let parts = told.map(|(key, value)| match key {
        _ if key == RunRow::dataset.name => value.to_owned(),
        _ if key == RunRow::bandwidth_mbps.name => format!("{value} Mbps"),
        _ => format!("{key} {value}"),
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// A metric of every run.
#[derive(Clone, Copy, Debug)]
pub struct Values<'r>(&'r [Option<f64>]);

impl<'r> Values<'r> {
    /// The value of each run of a cell.
    pub fn of(self, cell: &Cell) -> &'r [Option<f64>] {
        &self.0[cell.rows.clone()]
    }

    /// The value of each run of a cell; `None` if it does not apply to one of them, so that it has no mean.
    pub fn all_of(self, cell: &Cell) -> Option<Vec<f64>> {
        self.of(cell).iter().map(|value| value.filter(|value| value.is_finite())).collect()
    }
}

/// The table while it is read.
struct Table<'t> {
    path: &'t Path,
    frame: &'t DataFrame,
}

impl Table<'_> {
    fn foreign(&self, what: &str) -> ReportError {
        let remedy = "run the scenario again with this version of sim";
        ReportError::Refused(format!("{}: {what}; {remedy}", self.path.display()))
    }

    fn column(&self, name: &str) -> Result<&Column, ReportError> {
        self.frame.column(name).map_err(|_| self.foreign(&format!("expected a column {name}, found none")))
    }

    /// Between the policy and the replication stands what the points differ in.
    fn keys(&self) -> Vec<String> {
        let names = self.frame.get_column_names().into_iter().map(|name| name.to_string());
        names
            .skip_while(|name| name != RunRow::policy.name)
            .skip(1)
            .take_while(|name| name != RunRow::replication.name)
            .collect()
    }

    fn text(&self, name: &str) -> Result<Vec<String>, ReportError> {
        let column = self.column(name)?;
        if let Ok(numbers) = column.f64() {
            return Ok(numbers.iter().map(|value| value.map_or_else(String::new, |value| value.to_string())).collect());
        }
        let texts = column.str().map_err(|_| self.foreign(&format!("column {name}: expected text")))?;
        Ok(texts.iter().map(|value| value.unwrap_or_default().to_owned()).collect())
    }

    fn whole(&self, name: &str) -> Result<Vec<u64>, ReportError> {
        let column = self.column(name)?;
        let column = column.u64().map_err(|_| self.foreign(&format!("column {name}: expected whole numbers")))?;
        Ok(column.iter().map(Option::unwrap_or_default).collect())
    }

    /// Journals of failed runs may be missing.
    fn digests(&self, failed: &[String]) -> Result<Vec<u64>, ReportError> {
        let digest = |(text, failed): (String, &String)| match u64::from_str_radix(&text, 16) {
            Ok(digest) => Ok(digest),
            Err(_) if !failed.is_empty() => Ok(0),
            Err(_) => {
                Err(self.foreign(&format!("column journal_digest: expected 16 hexadecimal digits, found {text:?}")))
            }
        };
        self.text(RunRow::journal_digest.name)?.into_iter().zip(failed).map(digest).collect()
    }

    fn metrics(&self) -> Result<Vec<Vec<Option<f64>>>, ReportError> {
        let values = |metric: &Metric| {
            let name = metric.column();
            let column = self.column(name)?;
            let column = column.f64().map_err(|_| self.foreign(&format!("column {name}: expected numbers")))?;
            Ok(column.iter().collect())
        };
        Metric::ALL.iter().map(values).collect()
    }

    fn cells(&self, keys: &[String]) -> Result<Vec<Cell>, ReportError> {
        for name in RunRow::column_names(&[]) {
            self.column(&name)?;
        }
        let (points, policies) = (self.whole(RunRow::point.name)?, self.text(RunRow::policy.name)?);
        let values = keys.iter().map(|key| self.text(key)).collect::<Result<Vec<_>, _>>()?;
        let mut cells: Vec<Cell> = Vec::new();
        for (row, (point, policy)) in points.into_iter().zip(policies).enumerate() {
            match cells.last_mut() {
                Some(cell) if cell.point == point && cell.policy == policy => cell.rows.end = row + 1,
                _ => {
                    let values = values.iter().map(|column| column[row].clone()).collect();
                    cells.push(Cell { point, policy, values, rows: row..row + 1 });
                }
            }
        }
        let mut seen = BTreeSet::new();
        match cells.iter().find(|cell| !seen.insert((&cell.policy, cell.point))) {
            None if cells.is_empty() => Err(self.foreign("expected runs, found none")),
            None => Ok(cells),
            Some(twice) => Err(self.foreign(&format!("found {} twice at one point", twice.policy))),
        }
    }
}
