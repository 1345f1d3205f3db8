//! Colours that stand for numbers, and the contrast of texts with what they stand on.

use plotters::style::RGBColor;

/// Ends of the scale: blue and vermilion of Okabe and Ito's palette, which no kind of colour blindness confuses.
const ENDS: [RGBColor; 2] = [RGBColor(0, 114, 178), RGBColor(213, 94, 0)];

/// White of fills and of texts on fills. It differs from the sheet's so that it stays white on a dark page.
pub const PALE: RGBColor = RGBColor(254, 254, 254);

/// Black of texts on fills, which stays black on a dark page.
pub const DARK: RGBColor = RGBColor(0, 0, 0);

/// The colour of a number on a scale from -1, blue, over 0, white, to 1, vermilion. Beyond either end it is that of the end.
pub fn diverging(value: f64) -> RGBColor {
    let RGBColor(r, g, b) = ENDS[usize::from(value > 0.0)];
    let share = value.abs().min(1.0);
    let mix = |end: u8| (254.0 + (f64::from(end) - 254.0) * share).round() as u8;
    RGBColor(mix(r), mix(g), mix(b))
}

/// The colour of text on this fill: black or white, whichever is read better.
pub fn ink_on(fill: RGBColor) -> RGBColor {
    if contrast(DARK, fill) >= contrast(PALE, fill) { DARK } else { PALE }
}

/// The contrast of two colours, from 1 to 21, as the Web Content Accessibility Guidelines 2.2 define it.
pub fn contrast(one: RGBColor, other: RGBColor) -> f64 {
    let [a, b] = [one, other].map(luminance);
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// The relative luminance of a colour of sRGB.
fn luminance(RGBColor(red, green, blue): RGBColor) -> f64 {
    let linear = |channel: u8| match f64::from(channel) / 255.0 {
        low if low <= 0.04045 => low / 12.92,
        high => ((high + 0.055) / 1.055).powf(2.4),
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::{GREY, INK};
    use plotters::style::WHITE;

    #[test]
    fn the_middle_is_white_and_the_ends_are_the_palette() {
        assert_eq!(diverging(0.0), PALE);
        assert_eq!([diverging(-1.0), diverging(-7.0)], [ENDS[0]; 2]);
        assert_eq!([diverging(1.0), diverging(f64::INFINITY)], [ENDS[1]; 2]);
        assert_eq!(diverging(0.5), RGBColor(234, 174, 127));
    }

    #[test]
    fn contrast_is_that_of_the_guidelines() {
        assert!((contrast(DARK, WHITE) - 21.0).abs() < 1e-9);
        // The grey that is quoted as the lightest that passes on white.
        assert!((contrast(RGBColor(118, 118, 118), WHITE) - 4.54).abs() < 0.005);
        assert_eq!(contrast(INK, INK), 1.0);
    }

    #[test]
    fn text_can_be_read_everywhere() {
        for text in [INK, GREY] {
            assert!(contrast(text, WHITE) >= 4.5, "{text:?}");
        }
        let scale = (-20..=20).map(|step| diverging(f64::from(step) / 20.0));
        let policies = (0..20).map(|index| format!("p{index}")).collect::<Vec<_>>();
        let fills = scale.chain(crate::style::looks(&policies).into_iter().map(|look| look.colour));
        for fill in fills {
            assert!(contrast(ink_on(fill), fill) >= 4.5, "{fill:?}");
        }
    }
}
