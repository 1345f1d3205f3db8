//! `wire`: bytes on the wire for each token of the answer, up and down, a row for each policy, a panel for each place. The input is
//! in it: it is sent too. What goes up beside the input, drafts and states, has a mark of its own where a policy that drafts
//! nothing sent the same input of the same requests.

use super::beside_input;
use super::layout::{Grid, Head, fitting, panel_title, x_title};
use super::places::{Places, by_point, fixed};
use super::{Figure, Folder, Prepared};
use crate::effects::Points;
use crate::estimate::Estimate;
use crate::numbers::short;
use crate::reference::REFERENCE;
use crate::runs::{Cell, Runs};
use drawing::{
    Across, At, Axis, Down, Drawing, Drawn, GREY, GRID, INK, Look, Marker, Panel, Sheet, grouped, stroke, text,
    width_px,
};
use tables::{Metric, RunRow};

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "wire", title: "Bytes on the wire for each token of the answer", needs: &[RunRow::DOC], prepare };

const MOST_PANELS: usize = 6;
const IN_A_ROW: usize = 3;

const WIDTH: u32 = 1200;
/// Width of the legend of marks.
const LEGEND: f64 = 330.0;
/// Height of a policy's row.
const ROW: f64 = 25.0;
const SUMS: f64 = 96.0;
const BETWEEN_ROWS: f64 = 80.0;

struct Wire {
    head: Head,
    policies: Vec<String>,
    looks: Vec<Look>,
    /// The name of each place, and the bytes by policy.
    panels: Vec<(String, Vec<Option<Bytes>>)>,
    x: Axis,
    paired: bool,
}

/// Bytes for each token of the answer.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bytes {
    up: Estimate,
    down: Estimate,
    all: Estimate,
    /// Bytes up beside the input, if they are known.
    drafting: Option<f64>,
}

fn prepare(folder: &Folder<'_>) -> Prepared {
    let runs = folder.runs()?;
    let points = Points::of(runs);
    let places = Places::of(&points, MOST_PANELS);
    let bytes = bytes(runs, &points);
    let drafting = beside_input::by_cell(folder.path)?;
    let varying: Vec<usize> = (0..points.keys.len()).filter(|key| !places.choices.contains(key)).collect();
    let (stay, fixed) = fixed(&points, &varying);
    let numbers = by_point(runs, &points, |cell| Some(cell.point));
    let panel = |place: &super::places::Place| {
        let point = place.points.iter().find(|point| stay.contains(point))?;
        let of = |policy: usize| {
            let drafting = numbers[policy][*point]
                .and_then(|number| drafting.get(&(number, points.policies[policy].clone())).copied());
            bytes[policy][*point].map(|bytes| Bytes { drafting, ..bytes })
        };
        Some((place.title.clone(), (0..points.policies.len()).map(of).collect::<Vec<_>>()))
    };
    let mut panels: Vec<(String, Vec<Option<Bytes>>)> = places.shown.iter().filter_map(panel).collect();
    let alike = panels.len() > 1 && panels.iter().all(|(_, bytes)| is_alike(bytes, &panels[0].1));
    if alike {
        panels.truncate(1);
        panels[0].0.clear();
    }
    let all = || panels.iter().flat_map(|(_, policies)| policies).flatten();
    let values = all().flat_map(|bytes| [bytes.up.mean, bytes.down.mean, bytes.drafting.unwrap_or(0.0)]);
    let values: Vec<f64> = values.filter(|value| *value > 0.0).collect();
    if values.is_empty() {
        return Ok(None);
    }
    let paired = all().any(|bytes| bytes.drafting.is_some());
    let note = if alike { format!(" Alike at all of {} places.", places.shown.len()) } else { places.note() };
    let how = how(&points, paired, &fixed) + &note;
    Ok(Some(Box::new(Wire {
        head: Head::new(WIDTH, title(&points.policies, &panels), &how).with_room_behind(LEGEND),
        looks: folder.looks(&points.policies)?,
        policies: points.policies,
        x: Axis::log_over(values, 6),
        panels,
        paired,
    })))
}

/// True if no policy's bytes differ by a visible amount.
fn is_alike(one: &[Option<Bytes>], other: &[Option<Bytes>]) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= 2e-3 * b.abs();
    one.iter().zip(other).all(|(one, other)| match (one, other) {
        (Some(one), Some(other)) => near(one.up.mean, other.up.mean) && near(one.down.mean, other.down.mean),
        (None, None) => true,
        _ => false,
    })
}

