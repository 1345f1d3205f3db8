//! The sheet that a figure is drawn on, in pixels of the size shown, from the upper left.

use crate::geometry::Geometry;
use crate::paper::{self, Paper};
use crate::style::{Fill, Look, Marker, Stroke, Text, load_fonts, px, stroke};
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon, Text as TextElement};
use plotters::style::{Color, RGBColor, WHITE};
use std::io;

/// The error of drawing. It never comes from the strokes themselves, which go to memory.
pub type DrawError = DrawingAreaErrorKind<io::Error>;

/// The result of drawing.
pub type Drawn = Result<(), DrawError>;

/// A position, in pixels.
pub type At = (f64, f64);

/// A drawing whose data are at hand.
pub trait Drawing {
    /// Width and height at which it is to be read, in pixels.
    fn size(&self) -> (u32, u32);

    /// Draws it.
    ///
    /// # Errors
    ///
    /// Those of the sheet.
    fn draw(&self, sheet: &Sheet<'_>) -> Drawn;
}

/// A drawing in the making.
pub struct Sheet<'p> {
    area: DrawingArea<Paper<'p>, plotters::coord::Shift>,
}

/// The drawing as SVG, with a title for those who cannot see it.
///
/// # Errors
///
/// Those of the drawing.
pub fn svg(drawing: &dyn Drawing, title: &str) -> Result<String, DrawError> {
    paper::svg(drawing.size(), title, |paper| Sheet::filled(paper, drawing))
}

/// The drawing as PNG, twice as large as it is to be read, for dense screens.
///
/// # Errors
///
/// Those of the drawing.
pub fn png(drawing: &dyn Drawing) -> Result<Vec<u8>, DrawError> {
    paper::png(drawing.size(), |paper| Sheet::filled(paper, drawing))
}

/// The geometry of the drawing.
///
/// # Errors
///
/// Those of the drawing.
pub fn geometry(drawing: &dyn Drawing) -> Result<Geometry, DrawError> {
    let mut found = Geometry::of_size(drawing.size());
    paper::record(drawing.size(), &mut found, |paper| Sheet::filled(paper, drawing))?;
    Ok(found)
}

impl Sheet<'_> {
    fn filled(paper: Paper<'_>, drawing: &dyn Drawing) -> Drawn {
        load_fonts();
        let is_white = paper.is_white();
        let sheet = Sheet { area: paper.into_drawing_area() };
        if !is_white {
            sheet.area.fill(&WHITE)?;
        }
        drawing.draw(&sheet)?;
        sheet.area.present()
    }

    /// A line of text.
    ///
    /// # Errors
    ///
    /// The plotting library's, which has none for what is drawn in memory.
    pub fn text(&self, text: &str, at: At, style: &Text) -> Drawn {
        self.area.draw(&TextElement::new(text.to_owned(), fine(at), style.clone()))
    }

    /// A line through points.
    ///
    /// # Errors
    ///
    /// Those of [`Self::text`].
    pub fn line(&self, points: impl IntoIterator<Item = At>, style: Stroke) -> Drawn {
        self.path(points.into_iter().map(fine).collect(), style)
    }

    // Apart, so that it is compiled here, and fast.
    fn path(&self, points: Vec<(i32, i32)>, style: Stroke) -> Drawn {
        if points.len() < 2 { Ok(()) } else { self.area.draw(&PathElement::new(points, style)) }
    }

    /// An area between corners; an opacity of 1 hides what is below.
    ///
    /// # Errors
    ///
    /// Those of [`Self::text`].
    pub fn area(&self, corners: impl IntoIterator<Item = At>, colour: RGBColor, opacity: f64) -> Drawn {
        self.polygon(corners.into_iter().map(fine).collect(), colour, opacity)
    }

    fn polygon(&self, corners: Vec<(i32, i32)>, colour: RGBColor, opacity: f64) -> Drawn {
        self.area.draw(&Polygon::new(corners, colour.mix(opacity).filled()))
    }

    /// A bar between two corners, in a policy's colour and hatching.
    ///
    /// # Errors
    ///
    /// Those of [`Self::text`].
    pub fn bar(&self, (left, top): At, (right, bottom): At, look: Look) -> Drawn {
        self.area([(left, top), (right, top), (right, bottom), (left, bottom)], look.colour, 1.0)?;
        let both: &[bool] = match look.fill {
            Fill::Solid => &[],
            Fill::Striped => &[false],
            Fill::Crossed => &[false, true],
        };
        both.iter().try_for_each(|falling| {
            let lines = hatching([left.min(right), top.min(bottom), left.max(right), top.max(bottom)], *falling);
            lines.into_iter().try_for_each(|ends| self.line(ends, stroke(WHITE, HATCH_PX)))
        })
    }

    /// A point of a policy, `radius` pixels large, with a thin white edge that keeps it apart from what it lies on.
    ///
    /// # Errors
    ///
    /// Those of [`Self::text`].
    pub fn marker(&self, at: At, look: Look, radius: f64) -> Drawn {
        let edge = 0.9;
        self.shape(at, look.marker, radius + edge, WHITE)?;
        self.shape(at, look.marker, radius, look.colour)
    }

    /// The same, but for its outline alone; a cross is thinner.
    ///
    /// # Errors
    ///
    /// Those of [`Self::text`].
    pub fn open_marker(&self, at: At, look: Look, radius: f64) -> Drawn {
        if look.marker == Marker::Cross {
            return self.cross(at, radius, stroke(look.colour, 1.5));
        }
        self.marker(at, look, radius)?;
        self.shape(at, look.marker, (radius - 1.5).max(0.4 * radius), WHITE)
    }

    fn cross(&self, (x, y): At, radius: f64, style: Stroke) -> Drawn {
        self.line([(x - radius, y - radius), (x + radius, y + radius)], style)?;
        self.line([(x - radius, y + radius), (x + radius, y - radius)], style)
    }

    /// The same, without an edge, and so faint that many of them may lie on each other.
    ///
    /// # Errors
    ///
    /// Those of [`Self::text`].
    pub fn faint_marker(&self, (x, y): At, look: Look, radius: f64) -> Drawn {
        self.area.draw(&Circle::new(fine((x, y)), px(radius), look.colour.mix(0.35).filled()))
    }

    /// A dashed line through points.
    ///
    /// # Errors
    ///
    /// Those of [`Self::text`].
    pub fn dashed(&self, points: &[At], style: Stroke) -> Drawn {
        dashes(points).into_iter().try_for_each(|dash| self.line(dash, style))
    }

    fn shape(&self, (x, y): At, marker: Marker, radius: f64, colour: RGBColor) -> Drawn {
        let corners =
            |offsets: &[At]| offsets.iter().map(|(dx, dy)| (x + dx * radius, y + dy * radius)).collect::<Vec<At>>();
        match marker {
            Marker::Circle => self.area.draw(&Circle::new(fine((x, y)), px(radius), colour.filled())),
            Marker::Square => self.area(corners(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]), colour, 1.0),
            Marker::Triangle => self.area(corners(&[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)]), colour, 1.0),
            Marker::Diamond => self.area(corners(&[(0.0, -1.3), (1.2, 0.0), (0.0, 1.3), (-1.2, 0.0)]), colour, 1.0),
            Marker::Cross => self.cross((x, y), radius, stroke(colour, 0.7 * radius)),
        }
    }
}

