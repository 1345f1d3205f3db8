//! `tornado`: which assumption moves an answer most. For a sweep that varies one key at a time: a panel for each policy, a bar for each
//! key from the least to the greatest latency against the reference's that its values give, the longest bar first.

use super::break_even::{Ratio, ratios};
use super::layout::{Head, fitting, panel_title, x_title};
use super::places::key_name;
use super::{Figure, Folder, Prepared};
use crate::effects::Points;
use crate::reference::reference;
use crate::runs::Runs;
use drawing::{
    AXIS, Across, Axis, Down, Drawing, Drawn, GREY, GRID, INK, Panel, Sheet, WHITE, bold, diverging, grouped, stroke,
    text, width_px,
};
use tables::RunRow;

/// The line of the list.
pub(super) const FIGURE: Figure = Figure {
    name: "tornado",
    title: "Which assumption moves the latency of each policy most",
    needs: &[RunRow::DOC],
    prepare,
};

const WIDTH: u32 = 1180;

/// Keys with fewer are a table's.
const LEAST_KEYS: usize = 3;

const COLUMNS: usize = 2;

/// Height of a bar with the gap below it, and of a bar alone.
const ROW: f64 = 22.0;
const BAR: f64 = 12.0;

/// Left of a panel: the names of its keys.
const NAMES: f64 = 172.0;

/// Above and below the bars of a panel: its title; its axis and the axis' title.
const ABOVE: f64 = 34.0;
const BELOW: f64 = 56.0;

const LABEL_PX: f64 = 11.0;
const VALUE_PX: f64 = 10.0;

struct Tornado {
    head: Head,
    answers: Vec<Answer>,
    reference: String,
}

/// A policy's latency against the reference's, and what moves it.
struct Answer {
    policy: String,
    /// The ratio as the scenario has it.
    base: Ratio,
    /// By the range that they give, the widest first.
    bars: Vec<Bar>,
}

/// A key that was varied by itself.
struct Bar {
    name: String,
    /// Its values with their ratios, rising.
    values: Vec<(String, Ratio)>,
}

/// The assumptions that move a policy's latency against the reference's.
pub(crate) struct Moved {
    pub policy: String,
    /// The ratio as the scenario has it.
    pub times: f64,
    /// The assumption that moves it most, and those that turn it round.
    pub most: String,
    pub turned_by: Vec<String>,
    /// The number of all assumptions.
    pub of: usize,
}

/// The assumptions that move each answer; none where a sweep does not vary one key at a time.
pub(crate) fn moved(runs: &Runs) -> Option<Vec<Moved>> {
    let (_, answers) = answers(runs, &Points::of(runs))?;
    let told = |answer: Answer| {
        let turned = answer.bars.iter().filter(|bar| bar.turns(&answer.base)).map(|bar| bar.name.clone()).collect();
        let most = answer.bars.first()?.name.clone();
        Some(Moved {
            times: answer.base.mean.exp2(),
            most,
            turned_by: turned,
            of: answer.bars.len(),
            policy: answer.policy,
        })
    };
    answers.into_iter().map(told).collect()
}

fn prepare(folder: &Folder<'_>) -> Prepared {
    let runs = folder.runs()?;
    let points = Points::of(runs);
    let Some((reference, answers)) = answers(runs, &points) else { return Ok(None) };
    let head = Head::new(WIDTH, title(&answers), &how(&reference, points.replications));
    Ok(Some(Box::new(Tornado { head, answers, reference })))
}

/// The reference, and the answer about every other policy.
fn answers(runs: &Runs, points: &Points) -> Option<(String, Vec<Answer>)> {
    let alone = one_at_a_time(points)?;
    let reference = reference(&points.policies);
    let ratios = ratios(runs, points, reference)?;
    let others = (0..points.policies.len()).filter(|policy| *policy != reference);
    let answers: Vec<Answer> = others.filter_map(|policy| answer(points, policy, &ratios[policy], &alone)).collect();
    (!answers.is_empty()).then(|| (points.policies[reference].clone(), answers))
}

