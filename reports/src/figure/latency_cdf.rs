//! `latency_cdf`: the share of requests that were answered within a time, a line for each policy, a panel for each point.

use super::layout::{Grid, Head, Sample, fitting, listed, panel_title, x_title, y_title};
use super::{Figure, Folder, Prepared};
use crate::frame::{self, ReportError};
use crate::numbers::rounded;
use drawing::{Axis, Drawing, Drawn, Look, Sheet, stroke};
use std::collections::BTreeMap;
use units::quantile;

/// The line of the list.
pub(super) const FIGURE: Figure = Figure {
    name: "latency_cdf",
    title: "How many requests were answered within a time",
    needs: &[RequestRow::DOC, RunRow::DOC],
    prepare,
};
use std::path::Path;
use tables::{RequestRow, RunRow};

/// More points than this have no room for a panel each.
const MOST_POINTS: usize = 6;
const IN_A_ROW: usize = 3;

/// Steps of a line, each of as many requests.
const STEPS: usize = 400;

const SIZE: (u32, u32) = (1100, 700);

struct Cdf {
    head: Head,
    looks: Vec<Look>,
    panels: Vec<Point>,
    x: Axis,
}

/// A point: what it is called, and the latencies of each policy at equal steps of the share of requests, ms.
struct Point {
    title: String,
    lines: Vec<Vec<f64>>,
}

/// Latencies of all requests by point and policy, each in rising order, and what each point is called.
#[derive(Default)]
struct Latencies {
    policies: Vec<String>,
    by_cell: BTreeMap<(u32, usize), Vec<f64>>,
    /// Dataset, in the order of the table, and bandwidth of each point, Mbps.
    places: BTreeMap<u32, (usize, f64)>,
    datasets: Vec<String>,
}

fn prepare(folder: &Folder<'_>) -> Prepared {
    let latencies = Latencies::read(folder.path)?;
    if latencies.places.is_empty() || latencies.places.len() > MOST_POINTS {
        return Ok(None);
    }
    let policies = 0..latencies.policies.len();
    let steps =
        |point: u32, policy: usize| latencies.by_cell.get(&(point, policy)).map(|all| steps(all)).unwrap_or_default();
    let panel = |(point, (dataset, mbps)): (u32, (usize, f64))| Point {
        title: if mbps.is_nan() {
            latencies.datasets[dataset].clone()
        } else {
            format!("{}, {mbps} Mbps", latencies.datasets[dataset])
        },
        lines: policies.clone().map(|policy| steps(point, policy)).collect(),
    };
    // By dataset, then by bandwidth.
    let mut points: Vec<(u32, (usize, f64))> = latencies.places.iter().map(|(point, place)| (*point, *place)).collect();
    points.sort_by(|(_, a), (_, b)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let panels: Vec<Point> = points.into_iter().map(panel).collect();
    // The slowest hundredth of the slowest policy would leave no room for the others.
    let slow = |line: &Vec<f64>| quantile(line, 0.99);
    let longest = panels.iter().flat_map(|panel| &panel.lines).filter_map(slow).fold(0.0, f64::max);
    let requests = latencies.by_cell.values().map(Vec::len).max().unwrap_or(0);
    let how = format!(
        "{} requests of each policy, all replications; cut off behind the 99th percentile of the slowest.",
        drawing::grouped(requests as f64, 0)
    );
    let looks = folder.looks(&latencies.policies)?;
    let head =
        Head::new(SIZE.0, title(&latencies), &how).with_legend(&latencies.policies, &looks, Sample::LineAndPoint);
    Ok(Some(Box::new(Cdf { head, looks, panels, x: Axis::over([0.0, longest], 5, true) })))
}

/// The title: within which time half of each policy's requests are answered, over all points.
fn title(latencies: &Latencies) -> String {
    let median = |(policy, name): (usize, &String)| {
        let own = latencies.by_cell.iter().filter(|((_, of), _)| *of == policy);
        let mut all: Vec<f64> = own.flat_map(|(_, values)| values).copied().collect();
        all.sort_by(f64::total_cmp);
        quantile(&all, 0.5).map(|ms| (ms, format!("{} ms with {name}", rounded(ms, 3))))
    };
    let mut medians: Vec<(f64, String)> = latencies.policies.iter().enumerate().filter_map(median).collect();
    medians.sort_by(|a, b| a.0.total_cmp(&b.0));
    let Some(((_, least), (_, most))) = medians.first().zip(medians.last()) else { return FIGURE.title.to_owned() };
    let all: Vec<&str> = medians.iter().map(|(_, words)| words.as_str()).collect();
    let long = format!("Half of the requests are answered within {}", listed(&all));
    fitting(
        SIZE.0,
        [long, format!("Half of the requests are answered within {least} to {most}"), FIGURE.title.to_owned()],
    )
}

impl Latencies {
    fn read(folder: &Path) -> Result<Self, ReportError> {
        let table = frame::open::<RequestRow>(folder)?;
        let mut all = Self::default();
        for group in 0..table.groups() {
            let cells =
                table.column(group, RequestRow::policy)?.into_iter().zip(table.column(group, RequestRow::point)?);
            let datasets = table.column(group, RequestRow::dataset)?;
            let places = datasets.into_iter().zip(table.column(group, RequestRow::bandwidth_mbps)?);
            let warm_up = table.column(group, RequestRow::warm_up)?;
            let latencies = table.column(group, RequestRow::e2e_ms)?.into_iter().zip(warm_up);
            for (((policy, point), (dataset, mbps)), (e2e, warm_up)) in cells.zip(places).zip(latencies) {
                let place = place_of(&mut all.policies, &policy);
                let dataset = place_of(&mut all.datasets, &dataset);
                all.places.entry(point).or_insert((dataset, mbps));
                // A rejected request has none, and one of the warm-up does not count.
                all.by_cell.entry((point, place)).or_default().extend(e2e.filter(|_| !warm_up));
            }
        }
        all.by_cell.values_mut().for_each(|values| values.sort_unstable_by(f64::total_cmp));
        Ok(all)
    }
}

/// The index of a name in a list, which takes it if it is new.
fn place_of(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    })
}

