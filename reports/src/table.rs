//! The table that a run prints: one row for each policy and point, the figures that decide.

use crate::frame::{self, ReportError};
use crate::manifest::Manifest;
use crate::sheet::shown;
use crate::shortfalls;
use comfy_table::{CellAlignment, Table, presets};
use polars::prelude::{AnyValue, DataFrame};
use std::collections::BTreeSet;
use std::path::Path;
use tables::{Metric, MetricDoc, SummaryRow};

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

/// The result table of a folder, as text, byte-stable.
///
/// # Errors
/// If the folder has no readable summary.
pub fn table(folder: &Path) -> Result<String, ReportError> {
    let frame = frame::read_table::<SummaryRow>(folder)?;
    let names: Vec<String> = frame.get_column_names().iter().map(|name| name.to_string()).collect();
    // Everything before the counts says which row it is.
    let keys: Vec<&String> = names.iter().take_while(|name| !COUNTS.contains(&name.as_str())).collect();
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let headings = keys.iter().map(|key| shown(key).to_string());
    // A column for what was rejected or cut is there as soon as there is one.
    let shortfalls = shortfalls::read(folder)?;
    let counts = shortfalls::COLUMNS.iter().filter(|(_, is)| shortfalls.iter().any(|told| is(told.reason)));
    let headings = headings.chain(counts.clone().map(|(heading, _)| (*heading).to_owned()));
    table.set_header(headings.chain(SHOWN.iter().map(|metric| metric.doc().heading.to_owned())));
    for row in 0..frame.height() {
        let identity: Vec<String> = keys.iter().map(|key| text(&frame, key, row)).collect();
        let counts = counts.clone().map(|(_, is)| shortfalls::count(&shortfalls, &identity, *is)).collect::<Vec<_>>();
        let figures = SHOWN.iter().map(|metric| figure(&frame, *metric, row));
        table.add_row(identity.into_iter().chain(counts).chain(figures));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if index >= keys.len() || keys[index] == SummaryRow::bandwidth_mbps.name {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    Ok(lines.join("\n") + "\n" + &engines(&frame) + &remark(folder)?)
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
