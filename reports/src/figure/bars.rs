//! Bars of a metric for each policy, in groups by bandwidth or whatever else differs between points, in a panel for each
//! dataset; with 95 % confidence intervals, and what the paper prints beside them.

use super::dots::FAR;
use super::layout::{Grid, Head, Sample, panel_title, y_title};
use super::{Folder, Prepared};
use crate::claims::{Amount, PrintedBeside};
use crate::estimate::Estimate;
use crate::natural::Levels;
use crate::runs::{Cell, Runs};
use drawing::{
    Across, Axis, Down, Drawing, Drawn, INK, Look, Panel, Sheet, bold, grouped, looks, stroke, text, width_px,
};
use std::collections::BTreeMap;
use tables::{Metric, RunRow};

/// The drawn measure and its name.
pub(super) struct Measure {
    /// Metrics, which are summed up.
    pub columns: &'static [Metric],
    /// Above the figure.
    pub title: &'static str,
    /// Along the y axis.
    pub axis: &'static str,
    /// Decimals of the values above the bars.
    pub decimals: usize,
}

/// More groups than this are a sweep's, not bars.
const MOST_GROUPS: usize = 9;

const SIZE: (u32, u32) = (1000, 440);

struct Bars {
    measure: &'static Measure,
    policies: Vec<String>,
    looks: Vec<Look>,
    panels: Vec<Group>,
    y: Axis,
    head: Head,
}

/// A dataset, with what differs within it.
pub(super) struct Group {
    pub title: String,
    /// Label, and a bar for each policy.
    pub groups: Vec<(String, Vec<Option<Bar>>)>,
}

#[derive(Clone, Copy)]
pub(super) struct Bar {
    pub value: Estimate,
    pub printed: Option<f64>,
}

/// Reads the runs; nothing if no policy has the metric, or there are too many points for bars.
pub(super) fn prepare(folder: &Folder<'_>, measure: &'static Measure) -> Prepared {
    let runs = folder.runs()?;
    let Some(panels) = panels(runs, measure, &PrintedBeside::new(folder.path, runs)?) else { return Ok(None) };
    let bars = || panels.iter().flat_map(|panel| &panel.groups).flat_map(|(_, bars)| bars).flatten();
    if bars().next().is_none() {
        return Ok(None);
    }
    let y = axis(bars());
    let policies: Vec<String> = runs.policies().into_iter().map(str::to_owned).collect();
    let replications = runs.cells.iter().map(|cell| runs.seeds(cell).len()).max().unwrap_or(0);
    let looks = looks(&policies);
    let printed: Vec<f64> = bars().filter_map(|bar| bar.printed).collect();
    let head = Head::new(SIZE.0, measure.title, &how(replications, &printed, &y));
    let head = head.with_legend(&policies, &looks, Sample::Block);
    Ok(Some(Box::new(Bars { measure, looks, policies, panels, y, head })))
}

/// The explanation of whiskers and lines.
fn how(replications: usize, printed: &[f64], y: &Axis) -> String {
    let whiskers = match replications {
        1 => "One replication: no intervals.".to_owned(),
        more => format!("Mean of {more} replications; whiskers: 95 % confidence."),
    };
    let lines = match (printed.is_empty(), printed.iter().any(|printed| !y.shows(*printed))) {
        (false, true) => " Black: what the paper prints; an arrow points to what is far above.",
        (false, false) => " Black line and number: what the paper prints.",
        (true, _) => "",
    };
    format!("{whiskers}{lines}")
}

/// From zero over all bars, and over what is printed unless it would squash them: then there is room for an arrow to it.
fn axis<'b>(bars: impl Iterator<Item = &'b Bar> + Clone) -> Axis {
    let highest = bars.clone().map(|bar| bar.value.interval()[1]).fold(0.0, f64::max);
    let top = |printed: f64| if printed > FAR * highest { 1.15 * highest } else { printed };
    Axis::over(std::iter::once(highest).chain(bars.filter_map(|bar| bar.printed).map(top)), 5, true)
}

