//! The style of figures: colours that colour-blind readers can tell apart, a colour and a marker for each policy,
//! text, strokes.
//!
//! Sizes are given in pixels of the size at which a figure is shown; [`px`] makes units of the drawing of them.

use ab_glyph::{Font, FontRef, ScaleFont};
use plotters::style::text_anchor::Pos;
pub use plotters::style::text_anchor::{HPos as Across, VPos as Down};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, FontTransform, RGBColor, ShapeStyle, TextStyle, WHITE, register_font,
};
use std::sync::{LazyLock, Once};

/// The style of a line.
pub type Stroke = ShapeStyle;
/// The style of a text.
pub type Text = TextStyle<'static>;

/// Units of a drawing for each pixel of the size at which it is shown.
pub(crate) const FINE: u32 = 4;

/// Text and what carries meaning.
pub const INK: RGBColor = RGBColor(34, 34, 34);
/// Text that explains.
pub const GREY: RGBColor = RGBColor(105, 105, 105);
/// Axes.
pub const AXIS: RGBColor = RGBColor(150, 150, 150);
/// Lines of the grid.
pub const GRID: RGBColor = RGBColor(232, 232, 232);

/// The font, and what a browser takes for an SVG where that font is not installed.
pub const FAMILY: &str = "Noto Sans, Helvetica, Arial, sans-serif";

/// The font's name, and its faces by their weight, for a page that carries drawings: they were measured with these.
pub const FONT: (&str, [(u16, &[u8]); 2]) = ("Noto Sans", [(400, notosans::REGULAR_TTF), (700, notosans::BOLD_TTF)]);

/// Height of a line of Noto Sans over its size.
pub(crate) const LINE_PER_EM: f64 = 1.362;
/// Height of its capitals over its size.
pub(crate) const CAP_PER_EM: f64 = 0.714;

/// Okabe and Ito's palette without yellow, which is too pale for lines on white; in place of black, which is what papers print, a
/// purple that is as dark.
const PALETTE: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(76, 38, 120),
];

/// The colours that a dark page shows in place of those that would be too dark or too bright on it.
pub const DARK_PAGE: [(RGBColor, RGBColor); 6] = [
    (WHITE, RGBColor(26, 30, 34)),
    (INK, RGBColor(227, 230, 233)),
    (GREY, RGBColor(160, 168, 178)),
    (AXIS, RGBColor(110, 118, 128)),
    (GRID, RGBColor(48, 54, 61)),
    (PALETTE[6], RGBColor(132, 92, 198)),
];

/// Colours of the systems of the papers, wherever they appear: index into the palette.
const KNOWN: [(&str, usize); 6] =
    [("cloud_only", 0), ("msao", 1), ("edge_only", 2), ("perllm", 3), ("mindfusion", 4), ("speculative", 5)];

/// The order in which other labels take what is left: first what stands out from the systems that are likely beside them.
const SPARE: [usize; 7] = [6, 3, 4, 2, 5, 0, 1];

/// The shape of a policy's points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// A disc.
    Circle,
    /// A square on its side.
    Square,
    /// A triangle on its side.
    Triangle,
    /// A square on its corner.
    Diamond,
    /// Two strokes.
    Cross,
}

const MARKERS: [Marker; 5] = [Marker::Circle, Marker::Square, Marker::Triangle, Marker::Diamond, Marker::Cross];

/// The hatching of a policy's bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// None.
    Solid,
    /// Lines that rise.
    Striped,
    /// Lines that rise, and lines that fall.
    Crossed,
}

const FILLS: [Fill; 3] = [Fill::Solid, Fill::Striped, Fill::Crossed];

/// The colour, marker and hatching of a policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// The colour of its lines and points.
    pub colour: RGBColor,
    /// The marker of its points.
    pub marker: Marker,
    /// The hatching of its bars.
    pub fill: Fill,
}

impl Look {
    /// A look without hatching.
    pub const fn plain(colour: RGBColor, marker: Marker) -> Self {
        Self { colour, marker, fill: Fill::Solid }
    }
}

/// The styles of these policies. A known system has its colour; a label that begins with its name has it too if it is
/// still free; all others take what is left, in their order.
pub fn looks(policies: &[String]) -> Vec<Look> {
    let mut taken: Vec<Option<usize>> = vec![None; policies.len()];
    let known = |policy: &str| KNOWN.iter().find(|(name, _)| *name == policy).map(|(_, colour)| *colour);
    let family = |policy: &str| KNOWN.iter().find(|(name, _)| policy.starts_with(name)).map(|(_, colour)| *colour);
    for colour_of in [&known as &dyn Fn(&str) -> Option<usize>, &family] {
        for index in 0..policies.len() {
            let wanted = colour_of(&policies[index]).filter(|colour| !taken.contains(&Some(*colour)));
            taken[index] = taken[index].or(wanted);
        }
    }
    let mut next = 0;
    for index in 0..policies.len() {
        if taken[index].is_none() {
            // Where there are more policies than colours, markers and hatching tell them apart.
            let free = SPARE.into_iter().find(|colour| !taken.contains(&Some(*colour)));
            taken[index] = Some(free.unwrap_or(SPARE[next % SPARE.len()]));
            next += 1;
        }
    }
    let look = |index: usize| {
        let colour = taken[index].unwrap_or(0);
        let before = taken[..index].iter().filter(|other| **other == taken[index]).count();
        let marker = MARKERS[index % MARKERS.len()];
        Look { colour: PALETTE[colour], marker, fill: FILLS[before % FILLS.len()] }
    };
    (0..taken.len()).map(look).collect()
}

