//! A question to a sweep: objectives and constraints, as they are written.

use crate::estimate::Estimate;
use crate::frame::ReportError;
use crate::runs::Runs;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use tables::{Better, Metric, RunRow, unit_of, unknown};
use units::SimDuration;

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

    /// Reads `accuracy_pct >= 75` and `e2e_ms_p99 <= 2 s`.
    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || {
            let expected = "expected a metric, one of <= >= < >, and a number";
            format!("{text}: {expected}, as in accuracy_pct >= 75 or e2e_ms_p99 <= 2 s")
        };
        let (metric, bound, value) = BOUNDS
            .iter()
            .find_map(|(sign, bound)| text.split_once(sign).map(|(metric, value)| (metric.trim(), *bound, value)))
            .ok_or_else(refused)?;
        let is_name = !metric.is_empty() && metric.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let value = amount(metric, value.trim()).ok_or_else(refused)?;
        if !is_name || !value.is_finite() {
            return Err(refused());
        }
        Ok(Self { metric: metric.to_owned(), bound, value })
    }
}

/// The number of a bound, in the unit of its metric: `2 s` is 2000 where that is ms.
fn amount(metric: &str, text: &str) -> Option<f64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let time = || text.parse::<SimDuration>().ok();
    match unit_of(metric) {
        "ms" => Some(time()?.as_ms_f64()),
        "s" => Some(time()?.as_secs_f64()),
        // A name that is none is refused as such, with the nearest.
        "" if Metric::named(metric).is_err() => {
            let (number, unit) = text.split_once(char::is_whitespace)?;
            unit.chars().all(|c| c.is_ascii_alphabetic()).then(|| number.parse().ok())?
        }
        "" => None,
        unit => text.strip_suffix(unit)?.trim_end().parse().ok(),
    }
}

impl fmt::Display for Constraint {
    /// Writes the bound as it is read, with its unit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, _) = BOUNDS.iter().find(|(_, bound)| *bound == self.bound).expect("each bound has a sign");
        let unit = unit_of(&self.metric);
        write!(f, "{} {sign} {}{}{unit}", self.metric, self.value, if unit.is_empty() { "" } else { " " })
    }
}

impl Constraint {
    /// The number that it holds the metric to, in the metric's unit.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// True if less of the metric is what it asks for.
    pub fn is_upper(&self) -> bool {
        matches!(self.bound, Bound::AtMost | Bound::Below)
    }

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

    /// True if a whole interval is within the bound, false if its mean is not; none if the interval reaches over it. A
    /// figure without an interval is judged by its mean.
    pub fn surely_holds(&self, figure: Estimate) -> Option<bool> {
        let holds = |end: f64| self.holds(end);
        match (holds(figure.mean), figure.interval().into_iter().all(holds)) {
            (true, false) => None,
            (holds, _) => Some(holds),
        }
    }

    /// True if a mean is within the bound.
    pub fn holds(&self, mean: f64) -> bool {
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
    /// Keys whose values make a group, in each of which the best is searched.
    pub per: Per,
    /// True judges constraints by means alone, and not by intervals.
    pub by_mean: bool,
}

/// The groups of points among which the best is searched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Per {
    /// A group for each environment: dataset, bandwidth, and swept keys that nobody chooses.
    #[default]
    Environment,
    /// All points together.
    All,
    /// A group for each combination of these keys.
    Keys(Vec<String>),
}

/// Tables of a scenario whose keys are found and not chosen: users, requests and the link.
const ENVIRONMENT: [&str; 9] =
    ["workload", "dataset", "arrivals", "classes", "link", "hop", "tokens", "accuracy", "descriptors"];

impl FromStr for Per {
    type Err = String;

    /// Reads `environment`, `all`, or keys with commas between them.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "environment" => Ok(Self::Environment),
            "all" => Ok(Self::All),
            keys => Ok(Self::Keys(keys.split(',').map(|key| key.trim().to_owned()).collect())),
        }
    }
}

impl Per {
    /// The places among the keys of a point of those that make a group.
    pub(super) fn places(&self, runs: &Runs) -> Result<Vec<usize>, ReportError> {
        let known = || runs.keys.iter().map(String::as_str);
        let found = |key: &str| known().position(|known| known == key);
        match self {
            Self::All => Ok(Vec::new()),
            Self::Environment => {
                Ok(known().enumerate().filter(|(_, key)| is_environment(key)).map(|(at, _)| at).collect())
            }
            Self::Keys(keys) => {
                let place = |key: &String| {
                    let known: Vec<&str> = known().chain(["environment", "all"]).collect();
                    found(key).ok_or_else(|| ReportError::refused(format!("--per: {}", unknown("key", key, &known))))
                };
                keys.iter().map(place).collect()
            }
        }
    }
}

/// True of a key that is found and not chosen.
fn is_environment(key: &str) -> bool {
    let own = [RunRow::dataset.name, RunRow::bandwidth_mbps.name];
    let first = key.split('.').next().unwrap_or_default();
    own.contains(&key)
        || ENVIRONMENT.contains(&first)
        || (first.starts_with("edge") && key.split('.').any(|part| part == "link"))
}
