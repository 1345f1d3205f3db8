//! `mindfusion_traffic`: accuracy against what goes up, for MindFusion with and without its parts and for methods that drop
//! visual tokens (MindFusion's Table IV and Fig. 2), beside the accuracies that its paper prints.

use super::bars::group_name;
use super::dots::{PRINTED, PRINTED_SAMPLE, printed_sample, with_interval};
use super::layout::{Head, fitting, panel_title, x_title, y_title};
use super::{Figure, Folder, Prepared};
use crate::claims::{Amount, PrintedBeside};
use crate::estimate::Estimate;
use crate::numbers::rounded;
use crate::runs::{Cell, Runs};
use drawing::{
    AXIS, Across, Axis, Down, Drawing, Drawn, GREY, GRID, INK, Labels, Look, Panel, Sheet, grouped, stroke, text,
    width_px,
};

/// The line of the list.
pub(super) const FIGURE: Figure = Figure {
    name: "mindfusion_traffic",
    title: "Accuracy against traffic: MindFusion and token dropping",
    needs: &[RunRow::DOC],
    prepare,
};
use tables::{Metric, RunRow};

/// More points than this have no room for a panel each.
const MOST_PANELS: usize = 3;

const WIDTH: u32 = 1000;
const LEFT: f64 = 74.0;
const HEIGHT: f64 = 420.0;
/// Width of the plot; the table stands behind it.
const PLOT: f64 = 480.0;
const BETWEEN: f64 = 84.0;
const ROW: f64 = 23.0;
const RADIUS: f64 = 4.8;

struct Traffic {
    head: Head,
    has_printed: bool,
    panels: Vec<Place>,
}

/// A point of the scenario.
struct Place {
    title: String,
    systems: Vec<System>,
    x: Axis,
    y: Axis,
}

struct System {
    name: String,
    look: Look,
    uplink_mb: f64,
    accuracy_pct: Estimate,
    printed: Option<f64>,
}

fn prepare(folder: &Folder<'_>) -> Prepared {
    let runs = folder.runs()?;
    let beside = PrintedBeside::new(folder.path, runs)?;
    let has = |kind: &str| beside.policies().iter().any(|policy| policy.kind == kind);
    let (uplink, accuracy) = (runs.metric(Metric::Uplink), runs.metric(Metric::Accuracy));
    let printed = Amount::sum(&[Metric::Accuracy]);
    if !(has("mindfusion") && has("token_dropping")) {
        return Ok(None);
    }
    let policies: Vec<String> = runs.policies().into_iter().map(str::to_owned).collect();
    let looks = folder.looks(&policies)?;
    let system = |cell: &Cell| {
        let uplink_mb = Estimate::of(&uplink.all_of(cell)?).mean;
        let place = policies.iter().position(|policy| *policy == cell.policy)?;
        // What sends nothing has no place on a logarithmic axis.
        (uplink_mb > 0.0).then_some(System {
            name: cell.policy.clone(),
            look: looks[place],
            uplink_mb,
            accuracy_pct: Estimate::of(&accuracy.all_of(cell)?),
            printed: beside.of(&printed, cell),
        })
    };
    let mut panels: Vec<(u64, Place)> = Vec::new();
    for cell in &runs.cells {
        if panels.last().is_none_or(|(point, _)| *point != cell.point) {
            panels.push((cell.point, Place::new(title(runs, cell))));
        }
        let systems = panels.last_mut().map(|(_, place)| &mut place.systems);
        systems.expect("one was pushed for the first cell").extend(system(cell));
    }
    let mut panels: Vec<Place> = panels.into_iter().map(|(_, place)| place).collect();
    panels.retain(|place| !place.systems.is_empty());
    if !(1..=MOST_PANELS).contains(&panels.len()) {
        return Ok(None);
    }
    panels.iter_mut().for_each(Place::scale);
    let has_printed = panels.iter().flat_map(|place| &place.systems).any(|system| system.printed.is_some());
    let how = "What goes up for a request, on a logarithmic axis, and the share of right answers: up and to the left is better. \
               Accuracy is an input, the published share of the whole model's. All systems answer the same requests: what they owe \
               to luck, ± (95 % confidence), they share.";
    let head = Head::new(WIDTH, title_of(&panels), how);
    let head = if has_printed { head.with_room_behind(PRINTED_SAMPLE) } else { head };
    Ok(Some(Box::new(Traffic { head, has_printed, panels })))
}

/// The title: the system with the most accuracy of the first point, and what it sends.
fn title_of(panels: &[Place]) -> String {
    let best = panels.first().and_then(|place| place.systems.first());
    let said = best.map(|best| {
        let (pct, mb) = (grouped(best.accuracy_pct.mean, 1), rounded(best.uplink_mb, 3));
        format!("{}: most accurate is {}, {pct} % for {mb} MB", FIGURE.title, best.name)
    });
    fitting(WIDTH, said.into_iter().chain([FIGURE.title.to_owned()]))
}

fn title(runs: &Runs, cell: &Cell) -> String {
    let dataset = runs.keys.iter().position(|key| *key == RunRow::dataset.name).map(|key| cell.values[key].clone());
    let more = group_name(runs, cell);
    dataset.into_iter().chain(Some(more).filter(|more| !more.is_empty())).collect::<Vec<_>>().join(", ")
}

