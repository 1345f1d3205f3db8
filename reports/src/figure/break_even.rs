//! `break_even`: where a policy is faster than the reference, over the two numbers of a sweep that matter most: a heat map for each
//! policy, the ratio of the latencies in each cell, and the line along which both are as fast.

use super::contour::zero_line;
use super::layout::{Grid, Head, Sample, panel_title, x_title, y_title};
use super::places::{by_cell, by_point, fixed, key_title};
use super::{Figure, Folder, Prepared};
use crate::effects::{Points, effect};
use crate::estimate::Estimate;
use crate::reference::reference;
use crate::runs::Runs;
use drawing::{
    AXIS, Across, Axis, Down, Drawing, Drawn, GREY, GRID, INK, Look, Marker, Panel, Sheet, WHITE, bold, diverging,
    grouped, ink_on, stroke, text, upright, width_px,
};
use tables::{Metric, RunRow};

/// The line of the list.
pub(super) const FIGURE: Figure = Figure {
    name: "break_even",
    title: "Where each policy is faster than the reference",
    needs: &[RunRow::DOC],
    prepare,
};

const MOST_PANELS: usize = 6;

/// Fewer cells than this are a table's.
const LEAST_CELLS: usize = 6;

/// Least share of a grid's cells that must be there.
const LEAST_FILLED: f64 = 0.5;

/// Right of the panels: the scale of colours.
const RIGHT: f64 = 104.0;

struct BreakEven {
    head: Head,
    panels: Vec<Heat>,
    x: Vec<(f64, String)>,
    y: Vec<(f64, String)>,
    titles: [String; 2],
    reference: String,
    /// The logarithm to base 2 of the ratio at which colours end.
    limit: f64,
}

/// A policy's map.
struct Heat {
    policy: String,
    /// By row, then by column.
    cells: Vec<Vec<Option<Ratio>>>,
}

/// Logarithm to base 2 of latency over the reference's, over pairs of replications.
pub(super) type Ratio = Estimate;

fn prepare(folder: &Folder<'_>) -> Prepared {
    let runs = folder.runs()?;
    let points = Points::of(runs);
    let reference = reference(&points.policies);
    let Some(ratios) = ratios(runs, &points, reference) else { return Ok(None) };
    let Some([x, y]) = pair(&points, &ratios) else { return Ok(None) };
    let (at, fixed) = fixed(&points, &[x, y]);
    let maps = (0..points.policies.len()).filter(|policy| *policy != reference);
    let maps: Option<Vec<Heat>> = maps.map(|policy| heat(&points, policy, &ratios[policy], &at, [x, y])).collect();
    let Some(mut panels) = maps.filter(|panels| panels.iter().any(|panel| panel.is_filled())) else { return Ok(None) };
    panels.retain(Heat::is_filled);
    let more = panels.len().saturating_sub(MOST_PANELS);
    panels.truncate(MOST_PANELS);
    let ticks = |key: usize| (0..).map(f64::from).zip(points.keys[key].levels.labels.iter().cloned()).collect();
    let reference = points.policies[reference].clone();
    let look = Look::plain(INK, Marker::Circle);
    let head = Head::new(size(panels.len()).0, title(&panels, &reference), &how(&points, &reference, &fixed, more));
    Ok(Some(Box::new(BreakEven {
        head: head.with_legend(&[format!("as fast as {reference}")], &[look], Sample::Line),
        limit: limit(&panels),
        panels,
        x: ticks(x),
        y: ticks(y),
        titles: [key_title(&points.keys[x]), key_title(&points.keys[y])],
        reference,
    })))
}

/// The ratio of each policy at each point.
pub(super) fn ratios(runs: &Runs, points: &Points, reference: usize) -> Option<Vec<Vec<Option<Ratio>>>> {
    let column = runs.metric(Metric::E2eMean);
    let logs = |values: Vec<f64>| values.into_iter().map(f64::log2).collect::<Vec<f64>>();
    let logs = by_point(runs, points, |cell| column.all_of(cell).map(logs));
    let base = logs.get(reference)?;
    let ratio = |(now, base): (&Option<Vec<f64>>, &Option<Vec<f64>>)| {
        let (now, base) = (now.as_ref()?, base.as_ref()?);
        (now.len() == base.len()).then(|| Estimate::paired(now, base))
    };
    Some(logs.iter().map(|policy| policy.iter().zip(base).map(ratio).collect()).collect())
}

