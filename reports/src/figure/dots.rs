//! Tables whose columns are drawn: a point for what was simulated, an open diamond for what a paper prints, and the numbers
//! beside them. Where bars from zero would all look alike, or span decades, points on an axis of their own tell values apart.

use super::layout::{EDGE, Head, fitted};
use crate::estimate::Estimate;
use drawing::{
    AXIS, Across, At, Axis, Down, Drawing, Drawn, GREY, GRID, INK, Look, Marker, Panel, Sheet, Text, bold, stroke,
    text, width_px,
};

/// Usual width of the figure.
pub(super) const WIDTH: u32 = 1000;

/// The look of printed values.
pub(super) const PRINTED: Look = Look::plain(INK, Marker::Diamond);

/// Width of the explanation of [`PRINTED`].
pub(super) const PRINTED_SAMPLE: f64 = 150.0;

/// A printed value that is so many times the largest simulated one would squash all others: an arrow points to it.
pub(super) const FAR: f64 = 2.5;

const LABEL_PX: f64 = 12.0;
const NUMBER_PX: f64 = 11.5;
const SMALL_PX: f64 = 10.0;
const ROW: f64 = 21.0;
/// The line of a section's title and of the heads of its numbers.
const SECTION: f64 = 24.0;
const COLUMN_TITLE: f64 = 26.0;
const TICKS: f64 = 34.0;
/// Height of a bar.
const BAR: f64 = 13.0;
/// Width of the column of labels, at most.
const MOST_LABEL: f64 = 340.0;
/// Between columns, and between the numbers of one.
const BETWEEN: f64 = 26.0;
const BETWEEN_NUMBERS: f64 = 12.0;
const RADIUS: f64 = 4.2;

/// The figure.
pub(super) struct DotTable {
    pub width: u32,
    pub head: Head,
    pub columns: Vec<Column>,
    /// Columns side by side; the others stand below.
    pub in_a_row: usize,
    pub sections: Vec<Section>,
}

/// A column.
pub(super) struct Column {
    pub title: String,
    pub axis: Axis,
}

/// Rows with something in common.
pub(super) struct Section {
    /// Empty if there is nothing to say.
    pub title: String,
    /// Above the numbers of each column.
    pub heads: Vec<String>,
    pub rows: Vec<Row>,
}

/// A row.
pub(super) struct Row {
    pub label: String,
    /// The look of the point before its label.
    pub look: Option<Look>,
    /// By column.
    pub cells: Vec<Cell>,
}

/// A row's part in a column.
#[derive(Clone, Default)]
pub(super) struct Cell {
    pub simulated: Vec<(Look, Estimate)>,
    pub printed: Option<f64>,
    /// The value that the simulated one is compared with.
    pub from: Option<f64>,
    /// Parts of a bar from zero, which is drawn in place of the point.
    pub parts: Vec<(Look, f64)>,
    /// The value up to which a bar may go on.
    pub upto: Option<f64>,
    /// As many as there are heads.
    pub numbers: Vec<String>,
}

/// The kind of a column's axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// Over the values alone.
    Close,
    /// From zero, for bars.
    Zero,
    /// Logarithmic.
    Log,
}

impl From<bool> for Scale {
    /// From zero, or close.
    fn from(from_zero: bool) -> Self {
        if from_zero { Self::Zero } else { Self::Close }
    }
}

/// The axis of a column, with about `count` ticks: over all that is simulated, and what is printed unless it is far off.
pub(super) fn axis<'c>(cells: impl Iterator<Item = &'c Cell>, count: usize, scale: Scale) -> Axis {
    let cells: Vec<&Cell> = cells.collect();
    let simulated = || {
        let values = cells.iter().flat_map(|cell| &cell.simulated).flat_map(|(_, estimate)| estimate.interval());
        values.chain(cells.iter().filter_map(|cell| cell.from))
    };
    let largest = simulated().fold(0.0, f64::max);
    let printed = cells.iter().flat_map(|cell| [cell.printed, cell.upto]).flatten();
    let values = simulated().chain(printed.filter(|printed| scale == Scale::Log || *printed <= FAR * largest));
    match scale {
        Scale::Log => Axis::log_over(values, count),
        Scale::Zero => Axis::over(values.map(|value| value.max(0.0)), count, true),
        Scale::Close => Axis::over(values, count, false),
    }
}