/// A policy's bar at a point, among those of its dataset and group.
type Groups<'r> = BTreeMap<usize, BTreeMap<usize, Vec<&'r Cell>>>;

pub(super) fn panels(runs: &Runs, measure: &Measure, printed: &PrintedBeside) -> Option<Vec<Group>> {
    let columns: Vec<_> = measure.columns.iter().map(|metric| runs.metric(*metric)).collect();
    let amount = Amount::sum(measure.columns);
    let value = |cell: &Cell| {
        let all: Option<Vec<Vec<f64>>> = columns.iter().map(|column| column.all_of(cell)).collect();
        let all = all?;
        let sums: Vec<f64> = (0..all.first()?.len()).map(|run| all.iter().map(|column| column[run]).sum()).collect();
        Some(Bar { value: Estimate::of(&sums), printed: printed.of(&amount, cell) })
    };
    let dataset = |cell: &Cell| {
        runs.keys
            .iter()
            .position(|key| *key == RunRow::dataset.name)
            .map_or(String::new(), |key| cell.values[key].clone())
    };
    let names: Vec<String> = runs.cells.iter().map(|cell| group_name(runs, cell)).collect();
    let (datasets, groups) =
        (runs.cells.iter().map(dataset).collect::<Vec<_>>(), Levels::of(names.iter().map(String::as_str)));
    if groups.texts.len() > MOST_GROUPS {
        return None;
    }
    // Datasets in the order of the scenario, groups in their natural order.
    let mut order: Vec<&String> = Vec::new();
    let mut cells: Groups<'_> = BTreeMap::new();
    for ((cell, dataset), name) in runs.cells.iter().zip(&datasets).zip(&names) {
        let place = order.iter().position(|known| *known == dataset).unwrap_or_else(|| {
            order.push(dataset);
            order.len() - 1
        });
        let group = groups.texts.iter().position(|text| text == name).expect("each name is a level");
        cells.entry(place).or_default().entry(group).or_default().push(cell);
    }
    let policies = runs.policies();
    let bars = |cells: &[&Cell]| {
        let of = |policy: &&str| cells.iter().find(|cell| cell.policy == *policy).and_then(|cell| value(cell));
        policies.iter().map(of).collect::<Vec<_>>()
    };
    let panel = |(place, panel): (usize, BTreeMap<usize, Vec<&Cell>>)| Group {
        title: order[place].clone(),
        groups: panel.into_iter().map(|(group, cells)| (groups.texts[group].clone(), bars(&cells))).collect(),
    };
    Some(cells.into_iter().map(panel).collect())
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

impl Bars {
    fn panel(&self, index: usize) -> Panel {
        let groups = self.panels[index].groups.iter().enumerate();
        let ticks = groups.map(|(place, (label, _))| (place as f64, label.clone())).collect();
        let x = Axis::between(-0.5, self.panels[index].groups.len() as f64 - 0.5, ticks);
        let count = self.panels.len();
        let edges = [82.0, 18.0, self.head.bottom() + 28.0, 46.0];
        Grid { size: SIZE, edges, between: (34.0, 0.0), columns: count, count }.panel(index, x, self.y.clone())
    }

    fn bar(&self, sheet: &Sheet<'_>, panel: &Panel, at: (f64, f64), bar: &Bar, look: Look) -> Drawn {
        let (left, right) = at;
        let middle = (left + right) / 2.0;
        let y = |value: f64| panel.at(0.0, value).1;
        let (top, floor) = (y(bar.value.mean), y(0.0));
        sheet.area([(left, top), (right, top), (right, floor), (left, floor)], look.colour, 1.0)?;
        let [low, high] = bar.value.interval().map(y);
        // An interval that is not seen needs no whisker.
        if low - high > 2.0 {
            let cap = (right - left) * 0.18;
            sheet.line([(middle, low), (middle, high)], stroke(INK, 1.2))?;
            for end in [low, high] {
                sheet.line([(middle - cap, end), (middle + cap, end)], stroke(INK, 1.2))?;
            }
        }
        let label = grouped(bar.value.mean, self.measure.decimals);
        let size = fitting(&label, right - left, &[10.5, 9.5, 8.5]).unwrap_or(8.0);
        let line = bar.printed.filter(|printed| panel.y.shows(*printed)).map(y);
        if let Some(printed) = bar.printed {
            let number = grouped(printed, self.measure.decimals);
            let style = bold(9.5, INK, Across::Center, Down::Bottom);
            if let Some(line) = line {
                if line - high > 26.0 {
                    // Within the bar, which may be dark.
                    let half = width_px(&number, 9.5, true) / 2.0 + 2.0;
                    let (from, to) = (middle - half, middle + half);
                    let patch = [(from, line - 17.0), (to, line - 17.0), (to, line - 4.0), (from, line - 4.0)];
                    sheet.area(patch, drawing::WHITE, 0.85)?;
                    sheet.line([(left - 2.0, line), (right + 2.0, line)], stroke(drawing::WHITE, 4.0))?;
                }
                sheet.line([(left - 2.0, line), (right + 2.0, line)], stroke(INK, 2.0))?;
                let place = if (line - high).abs() < 26.0 { line.min(high) } else { line } - 5.0;
                sheet.text(&number, (middle, place), &style)?;
            } else {
                arrow_up(sheet, (middle, panel.top))?;
                sheet.text(&number, (middle, panel.top + 27.0), &style)?;
            }
        }
        // Where the printed value stands just above, the bar's own goes inside.
        let crowded = line.is_some_and(|line| (line - top).abs() < 26.0);
        let (place, colour, anchor) = match crowded && floor - top > 40.0 {
            true => (low.max(line.unwrap_or(top)) + 8.0, drawing::WHITE, Down::Top),
            false => (high.min(top) - 5.0, INK, Down::Bottom),
        };
        sheet.text(&label, (middle, place), &text(size, colour, Across::Center, anchor))
    }
}

/// The largest of these sizes in which a label is hardly wider than its bar.
fn fitting(label: &str, width: f64, sizes: &[f64]) -> Option<f64> {
    sizes.iter().copied().find(|size| width_px(label, *size, false) < width + 4.0)
}

/// To a value beyond the upper edge.
fn arrow_up(sheet: &Sheet<'_>, (x, y): (f64, f64)) -> Drawn {
    sheet.line([(x, y + 14.0), (x, y + 4.0)], stroke(INK, 1.6))?;
    sheet.area([(x - 4.0, y + 6.0), (x, y - 2.0), (x + 4.0, y + 6.0)], INK, 1.0)
}

impl Drawing for Bars {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        self.head.draw(sheet)?;
        for (index, group) in self.panels.iter().enumerate() {
            let panel = self.panel(index);
            panel.grid(sheet)?;
            panel_title(sheet, &panel, &group.title)?;
            // A group takes four fifths of its room.
            let step = 0.8 / self.policies.len() as f64;
            for (place, (_, bars)) in group.groups.iter().enumerate() {
                for (policy, bar) in bars.iter().enumerate() {
                    let left = place as f64 - 0.4 + step * policy as f64;
                    let edges = (panel.at(left + 0.06 * step, 0.0).0, panel.at(left + 0.94 * step, 0.0).0);
                    bar.iter().try_for_each(|bar| self.bar(sheet, &panel, edges, bar, self.looks[policy]))?;
                }
            }
            panel.x_labels(sheet, true)?;
            if index == 0 {
                panel.y_labels(sheet)?;
                y_title(sheet, &panel, self.measure.axis, 12.5)?;
            }
        }
        Ok(())
    }
}
