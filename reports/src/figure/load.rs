//! `load`: latency against throughput as the load grows, a line for each policy through the points of a sweep over the load:
//! end-to-end latency in one panel, time to first token in the other; means solid, the 99th percentile dashed.

use super::layout::{Grid, Head, Sample, fitting, panel_title, x_title, y_title};
use super::places::{by_point, fixed, key_name};
use super::{Figure, Folder, Prepared};
use crate::effects::{Key, Points};
use crate::estimate::Estimate;
use drawing::{Across, At, Axis, Down, Drawing, Drawn, GREY, INK, Labels, Look, Panel, Sheet, stroke, text, width_px};
use tables::{Metric, RunRow};

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "load", title: "Latency against throughput as the load grows", needs: &[RunRow::DOC], prepare };

/// Fewer loads have no knee.
const LEAST_LOADS: usize = 3;

const SIZE: (u32, u32) = (1100, 560);

/// Width of what explains the two kinds of lines.
const KINDS: f64 = 240.0;

/// A panel: what it is called, its mean and its 99th percentile.
const PANELS: [(&str, [Metric; 2]); 2] = [
    ("end-to-end latency", [Metric::E2eMean, Metric::E2eP99]),
    ("time to first token", [Metric::TtftMean, Metric::TtftP99]),
];

struct Load {
    head: Head,
    looks: Vec<Look>,
    /// By panel, then by policy, then the mean and the 99th percentile.
    lines: Vec<Vec<[Vec<Step>; 2]>>,
    x: Axis,
    y: Axis,
}

/// A load: requests that are answered each second, and their latency.
#[derive(Clone, Debug)]
struct Step {
    label: String,
    per_s: f64,
    ms: Estimate,
}

fn prepare(folder: &Folder<'_>) -> Prepared {
    let runs = folder.runs()?;
    let points = Points::of(runs);
    let Some(load) = points.keys.iter().position(is_load) else { return Ok(None) };
    let (at, fixed) = fixed(&points, &[load]);
    let key = &points.keys[load];
    let mut at: Vec<usize> =
        at.into_iter().filter(|point| key.levels.numbers.is_some() && *point < points.count).collect();
    at.sort_by_key(|point| key.of_point[*point]);
    let per_s = runs.metric(Metric::RequestRate);
    let per_s = by_point(runs, &points, |cell| per_s.all_of(cell).map(|values| Estimate::of(&values).mean));
    let mut lines = Vec::new();
    for (_, metrics) in PANELS {
        let of = metrics.map(|metric| {
            let column = runs.metric(metric);
            by_point(runs, &points, |cell| column.all_of(cell).map(|values| Estimate::of(&values)))
        });
        let line = |policy: usize, values: &[Vec<Option<Estimate>>]| {
            let step = |point: &usize| {
                let (per_s, ms) = (per_s[policy][*point]?, values[policy][*point]?);
                Some(Step { label: key.levels.labels[key.of_point[*point]].clone(), per_s, ms })
            };
            at.iter().filter_map(step).collect::<Vec<_>>()
        };
        let policies = 0..points.policies.len();
        lines.push(policies.map(|policy| [line(policy, &of[0]), line(policy, &of[1])]).collect::<Vec<_>>());
    }
    if lines.iter().flatten().flatten().all(|line: &Vec<Step>| line.len() < LEAST_LOADS) {
        return Ok(None);
    }
    let steps = || lines.iter().flatten().flatten().flatten();
    let looks = folder.looks(&points.policies)?;
    let backlog = runs.metric(Metric::Backlog);
    let backlog = by_point(runs, &points, |cell| backlog.all_of(cell).map(|values| Estimate::of(&values).mean));
    let carries_all = |policy: usize| {
        let last = at.iter().rev().find_map(|point| backlog[policy][*point]);
        last.is_some_and(|growth| growth <= STAYS_PCT)
    };
    let open_ended: Vec<bool> = (0..points.policies.len()).map(carries_all).collect();
    let head = Head::new(SIZE.0, title(&points.policies, &lines[0], &open_ended), &how(&points, key, &fixed));
    Ok(Some(Box::new(Load {
        head: head.with_legend(&points.policies, &looks, Sample::LineAndPoint).with_room_behind(KINDS),
        looks,
        x: Axis::over(steps().map(|step| step.per_s), 7, true),
        y: Axis::log_over(steps().map(|step| step.ms.mean), 8),
        lines,
    })))
}

