//! `flip`: where two claims that contradict each other are both right. The ratio of two policies along the number that turns it, with
//! what either paper prints.

use super::layout::{Grid, Head, fitting, x_title, y_title};
use super::places::called;
use super::{Figure, Folder, Prepared};
use crate::claims::flips::{Curve, Flip, Means, Printed};
use crate::manifest::Manifest;
use crate::numbers::short;
use drawing::{Across, Axis, Down, Drawing, Drawn, GREY, INK, Labels, Look, Panel, Sheet, stroke, text, width_px};
use tables::RunRow;

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "flip", title: "Where the winner flips between two claims", needs: &[RunRow::DOC], prepare };

const SIZE: (u32, u32) = (900, 480);

/// Right of the panel: what the papers print.
const RIGHT: f64 = 190.0;

const LABEL_PX: f64 = 11.0;

/// Ratios that are marked on the axis.
const MARKS: [f64; 11] = [0.125, 0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 8.0];

struct FlipFigure {
    head: Head,
    flip: &'static Flip,
    curve: Curve,
    look: Look,
}

fn prepare(folder: &Folder<'_>) -> Prepared {
    let Some(flip) = Flip::of_scenario(&Manifest::read(folder.path)?.scenario) else { return Ok(None) };
    let Some(curve) = flip.curve(folder.runs()?) else { return Ok(None) };
    let look = folder.looks(std::slice::from_ref(&flip.of))?[0];
    let title = fitting(SIZE.0, [flip.finding(&curve, called(&flip.key)), flip.question.clone()]);
    let head = Head::new(SIZE.0, title, &how(flip));
    Ok(Some(Box::new(FlipFigure { head, flip, curve, look })))
}

fn how(flip: &Flip) -> String {
    let said = |claim: &Printed| format!("{}: {}, {}", claim.system, claim.text, claim.quantity);
    let [one, other] = flip.claims.each_ref().map(said);
    format!("{} {one}. {other}. Bars: 95 % confidence over pairs of replications.", flip.question)
}

impl FlipFigure {
    fn panel(&self) -> Panel {
        let edges = [92.0, RIGHT, self.head.bottom(), 56.0];
        let grid = Grid { size: SIZE, edges, between: (0.0, 0.0), columns: 1, count: 1 };
        let ticks: Vec<(f64, String)> = self.curve.steps.iter().map(|(value, ..)| (*value, short(*value, 3))).collect();
        grid.panel(0, Axis::at(ticks, true, 0.06), self.ratios())
    }

    /// The axis of ratios, over what is simulated and what is printed.
    fn ratios(&self) -> Axis {
        let printed = self.flip.claims.iter().flat_map(|claim| claim.means.ratios()).map(f64::log2);
        let all = self.curve.steps.iter().flat_map(|(_, _, ratio)| ratio.interval()).chain(printed);
        let (low, high) = all.fold((-0.2f64, 0.2f64), |(low, high), value| (low.min(value), high.max(value)));
        let (low, high) = (low - 0.15, high + 0.15);
        let ticks = MARKS.into_iter().filter(|times| (low..=high).contains(&times.log2()));
        Axis::between(low, high, ticks.map(|times| (times.log2(), times.to_string())).collect())
    }

    fn printed(&self, sheet: &Sheet<'_>, panel: &Panel) -> Drawn {
        for (from, to) in self.printed_lines(panel) {
            sheet.dashed(&[from, to], stroke(GREY, 1.4))?;
        }
        for claim in &self.flip.claims {
            let label = format!("{}: {}", claim.system, claim.text);
            match &claim.means {
                Means::Ratio(_) => {
                    let heights: Vec<f64> = claim.means.ratios().map(|ratio| panel.at(1.0, ratio.log2()).1).collect();
                    let middle = heights.iter().sum::<f64>() / heights.len().max(1) as f64;
                    beside(sheet, &label, (panel.left + panel.width + 8.0, middle))?;
                }
                Means::Key(value) => {
                    let style = text(LABEL_PX, GREY, Across::Left, Down::Top);
                    sheet.text(&label, (panel.at(*value, 0.0).0 + 5.0, panel.top + 4.0), &style)?;
                }
            }
        }
        Ok(())
    }

