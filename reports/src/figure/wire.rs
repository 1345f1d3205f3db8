//! `wire`: bytes on the wire for each token of the answer, up and down, a row for each policy, a panel for each place. The input is
//! in it: it is sent too. What goes up beside the input, drafts and states, has a mark of its own where a policy that drafts
//! nothing sent the same input of the same requests.

use super::layout::{Grid, Head, fitting, panel_title, x_title};
use super::places::{Places, by_point, fixed};
use super::{Figure, Folder, Prepared};
use crate::effects::Points;
use crate::estimate::Estimate;
use crate::frame::{self, ReportError};
use crate::numbers::short;
use crate::reference::REFERENCE;
use crate::runs::{Cell, Runs};
use drawing::{
    Across, At, Axis, Down, Drawing, Drawn, GREY, GRID, INK, Look, Marker, Panel, Sheet, grouped, stroke, text,
    width_px,
};
use std::collections::BTreeMap;
use std::path::Path;
use tables::{Metric, RequestRow, RunRow, TableReader, Text};

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "wire", title: "Bytes on the wire for each token of the answer", needs: &[RunRow::DOC], prepare };

/// Labels of policies that send the input and nothing else begin so.
const INPUT_ALONE: &str = "cloud_";

const MOST_PANELS: usize = 6;
const IN_A_ROW: usize = 3;

/// More requests than this are not paired to find out what their inputs are.
const MOST_REQUESTS: u64 = 3_000_000;

/// So many of a policy's requests have to have a known input, in parts.
const LEAST_PAIRED: f64 = 0.95;

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
    let drafting = drafting(folder.path)?;
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

/// Bytes up beside the input for each token of the answer, by point and policy, for policies that draft.
fn drafting(folder: &Path) -> Result<BTreeMap<(u64, String), f64>, ReportError> {
    if !folder.join("requests.parquet").exists() {
        return Ok(BTreeMap::new());
    }
    let table = frame::open::<RequestRow>(folder)?;
    if table.rows() > MOST_REQUESTS {
        return Ok(BTreeMap::new());
    }
    // Twice over the groups, so that no more than the inputs is held.
    let mut beside = Beside::default();
    for group in 0..table.groups() {
        requests(&table, group)?.iter().for_each(|request| beside.learn(request));
    }
    let is_known = beside.some_draft && !beside.inputs.is_empty();
    for group in (0..table.groups()).filter(|_| is_known) {
        requests(&table, group)?.iter().for_each(|request| beside.add(request));
    }
    Ok(beside.for_each_token())
}

/// The requests of a row group behind the warm-up.
fn requests(table: &TableReader<RequestRow>, group: usize) -> Result<Vec<Request>, ReportError> {
    let numbers =
        table.column(group, RequestRow::replication)?.into_iter().zip(table.column(group, RequestRow::request)?);
    let names = table.column(group, RequestRow::point)?.into_iter().zip(numbers);
    let policies = table.column(group, RequestRow::policy)?.into_iter().zip(table.column(group, RequestRow::warm_up)?);
    let tokens = table
        .column(group, RequestRow::drafted_tokens)?
        .into_iter()
        .zip(table.column(group, RequestRow::output_tokens)?);
    let sent = table.column(group, RequestRow::uplink_bytes)?.into_iter().zip(tokens);
    let shares = [
        RequestRow::retention_text,
        RequestRow::retention,
        RequestRow::retention_audio,
        RequestRow::compression,
        RequestRow::compression_audio,
    ];
    let mut kept = vec![Kept::default(); sent.len()];
    for (place, share) in shares.into_iter().enumerate() {
        let values = table.column(group, share)?;
        kept.iter_mut().zip(values).for_each(|(kept, share)| kept[place] = share.to_bits());
    }
    let rows = policies.zip(names).zip(sent).zip(kept).filter(|((((_, warm_up), _), _), _)| !warm_up);
    let request = |((((policy, _), (point, (replication, request))), (uplink, (drafted, output))), input)| Request {
        policy,
        name: (point, replication, request),
        uplink,
        drafted,
        output,
        input,
    };
    Ok(rows.map(request).collect())
}

/// Point, replication and number of a request.
type Name = (u32, u32, u64);

