//! Requests of a results folder that were rejected, and answers that were cut, as far as there are any.

use crate::frame::ReportError;
use std::path::Path;
use tables::{Shortfall, ShortfallRow, TableReader};

/// A reason, for a policy at a point.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// The values of the columns that say which row of the summary it is: policy, dataset, bandwidth, varied keys.
    pub identity: Vec<String>,
    pub reason: Shortfall,
    pub requests: u64,
    pub of_requests: u64,
}

/// Reads them all; none where the folder has no such file.
pub(crate) fn read(folder: &Path) -> Result<Vec<Told>, ReportError> {
    Ok(rows(folder)?.into_iter().map(told).collect())
}

/// The rows of the file; none where the folder has no such file.
pub(crate) fn rows(folder: &Path) -> Result<Vec<ShortfallRow>, ReportError> {
    let path = folder.join("shortfalls.parquet");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let refused = |error: tables::TableError| ReportError::refused(error.to_string());
    let table = TableReader::<ShortfallRow>::open(&path).map_err(refused)?;
    let mut all = Vec::new();
    for group in 0..table.groups() {
        all.extend(table.group(group).map_err(refused)?);
    }
    Ok(all)
}

fn told(row: ShortfallRow) -> Told {
    let mbps = row.bandwidth_mbps.map_or_else(String::new, |mbps| mbps.to_string());
    let own = [row.policy.to_string(), row.dataset.to_string(), mbps];
    let varied = row.varied.0.iter().map(|value| value.to_string());
    Told {
        identity: own.into_iter().chain(varied).collect(),
        reason: row.reason,
        requests: row.requests,
        of_requests: row.of_requests,
    }
}

/// A column of counts: its heading, and the reasons that it counts.
type Column = (&'static str, fn(Shortfall) -> bool);

/// The columns that the printed table has as soon as one of their reasons is there.
pub(crate) const COLUMNS: [Column; 3] = [
    ("rejected", Shortfall::is_rejection),
    ("timed out", |reason| reason == Shortfall::TimedOut),
    ("cut", |reason| reason == Shortfall::Cut),
];

/// The requests of a row with such reasons: `3 of 20`, or 0.
pub(crate) fn count(all: &[Told], identity: &[String], is: fn(Shortfall) -> bool) -> String {
    let own: Vec<&Told> = all.iter().filter(|told| told.identity == identity && is(told.reason)).collect();
    let requests = own.iter().map(|told| told.requests).sum::<u64>();
    own.first().map_or_else(|| "0".to_owned(), |first| format!("{requests} of {}", first.of_requests))
}
