//! A question to the runs of a results folder: a metric of a system, or of one against another, where and over what.

use std::fmt;
use tables::Metric;

/// A question to a simulation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Question {
    pub measure: Measure,
    pub amount: Amount,
    pub of: SystemSpec,
    /// The systems that it is measured against; several are asked one by one.
    pub against: Vec<SystemSpec>,
    /// A key of the points, and the values at which it is asked.
    pub at: Vec<(String, Vec<String>)>,
    /// The class of requests that it is asked of; all requests if absent.
    pub class: Option<String>,
    pub over: Over,
    /// The claim that a simulation of this rests on.
    pub premise: String,
}

/// The figure made of the amounts of one system, or of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// The amount itself.
    Value,
    /// The amount of the one over that of the other.
    Ratio,
    /// By how many per cent the one is more than the other.
    Change,
    /// The one less the other.
    Difference,
}

/// The point that a claim of many points is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// It does not say at which: that which comes nearest.
    Nearest,
    /// It holds at each: that which is furthest away.
    Worst,
    /// It is of the smallest.
    Min,
    /// It is of the largest.
    Max,
}

/// A system: a policy's kind, and the setting without which it would be another: any value of it that is not the default,
/// or that one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SystemSpec {
    pub kind: String,
    pub setting: Option<String>,
    pub value: Option<String>,
}

/// A sum of metrics, or a quotient of two such sums: `a + b`, `1000 / c`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Amount {
    above: Vec<Term>,
    below: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq)]
enum Term {
    Number(f64),
    Metric(Metric),
}

impl Question {
    /// True if a value is asked for, at one point.
    pub(super) fn is_of_one_value(&self) -> bool {
        self.measure == Measure::Value && self.over == Over::Nearest
    }

    /// Reads a row of `questions.csv`; none if it is not one.
    pub fn read(
        measure: &str,
        metric: &str,
        [of, against]: [&str; 2],
        at: &str,
        over: &str,
        premise: &str,
    ) -> Option<Self> {
        let parts = |text: &str, by: char| -> Vec<String> {
            text.split(by).map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
        };
        let condition = |part: String| {
            let (key, values) = part.split_once('=')?;
            Some((key.trim().to_owned(), parts(values, '|')))
        };
        let mut at: Vec<_> = parts(at, ';').into_iter().map(condition).collect::<Option<_>>()?;
        let class = match at.extract_if(.., |(key, _)| key == "class").next() {
            None => None,
            Some((_, names)) => Some(<[String; 1]>::try_from(names).ok()?),
        };
        let question = Self {
            measure: match measure {
                "value" => Measure::Value,
                "ratio" => Measure::Ratio,
                "change" => Measure::Change,
                "difference" => Measure::Difference,
                _ => return None,
            },
            amount: Amount::read(metric)?,
            of: SystemSpec::read(of)?,
            against: parts(against, '|').iter().map(|part| SystemSpec::read(part)).collect::<Option<_>>()?,
            at,
            class: class.map(|[class]| class),
            over: match over {
                "" => Over::Nearest,
                "worst" => Over::Worst,
                "min" => Over::Min,
                "max" => Over::Max,
                _ => return None,
            },
            premise: premise.to_owned(),
        };
        let is_whole = (question.measure == Measure::Value) == question.against.is_empty();
        // A table of classes has means over runs: of one metric there is an interval, of two no pairs.
        let is_of_runs = question.class.is_none();
        let is_one = question.measure == Measure::Value && question.amount.metric().is_some();
        Some(question).filter(|_| is_whole && (is_of_runs || is_one))
    }
}

impl Measure {
    /// The figure of two amounts.
    pub fn of(self, of: f64, against: f64) -> f64 {
        match self {
            Self::Value => of,
            Self::Ratio => of / against,
            Self::Change => 100.0 * (of / against - 1.0),
            Self::Difference => of - against,
        }
    }
}

impl SystemSpec {
    /// Reads `kind`, `kind[setting]` or `kind[setting=value]`; none if it is not one.
    pub fn read(text: &str) -> Option<Self> {
        let (kind, setting) = match text.split_once('[') {
            Some((kind, setting)) => (kind, Some(setting.strip_suffix(']')?)),
            None => (text, None),
        };
        let (setting, value) = setting.map_or((None, None), |setting| match setting.split_once('=') {
            Some((setting, value)) => (Some(setting), Some(value)),
            None => (Some(setting), None),
        });
        let owned = |text: Option<&str>| text.map(str::to_owned);
        (!kind.is_empty()).then(|| Self { kind: kind.to_owned(), setting: owned(setting), value: owned(value) })
    }
}

impl fmt::Display for SystemSpec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.setting, &self.value) {
            (Some(setting), Some(value)) => write!(out, "{}[{setting}={value}]", self.kind),
            (Some(setting), None) => write!(out, "{}[{setting}]", self.kind),
            _ => write!(out, "{}", self.kind),
        }
    }
}

impl Amount {
    /// The sum of these metrics.
    pub fn sum(metrics: &[Metric]) -> Self {
        Self { above: metrics.iter().copied().map(Term::Metric).collect(), below: Vec::new() }
    }

    /// One metric as a share of another.
    pub fn ratio(above: Metric, below: Metric) -> Self {
        Self { above: vec![Term::Metric(above)], below: vec![Term::Metric(below)] }
    }

