//! The scene of a picture, and its pixels.

use super::{Dice, Pixels};
use kernel::{Stream, draw};
use std::ops::Range;

/// A colour with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color {
    pub name: &'static str,
    pub rgb: [u8; 3],
}

/// Those that the tiny models of the tests know.
pub const COLORS: [Color; 8] = [
    Color { name: "black", rgb: [14, 14, 14] },
    Color { name: "white", rgb: [243, 243, 243] },
    Color { name: "red", rgb: [219, 39, 39] },
    Color { name: "green", rgb: [39, 169, 59] },
    Color { name: "blue", rgb: [39, 69, 219] },
    Color { name: "yellow", rgb: [234, 219, 49] },
    Color { name: "orange", rgb: [239, 139, 29] },
    Color { name: "purple", rgb: [139, 49, 169] },
];

/// Standard deviation of the noise on each channel, in grey levels.
const NOISE_LEVELS: f64 = 8.0;

/// A form that a shape may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    Bar,
    Column,
    Square,
    Disc,
    Triangle,
    Diamond,
    Ring,
    Cross,
    /// A digit of seven segments.
    Digit(usize),
}

/// The names of the digits.
pub const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// The forms that are no digits.
pub const FIGURES: [Figure; 8] = [
    Figure::Bar,
    Figure::Column,
    Figure::Square,
    Figure::Disc,
    Figure::Triangle,
    Figure::Diamond,
    Figure::Ring,
    Figure::Cross,
];

/// A quarter of the picture, or a third at one of its sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub name: &'static str,
    /// The same in other words.
    pub other: &'static str,
    /// From which sixth of the columns, and of the rows, it reaches up to which.
    columns: [u32; 2],
    rows: [u32; 2],
}

const ALL: [u32; 2] = [0, 6];

pub const QUARTERS: [Place; 4] = [
    Place { name: "top left", other: "upper left", columns: [0, 3], rows: [0, 3] },
    Place { name: "top right", other: "upper right", columns: [3, 6], rows: [0, 3] },
    Place { name: "bottom left", other: "lower left", columns: [0, 3], rows: [3, 6] },
    Place { name: "bottom right", other: "lower right", columns: [3, 6], rows: [3, 6] },
];

const ROWS: [Place; 2] = [
    Place { name: "top", other: "upper edge", columns: ALL, rows: [0, 2] },
    Place { name: "bottom", other: "lower edge", columns: ALL, rows: [4, 6] },
];

const COLUMNS: [Place; 2] = [
    Place { name: "left", other: "left side", columns: [0, 2], rows: ALL },
    Place { name: "right", other: "right side", columns: [4, 6], rows: ALL },
];

/// A shape of a scene. All shapes of a scene and its background differ in colour, and all shapes in place.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub figure: Figure,
    pub color: Color,
    pub place: Place,
}

/// The scene of a picture.
#[derive(Clone, Debug)]
pub struct Scene {
    pub background: Color,
    pub shapes: Vec<Shape>,
    /// True if the one shape fills its place, as in the scenes that the tiny models were fitted on.
    fills: bool,
}

impl Figure {
    pub fn name(self) -> &'static str {
        match self {
            Self::Bar => "bar",
            Self::Column => "column",
            Self::Square => "square",
            Self::Disc => "disc",
            Self::Triangle => "triangle",
            Self::Diamond => "diamond",
            Self::Ring => "ring",
            Self::Cross => "cross",
            Self::Digit(digit) => DIGITS[digit],
        }
    }

    /// True if a point is in it; the shorter side of its place is 2,000 long, and (0, 0) its middle.
    fn covers(self, x: i64, y: i64) -> bool {
        let (across, down) = (x.abs(), y.abs());
        let square_of_radius = x * x + y * y;
        match self {
            Self::Bar => across <= 900 && down <= 350,
            Self::Column => across <= 350 && down <= 900,
            Self::Square => across.max(down) <= 700,
            Self::Disc => square_of_radius <= 800 * 800,
            Self::Triangle => down <= 750 && 2 * across <= y + 750,
            Self::Diamond => across + down <= 850,
            Self::Ring => (450 * 450..=850 * 850).contains(&square_of_radius),
            Self::Cross => across.min(down) <= 230 && across.max(down) <= 850,
            Self::Digit(digit) => SEGMENTS[digit].iter().any(|segment| in_segment(*segment, x, y)),
        }
    }
}

/// The segments of each digit: `a` to `g`, clockwise from the top, the last in the middle.
const SEGMENTS: [&[u8]; 10] =
    [b"abcdef", b"bc", b"abged", b"abgcd", b"fgbc", b"afgcd", b"afgedc", b"abc", b"abcdefg", b"abcdfg"];

