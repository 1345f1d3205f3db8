//! `latency_cdf`: the share of requests that were answered within a time, a line for each policy, a panel for each point.

use super::{Figure, Prepared};
use crate::frame::{self, ReportError};
use drawing::{
    Across, Axis, Down, Drawing, Drawn, GREY, INK, Look, Panel, Sheet, bold, looks, stroke, text, upright, width_px,
};
use polars::prelude::DataFrame;
use std::collections::BTreeMap;
use std::path::Path;

/// The line of the list.
pub(super) const FIGURE: Figure = Figure {
    name: "latency_cdf",
    title: "How many requests were answered within a time",
    needs: &["requests"],
    prepare,
};

/// More points than this have no room for a panel each.
const MOST_POINTS: usize = 6;
const IN_A_ROW: usize = 3;

/// Steps of a line, each of as many requests.
const STEPS: usize = 400;

const SIZE: (u32, u32) = (1100, 700);
const EDGE: f64 = 22.0;
const LEFT: f64 = 74.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 118.0;
const BOTTOM: f64 = 58.0;
const BETWEEN: f64 = 24.0;
const BETWEEN_ROWS: f64 = 52.0;

struct Cdf {
    policies: Vec<String>,
    looks: Vec<Look>,
    panels: Vec<Point>,
    requests: usize,
    x: Axis,
}

/// A point: what it is called, and the latencies of each policy at equal steps of the share of requests, ms.
struct Point {
    title: String,
    lines: Vec<Vec<f64>>,
}

/// Latencies of all requests, by point and policy, and what each point is called.
#[derive(Default)]
struct Latencies {
    policies: Vec<String>,
    by_cell: BTreeMap<(u32, usize), Vec<f64>>,
    /// Dataset, in the order of the table, and bandwidth of each point, Mbps.
    places: BTreeMap<u32, (usize, f64)>,
    datasets: Vec<String>,
}

fn prepare(folder: &Path) -> Prepared {
    let frame = frame::read_columns(folder, "requests", &["policy", "dataset", "bandwidth_mbps", "point", "e2e_ms"])?;
    let latencies =
        Latencies::of(&frame).map_err(|error| ReportError::Table { path: folder.join("requests.parquet"), error })?;
    if latencies.places.is_empty() || latencies.places.len() > MOST_POINTS {
        return Ok(None);
    }
    let policies = 0..latencies.policies.len();
    let steps =
        |point: u32, policy: usize| latencies.by_cell.get(&(point, policy)).map(|all| steps(all)).unwrap_or_default();
    let panel = |(point, (dataset, mbps)): (u32, (usize, f64))| Point {
        title: format!("{}, {mbps} Mbps", latencies.datasets[dataset]),
        lines: policies.clone().map(|policy| steps(point, policy)).collect(),
    };
    // By dataset, then by bandwidth.
    let mut points: Vec<(u32, (usize, f64))> = latencies.places.iter().map(|(point, place)| (*point, *place)).collect();
    points.sort_by(|(_, a), (_, b)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let panels: Vec<Point> = points.into_iter().map(panel).collect();
    // The slowest hundredth of the slowest policy would leave no room for the others.
    let slow = |line: &Vec<f64>| line.get(line.len() * 99 / 100).copied();
    let longest = panels.iter().flat_map(|panel| &panel.lines).filter_map(slow).fold(0.0, f64::max);
    Ok(Some(Box::new(Cdf {
        looks: looks(&latencies.policies),
        panels,
        requests: latencies.by_cell.values().map(Vec::len).max().unwrap_or(0),
        x: Axis::over([0.0, longest], 5, true),
        policies: latencies.policies,
    })))
}

impl Latencies {
    fn of(frame: &DataFrame) -> Result<Self, polars::prelude::PolarsError> {
        let (policies, datasets) = (frame.column("policy")?.str()?, frame.column("dataset")?.str()?);
        let (mbps, points) = (frame.column("bandwidth_mbps")?.f64()?, frame.column("point")?.u32()?);
        let mut all = Self::default();
        let rows = policies
            .iter()
            .zip(datasets.iter())
            .zip(mbps.iter())
            .zip(points.iter())
            .zip(frame.column("e2e_ms")?.f64()?.iter());
        for ((((policy, dataset), mbps), point), e2e) in rows {
            let (Some(policy), Some(point)) = (policy, point) else { continue };
            let place = place_of(&mut all.policies, policy);
            let dataset = place_of(&mut all.datasets, dataset.unwrap_or_default());
            all.places.entry(point).or_insert((dataset, mbps.unwrap_or_default()));
            // A rejected request has none.
            all.by_cell.entry((point, place)).or_default().extend(e2e);
        }
        Ok(all)
    }
}

/// Where a name stands in a list, which takes it if it is new.
fn place_of(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    })
}

