//! The geometry of a drawing: where its texts stand and on which grounds, so that tests find texts that cover each other, leave the
//! sheet, are struck through or cannot be read.

use crate::colour::contrast;
use crate::style::{FINE, px, width_px};
use plotters::style::RGBColor;
use plotters::style::text_anchor::HPos;
use plotters_backend::{BackendColor, BackendCoord, BackendTextStyle, FontTransform};

/// A rectangle: left, top, right, bottom, in pixels.
pub type Area = [f64; 4];

/// Share of the font's size that letters such as `g` reach below the line.
const DESCENT_PER_EM: f64 = 0.2;

/// Overlap of two boxes, in pixels, that nobody sees: letters do not fill their boxes.
const UNSEEN_PX: f64 = 1.0;

/// Width of a stroke from which on it makes a text hard to read, in pixels.
const HEAVY_PX: f64 = 1.25;

/// A text of a drawing.
#[derive(Clone, Debug)]
pub struct Lettering {
    /// Its words.
    pub text: String,
    /// The box of its letters.
    pub area: Area,
    /// Least contrast with the grounds below it, from 1 to 21.
    pub contrast: f64,
    /// True if a heavy stroke runs through it, or something was drawn over it.
    pub struck: bool,
}

/// The texts of a drawing, in the order in which they were drawn.
#[derive(Default)]
pub struct Geometry {
    /// Width and height of the sheet, in pixels.
    pub size: (f64, f64),
    /// The texts.
    pub texts: Vec<Lettering>,
    /// The first is the ground of the sheet.
    shapes: Vec<Shape>,
}

/// A filled shape or a stroke.
enum Shape {
    Fill(Vec<(f64, f64)>, BackendColor),
    Disc((f64, f64), f64, BackendColor),
    Stroke(Vec<(f64, f64)>, f64),
}

impl Geometry {
    /// Nothing yet on a sheet of this size.
    pub(crate) fn of_size((width, height): (u32, u32)) -> Self {
        Self { size: (f64::from(width), f64::from(height)), ..Self::default() }
    }

    /// A sentence for each text that cannot be read as it stands.
    pub fn defects(&self) -> Vec<String> {
        let mut defects = Vec::new();
        let (width, height) = self.size;
        // What lies beyond the sheet is drawn at its edge.
        let is_off = |(x, y): &(f64, f64)| *x < 0.5 || *y < 0.5 || *x > width - 0.8 || *y > height - 0.8;
        for shape in self.shapes.iter().skip(1) {
            let (Shape::Fill(corners, _) | Shape::Stroke(corners, _)) = shape else { continue };
            if let Some(at) = corners.iter().find(|corner| is_off(corner)) {
                defects.push(format!("a shape leaves the sheet of {width} x {height} at {at:.0?}"));
            }
        }
        for (index, text) in self.texts.iter().enumerate() {
            let [left, top, right, bottom] = text.area;
            let name = &text.text;
            if left < -0.5 || top < -0.5 || right > width + 0.5 || bottom > height + 0.5 {
                defects.push(format!("{name:?} leaves the sheet of {width} x {height}: {:.0?}", text.area));
            }
            for other in self.texts[..index].iter().filter(|other| meet(&text.area, &other.area)) {
                defects.push(format!("{name:?} covers {:?} at {:.0?}", other.text, text.area));
            }
            if text.contrast < 4.5 {
                defects.push(format!("{name:?} has a contrast of {:.1}, of 4.5 at least", text.contrast));
            }
            if text.struck {
                defects.push(format!("{name:?} is struck through at {:.0?}", text.area));
            }
        }
        defects
    }

    pub(crate) fn fill(&mut self, corners: impl IntoIterator<Item = BackendCoord>, colour: BackendColor) {
        let corners: Vec<_> = corners.into_iter().map(shown).collect();
        self.cover(|at| is_within(&corners, at), colour.alpha);
        self.shapes.push(Shape::Fill(corners, colour));
    }

    pub(crate) fn disc(&mut self, centre: BackendCoord, radius: u32, colour: BackendColor) {
        let (centre, radius) = (shown(centre), f64::from(radius) / f64::from(FINE));
        self.cover(|at| distance(at, centre) < radius, colour.alpha);
        self.shapes.push(Shape::Disc(centre, radius, colour));
    }