/// A difference with its sign.
pub(super) fn signed(value: f64, decimals: usize) -> String {
    let plain = drawing::grouped(value.abs(), decimals);
    match plain.chars().any(|digit| matches!(digit, '1'..='9')) {
        true if value < 0.0 => format!("\u{2212}{plain}"),
        true => format!("+{plain}"),
        false => plain,
    }
}

/// A mean with its half-width, where that is seen.
pub(super) fn with_interval(value: Estimate, decimals: usize) -> String {
    widened(drawing::grouped(value.mean, decimals), value, decimals)
}

/// The same of a difference.
pub(super) fn signed_interval(value: Estimate, decimals: usize) -> String {
    widened(signed(value.mean, decimals), value, decimals)
}

fn widened(mean: String, value: Estimate, decimals: usize) -> String {
    let half = value.ci95.map(|half| drawing::grouped(half, decimals));
    let half = half.filter(|half| half.chars().any(|digit| matches!(digit, '1'..='9')));
    half.map_or(mean.clone(), |half| format!("{mean} \u{b1}{half}"))
}

/// Widths of what stands in every tier.
struct Widths {
    label: f64,
    plot: f64,
    numbers: Vec<f64>,
}

impl Widths {
    fn column(&self) -> f64 {
        self.plot + self.numbers.iter().map(|width| width + BETWEEN_NUMBERS).sum::<f64>()
    }
}

impl DotTable {
    fn widths(&self) -> Widths {
        let rows = || self.sections.iter().flat_map(|section| &section.rows);
        let labels = rows().map(|row| width_px(&row.label, LABEL_PX, false) + 32.0);
        let titles = self.sections.iter().map(|section| width_px(&section.title, LABEL_PX, true) + 16.0);
        let label = labels.chain(titles).fold(0.0, f64::max).min(MOST_LABEL);
        let count = self.sections.iter().map(|section| section.heads.len()).max().unwrap_or(0);
        let width = |index: usize| {
            let heads = self.sections.iter().filter_map(|section| section.heads.get(index));
            let numbers = rows().flat_map(|row| &row.cells).filter_map(|cell| cell.numbers.get(index));
            let heads = heads.map(|head| width_px(head, SMALL_PX, false));
            heads.chain(numbers.map(|number| width_px(number, NUMBER_PX, false))).fold(0.0, f64::max)
        };
        let mut widths = Widths { label, plot: 0.0, numbers: (0..count).map(width).collect() };
        let in_a_row = self.in_a_row.min(self.columns.len()) as f64;
        let room = f64::from(self.width) - 2.0 * EDGE - label - BETWEEN * (in_a_row - 1.0);
        widths.plot = (room / in_a_row - widths.column()).clamp(60.0, 680.0);
        widths
    }

    fn tiers(&self) -> usize {
        self.columns.len().div_ceil(self.in_a_row)
    }

    /// Height of the sections of a tier.
    fn body(&self) -> f64 {
        self.sections.iter().map(|section| SECTION + ROW * section.rows.len() as f64).sum()
    }

    fn top(&self, tier: usize) -> f64 {
        self.head.bottom() + 12.0 + tier as f64 * (COLUMN_TITLE + self.body() + TICKS + 14.0)
    }