/// The keys of a sweep in which every point but the first differs from it in one of them, each with its points.
fn one_at_a_time(points: &Points) -> Option<Vec<(usize, Vec<usize>)>> {
    let mut alone: Vec<(usize, Vec<usize>)> = (0..points.keys.len()).map(|key| (key, Vec::new())).collect();
    for point in 1..points.count {
        let mut differs = points.keys.iter().enumerate().filter(|(_, key)| key.of_point[point] != key.of_point[0]);
        let (key, _) = differs.next()?;
        if differs.next().is_some() {
            return None;
        }
        alone[key].1.push(point);
    }
    (alone.len() >= LEAST_KEYS).then_some(alone)
}

/// A policy's bars; none if it has no latency at the first point.
fn answer(points: &Points, policy: usize, ratios: &[Option<Ratio>], alone: &[(usize, Vec<usize>)]) -> Option<Answer> {
    let base = *ratios.first()?.as_ref()?;
    let bar = |(key, at): &(usize, Vec<usize>)| {
        let key = &points.keys[*key];
        let value = |point: &usize| Some((key.levels.texts[key.of_point[*point]].clone(), ratios[*point]?));
        let mut values: Vec<(String, Ratio)> = at.iter().filter_map(value).collect();
        values.sort_by(|a, b| a.1.mean.total_cmp(&b.1.mean));
        (!values.is_empty()).then(|| Bar { name: key_name(key), values })
    };
    let mut bars: Vec<Bar> = alone.iter().filter_map(bar).collect();
    bars.sort_by(|a, b| b.range(&base).total_cmp(&a.range(&base)));
    Some(Answer { policy: points.policies[policy].clone(), base, bars })
}

impl Bar {
    /// The least and the greatest ratio, that of the scenario as it is among them.
    fn ends(&self, base: &Ratio) -> [f64; 2] {
        let (first, last) = (&self.values[0].1, &self.values[self.values.len() - 1].1);
        [first.mean.min(base.mean), last.mean.max(base.mean)]
    }

    fn range(&self, base: &Ratio) -> f64 {
        let [low, high] = self.ends(base);
        high - low
    }

    /// True if a value of it lets the other of the two win, beyond what replications differ by.
    fn turns(&self, base: &Ratio) -> bool {
        let wins = |ratio: &Ratio| match ratio.interval() {
            [_, high] if high < 0.0 => Some(true),
            [low, _] if low > 0.0 => Some(false),
            _ => None,
        };
        let base = wins(base);
        base.is_some() && self.values.iter().any(|(_, value)| wins(value).is_some_and(|wins| Some(wins) != base))
    }
}

impl Answer {
    fn turned_by(&self) -> usize {
        self.bars.iter().filter(|bar| bar.turns(&self.base)).count()
    }

    /// The title of its panel: the ratio, and how many of the assumptions turn it round.
    fn title(&self, reference: &str) -> String {
        let times = grouped(self.base.mean.exp2(), 2);
        let turned = match self.turned_by() {
            0 => "none turns it".to_owned(),
            1 => "1 turns it".to_owned(),
            more => format!("{more} turn it"),
        };
        format!("{}: {times} times {reference}; of {} assumptions {turned}", self.policy, self.bars.len())
    }
}

/// The key that moves each answer most.
fn title(answers: &[Answer]) -> String {
    let most = |answer: &Answer| Some(format!("{} by {}", answer.policy, answer.bars.first()?.name));
    let all: Vec<String> = answers.iter().filter_map(most).collect();
    let robust = answers.iter().filter(|answer| answer.turned_by() == 0).count();
    let short = format!("No assumption turns {robust} of {} answers", answers.len());
    fitting(WIDTH, [format!("Moved most: {}", all.join(", ")), short])
}

fn how(reference: &str, replications: usize) -> String {
    let sure = match replications {
        1 => "One replication: no intervals.".to_owned(),
        more => {
            format!("An answer is turned if 95 % intervals over {more} pairs of replications lie on either side of 1.")
        }
    };
    format!(
        "Mean end-to-end latency over that of {reference}. Each bar varies one assumption alone, and its ends name the values that \
         give them; the thick line is the scenario as it is. Left of the dashed line, blue, the policy is faster. {sure}"
    )
}

/// Ratios that are marked on the axis.
const MARKS: [f64; 13] = [0.03125, 0.0625, 0.125, 0.25, 0.5, 0.7, 1.0, 1.4, 2.0, 4.0, 8.0, 16.0, 32.0];

