//! `groups`: latencies of each policy by group of edges, as a table whose columns are drawn; for a folder with several groups
//! or pools.

use super::dots::{Cell, Column, DotTable, Row, Section, axis, with_interval};
use super::layout::Head;
use super::{Figure, Folder, Prepared};
use crate::estimate::Estimate;
use crate::groups::{Groups, OfGroup};
use drawing::{Look, looks};
use tables::{RequestRow, RunRow};

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "groups", title: "Latency by group of edges", needs: &[RunRow::DOC, RequestRow::DOC], prepare };

/// The mean of a group that a column shows.
type Mean = fn(&OfGroup) -> Option<Estimate>;

/// The drawn columns: title and mean.
const COLUMNS: [(&str, Mean); 2] =
    [("time to the last token, ms", OfGroup::e2e_ms), ("time to the first token, ms", OfGroup::ttft_ms)];

const WIDTH: u32 = 1100;

/// More rows are a sweep's, and no table.
const MOST_ROWS: usize = 60;

fn prepare(folder: &Folder<'_>) -> Prepared {
    let Some(groups) = Groups::read(folder.path)? else { return Ok(None) };
    let points = groups.points();
    let [point] = points[..] else { return Ok(None) };
    if groups.by_place.len() > MOST_ROWS {
        return Ok(None);
    }
    let looks = looks(&groups.policies);
    let mut names: Vec<&str> = groups.at(point).map(|(_, group, _)| group).collect();
    names.sort_unstable();
    names.dedup();
    let sections: Vec<Section> = names.iter().map(|name| section(&groups, point, name, &looks)).collect();
    let cells = |column: usize| sections.iter().flat_map(|section| &section.rows).map(move |row| &row.cells[column]);
    let column = |(index, (title, _)): (usize, &(&str, Mean))| Column {
        title: (*title).to_owned(),
        axis: axis(cells(index), 5, true),
    };
    let columns = COLUMNS.iter().enumerate().map(column).collect();
    let pools = format!("Behind it the share of requests that each pool worked for: {}.", groups.pools.join(", "));
    let how = format!("Mean over the requests of a group; ±: 95 % confidence over replications. {pools}");
    let head = Head::new(WIDTH, FIGURE.title, &how);
    Ok(Some(Box::new(DotTable { width: WIDTH, head, columns, in_a_row: COLUMNS.len(), sections })))
}

/// A group, with a row for each policy.
fn section(groups: &Groups, point: u32, name: &str, looks: &[Look]) -> Section {
    let in_pools = |of: &OfGroup| {
        let shares: Vec<String> = groups.pools.iter().map(|pool| format!("{:.0}", of.pool_pct(pool))).collect();
        shares.join(" / ")
    };
    let row = |(policy, _, of): (&str, &str, &OfGroup)| {
        let place = groups.policies.iter().position(|known| known == policy).unwrap_or(0);
        let cell = |(index, (_, mean)): (usize, &(&str, Mean))| {
            let Some(value) = mean(of) else { return Cell::default() };
            let shares = if index == 0 { in_pools(of) } else { String::new() };
            Cell {
                simulated: vec![(looks[place], value)],
                numbers: vec![with_interval(value, 1), shares],
                ..Cell::default()
            }
        };
        let cells = COLUMNS.iter().enumerate().map(cell).collect();
        Row { label: policy.to_owned(), look: Some(looks[place]), cells }
    };
    let rows = groups.at(point).filter(|(_, group, _)| *group == name).map(row).collect();
    let heads = vec!["ms".to_owned(), "pools, %".to_owned()];
    Section { title: name.to_owned(), heads, rows }
}