/// Width of a line of hatching, and the distance from one to the next along an edge, in pixels.
const HATCH_PX: f64 = 1.2;
const HATCH_STEP: f64 = 6.0;

/// Slanting lines over an area, each cut off at its edges: rising to the right, or falling.
fn hatching([left, top, right, bottom]: [f64; 4], falling: bool) -> Vec<[At; 2]> {
    let (width, height) = (right - left, bottom - top);
    let count = ((width + height) / HATCH_STEP) as usize;
    let line = |index: usize| {
        let offset = (index as f64 + 0.5) * HATCH_STEP;
        let (from, to) = ((offset - height).max(0.0), offset.min(width));
        let y = |x: f64| if falling { bottom - offset + x } else { top + offset - x };
        [(left + from, y(from)), (left + to, y(to))]
    };
    (0..count).map(line).filter(|[from, to]| to.0 > from.0).collect()
}

/// Length of a dash and of the gap behind it, in pixels.
const DASH: [f64; 2] = [5.0, 3.5];

/// The dashes of a line, each with the corners of the line that lie on it.
fn dashes(points: &[At]) -> Vec<Vec<At>> {
    let mut out = vec![points.first().copied().into_iter().collect::<Vec<_>>()];
    let (mut drawing, mut left) = (true, DASH[0]);
    for pair in points.windows(2) {
        let ((mut x, mut y), (to_x, to_y)) = (pair[0], pair[1]);
        let mut rest = (to_x - x).hypot(to_y - y);
        while rest > left {
            (x, y) = (x + (to_x - x) * left / rest, y + (to_y - y) * left / rest);
            rest -= left;
            match drawing {
                true => out.last_mut().expect("one was begun").push((x, y)),
                false => out.push(vec![(x, y)]),
            }
            drawing = !drawing;
            left = DASH[usize::from(!drawing)];
        }
        left -= rest;
        if drawing {
            out.last_mut().expect("one was begun").push((to_x, to_y));
        }
    }
    out
}

fn fine((x, y): At) -> (i32, i32) {
    (px(x), px(y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hatching_stays_within_its_area() {
        for falling in [false, true] {
            let lines = hatching([10.0, 20.0, 40.0, 30.0], falling);
            assert_eq!(lines.len(), 6, "{lines:?}");
            for (x, y) in lines.into_iter().flatten() {
                assert!((10.0..=40.0).contains(&x) && (20.0..=30.0).contains(&y), "{x} {y}");
            }
        }
        assert!(hatching([0.0, 0.0, 1.0, 1.0], false).is_empty(), "too small to be hatched");
    }

    #[test]
    fn dashes_go_around_corners() {
        let found = dashes(&[(0.0, 0.0), (4.0, 0.0), (4.0, 20.0)]);
        assert_eq!(found[0], [(0.0, 0.0), (4.0, 0.0), (4.0, 1.0)]);
        assert_eq!(found[1], [(4.0, 4.5), (4.0, 9.5)]);
        assert_eq!(found.last().map(|last| last[last.len() - 1]), Some((4.0, 18.0)));
        assert!(dashes(&[]).iter().all(|dash| dash.len() < 2));
    }
}