    pub(crate) fn stroke(&mut self, corners: impl IntoIterator<Item = BackendCoord>, width: u32) {
        let (corners, width): (Vec<_>, _) =
            (corners.into_iter().map(shown).collect(), f64::from(width) / f64::from(FINE));
        if width >= HEAVY_PX {
            let struck = self.texts.iter_mut().filter(|text| crosses(&corners, &text.area));
            struck.for_each(|text| text.struck = true);
        }
        self.shapes.push(Shape::Stroke(corners, width));
    }

    /// Marks the texts whose middle a new shape hides.
    fn cover(&mut self, hides: impl Fn((f64, f64)) -> bool, alpha: f64) {
        let hidden = |text: &Lettering| along(&text.area).into_iter().any(&hides);
        self.texts.iter_mut().filter(|text| alpha > 0.0 && hidden(text)).for_each(|text| text.struck = true);
    }

    /// Notes a text of this size, in units of the drawing, whose baseline is so far below its anchor.
    pub(crate) fn text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (em, baseline): (f64, f64),
        at: BackendCoord,
    ) {
        let bold = matches!(style.style(), plotters_backend::FontStyle::Bold);
        let [size, baseline] = [em, baseline].map(|units| units / f64::from(FINE));
        let width = width_px(text, size, bold);
        let left = match style.anchor().h_pos {
            HPos::Left => 0.0,
            HPos::Center => -width / 2.0,
            HPos::Right => -width,
        };
        let top = baseline - crate::style::CAP_PER_EM * size;
        let corners = [(left, top), (left + width, baseline + DESCENT_PER_EM * size)];
        let [a, b] = corners.map(|corner| turned(style.transform(), corner));
        let (x, y) = shown(at);
        let area = [x + a.0.min(b.0), y + a.1.min(b.1), x + a.0.max(b.0), y + a.1.max(b.1)];
        let BackendColor { rgb: (red, green, blue), .. } = style.color();
        let ink = RGBColor(red, green, blue);
        let contrast = along(&area).map(|at| contrast(ink, self.ground(at))).into_iter().fold(21.0, f64::min);
        self.texts.push(Lettering { text: text.to_owned(), area, contrast, struck: self.is_struck(&area) });
    }

    /// True if a heavy stroke runs through an area and nothing was laid over it there.
    fn is_struck(&self, area: &Area) -> bool {
        let middle = along(area)[2];
        let patched = |shape: &Shape| matches!(shape, Shape::Fill(corners, _) if is_within(corners, middle));
        let mut above = self.shapes.iter().rev().take_while(|shape| !patched(shape));
        above
            .any(|shape| matches!(shape, Shape::Stroke(corners, width) if *width >= HEAVY_PX && crosses(corners, area)))
    }

    /// The colour that was drawn at a place.
    fn ground(&self, at: (f64, f64)) -> RGBColor {
        let mut ground = [255.0; 3];
        for shape in &self.shapes {
            let colour = match shape {
                Shape::Fill(corners, colour) if is_within(corners, at) => colour,
                Shape::Disc(centre, radius, colour) if distance(at, *centre) < *radius => colour,
                _ => continue,
            };
            let (red, green, blue) = colour.rgb;
            for (ground, channel) in ground.iter_mut().zip([red, green, blue]) {
                *ground += colour.alpha * (f64::from(channel) - *ground);
            }
        }
        let [red, green, blue] = ground.map(|channel| channel.round() as u8);
        RGBColor(red, green, blue)
    }
}

/// A place in pixels of the size shown.
fn shown((x, y): BackendCoord) -> (f64, f64) {
    (f64::from(x) / f64::from(FINE), f64::from(y) / f64::from(FINE))
}

fn turned(transform: FontTransform, (x, y): (f64, f64)) -> (f64, f64) {
    let (x, y) = transform.transform(px(x), px(y));
    shown((x, y))
}

fn distance((x, y): (f64, f64), (other_x, other_y): (f64, f64)) -> f64 {
    (x - other_x).hypot(y - other_y)
}

/// Places along the middle of a box, from end to end.
fn along([left, top, right, bottom]: &Area) -> [(f64, f64); 5] {
    let share = |share: f64, from: f64, to: f64| from + share * (to - from);
    [0.04, 0.25, 0.5, 0.75, 0.96].map(|part| match right - left > bottom - top {
        true => (share(part, *left, *right), share(0.5, *top, *bottom)),
        false => (share(0.5, *left, *right), share(part, *top, *bottom)),
    })
}

fn meet(a: &Area, b: &Area) -> bool {
    let apart = |low: usize, high: usize| a[low] > b[high] - UNSEEN_PX || b[low] > a[high] - UNSEEN_PX;
    !apart(0, 2) && !apart(1, 3)
}