/// Sorted values at equal steps of the share, the least and the greatest among them.
fn steps(sorted: &[f64]) -> Vec<f64> {
    let last = sorted.len().saturating_sub(1);
    (0..=STEPS).filter_map(|step| sorted.get(step * last / STEPS).copied()).collect()
}

impl Cdf {
    fn grid(&self) -> Grid {
        let edges = [74.0, 24.0, self.head.bottom() + 40.0, 58.0];
        let count = self.panels.len();
        Grid { size: self.size(), edges, between: (24.0, 52.0), columns: count.min(IN_A_ROW), count }
    }
}

impl Drawing for Cdf {
    fn size(&self) -> (u32, u32) {
        if self.panels.len() > IN_A_ROW { SIZE } else { (SIZE.0, 460) }
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        self.head.draw(sheet)?;
        let grid = self.grid();
        let shares = [0.0, 25.0, 50.0, 75.0, 100.0].map(|share| (share, format!("{share:.0}"))).to_vec();
        for (index, point) in self.panels.iter().enumerate() {
            let panel = grid.panel(index, self.x.clone(), Axis::between(0.0, 103.0, shares.clone()));
            panel.grid(sheet)?;
            panel_title(sheet, &panel, &point.title)?;
            for (line, look) in point.lines.iter().zip(&self.looks) {
                let places = line.iter().enumerate().map(|(step, ms)| (*ms, 100.0 * step as f64 / STEPS as f64));
                let seen: Vec<(f64, f64)> = places.filter(|(ms, _)| self.x.shows(*ms)).collect();
                sheet.line(seen.iter().map(|(ms, share)| panel.at(*ms, *share)), stroke(look.colour, 2.0))?;
                // Marks at the quarters tell lines of one colour apart.
                for (ms, share) in seen.into_iter().filter(|(_, share)| [25.0, 50.0, 75.0].contains(share)) {
                    sheet.marker(panel.at(ms, share), *look, 3.2)?;
                }
            }
            panel.x_labels(sheet, true)?;
            if grid.is_first(index) {
                panel.y_labels(sheet)?;
                y_title(sheet, &panel, "share of requests, %", 12.0)?;
            }
            if grid.is_lowest(index) {
                x_title(sheet, &panel, "end-to-end latency, ms")?;
            }
        }
        Ok(())
    }
}
