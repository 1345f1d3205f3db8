//! The rows of `summary.parquet`, of all folders as one table: what the result table shows and what the charts draw, so that
//! both have the numbers of `summary.csv`.

use super::folder::Folder;
use crate::frame::{self, ReportError};
use crate::natural::Levels;
use crate::runs::place;
use crate::table::{COUNTS, SHOWN, row_names};
use polars::prelude::{AnyValue, DataFrame};
use std::collections::BTreeSet;
use tables::{Metric, SummaryRow};

/// More rows than this do not stand in the table: a page is to be read. The whole table is beside it; charts have all rows.
pub(super) const MOST_ROWS: usize = 400;

/// The rows of all folders.
pub(super) struct Summary {
    /// The keys in which points differ, over all folders.
    pub keys: Vec<String>,
    /// Metrics: those of the printed table first, in its order.
    pub metrics: Vec<Metric>,
    /// Number of those in the printed table.
    pub shown: usize,
    /// Counts and engines.
    pub counts: Vec<String>,
    /// The rows of all tables; those that the result table shows come first.
    pub rows: Vec<Row>,
    /// Number of rows that the result table shows.
    pub in_table: usize,
    /// Distinct points, each with what it is called.
    pub points: Vec<Point>,
    /// Labels of policies, each once.
    pub policies: Vec<String>,
    /// True if the rows come from more than one folder.
    pub several: bool,
}

/// Mean and half-width of its interval; nothing where it does not apply.
pub(super) type Figure = (Option<f64>, Option<f64>);

/// A policy at a point.
pub(super) struct Row {
    pub folder: usize,
    pub policy: usize,
    pub point: usize,
    /// Values of the summary's keys; empty where its folder does not have one.
    pub values: Vec<String>,
    /// Figures of the summary's metrics.
    pub metrics: Vec<Figure>,
    pub counts: Vec<String>,
}

/// A point of a folder.
pub(super) struct Point {
    pub folder: usize,
    /// Values of the summary's keys.
    pub values: Vec<String>,
    pub label: String,
}

/// A folder's table, and the names of its columns.
struct Table {
    frame: DataFrame,
    keys: Vec<String>,
    counts: Vec<String>,
}

impl Summary {
    pub fn of(folders: &[Folder]) -> Result<Self, ReportError> {
        let tables = folders.iter().map(Table::read).collect::<Result<Vec<_>, _>>()?;
        let keys = union(tables.iter().map(|table| &table.keys));
        let counts = union(tables.iter().map(|table| &table.counts));
        let rest = Metric::ALL.iter().filter(|metric| !SHOWN.contains(metric));
        let mut summary = Self {
            keys,
            metrics: SHOWN.iter().chain(rest).copied().collect(),
            shown: SHOWN.len(),
            counts,
            rows: Vec::new(),
            in_table: 0,
            points: Vec::new(),
            policies: Vec::new(),
            several: folders.len() > 1,
        };
        let most = MOST_ROWS / folders.len().max(1);
        for (folder, table) in tables.iter().enumerate() {
            (0..table.frame.height().min(most)).for_each(|row| summary.add(folder, table, row));
        }
        summary.in_table = summary.rows.len();
        for (folder, table) in tables.iter().enumerate() {
            (most..table.frame.height()).for_each(|row| summary.add(folder, table, row));
        }
        summary.name_points(folders);
        summary.sort_points();
        Ok(summary)
    }

    fn add(&mut self, folder: usize, table: &Table, row: usize) {
        let values: Vec<String> = self.keys.iter().map(|key| text(&table.frame, key, row)).collect();
        let same = |point: &Point| point.folder == folder && point.values == values;
        let point = self.points.iter().rposition(same).unwrap_or_else(|| {
            self.points.push(Point { folder, values: values.clone(), label: String::new() });
            self.points.len() - 1
        });
        let label = text(&table.frame, SummaryRow::policy.name, row);
        let policy = self.policies.iter().position(|known| *known == label).unwrap_or_else(|| {
            self.policies.push(label);
            self.policies.len() - 1
        });
        let figure = |metric: &Metric| {
            let column = metric.column();
            (number(&table.frame, column, row), number(&table.frame, &format!("{column}_ci95"), row))
        };
        self.rows.push(Row {
            folder,
            policy,
            point,
            metrics: self.metrics.iter().map(figure).collect(),
            counts: self.counts.iter().map(|name| text(&table.frame, name, row)).collect(),
            values,
        });
    }