    /// The line on which both are equal, with a mark and a label at each crossing; the label keeps off the curve and the printed values.
    fn crossings(&self, sheet: &Sheet<'_>, panel: &Panel) -> Drawn {
        let one = panel.at(self.curve.steps[0].0, 0.0).1;
        let ends = [(panel.left, one), (panel.left + panel.width, one)];
        sheet.line(ends, stroke(INK, 1.4))?;
        let mut labels = Labels::within(panel);
        labels.keep_line_free(ends[0], ends[1]);
        for pair in self.curve.steps.windows(2) {
            labels.keep_line_free(panel.at(pair[0].0, pair[0].2.mean), panel.at(pair[1].0, pair[1].2.mean));
        }
        for (value, _, ratio) in &self.curve.steps {
            let [low, high] = ratio.interval().map(|end| panel.at(*value, end));
            labels.keep_line_free(low, high);
        }
        for (from, to) in self.printed_lines(panel) {
            labels.keep_line_free(from, to);
        }
        for value in &self.curve.crossings {
            let x = panel.at(*value, 0.0).0;
            sheet.line([(x, one - 7.0), (x, one + 7.0)], stroke(INK, 2.2))?;
            let label = format!("flips at {} {}", short(*value, 2), self.curve.unit);
            labels.put(sheet, label.trim_end(), (x, one), 10.0, LABEL_PX, true)?;
        }
        Ok(())
    }

    /// The lines of what the papers print.
    fn printed_lines(&self, panel: &Panel) -> Vec<((f64, f64), (f64, f64))> {
        let line = |claim: &Printed| match &claim.means {
            Means::Ratio(_) => {
                let heights = claim.means.ratios().map(|ratio| panel.at(1.0, ratio.log2()).1);
                heights.map(|y| ((panel.left, y), (panel.left + panel.width, y))).collect::<Vec<_>>()
            }
            Means::Key(value) => {
                let x = panel.at(*value, 0.0).0;
                vec![((x, panel.top), (x, panel.bottom()))]
            }
        };
        self.flip.claims.iter().flat_map(line).collect()
    }
}

/// A label right of the panel, broken behind its colon where it is too long.
fn beside(sheet: &Sheet<'_>, label: &str, (x, y): (f64, f64)) -> Drawn {
    let style = text(LABEL_PX, GREY, Across::Left, Down::Center);
    match label.split_once(": ").filter(|_| width_px(label, LABEL_PX, false) > RIGHT - 16.0) {
        Some((system, value)) => {
            sheet.text(system, (x, y - 7.0), &style)?;
            sheet.text(value, (x, y + 7.0), &style)
        }
        None => sheet.text(label, (x, y), &style),
    }
}

impl Drawing for FlipFigure {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        self.head.draw(sheet)?;
        let panel = self.panel();
        panel.grid(sheet)?;
        self.printed(sheet, &panel)?;
        let at = |(value, _, ratio): &(f64, String, _)| {
            let ratio: &crate::estimate::Estimate = ratio;
            panel.at(*value, ratio.mean)
        };
        sheet.line(self.curve.steps.iter().map(at), stroke(self.look.colour, 2.2))?;
        for step in &self.curve.steps {
            sheet.line(step.2.interval().map(|end| panel.at(step.0, end)), stroke(self.look.colour, 1.1))?;
            sheet.marker(at(step), self.look, 4.0)?;
        }
        self.crossings(sheet, &panel)?;
        panel.x_labels(sheet, true)?;
        panel.y_labels(sheet)?;
        let unit = if self.curve.unit.is_empty() { String::new() } else { format!(", {}", self.curve.unit) };
        x_title(sheet, &panel, &format!("{}{unit}", called(&self.flip.key)))?;
        let metric = self.flip.metric.doc().axis;
        y_title(sheet, &panel, &format!("{metric}: {} over {}", self.flip.of, self.flip.against), 11.5)
    }
}

#[cfg(test)]
mod tests {
    use crate::figure::tests::{count, svg};
    use crate::fixture::{self, Cell};
    use std::fs;

    #[test]
    fn a_flip_names_its_winner_and_both_claims() {
        let row = |policy: &'static str, at: &'static str, rate: f64| {
            Cell::new(policy, "0.3", &[("output_tokens_per_s", &[rate, rate])]).at(&[("link.rtt", at)])
        };
        let points = [("5 ms", 200.0), ("20 ms", 50.0)];
        let rows: Vec<Cell> =
            points.iter().flat_map(|(at, rate)| [row("cloud_only", at, 100.0), row("msao", at, *rate)]).collect();
        let folder = fixture::folder(&rows);
        assert_eq!(svg("flip", folder.path()), None, "a scenario of somebody's own judges no claims");
        let manifest = folder.path().join("manifest.json");
        let text = fs::read_to_string(&manifest).expect("a manifest");
        fs::write(&manifest, text.replace("\"fixture\"", "\"flip_round_trip\"")).expect("a file");
        let figure = svg("flip", folder.path()).expect("a figure");
        for text in [
            "msao is faster than cloud_only up to 10 ms (round trip), and slower beyond",
            "flips at 10 ms",
            "MSAO: 1.5 to 2.3 times",
            "Speculation at a Distance: 13 ms",
        ] {
            assert_eq!(count(&figure, text), 1, "{text} in {figure}");
        }
    }
}