/// From the means of runs.
fn bytes(runs: &Runs, points: &Points) -> Vec<Vec<Option<Bytes>>> {
    let (up, down) = (runs.metric(Metric::Uplink), runs.metric(Metric::Downlink));
    let tokens = runs.metric(Metric::OutputTokens);
    let of = |cell: &Cell| {
        let (up, down, tokens) = (up.all_of(cell)?, down.all_of(cell)?, tokens.all_of(cell)?);
        let per_token = |megabytes: &[f64]| -> Vec<f64> {
            megabytes.iter().zip(&tokens).map(|(megabytes, tokens)| 1e6 * megabytes / tokens).collect()
        };
        let all: Vec<f64> = up.iter().zip(&down).map(|(up, down)| up + down).collect();
        let [up, down, all] = [up, down, all].map(|megabytes| Estimate::of(&per_token(&megabytes)));
        all.mean.is_finite().then_some(Bytes { up, down, all, drafting: None })
    };
    by_point(runs, points, of)
}

/// The title: each policy's bytes over those of the reference, over all places.
fn title(policies: &[String], panels: &[(String, Vec<Option<Bytes>>)]) -> String {
    let Some(reference) = policies.iter().position(|policy| policy == REFERENCE) else {
        return title_of_means(policies, panels);
    };
    let times = |policy: usize| {
        let all = |policy: usize, (_, bytes): &(String, Vec<Option<Bytes>>)| bytes[policy].map(|bytes| bytes.all.mean);
        let ratios = panels.iter().filter_map(|panel| Some(all(policy, panel)? / all(reference, panel)?));
        let ratios: Vec<f64> = ratios.filter(|ratio| ratio.is_finite()).collect();
        (!ratios.is_empty()).then(|| ratios.iter().sum::<f64>() / ratios.len() as f64)
    };
    let others = (0..policies.len()).filter(|policy| *policy != reference);
    let mut others: Vec<(f64, &String)> =
        others.filter_map(|policy| Some((times(policy)?, &policies[policy]))).collect();
    others.sort_by(|a, b| a.0.total_cmp(&b.0));
    let part = |(times, name): &(f64, &String)| format!("{name} {}", short(*times, 2));
    let Some((least, most)) = others.first().zip(others.last()) else { return title_of_means(policies, panels) };
    let lead = format!("Bytes on the wire, times {REFERENCE}'s");
    let all = format!("{lead}: {}", others.iter().map(part).collect::<Vec<_>>().join(", "));
    fitting(WIDTH, [all, format!("{lead}: from {} to {}", part(least), part(most))])
}

/// The title where no other policy is held to the reference: the bytes of each policy, meant over all places.
fn title_of_means(policies: &[String], panels: &[(String, Vec<Option<Bytes>>)]) -> String {
    let mean = |policy: usize| {
        let known: Vec<f64> = panels.iter().filter_map(|(_, bytes)| Some(bytes[policy]?.all.mean)).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    };
    let known = policies.iter().enumerate().filter_map(|(place, name)| Some((mean(place)?, name)));
    let mut known: Vec<(f64, &String)> = known.collect();
    known.sort_by(|a, b| a.0.total_cmp(&b.0));
    let part = |(mean, name): &(f64, &String)| match *mean > 0.0 {
        true => format!("{name} {}", grouped(*mean, 0)),
        false => format!("{name} none"),
    };
    let lead = "Bytes on the wire for each token of the answer";
    let all = format!("{lead}: {}", known.iter().map(part).collect::<Vec<_>>().join(", "));
    match &known[..] {
        [least, .., most] => fitting(WIDTH, [all, format!("{lead}: from {} to {}", part(least), part(most))]),
        _ => fitting(WIDTH, [all, lead.to_owned()]),
    }
}

fn how(points: &Points, paired: bool, fixed: &str) -> String {
    let intervals = match points.replications {
        1 => "One replication: no intervals.".to_owned(),
        more => format!("Bars: 95 % confidence over {more} replications."),
    };
    let paired = match paired {
        true => " Ticks: bytes up beyond those of a policy with the same input and no drafts.",
        false => "",
    };
    let fixed = if fixed.is_empty() { String::new() } else { format!(" Fixed: {fixed}.") };
    let has_reference = points.policies.iter().any(|policy| policy == REFERENCE);
    let times = if has_reference { format!(" (times {REFERENCE}'s)") } else { String::new() };
    format!(
        "Over the tokens of the answer, whoever made them; the input is sent too, and counts. At the right: up and down \
         together{times}.{paired} {intervals}{fixed}"
    )
}

