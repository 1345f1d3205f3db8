//! The papers' claims: facts, in `papers.csv`, one a row. `questions.csv` has the question to a simulation that tests
//! each of them, or the reason why none can.

use super::question::Question;
use std::sync::LazyLock;

/// Everything that the MSAO and MindFusion papers print, and what others print of their systems, in the order of the file.
pub(super) static CLAIMS: LazyLock<Vec<Claim>> = LazyLock::new(read);

/// A number or a formula that a paper prints.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub id: String,
    /// The platform that it was measured on, as `platforms.csv` calls it.
    pub platform: String,
    /// The system that it is about.
    pub system: String,
    /// Section, table or figure.
    pub place: String,
    pub quantity: String,
    /// As our data sets are called; none if it is of all, or not said.
    pub dataset: Option<String>,
    pub bandwidth_mbps: Option<String>,
    pub printed: Printed,
    pub unit: String,
    /// The question that tests it.
    pub question: Option<Question>,
    /// True if the paper's abstract or introduction leads with it.
    pub is_headline: bool,
    /// True if there is nothing to test: it is an input of the simulator, a definition, or words.
    pub is_input: bool,
    /// The reason why none does, or the assumption of every test; empty without either.
    pub remark: String,
}

/// The value that is printed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Printed {
    /// From this to that; either may be open, and both are the same for a plain number.
    Range(Option<f64>, Option<f64>),
    /// Words, or nothing.
    Text(String),
}

impl Claim {
    /// The printed value with its unit.
    pub fn printed_with_unit(&self) -> String {
        let unit = match self.unit.as_str() {
            "" => String::new(),
            "x" => " times".to_owned(),
            "percent" => " %".to_owned(),
            unit => format!(" {unit}"),
        };
        format!("{}{unit}", self.printed.text())
    }
}

impl Printed {
    /// The value as it is shown.
    pub fn text(&self) -> String {
        match self {
            Self::Range(Some(low), Some(high)) if low == high => low.to_string(),
            Self::Range(Some(low), Some(high)) => format!("{low} to {high}"),
            Self::Range(Some(low), None) => format!("at least {low}"),
            Self::Range(None, Some(high)) => format!("at most {high}"),
            Self::Range(None, None) => String::new(),
            Self::Text(text) => text.clone(),
        }
    }

    /// The value, where it is one number.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Range(Some(low), Some(high)) if low == high => Some(*low),
            _ => None,
        }
    }

    /// The ends of the range; both open where it is words.
    pub fn ends(&self) -> [Option<f64>; 2] {
        match self {
            Self::Range(low, high) => [*low, *high],
            Self::Text(_) => [None, None],
        }
    }

    /// The distance of a value from the range, with its sign, and the nearest bound; zero inside.
    pub fn distance(&self, value: f64) -> Option<(f64, f64)> {
        match self {
            Self::Range(Some(low), _) if value < *low => Some((value - low, *low)),
            Self::Range(_, Some(high)) if value > *high => Some((value - high, *high)),
            Self::Range(low, high) => (*low).or(*high).map(|bound| (0.0, bound)),
            Self::Text(_) => None,
        }
    }
}

#[derive(serde::Deserialize)]
struct ClaimRow {
    id: String,
    platform: String,
    system: String,
    place: String,
    kind: String,
    quantity: String,
    dataset: String,
    bandwidth_mbps: String,
    value: String,
    low: Option<f64>,
    high: Option<f64>,
    unit: String,
}

#[derive(serde::Deserialize)]
struct QuestionRow {
    id: String,
    measure: String,
    metric: String,
    of: String,
    against: String,
    at: String,
    over: String,
    premise: String,
    assumes: String,
}

fn rows<R: serde::de::DeserializeOwned>(text: &str) -> Vec<R> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().collect::<Result<_, _>>().expect("a table of ours is whole")
}

