//! `stages`: where the time of a request goes, a stacked bar for each policy, a panel for each point.

use super::layout::{fitted, fitted_to};
use super::{Figure, Folder, Prepared};
use crate::spans::{self, Served, Wanted};
use crate::stages::{Stage, sums};
use crate::warm_up::WarmUps;
use drawing::{
    Across, Axis, Down, Drawing, Drawn, GREY, INK, Panel, RGBColor, Sheet, bold, grouped, ink_on, text, width_px,
};
use tables::SpanRow;

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "stages", title: "Where the time of a request goes", needs: &[SpanRow::DOC], prepare };

/// More points than this have no room for a panel each.
const MOST_POINTS: usize = 9;

const WIDTH: f64 = 1200.0;
const EDGE: f64 = 22.0;
const RIGHT: f64 = 70.0;
const BETWEEN: f64 = 64.0;
/// From the top of the sheet to the legend, and the height of a line of it.
const LEGEND: f64 = 82.0;
const LEGEND_LINE: f64 = 20.0;
const TITLE: f64 = 34.0;
const ROW: f64 = 30.0;
const BAR: f64 = 20.0;
/// Below the bars of a panel: the axis with its values, and its name below the last one.
const BELOW: f64 = 26.0;
const AXIS_NAME: f64 = 22.0;
const POLICY_PX: f64 = 12.5;
const VALUE_PX: f64 = 10.0;
const TOTAL_PX: f64 = 11.5;
const BESIDE_PX: f64 = 9.0;

/// Share of a panel's width that the longest bar takes.
const LONGEST: f64 = 0.78;

/// Width of a policy's name, at most.
const MOST_NAME: f64 = 300.0;

/// A part shorter than this share of the longest bar cannot be seen.
const SEEN: f64 = 0.0005;

/// The colour of a stage: warm for the edge, blue for the link, green for the cloud, pale for waiting. Neighbours
/// differ in lightness too.
fn colour(stage: Stage) -> RGBColor {
    match stage {
        Stage::Preprocess => RGBColor(250, 220, 170),
        Stage::Probe => RGBColor(240, 228, 66),
        Stage::Plan => RGBColor(120, 80, 30),
        Stage::EdgePrefill => RGBColor(230, 159, 0),
        Stage::EdgeDecode => RGBColor(190, 75, 0),
        Stage::Upload => RGBColor(120, 190, 235),
        Stage::CloudPrefill => RGBColor(0, 125, 90),
        Stage::Verdict => RGBColor(204, 121, 167),
        Stage::CloudDecode => RGBColor(140, 210, 175),
        Stage::Download => RGBColor(0, 90, 160),
        Stage::Handshake => RGBColor(150, 120, 190),
        Stage::Window => RGBColor(90, 60, 130),
        Stage::Queue => RGBColor(205, 205, 205),
        Stage::Other => RGBColor(60, 60, 60),
    }
}

struct Bars {
    policies: Vec<String>,
    /// Those that can be seen.
    stages: Vec<Stage>,
    /// The others, and the most that they come to, ms.
    unseen: Vec<(Stage, f64)>,
    panels: Vec<Point>,
    /// Requests that a mean is of.
    requests: usize,
    longest_ms: f64,
}

struct Point {
    title: String,
    /// The mean of each stage for each policy, ms, in the order of [`Stage::ALL`].
    bars: Vec<Option<Vec<f64>>>,
}

/// A policy at a point.
struct Cell {
    policy: String,
    dataset: String,
    bandwidth_mbps: f64,
    point: u32,
    place: String,
    means: Option<Vec<f64>>,
}

