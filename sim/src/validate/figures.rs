//! What is compared: requests as they were measured and as they were simulated, and the figures of each half.

use crate::calibrate::folder::Group;
use crate::failure::Failure;
use crate::scenario::{Cell, Point};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use traces::log::{RequestRow, TableReader};

/// A request that was served.
#[derive(Clone, Debug)]
pub struct Served {
    pub request: u64,
    pub output_tokens: u32,
    pub e2e_ms: f64,
    pub ttft_ms: f64,
    pub tpot_ms: Option<f64>,
    pub drafted: u64,
    pub accepted: u64,
    pub correct: f64,
    pub by_cloud: bool,
}

/// The requests of a replay, by policy and point.
pub fn read(folder: &Path) -> Result<BTreeMap<(String, u64), Vec<Served>>, Failure> {
    let table = TableReader::open_log::<RequestRow>(&folder.join("requests.parquet"))?;
    let mut all: BTreeMap<(String, u64), Vec<Served>> = BTreeMap::new();
    for number in 0..table.groups() {
        let mut group = Group::read(&table, number)?;
        let requests = group.requests();
        let (status, by) = (group.texts("status"), group.texts("served_by"));
        let [lengths, drafted, accepted] =
            ["output_tokens", "drafted_tokens", "accepted_tokens"].map(|name| group.counts(name));
        let [e2e, ttft, tpot, correct] = ["e2e_ms", "ttft_ms", "tpot_ms", "correct"].map(|name| group.numbers(name));
        for (row, key) in requests.into_iter().enumerate().filter(|(row, _)| status[*row] == "completed") {
            let served = Served {
                request: key.3,
                output_tokens: u32::try_from(lengths[row]).unwrap_or(u32::MAX),
                e2e_ms: e2e[row],
                ttft_ms: ttft[row],
                tpot_ms: (lengths[row] > 1).then_some(tpot[row]),
                drafted: drafted[row],
                accepted: accepted[row],
                correct: correct[row],
                by_cloud: by[row] == "cloud",
            };
            all.entry((key.0, key.1)).or_default().push(served);
        }
    }
    Ok(all)
}

/// A policy at a point: the same requests, measured and simulated.
pub struct Comparison {
    pub policy: String,
    dataset: String,
    bandwidth_mbps: Option<f64>,
    requests: usize,
    /// Name, measured, simulated; none where it does not apply.
    figures: Vec<(&'static str, Option<f64>, Option<f64>)>,
    /// Largest distance between the two distributions of E2E.
    ks: f64,
}

/// The share below which so many of ascending values lie.
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let rank = (p * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Kolmogorov and Smirnov's distance of two ascending samples.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let share = |values: &[f64], at: f64| values.partition_point(|value| *value <= at) as f64 / values.len() as f64;
    a.iter().chain(b).map(|at| (share(a, *at) - share(b, *at)).abs()).fold(0.0, f64::max)
}

fn sorted(served: &[Served]) -> Vec<f64> {
    let mut all: Vec<f64> = served.iter().map(|one| one.e2e_ms).collect();
    all.sort_by(f64::total_cmp);
    all
}

/// The figures of a half, in the order of their names.
const NAMES: [&str; 9] = [
    "e2e_ms_mean",
    "e2e_ms_p50",
    "e2e_ms_p90",
    "e2e_ms_p99",
    "ttft_ms_mean",
    "tpot_ms_mean",
    "output_tokens_per_s_per_request",
    "acceptance_rate",
    "accuracy_pct",
];

fn figures(served: &[Served]) -> [Option<f64>; 9] {
    if served.is_empty() {
        return [None; 9];
    }
    let e2e = sorted(served);
    let total = |of: &dyn Fn(&Served) -> f64| served.iter().map(of).sum::<f64>();
    let drafted = total(&|one| one.drafted as f64);
    let of = |of: &dyn Fn(&Served) -> Option<f64>| mean(&served.iter().filter_map(of).collect::<Vec<_>>());
    [
        mean(&e2e),
        Some(quantile(&e2e, 0.5)),
        Some(quantile(&e2e, 0.9)),
        Some(quantile(&e2e, 0.99)),
        of(&|one| Some(one.ttft_ms)),
        of(&|one| one.tpot_ms),
        Some(1e3 * total(&|one| f64::from(one.output_tokens)) / total(&|one| one.e2e_ms)),
        (drafted > 0.0).then(|| total(&|one| one.accepted as f64) / drafted),
        of(&|one| Some(100.0 * one.correct)),
    ]
}

impl Comparison {
    pub fn new(point: &Point, cell: &Cell, measured: Vec<Served>, simulated: Vec<Served>) -> Self {
        let both = figures(&measured).into_iter().zip(figures(&simulated));
        let apart = !measured.is_empty() && !simulated.is_empty();
        Self {
            policy: cell.policy.clone(),
            dataset: point.place.dataset.clone(),
            bandwidth_mbps: point.place.bandwidth_mbps,
            requests: measured.len(),
            figures: NAMES.into_iter().zip(both).map(|(name, (a, b))| (name, a, b)).collect(),
            ks: if apart { distance(&sorted(&measured), &sorted(&simulated)) } else { 1.0 },
        }
    }