impl Place {
    fn new(title: String) -> Self {
        let none = || Axis::between(0.0, 1.0, Vec::new());
        Self { title, systems: Vec::new(), x: none(), y: none() }
    }

    /// The best first, and axes over all.
    fn scale(&mut self) {
        let by_accuracy = |a: &System, b: &System| b.accuracy_pct.mean.total_cmp(&a.accuracy_pct.mean);
        self.systems.sort_by(|a, b| by_accuracy(a, b).then(a.uplink_mb.total_cmp(&b.uplink_mb)));
        let uplinks: Vec<f64> = self.systems.iter().map(|system| system.uplink_mb).collect();
        let beyond = |times: f64| uplinks.iter().map(move |mb| mb * times);
        // Room for the labels of the outermost.
        self.x = Axis::log_over(beyond(0.75).chain(beyond(1.35)), 6);
        let all = self.systems.iter().flat_map(|system| [Some(system.accuracy_pct.mean), system.printed]);
        self.y = Axis::over(all.flatten(), 6, false);
    }
}

impl Traffic {
    fn panel(&self, index: usize) -> Panel {
        let place = &self.panels[index];
        let top = self.head.bottom() + 36.0 + index as f64 * (HEIGHT + BETWEEN);
        Panel { left: LEFT, top, width: PLOT, height: HEIGHT, x: place.x.clone(), y: place.y.clone() }
    }

    fn plot(&self, sheet: &Sheet<'_>, panel: &Panel, systems: &[System]) -> Drawn {
        let mut labels = Labels::within(panel);
        for system in systems {
            let at = panel.at(system.uplink_mb, system.accuracy_pct.mean);
            labels.keep_free(at, RADIUS + 1.0);
            if let Some(printed) = system.printed {
                let end = panel.at(system.uplink_mb, printed);
                labels.keep_free(end, RADIUS + 2.0);
                sheet.line([at, end], stroke(AXIS, 1.0))?;
                sheet.open_marker(end, PRINTED, RADIUS + 1.0)?;
            }
        }
        for system in systems {
            sheet.marker(panel.at(system.uplink_mb, system.accuracy_pct.mean), system.look, RADIUS)?;
        }
        for system in systems {
            let at = panel.at(system.uplink_mb, system.accuracy_pct.mean);
            labels.put(sheet, &system.name, at, RADIUS + 5.0, 11.5, false)?;
        }
        Ok(())
    }

    /// The numbers, behind the plot.
    fn table(&self, sheet: &Sheet<'_>, panel: &Panel, systems: &[System]) -> Drawn {
        let left = panel.left + panel.width + 30.0;
        let right = f64::from(WIDTH) - 22.0;
        let ends = if self.has_printed { [right - 142.0, right - 54.0, right] } else { [right - 88.0, right, right] };
        let heads = ["up, MB", "simulated, %", "printed, %"];
        let top = panel.top + 4.0;
        for (head, end) in heads.iter().zip(ends).take(if self.has_printed { 3 } else { 2 }) {
            sheet.text(head, (end, top), &text(10.0, GREY, Across::Right, Down::Center))?;
        }
        let row = ROW.min((panel.height - 12.0) / systems.len() as f64);
        for (index, system) in systems.iter().enumerate() {
            let y = top + row * (index as f64 + 0.85);
            sheet.line([(left, y - row / 2.0), (right, y - row / 2.0)], stroke(GRID, 1.0))?;
            sheet.marker((left + 6.0, y), system.look, RADIUS)?;
            let room = ends[0] - 46.0 - left - 17.0;
            let fits = |size: &f64| width_px(&system.name, *size, false) <= room;
            let size = [12.0, 11.0, 10.0, 9.0].into_iter().find(fits).unwrap_or(8.0);
            sheet.text(&system.name, (left + 17.0, y), &text(size, INK, Across::Left, Down::Center))?;
            let printed = system.printed.map_or_else(String::new, |printed| grouped(printed, 1));
            let numbers = [rounded(system.uplink_mb, 3), with_interval(system.accuracy_pct, 1), printed];
            for (number, end) in numbers.iter().zip(ends) {
                sheet.text(number, (end, y), &text(11.5, INK, Across::Right, Down::Center))?;
            }
        }
        Ok(())
    }
}

impl Drawing for Traffic {
    fn size(&self) -> (u32, u32) {
        (WIDTH, (self.panel(self.panels.len() - 1).bottom() + 56.0).ceil() as u32)
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        let behind = self.head.draw(sheet)?;
        if self.has_printed {
            printed_sample(sheet, behind)?;
        }
        for (index, place) in self.panels.iter().enumerate() {
            let panel = self.panel(index);
            panel.grid(sheet)?;
            panel.upright_grid(sheet)?;
            panel_title(sheet, &panel, &place.title)?;
            self.plot(sheet, &panel, &place.systems)?;
            self.table(sheet, &panel, &place.systems)?;
            panel.x_labels(sheet, true)?;
            panel.y_labels(sheet)?;
            x_title(sheet, &panel, "uplink, MB a request")?;
            y_title(sheet, &panel, Metric::Accuracy.doc().axis, 12.5)?;
        }
        Ok(())
    }
}