impl Wire {
    fn columns(&self) -> usize {
        let count = self.panels.len();
        if count == 4 { 2 } else { count.min(IN_A_ROW) }
    }

    fn grid(&self) -> Grid {
        let names = self.policies.iter().map(|policy| width_px(policy, 11.5, false)).fold(0.0, f64::max);
        let edges = [names + 34.0, 20.0, self.head.bottom() + 36.0, 56.0];
        let count = self.panels.len();
        Grid { size: self.size(), edges, between: (18.0, BETWEEN_ROWS), columns: self.columns(), count }
    }

    /// The legend of marks, below the explanation.
    fn legend(&self, sheet: &Sheet<'_>, (mut x, y): At) -> Drawn {
        let look = Look::plain(GREY, Marker::Circle);
        let marks = [("up", 0), ("down", 1), ("up, without the input", 2)];
        for (name, mark) in marks.into_iter().filter(|(_, mark)| *mark < 2 || self.paired) {
            match mark {
                0 => sheet.marker((x + 5.0, y), look, 4.6)?,
                1 => sheet.open_marker((x + 5.0, y), look, 4.6)?,
                _ => tick(sheet, (x + 5.0, y), look)?,
            }
            sheet.text(name, (x + 15.0, y), &text(12.5, INK, Across::Left, Down::Center))?;
            x += 15.0 + width_px(name, 12.5, false) + 20.0;
        }
        Ok(())
    }

    fn row(&self, sheet: &Sheet<'_>, panel: &Panel, row: usize, (bytes, reference): (&Bytes, Option<f64>)) -> Drawn {
        let look = self.looks[row];
        let at = |value: f64| panel.at(value, row as f64);
        let right = (panel.left + panel.width + SUMS - 4.0, at(1.0).1);
        let sum = if bytes.all.mean > 0.0 { grouped(bytes.all.mean, 0) } else { "none".to_owned() };
        let times = reference.filter(|reference| *reference > 0.0 && bytes.all.mean > 0.0);
        let times = times.map(|reference| format!(" ({}×)", short(bytes.all.mean / reference, 2)));
        let sum = format!("{sum}{}", times.unwrap_or_default());
        sheet.text(&sum, right, &text(10.5, INK, Across::Right, Down::Center))?;
        for estimate in [bytes.up, bytes.down].iter().filter(|estimate| estimate.mean > 0.0) {
            let ends = estimate.interval().map(|end| at(end.max(1e-3)).0.clamp(panel.left, panel.left + panel.width));
            sheet.line(ends.map(|x| (x, right.1)), stroke(look.colour, 1.2))?;
        }
        if bytes.down.mean > 0.0 {
            sheet.open_marker(at(bytes.down.mean), look, 4.6)?;
        }
        if bytes.up.mean > 0.0 {
            sheet.marker(at(bytes.up.mean), look, 4.6)?;
        }
        match bytes.drafting.filter(|bytes| *bytes > 0.0) {
            Some(bytes) => tick(sheet, at(bytes), look),
            None => Ok(()),
        }
    }

    /// A panel without the room for the sums.
    fn panel(&self, grid: &Grid, index: usize) -> Panel {
        let y = Axis::between(self.policies.len() as f64 - 0.4, -0.6, Vec::new());
        let panel = grid.panel(index, self.x.clone(), y);
        Panel { width: panel.width - SUMS, ..panel }
    }
}

/// An upright stroke.
fn tick(sheet: &Sheet<'_>, (x, y): At, look: Look) -> Drawn {
    sheet.line([(x, y - 7.0), (x, y + 7.0)], stroke(look.colour, 3.0))
}