    /// The environments of the points, which nobody chooses: what each is called, and that of each point. Points of one differ in
    /// settings of policies alone.
    pub fn environments(&self, folders: &[Folder]) -> (Vec<String>, Vec<usize>) {
        let varies = |key: usize| self.points.iter().any(|point| point.values[key] != self.points[0].values[key]);
        let given = |key: &usize| !self.keys[*key].starts_with("policy.") && varies(*key);
        let keys: Vec<usize> = (0..self.keys.len()).filter(given).collect();
        let mut labels: Vec<String> = Vec::new();
        let of_point = self.points.iter().map(|point| {
            let parts = keys.iter().filter(|key| !point.values[**key].is_empty());
            let label = place(parts.map(|key| (last(&self.keys[*key]), point.values[*key].as_str())));
            let name = folders[point.folder].name.iter().cloned();
            let label = name.chain(Some(label).filter(|label| !label.is_empty())).collect::<Vec<_>>().join(": ");
            labels.iter().position(|known| *known == label).unwrap_or_else(|| {
                labels.push(label);
                labels.len() - 1
            })
        });
        let of_point = of_point.collect();
        (labels, of_point)
    }

    /// Points in the order in which a reader expects them: by dataset as the scenario has them, then each key by size.
    fn sort_points(&mut self) {
        let ranks = |key: usize| -> Vec<usize> {
            let texts: Vec<&str> = self.points.iter().map(|point| point.values[key].as_str()).collect();
            let order = if self.keys[key] == SummaryRow::dataset.name {
                texts.iter().map(|text| (*text).to_owned()).collect()
            } else {
                Levels::of(texts.iter().copied()).texts
            };
            let place = |text: &&str| order.iter().position(|level| level == text).expect("each value is a level");
            texts.iter().map(place).collect()
        };
        let ranks: Vec<Vec<usize>> = (0..self.keys.len()).map(ranks).collect();
        let mut order: Vec<usize> = (0..self.points.len()).collect();
        order.sort_by_key(|point| {
            let of: Vec<usize> = ranks.iter().map(|ranks| ranks[*point]).collect();
            (self.points[*point].folder, of)
        });
        let mut places = vec![0; order.len()];
        for (place, point) in order.iter().enumerate() {
            places[*point] = place;
        }
        for row in &mut self.rows {
            row.point = places[row.point];
        }
        let mut points: Vec<(usize, Point)> = places.into_iter().zip(std::mem::take(&mut self.points)).collect();
        points.sort_by_key(|(place, _)| *place);
        self.points = points.into_iter().map(|(_, point)| point).collect();
    }

    /// A point is called by what varies, or by all where nothing does; and by its folder, if there are several.
    fn name_points(&mut self, folders: &[Folder]) {
        let varies = |key: usize| self.points.iter().any(|point| point.values[key] != self.points[0].values[key]);
        let varying: Vec<usize> = (0..self.keys.len()).filter(|key| varies(*key)).collect();
        let told = if varying.is_empty() { (0..self.keys.len()).collect() } else { varying };
        for point in &mut self.points {
            let parts = told.iter().filter(|key| !point.values[**key].is_empty());
            let label = place(parts.map(|key| (last(&self.keys[*key]), point.values[*key].as_str())));
            let name = folders[point.folder].name.as_ref();
            point.label = name.map_or(label.clone(), |name| format!("{name}: {label}"));
        }
    }
}

/// The last part of a dotted key.
pub(super) fn last(key: &str) -> &str {
    key.rsplit_once('.').map_or(key, |(_, last)| last)
}

impl Table {
    fn read(folder: &Folder) -> Result<Self, ReportError> {
        let frame = frame::read_table::<SummaryRow>(&folder.path)?;
        let names: Vec<String> = frame.get_column_names().iter().map(|name| name.to_string()).collect();
        let keys = row_names(&frame).into_iter().filter(|name| name != SummaryRow::policy.name).collect();
        let engines = [SummaryRow::edge_engine.name, SummaryRow::cloud_engine.name];
        let is_count = |name: &&String| COUNTS.iter().chain(&engines).any(|known| known == name);
        let counts = names.iter().filter(is_count).cloned().collect();
        Ok(Self { frame, keys, counts })
    }
}

/// Names in the order in which they first come.
fn union<'n>(lists: impl Iterator<Item = &'n Vec<String>>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    lists.flatten().filter(|name| seen.insert(*name)).cloned().collect()
}

fn number(frame: &DataFrame, column: &str, row: usize) -> Option<f64> {
    match frame.column(column).ok()?.get(row).ok()? {
        AnyValue::Float64(number) => Some(number).filter(|number| number.is_finite()),
        _ => None,
    }
}

fn text(frame: &DataFrame, column: &str, row: usize) -> String {
    match frame.column(column).ok().and_then(|column| column.get(row).ok()) {
        None | Some(AnyValue::Null) => String::new(),
        Some(AnyValue::Float64(number)) => number.to_string(),
        // A text may be borrowed or owned; printed as it is, it would come in quotes.
        Some(other) => other.get_str().map_or_else(|| other.to_string(), str::to_owned),
    }
}
