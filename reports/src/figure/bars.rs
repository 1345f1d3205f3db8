//! Bars of a metric from zero, a row for each policy with its name and its number, in sections by bandwidth or whatever else differs
//! between points, a column for each dataset; with 95 % confidence intervals, and what the paper prints beside them.

use super::dots::{Cell as Dot, Column, DotTable, PRINTED_SAMPLE, Row, Section, WIDTH, axis, signed, with_interval};
use super::layout::{Head, Sample, fitting};
use super::{Folder, Prepared};
use crate::claims::{Amount, PrintedBeside};
use crate::estimate::Estimate;
use crate::natural::Levels;
use crate::runs::{Cell, Runs};
use drawing::{Look, Marker, RGBColor, grouped, width_px};
use std::collections::BTreeMap;
use tables::{Better, Metric, RunRow};

/// The drawn measure and its name.
pub(super) struct Measure {
    /// Metrics, which are summed up.
    pub columns: &'static [Metric],
    /// Parts that the bars are made of; a measure without parts has the colours of the policies.
    pub parts: &'static [Part],
    /// The measure in words, with a capital.
    pub title: &'static str,
    /// Title of the axis.
    pub axis: &'static str,
    /// Least number of decimals.
    pub decimals: usize,
    /// True for bars from zero; false for points on an axis of their own.
    pub from_zero: bool,
}

/// A part of a measure.
pub(super) struct Part {
    /// Its name in the legend.
    pub name: &'static str,
    /// Its metric.
    pub of: Metric,
    /// The metric of what is another part of it.
    pub less: Option<Metric>,
    /// Its colour.
    pub colour: RGBColor,
}

/// Colours of parts: warm for the edge, green for the cloud, blue for the link, pale for what idles.
pub(super) const EDGE_WORK: RGBColor = RGBColor(230, 159, 0);
pub(super) const EDGE_IDLE: RGBColor = RGBColor(250, 220, 170);
pub(super) const CLOUD_WORK: RGBColor = RGBColor(0, 125, 90);
pub(super) const CLOUD_IDLE: RGBColor = RGBColor(140, 210, 175);
pub(super) const RADIO: RGBColor = RGBColor(0, 90, 160);
pub(super) const NETWORK: RGBColor = RGBColor(120, 190, 235);

/// Parts whose sum differs from the whole by more than this share are not its parts.
const SAME: f64 = 5e-3;

/// More groups than this are a sweep's, not bars.
const MOST_GROUPS: usize = 9;

/// More rows than this are a sweep's, and no table.
const MOST_ROWS: usize = 120;

/// More data sets than this stand below each other; so do all where a name is wider than [`WIDE_PX`].
const MOST_COLUMNS: usize = 2;
const WIDE_PX: f64 = 220.0;

/// A dataset, with what differs within it.
pub(super) struct Group {
    title: String,
    /// Label, and a bar for each policy.
    groups: Vec<(String, Vec<Option<Bar>>)>,
}

/// A policy's value at a point.
#[derive(Clone)]
struct Bar {
    value: Estimate,
    /// The mean of each part.
    parts: Vec<f64>,
    printed: Option<f64>,
}

