//! The result table: every row of the summary, the columns that decide, and all others if asked for.

use super::document::{heading, section as whole_section, sortable};
use super::folder::Folder;
use super::summary::{MOST_ROWS, Row, Summary, last};
use crate::sheet::shown;
use maud::{Markup, html};
use tables::{MetricDoc, SummaryRow};

/// The id of the table.
const ID: &str = "results-table";

pub(super) fn section(folders: &[Folder], summary: &Summary) -> Markup {
    let is_alone = |key: &str| summary.keys.iter().filter(|other| last(other) == last(key)).count() == 1;
    let name = |key: &'_ String| match key.as_str() {
        name if name == SummaryRow::bandwidth_mbps.name => shown(name).to_owned(),
        _ if is_alone(key) => last(key).to_owned(),
        _ => key.clone(),
    };
    let names: Vec<String> = summary.keys.iter().map(name).collect();
    let columns: Vec<Column> = (0..summary.metrics.len()).map(|metric| Column::of(summary, metric)).collect();
    let head = html! {
        @if summary.several { (heading("results", None)) }
        (heading(SummaryRow::policy.name, None))
        @for (name, key) in names.iter().zip(&summary.keys) { (heading(name, Some(key))) }
        @for column in &columns { (heading(column.heading, Some(column.name))) }
        @for name in &summary.counts { (heading(name, None)) }
    };
    let row = |row: &Row| {
        html! {
            tr {
                @if summary.several { td data-label="results" { (folders[row.folder].name.as_deref().unwrap_or_default()) } }
                td data-label="policy" { (summary.policies[row.policy]) }
                @for (name, value) in names.iter().zip(&row.values) { td data-label=(name) { (value) } }
                @for (place, column) in columns.iter().enumerate() { (column.cell(row, place)) }
                @for (name, count) in summary.counts.iter().zip(&row.counts) { td data-label=(name) { (count) } }
            }
        }
    };
    let rows: Vec<Markup> = summary.rows[..summary.in_table].iter().map(row).collect();
    let more = summary.metrics.len() - summary.shown + summary.counts.len();
    whole_section(
        "results",
        "Results",
        html! {
            p.note { (explained(summary)) (engines(folders)) }
            @if summary.in_table < summary.rows.len() {
                p.warning {
                    "Shown are the first " (summary.in_table) " of " (summary.rows.len()) " rows; a table has at most " (MOST_ROWS) ". \
                     The charts have all of them. The whole table: "
                    @for (place, folder) in folders.iter().enumerate() {
                        @if place > 0 { ", " }
                        a href={ (folder.to_report) "../summary.csv" } { (folder.name.as_deref().unwrap_or_default()) " summary.csv" }
                    }
                    "."
                }
            }
            (sortable(ID, "Results", more, head, &rows))
        },
    )
}

fn explained(summary: &Summary) -> &'static str {
    let has_interval = summary.rows.iter().flat_map(|row| &row.metrics).any(|(_, half)| half.is_some());
    if has_interval {
        "Means over replications, ± half the width of their 95 % confidence interval; without it, the interval rounds to nothing. "
    } else {
        "One replication: no confidence intervals. "
    }
}

fn engines(folders: &[Folder]) -> &'static str {
    if folders.iter().any(|folder| folder.manifest["engines_differ"] == true) {
        "The two tiers run different engines: the figures compare those too."
    } else {
        ""
    }
}

/// A metric's column.
struct Column {
    name: &'static str,
    heading: &'static str,
    decimals: usize,
    /// True if a cell of it has an interval.
    has_intervals: bool,
}

impl Column {
    fn of(summary: &Summary, metric: usize) -> Self {
        let MetricDoc { column: name, heading, decimals, .. } = summary.metrics[metric].doc();
        // Columns that are hidden at first are called by their names.
        let heading = if metric < summary.shown { heading } else { name };
        let mut column = Self { name, heading, decimals, has_intervals: false };
        column.has_intervals = summary.rows.iter().any(|row| column.half(row.metrics[metric].1).is_some());
        column
    }

    /// A half-width, if it does not round to nothing.
    fn half(&self, half: Option<f64>) -> Option<String> {
        let text = format!("{:.*}", self.decimals, half?);
        text.contains(|digit: char| ('1'..='9').contains(&digit)).then_some(text)
    }

    fn cell(&self, row: &Row, metric: usize) -> Markup {
        let (mean, half) = row.metrics[metric];
        html! {
            td data-label=(self.heading) {
                @match mean { Some(mean) => { (format!("{mean:.*}", self.decimals)) } None => { "–" } }
                // As wide in every row, so that means stand below one another.
                @if self.has_intervals { small { @if let Some(half) = self.half(half) { "±" (half) } } }
            }
        }
    }
}

/// Rules of style: which columns are numbers, how wide their intervals are, and which are hidden at first.
pub(super) fn rules(summary: &Summary) -> String {
    let lead = 1 + usize::from(summary.several);
    let first = lead + summary.keys.len() + 1;
    let behind = first + summary.metrics.len();
    let engines = summary.counts.iter().take_while(|name| **name != SummaryRow::edge_engine.name).count();
    let mut rules =
        format!("#{ID} :nth-child(n+{first}):is(td,th):nth-child(-n+{}){{text-align:right}}", behind + engines - 1);
    rules += &format!("#{ID}:not(.all) :is(td,th):nth-child(n+{}){{display:none}}", first + summary.shown);
    for (place, _) in summary.keys.iter().enumerate().filter(|(_, key)| *key == SummaryRow::bandwidth_mbps.name) {
        rules += &format!("#{ID} :is(td,th):nth-child({}){{text-align:right}}", lead + place + 1);
    }
    for metric in 0..summary.metrics.len() {
        let column = Column::of(summary, metric);
        let widths = summary.rows.iter().filter_map(|row| column.half(row.metrics[metric].1)).map(|text| text.len());
        if let Some(widest) = widths.max() {
            rules += &format!("#{ID} td:nth-child({}) small{{width:{}ch}}", first + metric, widest + 1);
        }
    }
    rules
}
