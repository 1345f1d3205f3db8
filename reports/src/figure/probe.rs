//! `probe`: what the probe costs in the configurations V1 to V7 (the paper's Fig. 4), beside the ranges that it prints.

use super::bars::group_name;
use super::layout::{Grid, Head, Sample, fitting};
use super::{Figure, Folder, Prepared};
use crate::claims::{Amount, PrintedBeside};
use crate::estimate::Estimate;
use crate::numbers::{rounded, short};
use crate::runs::{Cell, Runs};
use drawing::{AXIS, Across, Axis, Down, Drawing, Drawn, GREY, INK, Look, Panel, Sheet, bold, stroke, text, width_px};
use tables::{Metric, RunRow};

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "probe", title: "What the probe costs, V1 to V7", needs: &[RunRow::DOC], prepare };

/// The configurations, in their order.
const CONFIGURATIONS: [&str; 7] = ["v1", "v2", "v3", "v4", "v5", "v6", "v7"];

/// The paper's configurations: first, last, and their modalities.
const MODALITIES: [(usize, usize, &str); 3] =
    [(0, 0, "text"), (1, 3, "text and a picture"), (4, 6, "text, video and sound")];

/// More would leave the bars no room for their values.
const MOST_SERIES: usize = 3;

const SIZE: (u32, u32) = (1000, 720);

/// A cost: amount as the claims have it, what it is called, and its unit.
struct Cost {
    amount: fn() -> Amount,
    title: &'static str,
    unit: &'static str,
    value: OfMetrics,
}

/// A value made of metrics.
type OfMetrics = fn(&dyn Fn(Metric) -> f64) -> f64;

const COSTS: [Cost; 4] = [
    Cost {
        amount: || Amount::sum(&[Metric::ProbeMean]),
        title: "time",
        unit: "ms",
        value: |metric| metric(Metric::ProbeMean),
    },
    Cost {
        amount: || Amount::ratio(Metric::ProbeMean, Metric::E2eMean),
        title: "share of the end-to-end latency",
        unit: "%",
        value: |metric| 100.0 * metric(Metric::ProbeMean) / metric(Metric::E2eMean),
    },
    Cost {
        amount: || Amount::sum(&[Metric::ProbeFlop]),
        title: "FLOP, of those of the cloud's model",
        unit: "%",
        value: |metric| metric(Metric::ProbeFlop),
    },
    Cost {
        amount: || Amount::sum(&[Metric::ProbeMemory]),
        title: "memory",
        unit: "GB",
        value: |metric| metric(Metric::ProbeMemory),
    },
];

struct Probe {
    series: Vec<String>,
    looks: Vec<Look>,
    /// Configurations that were run: index into the list.
    places: Vec<usize>,
    panels: Vec<Costs>,
    replications: usize,
}

/// A cost of every series in every configuration.
struct Costs {
    cost: &'static Cost,
    /// By series, then by place.
    values: Vec<Vec<Option<Estimate>>>,
    printed: [Option<f64>; 2],
}

fn prepare(folder: &Folder<'_>) -> Prepared {
    let runs = folder.runs()?;
    let Some(dataset) = runs.keys.iter().position(|key| *key == RunRow::dataset.name) else { return Ok(None) };
    let place = |cell: &Cell| CONFIGURATIONS.iter().position(|name| *name == cell.values[dataset]);
    let probe = runs.metric(Metric::ProbeMean);
    let probes = |cell: &&Cell| probe.all_of(cell).is_some_and(|all| all.iter().any(|ms| *ms > 0.0));
    let cells: Vec<(usize, &Cell)> =
        runs.cells.iter().filter(probes).filter_map(|cell| Some((place(cell)?, cell))).collect();
    let name = |cell: &Cell| match group_name(runs, cell) {
        more if more.is_empty() => cell.policy.clone(),
        more => format!("{}, {more}", cell.policy),
    };
    let mut series: Vec<String> = Vec::new();
    for (_, cell) in &cells {
        if !series.contains(&name(cell)) {
            series.push(name(cell));
        }
    }
    if series.is_empty() || series.len() > MOST_SERIES {
        return Ok(None);
    }
    let mut places: Vec<usize> = cells.iter().map(|(place, _)| *place).collect();
    places.sort_unstable();
    places.dedup();
    let beside = PrintedBeside::new(folder.path, runs)?;
    let costs = |cost: &'static Cost| {
        let of = |series: &String, place: usize| {
            let found = cells.iter().find(|(own, cell)| *own == place && name(cell) == *series);
            found.and_then(|(_, cell)| estimate(runs, cell, cost))
        };
        let values = series.iter().map(|series| places.iter().map(|place| of(series, *place)).collect()).collect();
        let printed = cells.iter().map(|(_, cell)| beside.range(&(cost.amount)(), cell));
        let printed = printed.fold([None, None], |[low, high], own| [low.or(own[0]), high.or(own[1])]);
        Costs { cost, values, printed }
    };
    Ok(Some(Box::new(Probe {
        looks: folder.looks(&series)?,
        panels: COSTS.iter().map(costs).collect(),
        replications: cells.iter().map(|(_, cell)| runs.seeds(cell).len()).max().unwrap_or(0),
        series,
        places,
    })))
}

