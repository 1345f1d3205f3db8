//! `pareto`: accuracy against latency, a mark for each policy and each choice of its settings, a panel for each place; the area
//! of a mark is energy. The stepped line is the front of accuracy and latency. Where no accuracy differs, energy is on the y axis.

use super::front::front;
use super::layout::{Grid, Head, Sample, fitting, listed, panel_title, x_title, y_title};
use super::places::{Places, by_point, key_title};
use super::{Figure, Folder, Prepared};
use crate::effects::Points;
use crate::estimate::Estimate;
use crate::runs::Runs;
use drawing::{
    AXIS, Across, At, Axis, Down, Drawing, Drawn, GREY, GRID, Labels, Look, Marker, Panel, Sheet, grouped, stroke,
    text, width_px,
};
use std::collections::BTreeSet;
use tables::{Metric, RunRow};

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "pareto", title: "Accuracy against latency, with energy", needs: &[RunRow::DOC], prepare };

const MOST_PANELS: usize = 6;
const IN_A_ROW: usize = 3;

/// With more marks in a panel, those that are beaten are faint.
const MANY: usize = 24;

/// Accuracies that lie no farther apart do not differ, percentage points.
const SAME_PCT: f64 = 0.2;

/// Front points with a label, in a panel.
const MOST_LABELS: usize = 8;

/// Width of the scale of areas.
const SIZES: f64 = 170.0;

/// Keys that a label may say.
const MOST_NAMED: usize = 2;

/// Radius of the mark of most energy, in a panel of few marks and of many.
const LARGEST: [f64; 2] = [9.0, 6.0];

struct Pareto {
    head: Head,
    looks: Vec<Look>,
    panels: Vec<Place>,
    upright: Upright,
    x: Axis,
    y: Axis,
    most_j: f64,
}

/// The metric of the y axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Upright {
    Accuracy,
    Energy,
}

/// A panel.
struct Place {
    title: String,
    marks: Vec<Mark>,
    /// Marks that no other beats in latency and what is on the y axis, the fastest first.
    front: Vec<usize>,
}

/// A policy at a point.
struct Mark {
    policy: usize,
    e2e_ms: Estimate,
    accuracy_pct: Estimate,
    energy_j: Estimate,
    /// The chosen settings, one for each key that is a choice.
    settings: Vec<String>,
    /// Those of them that are said beside the mark.
    label: String,
    /// True if another is at least as good in accuracy, latency and energy, and better in one.
    beaten: bool,
}

fn prepare(folder: &Folder<'_>) -> Prepared {
    let runs = folder.runs()?;
    let points = Points::of(runs);
    let places = Places::of(&points, MOST_PANELS);
    let Some(mut panels) = panels(runs, &points, &places) else { return Ok(None) };
    if panels.iter().all(|panel| panel.marks.len() < 2) {
        return Ok(None);
    }
    let upright = if panels.iter().all(Place::is_one_accuracy) { Upright::Energy } else { Upright::Accuracy };
    panels.iter_mut().for_each(|panel| panel.find_front(upright));
    let named = named(&places, &panels);
    for mark in panels.iter_mut().flat_map(|panel| &mut panel.marks) {
        mark.label = named.iter().map(|key| mark.settings[*key].as_str()).collect::<Vec<_>>().join(" · ");
    }
    let many = are_many(&panels);
    // Of many points the intervals would take the room of the points.
    let range = |estimate: Estimate| if many { [estimate.mean; 2] } else { estimate.interval() };
    let marks = || panels.iter().flat_map(|panel| &panel.marks);
    let e2e = || marks().flat_map(|mark| range(mark.e2e_ms)).filter(|ms| *ms > 0.0);
    let [least, most] = [e2e().fold(f64::INFINITY, f64::min), e2e().fold(0.0, f64::max)];
    let x = if most > 6.0 * least { Axis::log_over([least, most], 6) } else { Axis::over([least, most], 5, false) };
    let y = Axis::over(marks().flat_map(|mark| range(upright.of(mark))), 5, false);
    let looks = folder.looks(&points.policies)?;
    let how = how(&points, &places, &named, &panels, upright);
    let head = Head::new(size(panels.len()).0, title(&points.policies, &panels, upright), &how);
    Ok(Some(Box::new(Pareto {
        head: head.with_legend(&points.policies, &looks, Sample::Point).with_room_behind(SIZES),
        most_j: marks().map(|mark| mark.energy_j.mean).fold(f64::MIN_POSITIVE, f64::max),
        looks,
        panels,
        upright,
        x,
        y,
    })))
}