/// Units of the drawing for so many pixels of the size shown.
pub(crate) fn px(pixels: f64) -> i32 {
    (pixels * f64::from(FINE)).round() as i32
}

/// A stroke so many pixels wide.
pub fn stroke(colour: RGBColor, pixels: f64) -> Stroke {
    colour.stroke_width(px(pixels) as u32)
}

/// Text of a size in pixels, anchored as given.
pub fn text(pixels: f64, colour: RGBColor, h_pos: Across, v_pos: Down) -> Text {
    of_style(FontStyle::Normal, pixels, colour, Pos { h_pos, v_pos })
}

/// The same, bold.
pub fn bold(pixels: f64, colour: RGBColor, h_pos: Across, v_pos: Down) -> Text {
    of_style(FontStyle::Bold, pixels, colour, Pos { h_pos, v_pos })
}

/// The same, read from below to above.
pub fn upright(style: &Text) -> Text {
    style.transform(FontTransform::Rotate270)
}

fn of_style(style: FontStyle, pixels: f64, colour: RGBColor, pos: Pos) -> Text {
    let size = pixels * f64::from(FINE) * LINE_PER_EM;
    TextStyle { font: FontDesc::new(FontFamily::Name(FAMILY), size, style), color: colour.to_backend_color(), pos }
}

/// Makes the font known to plotters, which measures text with it.
pub(crate) fn load_fonts() {
    static LOADED: Once = Once::new();
    LOADED.call_once(|| {
        for (style, bytes) in [(FontStyle::Normal, notosans::REGULAR_TTF), (FontStyle::Bold, notosans::BOLD_TTF)] {
            let loaded = register_font(FAMILY, style, bytes);
            assert!(loaded.is_ok(), "the font that is built in can be read");
        }
    });
}

/// The font itself.
pub(crate) fn face(style: FontStyle) -> &'static FontRef<'static> {
    static FACES: LazyLock<[FontRef<'static>; 2]> = LazyLock::new(|| {
        [notosans::REGULAR_TTF, notosans::BOLD_TTF]
            .map(|bytes| FontRef::try_from_slice(bytes).expect("the font that is built in can be read"))
    });
    &FACES[usize::from(matches!(style, FontStyle::Bold))]
}

/// Width in pixels of a text of a size in pixels, as the PNG has it.
pub fn width_px(text: &str, pixels: f64, bold: bool) -> f64 {
    let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
    let scaled = face(style).as_scaled((pixels * LINE_PER_EM) as f32);
    text.chars().map(|letter| f64::from(scaled.h_advance(scaled.glyph_id(letter)))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::colour::{contrast, ink_on};

    fn colours(policies: &[&str]) -> Vec<RGBColor> {
        let policies: Vec<String> = policies.iter().map(|policy| (*policy).to_owned()).collect();
        looks(&policies).into_iter().map(|look| look.colour).collect()
    }

    #[test]
    fn a_system_has_one_colour_everywhere() {
        let [all, some] = [colours(&["cloud_only", "edge_only", "perllm", "msao"]), colours(&["msao", "cloud_only"])];
        assert_eq!(some, [all[3], all[0]]);
        assert_eq!(colours(&["msao_blocking"]), [all[3]], "a label has the colour of its system");
        let labels = colours(&["msao_a", "msao", "mine"]);
        assert_eq!(labels[1], all[3], "but not where the system itself is there");
        assert!(labels[0] != labels[1] && labels[2] != labels[0] && labels[2] != labels[1]);
    }

    #[test]
    fn more_policies_than_colours_differ_by_marker_and_by_hatching() {
        let policies: Vec<String> = (0..20).map(|index| format!("p{index}")).collect();
        let looks = looks(&policies);
        let points = |look: &Look| (look.colour, look.marker);
        let bars = |look: &Look| (look.colour, look.fill);
        for (index, look) in looks.iter().enumerate() {
            assert!(looks[..index].iter().all(|other| points(other) != points(look)), "points {index}");
            assert!(looks[..index].iter().all(|other| bars(other) != bars(look)), "bars {index}");
        }
        assert!(looks[..7].iter().all(|look| look.fill == Fill::Solid), "seven have colours of their own");
    }

    #[test]
    fn marks_stand_out_from_either_page() {
        let dark =
            |colour: RGBColor| DARK_PAGE.iter().find(|(own, _)| *own == colour).map_or(colour, |(_, dark)| *dark);
        let ground = dark(WHITE);
        for colour in PALETTE {
            assert!(contrast(colour, WHITE) > 2.0 && contrast(dark(colour), ground) > 3.0, "{colour:?}");
            assert!(colour != INK, "the colour of what papers print");
            assert!(contrast(ink_on(colour), dark(colour)) >= 4.5, "text on {colour:?}");
        }
        for text in [INK, GREY] {
            assert!(contrast(dark(text), ground) >= 4.5, "{text:?}");
        }
    }

    #[test]
    fn the_proportions_are_those_of_the_font() {
        for style in [FontStyle::Normal, FontStyle::Bold] {
            let face = face(style);
            let em = f64::from(face.units_per_em().expect("a size"));
            assert!((f64::from(face.height_unscaled()) / em - LINE_PER_EM).abs() < 1e-3);
            let capital = face.outline(face.glyph_id('H')).expect("an H").bounds;
            assert!((f64::from(capital.max.y.max(capital.min.y)) / em - CAP_PER_EM).abs() < 1e-3);
            for letter in "θλεδτ±×–≤%€".chars() {
                assert_ne!(face.glyph_id(letter).0, 0, "the font has no {letter}");
            }
        }
    }
}