impl Drawing for Wire {
    fn size(&self) -> (u32, u32) {
        let rows = self.panels.len().div_ceil(self.columns()) as f64;
        let panel = ROW * self.policies.len() as f64 + 8.0;
        let height = self.head.bottom() + 36.0 + rows * panel + (rows - 1.0) * BETWEEN_ROWS + 56.0;
        (WIDTH, height.round() as u32)
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        let behind = self.head.draw(sheet)?;
        self.legend(sheet, behind)?;
        let grid = self.grid();
        for (index, (title, policies)) in self.panels.iter().enumerate() {
            let panel = self.panel(&grid, index);
            let reference = self.policies.iter().position(|policy| policy == REFERENCE);
            let reference = reference.and_then(|policy| policies[policy]).map(|bytes| bytes.all.mean);
            panel.upright_grid(sheet)?;
            panel.grid(sheet)?;
            panel_title(sheet, &panel, title)?;
            let sums = (panel.left + panel.width + SUMS - 4.0, panel.top - 8.0);
            sheet.text("up + down", sums, &text(10.5, GREY, Across::Right, Down::Bottom))?;
            for (row, policy) in self.policies.iter().enumerate() {
                let y = panel.at(1.0, row as f64).1;
                sheet.line([(panel.left, y), (panel.left + panel.width, y)], stroke(GRID, 1.0))?;
                if grid.is_first(index) {
                    let style = text(11.5, INK, Across::Right, Down::Center);
                    sheet.text(policy, (panel.left - 8.0, y), &style)?;
                }
                policies[row].iter().try_for_each(|bytes| self.row(sheet, &panel, row, (bytes, reference)))?;
            }
            panel.x_labels(sheet, true)?;
            if grid.is_lowest(index) {
                x_title(sheet, &panel, "bytes for each token of the answer")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::figure::tests::{count, svg};
    use crate::fixture::{self, Cell as Made};

    fn cell(policy: &'static str, up: f64, down: f64) -> Made {
        let metrics: [(&str, &[f64]); 3] = [
            ("uplink_mb_per_request", &[up, up]),
            ("downlink_mb_per_request", &[down, down]),
            ("output_tokens_per_request", &[100.0, 100.0]),
        ];
        Made::new(policy, "0.3", &metrics)
    }

    #[test]
    fn bytes_are_given_for_each_token_and_times_the_clouds() {
        let cells = [cell("cloud_only", 0.1, 0.02), cell("edge_only", 0.0, 0.0), cell("msao", 0.2, 0.04)];
        let figure = svg("wire", fixture::folder(&cells).path()).expect("a figure");
        let title = "Bytes on the wire, times cloud_only&apos;s: edge_only 0, msao 2";
        for text in [title, "1,200 (1×)", "none", "2,400 (2×)", "bytes for each token of the answer", "up + down"] {
            assert_eq!(count(&figure, text), 1, "{text} in {figure}");
        }
        assert_eq!(count(&figure, "up, without the input"), 0, "nothing is known of it: {figure}");
    }

    #[test]
    fn without_the_reference_the_title_has_each_policys_bytes() {
        let cells = [cell("msao", 0.2, 0.04), cell("edge_only", 0.0, 0.0)];
        let figure = svg("wire", fixture::folder(&cells).path()).expect("a figure");
        let title = "Bytes on the wire for each token of the answer: edge_only none, msao 2,400";
        assert_eq!(count(&figure, title), 1, "{figure}");
    }

    #[test]
    fn places_that_are_alike_have_one_panel() {
        let panels = |bytes: [f64; 2]| {
            let up = |_: usize, levels: &[usize]| Some(1000.0 * bytes[levels[0]]);
            let tokens = |_: usize, _: &[usize]| Some(1e6);
            let metrics: [fixture::MetricOf<'_>; 3] = [
                ("uplink_mb_per_request", &up),
                ("downlink_mb_per_request", &up),
                ("output_tokens_per_request", &tokens),
            ];
            let folder = fixture::swept(&["cloud_only", "msao"], &[("link.rtt", &["1 ms", "5 ms"])], &metrics);
            let figure = svg("wire", folder.path()).expect("a figure");
            (count(&figure, "round trip 5 ms"), figure.contains("Alike at all of 2 places."))
        };
        assert_eq!(panels([1.0, 1.0]), (0, true));
        assert_eq!(panels([1.0, 2.0]), (1, false));
    }

    #[test]
    fn where_nothing_is_sent_nothing_is_drawn() {
        assert_eq!(svg("wire", fixture::folder(&[cell("edge_only", 0.0, 0.0)]).path()), None);
        let other = [Made::new("msao", "0.3", &[("e2e_ms_mean", &[1.0])])];
        assert_eq!(svg("wire", fixture::folder(&other).path()), None);
    }
}