fn prepare(folder: &Folder<'_>) -> Prepared {
    let mut cells: Vec<Cell> = Vec::new();
    let mut requests = 0;
    let warm_ups = WarmUps::read(folder.path, folder.runs()?)?;
    spans::each(folder.path, Wanted::Spread, |mut served| {
        let Served { policy, point, requests: spread, .. } = &mut served;
        // Spans are of the first replication.
        spread.retain(|request| !warm_ups.has(policy, *point, 0, request.number));
        requests = requests.max(served.requests.len());
        let means = means(&served);
        let Served { policy, dataset, bandwidth_mbps, point, place, .. } = served;
        cells.push(Cell { policy, dataset, bandwidth_mbps, point, place, means });
    })?;
    let (mut policies, mut datasets, mut points) = (Vec::new(), Vec::new(), Vec::<&Cell>::new());
    for cell in &cells {
        if !policies.contains(&cell.policy) {
            policies.push(cell.policy.clone());
        }
        if !datasets.contains(&cell.dataset) {
            datasets.push(cell.dataset.clone());
        }
        if !points.iter().any(|known| known.point == cell.point) {
            points.push(cell);
        }
    }
    if points.is_empty() || points.len() > MOST_POINTS {
        return Ok(None);
    }
    // By dataset, then by bandwidth.
    let dataset = |cell: &Cell| datasets.iter().position(|known| *known == cell.dataset);
    points.sort_by(|a, b| dataset(a).cmp(&dataset(b)).then(a.bandwidth_mbps.total_cmp(&b.bandwidth_mbps)));
    let bar = |point: &Cell, policy: &String| {
        cells
            .iter()
            .find(|cell| cell.point == point.point && cell.policy == *policy)
            .and_then(|cell| cell.means.clone())
    };
    let panel = |point: &Cell| Point {
        title: point.place.clone(),
        bars: policies.iter().map(|policy| bar(point, policy)).collect(),
    };
    let panels: Vec<Point> = points.into_iter().map(panel).collect();
    let all = || panels.iter().flat_map(|panel| &panel.bars).flatten();
    let longest_ms = all().map(|means| means.iter().sum()).fold(0.0, f64::max);
    let most = |stage: Stage| all().map(|means| means[stage as usize]).fold(0.0, f64::max);
    let there = Stage::ALL.into_iter().filter(|stage| most(*stage) > 0.0);
    let (stages, unseen): (Vec<Stage>, Vec<Stage>) = there.partition(|stage| most(*stage) > SEEN * longest_ms);
    if stages.is_empty() {
        return Ok(None);
    }
    let unseen = unseen.into_iter().map(|stage| (stage, most(stage))).collect();
    Ok(Some(Box::new(Bars { policies, stages, unseen, panels, requests, longest_ms })))
}

/// The mean of each stage over the requests, ms; nothing if there are none.
fn means(served: &Served) -> Option<Vec<f64>> {
    let mut total = [0u64; Stage::ALL.len()];
    let mut requests = 0u64;
    for request in &served.requests {
        requests += 1;
        total.iter_mut().zip(sums(request)).for_each(|(total, ns)| *total += ns);
    }
    let mean = |ns: u64| ns as f64 / 1e6 / requests as f64;
    (requests > 0).then(|| total.into_iter().map(mean).collect())
}

impl Bars {
    fn columns(&self) -> usize {
        self.panels.len().min(2)
    }

    fn rows(&self) -> usize {
        self.panels.len().div_ceil(self.columns())
    }

    /// The entries of the legend, in lines that fit.
    fn legend(&self) -> Vec<Vec<Stage>> {
        let mut lines: Vec<Vec<Stage>> = vec![Vec::new()];
        let mut x = EDGE;
        for stage in &self.stages {
            let width = legend_width(*stage);
            if x + width > WIDTH - EDGE {
                lines.push(Vec::new());
                x = EDGE;
            }
            x += width;
            lines.last_mut().expect("there is a line").push(*stage);
        }
        lines
    }

    fn top(&self) -> f64 {
        LEGEND + LEGEND_LINE * self.legend().len() as f64
    }

    fn panel_height(&self) -> f64 {
        ROW * self.policies.len() as f64
    }

    fn panel(&self, index: usize) -> Panel {
        let columns = self.columns() as f64;
        let widest = self.policies.iter().map(|policy| width_px(policy, POLICY_PX, false)).fold(0.0, f64::max);
        let widest = widest.min(MOST_NAME);
        let left = EDGE + widest + 10.0;
        let width = (WIDTH - left - RIGHT - BETWEEN * (columns - 1.0)) / columns;
        // Down a column first, so that the points of a dataset stand together.
        let (column, row) = (index / self.rows(), index % self.rows());
        Panel {
            left: left + column as f64 * (width + BETWEEN),
            top: self.top() + TITLE + row as f64 * (TITLE + self.panel_height() + BELOW),
            width,
            height: self.panel_height(),
            // The sum and the short parts stand behind the longest bar.
            x: Axis::over([0.0, self.longest_ms / LONGEST], 6, true),
            y: Axis::between(0.0, 1.0, Vec::new()),
        }
    }

    /// The title: the stage that takes most of the time of all bars.
    fn title(&self) -> String {
        let bars = || self.panels.iter().flat_map(|panel| &panel.bars).flatten();
        let of = |stage: Stage| bars().map(|means| means[stage as usize]).sum::<f64>();
        let all: f64 = bars().flatten().sum();
        let most = self.stages.iter().copied().max_by(|a, b| of(*a).total_cmp(&of(*b)));
        let share = most.map(|stage| format!(": {:.0} % of all is {}", 100.0 * of(stage) / all, stage.name()));
        format!("{}{}", FIGURE.title, share.unwrap_or_default())
    }

