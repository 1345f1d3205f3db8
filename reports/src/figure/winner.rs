//! `winner`: the fastest policy over the two numbers of a sweep that matter most, each cell in its colour. Where some policies are less
//! accurate than the reference, a second panel has the fastest of the others.

use super::break_even::{pair, ratios};
use super::layout::{Grid, Head, Sample, panel_title, x_title, y_title};
use super::places::{by_cell, by_point, fixed, key_title};
use super::{Figure, Folder, Prepared};
use crate::effects::Points;
use crate::reference::{AS_ACCURATE, is_as_accurate, reference};
use crate::runs::Runs;
use drawing::{Across, Axis, Down, Drawing, Drawn, GRID, Look, Marker, Panel, Sheet, grouped, ink_on, text, width_px};
use tables::{Metric, RunRow};

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "winner", title: "The fastest policy", needs: &[RunRow::DOC], prepare };

const ONE: (u32, u32) = (860, 560);
const TWO: (u32, u32) = (1240, 560);

/// The fastest policy's place and its latency in ms, by row, then by column.
type Cells = Vec<Vec<Option<(usize, f64)>>>;

struct Winners {
    head: Head,
    panels: Vec<Contest>,
    looks: Vec<Look>,
    x: Vec<(f64, String)>,
    y: Vec<(f64, String)>,
    titles: [String; 2],
}

/// The fastest of some policies.
struct Contest {
    /// Empty where all policies are in it.
    title: String,
    cells: Cells,
}

fn prepare(folder: &Folder<'_>) -> Prepared {
    let runs = folder.runs()?;
    let points = Points::of(runs);
    let reference = reference(&points.policies);
    let Some(ratios) = ratios(runs, &points, reference) else { return Ok(None) };
    let Some([x, y]) = pair(&points, &ratios) else { return Ok(None) };
    if points.policies.len() < 3 {
        // Of two policies `break_even` shows which is faster, and by how much.
        return Ok(None);
    }
    let (at, fixed) = fixed(&points, &[x, y]);
    let latencies = means(runs, &points, Metric::E2eMean);
    let accuracies = means(runs, &points, Metric::Accuracy);
    let is_accurate =
        |policy: usize, point: usize| is_as_accurate(accuracies[policy][point], accuracies[reference][point]);
    let fastest = |is_in: &dyn Fn(usize, usize) -> bool| {
        let fastest = |point: usize| {
            let among = (0..points.policies.len()).filter(|policy| is_in(*policy, point));
            among.filter_map(|policy| Some((policy, latencies[policy][point]?))).min_by(|a, b| a.1.total_cmp(&b.1))
        };
        by_cell(&points, &at, [x, y], fastest)
    };
    let Some(cells) = fastest(&|_, _| true) else { return Ok(None) };
    let mut panels = vec![Contest { title: String::new(), cells }];
    let is_out = |policy: usize, point: usize| latencies[policy][point].is_some() && !is_accurate(policy, point);
    let all_are = !(0..points.policies.len()).any(|policy| at.iter().any(|point| is_out(policy, *point)));
    if let Some(cells) = fastest(&is_accurate).filter(|_| !all_are) {
        panels[0].title = "All policies".to_owned();
        let title = format!("Within {AS_ACCURATE} points of {}'s accuracy", points.policies[reference]);
        panels.push(Contest { title, cells });
    }
    let order = order(&panels, &points);
    let fixed = if fixed.is_empty() { String::new() } else { format!(" Fixed: {fixed}.") };
    let how = format!("Colour: the policy with the lowest mean end-to-end latency. Numbers: that latency, ms.{fixed}");
    let all_looks = folder.looks(&points.policies)?;
    let names: Vec<String> = order.iter().map(|policy| points.policies[*policy].clone()).collect();
    let of_legend: Vec<Look> = order.iter().map(|policy| all_looks[*policy]).collect();
    let ticks = |key: usize| (0..).map(f64::from).zip(points.keys[key].levels.labels.iter().cloned()).collect();
    let width = size(panels.len()).0;
    Ok(Some(Box::new(Winners {
        head: Head::new(width, title(&panels, &points), &how).with_legend(&names, &of_legend, Sample::Block),
        panels,
        looks: all_looks,
        x: ticks(x),
        y: ticks(y),
        titles: [key_title(&points.keys[x]), key_title(&points.keys[y])],
    })))
}

fn size(panels: usize) -> (u32, u32) {
    if panels == 1 { ONE } else { TWO }
}

/// The mean of a metric under each policy at each point.
fn means(runs: &Runs, points: &Points, metric: Metric) -> Vec<Vec<Option<f64>>> {
    let column = runs.metric(metric);
    by_point(runs, points, |cell| column.all_of(cell).map(|values| values.iter().sum::<f64>() / values.len() as f64))
}

/// The number of cells that a policy wins.
fn won(cells: &Cells, policy: usize) -> usize {
    cells.iter().flatten().flatten().filter(|(winner, _)| *winner == policy).count()
}

/// The winners, those of most cells first.
fn order(panels: &[Contest], points: &Points) -> Vec<usize> {
    let all = |policy: usize| panels.iter().map(|panel| won(&panel.cells, policy)).sum::<usize>();
    let mut order: Vec<usize> = (0..points.policies.len()).filter(|policy| all(*policy) > 0).collect();
    order.sort_by_key(|policy| std::cmp::Reverse(all(*policy)));
    order
}