/// Reads the runs; nothing if no policy has the metric, or there are too many points for bars.
pub(super) fn prepare(folder: &Folder<'_>, measure: &'static Measure) -> Prepared {
    let runs = folder.runs()?;
    let Some(datasets) = datasets(runs, measure, &PrintedBeside::new(folder.path, runs)?) else { return Ok(None) };
    let policies: Vec<String> = runs.policies().into_iter().map(str::to_owned).collect();
    let bars = || datasets.iter().flat_map(|dataset| &dataset.groups).flat_map(|(_, bars)| bars).flatten();
    if bars().next().is_none() {
        return Ok(None);
    }
    let table = Table {
        measure,
        looks: folder.looks(&policies)?,
        has_printed: bars().any(|bar| bar.printed.is_some()),
        in_parts: !measure.parts.is_empty() && bars().all(Bar::is_sum),
        decimals: decimals(measure, bars()),
        policies,
    };
    let is_wide = table.policies.iter().any(|policy| width_px(policy, 12.0, false) > WIDE_PX);
    let side_by_side = datasets.len() <= MOST_COLUMNS && !is_wide;
    let sections = if side_by_side { table.side_by_side(&datasets) } else { table.below(&datasets) };
    if sections.iter().map(|section| section.rows.len()).sum::<usize>() > MOST_ROWS {
        return Ok(None);
    }
    let titles: Vec<&str> =
        if side_by_side { datasets.iter().map(|dataset| dataset.title.as_str()).collect() } else { vec![""] };
    let cells = |column: usize| sections.iter().flat_map(|section| &section.rows).map(move |row| &row.cells[column]);
    let column = |(index, name): (usize, &&str)| {
        let name = if name.is_empty() { String::new() } else { format!("{name}: ") };
        Column { title: format!("{name}{}", measure.axis), axis: axis(cells(index), 5, measure.from_zero.into()) }
    };
    let columns = titles.iter().enumerate().map(column).collect();
    let replications = runs.cells.iter().map(|cell| runs.seeds(cell).len()).max().unwrap_or(0);
    let head = Head::new(WIDTH, table.title(&datasets), &table.how(replications, &sections))
        .with_room_behind(if table.has_printed { PRINTED_SAMPLE } else { 0.0 });
    let head =
        if table.in_parts { head.with_legend(&table.part_names(), &part_looks(measure), Sample::Block) } else { head };
    Ok(Some(Box::new(DotTable { width: WIDTH, head, columns, in_a_row: MOST_COLUMNS, sections })))
}

/// Decimals that tell the largest value in three digits, and no fewer than the measure has.
fn decimals<'b>(measure: &Measure, bars: impl Iterator<Item = &'b Bar>) -> usize {
    let largest = bars.map(|bar| bar.value.mean.abs()).fold(0.0, f64::max);
    let digits = if largest > 0.0 { 2 - largest.log10().floor() as i32 } else { 0 };
    measure.decimals.max(digits.clamp(0, 9) as usize)
}

fn part_looks(measure: &Measure) -> Vec<Look> {
    measure.parts.iter().map(|part| Look::plain(part.colour, Marker::Square)).collect()
}

impl Bar {
    fn is_sum(&self) -> bool {
        let sum: f64 = self.parts.iter().sum();
        !self.parts.is_empty() && (sum - self.value.mean).abs() <= SAME * self.value.mean.abs()
    }
}

/// A policy's bar at a point, among those of its dataset and group.
type Groups<'r> = BTreeMap<usize, BTreeMap<usize, Vec<&'r Cell>>>;

/// The bars of every dataset, in the order of the scenario; none if there are too many groups.
fn datasets(runs: &Runs, measure: &Measure, printed: &PrintedBeside) -> Option<Vec<Group>> {
    let dataset = |cell: &Cell| {
        let key = runs.keys.iter().position(|key| *key == RunRow::dataset.name);
        key.map_or(String::new(), |key| cell.values[key].clone())
    };
    let names: Vec<String> = runs.cells.iter().map(|cell| group_name(runs, cell)).collect();
    let (of_cells, groups) =
        (runs.cells.iter().map(dataset).collect::<Vec<_>>(), Levels::of(names.iter().map(String::as_str)));
    if groups.texts.len() > MOST_GROUPS {
        return None;
    }
    // Datasets in the order of the scenario, groups in their natural order.
    let mut order: Vec<&String> = Vec::new();
    let mut cells: Groups<'_> = BTreeMap::new();
    for ((cell, dataset), name) in runs.cells.iter().zip(&of_cells).zip(&names) {
        let place = order.iter().position(|known| *known == dataset).unwrap_or_else(|| {
            order.push(dataset);
            order.len() - 1
        });
        let group = groups.texts.iter().position(|text| text == name).expect("each name is a level");
        cells.entry(place).or_default().entry(group).or_default().push(cell);
    }
    let (policies, amount) = (runs.policies(), Amount::sum(measure.columns));
    let bars = |cells: &[&Cell]| {
        let own = |policy: &&str| cells.iter().find(|cell| cell.policy == *policy).copied();
        let of = |policy: &&str| own(policy).and_then(|cell| bar(runs, measure, cell, printed.of(&amount, cell)));
        policies.iter().map(of).collect::<Vec<_>>()
    };
    let dataset = |(place, own): (usize, BTreeMap<usize, Vec<&Cell>>)| Group {
        title: order[place].clone(),
        groups: own.into_iter().map(|(group, cells)| (groups.texts[group].clone(), bars(&cells))).collect(),
    };
    Some(cells.into_iter().map(dataset).collect())
}