    /// A number divided by a metric.
    pub fn inverse(number: f64, metric: Metric) -> Self {
        Self { above: vec![Term::Number(number)], below: vec![Term::Metric(metric)] }
    }

    /// Reads a sum or a quotient of two; none if it is not one, or names no metric.
    pub fn read(text: &str) -> Option<Self> {
        let (above, below) = text.split_once('/').unwrap_or((text, ""));
        let term = |part: &str| match part.parse() {
            Ok(number) => Some(Term::Number(number)),
            Err(_) => Metric::named(part).ok().map(Term::Metric),
        };
        let sum = |text: &str| -> Option<Vec<Term>> {
            text.split('+').map(str::trim).filter(|part| !part.is_empty()).map(term).collect()
        };
        let amount = Self { above: sum(above)?, below: sum(below)? };
        (!amount.above.is_empty()).then_some(amount)
    }

    /// The metric that it is, if it is one alone.
    pub fn metric(&self) -> Option<Metric> {
        match (&self.above[..], &self.below[..]) {
            ([Term::Metric(metric)], []) => Some(*metric),
            _ => None,
        }
    }

    /// The metrics in it.
    pub fn metrics(&self) -> impl Iterator<Item = Metric> {
        self.above.iter().chain(&self.below).filter_map(|term| match term {
            Term::Metric(metric) => Some(*metric),
            Term::Number(_) => None,
        })
    }

    /// True if it is a time, in milliseconds.
    pub fn is_in_ms(&self) -> bool {
        self.below.is_empty() && self.metrics().all(|metric| metric.doc().unit == "ms")
    }

    /// Its value, where `metric` gives that of each metric; in the unit that the claim is in.
    pub fn value(&self, unit: &str, metric: impl Fn(Metric) -> Option<f64>) -> Option<f64> {
        let sum = |terms: &[Term]| -> Option<f64> {
            let one = |term: &Term| match term {
                Term::Number(number) => Some(*number),
                Term::Metric(name) => metric(*name),
            };
            terms.iter().map(one).sum()
        };
        let plain = sum(&self.above)?;
        if !self.below.is_empty() {
            let quotient = plain / sum(&self.below)?;
            return Some(if unit == "percent" { 100.0 * quotient } else { quotient });
        }
        // Metrics are in milliseconds, some claims in seconds.
        Some(if unit == "s" && self.is_in_ms() { plain / 1000.0 } else { plain })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_at_one_point_is_told_from_changes_and_extremes() {
        let read = |measure: &str, against: &str, over: &str| {
            Question::read(measure, "e2e_ms_mean", ["msao", against], "", over, "X").expect("a question")
        };
        assert!(read("value", "", "").is_of_one_value());
        assert!(!read("value", "", "worst").is_of_one_value());
        assert!(!read("change", "cloud_only", "").is_of_one_value());
    }

    #[test]
    fn questions_are_read_strictly() {
        let read = |measure: &str, of: &str, against: &str, at: &str| {
            Question::read(measure, "e2e_ms_mean", [of, against], at, "", "X")
        };
        let question = read("change", "msao[a.b]", "cloud_only|perllm", "edge.device=m2|m4; dataset=v1").expect("one");
        assert_eq!(question.of, SystemSpec { kind: "msao".into(), setting: Some("a.b".into()), value: None });
        for text in ["msao", "msao[a.b]", "token_dropping[method=tome]"] {
            assert_eq!(SystemSpec::read(text).expect("a system").to_string(), text);
        }
        assert_eq!(question.against.len(), 2);
        assert_eq!(question.at[0], ("edge.device".into(), vec!["m2".into(), "m4".into()]));
        assert!(read("change", "msao", "", "").is_none(), "against what?");
        assert!(read("value", "msao", "perllm", "").is_none(), "against nothing");
        assert!(read("value", "msao[a", "", "").is_none() && read("value", "", "", "").is_none());
        let of_class = read("value", "msao", "", "class=other; dataset=v1").expect("one");
        assert_eq!((of_class.class.as_deref(), of_class.at.len()), (Some("other"), 1));
        assert!(read("change", "msao", "perllm", "class=other").is_none(), "classes have no pairs of runs");
        assert!(read("value", "msao", "", "class=other|number").is_none(), "a class at a time");
        assert!(read("more", "msao", "", "").is_none() && read("value", "msao", "", "a").is_none());
    }

    #[test]
    fn amounts_add_up_and_divide() {
        let metric = |metric: Metric| match metric {
            Metric::E2eMean => Some(500.0),
            Metric::ProbeMean => Some(10.0),
            _ => None,
        };
        let value = |text: &str, unit: &str| Amount::read(text).expect("an amount").value(unit, metric);
        assert_eq!(value("e2e_ms_mean + probe_ms_mean", "ms"), Some(510.0));
        assert_eq!(value("e2e_ms_mean", "s"), Some(0.5));
        assert_eq!(value("1000 / e2e_ms_mean", "tokens/s"), Some(2.0));
        assert_eq!(value("probe_ms_mean / e2e_ms_mean", "percent"), Some(2.0));
        assert_eq!(value("e2e_ms_mean + ttft_ms_mean", "ms"), None);
        assert_eq!(Amount::read("e2e_ms_mean + other"), None, "no such metric");
        assert_eq!(Amount::read(" "), None);
    }
}
