//! The layout of figures: a head with title, explanation and legend, and panels in rows below it.

use drawing::{
    Across, At, Axis, Down, DrawError, Drawn, GREY, INK, Look, Panel, Sheet, bold, stroke, text, upright, width_px,
};

/// Left edge of everything that belongs to no panel, and what is left free at the right one, in pixels.
pub(super) const EDGE: f64 = 22.0;

const TITLE_PX: f64 = 17.0;
const HOW_PX: f64 = 11.5;
const NAME_PX: f64 = 12.5;
/// From a line of the explanation, or a row of the legend, to the next.
const LINE: f64 = 16.0;
const ROW: f64 = 19.0;
/// Middle of the legend below an explanation of one line.
const LEGEND: f64 = 68.0;

/// The sample beside a name in the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sample {
    /// The colour of a bar.
    Block,
    /// A line.
    Line,
    /// A line with a point on it.
    LineAndPoint,
    /// A point.
    Point,
}

impl Sample {
    /// From the sample's left to the name's, and from the name's right to the next sample.
    fn room(self) -> (f64, f64) {
        match self {
            Self::Block => (18.0, 18.0),
            Self::Line => (24.0, 18.0),
            Self::LineAndPoint => (24.0, 14.0),
            Self::Point => (16.0, 18.0),
        }
    }

    fn draw(self, sheet: &Sheet<'_>, (x, y): At, look: Look) -> Drawn {
        match self {
            Self::Block => sheet.bar((x, y - 6.0), (x + 12.0, y + 6.0), look),
            Self::Line => sheet.line([(x, y), (x + 18.0, y)], stroke(look.colour, 2.5)),
            Self::LineAndPoint => {
                sheet.line([(x, y), (x + 18.0, y)], stroke(look.colour, 2.0))?;
                sheet.marker((x + 9.0, y), look, 3.4)
            }
            Self::Point => sheet.marker((x + 5.0, y), look, 4.6),
        }
    }
}

/// The head above the panels.
pub(super) struct Head {
    title: String,
    /// The explanation, in lines that fit.
    how: Vec<String>,
    names: Vec<(String, Look)>,
    sample: Sample,
    /// Width of what stands behind the names.
    behind: f64,
    width: f64,
}

impl Head {
    /// For a figure so many pixels wide. Lines that are too long are broken.
    pub fn new(width: u32, title: impl Into<String>, how: &str) -> Self {
        let width = f64::from(width);
        let how = broken(how, width - 2.0 * EDGE, HOW_PX);
        Self { title: title.into(), how, names: Vec::new(), sample: Sample::Block, behind: 0.0, width }
    }

    /// With the policies as its legend.
    pub fn with_legend(mut self, policies: &[String], looks: &[Look], sample: Sample) -> Self {
        let room = self.width - 2.0 * EDGE - sample.room().0;
        let fitted = policies.iter().map(|name| fitted_to(name, room, NAME_PX));
        self.names = fitted.zip(looks.iter().copied()).collect();
        self.sample = sample;
        self
    }

    /// With room so many pixels wide behind the names.
    pub fn with_room_behind(mut self, pixels: f64) -> Self {
        self.behind = pixels;
        self
    }

    /// The start of each name of the legend, and the place behind the last one.
    fn places(&self) -> (Vec<At>, At) {
        let (offset, gap) = self.sample.room();
        let mut at = (EDGE, LEGEND + LINE * self.how.len().saturating_sub(1) as f64);
        let mut places = Vec::new();
        for (name, _) in &self.names {
            let whole = offset + width_px(name, NAME_PX, false);
            if at.0 + whole > self.width - EDGE && at.0 > EDGE {
                at = (EDGE, at.1 + ROW);
            }
            places.push(at);
            at.0 += whole + gap;
        }
        if at.0 + self.behind > self.width - EDGE && at.0 > EDGE {
            at = (EDGE, at.1 + ROW);
        }
        (places, at)
    }

    /// Its lower edge: room for the titles of panels begins here.
    pub fn bottom(&self) -> f64 {
        // Without a legend there is no line for it.
        let unused = if self.names.is_empty() && self.behind == 0.0 { ROW } else { 0.0 };
        self.places().1.1 + 10.0 - unused
    }

