//! A panel: a frame with two axes, in which values become places.

use crate::sheet::{At, Drawn, Sheet};
use crate::style::{AXIS, Across, Down, GREY, GRID, stroke, text, width_px};

/// Size of the figures along an axis, in pixels.
pub const TICK_PX: f64 = 10.5;

/// An axis: its range, and the values that are named along it.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    lowest: f64,
    highest: f64,
    logarithmic: bool,
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis over `values` and a little beyond, with about `count` round ticks. From zero if `from_zero`.
    pub fn over(values: impl IntoIterator<Item = f64>, count: usize, from_zero: bool) -> Self {
        let (mut lowest, mut highest) = range(values);
        if from_zero {
            (lowest, highest) = (lowest.min(0.0), highest.max(0.0));
        }
        // A single value stands in the middle of an axis that shows some of its surroundings.
        let spread = if highest > lowest { highest - lowest } else { (0.1 * highest.abs()).max(1e-9) };
        let margin = if highest > lowest { 0.06 * spread } else { spread };
        let floor = if from_zero && lowest == 0.0 { 0.0 } else { lowest - margin };
        let (lowest, highest) = (floor, highest + margin);
        Self { lowest, highest, logarithmic: false, ticks: round_ticks(lowest, highest, count) }
    }

    /// A logarithmic axis over `values`, which must be positive, and a little beyond, with at most about `count` round ticks.
    pub fn log_over(values: impl IntoIterator<Item = f64>, count: usize) -> Self {
        let (lowest, highest) = range(values.into_iter().filter(|value| *value > 0.0));
        let beyond = (highest / lowest.max(f64::MIN_POSITIVE)).powf(0.05).max(1.02);
        let (lowest, highest) = (lowest.max(f64::MIN_POSITIVE) / beyond, highest * beyond);
        Self { lowest, highest, logarithmic: true, ticks: log_ticks(lowest, highest, count) }
    }

    /// An axis with a tick at each of these values, rising, and room of `margin` of its length at either end.
    pub fn at(ticks: Vec<(f64, String)>, logarithmic: bool, margin: f64) -> Self {
        let (lowest, highest) = range(ticks.iter().map(|(value, _)| *value));
        if logarithmic && lowest > 0.0 && highest > lowest {
            let beyond = (highest / lowest).powf(margin);
            return Self { lowest: lowest / beyond, highest: highest * beyond, logarithmic, ticks };
        }
        let beyond = if highest > lowest { margin * (highest - lowest) } else { 0.5 };
        Self { lowest: lowest - beyond, highest: highest + beyond, logarithmic: false, ticks }
    }

    /// An axis from one value to another.
    pub fn between(lowest: f64, highest: f64, ticks: Vec<(f64, String)>) -> Self {
        Self { lowest, highest, logarithmic: false, ticks }
    }

    /// True if a value lies on the axis.
    pub fn shows(&self, value: f64) -> bool {
        (self.lowest..=self.highest).contains(&value)
    }

    /// The position of a value: 0 at the beginning of the axis, 1 at its end.
    fn share(&self, value: f64) -> f64 {
        if self.logarithmic {
            return (value / self.lowest).ln() / (self.highest / self.lowest).ln();
        }
        (value - self.lowest) / (self.highest - self.lowest)
    }
}

fn range(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let wide = (f64::INFINITY, f64::NEG_INFINITY);
    let (lowest, highest) = values.into_iter().fold(wide, |(low, high), value| (low.min(value), high.max(value)));
    if lowest <= highest { (lowest, highest) } else { (0.0, 1.0) }
}

/// About `count` round values within a range, as they are written.
fn round_ticks(lowest: f64, highest: f64, count: usize) -> Vec<(f64, String)> {
    let rough = (highest - lowest) / count.max(1) as f64;
    let power = rough.log10().floor() as i32;
    let step =
        [1.0, 2.0, 5.0, 10.0].map(|digit| digit * 10f64.powi(power)).into_iter().find(|step| *step >= 0.999 * rough);
    let step = step.unwrap_or(rough);
    let decimals = if step < 0.999 { (-step.log10()).ceil() as usize } else { 0 };
    let first = (lowest / step).ceil() as i64;
    let last = (highest / step).floor() as i64;
    let is_long = decimals > 4 || lowest.abs().max(highest.abs()) >= 1e7;
    let largest = step * first.abs().max(last.abs()) as f64;
    let written = |value: f64| if is_long { with_exponent(value, step, largest) } else { grouped(value, decimals) };
    (first..=last).map(|index| (index as f64 * step, written(index as f64 * step))).collect()
}

