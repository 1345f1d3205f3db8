//! Claims that contradict each other, in `flips.csv`: each pair has a bundled scenario that sweeps one number, and the two policies
//! whose ratio the claims are about. The winner flips where the ratio crosses 1.

use super::papers::{CLAIMS, Claim};
use crate::estimate::Estimate;
use crate::natural::Levels;
use crate::numbers::short;
use crate::runs::{Cell, Runs};
use std::sync::LazyLock;
use tables::Metric;

/// The pairs, in the order of the file.
pub(crate) static FLIPS: LazyLock<Vec<Flip>> = LazyLock::new(read);

/// A pair of claims, and the runs that judge between them.
pub(crate) struct Flip {
    /// The scenario that sweeps the key.
    pub scenario: String,
    pub key: String,
    pub metric: Metric,
    /// The label of the policy that the claims praise or not, and of the one that it is held against.
    pub of: String,
    pub against: String,
    pub claims: [Printed; 2],
    /// The question that the two answer differently.
    pub question: String,
}

/// A claim as a flip has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Printed {
    pub system: String,
    pub quantity: String,
    /// The value with its unit, as it is printed.
    pub text: String,
    pub means: Means,
}

/// The axis on which a claim of a flip lies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Means {
    /// The ratio lies between these; either end may be open.
    Ratio([Option<f64>; 2]),
    /// The winner flips at this value of the key.
    Key(f64),
}

/// The ratio of the two policies along the key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Curve {
    /// The key's values with their texts, rising, and the logarithm to base 2 of the ratio there.
    pub steps: Vec<(f64, String, Estimate)>,
    /// The values of the key at which the winner flips, between two steps.
    pub crossings: Vec<f64>,
    /// The unit of the key's values; empty without one.
    pub unit: String,
}

#[derive(serde::Deserialize)]
struct FlipRow {
    scenario: String,
    key: String,
    metric: String,
    of: String,
    against: String,
    one: String,
    other: String,
    question: String,
}

fn read() -> Vec<Flip> {
    let rows = csv::Reader::from_reader(include_str!("flips.csv").as_bytes()).into_deserialize::<FlipRow>();
    let flip = |row: Result<FlipRow, csv::Error>| {
        let row = row.expect("a table of ours is whole");
        Flip {
            metric: Metric::named(&row.metric).expect("a metric"),
            claims: [&row.one, &row.other].map(|id| printed(id)),
            scenario: row.scenario,
            key: row.key,
            of: row.of,
            against: row.against,
            question: row.question,
        }
    };
    rows.map(flip).collect()
}

/// The claim of an id, which is in our tables.
fn printed(id: &str) -> Printed {
    let claim = CLAIMS.iter().find(|claim| claim.id == id).unwrap_or_else(|| panic!("flips.csv: no claim {id}"));
    Printed {
        system: claim.system.clone(),
        quantity: claim.quantity.clone(),
        text: claim.printed_with_unit(),
        means: means(claim),
    }
}

fn means(claim: &Claim) -> Means {
    let ends = claim.printed.ends();
    match claim.unit.as_str() {
        "x" => Means::Ratio(ends),
        "percent" => Means::Ratio(ends.map(|end| end.map(|end| 1.0 + end / 100.0))),
        _ => Means::Key(claim.printed.number().expect("a value of the key is one number")),
    }
}

impl Flip {
    /// The pair that a scenario judges.
    pub fn of_scenario(name: &str) -> Option<&'static Self> {
        FLIPS.iter().find(|flip| flip.scenario == name)
    }

    /// The scenarios that judge pairs.
    pub fn scenarios() -> impl Iterator<Item = &'static str> {
        FLIPS.iter().map(|flip| flip.scenario.as_str())
    }

    /// The ratio along the key; none if the runs are not of this key and these policies.
    pub fn curve(&self, runs: &Runs) -> Option<Curve> {
        let key = runs.keys.iter().position(|key| *key == self.key)?;
        let column = runs.metric(self.metric);
        let logs = |cell: &Cell| column.all_of(cell).map(|values| values.iter().map(|value| value.log2()).collect());
        let of_policy = |policy: &str, point: u64| -> Option<Vec<f64>> {
            logs(runs.cells.iter().find(|cell| cell.point == point && cell.policy == policy)?)
        };
        let levels = Levels::of(runs.cells.iter().map(|cell| cell.values[key].as_str()));
        let numbers = levels.numbers.as_ref()?;
        let mut steps = Vec::new();
        for cell in runs.cells.iter().filter(|cell| cell.policy == self.of) {
            let text = &cell.values[key];
            let level = levels.texts.iter().position(|level| level == text)?;
            let (of, against) = (logs(cell)?, of_policy(&self.against, cell.point)?);
            steps.push((in_unit(text).unwrap_or(numbers[level]), text.clone(), Estimate::paired(&of, &against)));
        }
        steps.sort_by(|a, b| a.0.total_cmp(&b.0));
        let crossings = steps.windows(2).filter_map(|pair| crossing(&pair[0], &pair[1])).collect();
        (steps.len() > 1).then(|| Curve { steps, crossings, unit: levels.unit.clone().unwrap_or_default() })
    }

    /// The finding in words, with the key as it is called: who wins where.
    pub fn finding(&self, curve: &Curve, key: &str) -> String {
        let [less, more] = self.metric.doc().words;
        let (first, then) = if curve.steps[0].2.mean > 0.0 { (more, less) } else { (less, more) };
        let unit = if curve.unit.is_empty() { String::new() } else { format!(" {}", curve.unit) };
        let start = format!("{} is {first} than {}", self.of, self.against);
        let at = |value: &f64| short(*value, 2);
        match (&curve.crossings[..], &curve.steps[..]) {
            ([], [low, .., high]) => format!("{start} at each {key} from {} to {}", low.1, high.1),
            ([one], _) => format!("{start} up to {}{unit} ({key}), and {then} beyond", at(one)),
            (more, _) => {
                let all: Vec<String> = more.iter().map(at).collect();
                format!("{start} at first, and the winner flips at {}{unit} ({key})", all.join(", "))
            }
        }
    }
}