/// The bar of a cell; none where a run has no value.
fn bar(runs: &Runs, measure: &Measure, cell: &Cell, printed: Option<f64>) -> Option<Bar> {
    let of = |metric: Metric| runs.metric(metric).all_of(cell);
    let all = measure.columns.iter().map(|column| of(*column)).collect::<Option<Vec<Vec<f64>>>>()?;
    let sums: Vec<f64> = (0..all.first()?.len()).map(|run| all.iter().map(|column| column[run]).sum()).collect();
    let mean = |metric: Metric| of(metric).map_or(0.0, |values| Estimate::of(&values).mean);
    let part = |part: &Part| mean(part.of) - part.less.map_or(0.0, mean);
    Some(Bar { value: Estimate::of(&sums), parts: measure.parts.iter().map(part).collect(), printed })
}

/// The name of a point within its dataset: the values of the keys that vary.
pub(super) fn group_name(runs: &Runs, cell: &Cell) -> String {
    let part = |(key, name): (usize, &String)| match name.as_str() {
        name if name == RunRow::dataset.name => None,
        name if name == RunRow::bandwidth_mbps.name => {
            let mbps = &cell.values[key];
            Some(format!("{mbps} Mbps")).filter(|_| !mbps.is_empty() && runs.varies(key))
        }
        _ => Some(cell.values[key].clone()).filter(|_| runs.varies(key)),
    };
    runs.keys.iter().enumerate().filter_map(part).collect::<Vec<_>>().join(", ")
}

struct Table {
    measure: &'static Measure,
    policies: Vec<String>,
    looks: Vec<Look>,
    has_printed: bool,
    in_parts: bool,
    decimals: usize,
}

impl Table {
    /// The title: which policy is best at how many points, or what the only one has.
    fn title(&self, datasets: &[Group]) -> String {
        let what = self.measure.title;
        let groups = || datasets.iter().flat_map(|dataset| &dataset.groups).map(|(_, bars)| bars);
        let best = |bars: &Vec<Option<Bar>>| {
            let values = bars.iter().enumerate().filter_map(|(policy, bar)| Some((policy, bar.as_ref()?.value.mean)));
            let found = match self.measure.columns[0].better() {
                Better::Higher => values.max_by(|a, b| a.1.total_cmp(&b.1)),
                _ => values.min_by(|a, b| a.1.total_cmp(&b.1)),
            };
            found.map(|(policy, _)| policy)
        };
        let all = || groups().flatten().flatten().map(|bar| bar.value.mean);
        let (least, most) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
        if let [one] = &self.policies[..] {
            let [least, most] = [least, most].map(|value| grouped(value, self.decimals));
            let range = if least == most { least } else { format!("{least} to {most}") };
            return fitting(
                WIDTH,
                [format!("{what} of {one}: {range}"), format!("{what} of the only policy: {range}")],
            );
        }
        if least == most {
            return format!("{what}: the same for every policy");
        }
        let mut wins = vec![0; self.policies.len()];
        groups().filter_map(best).for_each(|policy| wins[policy] += 1);
        let mut order: Vec<usize> = (0..wins.len()).filter(|policy| wins[*policy] > 0).collect();
        order.sort_by_key(|policy| std::cmp::Reverse(wins[*policy]));
        let points = groups().count();
        let word = if self.measure.columns[0].better() == Better::Higher { "highest" } else { "lowest" };
        let part = |(place, policy): (usize, &usize)| match (points, place) {
            (1, _) => self.policies[*policy].clone(),
            (_, 0) if wins[*policy] == points => format!("{} at all {points} points", self.policies[*policy]),
            (_, 0) => format!("{} at {} of {points} points", self.policies[*policy], wins[*policy]),
            _ => format!("{} at {}", self.policies[*policy], wins[*policy]),
        };
        let list = |count: usize| order.iter().take(count).enumerate().map(part).collect::<Vec<_>>().join(", ");
        let long = format!("{what}: {word} for {}", list(order.len()));
        let short = format!("{what}: {word} for {}", list(1));
        fitting(WIDTH, [long, short, format!("{what} of {} policies", self.policies.len())])
    }

