//! `accuracy`: accuracy of each policy beside what the paper prints (Table 1), as a table whose columns are drawn: from zero,
//! accuracies between 58 and 78 % would all look alike.

use super::bars::{Bar, Group, Measure, panels};
use super::dots::{Cell, Column, DotTable, Row, Section, WIDTH, axis, signed, with_interval};
use super::layout::Head;
use super::{Figure, Folder, Prepared};
use crate::claims::PrintedBeside;
use drawing::{Look, grouped, looks};
use tables::{Metric, RunRow};

const MEASURE: Measure =
    Measure { columns: &[Metric::Accuracy], title: "Accuracy", axis: Metric::Accuracy.doc().axis, decimals: 1 };

/// The line of the list.
pub(super) const FIGURE: Figure = Figure { name: "accuracy", title: MEASURE.title, needs: &[RunRow::DOC], prepare };

/// More data sets than this stand below each other.
const MOST_COLUMNS: usize = 2;

/// More rows are a sweep's, and no table.
const MOST_ROWS: usize = 60;

fn prepare(folder: &Folder<'_>) -> Prepared {
    let runs = folder.runs()?;
    let Some(datasets) = panels(runs, &MEASURE, &PrintedBeside::new(folder.path, runs)?) else { return Ok(None) };
    let policies: Vec<String> = runs.policies().into_iter().map(str::to_owned).collect();
    let bars = || datasets.iter().flat_map(|dataset| &dataset.groups).flat_map(|(_, bars)| bars).flatten();
    if bars().next().is_none() {
        return Ok(None);
    }
    let table = Table { looks: looks(&policies), has_printed: bars().any(|bar| bar.printed.is_some()), policies };
    let side_by_side = datasets.len() <= MOST_COLUMNS;
    let sections = if side_by_side { table.side_by_side(&datasets) } else { table.below(&datasets) };
    if sections.iter().map(|section| section.rows.len()).sum::<usize>() > MOST_ROWS {
        return Ok(None);
    }
    let titles: Vec<&str> =
        if side_by_side { datasets.iter().map(|dataset| dataset.title.as_str()).collect() } else { vec![""] };
    let cells = |column: usize| sections.iter().flat_map(|section| &section.rows).map(move |row| &row.cells[column]);
    let column = |(index, name): (usize, &&str)| {
        let name = if name.is_empty() { String::new() } else { format!("{name}: ") };
        Column { title: format!("{name}{}", MEASURE.axis), axis: axis(cells(index), 5, false) }
    };
    let columns = titles.iter().enumerate().map(column).collect();
    let replications = runs.cells.iter().map(|cell| runs.seeds(cell).len()).max().unwrap_or(0);
    let how = match replications {
        1 => "One replication: no intervals.".to_owned(),
        more => format!("Mean of {more} replications; whiskers and ±: 95 % confidence."),
    };
    let head = Head::new(WIDTH, MEASURE.title, &how);
    Ok(Some(Box::new(DotTable { width: WIDTH, head, columns, in_a_row: MOST_COLUMNS, sections })))
}

struct Table {
    policies: Vec<String>,
    looks: Vec<Look>,
    has_printed: bool,
}

impl Table {
    fn heads(&self) -> Vec<String> {
        let heads = if self.has_printed { &["simulated", "printed", "difference"][..] } else { &["simulated"] };
        heads.iter().map(|head| (*head).to_owned()).collect()
    }

    fn cell(&self, look: Look, bar: Option<Bar>) -> Cell {
        let Some(bar) = bar else { return Cell::default() };
        let mut numbers = vec![with_interval(bar.value, MEASURE.decimals)];
        if let Some(printed) = bar.printed {
            numbers.push(grouped(printed, MEASURE.decimals));
            numbers.push(signed(bar.value.mean - printed, MEASURE.decimals));
        }
        Cell { simulated: vec![(look, bar.value)], printed: bar.printed, from: None, numbers }
    }

    fn section(&self, title: &str, cells: impl Fn(usize, Look) -> Vec<Cell>) -> Section {
        let row = |(index, policy): (usize, &String)| {
            let look = self.looks[index];
            Row { label: policy.clone(), look: Some(look), cells: cells(index, look) }
        };
        let rows = self.policies.iter().enumerate().map(row);
        let has_value = |row: &Row| row.cells.iter().any(|cell| !cell.simulated.is_empty());
        Section { title: title.to_owned(), heads: self.heads(), rows: rows.filter(has_value).collect() }
    }

    /// A column for each data set, a section for each group.
    fn side_by_side(&self, datasets: &[Group]) -> Vec<Section> {
        let mut titles: Vec<&str> = Vec::new();
        for (title, _) in datasets.iter().flat_map(|dataset| &dataset.groups) {
            if !titles.contains(&title.as_str()) {
                titles.push(title);
            }
        }
        let section = |title: &&str| {
            let bar = |dataset: &Group, policy: usize| {
                let group = dataset.groups.iter().find(|(own, _)| own == title);
                group.and_then(|(_, bars)| bars[policy])
            };
            let cells = |policy, look| datasets.iter().map(|dataset| self.cell(look, bar(dataset, policy))).collect();
            self.section(title, cells)
        };
        titles.iter().map(section).collect()
    }

    /// One column, a section for each data set and group.
    fn below(&self, datasets: &[Group]) -> Vec<Section> {
        let groups =
            datasets.iter().flat_map(|dataset| dataset.groups.iter().map(move |group| (&dataset.title, group)));
        let section = |(dataset, (title, bars)): (&String, &(String, Vec<Option<Bar>>))| {
            let title = if title.is_empty() { dataset.clone() } else { format!("{dataset}, {title}") };
            self.section(&title, |policy, look| vec![self.cell(look, bars[policy])])
        };
        groups.map(section).collect()
    }
}