/// A multiple of a step, with the exponent of the largest of them and digits that tell it from its neighbours: `0.5e-6` beside `1.0e-6`.
fn with_exponent(value: f64, step: f64, largest: f64) -> String {
    // A little is added so that 1e-6, which is a little less in binary, is not 9e-7.
    let exponent = |value: f64| (value.abs() * (1.0 + 1e-9)).log10().floor() as i32;
    if value.abs() < step / 2.0 {
        return "0".to_owned();
    }
    let shared = exponent(largest);
    let digits = (shared - exponent(step)).max(0) as usize;
    format!("{:.digits$}e{shared}", value / 10f64.powi(shared))
}

/// Round values within a range whose steps look even on a logarithmic axis: as many of 1 to 9, of 1, 2, 5, or of 1 in each
/// power of ten as there is room for.
fn log_ticks(lowest: f64, highest: f64, count: usize) -> Vec<(f64, String)> {
    const DIGITS: [&[f64]; 3] = [&[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0], &[1.0, 2.0, 3.0, 5.0], &[1.0, 3.0]];
    let (first, last) = (lowest.log10().floor() as i32, highest.log10().ceil() as i32);
    let ticks = |digits: &[f64], step: usize| -> Vec<(f64, String)> {
        let powers = (first..=last).step_by(step).map(|power| 10f64.powi(power));
        let all = powers.flat_map(|power| digits.iter().map(move |digit| digit * power));
        all.filter(|value| (lowest..=highest).contains(value)).map(|value| (value, plain(value))).collect()
    };
    let steps = (1..).map(|step| ticks(&[1.0], step));
    let mut all = DIGITS.iter().map(|digits| ticks(digits, 1)).chain(steps);
    let fits = all.find(|ticks| ticks.len() <= count.max(2));
    // Where the range is narrow, ticks as on a linear axis are as even.
    fits.filter(|ticks| ticks.len() > 2).unwrap_or_else(|| round_ticks(lowest, highest, count))
}

/// A number with as many decimals as it takes, or an exponent.
fn plain(value: f64) -> String {
    if !(1e-4..1e7).contains(&value) {
        let digits = format!("{value:.1e}");
        return digits.replace(".0e", "e");
    }
    let is_whole = |decimals: &usize| {
        let shifted = value * 10f64.powi(*decimals as i32);
        (shifted - shifted.round()).abs() < 1e-6 * shifted.abs()
    };
    grouped(value, (0..9).find(is_whole).unwrap_or(9))
}

