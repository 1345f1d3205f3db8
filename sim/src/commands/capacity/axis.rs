//! The key that varies: its values as numbers, in the form in which the scenario has them.

use crate::scenario::{Form, Source, typed};
use crate::terminal::Failure;
use toml::Value;

/// Significant digits of values that are looked at.
const DIGITS: usize = 4;

/// The search goes this factor away from the scenario's own value, unless it is told how far.
const FAR: f64 = 1000.0;

/// A key, and the values between which it is searched.
#[derive(Clone, Debug)]
pub struct Axis {
    /// The dotted key.
    pub key: String,
    form: Form,
    /// The value at which the search begins.
    pub start: f64,
    /// The least and the greatest value.
    pub ends: [f64; 2],
}

impl Axis {
    /// The axis of a key: around the value that the scenario has, `own`, or between the ends that are stated.
    ///
    /// # Errors
    /// If the key has no value to begin with, or one that is no number; if the ends are no such values, or in the wrong order.
    pub fn new(source: &Source, key: &str, own: Option<&Value>, ends: [Option<&str>; 2]) -> Result<Self, Failure> {
        let written = |name: &str, text: &str| {
            let number = Form::read(&typed(text)).filter(|(number, _)| *number > 0.0);
            number.ok_or_else(|| {
                let what =
                    format!("{name} {text}: expected a number above 0, or a quantity with its unit, as in \"2 /s\"");
                Failure::refused(what)
            })
        };
        let from = ends[0].map(|text| written("--from", text)).transpose()?;
        let to = ends[1].map(|text| written("--to", text)).transpose()?;
        let own = own.map(|value| {
            Form::read(value).filter(|(number, _)| *number > 0.0).ok_or_else(|| {
                source.refuse_key(key, &format!("found {value}; expected a number or a quantity above 0, to vary it"))
            })
        });
        let own = own.transpose()?;
        let Some((_, form)) = own.clone().or_else(|| from.clone()).or_else(|| to.clone()) else {
            let what =
                format!("--vary {key}: the scenario has no such value to begin with; set one, or say --from and --to");
            return Err(Failure::refused(what));
        };
        if let Some((_, other)) = [&from, &to].into_iter().flatten().find(|(_, other)| *other != form) {
            let what = format!("--vary {key}: expected ends {}, found {}", form.words(), other.words());
            return Err(Failure::refused(what));
        }
        Self::between(key, form, own.map(|(own, _)| own), [from, to].map(|end| end.map(|(number, _)| number)))
    }

    fn between(key: &str, form: Form, own: Option<f64>, [from, to]: [Option<f64>; 2]) -> Result<Self, Failure> {
        let least = if form == Form::Whole { 1.0 } else { f64::MIN_POSITIVE };
        let about = own.or(from).or(to).expect("one of them is there");
        let (from, to) = (from.unwrap_or((about / FAR).max(least)), to.unwrap_or(about * FAR));
        let axis = Self { key: key.to_owned(), form, start: from, ends: [from, to] };
        if from >= to {
            let [from, to] = [from, to].map(|end| axis.text(end));
            return Err(Failure::refused(format!("--vary {key}: --from {from} is not below --to {to}")));
        }
        let start = own.unwrap_or_else(|| (from * to).sqrt()).clamp(from, to);
        Ok(Self { start: axis.rounded(start), ..axis })
    }

    /// An axis of rates, for tests of the search.
    #[cfg(test)]
    pub fn of_rate(start: f64, ends: [f64; 2]) -> Self {
        Self { key: "rate".to_owned(), form: Form::Quantity("/s".to_owned()), start, ends }
    }

    /// An axis of whole numbers, for tests of the search.
    #[cfg(test)]
    pub fn of_count(start: f64, ends: [f64; 2]) -> Self {
        Self { form: Form::Whole, ..Self::of_rate(start, ends) }
    }

    /// The nearest number that is looked at.
    pub fn rounded(&self, number: f64) -> f64 {
        let rounded = match self.form {
            Form::Whole => number.round(),
            _ => format!("{number:.*e}", DIGITS - 1).parse().expect("a number that was just written"),
        };
        rounded.clamp(self.ends[0], self.ends[1])
    }

    /// True if there are whole numbers alone.
    pub fn is_whole(&self) -> bool {
        self.form == Form::Whole
    }

    /// A number as the key's value.
    pub fn value(&self, number: f64) -> Value {
        self.form.between(number)
    }

    /// A number as the user writes it.
    pub fn text(&self, number: f64) -> String {
        match self.value(number) {
            Value::String(text) => text,
            other => other.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(own: Option<Value>, from: Option<&str>, to: Option<&str>) -> Result<Axis, String> {
        let text = "name = \"x\"\nworkload.dataset = \"vqav2\"\n[policy.cloud_only]\n".to_owned();
        let (source, _) = Source::new::<crate::scenario::Scenario>(std::path::Path::new("s.toml"), text).expect("one");
        Axis::new(&source, "a.b", own.as_ref(), [from, to]).map_err(|failure| failure.to_string())
    }

    #[test]
    fn values_keep_their_form() {
        let rate = axis(Some("4 /s".into()), None, None).expect("an axis");
        assert_eq!((rate.start, rate.ends), (4.0, [0.004, 4000.0]));
        assert_eq!((rate.text(12.345_678), rate.rounded(12.345_678)), ("12.3457 /s".to_owned(), 12.35));
        let count = axis(Some(8.into()), None, Some("64")).expect("an axis");
        assert_eq!((count.start, count.ends, count.text(3.0)), (8.0, [1.0, 64.0], "3".to_owned()));
        let stated = axis(None, Some("1 /s"), Some("100 /s")).expect("an axis");
        assert_eq!((stated.start, stated.ends), (10.0, [1.0, 100.0]));
        let clamped = axis(Some(0.5.into()), Some("2.0"), Some("3.0")).expect("an axis");
        assert_eq!(clamped.start, 2.0);
    }

    #[test]
    fn what_cannot_vary_is_refused() {
        for (own, from, to, told) in [
            (None, None, None, "no such value to begin with"),
            (Some("hf".into()), None, None, "found \"hf\"; expected a number"),
            (Some("4 /s".into()), Some("3"), None, "expected ends in /s, found whole numbers"),
            (Some("4 /s".into()), Some("9 /s"), Some("2 /s"), "is not below"),
            (Some("4 /s".into()), Some("-1 /s"), None, "--from -1 /s: expected a number above 0"),
        ] {
            let refused = axis(own, from, to).expect_err(told);
            assert!(refused.contains(told), "{refused}");
        }
    }
}