/// The number of cells of each winner, in each contest.
fn title(panels: &[Contest], points: &Points) -> String {
    let part = |panel: &Contest| {
        let winners = order(std::slice::from_ref(panel), points);
        let won = |policy: &usize| format!("{} at {}", points.policies[*policy], won(&panel.cells, *policy));
        winners.iter().map(won).collect::<Vec<_>>().join(", ")
    };
    let all = panels[0].cells.iter().flatten().flatten().count();
    let parts: Vec<String> = panels.iter().map(part).collect();
    format!("Fastest of {all} points: {}", parts.join("; among the accurate "))
}

impl Winners {
    fn cells(&self, sheet: &Sheet<'_>, panel: &Panel, cells: &Cells) -> Drawn {
        let rows = cells.iter().enumerate();
        let cells = rows.flat_map(|(y, row)| row.iter().enumerate().map(move |(x, cell)| (x as f64, y as f64, cell)));
        for (x, y, cell) in cells {
            let (from, to) = (panel.at(x - 0.5, y + 0.5), panel.at(x + 0.5, y - 0.5));
            let Some((policy, ms)) = cell else {
                sheet.bar(from, to, Look::plain(GRID, Marker::Square))?;
                continue;
            };
            let (look, colour) = (self.looks[*policy], self.looks[*policy].colour);
            sheet.bar(from, to, look)?;
            let label = grouped(*ms, if *ms < 99.5 { 1 } else { 0 });
            let room = panel.width / self.x.len() as f64 - 4.0;
            let sizes = [12.0, 11.0, 10.0, 9.0, 8.0];
            let Some(size) = sizes.into_iter().find(|size| width_px(&label, *size, false) <= room) else { continue };
            // Hatching does not run through the number.
            let (at, (right, down)) = (panel.at(x, y), (width_px(&label, size, false) / 2.0 + 2.0, size / 2.0 + 1.0));
            sheet.bar((at.0 - right, at.1 - down), (at.0 + right, at.1 + down), Look::plain(colour, look.marker))?;
            sheet.text(&label, at, &text(size, ink_on(colour), Across::Center, Down::Center))?;
        }
        Ok(())
    }
}

impl Drawing for Winners {
    fn size(&self) -> (u32, u32) {
        size(self.panels.len())
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        self.head.draw(sheet)?;
        let count = self.panels.len();
        let titles = if count == 1 { 0.0 } else { 20.0 };
        let edges = [84.0, 26.0, self.head.bottom() + 16.0 + titles, 58.0];
        let grid = Grid { size: self.size(), edges, between: (28.0, 62.0), columns: count, count };
        let axis = |ticks: &[(f64, String)]| Axis::between(-0.5, ticks.len() as f64 - 0.5, ticks.to_vec());
        for (index, contest) in self.panels.iter().enumerate() {
            let panel = grid.panel(index, axis(&self.x), axis(&self.y));
            if !contest.title.is_empty() {
                panel_title(sheet, &panel, &contest.title)?;
            }
            self.cells(sheet, &panel, &contest.cells)?;
            panel.x_labels(sheet, true)?;
            x_title(sheet, &panel, &self.titles[0])?;
            if grid.is_first(index) {
                panel.y_labels(sheet)?;
                y_title(sheet, &panel, &self.titles[1], 12.5)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::figure::tests::{count, svg};
    use crate::fixture;

    const RTT: (&str, &[&str]) = ("link.rtt", &["1 ms", "5 ms", "20 ms"]);
    const THINK: (&str, &[&str]) = ("arrivals.closed_loop.think", &["0 s", "1 s"]);

    /// The cloud is the fastest at the two short round trips, the edge at the longest; the third policy never.
    fn e2e(policy: usize, levels: &[usize]) -> Option<f64> {
        Some([[40.0, 50.0, 90.0][levels[0]], 60.0, 95.0][policy])
    }

    #[test]
    fn each_cell_has_the_colour_and_the_latency_of_the_fastest() {
        let policies = ["cloud_only", "edge_only", "msao"];
        let folder = fixture::swept(&policies, &[RTT, THINK], &[("e2e_ms_mean", &e2e)]);
        let figure = svg("winner", folder.path()).expect("a figure");
        assert_eq!(count(&figure, "Fastest of 6 points: cloud_only at 4, edge_only at 2"), 1, "{figure}");
        assert_eq!(["40.0", "50.0", "60.0"].map(|ms| count(&figure, ms)), [2, 2, 2], "{figure}");
        assert_eq!(count(&figure, "msao"), 0, "no cell is its own");
        let accuracy = |policy: usize, _: &[usize]| Some([77.0, 63.0, 75.5][policy]);
        let metrics: [fixture::MetricOf<'_>; 2] = [("e2e_ms_mean", &e2e), ("accuracy_pct", &accuracy)];
        let accurate = fixture::swept(&policies, &[RTT, THINK], &metrics);
        let figure = svg("winner", accurate.path()).expect("a figure");
        let title = "Fastest of 6 points: cloud_only at 4, edge_only at 2; among the accurate cloud_only at 6";
        assert_eq!(count(&figure, title), 1, "{figure}");
        assert_eq!(count(&figure, "Within 3 points of cloud_only&apos;s accuracy"), 1, "{figure}");
        let two = fixture::swept(&policies[..2], &[RTT, THINK], &[("e2e_ms_mean", &e2e)]);
        assert!(svg("winner", two.path()).is_none(), "break_even shows two policies");
    }
}
