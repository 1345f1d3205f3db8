//! A question to a sweep: objectives and constraints, as they are written.

use std::cmp::Ordering;
use std::str::FromStr;
use tables::{Better, Metric};

/// A metric, and which way it is better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objective {
    /// The metric.
    pub metric: String,
    /// True if more of it is better.
    pub maximise: bool,
}

/// A bound on a metric's mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    pub(super) metric: String,
    bound: Bound,
    value: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    AtMost,
    AtLeast,
    Below,
    Above,
}

/// The two-letter ones first: `<` would match them too.
const BOUNDS: [(&str, Bound); 4] =
    [("<=", Bound::AtMost), (">=", Bound::AtLeast), ("<", Bound::Below), (">", Bound::Above)];

impl FromStr for Constraint {
    type Err = String;

    /// Reads `accuracy_pct >= 75`.
    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("{text}: expected a metric, one of <= >= < >, and a number, as in accuracy_pct >= 75");
        let (metric, bound, value) = BOUNDS
            .iter()
            .find_map(|(sign, bound)| text.split_once(sign).map(|(metric, value)| (metric.trim(), *bound, value)))
            .ok_or_else(refused)?;
        let is_name = !metric.is_empty() && metric.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let value: f64 = value.trim().parse().map_err(|_| refused())?;
        if !is_name || !value.is_finite() {
            return Err(refused());
        }
        Ok(Self { metric: metric.to_owned(), bound, value })
    }
}

impl Constraint {
    /// The metric that it bounds.
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// By how much a mean breaks it, in parts of the bound; 0 if it holds.
    pub fn excess(&self, mean: f64) -> f64 {
        if self.holds(mean) {
            0.0
        } else {
            ((mean - self.value).abs() / self.value.abs().max(1e-9)).max(f64::MIN_POSITIVE)
        }
    }

    pub(super) fn holds(&self, mean: f64) -> bool {
        match self.bound {
            Bound::AtMost => mean <= self.value,
            Bound::AtLeast => mean >= self.value,
            Bound::Below => mean < self.value,
            Bound::Above => mean > self.value,
        }
    }
}

impl FromStr for Objective {
    type Err = String;

    /// Reads `accuracy_pct`, whose direction is known, or `served_by_cloud_pct:min`, `...:max`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (metric, way) = text.split_once(':').unwrap_or((text, ""));
        let maximise = match (way, Metric::named(metric).map_or(Better::Neither, Metric::better)) {
            ("max", _) | ("", Better::Higher) => true,
            ("min", _) | ("", Better::Lower) => false,
            ("", Better::Neither) => {
                return Err(format!("{metric} is better neither way by itself: say {metric}:min or {metric}:max"));
            }
            _ => return Err(format!("{text}: expected {metric}, {metric}:min or {metric}:max")),
        };
        Ok(Self { metric: metric.to_owned(), maximise })
    }
}

impl Objective {
    /// Orders two values, the better first.
    pub(super) fn order(&self, a: f64, b: f64) -> Ordering {
        if self.maximise { b.total_cmp(&a) } else { a.total_cmp(&b) }
    }
}

/// A question to a sweep: the best points under constraints.
#[derive(Clone, Debug)]
pub struct Question {
    /// One for the best points, several for the Pareto front.
    pub objectives: Vec<Objective>,
    /// Constraints on the means.
    pub constraints: Vec<Constraint>,
    /// The policy whose points are searched; all if absent.
    pub policy: Option<String>,
}
