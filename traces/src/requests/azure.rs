//! The common part of the two Azure formats: a CSV file whose header is one of a few known ones.

use super::{Collector, TraceRequest, timestamp};
use crate::{
    TraceError,
    error::shown,
    rows::{CsvFile, Row},
};
use std::path::Path;
use units::SimDuration;

/// A header that is accepted, and how a row below it becomes a request.
pub(super) struct Layout {
    pub header: &'static str,
    pub request: fn(&Row<'_>) -> Result<TraceRequest, TraceError>,
}

/// Reads a file that has one of the `layouts`.
pub(super) fn read(path: &Path, layouts: &[Layout]) -> Result<Vec<TraceRequest>, TraceError> {
    let headers: Vec<&str> = layouts.iter().map(|layout| layout.header).collect();
    let expected = format!("the header {}", headers.join(" or "));
    let mut file = CsvFile::open(path, &expected)?;
    let header = file.header().join(",");
    let layout = layouts.iter().find(|layout| layout.header == header).ok_or_else(|| {
        let found = format!("the first line \"{}\"", shown(&header));
        TraceError::new(path, found, expected, "choose the format that the file has, or add the header").at(1)
    })?;
    let mut requests = Collector::default();
    while let Some(row) = file.next()? {
        let request = (layout.request)(&row)?;
        requests.push(path, request).map_err(|refusal| refusal.at(row.line()))?;
    }
    requests.finish(path)
}

/// The `TIMESTAMP` column.
pub(super) fn timestamp(row: &Row<'_>, column: usize) -> Result<SimDuration, TraceError> {
    let read = timestamp::read(row.text(column));
    read.ok_or_else(|| row.refuse(column, "a time such as 2023-11-16 18:15:46.6805900"))
}
