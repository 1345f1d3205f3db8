//! The table that a run prints: one row for each policy and point, the figures that decide.

use crate::frame::{self, ReportError};
use crate::manifest::Manifest;
use crate::sheet::shown as heading;
use crate::shortfalls;
use comfy_table::{CellAlignment, Table, presets};
use polars::prelude::{AnyValue, DataFrame};
use std::collections::BTreeSet;
use std::path::Path;
use tables::{Metric, MetricDoc, SummaryRow, is_number};

/// The metrics that the table shows. Means carry their interval.
pub(crate) const SHOWN: [Metric; 11] = [
    Metric::E2eMean,
    Metric::E2eP99,
    Metric::TtftMean,
    Metric::TpotMean,
    Metric::OutputRate,
    Metric::Accuracy,
    Metric::AcceptanceRate,
    Metric::Uplink,
    Metric::CloudFlop,
    Metric::Memory,
    Metric::Energy,
];

/// Columns that count, behind those that say which row it is.
pub(crate) const COUNTS: [&str; 5] = [
    SummaryRow::replications.name,
    SummaryRow::failed.name,
    SummaryRow::requests.name,
    SummaryRow::completed.name,
    SummaryRow::rejected.name,
];

/// The columns of the printed table that are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Columns {
    /// All columns.
    #[default]
    All,
    /// The most important ones that fit so many characters.
    Within(usize),
    /// Those that say which row it is, and these metrics.
    Named(Vec<Metric>),
}

/// Metrics by their importance: where a terminal is narrow, the last are left out first.
const IMPORTANCE: [Metric; 11] = [
    Metric::E2eMean,
    Metric::Accuracy,
    Metric::TtftMean,
    Metric::E2eP99,
    Metric::OutputRate,
    Metric::Energy,
    Metric::Uplink,
    Metric::TpotMean,
    Metric::AcceptanceRate,
    Metric::CloudFlop,
    Metric::Memory,
];

/// Space between columns.
const GAP: usize = 2;

/// A column of the printed table.
struct Printed {
    heading: String,
    cells: Vec<String>,
    is_number: bool,
    /// The metric that it shows; none for a column that says which row it is, or counts.
    metric: Option<Metric>,
    /// True if it says which row it is, and says the same in all.
    is_constant: bool,
}