/// True if a place lies within a polygon.
fn is_within(corners: &[(f64, f64)], (x, y): (f64, f64)) -> bool {
    let edges = corners.iter().zip(corners.iter().cycle().skip(1));
    let crossed = |((ax, ay), (bx, by)): &(&(f64, f64), &(f64, f64))| {
        (*ay > y) != (*by > y) && x < ax + (y - ay) / (by - ay) * (bx - ax)
    };
    edges.filter(crossed).count() % 2 == 1
}

/// True if a line passes through the inside of a box.
fn crosses(corners: &[(f64, f64)], [left, top, right, bottom]: &Area) -> bool {
    let inside = |(x, y): (f64, f64)| x > left + 1.5 && x < right - 1.5 && y > top + 2.0 && y < bottom - 3.0;
    corners.windows(2).any(|pair| {
        let steps = distance(pair[0], pair[1]).ceil().max(1.0);
        let at = |step: usize, a: f64, b: f64| a + (b - a) * step as f64 / steps;
        (0..=steps as usize).any(|step| inside((at(step, pair[0].0, pair[1].0), at(step, pair[0].1, pair[1].1))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::{Drawing, Drawn, Sheet, geometry};
    use crate::style::{Across, Down, GRID, INK, stroke, text};

    struct Made(fn(&Sheet<'_>) -> Drawn);

    impl Drawing for Made {
        fn size(&self) -> (u32, u32) {
            (200, 100)
        }

        fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
            self.0(sheet)
        }
    }

    fn defects(draw: fn(&Sheet<'_>) -> Drawn) -> Vec<String> {
        geometry(&Made(draw)).expect("a drawing").defects()
    }

    fn word(sheet: &Sheet<'_>, at: (f64, f64), colour: RGBColor) -> Drawn {
        sheet.text("word", at, &text(12.0, colour, Across::Center, Down::Center))
    }

    #[test]
    fn each_defect_is_found() {
        assert_eq!(defects(|sheet| word(sheet, (100.0, 50.0), INK)), [] as [&str; 0]);
        let off = defects(|sheet| word(sheet, (195.0, 50.0), INK));
        assert!(off.len() == 1 && off[0].starts_with("\"word\" leaves the sheet"), "{off:?}");
        let twice = defects(|sheet| {
            word(sheet, (100.0, 50.0), INK)?;
            word(sheet, (110.0, 55.0), INK)
        });
        assert!(twice.len() == 1 && twice[0].contains("covers"), "{twice:?}");
        let line = defects(|sheet| sheet.line([(50.0, 50.0), (150.0, 150.0)], stroke(INK, 1.0)));
        assert!(line.len() == 1 && line[0].starts_with("a shape leaves"), "{line:?}");
        let pale = defects(|sheet| word(sheet, (100.0, 50.0), GRID));
        assert!(pale.len() == 1 && pale[0].contains("contrast"), "{pale:?}");
    }

    #[test]
    fn a_stroke_through_a_word_is_found_unless_something_lies_between() {
        let struck = defects(|sheet| {
            sheet.line([(50.0, 50.0), (150.0, 50.0)], stroke(INK, 2.0))?;
            word(sheet, (100.0, 50.0), INK)
        });
        assert!(struck.len() == 1 && struck[0].contains("struck"), "{struck:?}");
        let later = defects(|sheet| {
            word(sheet, (100.0, 50.0), INK)?;
            sheet.line([(50.0, 50.0), (150.0, 50.0)], stroke(INK, 2.0))
        });
        assert_eq!(later, struck);
        let patched = defects(|sheet| {
            sheet.line([(50.0, 50.0), (150.0, 50.0)], stroke(INK, 2.0))?;
            sheet.area([(80.0, 40.0), (120.0, 40.0), (120.0, 60.0), (80.0, 60.0)], GRID, 1.0)?;
            word(sheet, (100.0, 50.0), INK)
        });
        assert_eq!(patched, [] as [&str; 0]);
        let on_dark = defects(|sheet| {
            sheet.area([(80.0, 40.0), (120.0, 40.0), (120.0, 60.0), (80.0, 60.0)], INK, 1.0)?;
            word(sheet, (100.0, 50.0), INK)
        });
        assert!(on_dark.len() == 1 && on_dark[0].contains("contrast of 1.0"), "{on_dark:?}");
    }
}