/// The two numbers that matter most for where the ratios lie, in their order.
pub(super) fn pair(points: &Points, ratios: &[Vec<Option<Ratio>>]) -> Option<[usize; 2]> {
    let weight = |key: usize| {
        let effects = ratios.iter().map(|policy| {
            let means: Vec<Option<f64>> = policy.iter().map(|ratio| ratio.map(|ratio| ratio.mean)).collect();
            effect(&points.keys[key], &means)
        });
        effects.map(|effect| effect.share.unwrap_or(0.0) * effect.variance).fold(0.0, f64::max)
    };
    let numbers = (0..points.keys.len()).filter(|key| points.keys[*key].levels.numbers.is_some());
    let mut numbers: Vec<(usize, f64)> = numbers.map(|key| (key, weight(key))).collect();
    numbers.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut pair = [numbers.first()?.0, numbers.get(1)?.0];
    pair.sort_unstable();
    let cells: usize = pair.iter().map(|key| points.keys[*key].levels.texts.len()).product();
    (cells >= LEAST_CELLS).then_some(pair)
}

/// A policy's cells at these points; none if two points would be in one cell.
fn heat(points: &Points, policy: usize, ratios: &[Option<Ratio>], at: &[usize], [x, y]: [usize; 2]) -> Option<Heat> {
    let cells = by_cell(points, at, [x, y], |point| ratios[point])?;
    Some(Heat { policy: points.policies[policy].clone(), cells })
}

impl Heat {
    fn is_filled(&self) -> bool {
        let all: usize = self.cells.iter().map(Vec::len).sum();
        self.ratios().count() as f64 >= LEAST_FILLED * all as f64
    }

    fn ratios(&self) -> impl Iterator<Item = Ratio> {
        self.cells.iter().flatten().flatten().copied()
    }
}

/// At how many points each is faster.
fn title(panels: &[Heat], reference: &str) -> String {
    let part = |panel: &Heat| {
        let faster = panel.ratios().filter(|ratio| ratio.mean < 0.0).count();
        format!("{} at {faster} of {}", panel.policy, panel.ratios().count())
    };
    format!("Faster than {reference}: {} points", panels.iter().map(part).collect::<Vec<_>>().join(", "))
}

fn how(points: &Points, reference: &str, fixed: &str, more: usize) -> String {
    let intervals = match points.replications {
        1 => "One replication: no intervals.".to_owned(),
        more => format!("A ~ before the number: not to be told from 1 (95 % of {more} pairs of replications)."),
    };
    let fixed = if fixed.is_empty() { String::new() } else { format!(" Fixed: {fixed}.") };
    let more = if more == 0 { String::new() } else { format!(" {more} more policies are not shown.") };
    format!(
        "Numbers: mean end-to-end latency over that of {reference} at the same point; below 1, blue, the policy is faster. \
         {intervals}{fixed}{more}"
    )
}

/// The largest ratio, as colours know it: a whole quarter of a doubling, one at least, three doublings at most.
fn limit(panels: &[Heat]) -> f64 {
    let largest = panels.iter().flat_map(Heat::ratios).map(|ratio| ratio.mean.abs()).fold(0.0, f64::max);
    ((4.0 * largest).ceil() / 4.0).clamp(0.25, 3.0)
}

fn size(panels: usize) -> (u32, u32) {
    match panels {
        1 => (760, 560),
        2 => (1100, 540),
        3 => (1200, 480),
        _ => (1200, 820),
    }
}

/// A ratio in two or three digits.
fn number(ratio: &Ratio) -> String {
    let [low, high] = ratio.interval();
    let unsure = if ratio.ci95.is_some() && low < 0.0 && high > 0.0 { "~" } else { "" };
    let times = ratio.mean.exp2();
    format!("{unsure}{}", grouped(times, if times < 9.95 { 2 } else { 0 }))
}

/// Ratios that are named beside the scale.
fn marks_of(limit: f64) -> Vec<f64> {
    let all: &[f64] = match limit {
        wide if wide > 2.0 => &[0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0],
        middle if middle > 0.8 => &[0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0],
        _ => &[0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.4, 1.6],
    };
    all.iter().copied().filter(|times| times.log2().abs() <= limit).collect()
}

impl BreakEven {
    fn grid(&self) -> Grid {
        let count = self.panels.len();
        let edges = [84.0, RIGHT, self.head.bottom() + 34.0, 58.0];
        Grid {
            size: self.size(),
            edges,
            between: (28.0, 62.0),
            columns: if count == 4 { 2 } else { count.min(3) },
            count,
        }
    }