    /// Draws it. Where something behind the legend may stand: its left and its middle.
    pub fn draw(&self, sheet: &Sheet<'_>) -> Result<At, DrawError> {
        let (title, size) = fitted(&self.title, self.width - 2.0 * EDGE, TITLE_PX, true);
        sheet.text(&title, (EDGE, 16.0), &bold(size, INK, Across::Left, Down::Top))?;
        for (index, line) in self.how.iter().enumerate() {
            let at = (EDGE, 42.0 + LINE * index as f64);
            sheet.text(line, at, &text(HOW_PX, GREY, Across::Left, Down::Top))?;
        }
        let (places, behind) = self.places();
        for ((x, y), (name, look)) in places.into_iter().zip(&self.names) {
            self.sample.draw(sheet, (x, y), *look)?;
            let style = text(NAME_PX, INK, Across::Left, Down::Center);
            sheet.text(name, (x + self.sample.room().0, y), &style)?;
        }
        Ok(behind)
    }
}

/// A text in lines that are no wider.
fn broken(whole: &str, width: f64, pixels: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in whole.split(' ') {
        let longer = lines.last().map(|line| format!("{line} {word}"));
        match (longer.filter(|longer| width_px(longer, pixels, false) <= width), lines.last_mut()) {
            (Some(longer), Some(line)) => *line = longer,
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Panels of one size in rows.
pub(super) struct Grid {
    /// Size of the figure.
    pub size: (u32, u32),
    /// Margins at the left, the right, the top and the bottom.
    pub edges: [f64; 4],
    /// Between two panels side by side, and between two rows.
    pub between: (f64, f64),
    /// Panels in a row.
    pub columns: usize,
    /// Panels in all.
    pub count: usize,
}

impl Grid {
    fn rows(&self) -> usize {
        self.count.div_ceil(self.columns)
    }

    /// A panel with these axes.
    pub fn panel(&self, index: usize, x: Axis, y: Axis) -> Panel {
        let [left, right, top, bottom] = self.edges;
        let room = |whole: u32, ends: f64, between: f64, parts: usize| {
            (f64::from(whole) - ends - between * (parts - 1) as f64) / parts as f64
        };
        let width = room(self.size.0, left + right, self.between.0, self.columns);
        let height = room(self.size.1, top + bottom, self.between.1, self.rows());
        Panel {
            left: left + (index % self.columns) as f64 * (width + self.between.0),
            top: top + (index / self.columns) as f64 * (height + self.between.1),
            width,
            height,
            x,
            y,
        }
    }

    /// True if nothing stands to its left.
    pub fn is_first(&self, index: usize) -> bool {
        index.is_multiple_of(self.columns)
    }

    /// True if nothing stands below it.
    pub fn is_lowest(&self, index: usize) -> bool {
        index + self.columns >= self.count
    }
}

/// The title of a panel, above it.
pub(super) fn panel_title(sheet: &Sheet<'_>, panel: &Panel, title: &str) -> Drawn {
    let (title, size) = fitted(title, panel.width + 12.0, 13.0, true);
    let middle = (panel.left + panel.width / 2.0, panel.top - 12.0);
    sheet.text(&title, middle, &bold(size, INK, Across::Center, Down::Bottom))
}

/// The title of the y axis, at the left edge of the figure.
pub(super) fn y_title(sheet: &Sheet<'_>, panel: &Panel, title: &str, pixels: f64) -> Drawn {
    let style = upright(&bold(pixels, INK, Across::Center, Down::Top));
    sheet.text(title, (EDGE, panel.top + panel.height / 2.0), &style)
}

/// The title of the x axis, below its values.
pub(super) fn x_title(sheet: &Sheet<'_>, panel: &Panel, title: &str) -> Drawn {
    let below = (panel.left + panel.width / 2.0, panel.bottom() + 31.0);
    sheet.text(title, below, &text(11.0, GREY, Across::Center, Down::Top))
}

/// A text that fits into so much room, and its size: smaller if it must be, and without its middle if that does not suffice.
pub(super) fn fitted(whole: &str, room: f64, pixels: f64, bold: bool) -> (String, f64) {
    const LEAST_PX: f64 = 8.5;
    let sizes = (0..).map(|step| pixels - 0.5 * f64::from(step)).take_while(|size| *size >= LEAST_PX);
    if let Some(size) = sizes.into_iter().find(|size| width_px(whole, *size, bold) <= room) {
        return (whole.to_owned(), size);
    }
    (cut(whole, room, LEAST_PX, bold), LEAST_PX)
}

/// A text that fits into so much room at a size, without its middle if need be.
pub(super) fn fitted_to(whole: &str, room: f64, pixels: f64) -> String {
    if width_px(whole, pixels, false) <= room { whole.to_owned() } else { cut(whole, room, pixels, false) }
}

/// A text without as much of its middle as does not fit.
fn cut(whole: &str, room: f64, pixels: f64, bold: bool) -> String {
    let letters: Vec<char> = whole.chars().collect();
    let without = |kept: usize| {
        let (head, tail) = (kept.div_ceil(2), kept / 2);
        let ends = [&letters[..head], &['…'], &letters[letters.len() - tail..]];
        ends.into_iter().flatten().collect::<String>()
    };
    let fits = |kept: &usize| width_px(&without(*kept), pixels, bold) <= room;
    without((0..letters.len()).rev().find(fits).unwrap_or(0))
}

/// The first of these titles that fits into a figure so many pixels wide; else the last.
pub(super) fn fitting(width: u32, titles: impl IntoIterator<Item = String>) -> String {
    let mut last = String::new();
    for title in titles {
        if width_px(&title, TITLE_PX, true) <= f64::from(width) - 2.0 * EDGE {
            return title;
        }
        last = title;
    }
    last
}

/// Names as a list: `a, b and c`.
pub(super) fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_between_words() {
        let lines = broken("one two three four five", 80.0, HOW_PX);
        assert!(lines.len() > 1 && lines.iter().all(|line| width_px(line, HOW_PX, false) <= 80.0), "{lines:?}");
        assert_eq!(lines.join(" "), "one two three four five");
        assert_eq!(broken("unbreakable", 3.0, HOW_PX), ["unbreakable"]);
    }

    #[test]
    fn a_legend_that_is_too_long_goes_on_below() {
        let policies: Vec<String> = (0..9).map(|index| format!("policy_number_{index}")).collect();
        let looks = drawing::looks(&policies);
        let head = |count: usize| Head::new(400, "Title", "How").with_legend(&policies[..count], &looks, Sample::Line);
        assert_eq!(head(2).bottom(), 78.0);
        assert!(head(9).bottom() > 78.0);
        assert!(head(9).places().0.iter().all(|(x, _)| x + 24.0 < 400.0));
    }

    #[test]
    fn panels_fill_the_figure() {
        let grid =
            Grid { size: (500, 400), edges: [50.0, 10.0, 60.0, 40.0], between: (20.0, 30.0), columns: 2, count: 3 };
        let axis = || Axis::between(0.0, 1.0, Vec::new());
        let last = grid.panel(2, axis(), axis());
        assert_eq!([last.left, last.top, last.width, last.bottom()], [50.0, 225.0, 210.0, 360.0]);
        let second = grid.panel(1, axis(), axis());
        assert_eq!(second.left + second.width, 490.0);
        assert_eq!([0, 1, 2].map(|index| grid.is_first(index)), [true, false, true]);
        assert_eq!([0, 1, 2].map(|index| grid.is_lowest(index)), [false, true, true]);
    }

    #[test]
    fn a_name_is_made_to_fit() {
        assert_eq!(fitted("short", 200.0, 12.0, false), ("short".to_owned(), 12.0));
        let name = "a_policy_with_a_label_that_is_far_too_long_for_figures_7";
        let (whole, size) = fitted(name, 300.0, 12.0, false);
        assert!(whole == name && size < 12.0 && width_px(name, size, false) <= 300.0, "{size}");
        let (cut, size) = fitted(name, 100.0, 12.0, false);
        assert!(cut.starts_with("a_po") && cut.contains('…') && cut.ends_with("_7"), "{cut}");
        assert!(width_px(&cut, size, false) <= 100.0, "{cut}");
    }

    #[test]
    fn a_title_fits() {
        let titles = || ["a title that is much too long for this", "short"].map(str::to_owned);
        assert_eq!([fitting(900, titles()), fitting(150, titles()), fitting(10, titles())], {
            let [long, short] = titles();
            [long, short.clone(), short]
        });
    }

    #[test]
    fn names_are_listed() {
        assert_eq!([listed(&[]), listed(&["a"]), listed(&["a", "b", "c"])], ["", "a", "a, b and c"]);
    }
}