/// The values at equal steps of the share, the least and the greatest among them.
fn steps(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    (0..=STEPS).filter_map(|step| sorted.get(step * last / STEPS).copied()).collect()
}

impl Cdf {
    fn panel(&self, index: usize) -> Panel {
        let columns = self.panels.len().min(IN_A_ROW);
        let rows = self.panels.len().div_ceil(IN_A_ROW);
        let room = |whole: u32, ends: f64, between: f64, parts: usize| {
            (f64::from(whole) - ends - between * (parts - 1) as f64) / parts as f64
        };
        let width = room(SIZE.0, LEFT + RIGHT, BETWEEN, columns);
        let height = room(self.size().1, TOP + BOTTOM, BETWEEN_ROWS, rows);
        let shares = [0.0, 25.0, 50.0, 75.0, 100.0].map(|share| (share, format!("{share:.0}"))).to_vec();
        Panel {
            left: LEFT + (index % IN_A_ROW) as f64 * (width + BETWEEN),
            top: TOP + (index / IN_A_ROW) as f64 * (height + BETWEEN_ROWS),
            width,
            height,
            x: self.x.clone(),
            y: Axis::between(0.0, 103.0, shares),
        }
    }

    fn heading(&self, sheet: &Sheet<'_>) -> Drawn {
        sheet.text(FIGURE.title, (EDGE, 16.0), &bold(17.0, INK, Across::Left, Down::Top))?;
        let how = format!(
            "{} requests of each policy, all replications; cut off behind the 99th percentile of the slowest.",
            drawing::grouped(self.requests as f64, 0)
        );
        sheet.text(&how, (EDGE, 42.0), &text(11.5, GREY, Across::Left, Down::Top))?;
        let mut x = EDGE;
        for (policy, look) in self.policies.iter().zip(&self.looks) {
            sheet.line([(x, 68.0), (x + 18.0, 68.0)], stroke(look.colour, 2.5))?;
            sheet.text(policy, (x + 24.0, 68.0), &text(12.5, INK, Across::Left, Down::Center))?;
            x += 24.0 + width_px(policy, 12.5, false) + 18.0;
        }
        Ok(())
    }
}

impl Drawing for Cdf {
    fn size(&self) -> (u32, u32) {
        if self.panels.len() > IN_A_ROW { SIZE } else { (SIZE.0, 460) }
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        self.heading(sheet)?;
        for (index, point) in self.panels.iter().enumerate() {
            let panel = self.panel(index);
            panel.grid(sheet)?;
            let middle = (panel.left + panel.width / 2.0, panel.top - 12.0);
            sheet.text(&point.title, middle, &bold(13.0, INK, Across::Center, Down::Bottom))?;
            for (line, look) in point.lines.iter().zip(&self.looks) {
                let places = line.iter().enumerate().map(|(step, ms)| (*ms, 100.0 * step as f64 / STEPS as f64));
                let seen = places.filter(|(ms, _)| self.x.shows(*ms));
                sheet.line(seen.map(|(ms, share)| panel.at(ms, share)), stroke(look.colour, 2.0))?;
            }
            panel.x_labels(sheet, true)?;
            if index % IN_A_ROW == 0 {
                panel.y_labels(sheet)?;
                let title = upright(&bold(12.0, INK, Across::Center, Down::Top));
                sheet.text("share of requests, %", (EDGE, panel.top + panel.height / 2.0), &title)?;
            }
            if index + IN_A_ROW < self.panels.len() {
                continue;
            }
            let below = (panel.left + panel.width / 2.0, panel.bottom() + 28.0);
            sheet.text("end-to-end latency, ms", below, &text(11.0, GREY, Across::Center, Down::Top))?;
        }
        Ok(())
    }
}