    fn heading(&self, sheet: &Sheet<'_>) -> Drawn {
        let (title, size) = fitted(&self.title(), WIDTH - 2.0 * EDGE, 17.0, true);
        sheet.text(&title, (EDGE, 16.0), &bold(size, INK, Across::Left, Down::Top))?;
        let how = format!(
            "Mean of {} requests of each policy, the same for all, spread over the first replication. What happens while the \
             edge works is hidden behind it and shows as the edge's work.",
            grouped(self.requests as f64, 0)
        );
        let unseen = self.unseen.iter().map(|(stage, ms)| format!("{} (at most {ms:.2} ms)", stage.name()));
        let unseen = unseen.collect::<Vec<_>>().join(", ");
        let unseen = if unseen.is_empty() { unseen } else { format!("Too short to be seen: {unseen}.") };
        for (line, y) in [(how, 42.0), (unseen, 58.0)] {
            let line = fitted_to(&line, WIDTH - 2.0 * EDGE, 11.5);
            sheet.text(&line, (EDGE, y), &text(11.5, GREY, Across::Left, Down::Top))?;
        }
        for (line, stages) in self.legend().into_iter().enumerate() {
            let (mut x, y) = (EDGE, LEGEND + LEGEND_LINE * line as f64);
            for stage in stages {
                sheet.area(corners(x, y, 12.0, 12.0), colour(stage), 1.0)?;
                sheet.text(stage.name(), (x + 18.0, y + 6.0), &text(12.0, INK, Across::Left, Down::Center))?;
                x += legend_width(stage);
            }
        }
        Ok(())
    }

    /// A bar: in its parts what they are, where there is room; at its end what they come to, and there the parts that had none.
    fn bar(&self, sheet: &Sheet<'_>, panel: &Panel, top: f64, means: &[f64]) -> Drawn {
        let middle = top + BAR / 2.0;
        let mut before = 0.0;
        let mut beside: Vec<Stage> = Vec::new();
        for stage in &self.stages {
            let value = means[*stage as usize];
            let (left, right) = (panel.at(before, 0.0).0, panel.at(before + value, 0.0).0);
            before += value;
            let fill = colour(*stage);
            // A thin gap tells parts apart whose colours are alike to some.
            let gap = if right - left > 3.0 { 0.7 } else { 0.0 };
            sheet.area(corners(left, top, right - left - gap, BAR), fill, 1.0)?;
            let label = self.number(value);
            if width_px(&label, VALUE_PX, false) + 4.0 < right - left {
                let style = text(VALUE_PX, ink_on(fill), Across::Center, Down::Center);
                sheet.text(&label, ((left + right) / 2.0, middle), &style)?;
            } else if !label.trim_matches(['0', '.']).is_empty() {
                beside.push(*stage);
            }
        }
        let (end, total) = (panel.at(before, 0.0).0 + 6.0, self.number(before));
        sheet.text(&total, (end, middle), &bold(TOTAL_PX, INK, Across::Left, Down::Center))?;
        let from = end + width_px(&total, TOTAL_PX, true) + 8.0;
        let to = panel.left
            + panel.width
            + if panel.left + panel.width + BETWEEN > WIDTH { RIGHT - 6.0 } else { BETWEEN - 6.0 };
        let words = self.beside(beside, means, |words| width_px(words, BESIDE_PX, false) <= to - from);
        if words.is_empty() {
            return Ok(());
        }
        sheet.text(&words, (from, middle), &text(BESIDE_PX, GREY, Across::Left, Down::Center))
    }

    /// The parts that had no room in their bar, in its order: the longest by name, as many as fit, and how many others there are.
    fn beside(&self, parts: Vec<Stage>, means: &[f64], fits: impl Fn(&str) -> bool) -> String {
        let ms = |stage: &Stage| means[*stage as usize];
        let mut by_length = parts.clone();
        by_length.sort_by(|a, b| ms(b).total_cmp(&ms(a)));
        let line = |named: usize| {
            let (named, others) = by_length.split_at(named);
            let own = parts.iter().filter(|stage| named.contains(stage));
            let own = own.map(|stage| format!("{} {}", stage.name(), self.number(ms(stage))));
            let more = match others {
                [] => None,
                [one] => Some(format!("1 more {}", self.number(ms(one)))),
                more => Some(format!("{} more {}", more.len(), self.number(more.iter().map(ms).sum()))),
            };
            own.chain(more).collect::<Vec<_>>().join(", ")
        };
        let most = (0..=parts.len()).rev().find(|named| fits(&line(*named)));
        line(most.unwrap_or(0))
    }