/// The number of a text as it is written, before its unit.
fn in_unit(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok()
}

/// The value of the key between two steps at which the ratio is 1, on a logarithmic scale of the key; none if it does not cross.
fn crossing(a: &(f64, String, Estimate), b: &(f64, String, Estimate)) -> Option<f64> {
    let (low, high) = (a.2.mean, b.2.mean);
    let share = low / (low - high);
    ((low > 0.0) != (high > 0.0)).then(|| a.0 * (b.0 / a.0).powf(share))
}

impl Means {
    /// The ratios that stand on the axis; none of a value of the key.
    pub fn ratios(&self) -> impl Iterator<Item = f64> {
        let ends = match self {
            Self::Ratio(ends) => *ends,
            Self::Key(_) => [None, None],
        };
        ends.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, Cell as Row};

    /// Runs of the first flip, with these ratios at 1, 4 and 16 sequences.
    fn curve(ratios: [f64; 3]) -> Curve {
        let flip = &FLIPS[0];
        let row = |policy: &'static str, at: &'static str, rate: f64| {
            Row::new(policy, "0.3", &[("output_tokens_per_s", &[rate, rate])]).at(&[("cloud.batch.sequences", at)])
        };
        let points = ["1", "4", "16"].into_iter().zip(ratios);
        let rows: Vec<Row> = points
            .flat_map(|(at, ratio)| [row("cloud_only", at, 100.0), row("speculative", at, 100.0 * ratio)])
            .collect();
        flip.curve(&fixture::runs(&rows)).expect("a curve")
    }

    #[test]
    fn the_winner_flips_between_two_steps() {
        let flipped = curve([4.0, 1.0 / 0.99, 0.25]);
        assert_eq!(flipped.steps.iter().map(|(value, ..)| *value).collect::<Vec<_>>(), [1.0, 4.0, 16.0]);
        let half = curve([2.0, 0.5, 0.25]);
        assert!((half.crossings[0] - 2.0).abs() < 1e-9 && half.crossings.len() == 1, "{half:?}");
        let said = |curve: &Curve| FLIPS[0].finding(curve, "sequences");
        assert_eq!(said(&half), "speculative is faster than cloud_only up to 2 (sequences), and slower beyond");
        let never = curve([0.5, 0.5, 0.25]);
        assert_eq!(said(&never), "speculative is slower than cloud_only at each sequences from 1 to 16");
    }

    #[test]
    fn every_pair_is_found_by_its_scenario() {
        let scenarios: Vec<_> = Flip::scenarios().collect();
        assert_eq!(scenarios.len(), FLIPS.len());
        assert!(scenarios.into_iter().all(|name| Flip::of_scenario(name).is_some_and(|flip| flip.scenario == name)));
    }

    #[test]
    fn claims_lie_on_the_axis_of_their_unit() {
        let means: Vec<&Means> = FLIPS.iter().flat_map(|flip| &flip.claims).map(|claim| &claim.means).collect();
        assert_eq!(*means[0], Means::Ratio([Some(2.2), Some(2.2)]));
        assert_eq!(*means[2], Means::Ratio([Some(1.5), Some(2.3)]));
        assert_eq!(*means[3], Means::Key(13.0));
        assert_eq!(*means[5], Means::Ratio([Some(1.0), None]), "at least as slow");
        assert_eq!(FLIPS[0].claims[0].text, "2.2 times");
    }
}