/// Over the runs of a cell; none where a metric does not apply.
fn estimate(runs: &Runs, cell: &Cell, cost: &Cost) -> Option<Estimate> {
    let run = |run: usize| {
        let metric = |metric: Metric| runs.metric(metric).of(cell)[run].unwrap_or(f64::NAN);
        Some((cost.value)(&metric)).filter(|value| value.is_finite())
    };
    let values: Option<Vec<f64>> = (0..runs.seeds(cell).len()).map(run).collect();
    values.map(|values| Estimate::of(&values))
}

impl Costs {
    fn axis(&self) -> Axis {
        let values = self.values.iter().flatten().flatten().map(|value| value.interval()[1]);
        let highest = values.fold(0.0, f64::max);
        // Room for the value above the highest bar.
        let printed = self.printed.iter().flatten().copied();
        Axis::over(std::iter::once(1.06 * highest).chain(printed), 5, true)
    }

    /// The printed values, in words.
    fn printed_text(&self) -> Option<String> {
        let unit = self.cost.unit;
        let number = |value: f64| short(value, 4);
        match self.printed {
            [Some(low), Some(high)] => Some(format!("printed: {} to {} {unit}", number(low), number(high))),
            [None, Some(high)] => Some(format!("printed: under {} {unit}", number(high))),
            [Some(low), None] => Some(format!("printed: over {} {unit}", number(low))),
            [None, None] => None,
        }
    }
}

impl Probe {
    fn head(&self) -> Head {
        let how = match self.replications {
            1 => "One replication: no intervals. Grey: the range that the paper prints.".to_owned(),
            more => format!(
                "Mean of {more} replications; whiskers: 95 % confidence. Grey: the range that the paper prints; sizes of V1 to V7 \
                 are ours, it gives none."
            ),
        };
        let head = Head::new(SIZE.0, self.title(), &how);
        if self.series.len() == 1 { head } else { head.with_legend(&self.series, &self.looks, Sample::Block) }
    }

    /// The title: the time that the probe takes, over all configurations and series.
    fn title(&self) -> String {
        let all = || self.panels[0].values.iter().flatten().flatten().map(|value| value.mean);
        let (least, most) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
        let found = format!("{}: {} to {} ms", FIGURE.title, rounded(least, 2), rounded(most, 3));
        fitting(SIZE.0, [found, FIGURE.title.to_owned()])
    }

    fn panel(&self, index: usize) -> Panel {
        let top = self.head().bottom() + if self.series.len() == 1 { 40.0 } else { 30.0 };
        let grid = Grid { size: SIZE, edges: [58.0, 18.0, top, 50.0], between: (64.0, 84.0), columns: 2, count: 4 };
        let ticks = self.places.iter().enumerate();
        let ticks = ticks.map(|(at, place)| (at as f64, CONFIGURATIONS[*place].to_uppercase())).collect();
        grid.panel(index, Axis::between(-0.5, self.places.len() as f64 - 0.5, ticks), self.panels[index].axis())
    }