/// True if more of it is more work.
pub(super) fn is_load(key: &Key) -> bool {
    let name = &key.names[0];
    (name.starts_with("arrivals.") || name == "edge.count")
        && key.levels.numbers.is_some()
        && key.levels.texts.len() >= LEAST_LOADS
}

/// Per cent of the arrivals by which a backlog may grow where all of them are carried.
const STAYS_PCT: f64 = 2.0;

/// The title: the most that each policy carries while requests come; or more, where the greatest load is still carried.
fn title(policies: &[String], lines: &[[Vec<Step>; 2]], open_ended: &[bool]) -> String {
    let most = |line: &[Vec<Step>; 2]| line[0].iter().map(|step| step.per_s).fold(0.0, f64::max);
    let mut parts: Vec<(&String, f64, bool)> =
        policies.iter().zip(lines).zip(open_ended).map(|((name, line), open)| (name, most(line), *open)).collect();
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    let words =
        |(name, most, open): (&String, f64, bool)| format!("{name} {most:.1}{}", if open { " or more" } else { "" });
    let parts: Vec<String> = parts.into_iter().map(words).collect();
    let all = format!("Requests carried each second while they come, at most: {}", parts.join(", "));
    let ends = format!(
        "Requests carried each second while they come, at most: from {} to {}",
        parts[parts.len() - 1],
        parts[0]
    );
    fitting(SIZE.0, [all, ends])
}

fn how(points: &Points, key: &Key, fixed: &str) -> String {
    let intervals = match points.replications {
        1 => "One replication: no intervals.".to_owned(),
        more => format!("Bars: 95 % confidence over {more} replications."),
    };
    let unit = key.levels.unit.as_ref().map_or_else(String::new, |unit| format!(", {unit}"));
    let fixed = if fixed.is_empty() { String::new() } else { format!(" Fixed: {fixed}.") };
    format!(
        "Numbers at the points, where there is room: {}{unit}. Where a line goes straight up, more is asked than is carried; how high it goes says how \
         long that lasted. {intervals}{fixed}",
        key_name(key)
    )
}

impl Load {
    fn lines(&self, sheet: &Sheet<'_>, panel: &Panel, lines: &[[Vec<Step>; 2]]) -> Drawn {
        let at = |step: &Step| panel.at(step.per_s, step.ms.mean);
        for ([mean, p99], look) in lines.iter().zip(&self.looks) {
            sheet.dashed(&p99.iter().map(at).collect::<Vec<_>>(), stroke(look.colour, 1.3))?;
            sheet.line(mean.iter().map(at), stroke(look.colour, 2.0))?;
        }
        for ([mean, p99], look) in lines.iter().zip(&self.looks) {
            for step in mean.iter().chain(p99) {
                let ends = step.ms.interval().map(|ms| panel.at(step.per_s, ms.max(1e-6)));
                let ends = ends.map(|(x, y)| (x, y.clamp(panel.top, panel.bottom())));
                sheet.line(ends, stroke(look.colour, 1.1))?;
            }
            p99.iter().try_for_each(|step| sheet.open_marker(at(step), *look, 3.2))?;
            mean.iter().try_for_each(|step| sheet.marker(at(step), *look, 3.6))?;
        }
        self.labels(sheet, panel, lines)
    }

    /// The load at the means, where there is room.
    fn labels(&self, sheet: &Sheet<'_>, panel: &Panel, lines: &[[Vec<Step>; 2]]) -> Drawn {
        let mut labels = Labels::within(panel);
        let place = |step: &Step| -> At { panel.at(step.per_s, step.ms.mean) };
        for line in lines.iter().flatten() {
            line.iter().for_each(|step| labels.keep_free(place(step), 3.5));
            line.windows(2).for_each(|pair| labels.keep_line_free(place(&pair[0]), place(&pair[1])));
        }
        // First the policy that carries most: where another carries as much, one label does.
        let most = |line: &[Vec<Step>; 2]| line[0].iter().map(|step| step.per_s).fold(0.0, f64::max);
        let mut order: Vec<&[Vec<Step>; 2]> = lines.iter().collect();
        order.sort_by(|a, b| most(b).total_cmp(&most(a)));
        let mut labelled: Vec<(&str, f64)> = Vec::new();
        for step in order.into_iter().flat_map(|[mean, _]| mean) {
            let (label, x) = (step.label.as_str(), place(step).0);
            if labelled.iter().any(|(other, at)| *other == label && (at - x).abs() < 12.0) {
                continue;
            }
            if labels.put(sheet, label, place(step), 6.0, 10.0, false)? {
                labelled.push((label, x));
            }
        }
        Ok(())
    }
}

