//! `slo`: share of requests that met the limits of `[slo]`, and how many of them each second, as the load grows; a line for each policy
//! through the points of a sweep over the load.

use super::layout::{Grid, Head, Sample, fitting, panel_title, x_title};
use super::load::is_load;
use super::places::{by_point, fixed, key_title};
use super::{Figure, Folder, Prepared};
use crate::effects::{Key, Points};
use crate::estimate::Estimate;
use crate::natural::{Levels, Spacing};
use crate::runs::Runs;
use drawing::{Axis, Drawing, Drawn, Look, Panel, Sheet, grouped, stroke};
use tables::{Metric, RunRow};

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "slo", title: "SLO attainment and goodput over the load", needs: &[RunRow::DOC], prepare };

const SIZE: (u32, u32) = (1100, 520);

/// The metric of each panel.
const PANELS: [Metric; 2] = [Metric::Attainment, Metric::Goodput];

/// More loads than this do not each have a tick.
const MOST_TICKS: usize = 8;

/// Share of requests from which on a policy is said to meet the limits, per cent.
const MET_PCT: f64 = 99.0;

struct Slo {
    head: Head,
    looks: Vec<Look>,
    /// By panel, then by policy: the load and the metric there.
    lines: Vec<Vec<Vec<(f64, Estimate)>>>,
    x: Axis,
    key: String,
}

fn prepare(folder: &Folder<'_>) -> Prepared {
    let runs = folder.runs()?;
    let points = Points::of(runs);
    let Some(load) = points.keys.iter().position(is_load) else { return Ok(None) };
    let key = &points.keys[load];
    let (at, fixed) = fixed(&points, &[load]);
    let Some(loads) = Loads::of(runs, &points, key) else { return Ok(None) };
    let line = |metric: Metric| {
        let column = runs.metric(metric);
        let values = by_point(runs, &points, |cell| column.all_of(cell).map(|values| Estimate::of(&values)));
        let own = |policy: &Vec<Option<Estimate>>| {
            let value = |point: &usize| Some((loads.of_point[*point]?, policy[*point]?));
            let mut line: Vec<(f64, Estimate)> = at.iter().filter_map(value).collect();
            line.sort_by(|a, b| a.0.total_cmp(&b.0));
            line
        };
        values.iter().map(own).collect::<Vec<_>>()
    };
    let lines = PANELS.map(line).to_vec();
    if lines.iter().flatten().all(Vec::is_empty) {
        return Ok(None);
    }
    let looks = folder.looks(&points.policies)?;
    let head = Head::new(SIZE.0, title(&points, key, &lines[0]), &how(&points, &fixed));
    Ok(Some(Box::new(Slo {
        head: head.with_legend(&points.policies, &looks, Sample::LineAndPoint),
        looks,
        lines,
        x: loads.axis(),
        key: key_title(key),
    })))
}

/// The loads of the points as they were asked for: a search looks at so many that the key's own values are bins.
struct Loads {
    levels: Levels,
    /// By point.
    of_point: Vec<Option<f64>>,
}

impl Loads {
    fn of(runs: &Runs, points: &Points, key: &Key) -> Option<Self> {
        let column = runs.keys.iter().position(|name| *name == key.names[0])?;
        let texts = by_point(runs, points, |cell| Some(cell.values[column].clone()));
        let levels = Levels::of(texts.iter().flatten().flatten().map(String::as_str));
        let numbers = levels.numbers.as_ref()?;
        let of = |point: usize| {
            let text = texts.iter().find_map(|policy| policy[point].as_ref())?;
            levels.texts.iter().position(|level| level == text).map(|level| numbers[level])
        };
        Some(Self { of_point: (0..points.count).map(of).collect(), levels })
    }

    fn axis(&self) -> Axis {
        let numbers = self.levels.numbers.as_deref().unwrap_or_default();
        if numbers.len() > MOST_TICKS {
            return Axis::log_over(numbers.iter().copied(), MOST_TICKS);
        }
        let ticks = numbers.iter().copied().zip(self.levels.labels.iter().cloned()).collect();
        Axis::at(ticks, self.levels.spacing() == Spacing::Log, 0.05)
    }
}

/// The title: up to which load each policy meets the limits.
fn title(points: &Points, key: &Key, attainment: &[Vec<(f64, Estimate)>]) -> String {
    let unit = key.levels.unit.as_ref().map_or_else(String::new, |unit| format!(" {unit}"));
    let most = |line: &Vec<(f64, Estimate)>| {
        let kept = line.iter().take_while(|(_, share)| share.mean >= MET_PCT);
        kept.last().map_or_else(|| "at no load".to_owned(), |(load, _)| format!("up to {load}{unit}"))
    };
    let pairs = points.policies.iter().zip(attainment).filter(|(_, line)| !line.is_empty());
    let parts: Vec<String> = pairs.map(|(policy, line)| format!("{policy} {}", most(line))).collect();
    let long = format!("SLO met by {MET_PCT} % of requests: {}", parts.join(", "));
    fitting(SIZE.0, [long, format!("{} of {} policies", FIGURE.title, parts.len()), FIGURE.title.to_owned()])
}