impl Tornado {
    fn panel(&self, index: usize) -> Panel {
        let tallest = self.answers.iter().map(|answer| answer.bars.len()).max().unwrap_or(0);
        let height = tallest as f64 * ROW;
        let whole = (f64::from(WIDTH) - 24.0) / COLUMNS as f64;
        let (column, row) = ((index % COLUMNS) as f64, (index / COLUMNS) as f64);
        Panel {
            left: column * whole + NAMES,
            top: self.head.bottom() + ABOVE + row * (height + ABOVE + BELOW),
            width: whole - NAMES - 4.0,
            height,
            x: self.axis(),
            y: Axis::between(0.0, tallest as f64, Vec::new()),
        }
    }

    /// One axis for all panels, with room for the names of values at both ends.
    fn axis(&self) -> Axis {
        let ends = self.answers.iter().flat_map(|answer| answer.bars.iter().map(|bar| bar.ends(&answer.base)));
        let (low, high) = ends.fold((0.0f64, 0.0f64), |(low, high), [least, most]| (low.min(least), high.max(most)));
        let room = 0.24 * (high - low).max(0.2);
        let (low, high) = (low - room, high + room);
        let wide = high - low > 5.0;
        let marks = MARKS.into_iter().filter(|times| !wide || times.log2().fract() == 0.0);
        let ticks = marks.filter(|times| (low..=high).contains(&times.log2()));
        Axis::between(low, high, ticks.map(|times| (times.log2(), times.to_string())).collect())
    }

    fn answer(&self, sheet: &Sheet<'_>, panel: &Panel, answer: &Answer) -> Drawn {
        let x = |ratio: f64| panel.at(ratio, 0.0).0;
        let bottom = panel.top + answer.bars.len() as f64 * ROW;
        panel.upright_grid(sheet)?;
        let rows = || answer.bars.iter().zip((0..).map(|row| panel.top + (f64::from(row) + 0.5) * ROW));
        rows().try_for_each(|(bar, middle)| self.bar(sheet, panel, (answer, bar), middle))?;
        sheet.dashed(&[(x(0.0), panel.top), (x(0.0), bottom)], stroke(INK, 1.2))?;
        sheet.line([(x(answer.base.mean), panel.top), (x(answer.base.mean), bottom)], stroke(INK, 2.2))?;
        rows().try_for_each(|(bar, middle)| values(sheet, panel, (answer, bar), middle))
    }

    /// A bar with its name: blue where the policy is faster, red where it is slower.
    fn bar(&self, sheet: &Sheet<'_>, panel: &Panel, (answer, bar): (&Answer, &Bar), middle: f64) -> Drawn {
        let x = |ratio: f64| panel.at(ratio, 0.0).0;
        let [low, high] = bar.ends(&answer.base);
        for (from, to, colour) in [(low, high.min(0.0), diverging(-0.55)), (low.max(0.0), high, diverging(0.55))] {
            if from < to {
                let (top, bottom) = (middle - BAR / 2.0, middle + BAR / 2.0);
                sheet.area([(x(from), top), (x(to), top), (x(to), bottom), (x(from), bottom)], colour, 1.0)?;
            }
        }
        sheet.line(
            [(panel.left, middle + ROW / 2.0), (panel.left + panel.width, middle + ROW / 2.0)],
            stroke(GRID, 0.6),
        )?;
        let style = if bar.turns(&answer.base) { bold } else { text };
        let at = (panel.left - 8.0, middle);
        sheet.text(
            &shortened(&bar.name, LABEL_PX, NAMES - 16.0),
            at,
            &style(LABEL_PX, INK, Across::Right, Down::Center),
        )
    }
}

/// The values at the ends of a bar, on white: the lines stop where they stand.
fn values(sheet: &Sheet<'_>, panel: &Panel, (answer, bar): (&Answer, &Bar), middle: f64) -> Drawn {
    let [low, high] = bar.ends(&answer.base).map(|end| panel.at(end, 0.0).0);
    let (first, last) = (&bar.values[0], &bar.values[bar.values.len() - 1]);
    // The axis has room for a quarter of its range at either end, and half of it for a value.
    let most = 0.15 * panel.width;
    let label = |value: &str, x: f64, across: Across| {
        let value = shortened(value, VALUE_PX, most);
        let value = value.as_str();
        let width = width_px(value, VALUE_PX, false);
        let left = if matches!(across, Across::Left) { x } else { x - width };
        let (top, bottom) = (middle - BAR / 2.0, middle + BAR / 2.0);
        let (left, right) = (left - 1.5, left + width + 1.5);
        sheet.area([(left, top), (right, top), (right, bottom), (left, bottom)], WHITE, 1.0)?;
        sheet.text(value, (x, middle), &text(VALUE_PX, GREY, across, Down::Center))
    };
    if first.1.mean < answer.base.mean {
        label(&first.0, low - 6.0, Across::Right)?;
    }
    if last.1.mean > answer.base.mean {
        label(&last.0, high + 6.0, Across::Left)?;
    }
    Ok(())
}