    /// The printed range, behind the bars.
    fn band(&self, sheet: &Sheet<'_>, panel: &Panel, costs: &Costs) -> Drawn {
        let Some(words) = costs.printed_text() else { return Ok(()) };
        let [low, high] = costs.printed;
        let right = panel.left + panel.width;
        let y = |value: Option<f64>, open: f64| value.map_or(open, |value| panel.at(0.0, value).1);
        let (top, bottom) = (y(high, panel.top), y(low, panel.bottom()));
        sheet.area([(panel.left, top), (right, top), (right, bottom), (panel.left, bottom)], GREY, 0.16)?;
        let style = text(11.5, INK, Across::Right, Down::Bottom);
        let (from, middle) = (right - width_px(&words, 11.5, false) - 20.0, panel.top - 18.5);
        let sample =
            [(from, middle - 5.0), (from + 14.0, middle - 5.0), (from + 14.0, middle + 5.0), (from, middle + 5.0)];
        sheet.area(sample, GREY, 0.16)?;
        sheet.text(&words, (right, panel.top - 12.0), &style)
    }

    fn bars(&self, sheet: &Sheet<'_>, panel: &Panel, costs: &Costs) -> Drawn {
        let step = 0.72 / costs.values.len() as f64;
        for (series, values) in costs.values.iter().enumerate() {
            for (place, value) in values.iter().enumerate().filter_map(|(place, value)| Some((place, (*value)?))) {
                let left = place as f64 - 0.36 + step * series as f64;
                let (left, right) = (panel.at(left + 0.04 * step, 0.0).0, panel.at(left + 0.96 * step, 0.0).0);
                let (top, floor) = (panel.at(0.0, value.mean).1, panel.bottom());
                sheet.area(
                    [(left, top), (right, top), (right, floor), (left, floor)],
                    self.looks[series].colour,
                    1.0,
                )?;
                let middle = (left + right) / 2.0;
                let [low, high] = value.interval().map(|end| panel.at(0.0, end).1);
                if low - high > 2.0 {
                    sheet.line([(middle, low), (middle, high)], stroke(INK, 1.2))?;
                    for end in [low, high] {
                        sheet.line([(middle - 5.0, end), (middle + 5.0, end)], stroke(INK, 1.2))?;
                    }
                }
                let label = rounded(value.mean, if value.mean < 1.0 { 2 } else { 3 });
                let fits = |size: &f64| width_px(&label, *size, false) < right - left + 12.0;
                let size = [11.0, 10.0, 9.0].into_iter().find(fits).unwrap_or(8.0);
                sheet.text(&label, (middle, high - 5.0), &text(size, INK, Across::Center, Down::Bottom))?;
            }
        }
        Ok(())
    }

    /// The modalities, below the configurations that have them.
    fn modalities(&self, sheet: &Sheet<'_>, panel: &Panel) -> Drawn {
        let y = panel.bottom() + 25.0;
        for (first, last, words) in MODALITIES {
            let own = self.places.iter().enumerate().filter(|(_, place)| (first..=last).contains(place));
            let own: Vec<f64> = own.map(|(at, _)| at as f64).collect();
            let (Some(from), Some(to)) = (own.first(), own.last()) else { continue };
            let (left, right) = (panel.at(from - 0.42, 0.0).0, panel.at(to + 0.42, 0.0).0);
            sheet.line([(left, y - 3.0), (left, y), (right, y), (right, y - 3.0)], stroke(AXIS, 1.0))?;
            let middle = ((left + right) / 2.0, y + 4.0);
            sheet.text(words, middle, &text(10.5, GREY, Across::Center, Down::Top))?;
        }
        Ok(())
    }
}

impl Drawing for Probe {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        self.head().draw(sheet)?;
        for (index, costs) in self.panels.iter().enumerate() {
            let panel = self.panel(index);
            self.band(sheet, &panel, costs)?;
            panel.grid(sheet)?;
            self.bars(sheet, &panel, costs)?;
            let title = format!("{}, {}", costs.cost.title, costs.cost.unit);
            let at = (panel.left - 36.0, panel.top - 12.0);
            sheet.text(&title, at, &bold(13.0, INK, Across::Left, Down::Bottom))?;
            panel.x_labels(sheet, true)?;
            panel.y_labels(sheet)?;
            self.modalities(sheet, &panel)?;
        }
        Ok(())
    }
}