    fn tier(&self, sheet: &Sheet<'_>, tier: usize) -> Drawn {
        let widths = self.widths();
        let first = tier * self.in_a_row;
        let columns = &self.columns[first..self.columns.len().min(first + self.in_a_row)];
        let panels: Vec<Panel> = columns
            .iter()
            .enumerate()
            .map(|(place, column)| Panel {
                left: EDGE + widths.label + place as f64 * (widths.column() + BETWEEN),
                top: self.top(tier) + COLUMN_TITLE,
                width: widths.plot,
                height: self.body(),
                x: column.axis.clone(),
                y: Axis::between(0.0, 1.0, Vec::new()),
            })
            .collect();
        let right = panels.last().map_or(0.0, |panel| panel.left + widths.column());
        for (panel, column) in panels.iter().zip(columns) {
            panel.upright_grid(sheet)?;
            let at = (panel.left, self.top(tier));
            sheet.text(&column.title, at, &bold(13.0, INK, Across::Left, Down::Top))?;
        }
        let mut top = self.top(tier) + COLUMN_TITLE;
        let mut heads: &[String] = &[];
        for section in &self.sections {
            self.section_title(sheet, section, &panels, &widths, (top, heads != section.heads.as_slice()))?;
            heads = &section.heads;
            top += SECTION;
            for row in &section.rows {
                sheet.line([(EDGE, top), (right, top)], stroke(GRID, 1.0))?;
                self.label(sheet, row, widths.label - 29.0, top + ROW / 2.0)?;
                for (panel, cell) in panels.iter().zip(&row.cells[first..]) {
                    draw_cell(sheet, panel, cell, top)?;
                    numbers(sheet, panel, cell, &widths, top + ROW / 2.0)?;
                }
                top += ROW;
            }
        }
        for panel in &panels {
            sheet.line([(panel.left, top), (panel.left + panel.width, top)], stroke(AXIS, 1.0))?;
            panel.x_labels(sheet, true)?;
        }
        Ok(())
    }

    fn section_title(
        &self,
        sheet: &Sheet<'_>,
        section: &Section,
        panels: &[Panel],
        widths: &Widths,
        (top, with_heads): (f64, bool),
    ) -> Drawn {
        let line = top + SECTION - 5.0;
        let (title, size) = fitted(&section.title, widths.label - 12.0, LABEL_PX, true);
        written(sheet, &title, (EDGE, line), &bold(size, INK, Across::Left, Down::Bottom))?;
        for panel in panels.iter().filter(|_| with_heads) {
            let mut x = panel.left + panel.width;
            for (width, head) in widths.numbers.iter().zip(&section.heads) {
                x += BETWEEN_NUMBERS + width;
                written(sheet, head, (x, line), &text(SMALL_PX, GREY, Across::Right, Down::Bottom))?;
            }
        }
        Ok(())
    }

    fn label(&self, sheet: &Sheet<'_>, row: &Row, room: f64, y: f64) -> Drawn {
        if let Some(look) = row.look {
            sheet.marker((EDGE + 6.0, y), look, RADIUS)?;
        }
        let (label, size) = fitted(&row.label, room, LABEL_PX, false);
        sheet.text(&label, (EDGE + 17.0, y), &text(size, INK, Across::Left, Down::Center))
    }
}

fn numbers(sheet: &Sheet<'_>, panel: &Panel, cell: &Cell, widths: &Widths, y: f64) -> Drawn {
    let mut x = panel.left + panel.width;
    for (width, number) in widths.numbers.iter().zip(&cell.numbers) {
        x += BETWEEN_NUMBERS + width;
        written(sheet, number, (x, y), &text(NUMBER_PX, INK, Across::Right, Down::Center))?;
    }
    Ok(())
}

/// A text, if it says anything.
fn written(sheet: &Sheet<'_>, text: &str, at: At, style: &Text) -> Drawn {
    if text.is_empty() { Ok(()) } else { sheet.text(text, at, style) }
}