/// True if a point is in a segment of a digit.
fn in_segment(segment: u8, x: i64, y: i64) -> bool {
    let (level, side) = ((-480..=480).contains(&x), (240..=520).contains(&x.abs()));
    match segment {
        b'a' => level && (-850..=-570).contains(&y),
        b'd' => level && (570..=850).contains(&y),
        b'g' => level && y.abs() <= 140,
        b'b' => side && x > 0 && (-850..=0).contains(&y),
        b'c' => side && x > 0 && (0..=850).contains(&y),
        b'e' => side && x < 0 && (0..=850).contains(&y),
        _ => side && x < 0 && (-850..=0).contains(&y),
    }
}

impl Place {
    /// The column and the row of a quarter, 0 or 1 each.
    pub fn quarter(self) -> [i32; 2] {
        [self.columns, self.rows].map(|sixths| i32::from(sixths[0] > 0))
    }
}

impl Scene {
    /// A scene of given shapes.
    pub fn of(background: Color, shapes: Vec<Shape>) -> Self {
        Self { background, shapes, fills: false }
    }

    /// The digits among the shapes.
    pub fn digits(&self) -> Vec<Shape> {
        self.shapes.iter().filter(|shape| matches!(shape.figure, Figure::Digit(_))).copied().collect()
    }

    /// One shape that fills its place: a bar above or below, a column at a side, a square in a quarter.
    pub fn of_one(dice: &mut Dice) -> Self {
        let mut colors = COLORS;
        dice.shuffle(&mut colors);
        let (figure, places) = *dice.one_of(&[
            (Figure::Bar, ROWS.as_slice()),
            (Figure::Column, COLUMNS.as_slice()),
            (Figure::Square, QUARTERS.as_slice()),
        ]);
        let shape = Shape { figure, color: colors[1], place: *dice.one_of(places) };
        Self { background: colors[0], shapes: vec![shape], fills: true }
    }

    /// One to four shapes, a quarter each.
    pub fn of_several(dice: &mut Dice) -> Self {
        let (mut colors, mut places) = (COLORS, QUARTERS);
        dice.shuffle(&mut colors);
        dice.shuffle(&mut places);
        let count = 1 + dice.below(places.len());
        let with_color = places.iter().zip(&colors[1..]).take(count);
        let shapes =
            with_color.map(|(place, color)| Shape { figure: *dice.one_of(&FIGURES), color: *color, place: *place });
        Self { background: colors[0], shapes: shapes.collect(), fills: false }
    }

    /// Number of shapes with this form.
    pub fn count(&self, figure: Figure) -> usize {
        self.shapes.iter().filter(|shape| shape.figure == figure).count()
    }

    /// The picture of it, of columns and rows in pixels.
    pub fn picture(&self, (width, height): (u32, u32), noise: &mut Stream) -> Pixels {
        assert!(width > 0 && height > 0, "a picture has pixels");
        let mut rgb = self.background.rgb.repeat(width as usize * height as usize);
        for shape in &self.shapes {
            self.paint(shape, (width as usize, height as usize), &mut rgb);
        }
        for level in &mut rgb {
            *level = (f64::from(*level) + NOISE_LEVELS * draw::normal(noise)).round() as u8;
        }
        Pixels { width, height, rgb }
    }

    /// Paints a shape over the background.
    fn paint(&self, shape: &Shape, (width, height): (usize, usize), rgb: &mut [u8]) {
        let (across, down) = (sixths(shape.place.columns, width), sixths(shape.place.rows, height));
        let shorter = across.len().min(down.len());
        for row in down.clone() {
            let y = off_middle(row, &down, shorter);
            for column in across.clone() {
                if self.fills || shape.figure.covers(off_middle(column, &across, shorter), y) {
                    let at = 3 * (row * width + column);
                    rgb[at..at + 3].copy_from_slice(&shape.color.rgb);
                }
            }
        }
    }
}

/// The pixels from one sixth of a side up to another.
fn sixths(sixths: [u32; 2], side: usize) -> Range<usize> {
    let [start, end] = sixths.map(|sixth| side * sixth as usize / 6);
    start..end
}

/// Distance of a pixel from the middle of its place, in thousandths of half the place's shorter side.
fn off_middle(at: usize, place: &Range<usize>, shorter: usize) -> i64 {
    (2 * at as i64 + 1 - (place.start + place.end) as i64) * 1_000 / shorter as i64
}
