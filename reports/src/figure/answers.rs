//! `capacity_by_policy`: the answer of `sim capacity` for each policy as a bar, with the values between which it lies.

use super::capacity::{rows, unit};
use super::dots::{Cell, Column, DotTable, Row, Scale, Section, WIDTH, axis};
use super::layout::{Head, fitting};
use super::places::called;
use super::{Figure, Folder, Prepared};
use crate::capacity::answer;
use crate::estimate::Estimate;
use drawing::Look;
use tables::{CapacityRow, Finding, RunRow};

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "capacity_by_policy", title: "Capacity of each policy", needs: &[RunRow::DOC], prepare };

const HEADS: [&str; 3] = ["capacity", "meets", "misses"];

fn prepare(folder: &Folder<'_>) -> Prepared {
    let rows = rows(folder)?;
    let Some(first) = rows.first() else { return Ok(None) };
    let policies: Vec<String> = rows.iter().map(|row| row.policy.to_string()).collect();
    let looks = folder.looks(&policies)?;
    let row = |(row, look): (&CapacityRow, &Look)| Row {
        label: row.policy.to_string(),
        look: Some(*look),
        cells: vec![cell(row, *look)],
    };
    let table: Vec<Row> = rows.iter().zip(&looks).map(row).collect();
    let x = axis(table.iter().flat_map(|row| &row.cells), 6, Scale::Zero);
    let columns = vec![Column { title: format!("{}{}", called(&first.key), unit(first)), axis: x }];
    let how = format!(
        "Targets: {}. A bar ends at the value that meets them; a whisker goes on to the one that misses one, an arrow where that \
         is far above. Without a bar, no value that was looked at meets them.",
        first.targets
    );
    let heads = HEADS.map(str::to_owned).to_vec();
    let sections = vec![Section { title: String::new(), heads, rows: table }];
    let head = Head::new(WIDTH, title(&rows), &how);
    Ok(Some(Box::new(DotTable { width: WIDTH, head, columns, in_a_row: 1, sections })))
}

/// A policy's answer.
fn cell(row: &CapacityRow, look: Look) -> Cell {
    let ends = [row.meets_value, row.misses_value].map(|value| value.unwrap_or_default());
    let bar = row.meets_value.map(|value| (look, Estimate { mean: value, ci95: None }));
    let or_none = |text: &str| if text.is_empty() { "\u{2013}".to_owned() } else { text.to_owned() };
    Cell {
        simulated: bar.into_iter().collect(),
        parts: row.meets_value.map(|value| (look, value)).into_iter().collect(),
        from: None,
        printed: None,
        upto: row.misses_value.filter(|_| ends[1] > ends[0] && row.meets_value.is_some()),
        numbers: vec![answer(row), or_none(&row.meets), or_none(&row.misses)],
    }
}

/// The title: the policies with the greatest and the least capacity that were found.
fn title(rows: &[CapacityRow]) -> String {
    let mut found: Vec<&CapacityRow> = rows.iter().filter(|row| row.verdict == Finding::Found).collect();
    found.sort_by(|a, b| b.meets_value.unwrap_or_default().total_cmp(&a.meets_value.unwrap_or_default()));
    let part = |row: &CapacityRow| format!("{} for {}", row.meets, row.policy);
    let Some((most, least)) = found.first().zip(found.last()) else {
        return format!("Capacity: not known within 2 % for any of {} policies", rows.len());
    };
    let long = match found.len() {
        1 => format!("Capacity: {}", part(most)),
        _ => format!("Capacity: from {} to {}", part(least), part(most)),
    };
    fitting(WIDTH, [long, format!("Capacity: from {} to {}", least.meets, most.meets)])
}