/// The retention and compression of an input, bit by bit.
type Kept = [u64; 5];

/// A request under a policy.
#[derive(Clone, Debug)]
struct Request {
    policy: Text,
    name: Name,
    uplink: u64,
    drafted: u32,
    output: u32,
    input: Kept,
}

/// What policies that draft send up beside the input, over the requests whose input another policy sent alone.
#[derive(Default)]
struct Beside {
    /// Bytes of inputs that were sent alone.
    inputs: BTreeMap<(Name, Kept), u64>,
    some_draft: bool,
    /// By point and policy.
    sums: BTreeMap<(u64, String), Sum>,
}

/// Requests, those with a known input, what was sent beside it and how many tokens these have.
#[derive(Default)]
struct Sum {
    all: u64,
    known: u64,
    beside: i64,
    tokens: u64,
}

impl Beside {
    /// Takes the input of a request that was sent alone.
    fn learn(&mut self, request: &Request) {
        self.some_draft |= request.drafted > 0;
        if request.policy.starts_with(INPUT_ALONE) && request.drafted == 0 {
            self.inputs.insert((request.name, request.input), request.uplink);
        }
    }

    /// Adds a request that drafted to its sum. All inputs are known by now.
    fn add(&mut self, request: &Request) {
        if request.drafted == 0 {
            return;
        }
        let sum = self.sums.entry((u64::from(request.name.0), request.policy.to_string())).or_default();
        sum.all += 1;
        if let Some(input) = self.inputs.get(&(request.name, request.input)) {
            sum.known += 1;
            sum.beside += request.uplink as i64 - *input as i64;
            sum.tokens += u64::from(request.output);
        }
    }

    /// Bytes for each token of the answer, by point and policy; nothing where too few inputs are known.
    fn for_each_token(self) -> BTreeMap<(u64, String), f64> {
        let enough = |sum: &Sum| sum.tokens > 0 && sum.known as f64 >= LEAST_PAIRED * sum.all as f64;
        self.sums
            .into_iter()
            .filter(|(_, sum)| enough(sum))
            .map(|(cell, sum)| (cell, sum.beside as f64 / sum.tokens as f64))
            .collect()
    }
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
    use super::*;
    use crate::figure::tests::{count, svg};
    use crate::fixture::{self, Cell as Made};

    fn beside_the_input(requests: &[Request]) -> BTreeMap<(u64, String), f64> {
        let mut beside = Beside::default();
        requests.iter().for_each(|request| beside.learn(request));
        requests.iter().for_each(|request| beside.add(request));
        beside.for_each_token()
    }

    fn request(policy: &str, number: u64, uplink: u64, drafted: u32, kept: f64) -> Request {
        let input = [1.0, kept, 1.0, 0.0, 0.0].map(f64::to_bits);
        Request { policy: policy.into(), name: (0, 0, number), uplink, drafted, output: 10, input }
    }

    #[test]
    fn what_is_beside_the_input_is_known_from_who_sends_it_alone() {
        let requests = [
            request("cloud_only", 0, 1000, 0, 1.0),
            request("cloud_pruned", 0, 600, 0, 0.5),
            request("speculative", 0, 1200, 8, 1.0),
            request("msao", 0, 900, 8, 0.5),
            // Of another input nothing is known.
            request("other", 0, 900, 8, 0.7),
        ];
        let found: Vec<(String, f64)> =
            beside_the_input(&requests).into_iter().map(|((_, policy), bytes)| (policy, bytes)).collect();
        assert_eq!(found, [("msao".to_owned(), 30.0), ("speculative".to_owned(), 20.0)]);
    }

    #[test]
    fn too_few_known_inputs_say_nothing() {
        let mut requests: Vec<Request> = (0..10).map(|number| request("cloud_only", number, 1000, 0, 1.0)).collect();
        requests.extend((0..10).map(|number| request("msao", number, 1100, 8, if number == 0 { 0.5 } else { 1.0 })));
        assert_eq!(beside_the_input(&requests), BTreeMap::new(), "nine of ten are known");
        requests.push(request("cloud_pruned", 0, 1000, 0, 0.5));
        assert_eq!(beside_the_input(&requests).len(), 1);
    }

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