fn panels(runs: &Runs, points: &Points, places: &Places) -> Option<Vec<Place>> {
    let estimates = |metric: Metric| {
        let column = runs.metric(metric);
        by_point(runs, points, |cell| column.all_of(cell).map(|values| Estimate::of(&values)))
    };
    let (e2e, accuracy) = (estimates(Metric::E2eMean), estimates(Metric::Accuracy));
    let energy = estimates(Metric::Energy);
    let panel = |place: &super::places::Place| {
        let mut marks = Vec::new();
        for policy in 0..points.policies.len() {
            marks.extend(place.points.iter().filter_map(|point| {
                let (e2e_ms, accuracy_pct) = (e2e[policy][*point]?, accuracy[policy][*point]?);
                let energy_j = energy[policy][*point].filter(|_| e2e_ms.mean > 0.0)?;
                let setting = |key: &usize| {
                    let key = &points.keys[*key];
                    key.levels.labels[key.of_point[*point]].clone()
                };
                let settings = places.choices.iter().map(setting).collect();
                Some(Mark { policy, e2e_ms, accuracy_pct, energy_j, settings, label: String::new(), beaten: true })
            }));
        }
        Place { title: place.title.clone(), marks, front: Vec::new() }
    };
    Some(places.shown.iter().map(panel).collect())
}

impl Upright {
    fn of(self, mark: &Mark) -> Estimate {
        match self {
            Self::Accuracy => mark.accuracy_pct,
            Self::Energy => mark.energy_j,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Energy => "energy",
        }
    }
}

impl Place {
    fn is_one_accuracy(&self) -> bool {
        let all = || self.marks.iter().map(|mark| mark.accuracy_pct.mean);
        all().fold(f64::NEG_INFINITY, f64::max) - all().fold(f64::INFINITY, f64::min) < SAME_PCT
    }

    fn find_front(&mut self, upright: Upright) {
        let costs = |mark: &Mark| match upright {
            Upright::Accuracy => [mark.e2e_ms.mean, -mark.accuracy_pct.mean, mark.energy_j.mean],
            Upright::Energy => [mark.e2e_ms.mean, mark.energy_j.mean, 0.0],
        };
        let all: Vec<[f64; 3]> = self.marks.iter().map(costs).collect();
        front(&all).into_iter().for_each(|mark| self.marks[mark].beaten = false);
        self.front = front(&all.iter().map(|[ms, other, _]| [*ms, *other]).collect::<Vec<_>>());
    }
}

fn are_many(panels: &[Place]) -> bool {
    panels.iter().any(|panel| panel.marks.len() > MANY)
}

/// The title: the policies that are on no front.
fn title(policies: &[String], panels: &[Place], upright: Upright) -> String {
    let what = match upright {
        Upright::Accuracy => "Accuracy against latency",
        Upright::Energy => "Energy against latency",
    };
    if let [one] = policies {
        let on: usize = panels.iter().map(|panel| panel.front.len()).sum();
        let all: usize = panels.iter().map(|panel| panel.marks.len()).sum();
        return format!("{what}: {on} of {all} settings of {one} are on a front");
    }
    let on_front =
        |policy: usize| panels.iter().any(|panel| panel.front.iter().any(|mark| panel.marks[*mark].policy == policy));
    let on: Vec<&str> = (0..policies.len()).filter(|policy| on_front(*policy)).map(|p| policies[p].as_str()).collect();
    let (all, front) = (policies.len(), if panels.len() == 1 { "the front" } else { "a front" });
    let long = match on.len() {
        most if most == all => format!("{what}: every policy is on {front}"),
        1 => format!("{what}: only {} is on {front}, of {all} policies", on[0]),
        _ => format!("{what}: {} are on {front}, of {all} policies", listed(&on)),
    };
    fitting(size(panels.len()).0, [long, format!("{what}: {} of {all} policies are on {front}", on.len())])
}

/// The keys whose values the labels say: those that differ on a front. Of more than [`MOST_NAMED`] none is said.
fn named(places: &Places, panels: &[Place]) -> Vec<usize> {
    let differs = |choice: &usize| {
        panels.iter().any(|panel| {
            let mut own = panel.front.iter().map(|mark| &panel.marks[*mark].settings[*choice]);
            own.next().is_some_and(|first| own.any(|other| other != first))
        })
    };
    let named: Vec<usize> = (0..places.choices.len()).filter(differs).collect();
    if named.len() > MOST_NAMED { Vec::new() } else { named }
}

