//! `capacity`: what `sim capacity` has found. A panel for each target, a line for each policy through the values that were looked at,
//! the bound dashed, and between two thin lines the bracket of each policy's answer.

use super::lacking::has;
use super::layout::{Grid, Head, Sample, fitting, panel_title, x_title};
use super::places::called;
use super::{Figure, Folder, Prepared};
use crate::best::Constraint;
use crate::capacity::answer;
use crate::estimate::Estimate;
use crate::frame::{self, ReportError};
use crate::runs::Runs;
use drawing::{Axis, Drawing, Drawn, GREY, Look, Panel, Sheet, grouped, stroke};
use tables::{Better, CapacityRow, Metric, MetricDoc, RunRow};

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "capacity", title: "Targets against the load, and the capacity", needs: &[RunRow::DOC], prepare };

const SIZE: (u32, u32) = (1100, 560);

/// Targets that have a panel.
const MOST_PANELS: usize = 3;

struct Capacity {
    head: Head,
    looks: Vec<Look>,
    panels: Vec<Target>,
    /// By policy, the values between which the answer lies.
    brackets: Vec<[Option<f64>; 2]>,
    key: String,
    x: Axis,
}

/// A target with the line of each policy: a value of the key, and the metric there.
struct Target {
    bound: Constraint,
    metric: Metric,
    lines: Vec<Vec<(f64, Estimate)>>,
}

fn prepare(folder: &Folder<'_>) -> Prepared {
    let rows = rows(folder)?;
    let Some(first) = rows.first() else { return Ok(None) };
    let runs = folder.runs()?;
    let Some(key) = runs.keys.iter().position(|key| *key == *first.key) else { return Ok(None) };
    let bounds = first.targets.split("; ").filter_map(|text| text.parse::<Constraint>().ok());
    let target = |bound: Constraint| {
        let metric = Metric::named(bound.metric()).ok()?;
        let lines = rows.iter().map(|row| line(runs, key, &row.policy, metric)).collect();
        Some(Target { bound, metric, lines })
    };
    let panels: Vec<Target> = bounds.filter_map(target).take(MOST_PANELS).collect();
    let values = || panels.iter().flat_map(|panel| panel.lines.iter().flatten().map(|(value, _)| *value));
    if values().next().is_none() {
        return Ok(None);
    }
    let policies: Vec<String> = rows.iter().map(|row| row.policy.to_string()).collect();
    let looks = folder.looks(&policies)?;
    let head = Head::new(SIZE.0, title(&rows), HOW);
    Ok(Some(Box::new(Capacity {
        head: head.with_legend(&policies, &looks, Sample::LineAndPoint),
        looks,
        brackets: rows.iter().map(|row| [row.meets_value, row.misses_value]).collect(),
        key: format!("{}{}", called(&first.key), unit(first)),
        x: Axis::log_over(values(), 9),
        panels,
    })))
}

const HOW: &str = "Bars: 95 % confidence over replications. Dashed: the bound. Thin lines: the values between which a policy's answer \
                   lies, the one that meets the targets and the one that misses them.";

/// The answers of the search; none where the folder is of none.
pub(super) fn rows(folder: &Folder<'_>) -> Result<Vec<CapacityRow>, ReportError> {
    if !has(folder.path, &CapacityRow::DOC) {
        return Ok(Vec::new());
    }
    let table = frame::open::<CapacityRow>(folder.path)?;
    Ok((0..table.groups()).map(|group| table.group(group)).collect::<Result<Vec<_>, _>>()?.concat())
}

/// The unit of the key, behind a comma; empty if it has none.
pub(super) fn unit(row: &CapacityRow) -> String {
    let written = if row.meets.is_empty() { &row.misses } else { &row.meets };
    written.split_once(' ').map_or_else(String::new, |(_, unit)| format!(", {unit}"))
}

/// The line of a policy, from the least value to the greatest.
fn line(runs: &Runs, key: usize, policy: &str, metric: Metric) -> Vec<(f64, Estimate)> {
    let values = runs.metric(metric);
    let of_policy = runs.cells.iter().filter(|cell| cell.policy == policy);
    let step = |cell: &crate::runs::Cell| {
        let value = cell.values[key].split_whitespace().next()?.parse::<f64>().ok()?;
        Some((value, Estimate::of(&values.all_of(cell)?)))
    };
    let mut line: Vec<(f64, Estimate)> = of_policy.filter_map(step).collect();
    line.sort_by(|a, b| a.0.total_cmp(&b.0));
    line
}

/// The title: the answer of each policy.
fn title(rows: &[CapacityRow]) -> String {
    let answers: Vec<String> = rows.iter().map(|row| format!("{} {}", row.policy, answer(row))).collect();
    let all = format!("Capacity: {}", answers.join(", "));
    fitting(SIZE.0, [all, format!("Capacity of {} policies, and the targets that limit it", rows.len())])
}