/// A number with so many decimals, its thousands set apart.
pub fn grouped(value: f64, decimals: usize) -> String {
    let plain = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = plain.split_once('.').map_or((plain.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let mut out = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    let zero = plain.chars().all(|digit| matches!(digit, '0' | '.'));
    let sign = if value < 0.0 && !zero { "-" } else { "" };
    fraction.map_or_else(|| format!("{sign}{out}"), |fraction| format!("{sign}{out}.{fraction}"))
}

/// A frame on the sheet, in pixels, and its axes.
pub struct Panel {
    /// Its left edge.
    pub left: f64,
    /// Its upper edge.
    pub top: f64,
    /// From left to right.
    pub width: f64,
    /// From the upper to the lower edge.
    pub height: f64,
    /// Across, from the left.
    pub x: Axis,
    /// Up, from the lower edge.
    pub y: Axis,
}

impl Panel {
    /// The position of a pair of values, in pixels.
    pub fn at(&self, x: f64, y: f64) -> At {
        (self.left + self.width * self.x.share(x), self.top + self.height * (1.0 - self.y.share(y)))
    }

    /// Its lower edge.
    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// Lines up at the ticks of the x axis.
    ///
    /// # Errors
    ///
    /// Those of the sheet.
    pub fn upright_grid(&self, sheet: &Sheet<'_>) -> Drawn {
        self.x.ticks.iter().try_for_each(|(value, _)| {
            let x = self.at(*value, self.y.lowest).0;
            sheet.line([(x, self.top), (x, self.bottom())], stroke(GRID, 1.0))
        })
    }

    /// Lines across at the ticks of the y axis, and the x axis.
    ///
    /// # Errors
    ///
    /// Those of the sheet.
    pub fn grid(&self, sheet: &Sheet<'_>) -> Drawn {
        let right = self.left + self.width;
        for (value, _) in &self.y.ticks {
            let y = self.at(self.x.lowest, *value).1;
            sheet.line([(self.left, y), (right, y)], stroke(GRID, 1.0))?;
        }
        sheet.line([(self.left, self.bottom()), (right, self.bottom())], stroke(AXIS, 1.0))
    }

    /// The values of the y axis, to its left.
    ///
    /// # Errors
    ///
    /// Those of the sheet.
    pub fn y_labels(&self, sheet: &Sheet<'_>) -> Drawn {
        let style = text(TICK_PX, GREY, Across::Right, Down::Center);
        for (value, label) in &self.y.ticks {
            let (_, y) = self.at(self.x.lowest, *value);
            sheet.text(label, (self.left - 6.0, y), &style)?;
        }
        Ok(())
    }

    /// Marks at the values of the x axis; if `labelled`, with the values that have room.
    ///
    /// # Errors
    ///
    /// Those of the sheet.
    pub fn x_labels(&self, sheet: &Sheet<'_>, labelled: bool) -> Drawn {
        let style = text(TICK_PX, GREY, Across::Center, Down::Top);
        let place = |value: f64| self.at(value, self.y.lowest).0;
        for (value, _) in &self.x.ticks {
            let x = place(*value);
            sheet.line([(x, self.bottom()), (x, self.bottom() + 3.0)], stroke(AXIS, 1.0))?;
        }
        // A label that has no room beside the one before stands a line below; if it has none there either, it is left out.
        let mut free_from = [f64::NEG_INFINITY; 2];
        for (value, label) in self.x.ticks.iter().filter(|_| labelled) {
            let (x, half) = (place(*value), width_px(label, TICK_PX, false) / 2.0 + 3.0);
            if let Some(row) = free_from.iter().position(|free| x - half >= *free) {
                sheet.text(label, (x, self.bottom() + 8.0 + 12.0 * row as f64), &style)?;
                free_from[row] = x + half;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(lowest: f64, highest: f64) -> Vec<String> {
        round_ticks(lowest, highest, 5).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(0.0, 100.0), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(labels(71.3, 74.9), ["72", "73", "74"]);
        assert_eq!(labels(0.13, 0.41), ["0.2", "0.3", "0.4"]);
        assert_eq!(labels(-3.0, 7.0), ["-2", "0", "2", "4", "6"]);
        assert_eq!(labels(900.0, 3200.0), ["1,000", "1,500", "2,000", "2,500", "3,000"]);
        assert_eq!(labels(-2e-6, 1.1e-6), ["-2e-6", "-1e-6", "0", "1e-6"]);
        assert_eq!(labels(9e8, 2.1e9), ["1.0e9", "1.5e9", "2.0e9"]);
        assert_eq!(labels(4e-5, 1.6e-4), ["0.5e-4", "1.0e-4", "1.5e-4"], "ticks share an exponent");
        assert_eq!(labels(0.0001, 0.0009), ["0.0002", "0.0004", "0.0006", "0.0008"]);
    }

    #[test]
    fn ticks_of_a_logarithmic_axis_are_round() {
        let labels = |lowest, highest| {
            log_ticks(lowest, highest, 6).into_iter().map(|(_, label)| label).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(labels(80.0, 12_000.0), "100 300 1,000 3,000 10,000");
        assert_eq!(labels(600.0, 3_100.0), "600 800 1,000 1,500 2,000 3,000");
        assert_eq!(labels(1.2, 2.5), "1.5 2.0 2.5", "as on a linear axis");
        assert_eq!(labels(0.04, 3.0), "0.1 0.3 1 3");
        assert_eq!(labels(0.9, 2e8), "10 1,000 100,000 1e7", "more decades than ticks");
        assert_eq!(labels(100.0, 130.0), "100 105 110 115 120 125 130");
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(grouped(1234567.891, 1), "1,234,567.9");
        assert_eq!(grouped(-1234.0, 0), "-1,234");
        assert_eq!(grouped(-0.04, 1), "0.0");
        assert_eq!(grouped(999.6, 0), "1,000");
    }

    #[test]
    fn values_stand_where_they_belong() {
        let axis = Axis::at(vec![(5.0, "5".into()), (20.0, "20".into()), (80.0, "80".into())], true, 0.0);
        assert!((axis.share(20.0) - 0.5).abs() < 1e-12);
        let axis = Axis::over([0.0, 10.0], 5, true);
        assert_eq!(axis.share(0.0), 0.0);
        assert!(axis.share(10.0) < 1.0);
        let alone = Axis::over([5.0], 5, false);
        assert!((alone.share(5.0) - 0.5).abs() < 1e-12);
        assert!(Axis::over([], 5, false).share(0.5).is_finite(), "no value at all");
    }
}