fn how(points: &Points, places: &Places, named: &[usize], panels: &[Place], upright: Upright) -> String {
    let intervals = match points.replications {
        _ if are_many(panels) => "Means; intervals: summary.csv.".to_owned(),
        1 => "One replication: no intervals.".to_owned(),
        more => format!(
            "Crosses: 95 % confidence interval of each policy over {more} replications. All serve the same requests, so \
             differences are more certain."
        ),
    };
    let beaten = if are_many(panels) { "Faint" } else { "Open" };
    let (area, all) = match upright {
        Upright::Accuracy => {
            (" Area of a mark: energy of a request.", "accuracy, latency and energy, and better in one")
        }
        Upright::Energy => (" Accuracies do not differ.", "both, and better in one"),
    };
    let names: Vec<String> = named.iter().map(|key| key_title(&points.keys[places.choices[*key]])).collect();
    let labels = match (places.choices.is_empty(), names.is_empty()) {
        (true, _) => String::new(),
        (false, true) => " Settings of the points on a front: sim best --pareto.".to_owned(),
        (false, false) => {
            format!(" Labels, where there is room: {}; (+1): one more there.", names.join(" · "))
        }
    };
    format!(
        "Line: the front of {} and latency.{area} {beaten} marks: another is as good in {all}. {intervals}{labels}{}",
        upright.name(),
        places.note()
    )
}

fn size(panels: usize) -> (u32, u32) {
    match panels {
        1 => (820, 560),
        2 | 3 => (1100, 500),
        _ => (1100, 800),
    }
}

impl Pareto {
    fn grid(&self) -> Grid {
        let count = self.panels.len();
        let columns = if count == 4 { 2 } else { count.min(IN_A_ROW) };
        let titles = if self.panels[0].title.is_empty() { 12.0 } else { 34.0 };
        let edges = [78.0, 24.0, self.head.bottom() + titles, 56.0];
        Grid { size: self.size(), edges, between: (24.0, 58.0), columns, count }
    }

    fn radius(&self, mark: &Mark) -> f64 {
        match self.upright {
            Upright::Accuracy => self.radius_of(mark.energy_j.mean),
            Upright::Energy => 4.0,
        }
    }

    fn radius_of(&self, energy_j: f64) -> f64 {
        (LARGEST[usize::from(are_many(&self.panels))] * (energy_j / self.most_j).sqrt()).max(2.2)
    }

    fn at(&self, panel: &Panel, mark: &Mark) -> At {
        panel.at(mark.e2e_ms.mean, self.upright.of(mark).mean)
    }

    /// The scale of areas, behind the names of the policies.
    fn sizes(&self, sheet: &Sheet<'_>, (mut x, y): At) -> Drawn {
        let digit = 10f64.powf(self.most_j.log10().floor());
        let most = [5.0, 2.0, 1.0].into_iter().map(|times| times * digit).find(|round| *round <= self.most_j);
        let most = most.unwrap_or(digit);
        let look = Look::plain(GREY, Marker::Circle);
        x += 14.0;
        for energy_j in [0.2 * most, most] {
            let radius = self.radius_of(energy_j);
            sheet.open_marker((x + radius, y), look, radius)?;
            let label = format!("{} J", grouped(energy_j, usize::from(energy_j < 1.0)));
            x += 2.0 * radius + 6.0;
            sheet.text(&label, (x, y), &text(11.5, GREY, Across::Left, Down::Center))?;
            x += width_px(&label, 11.5, false) + 14.0;
        }
        Ok(())
    }

    fn marks(&self, sheet: &Sheet<'_>, panel: &Panel, place: &Place) -> Drawn {
        let many = are_many(&self.panels);
        // Of thousands, those that lie on another of their policy would be drawn in vain.
        let mut drawn = BTreeSet::new();
        for mark in place.marks.iter().filter(|mark| many && mark.beaten) {
            let (x, y) = self.at(panel, mark);
            if drawn.insert((mark.policy, x.round() as i32, y.round() as i32)) {
                sheet.faint_marker((x, y), self.looks[mark.policy], 2.6)?;
            }
        }
        let mut shown: Vec<&Mark> = place.marks.iter().filter(|mark| !many || !mark.beaten).collect();
        for mark in shown.iter().filter(|_| !many) {
            self.cross(sheet, panel, mark)?;
        }
        sheet.line(self.front_corners(panel, place), stroke(GREY, 2.0))?;
        // The large ones first, so that none is hidden.
        shown.sort_by(|a, b| b.energy_j.mean.total_cmp(&a.energy_j.mean));
        for mark in &shown {
            let (at, look, radius) = (self.at(panel, mark), self.looks[mark.policy], self.radius(mark));
            if mark.beaten { sheet.open_marker(at, look, radius)? } else { sheet.marker(at, look, radius)? }
        }
        self.labels(sheet, panel, place, &shown)
    }