    fn cells(&self, sheet: &Sheet<'_>, panel: &Panel, heat: &Heat) -> Drawn {
        let rows = heat.cells.iter().enumerate();
        let cells = rows.flat_map(|(y, row)| row.iter().enumerate().map(move |(x, cell)| (x as f64, y as f64, cell)));
        let colour = |cell: &Option<Ratio>| cell.map_or(GRID, |ratio| diverging(ratio.mean / self.limit));
        for (x, y, cell) in cells.clone() {
            let corners = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)];
            sheet.area(corners.map(|(right, up)| panel.at(x + right, y + up)), colour(cell), 1.0)?;
        }
        let values = |row: &Vec<Option<Ratio>>| row.iter().map(|ratio| ratio.map(|ratio| ratio.mean)).collect();
        let line = zero_line(&heat.cells.iter().map(values).collect::<Vec<_>>());
        for style in [stroke(WHITE, 4.4), stroke(INK, 2.2)] {
            line.iter().try_for_each(|ends| sheet.line(ends.map(|(x, y)| panel.at(x, y)), style))?;
        }
        let Some(size) = self.text_px(panel) else { return Ok(()) };
        for (x, y, cell) in cells {
            let (at, colour) = (panel.at(x, y), colour(cell));
            let Some(label) = cell.as_ref().map(number) else { continue };
            // The line is broken where the number stands.
            let (right, down) = (width_px(&label, size, false) / 2.0 + 2.0, size / 2.0 + 0.5);
            let corners = [(-right, -down), (right, -down), (right, down), (-right, down)];
            sheet.area(corners.map(|(x, y)| (at.0 + x, at.1 + y)), colour, 1.0)?;
            sheet.text(&label, at, &text(size, ink_on(colour), Across::Center, Down::Center))?;
        }
        Ok(())
    }

    /// The size of the numbers, if there is room for them.
    fn text_px(&self, panel: &Panel) -> Option<f64> {
        let room = (panel.width / self.x.len() as f64 - 4.0, panel.height / self.y.len() as f64 - 3.0);
        let numbers = self.panels.iter().flat_map(Heat::ratios).map(|ratio| number(&ratio));
        let widest = numbers.map(|number| width_px(&number, 1.0, false)).fold(0.0, f64::max);
        [12.0, 11.0, 10.0, 9.0, 8.0].into_iter().find(|size| widest * size <= room.0 && *size <= room.1)
    }

    /// The scale of colours, right of the panels.
    fn scale(&self, sheet: &Sheet<'_>, top: f64, bottom: f64) -> Drawn {
        const SLICES: usize = 64;
        let (left, right) = (f64::from(self.size().0) - RIGHT + 26.0, f64::from(self.size().0) - RIGHT + 42.0);
        let y = |share: f64| bottom + (top - bottom) * (share + 1.0) / 2.0;
        for slice in 0..SLICES {
            let [low, high] = [slice, slice + 1].map(|edge| 2.0 * edge as f64 / SLICES as f64 - 1.0);
            let corners = [(left, y(low)), (right, y(low)), (right, y(high)), (left, y(high))];
            sheet.area(corners, diverging((low + high) / 2.0), 1.0)?;
        }
        sheet.line([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], stroke(AXIS, 0.8))?;
        for times in marks_of(self.limit) {
            let (share, label) = (times.log2() / self.limit, format!("{times}"));
            sheet.line([(right, y(share)), (right + 3.0, y(share))], stroke(AXIS, 1.0))?;
            sheet.text(&label, (right + 6.0, y(share)), &text(10.5, GREY, Across::Left, Down::Center))?;
        }
        let title = upright(&bold(11.0, INK, Across::Center, Down::Bottom));
        let at = (f64::from(self.size().0) - 12.0, (top + bottom) / 2.0);
        sheet.text(&format!("latency, times {}'s", self.reference), at, &title)
    }
}