fn draw_cell(sheet: &Sheet<'_>, panel: &Panel, cell: &Cell, top: f64) -> Drawn {
    let y = top + ROW / 2.0;
    let x = |value: f64| panel.at(value, 0.0).0;
    if let Some(from) = cell.from {
        sheet.line([(x(from), top), (x(from), top + ROW)], stroke(AXIS, 1.2))?;
        for (look, value) in &cell.simulated {
            sheet.line([(x(from), y), (x(value.mean), y)], stroke(look.colour, 2.0))?;
        }
    }
    let mut before = 0.0;
    for (look, part) in &cell.parts {
        sheet.bar((x(before), y - BAR / 2.0), (x(before + part), y + BAR / 2.0), *look)?;
        before += part;
    }
    if let Some(upto) = cell.upto {
        let (right, is_seen) = (panel.left + panel.width, panel.x.shows(upto));
        let end = if is_seen { x(upto) } else { right - 4.0 };
        sheet.line([(x(before), y), (end, y)], stroke(INK, 1.2))?;
        match is_seen {
            true => sheet.line([(end, y - 3.5), (end, y + 3.5)], stroke(INK, 1.2))?,
            false => arrow_right(sheet, (right, y))?,
        }
    }
    match cell.printed {
        Some(printed) if panel.x.shows(printed) => sheet.open_marker((x(printed), y), PRINTED, 5.6)?,
        Some(_) => arrow_right(sheet, (panel.left + panel.width, y))?,
        None => {}
    }
    for (look, value) in &cell.simulated {
        let [low, high] = value.interval().map(x);
        // An interval that is hidden by its point needs no whisker.
        let hidden = if cell.parts.is_empty() { 2.0 * RADIUS + 5.0 } else { 3.0 };
        if high - low > hidden {
            sheet.line([(low, y), (high, y)], stroke(INK, 1.2))?;
            for end in [low, high] {
                sheet.line([(end, y - 3.5), (end, y + 3.5)], stroke(INK, 1.2))?;
            }
        }
        if cell.parts.is_empty() {
            sheet.marker((x(value.mean), y), *look, RADIUS)?;
        }
    }
    Ok(())
}

/// To a value beyond the right end.
fn arrow_right(sheet: &Sheet<'_>, (x, y): At) -> Drawn {
    sheet.line([(x - 14.0, y), (x - 4.0, y)], stroke(INK, 1.6))?;
    sheet.area([(x - 6.0, y - 4.0), (x + 2.0, y), (x - 6.0, y + 4.0)], INK, 1.0)
}

/// The explanation of the open diamond, behind the legend.
pub(super) fn printed_sample(sheet: &Sheet<'_>, (x, y): At) -> Drawn {
    sheet.open_marker((x + 6.0, y), PRINTED, 5.6)?;
    sheet.text("printed in the paper", (x + 17.0, y), &text(12.5, INK, Across::Left, Down::Center))
}

impl Drawing for DotTable {
    fn size(&self) -> (u32, u32) {
        (self.width, (self.top(self.tiers()) - 4.0).ceil() as u32)
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        let behind = self.head.draw(sheet)?;
        let cells = || self.sections.iter().flat_map(|section| &section.rows).flat_map(|row| &row.cells);
        if cells().any(|cell| cell.printed.is_some()) {
            printed_sample(sheet, behind)?;
        }
        (0..self.tiers()).try_for_each(|tier| self.tier(sheet, tier))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_value_far_off_does_not_stretch_the_axis() {
        let look = PRINTED;
        let cell = |mean: f64, printed: f64| Cell {
            simulated: vec![(look, Estimate { mean, ci95: None })],
            printed: Some(printed),
            ..Cell::default()
        };
        let of = |cells: &[Cell], scale: Scale| axis(cells.iter(), 5, scale);
        assert!(!of(&[cell(100.0, 2900.0), cell(150.0, 300.0)], Scale::Close).shows(2900.0));
        assert!(of(&[cell(100.0, 2900.0), cell(150.0, 300.0)], Scale::Zero).shows(300.0));
        assert!(of(&[cell(100.0, 2900.0)], Scale::Log).shows(2900.0), "a logarithmic axis has room");
    }

    #[test]
    fn numbers_have_a_sign_or_an_interval_where_they_are_seen() {
        assert_eq!([signed(-1.24, 1), signed(0.96, 1), signed(-0.04, 1)], ["\u{2212}1.2", "+1.0", "0.0"]);
        let of = |ci95: Option<f64>| with_interval(Estimate { mean: 1234.0, ci95 }, 0);
        assert_eq!(signed_interval(Estimate { mean: -4.0, ci95: Some(0.25) }, 1), "\u{2212}4.0 \u{b1}0.2");
        assert_eq!([of(None), of(Some(0.4)), of(Some(12.0))], ["1,234", "1,234", "1,234 \u{b1}12"]);
    }
}