    /// The intervals of a mark, as far as they lie in the panel.
    fn cross(&self, sheet: &Sheet<'_>, panel: &Panel, mark: &Mark) -> Drawn {
        let colour = self.looks[mark.policy].colour;
        let (x, y) = self.at(panel, mark);
        let ([fast, slow], [low, high]) = (mark.e2e_ms.interval(), self.upright.of(mark).interval());
        let across = [fast.max(f64::MIN_POSITIVE), slow].map(|ms| panel.at(ms, 0.0).0);
        let across = across.map(|x| x.clamp(panel.left, panel.left + panel.width));
        let up = [low, high].map(|value| panel.at(1.0, value).1.clamp(panel.top, panel.bottom()));
        // Pale, so that fronts and marks stand out.
        let bar = |[left, right]: [f64; 2], [top, bottom]: [f64; 2]| {
            // An interval of nothing has no bar.
            if (right - left).abs().max((bottom - top).abs()) < 2.0 {
                return Ok(());
            }
            sheet.area([(left, top), (right, top), (right, bottom), (left, bottom)], colour, 0.35)
        };
        bar(across, [y - 0.6, y + 0.6])?;
        bar([x - 0.6, x + 0.6], up)
    }

    fn labels(&self, sheet: &Sheet<'_>, panel: &Panel, place: &Place, shown: &[&Mark]) -> Drawn {
        let mut labels = Labels::within(panel);
        for mark in shown {
            labels.keep_free(self.at(panel, mark), self.radius(mark));
        }
        for pair in self.front_corners(panel, place).windows(2) {
            labels.keep_line_free(pair[0], pair[1]);
        }
        // Marks that lie on each other have one label.
        let mut stacks: Vec<(At, &Mark, usize)> = Vec::new();
        for mark in place.front.iter().map(|mark| &place.marks[*mark]).filter(|mark| !mark.label.is_empty()) {
            let at = self.at(panel, mark);
            match stacks.last_mut() {
                Some((last, first, more))
                    if first.policy == mark.policy && (last.0 - at.0).hypot(last.1 - at.1) < 1.5 =>
                {
                    *more += 1;
                }
                _ => stacks.push((at, mark, 0)),
            }
        }
        // Where all marks of a policy lie on each other, the settings are none of its own.
        let all = |policy: usize| place.marks.iter().filter(|mark| mark.policy == policy).count();
        stacks.retain(|(_, mark, more)| *more == 0 || more + 1 < all(mark.policy));
        // Spread over the front, its ends among them.
        let labelled = super::places::spread(stacks.len(), stacks.len().min(MOST_LABELS));
        for (at, mark, more) in labelled.into_iter().filter_map(|stack| stacks.get(stack)) {
            let more = if *more > 0 { format!(" (+{more})") } else { String::new() };
            labels.put(sheet, &format!("{}{more}", mark.label), *at, self.radius(mark) + 3.0, 9.5, false)?;
        }
        Ok(())
    }

    /// The corners of the front's line: from the worst end of the y axis at the fastest mark through all that is on the front, and
    /// on to the right.
    fn front_corners(&self, panel: &Panel, place: &Place) -> Vec<At> {
        let worst = match self.upright {
            Upright::Accuracy => panel.bottom(),
            Upright::Energy => panel.top,
        };
        let mut corners: Vec<At> = Vec::new();
        for mark in place.front.iter().map(|mark| &place.marks[*mark]) {
            let (x, y) = self.at(panel, mark);
            let from = corners.last().map_or(worst, |last| last.1);
            corners.extend([(x, from), (x, y)]);
        }
        corners.extend(corners.last().map(|last| (panel.left + panel.width, last.1)));
        corners
    }

    /// The shade of the beaten area beyond the front.
    fn shade(&self, sheet: &Sheet<'_>, panel: &Panel, place: &Place) -> Drawn {
        let mut corners = self.front_corners(panel, place);
        let Some((first, last)) = corners.first().copied().zip(corners.last().copied()) else { return Ok(()) };
        corners.push((last.0, first.1));
        sheet.area(corners, GRID, 0.45)
    }
}

impl Drawing for Pareto {
    fn size(&self) -> (u32, u32) {
        size(self.panels.len())
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        let behind = self.head.draw(sheet)?;
        if self.upright == Upright::Accuracy {
            self.sizes(sheet, behind)?;
        }
        let grid = self.grid();
        for (index, place) in self.panels.iter().enumerate() {
            let panel = grid.panel(index, self.x.clone(), self.y.clone());
            self.shade(sheet, &panel, place)?;
            panel.grid(sheet)?;
            sheet.line([(panel.left, panel.top), (panel.left, panel.bottom())], stroke(AXIS, 1.0))?;
            panel_title(sheet, &panel, &place.title)?;
            self.marks(sheet, &panel, place)?;
            panel.x_labels(sheet, true)?;
            if grid.is_first(index) {
                panel.y_labels(sheet)?;
                let unit = if self.upright == Upright::Accuracy { "accuracy, %" } else { "energy, J a request" };
                y_title(sheet, &panel, unit, 12.5)?;
            }
            if grid.is_lowest(index) {
                x_title(sheet, &panel, "mean end-to-end latency, ms")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
