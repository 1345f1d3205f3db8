//! Colours that stand for numbers.

use crate::style::INK;
use plotters::style::{RGBColor, WHITE};

/// Ends of the scale: blue and vermilion of Okabe and Ito's palette, which no kind of colour blindness confuses.
const ENDS: [RGBColor; 2] = [RGBColor(0, 114, 178), RGBColor(213, 94, 0)];

/// The colour of a number on a scale from -1, blue, over 0, white, to 1, vermilion. Beyond either end it is that of the end.
pub fn diverging(value: f64) -> RGBColor {
    let RGBColor(r, g, b) = ENDS[usize::from(value > 0.0)];
    let share = value.abs().min(1.0);
    let mix = |end: u8| (255.0 + (f64::from(end) - 255.0) * share).round() as u8;
    RGBColor(mix(r), mix(g), mix(b))
}

/// The colour of text on this colour: dark on light, white on dark.
pub fn ink_on(RGBColor(r, g, b): RGBColor) -> RGBColor {
    let light = 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b);
    if light > 140.0 { INK } else { WHITE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_white_and_the_ends_are_the_palette() {
        assert_eq!(diverging(0.0), WHITE);
        assert_eq!([diverging(-1.0), diverging(-7.0)], [ENDS[0]; 2]);
        assert_eq!([diverging(1.0), diverging(f64::INFINITY)], [ENDS[1]; 2]);
        assert_eq!(diverging(0.5), RGBColor(234, 175, 128));
    }

    #[test]
    fn text_can_be_read_on_all_of_the_scale() {
        assert_eq!([ink_on(WHITE), ink_on(diverging(-0.2)), ink_on(diverging(0.2))], [INK; 3]);
        assert_eq!([ink_on(diverging(-1.0)), ink_on(diverging(1.0))], [WHITE; 2]);
    }
}