    /// The explanation of whiskers and diamonds.
    fn how(&self, replications: usize, sections: &[Section]) -> String {
        let whiskers = match replications {
            1 => "One replication: no intervals.".to_owned(),
            more => format!("Mean of {more} replications; whiskers and ±: 95 % confidence."),
        };
        let whole = match (self.measure.parts.is_empty(), self.in_parts) {
            (false, false) => " It is not the sum of its parts here, so they are not shown.",
            _ => "",
        };
        let lacks = sections.iter().any(|section| section.rows.len() < self.policies.len());
        let lacking = if lacks { " Policies without a row were not run there, or do not have it." } else { "" };
        format!("{whiskers}{whole}{lacking}")
    }

    fn part_names(&self) -> Vec<String> {
        self.measure.parts.iter().map(|part| part.name.to_owned()).collect()
    }

    fn heads(&self) -> Vec<String> {
        let heads = if self.has_printed { &["simulated", "printed", "difference"][..] } else { &["simulated"] };
        heads.iter().map(|head| (*head).to_owned()).collect()
    }

    fn cell(&self, look: Look, bar: Option<&Bar>) -> Dot {
        let Some(bar) = bar else {
            let numbers = vec!["not run".to_owned()];
            return Dot { numbers, ..Dot::default() };
        };
        let decimals = self.decimals;
        let mut numbers = vec![with_interval(bar.value, decimals)];
        if let Some(printed) = bar.printed {
            numbers.push(grouped(printed, decimals));
            numbers.push(signed(bar.value.mean - printed, decimals));
        }
        let parts = match (self.measure.from_zero, self.in_parts) {
            (false, _) => Vec::new(),
            (true, false) => vec![(look, bar.value.mean)],
            (true, true) => part_looks(self.measure).into_iter().zip(bar.parts.iter().copied()).collect(),
        };
        Dot { simulated: vec![(look, bar.value)], printed: bar.printed, parts, numbers, from: None, upto: None }
    }

    fn section<'b>(&self, title: &str, bars: impl Fn(usize) -> Vec<Option<&'b Bar>>) -> Section {
        let row = |(index, policy): (usize, &String)| {
            let (look, bars) = (self.looks[index], bars(index));
            // A policy that was run at no point of the section has no row there.
            bars.iter().any(Option::is_some).then(|| Row {
                label: policy.clone(),
                look: Some(look),
                cells: bars.into_iter().map(|bar| self.cell(look, bar)).collect(),
            })
        };
        let rows = self.policies.iter().enumerate().filter_map(row);
        Section { title: title.to_owned(), heads: self.heads(), rows: rows.collect() }
    }

    /// A column for each data set, a section for each group.
    fn side_by_side<'b>(&self, datasets: &'b [Group]) -> Vec<Section> {
        let mut titles: Vec<&str> = Vec::new();
        for (title, _) in datasets.iter().flat_map(|dataset| &dataset.groups) {
            if !titles.contains(&title.as_str()) {
                titles.push(title);
            }
        }
        let section = |title: &&'b str| {
            let of = |dataset: &'b Group, policy: usize| {
                let group = dataset.groups.iter().find(|(own, _)| own == title);
                group.and_then(|(_, bars)| bars[policy].as_ref())
            };
            let bars = |policy| datasets.iter().map(|dataset| of(dataset, policy)).collect();
            self.section(title, bars)
        };
        titles.iter().map(section).collect()
    }

    /// One column, a section for each data set and group.
    fn below(&self, datasets: &[Group]) -> Vec<Section> {
        let groups =
            datasets.iter().flat_map(|dataset| dataset.groups.iter().map(move |group| (&dataset.title, group)));
        let section = |(dataset, (title, bars)): (&String, &(String, Vec<Option<Bar>>))| {
            let title = if title.is_empty() { dataset.clone() } else { format!("{dataset}, {title}") };
            self.section(&title, |policy| vec![bars[policy].as_ref()])
        };
        groups.map(section).collect()
    }
}