    /// The larger error of mean and median of E2E, in per cent.
    pub fn worst_pct(&self) -> f64 {
        self.figures[..2].iter().filter_map(error_pct).map(f64::abs).fold(0.0, f64::max)
    }
}

/// 100 (simulated / measured - 1).
fn error_pct((_, measured, simulated): &(&'static str, Option<f64>, Option<f64>)) -> Option<f64> {
    let (measured, simulated) = (measured.filter(|value| *value > 0.0)?, (*simulated)?);
    Some(100.0 * (simulated / measured - 1.0))
}

/// One table: a row for each policy, point and figure.
pub fn text(compared: &[Comparison]) -> String {
    let mut rows =
        vec![["policy", "dataset", "Mbps", "figure", "measured", "simulated", "error"].map(str::to_owned).to_vec()];
    for one in compared {
        let place = |first: bool, text: &str| if first { text.to_owned() } else { String::new() };
        let mbps = one.bandwidth_mbps.map_or_else(String::new, |mbps| mbps.to_string());
        for (at, figure) in one.figures.iter().filter(|figure| figure.1.is_some() || figure.2.is_some()).enumerate() {
            let told = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
            let error = error_pct(figure).map_or_else(|| "-".to_owned(), |error| format!("{error:+.1} %"));
            let start = [place(at == 0, &one.policy), place(at == 0, &one.dataset), place(at == 0, &mbps)];
            let rest = [figure.0.to_owned(), told(figure.1), told(figure.2), error];
            rows.push(start.into_iter().chain(rest).collect());
        }
        let blank = String::new;
        rows.push(vec![
            blank(),
            blank(),
            blank(),
            "e2e_ms KS distance".to_owned(),
            blank(),
            blank(),
            format!("{:.3}", one.ks),
        ]);
    }
    let requests = compared.iter().map(|one| one.requests).max().unwrap_or(0);
    let note = "Answers have the lengths that they had; MAS is drawn, not measured.";
    format!(
        "{}\nHeld out: {requests} requests of each policy, with all repeats. {note}\n",
        crate::calibrate::report::aligned(&rows)
    )
}

/// The same as CSV.
pub fn csv(compared: &[Comparison]) -> String {
    let mut text = "policy,dataset,bandwidth_mbps,figure,measured,simulated,error_pct\n".to_owned();
    let told = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for one in compared {
        let start = format!("{},{},{}", one.policy, one.dataset, told(one.bandwidth_mbps));
        for figure in &one.figures {
            let error = told(error_pct(figure));
            text += &format!("{start},{},{},{},{error}\n", figure.0, told(figure.1), told(figure.2));
        }
        text += &format!("{start},e2e_ks_distance,,,{}\n", one.ks);
    }
    text
}

/// The same as one JSON object.
pub fn json(compared: &[Comparison]) -> String {
    let one = |one: &Comparison| {
        let figures = one.figures.iter().map(|figure| {
            (
                figure.0.to_owned(),
                json!({ "measured": figure.1, "simulated": figure.2, "error_pct": error_pct(figure) }),
            )
        });
        json!({
            "policy": one.policy,
            "dataset": one.dataset,
            "bandwidth_mbps": one.bandwidth_mbps,
            "requests": one.requests,
            "e2e_ks_distance": one.ks,
            "figures": figures.collect::<serde_json::Map<_, _>>(),
        })
    };
    let all: Vec<_> = compared.iter().map(one).collect();
    serde_json::to_string_pretty(
        &json!({ "held_out": "half of the requests, by a hash of their number", "comparisons": all }),
    )
    .expect("JSON")
        + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_by_hand() {
        assert_eq!(distance(&[1.0, 2.0], &[1.0, 2.0]), 0.0);
        assert_eq!(distance(&[1.0, 2.0], &[3.0, 4.0]), 1.0);
        // At 2: all of the first, half of the second.
        assert_eq!(distance(&[1.0, 2.0], &[1.0, 3.0]), 0.5);
    }

    #[test]
    fn quantiles_by_hand() {
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!([0.0, 0.5, 0.75, 0.99].map(|p| quantile(&values, p)), [1.0, 2.0, 3.0, 4.0]);
    }
}