/// The title of a panel: the metric and its bound.
fn title_of(target: &Target) -> String {
    let MetricDoc { axis, better, .. } = target.metric.doc();
    let bound = if better == Better::Higher { "at least" } else { "at most" };
    format!("{axis}: {bound} {}", grouped_short(target.bound.value()))
}

fn grouped_short(value: f64) -> String {
    grouped(value, if value.fract() == 0.0 { 0 } else { 2 })
}

impl Capacity {
    fn panel(&self, sheet: &Sheet<'_>, panel: &Panel, target: &Target) -> Drawn {
        let (low, high) = (panel.top, panel.bottom());
        let at = |value: f64, figure: f64| {
            let (x, y) = panel.at(value, figure.max(1e-6));
            (x, y.clamp(low, high))
        };
        let bound = panel.at(self.panels_start(), target.bound.value()).1;
        if (low..=high).contains(&bound) {
            sheet.dashed(&[(panel.left, bound), (panel.left + panel.width, bound)], stroke(GREY, 1.6))?;
        }
        for ((line, look), bracket) in target.lines.iter().zip(&self.looks).zip(&self.brackets) {
            for value in bracket.iter().flatten() {
                let x = panel.at(*value, target.bound.value()).0;
                sheet.line([(x, low), (x, high)], stroke(look.colour, 0.8))?;
            }
            sheet.line(line.iter().map(|(value, ms)| at(*value, ms.mean)), stroke(look.colour, 2.0))?;
            for (value, estimate) in line {
                let ends = estimate.interval().map(|end| at(*value, end));
                sheet.line(ends, stroke(look.colour, 1.1))?;
                sheet.marker(at(*value, estimate.mean), *look, 3.4)?;
            }
        }
        Ok(())
    }

    /// Any value on the x axis.
    fn panels_start(&self) -> f64 {
        let mut values = self.panels.iter().flat_map(|panel| panel.lines.iter().flatten());
        values.next().map_or(1.0, |(value, _)| *value)
    }
}

impl Drawing for Capacity {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        self.head.draw(sheet)?;
        let count = self.panels.len();
        let edges = [86.0, 24.0, self.head.bottom() + 34.0, 56.0];
        let grid = Grid { size: SIZE, edges, between: (58.0, 0.0), columns: count, count };
        for (index, target) in self.panels.iter().enumerate() {
            let figures = target.lines.iter().flatten().map(|(_, figure)| figure.mean);
            let figures = figures.chain([target.bound.value()]);
            let y = match target.metric.doc().unit {
                "%" => Axis::over(figures, 8, false),
                _ => Axis::log_over(figures, 8),
            };
            let panel = grid.panel(index, self.x.clone(), y);
            panel.grid(sheet)?;
            panel_title(sheet, &panel, &title_of(target))?;
            self.panel(sheet, &panel, target)?;
            panel.x_labels(sheet, true)?;
            panel.y_labels(sheet)?;
            x_title(sheet, &panel, &self.key)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::figure::tests::{count, svg};
    use crate::fixture;
    use tables::{CapacityRow, Finding, TableWriter};

    const RATE: (&str, &[&str]) = ("arrivals.poisson.rate", &["2 /s", "4 /s", "16 /s"]);

    #[test]
    fn each_policy_has_its_answer_and_its_line() {
        let ms = |policy: usize, levels: &[usize]| Some([800.0, 1200.0, 20_000.0][levels[0]] * (1.0 + policy as f64));
        let folder = fixture::swept(&["cloud_only", "msao"], &[RATE], &[("e2e_ms_p99", &ms)]);
        assert_eq!(svg("capacity", folder.path()), None, "no search");
        let row = |policy: &str, meets: &str, value| CapacityRow {
            policy: policy.into(),
            key: RATE.0.into(),
            targets: "e2e_ms_p99 <= 2000 ms".into(),
            verdict: Finding::Found,
            meets: meets.into(),
            meets_value: Some(value),
            misses: "16 /s".into(),
            misses_value: Some(16.0),
            ..CapacityRow::default()
        };
        let mut table = TableWriter::create(&folder.path().join("capacity.parquet")).expect("a file");
        for row in [row("cloud_only", "4 /s", 4.0), row("msao", "2 /s", 2.0)] {
            table.write(row).expect("a row");
        }
        table.finish().expect("a file");
        let figure = svg("capacity", folder.path()).expect("a figure");
        assert_eq!(count(&figure, "Capacity: cloud_only 4 /s, msao 2 /s"), 1, "{figure}");
        let bars = svg("capacity_by_policy", folder.path()).expect("a figure");
        for (text, times) in [("Capacity: from 2 /s for msao to 4 /s for cloud_only", 1), ("16 /s", 2), ("msao", 1)] {
            assert_eq!(count(&bars, text), times, "{text} in {bars}");
        }
        for text in ["arrival rate, /s", "99th percentile of end-to-end latency, ms: at most 2,000"] {
            assert_eq!(count(&figure, text), 1, "{text} in {figure}");
        }
    }
}
