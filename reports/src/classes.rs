//! The requests of each policy by class: counts, latencies, attainment, goodput and accuracy, from `classes.parquet`.

use crate::estimate::Estimate;
use crate::frame::{self, ReportError};
use crate::groups::{aligned, shown};
use comfy_table::{Table, presets};
use std::path::Path;
use tables::{ClassRow, Metric};

/// Most rows of the printed table; a sweep has more in `classes.csv`.
const MOST_ROWS: usize = 40;

/// The metrics of the table, each with its decimals.
const SHOWN: [(Metric, usize); 7] = [
    (Metric::E2eMean, 1),
    (Metric::E2eP99, 0),
    (Metric::TtftMean, 1),
    (Metric::TtftP99, 0),
    (Metric::Attainment, 1),
    (Metric::Goodput, 2),
    (Metric::Accuracy, 1),
];

/// The classes of a folder; none if its requests are of one.
///
/// # Errors
///
/// If the table cannot be read.
pub(crate) fn rows(folder: &Path) -> Result<Vec<ClassRow>, ReportError> {
    if !folder.join("classes.parquet").exists() {
        return Ok(Vec::new());
    }
    let table = frame::open::<ClassRow>(folder)?;
    let mut rows = Vec::new();
    for group in 0..table.groups() {
        rows.extend(table.group(group)?);
    }
    Ok(rows)
}

/// A table by class, as text; empty for a folder without classes.
///
/// # Errors
///
/// If the table cannot be read.
pub fn table_of_classes(folder: &Path) -> Result<String, ReportError> {
    let rows = rows(folder)?;
    if rows.is_empty() {
        return Ok(String::new());
    }
    let several = rows.iter().any(|row| row.point != rows[0].point);
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let names = several.then_some("point").into_iter().chain(["policy", "class", "requests"]);
    table.set_header(names.chain(SHOWN.map(|(metric, _)| metric.doc().heading)));
    for row in rows.iter().take(MOST_ROWS) {
        let names = several.then(|| row.point.to_string()).into_iter();
        let names = names.chain([row.policy.to_string(), row.class.to_string(), row.requests.to_string()]);
        let figures = SHOWN.map(|(metric, decimals)| {
            let estimate = row.metrics[metric].map(|(mean, ci95)| Estimate { mean, ci95 });
            estimate.map_or("-".to_owned(), |estimate| shown(estimate, decimals))
        });
        table.add_row(names.chain(figures));
    }
    let more = rows.len().saturating_sub(MOST_ROWS);
    let more = if more > 0 { format!("and {more} more rows, of classes.csv\n") } else { String::new() };
    Ok(format!("\n{}\n{more}", aligned(table, 2 + usize::from(several))))
}
