//! `winner`: the fastest policy over the two numbers of a sweep that matter most, each cell in its colour.

use super::break_even::{REFERENCE, pair, ratios};
use super::layout::{Grid, Head, Sample, x_title, y_title};
use super::places::{by_cell, by_point, fixed, key_title};
use super::{Figure, Folder, Prepared};
use crate::effects::Points;
use drawing::{Across, Axis, Down, Drawing, Drawn, GRID, Look, Marker, Panel, Sheet, grouped, ink_on, text, width_px};
use tables::{Metric, RunRow};

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "winner", title: "The fastest policy", needs: &[RunRow::DOC], prepare };

const SIZE: (u32, u32) = (860, 560);

struct Winners {
    head: Head,
    /// The fastest policy's place and its latency in ms, by row, then by column.
    cells: Vec<Vec<Option<(usize, f64)>>>,
    looks: Vec<Look>,
    x: Vec<(f64, String)>,
    y: Vec<(f64, String)>,
    titles: [String; 2],
}

fn prepare(folder: &Folder<'_>) -> Prepared {
    let runs = folder.runs()?;
    let points = Points::of(runs);
    let reference = points.policies.iter().position(|policy| policy == REFERENCE).unwrap_or(0);
    let Some(ratios) = ratios(runs, &points, reference) else { return Ok(None) };
    let Some([x, y]) = pair(&points, &ratios) else { return Ok(None) };
    if points.policies.len() < 3 {
        // Of two policies `break_even` shows which is faster, and by how much.
        return Ok(None);
    }
    let (at, fixed) = fixed(&points, &[x, y]);
    let column = runs.metric(Metric::E2eMean);
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    let latencies = by_point(runs, &points, |cell| column.all_of(cell).map(mean));
    let fastest = |point: usize| {
        let known = latencies.iter().enumerate().filter_map(|(policy, points)| Some((policy, points[point]?)));
        known.min_by(|a, b| a.1.total_cmp(&b.1))
    };
    let Some(cells) = by_cell(&points, &at, [x, y], fastest) else { return Ok(None) };
    let won = |policy: usize| cells.iter().flatten().flatten().filter(|(winner, _)| *winner == policy).count();
    let mut order: Vec<usize> = (0..points.policies.len()).filter(|policy| won(*policy) > 0).collect();
    order.sort_by_key(|policy| std::cmp::Reverse(won(*policy)));
    let all: usize = order.iter().map(|policy| won(*policy)).sum();
    let part = |policy: &usize| format!("{} at {}", points.policies[*policy], won(*policy));
    let title = format!("Fastest of {all} points: {}", order.iter().map(part).collect::<Vec<_>>().join(", "));
    let fixed = if fixed.is_empty() { String::new() } else { format!(" Fixed: {fixed}.") };
    let how = format!("Colour: the policy with the lowest mean end-to-end latency. Numbers: that latency, ms.{fixed}");
    let all_looks = folder.looks(&points.policies)?;
    let names: Vec<String> = order.iter().map(|policy| points.policies[*policy].clone()).collect();
    let of_legend: Vec<Look> = order.iter().map(|policy| all_looks[*policy]).collect();
    let ticks = |key: usize| (0..).map(f64::from).zip(points.keys[key].levels.labels.iter().cloned()).collect();
    Ok(Some(Box::new(Winners {
        head: Head::new(SIZE.0, title, &how).with_legend(&names, &of_legend, Sample::Block),
        cells,
        looks: all_looks,
        x: ticks(x),
        y: ticks(y),
        titles: [key_title(&points.keys[x]), key_title(&points.keys[y])],
    })))
}

impl Winners {
    fn cells(&self, sheet: &Sheet<'_>, panel: &Panel) -> Drawn {
        let rows = self.cells.iter().enumerate();
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
        SIZE
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        self.head.draw(sheet)?;
        let edges = [84.0, 26.0, self.head.bottom() + 16.0, 58.0];
        let grid = Grid { size: SIZE, edges, between: (28.0, 62.0), columns: 1, count: 1 };
        let axis = |ticks: &[(f64, String)]| Axis::between(-0.5, ticks.len() as f64 - 0.5, ticks.to_vec());
        let panel = grid.panel(0, axis(&self.x), axis(&self.y));
        self.cells(sheet, &panel)?;
        panel.x_labels(sheet, true)?;
        panel.y_labels(sheet)?;
        y_title(sheet, &panel, &self.titles[1], 12.5)?;
        x_title(sheet, &panel, &self.titles[0])
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
        let two = fixture::swept(&policies[..2], &[RTT, THINK], &[("e2e_ms_mean", &e2e)]);
        assert!(svg("winner", two.path()).is_none(), "break_even shows two policies");
    }
}