fn how(points: &Points, fixed: &str) -> String {
    let intervals = match points.replications {
        1 => "One replication: no intervals.".to_owned(),
        more => format!("Bars: 95 % confidence over {more} replications."),
    };
    let fixed = if fixed.is_empty() { String::new() } else { format!(" Fixed: {fixed}.") };
    format!("A request meets the SLO if it meets every limit of [slo]; rejected ones miss it. {intervals}{fixed}")
}

impl Slo {
    fn lines(&self, sheet: &Sheet<'_>, panel: &Panel, lines: &[Vec<(f64, Estimate)>]) -> Drawn {
        for (line, look) in lines.iter().zip(&self.looks) {
            sheet.line(line.iter().map(|(load, value)| panel.at(*load, value.mean)), stroke(look.colour, 2.0))?;
        }
        for (line, look) in lines.iter().zip(&self.looks) {
            for (load, value) in line {
                let ends = value.interval().map(|end| panel.at(*load, end));
                let ends = ends.map(|(x, y)| (x, y.clamp(panel.top, panel.bottom())));
                sheet.line(ends, stroke(look.colour, 1.1))?;
                sheet.marker(panel.at(*load, value.mean), *look, 3.6)?;
            }
        }
        Ok(())
    }
}

impl Drawing for Slo {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        self.head.draw(sheet)?;
        let edges = [64.0, 24.0, self.head.bottom() + 34.0, 58.0];
        let grid = Grid { size: SIZE, edges, between: (70.0, 0.0), columns: 2, count: 2 };
        for (index, (lines, metric)) in self.lines.iter().zip(PANELS).enumerate() {
            let y = match metric.doc().unit {
                "%" => Axis::between(0.0, 103.0, (0..=5).map(|fifth| 20.0 * f64::from(fifth)).map(tick).collect()),
                _ => Axis::over(lines.iter().flatten().map(|(_, value)| value.mean), 6, true),
            };
            let panel = grid.panel(index, self.x.clone(), y);
            panel.grid(sheet)?;
            panel_title(sheet, &panel, metric.doc().axis)?;
            self.lines(sheet, &panel, lines)?;
            panel.x_labels(sheet, true)?;
            panel.y_labels(sheet)?;
            x_title(sheet, &panel, &self.key)?;
        }
        Ok(())
    }
}

fn tick(value: f64) -> (f64, String) {
    (value, grouped(value, 0))
}

#[cfg(test)]
mod tests {
    use crate::figure::tests::{count, svg};
    use crate::fixture;

    const RATE: (&str, &[&str]) = ("arrivals.poisson.rate", &["2 /s", "4 /s", "16 /s"]);

    #[test]
    fn the_load_up_to_which_the_slo_is_met_is_said() {
        let met = |policy: usize, levels: &[usize]| Some([[100.0, 40.0, 10.0], [100.0, 99.9, 60.0]][policy][levels[0]]);
        let good = |policy: usize, levels: &[usize]| Some([2.0, 4.0, 9.0][levels[0]] + policy as f64);
        let metrics: [fixture::MetricOf<'_>; 2] = [("slo_attainment_pct", &met), ("goodput_requests_per_s", &good)];
        let folder = fixture::swept(&["cloud_only", "msao"], &[RATE], &metrics);
        let figure = svg("slo", folder.path()).expect("a figure");
        let title = "SLO met by 99 % of requests: cloud_only up to 2 /s, msao up to 4 /s";
        for text in [title, "requests that met the SLO, %", "requests that met the SLO, requests/s"] {
            assert_eq!(count(&figure, text), 1, "{text} in {figure}");
        }
        assert_eq!(count(&figure, "arrival rate, /s"), 2, "{figure}");
    }

    #[test]
    fn without_limits_or_loads_there_is_nothing_to_draw() {
        let ms = |_: usize, _: &[usize]| Some(800.0);
        assert_eq!(svg("slo", fixture::swept(&["msao"], &[RATE], &[("e2e_ms_mean", &ms)]).path()), None);
        let rtt = ("link.rtt", ["1 ms", "5 ms", "9 ms"].as_slice());
        let folder = fixture::swept(&["msao"], &[rtt], &[("slo_attainment_pct", &ms)]);
        assert_eq!(svg("slo", folder.path()), None);
    }
}
