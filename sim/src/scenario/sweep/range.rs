//! Ranges: numbers or quantities with one unit, from one end to the other, linear or logarithmic.

use toml::{Table, Value};

/// More values than that are a mistake.
const MOST: f64 = 1e6;

/// `{ from, to }` with `step`, or with `points` and `scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    pub from: f64,
    pub to: f64,
    pub form: Form,
    pub log: bool,
    spacing: Option<Spacing>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Spacing {
    Step(f64),
    Points(u32),
}

/// The form of a written number.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// Text with this unit.
    Quantity(String),
}

impl Form {
    /// A number and how it is written; none of what is no finite number, with a unit or without.
    pub fn read(value: &Value) -> Option<(f64, Self)> {
        match value {
            Value::Integer(whole) => Some((*whole as f64, Self::Whole)),
            Value::Float(number) => Some((*number, Self::Number)).filter(|_| number.is_finite()),
            Value::String(text) => {
                let (number, unit) = text.trim().split_once(' ')?;
                let number = number.parse::<f64>().ok().filter(|number| number.is_finite())?;
                Some((number, Self::Quantity(unit.trim().to_owned())))
            }
            _ => None,
        }
    }

    /// The form in words.
    pub fn words(&self) -> String {
        match self {
            Self::Whole => "whole numbers".to_owned(),
            Self::Number => "numbers".to_owned(),
            Self::Quantity(unit) => format!("in {unit}"),
        }
    }

    /// A number between two that were written, as a value that can be read and typed. Rates and times have a finest unit, so
    /// more digits would be refused.
    pub fn between(&self, number: f64) -> Value {
        self.value(number, 6)
    }

    /// The number as a value, rounded to so many significant digits, so that sums of steps read as they were meant.
    fn value(&self, number: f64, digits: usize) -> Value {
        let rounded: f64 = format!("{number:.*e}", digits - 1).parse().expect("a number that was just written");
        match self {
            Self::Whole => Value::Integer(number.round() as i64),
            Self::Number => Value::Float(rounded),
            Self::Quantity(unit) => Value::String(format!("{rounded} {unit}")),
        }
    }
}

/// One form for both; a whole number stands for a number beside one.
fn common(a: Form, b: Form) -> Result<Form, String> {
    match (a, b) {
        (a, b) if a == b => Ok(a),
        (Form::Whole, Form::Number) | (Form::Number, Form::Whole) => Ok(Form::Number),
        (Form::Quantity(a), Form::Quantity(b)) => Err(format!("expected one unit, found {a} and {b}")),
        _ => Err("expected numbers, or quantities with one unit, as in \"20 ms\"".to_owned()),
    }
}

impl Range {
    /// Reads the table of a range.
    ///
    /// # Errors
    /// What was expected.
    pub fn read(table: &Table) -> Result<Self, String> {
        const KNOWN: [&str; 5] = ["from", "to", "step", "points", "scale"];
        if let Some(unknown) = table.keys().find(|key| !KNOWN.contains(&key.as_str())) {
            let known = KNOWN.join(", ");
            return Err(format!("unknown key `{unknown}` of a range (known: {known}); dotted keys are quoted here"));
        }
        let end = |name: &str| {
            let value = table.get(name).ok_or_else(|| format!("a range needs `{name}`"))?;
            Form::read(value)
                .ok_or_else(|| format!("`{name}` is {value}, expected a number, or text such as \"20 ms\""))
        };
        let ((from, first), (to, second)) = (end("from")?, end("to")?);
        let mut form = common(first, second)?;
        if to < from {
            return Err(format!("an empty range: {to} is less than {from}"));
        }
        let spacing = match (table.get("step"), table.get("points")) {
            (Some(_), Some(_)) => return Err("expected `step` or `points`, not both".to_owned()),
            (Some(_), None) => {
                let (step, written) = end("step")?;
                form = common(form, written)?;
                if step <= 0.0 {
                    return Err("an empty range: `step` is not above 0".to_owned());
                }
                Some(Spacing::Step(step))
            }
            (None, Some(points)) => {
                let points = points.as_integer().and_then(|points| u32::try_from(points).ok());
                let points = points.filter(|points| *points >= 2);
                Some(Spacing::Points(points.ok_or("`points` is to be a whole number of at least 2")?))
            }
            (None, None) => None,
        };
        let log = match table.get("scale").map(Value::as_str) {
            None | Some(Some("linear")) => false,
            Some(Some("log")) => true,
            _ => return Err("`scale` is \"linear\" or \"log\"".to_owned()),
        };
        if log && (from <= 0.0 || matches!(spacing, Some(Spacing::Step(_)))) {
            return Err("a log range has ends above 0 and `points`, not `step`".to_owned());
        }
        Ok(Self { from, to, form, log, spacing })
    }

    /// True if it states its number of values.
    pub fn is_spaced(&self) -> bool {
        self.spacing.is_some()
    }

    /// The number at a share of the way, 0 to 1.
    pub fn at(&self, share: f64) -> f64 {
        if self.log {
            // Of libm, so that the list of points is the same on every machine.
            self.from * libm::exp(share * libm::log(self.to / self.from))
        } else {
            self.from + share * (self.to - self.from)
        }
    }

