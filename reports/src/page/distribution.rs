//! The latencies of all requests of a policy at a point, thinned to as many steps of the share of requests as a page can carry.

use super::folder::Folder;
use super::summary::{Row, Summary};
use crate::frame::{self, ReportError};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tables::{RequestRow, Text, TypedColumn};

/// A column of latencies.
type Latency = TypedColumn<RequestRow, Option<f64>>;

/// The latencies that are drawn, and their titles.
const MEASURES: [(Latency, &str); 2] =
    [(RequestRow::e2e_ms, "end-to-end latency"), (RequestRow::ttft_ms, "time to first token")];

/// Steps of the share of requests, of a line; and of all lines together.
const STEPS: usize = 200;
const ALL_STEPS: usize = 60_000;
const LEAST_STEPS: usize = 20;

/// Point and policy, as `requests.parquet` has them.
type Key = (u64, String);
/// The latencies of each.
type Cells = BTreeMap<Key, Vec<f64>>;

/// The lines of every folder: rows of the summary, with the latency at each step. Nothing where no folder has requests.
pub(super) fn json(folders: &[Folder], summary: &Summary) -> Result<Value, ReportError> {
    let steps = (ALL_STEPS / (MEASURES.len() * summary.rows.len()).max(1)).clamp(LEAST_STEPS, STEPS);
    let mut lines = MEASURES.map(|_| vec![Value::Null; summary.rows.len()]);
    for (place, folder) in folders.iter().enumerate().filter(|(_, folder)| folder.has(&RequestRow::DOC)) {
        for (lines, (column, _)) in lines.iter_mut().zip(MEASURES) {
            let mut cells = latencies(folder, column)?;
            for (number, row) in summary.rows.iter().enumerate().filter(|(_, row)| row.folder == place) {
                let Some(point) = point_of(folder, summary, row) else { continue };
                let key = (point, summary.policies[row.policy].clone());
                if let Some(values) = cells.get_mut(&key).filter(|values| !values.is_empty()) {
                    lines[number] = json!(thinned(values, steps));
                }
            }
        }
    }
    let measures = MEASURES.iter().zip(lines).filter(|(_, lines)| lines.iter().any(|line| !line.is_null()));
    let measures =
        measures.map(|((column, title), lines)| json!({ "name": column.name, "title": title, "lines": lines }));
    Ok(json!({ "steps": steps, "measures": measures.collect::<Vec<_>>() }))
}

/// The number of a row's point in its folder.
fn point_of(folder: &Folder, summary: &Summary, row: &Row) -> Option<u64> {
    let value =
        |key: &String| summary.keys.iter().position(|known| known == key).map(|place| row.values[place].as_str());
    let runs = &folder.runs;
    let is_it = |values: &[String]| runs.keys.iter().zip(values).all(|(key, own)| value(key) == Some(own));
    runs.cells.iter().find(|cell| is_it(&cell.values)).map(|cell| cell.point)
}

/// One latency of every request. A group of rows is held at a time.
fn latencies(folder: &Folder, column: Latency) -> Result<Cells, ReportError> {
    let table = frame::open::<RequestRow>(&folder.path)?;
    let mut cells = Cells::new();
    for group in 0..table.groups() {
        let (policies, points) = (table.column(group, RequestRow::policy)?, table.column(group, RequestRow::point)?);
        let warm_up = table.column(group, RequestRow::warm_up)?;
        let latencies = table.column(group, column)?.into_iter().zip(warm_up);
        let counted: Vec<Option<f64>> = latencies.map(|(latency, warm_up)| latency.filter(|_| !warm_up)).collect();
        add_by_cell(&mut cells, &policies, &points, &counted);
    }
    Ok(cells)
}

fn add_by_cell(cells: &mut Cells, policies: &[Text], points: &[u32], latencies: &[Option<f64>]) {
    // Rows of a cell stand together: it is looked up once for many.
    let rows: Vec<(&Text, &u32)> = policies.iter().zip(points).collect();
    let mut from = 0;
    for alike in rows.chunk_by(|one, other| one == other) {
        let (policy, point) = alike[0];
        // A rejected request has none, nor has one of the warm-up.
        let values = latencies[from..from + alike.len()].iter().flatten();
        cells.entry((u64::from(*point), policy.to_string())).or_default().extend(values);
        from += alike.len();
    }
}

/// The values at equal steps of the share, the least and the greatest among them, to a hundredth of a millisecond.
fn thinned(values: &mut [f64], steps: usize) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    let rounded = |value: &f64| (value * 100.0).round() / 100.0;
    (0..=steps).filter_map(|step| values.get(step * last / steps).map(rounded)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_have_both_ends() {
        let mut values: Vec<f64> = (0..1000).rev().map(f64::from).collect();
        let line = thinned(&mut values, 10);
        assert_eq!((line.len(), line[0], line[10]), (11, 0.0, 999.0));
        assert!(line.is_sorted());
        assert_eq!(thinned(&mut [2.71949], 2), [2.72, 2.72, 2.72]);
        assert_eq!(thinned(&mut [], 2), [0.0; 0]);
    }

    #[test]
    fn requests_are_put_with_their_cell() {
        let policies = ["a", "a", "b", "a"].map(Text::from);
        let mut cells = Cells::new();
        add_by_cell(&mut cells, &policies, &[0, 1, 1, 0], &[Some(1.0), Some(2.0), None, Some(4.0)]);
        assert_eq!(cells[&(0, "a".to_owned())], [1.0, 4.0]);
        assert_eq!(cells[&(1, "b".to_owned())], [0.0; 0]);
        assert_eq!(cells.len(), 3);
    }
}