    fn number(&self, ms: f64) -> String {
        grouped(ms, if self.longest_ms >= 1000.0 { 0 } else { 1 })
    }
}

fn legend_width(stage: Stage) -> f64 {
    18.0 + width_px(stage.name(), 12.0, false) + 16.0
}

fn corners(left: f64, top: f64, width: f64, height: f64) -> [(f64, f64); 4] {
    [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
}

impl Drawing for Bars {
    fn size(&self) -> (u32, u32) {
        let panel = TITLE + self.panel_height() + BELOW;
        (WIDTH as u32, (self.top() + panel * self.rows() as f64 + AXIS_NAME) as u32)
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        self.heading(sheet)?;
        for (index, point) in self.panels.iter().enumerate() {
            let panel = self.panel(index);
            panel.grid(sheet)?;
            let (title, size) = fitted(&point.title, panel.width + 40.0, 13.0, true);
            sheet.text(&title, (panel.left, panel.top - 7.0), &bold(size, INK, Across::Left, Down::Bottom))?;
            for (place, (policy, means)) in self.policies.iter().zip(&point.bars).enumerate() {
                let top = panel.top + ROW * place as f64 + (ROW - BAR) / 2.0;
                if index < self.rows() {
                    let style = text(POLICY_PX, INK, Across::Right, Down::Center);
                    let name = fitted_to(policy, MOST_NAME, POLICY_PX);
                    sheet.text(&name, (panel.left - 8.0, top + BAR / 2.0), &style)?;
                }
                means.iter().try_for_each(|means| self.bar(sheet, &panel, top, means))?;
            }
            panel.x_labels(sheet, true)?;
            if index % self.rows() + 1 == self.rows() || index + 1 == self.panels.len() {
                let below = (panel.left + panel.width / 2.0, panel.bottom() + 24.0);
                let name = "mean end-to-end latency by stage, ms";
                sheet.text(name, below, &text(11.0, GREY, Across::Center, Down::Top))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use tables::{Kind, Lane, Phase, SpanRow, TableWriter};

    fn row(policy: &str, kind: Kind, lane: Lane, phase: Phase, [start_ns, duration_ns]: [u64; 2]) -> SpanRow {
        SpanRow {
            policy: policy.into(),
            dataset: "vqav2".into(),
            bandwidth_mbps: 400.0,
            spread: true,
            lane,
            kind,
            phase,
            start_ns,
            duration_ns,
            ..SpanRow::default()
        }
    }

    #[test]
    fn stages_are_means_over_the_spread_requests() {
        let cells = ["msao", "edge_only"].map(|policy| fixture::Cell::new(policy, "0.3", &[("e2e_ms_mean", &[1.0])]));
        let folder = fixture::folder(&cells);
        let mut log = TableWriter::create(&folder.path().join("spans.parquet")).expect("a file");
        let mut write = |row: SpanRow| log.write(row).expect("a row");
        for (request, ms) in [(0, 200_u64), (1, 400), (2, 9000)] {
            let spread = request < 2;
            let part = |kind: Kind, lane: Lane, phase: Phase, from: u64, to: u64| SpanRow {
                request,
                spread,
                ..row("msao", kind, lane, phase, [from * 1_000_000, (to - from) * 1_000_000])
            };
            write(part(Kind::Prefill, Lane::EdgeGpu, Phase::Running, 0, ms / 2));
            write(part(Kind::Prefill, Lane::EdgeGpu, Phase::Queued, ms / 2, ms - 1));
            write(part(Kind::Plan, Lane::EdgeCpu, Phase::Running, ms - 1, ms));
            write(part(Kind::Request, Lane::Request, Phase::Whole, 0, ms));
        }
        log.finish().expect("a file");
        let drawing = prepare(&Folder::new(folder.path())).expect("tables that can be read").expect("a figure");
        let svg = drawing::svg(&*drawing, FIGURE.title).expect("a drawing");
        let count = |text: &str| svg.matches(&format!("\n{text}\n")).count();
        // (100 + 200) / 2, (99 + 199) / 2, and 1 ms of planning, which has no room in the bar.
        for text in ["vqav2, 400 Mbps", "msao", "edge prefill", "150.0", "queue", "149.0", "300.0", "plan 1.0"] {
            assert_eq!(count(text), 1, "{text} in {svg}");
        }
        assert_eq!(count("wait for verdict"), 0, "what does not happen is not in the legend");
        assert!(svg.contains("Mean of 2 requests"), "{svg}");
    }
}