impl Drawing for BreakEven {
    fn size(&self) -> (u32, u32) {
        size(self.panels.len())
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        self.head.draw(sheet)?;
        let grid = self.grid();
        let axis = |ticks: &[(f64, String)]| Axis::between(-0.5, ticks.len() as f64 - 0.5, ticks.to_vec());
        let mut range = (f64::INFINITY, 0.0f64);
        for (index, heat) in self.panels.iter().enumerate() {
            let panel = grid.panel(index, axis(&self.x), axis(&self.y));
            range = (range.0.min(panel.top), range.1.max(panel.bottom()));
            panel_title(sheet, &panel, &heat.policy)?;
            self.cells(sheet, &panel, heat)?;
            panel.x_labels(sheet, true)?;
            if grid.is_first(index) {
                panel.y_labels(sheet)?;
                y_title(sheet, &panel, &self.titles[1], 12.5)?;
            }
            if grid.is_lowest(index) {
                x_title(sheet, &panel, &self.titles[0])?;
            }
        }
        self.scale(sheet, range.0, range.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::tests::{count, svg};
    use crate::fixture;

    const RTT: (&str, &[&str]) = ("link.rtt", &["1 ms", "5 ms", "20 ms"]);
    const IID: (&str, &[&str]) = ("tokens.iid", &["70 %", "85 %", "99 %"]);
    const POLICIES: [&str; 2] = ["cloud_only", "speculative"];

    /// Twice as slow at the longest round trip, twice as fast at the others; far above what replications differ by.
    fn e2e(policy: usize, levels: &[usize]) -> Option<f64> {
        Some(1e6 * if policy == 0 { 1.0 } else { [0.5, 0.5, 2.0][levels[0]] * [1.02, 1.01, 1.0][levels[1]] })
    }

    #[test]
    fn cells_have_the_ratio_and_the_title_counts_them() {
        let folder = fixture::swept(&POLICIES, &[RTT, IID], &[("e2e_ms_mean", &e2e)]);
        let figure = svg("break_even", folder.path()).expect("a figure");
        let counts = ["0.50", "0.51", "2.00", "2.02", "2.04"].map(|ratio| count(&figure, ratio));
        assert_eq!(counts, [4, 2, 1, 1, 1], "0.505 is even: {figure}");
        assert_eq!(count(&figure, "Faster than cloud_only: speculative at 6 of 9 points"), 1, "{figure}");
        let place = |text: &str| figure.find(&format!("\n{text}\n")).unwrap_or_else(|| panic!("no {text} in {figure}"));
        let order = ["as fast as cloud_only", "speculative", "round trip, ms", "latency, times cloud_only&apos;s"];
        assert!(order.map(place).is_sorted(), "{figure}");
        place("acceptance, %");
    }

    #[test]
    fn of_three_numbers_the_least_is_fixed() {
        let window = ("policy.speculative.window", ["1", "2", "3"].as_slice());
        let folder = fixture::swept(
            &POLICIES,
            &[RTT, window, IID],
            &[("e2e_ms_mean", &|policy, levels| e2e(policy, &[levels[0], levels[2]]))],
        );
        let figure = svg("break_even", folder.path()).expect("a figure");
        assert!(figure.contains("Fixed: window 2."), "{figure}");
        assert_eq!(count(&figure, "Faster than cloud_only: speculative at 6 of 9 points"), 1, "{figure}");
    }

    #[test]
    fn what_cannot_be_told_from_one_says_so() {
        let numbers = [(0.01, Some(0.5)), (0.01, Some(0.005)), (-1.0, None), (4.0, Some(9.0))];
        let numbers = numbers.map(|(mean, ci95)| number(&Estimate { mean, ci95 }));
        assert_eq!(numbers, ["~1.01", "1.01", "0.50", "~16"]);
    }

    #[test]
    fn one_number_or_one_policy_has_no_map() {
        let one_key = fixture::swept(&POLICIES, &[RTT], &[("e2e_ms_mean", &e2e_of_one)]);
        assert_eq!(svg("break_even", one_key.path()), None);
        let one_policy = fixture::swept(&["speculative"], &[RTT, IID], &[("e2e_ms_mean", &e2e)]);
        assert_eq!(svg("break_even", one_policy.path()), None);
        let words = ("policy.speculative.draft", ["blocking", "pipelined", "other"].as_slice());
        let in_words = fixture::swept(&POLICIES, &[RTT, words], &[("e2e_ms_mean", &e2e)]);
        assert_eq!(svg("break_even", in_words.path()), None);
    }

    fn e2e_of_one(_: usize, levels: &[usize]) -> Option<f64> {
        Some(100.0 + levels[0] as f64)
    }

    #[test]
    fn the_scale_names_ratios_within_it() {
        for limit in [0.25, 0.5, 0.75, 1.0, 2.0, 2.5, 3.0] {
            let marks = marks_of(limit);
            assert!(marks.len() >= 3 && marks.len() <= 9 && marks.contains(&1.0), "{limit}: {marks:?}");
            assert!(marks.iter().all(|times| times.log2().abs() <= limit), "{limit}: {marks:?}");
        }
    }
}