impl Printed {
    /// Characters of the widest cell.
    fn width(&self) -> usize {
        self.cells.iter().chain([&self.heading]).map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

/// The result table of a folder, as text, byte-stable for the same columns.
///
/// # Errors
/// If the folder has no readable summary.
pub fn table(folder: &Path, shown: &Columns) -> Result<String, ReportError> {
    let frame = frame::read_table::<SummaryRow>(folder)?;
    let metrics: &[Metric] = if let Columns::Named(metrics) = shown { metrics } else { &SHOWN };
    let mut columns = columns(folder, &frame, metrics)?;
    let hidden = if let Columns::Within(width) = shown { fold(&mut columns, *width) } else { Vec::new() };
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(columns.iter().map(|column| &column.heading));
    for row in 0..frame.height() {
        table.add_row(columns.iter().map(|column| &column.cells[row]));
    }
    for (column, printed) in table.column_iter_mut().zip(&columns) {
        column.set_padding((0, GAP as u16));
        if printed.is_number {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    Ok(lines.join("\n") + "\n" + &left_out(&hidden) + &engines(&frame) + &remark(folder)?)
}

/// The columns of a summary that say which row it is: all before the counts, without the numbers of varied keys.
pub(crate) fn row_names(frame: &DataFrame) -> Vec<String> {
    let names = frame.get_column_names().into_iter().map(|name| name.to_string());
    let mut names: Vec<String> = names.take_while(|name| !COUNTS.contains(&name.as_str())).collect();
    let all = names.clone();
    names.retain(|name| !is_number(name, &all));
    names
}

/// The columns of the table: those that say which row it is, counts of what fell short, and metrics.
fn columns(folder: &Path, frame: &DataFrame, metrics: &[Metric]) -> Result<Vec<Printed>, ReportError> {
    let names = row_names(frame);
    let keys: Vec<&String> = names.iter().collect();
    let rows = || 0..frame.height();
    let key = |(place, key): (usize, &&String)| {
        let cells: Vec<String> = rows().map(|row| text(frame, key, row)).collect();
        // Whose row it is always stays.
        let is_constant = place > 0 && cells.iter().all(|cell| *cell == cells[0]);
        let is_number = key.as_str() == SummaryRow::bandwidth_mbps.name;
        Printed { heading: heading(key).to_owned(), cells, is_number, metric: None, is_constant }
    };
    let mut columns: Vec<Printed> = keys.iter().enumerate().map(key).collect();
    // A column for what was rejected or cut is there as soon as there is one.
    let shortfalls = shortfalls::read(folder)?;
    for (heading, is) in shortfalls::COLUMNS.iter().filter(|(_, is)| shortfalls.iter().any(|told| is(told.reason))) {
        let identity = |row| keys.iter().map(|key| text(frame, key, row)).collect::<Vec<_>>();
        let cells = rows().map(|row| shortfalls::count(&shortfalls, &identity(row), *is)).collect();
        columns.push(Printed {
            heading: (*heading).to_owned(),
            cells,
            is_number: true,
            metric: None,
            is_constant: false,
        });
    }
    columns.extend(metrics.iter().map(|metric| Printed {
        heading: metric.doc().heading.to_owned(),
        cells: rows().map(|row| figure(frame, *metric, row)).collect(),
        is_number: true,
        metric: Some(*metric),
        is_constant: false,
    }));
    Ok(columns)
}

/// Takes columns out until the rest fits: first those that say the same in every row, then metrics, the least important
/// first. Gives the headings of what was taken out.
fn fold(columns: &mut Vec<Printed>, width: usize) -> Vec<String> {
    let fits = |columns: &[Printed]| {
        let wide: usize = columns.iter().map(|column| column.width() + GAP).sum();
        wide.saturating_sub(GAP) <= width
    };
    let mut hidden = Vec::new();
    while !fits(columns) {
        let constant = columns.iter().position(|column| column.is_constant);
        let least = IMPORTANCE.iter().skip(1).rev();
        let metric = |wanted: &Metric| columns.iter().position(|column| column.metric == Some(*wanted));
        let Some(place) = constant.or_else(|| least.filter_map(metric).next()) else { break };
        let column = columns.remove(place);
        hidden.push(match column.is_constant {
            true => format!("{} {}", column.heading, column.cells.first().map_or("", String::as_str)),
            false => column.heading,
        });
    }
    hidden
}

/// A line about the columns that were left out, with the value of those that say the same in every row.
fn left_out(hidden: &[String]) -> String {
    match hidden.is_empty() {
        true => String::new(),
        false => format!("\nNot shown: {}. --wide shows all, --columns picks some.\n", hidden.join(", ")),
    }
}

/// The manifest's remark.
fn remark(folder: &Path) -> Result<String, ReportError> {
    let remark = Manifest::read(folder)?.remark;
    Ok(remark.map_or_else(String::new, |remark| format!("\n{remark}\n")))
}

/// A line that says so where the two tiers run different engines: such rows compare the engines too.
fn engines(frame: &DataFrame) -> String {
    let row = |row| (text(frame, SummaryRow::edge_engine.name, row), text(frame, SummaryRow::cloud_engine.name, row));
    let differ: BTreeSet<String> = (0..frame.height())
        .map(row)
        .filter(|(edge, cloud)| edge != cloud)
        .map(|(edge, cloud)| format!("{edge} on the edge, {cloud} in the cloud"))
        .collect();
    if differ.is_empty() {
        return String::new();
    }
    let differ: Vec<String> = differ.into_iter().collect();
    format!("\nThe two tiers run different engines ({}): the figures compare those too.\n", differ.join("; "))
}

fn text(frame: &DataFrame, column: &str, row: usize) -> String {
    match value(frame, column, row) {
        Some(AnyValue::Float64(number)) => number.to_string(),
        // A series has no rate.
        Some(AnyValue::Null) => "-".to_owned(),
        // A text may be borrowed or owned; printed as it is, it would come in quotes.
        Some(other) => other.get_str().map_or_else(|| other.to_string(), str::to_owned),
        None => String::new(),
    }
}

/// A figure with its interval, `-` where it does not apply.
fn figure(frame: &DataFrame, metric: Metric, row: usize) -> String {
    let MetricDoc { column, decimals, .. } = metric.doc();
    let number = |column: &str| match value(frame, column, row) {
        Some(AnyValue::Float64(number)) => Some(number),
        _ => None,
    };
    match (number(column), number(&format!("{column}_ci95"))) {
        // An interval that rounds to nothing says nothing.
        (Some(mean), Some(half))
            if column.ends_with("_mean")
                && format!("{half:.decimals$}").contains(['1', '2', '3', '4', '5', '6', '7', '8', '9']) =>
        {
            format!("{mean:.decimals$} ±{half:.decimals$}")
        }
        (Some(mean), _) => format!("{mean:.decimals$}"),
        (None, _) => "-".to_owned(),
    }
}

fn value<'f>(frame: &'f DataFrame, column: &str, row: usize) -> Option<AnyValue<'f>> {
    frame.column(column).ok()?.get(row).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(heading: &str, cells: [&str; 2], metric: Option<Metric>) -> Printed {
        let is_constant = metric.is_none() && heading != "policy" && cells[0] == cells[1];
        let cells = cells.map(str::to_owned).to_vec();
        Printed { heading: heading.to_owned(), cells, is_number: metric.is_some(), metric, is_constant }
    }

    fn all() -> Vec<Printed> {
        let mut columns = vec![
            column("policy", ["cloud_only", "msao"], None),
            column("dataset", ["vqav2", "vqav2"], None),
            column("link.rtt", ["5 ms", "20 ms"], None),
        ];
        columns.extend(SHOWN.iter().map(|metric| column(metric.doc().heading, ["123.4 ±5.6", "99"], Some(*metric))));
        columns
    }

    fn headings(columns: &[Printed]) -> Vec<&str> {
        columns.iter().map(|column| column.heading.as_str()).collect()
    }

    #[test]
    fn constants_go_first_then_metrics_by_importance() {
        for width in [80, 100] {
            let mut columns = all();
            let hidden = fold(&mut columns, width);
            let wide: usize = columns.iter().map(|column| column.width() + GAP).sum();
            assert!(wide - GAP <= width, "{width}: {:?}", headings(&columns));
            assert_eq!(hidden[0], "dataset vqav2");
            assert_eq!(hidden[1], Metric::Memory.doc().heading);
            for kept in ["policy", "link.rtt", Metric::E2eMean.doc().heading] {
                assert!(headings(&columns).contains(&kept), "{width}: {:?}", headings(&columns));
            }
            assert_eq!(columns.len() + hidden.len(), all().len());
        }
    }

    #[test]
    fn what_names_the_row_stays_however_narrow_it_is() {
        let mut columns = all();
        fold(&mut columns, 10);
        assert_eq!(headings(&columns), ["policy", "link.rtt", Metric::E2eMean.doc().heading]);
        let mut wide = all();
        assert!(fold(&mut wide, 1000).is_empty() && left_out(&[]).is_empty());
        assert_eq!(wide.len(), all().len());
    }

    #[test]
    fn every_metric_of_the_table_has_its_importance_once() {
        for metric in SHOWN {
            assert_eq!(IMPORTANCE.iter().filter(|known| **known == metric).count(), 1, "{metric}");
        }
    }
}
