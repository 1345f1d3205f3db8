//! `energy_by_rate`: energy of a request against the output rate, a mark for each policy and point.

use super::layout::{Grid, Head, Sample, x_title, y_title};
use super::{Figure, Folder, Prepared};
use crate::estimate::Estimate;
use crate::runs::Cell;
use drawing::{Axis, Drawing, Drawn, Look, Sheet};
use tables::{Metric, RunRow};

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "energy_by_rate", title: "Energy against output rate", needs: &[RunRow::DOC], prepare };

const SIZE: (u32, u32) = (800, 500);
const X: Metric = Metric::OutputRate;
const Y: Metric = Metric::Energy;

/// The figure with its data.
struct EnergyByRate {
    head: Head,
    marks: Vec<Mark>,
}

/// A policy at a point.
struct Mark {
    x: f64,
    y: f64,
    look: Look,
}

/// Reads the runs; no figure where none has both metrics.
fn prepare(folder: &Folder<'_>) -> Prepared {
    let runs = folder.runs()?;
    let policies: Vec<String> = runs.policies().into_iter().map(str::to_owned).collect();
    let looks = folder.looks(&policies)?;
    let mean = |metric, cell: &Cell| runs.metric(metric).all_of(cell).map(|values| Estimate::of(&values).mean);
    let mark = |cell: &Cell| {
        let policy = policies.iter().position(|policy| *policy == cell.policy)?;
        Some(Mark { x: mean(X, cell)?, y: mean(Y, cell)?, look: looks[policy] })
    };
    let marks: Vec<Mark> = runs.cells.iter().filter_map(mark).collect();
    if marks.is_empty() {
        return Ok(None);
    }
    let head = Head::new(SIZE.0, FIGURE.title, "A mark for each point: means over replications.");
    let head = head.with_legend(&policies, &looks, Sample::Point);
    Ok(Some(Box::new(EnergyByRate { head, marks })))
}

impl Drawing for EnergyByRate {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        self.head.draw(sheet)?;
        let x = Axis::over(self.marks.iter().map(|mark| mark.x), 6, true);
        let y = Axis::over(self.marks.iter().map(|mark| mark.y), 6, true);
        let edges = [80.0, 24.0, self.head.bottom() + 12.0, 58.0];
        let panel = Grid { size: SIZE, edges, between: (0.0, 0.0), columns: 1, count: 1 }.panel(0, x, y);
        panel.grid(sheet)?;
        panel.x_labels(sheet, true)?;
        panel.y_labels(sheet)?;
        x_title(sheet, &panel, X.doc().axis)?;
        y_title(sheet, &panel, Y.doc().axis, 12.0)?;
        self.marks.iter().try_for_each(|mark| sheet.marker(panel.at(mark.x, mark.y), mark.look, 5.0))
    }
}