fn read() -> Vec<Claim> {
    let questions: Vec<QuestionRow> = rows(include_str!("questions.csv"));
    let claims: Vec<ClaimRow> = rows(include_str!("papers.csv"));
    let of = |row: ClaimRow| {
        let asked = questions.iter().find(|question| matches(&question.id, &row.id));
        let (question, remark) =
            asked.map_or((None, String::new()), |asked| (read_question(asked), asked.assumes.clone()));
        let printed = match (row.value.parse(), row.low, row.high) {
            (_, None, None) if row.value.parse::<f64>().is_err() => Printed::Text(row.value),
            (Ok(value), None, None) => Printed::Range(Some(value), Some(value)),
            (_, low, high) => Printed::Range(low, high),
        };
        let is_input = question.is_none() && (remark.is_empty() || remark.starts_with("an input"));
        let given = |text: String| Some(text).filter(|text| !text.is_empty());
        Claim {
            remark: if remark.is_empty() && question.is_none() { untestable(&row.kind).to_owned() } else { remark },
            question,
            is_input,
            is_headline: row.kind == "headline",
            printed,
            dataset: given(row.dataset),
            bandwidth_mbps: given(row.bandwidth_mbps),
            id: row.id,
            platform: row.platform,
            system: row.system,
            place: row.place,
            quantity: row.quantity,
            unit: row.unit,
        }
    };
    claims.into_iter().map(of).collect()
}

fn read_question(row: &QuestionRow) -> Option<Question> {
    let read = || Question::read(&row.measure, &row.metric, [&row.of, &row.against], &row.at, &row.over, &row.premise);
    (!row.measure.is_empty()).then(|| read().unwrap_or_else(|| panic!("questions.csv: {}", row.id)))
}

/// True if a pattern, with at most one `*`, matches this id.
fn matches(pattern: &str, id: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => id.len() >= start.len() + end.len() && id.starts_with(start) && id.ends_with(end),
        None => pattern == id,
    }
}

/// The reason why a claim of a kind without a question is not tested.
fn untestable(kind: &str) -> &'static str {
    match kind {
        "equation" | "algorithm" => "what it says is simulated, not tested",
        "parameter" => "an input",
        "definition" | "metric" => "a definition",
        "gap" => "what the paper leaves open",
        "headline" => "words, no figure",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_question_is_of_a_claim_and_every_claim_is_asked_or_says_why_not() {
        let questions: Vec<QuestionRow> = rows(include_str!("questions.csv"));
        let ids: BTreeSet<&str> = CLAIMS.iter().map(|claim| claim.id.as_str()).collect();
        assert_eq!(ids.len(), CLAIMS.len(), "ids are distinct");
        for question in &questions {
            assert!(ids.iter().any(|id| matches(&question.id, id)), "{}", question.id);
        }
        for claim in CLAIMS.iter() {
            match &claim.question {
                Some(question) => {
                    assert!(ids.contains(question.premise.as_str()), "{}", claim.id);
                    assert!(matches!(claim.printed, Printed::Range(..)), "{} is a number", claim.id);
                }
                None => assert!(!claim.remark.is_empty(), "{} says why it is not tested", claim.id),
            }
        }
    }

    #[test]
    fn a_range_is_measured_from_its_nearest_bound() {
        let range = Printed::Range(Some(1.5), Some(2.5));
        assert_eq!(
            [1.0, 2.0, 3.0].map(|value| range.distance(value)),
            [Some((-0.5, 1.5)), Some((0.0, 1.5)), Some((0.5, 2.5))]
        );
        assert_eq!(Printed::Range(None, Some(-50.0)).distance(-60.0), Some((0.0, -50.0)));
        assert_eq!(Printed::Range(None, Some(-50.0)).text(), "at most -50");
        assert_eq!(Printed::Range(Some(2.0), Some(2.0)).text(), "2");
    }

    /// The facts are those of the list that they were taken from.
    #[test]
    fn shared_claims_are_all_here() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/claims.json");
        let Ok(text) = std::fs::read_to_string(&path) else {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "skipped: {} is not there", path.display());
            return;
        };
        let shared: Vec<serde_json::Value> = serde_json::from_str(&text).expect("JSON");
        let ids = |claim: &serde_json::Value| claim["id"].as_str().expect("an id").to_owned();
        // Those of further papers stand behind them.
        assert_eq!(
            shared.iter().map(ids).collect::<Vec<_>>(),
            CLAIMS.iter().take(shared.len()).map(|claim| claim.id.clone()).collect::<Vec<_>>()
        );
        for (shared, ours) in shared.iter().zip(CLAIMS.iter()) {
            if let (Some(value), true) = (shared["value"].as_f64(), shared["range"].is_null()) {
                let (distance, bound) = ours.printed.distance(value).expect("a number");
                assert!(distance.abs() < 1e-9 && (bound - value).abs() < 1e-9, "{}: {value}", ours.id);
            }
            for (bound, index) in [("low", 0), ("high", 1)] {
                if let Some(value) = shared["range"][index].as_f64() {
                    assert_eq!(ours.printed.distance(value).expect("a range").0, 0.0, "{} {bound}", ours.id);
                }
            }
        }
    }
}