    /// Its values, both ends among them where the step allows.
    pub fn values(&self) -> Result<Vec<Value>, String> {
        const DIGITS: usize = 12;
        let count = match self.spacing {
            // A step that divides the range but for rounding reaches its end.
            Some(Spacing::Step(step)) => ((self.to - self.from) / step + 1e-9).floor() + 1.0,
            Some(Spacing::Points(points)) => f64::from(points),
            None => return Err("a range needs `step` or `points`".to_owned()),
        };
        if count > MOST {
            return Err(format!("{count} values are more than {MOST}; take a larger step"));
        }
        let form = match self.spacing {
            Some(Spacing::Points(_)) if self.form == Form::Whole => {
                let whole = |n: u32| self.at(f64::from(n) / (count - 1.0)).fract().abs() < 1e-9;
                if self.log || (0..count as u32).all(whole) { Form::Whole } else { Form::Number }
            }
            _ => self.form.clone(),
        };
        let number = |n: u32| match self.spacing {
            Some(Spacing::Step(step)) => self.from + f64::from(n) * step,
            _ => self.at(f64::from(n) / (count - 1.0)),
        };
        let value = |number| if self.log { form.between(number) } else { form.value(number, DIGITS) };
        let mut values: Vec<Value> = (0..count as u32).map(|n| value(number(n))).collect();
        // Whole numbers on a log scale may round to the same one.
        values.dedup();
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(text: &str) -> Result<String, String> {
        let table: Table = toml::from_str(text).expect("TOML");
        let values = Range::read(&table)?.values()?;
        Ok(values.iter().map(|value| value.to_string().replace('"', "")).collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn ranges_are_written_as_their_ends_are() {
        for (range, expected) in [
            ("from = 1\nto = 9\nstep = 4", "1, 5, 9"),
            ("from = 1\nto = 8\nstep = 4", "1, 5"),
            ("from = 0.1\nto = 0.5\nstep = 0.1", "0.1, 0.2, 0.3, 0.4, 0.5"),
            ("from = 0\nto = 1\nstep = 0.5", "0.0, 0.5, 1.0"),
            ("from = \"5 ms\"\nto = \"15 ms\"\nstep = \"5 ms\"", "5 ms, 10 ms, 15 ms"),
            ("from = 0.0\nto = 1.0\npoints = 3", "0.0, 0.5, 1.0"),
            ("from = 1\nto = 2\npoints = 3", "1.0, 1.5, 2.0"),
            ("from = 1\nto = 64\npoints = 7\nscale = \"log\"", "1, 2, 4, 8, 16, 32, 64"),
            ("from = 1\nto = 4\npoints = 9\nscale = \"log\"", "1, 2, 3, 4"),
            ("from = \"10 Mbps\"\nto = \"1000 Mbps\"\npoints = 3\nscale = \"log\"", "10 Mbps, 100 Mbps, 1000 Mbps"),
            ("from = \"10 Mbps\"\nto = \"90 Mbps\"\npoints = 3\nscale = \"log\"", "10 Mbps, 30 Mbps, 90 Mbps"),
            ("from = \"10 Mbps\"\nto = \"20 Mbps\"\npoints = 3\nscale = \"log\"", "10 Mbps, 14.1421 Mbps, 20 Mbps"),
            ("from = 3\nto = 3\nstep = 1", "3"),
        ] {
            assert_eq!(values(range).as_deref(), Ok(expected), "{range}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for (range, reason) in [
            ("from = 1", "needs `to`"),
            ("from = 1\nto = 2", "needs `step` or `points`"),
            ("from = 2\nto = 1\nstep = 1", "an empty range: 1 is less than 2"),
            ("from = 1\nto = 2\nstep = 0", "an empty range: `step` is not above 0"),
            ("from = 1\nto = 2\nstep = 1\npoints = 2", "not both"),
            ("from = 1\nto = 2\npoints = 1", "at least 2"),
            ("from = \"1 ms\"\nto = \"2 s\"\npoints = 2", "expected one unit, found ms and s"),
            ("from = \"1 ms\"\nto = 2\npoints = 2", "expected numbers, or quantities with one unit"),
            ("from = 0\nto = 2\npoints = 2\nscale = \"log\"", "ends above 0"),
            ("from = 1\nto = 2\nstap = 2", "unknown key `stap`"),
            ("from = true\nto = 2\nstep = 2", "`from` is true"),
            ("from = 0\nto = 1\nstep = 1e-9", "take a larger step"),
        ] {
            let refusal = values(range).expect_err(range);
            assert!(refusal.contains(reason), "{range}: {refusal}");
        }
    }

    proptest! {
        #[test]
        fn values_rise_from_one_end_to_the_other(from in -1e3f64..1e3, width in 0.0f64..1e3, points in 2u32..50) {
            let text = format!("from = {from:?}\nto = {:?}\npoints = {points}", from + width);
            let range = Range::read(&toml::from_str(&text).expect("TOML")).expect("a range");
            let values: Vec<f64> = range.values().expect("values").iter().map(|v| v.as_float().expect("a float")).collect();
            prop_assert!((values[0] - from).abs() < 1e-8);
            prop_assert!((values[values.len() - 1] - from - width).abs() < 1e-8);
            prop_assert!(values.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