/// A text that is no wider; a longer one ends with dots.
fn shortened(whole: &str, pixels: f64, width: f64) -> String {
    let fits = |text: &str| width_px(text, pixels, true) <= width;
    let ends = whole.char_indices().map(|(end, _)| end).rev();
    let shorter = || ends.map(|end| format!("{}…", &whole[..end])).find(|short| fits(short));
    if fits(whole) { whole.to_owned() } else { shorter().unwrap_or_default() }
}

impl Drawing for Tornado {
    fn size(&self) -> (u32, u32) {
        let last = self.panel(self.answers.len() - 1);
        (WIDTH, (last.bottom() + BELOW).ceil() as u32)
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        self.head.draw(sheet)?;
        for (index, answer) in self.answers.iter().enumerate() {
            let panel = self.panel(index);
            panel_title(sheet, &panel, &answer.title(&self.reference))?;
            self.answer(sheet, &panel, answer)?;
            panel.x_labels(sheet, true)?;
            sheet
                .line([(panel.left, panel.bottom()), (panel.left + panel.width, panel.bottom())], stroke(AXIS, 0.8))?;
            if index + COLUMNS >= self.answers.len() {
                x_title(sheet, &panel, &format!("latency, times {}'s", self.reference))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::figure::tests::{count, svg};
    use crate::fixture::{self, Cell};
    use tempfile::TempDir;

    const KEYS: [&str; 3] = ["link.transport", "tokens.iid", "edge.engine"];

    /// Points with these values of the keys, and the latencies of `cloud_only` and of `msao` there.
    fn folder(points: &[([&'static str; 3], [f64; 2])]) -> TempDir {
        let cell = |values: &[&'static str; 3], policy: &'static str, ms: f64| {
            let at: Vec<(&str, &str)> = KEYS.into_iter().zip(*values).collect();
            Cell::new(policy, "0.3", &[("e2e_ms_mean", &[ms, ms * 1.001])]).at(&at)
        };
        let both = |(values, [cloud, msao]): &([&'static str; 3], [f64; 2])| {
            [cell(values, "cloud_only", *cloud), cell(values, "msao", *msao)]
        };
        fixture::folder(&points.iter().flat_map(both).collect::<Vec<_>>())
    }

    #[test]
    fn the_widest_bar_is_first_and_what_turns_the_answer_is_counted() {
        let as_is = ["tcp", "", "vllm"];
        let points = [
            (as_is, [100.0, 120.0]),
            (["ideal", "", "vllm"], [90.0, 120.0]),
            (["tcp", "50 %", "vllm"], [100.0, 160.0]),
            (["tcp", "95 %", "vllm"], [100.0, 80.0]),
            (["tcp", "", "hf"], [100.0, 121.0]),
        ];
        let figure = svg("tornado", folder(&points).path()).expect("a figure");
        let place = |text: &str| figure.find(&format!("\n{text}\n")).unwrap_or_else(|| panic!("no {text} in {figure}"));
        assert!(["acceptance", "transport", "edge engine"].map(place).is_sorted(), "{figure}");
        assert_eq!(count(&figure, "msao: 1.20 times cloud_only; of 3 assumptions 1 turns it"), 1, "{figure}");
        assert_eq!(count(&figure, "Moved most: msao by acceptance"), 1, "{figure}");
        assert_eq!(["50 %", "95 %", "ideal", "hf"].map(|value| count(&figure, value)), [1; 4], "{figure}");
    }

    #[test]
    fn a_grid_has_none() {
        let points = [
            (["tcp", "", "vllm"], [100.0, 120.0]),
            (["ideal", "50 %", "vllm"], [90.0, 120.0]),
            (["tcp", "50 %", "vllm"], [100.0, 160.0]),
            (["tcp", "", "hf"], [100.0, 121.0]),
        ];
        assert_eq!(svg("tornado", folder(&points).path()), None, "two keys differ at a point");
    }
}