impl Drawing for Load {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        let (mut x, y) = self.head.draw(sheet)?;
        x += 14.0;
        for (label, dashed) in [("mean", false), ("99th percentile", true)] {
            let ends = [(x, y), (x + 22.0, y)];
            if dashed {
                sheet.dashed(&ends, stroke(GREY, 1.3))?
            } else {
                sheet.line(ends, stroke(GREY, 2.0))?
            }
            sheet.text(label, (x + 28.0, y), &text(12.5, INK, Across::Left, Down::Center))?;
            x += 28.0 + width_px(label, 12.5, false) + 16.0;
        }
        let edges = [86.0, 24.0, self.head.bottom() + 34.0, 56.0];
        let grid = Grid { size: SIZE, edges, between: (28.0, 0.0), columns: 2, count: 2 };
        for (index, (lines, (title, _))) in self.lines.iter().zip(PANELS).enumerate() {
            let panel = grid.panel(index, self.x.clone(), self.y.clone());
            panel.grid(sheet)?;
            panel_title(sheet, &panel, title)?;
            self.lines(sheet, &panel, lines)?;
            panel.x_labels(sheet, true)?;
            x_title(sheet, &panel, "requests answered each second")?;
            if grid.is_first(index) {
                panel.y_labels(sheet)?;
                y_title(sheet, &panel, "latency, ms", 12.5)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::figure::tests::{count, svg};
    use crate::fixture;

    const RATE: (&str, &[&str]) = ("arrivals.poisson.rate", &["2 /s", "4 /s", "16 /s"]);
    const POLICIES: [&str; 2] = ["cloud_only", "msao"];

    fn swept(key: (&str, &[&str])) -> tempfile::TempDir {
        // The cloud carries 3 requests a second more than replications differ by, msao 12.
        let per_s = |policy: usize, levels: &[usize]| Some([2.0f64, 4.0, 16.0][levels[0]].min([3.0, 12.0][policy]));
        let ms = |_: usize, levels: &[usize]| Some([800.0, 1200.0, 20_000.0][levels[0]]);
        // The cloud lags behind at the greatest load, msao does not.
        let backlog = |policy: usize, levels: &[usize]| Some(if policy == 0 && levels[0] == 2 { 80.0 } else { 0.1 });
        let metrics: [fixture::MetricOf<'_>; 6] = [
            ("requests_per_s", &per_s),
            ("backlog_growth_pct", &backlog),
            ("e2e_ms_mean", &ms),
            ("e2e_ms_p99", &ms),
            ("ttft_ms_mean", &ms),
            ("ttft_ms_p99", &ms),
        ];
        fixture::swept(&POLICIES, &[key], &metrics)
    }

    #[test]
    fn what_is_carried_is_said_and_points_have_their_load() {
        let figure = svg("load", swept(RATE).path()).expect("a figure");
        let title = "Requests carried each second while they come, at most: msao 12.0 or more, cloud_only 3.0";
        assert_eq!(count(&figure, title), 1, "{figure}");
        for text in ["end-to-end latency", "time to first token", "latency, ms", "mean", "99th percentile"] {
            assert_eq!(count(&figure, text), 1, "{text} in {figure}");
        }
        // In two panels: at 2 /s both carry as much, at 16 /s they do not. An axis has a 2 too.
        assert_eq!(count(&figure, "16"), 4, "{figure}");
        assert!(figure.contains("Numbers at the points, where there is room: arrival rate, /s."), "{figure}");
    }

    #[test]
    fn only_a_sweep_over_the_load_has_a_knee() {
        assert_eq!(svg("load", swept(("link.rtt", &["2 ms", "4 ms", "16 ms"])).path()), None);
        assert_eq!(svg("load", swept(("arrivals.poisson.rate", &["2 /s", "4 /s"])).path()), None);
        assert!(svg("load", swept(("edge.count", &["2", "4", "16"])).path()).is_some());
    }
}
