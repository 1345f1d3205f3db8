//! `groups`: latencies of each policy by group of edges, as a table whose columns are drawn; for a folder with several groups
//! or pools.

use super::dots::{Cell, Column, DotTable, Row, Scale, Section, axis, with_interval};
use super::layout::{Head, fitting};
use super::{Figure, Folder, Prepared};
use crate::estimate::Estimate;
use crate::groups::{Groups, OfGroup};
use crate::numbers::rounded;
use drawing::{Axis, Look};
use tables::{RequestRow, RunRow};

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "groups", title: "Latency by group of edges", needs: &[RunRow::DOC, RequestRow::DOC], prepare };

/// The mean of a group that a column shows.
type Mean = fn(&OfGroup) -> Option<Estimate>;

/// The columns of latencies: title and mean.
const LATENCIES: [(&str, Mean); 2] =
    [("time to the last token, ms", OfGroup::e2e_ms), ("time to the first token, ms", OfGroup::ttft_ms)];

const WIDTH: u32 = 1200;

/// More rows are a sweep's, and no table.
const MOST_ROWS: usize = 60;

fn prepare(folder: &Folder<'_>) -> Prepared {
    let Some(groups) = Groups::read(folder.path)? else { return Ok(None) };
    let points = groups.points();
    let [point] = points[..] else { return Ok(None) };
    if groups.by_place.len() > MOST_ROWS {
        return Ok(None);
    }
    let looks = folder.looks(&groups.policies)?;
    let mut names: Vec<&str> = groups.at(point).map(|(_, group, _)| group).collect();
    names.sort_unstable();
    names.dedup();
    let sections: Vec<Section> = names.iter().map(|name| section(&groups, point, name, &looks)).collect();
    let cells = |column: usize| sections.iter().flat_map(|section| &section.rows).map(move |row| &row.cells[column]);
    let column = |(index, (title, _)): (usize, &(&str, Mean))| Column {
        title: (*title).to_owned(),
        axis: axis(cells(index), 4, Scale::Log),
    };
    let mut columns: Vec<Column> = LATENCIES.iter().enumerate().map(column).collect();
    columns.extend(
        pool_shown(&groups).map(|pool| Column {
            title: format!("requests in pool {pool}, %"),
            axis: Axis::over([0.0, 100.0], 3, true),
        }),
    );
    let how = "Mean over the requests of a group, on a logarithmic scale; ±: 95 % confidence over replications.";
    let head = Head::new(WIDTH, title(&groups, point, &names), how);
    let in_a_row = columns.len();
    Ok(Some(Box::new(DotTable { width: WIDTH, head, columns, in_a_row, sections })))
}

/// The title: the group that waits longest, over all policies.
fn title(groups: &Groups, point: u32, names: &[&str]) -> String {
    let mean = |name: &&str| {
        let own = groups.at(point).filter(|(_, group, _)| group == name);
        let all: Vec<f64> = own.filter_map(|(_, _, of)| of.e2e_ms()).map(|value| value.mean).collect();
        (!all.is_empty()).then(|| (Estimate::of(&all).mean, (*name).to_owned()))
    };
    let longest = names.iter().filter_map(mean).max_by(|a, b| a.0.total_cmp(&b.0));
    let said = longest
        .map(|(ms, name)| format!("{}: {name} waits longest, {} ms over all policies", FIGURE.title, rounded(ms, 3)));
    fitting(WIDTH, said.into_iter().chain([FIGURE.title.to_owned()]))
}

/// The pool whose share is drawn: the first of two. The shares of more are in the table alone.
fn pool_shown(groups: &Groups) -> Option<&str> {
    match &groups.pools[..] {
        [first, _] => Some(first),
        _ => None,
    }
}

/// A group, with a row for each policy.
fn section(groups: &Groups, point: u32, name: &str, looks: &[Look]) -> Section {
    let row = |(policy, _, of): (&str, &str, &OfGroup)| {
        let look = looks[groups.policies.iter().position(|known| known == policy).unwrap_or(0)];
        let cell = |value: Estimate, number: String| Cell {
            simulated: vec![(look, value)],
            numbers: vec![number],
            ..Cell::default()
        };
        let latency = |(_, mean): &(&str, Mean)| {
            mean(of).map_or_else(Cell::default, |value| cell(value, with_interval(value, 1)))
        };
        let share = |pool: &str| {
            let share = of.pool_pct(pool);
            cell(Estimate { mean: share, ci95: None }, format!("{share:.0}"))
        };
        let cells = LATENCIES.iter().map(latency).chain(pool_shown(groups).map(share)).collect();
        Row { label: policy.to_owned(), look: Some(look), cells }
    };
    let rows = groups.at(point).filter(|(_, group, _)| *group == name).map(row).collect();
    Section { title: name.to_owned(), heads: vec!["mean".to_owned()], rows }
}
