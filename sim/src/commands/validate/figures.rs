//! The comparison: requests as measured and as simulated, and the figures of both.

use super::coverage::Coverage;
use crate::run::answered::{Answered, Served};
use crate::scenario::{Cell, Point};
use crate::terminal::Failure;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tables::{Author, Metric, RequestRow, Status, TableReader, ValidationRow, csv_text};
use units::quantile;

/// The requests of a results folder, by policy and point.
pub fn read(folder: &Path) -> Result<BTreeMap<(String, u64), Answered>, Failure> {
    let table = TableReader::<RequestRow>::open(&folder.join("requests.parquet"))?;
    let mut all: BTreeMap<(String, u64), Answered> = BTreeMap::new();
    for group in 0..table.groups() {
        for row in table.group(group)? {
            let answered = all.entry((row.policy.to_string(), u64::from(row.point))).or_default();
            if row.warm_up {
                answered.warm_up.insert(row.request);
            }
            if row.status != Status::Completed {
                continue;
            }
            answered.served.push(Served {
                request: row.request,
                output_tokens: row.output_tokens,
                e2e_ms: row.e2e_ms,
                ttft_ms: row.ttft_ms,
                tpot_ms: row.tpot_ms,
                rounds: u64::from(row.rounds),
                drafted: u64::from(row.drafted_tokens),
                accepted: u64::from(row.accepted_tokens),
                correct: row.correct,
                by_cloud: row.served_by == Author::Cloud,
            });
        }
    }
    Ok(all)
}

/// The result of a validation.
#[derive(Default)]
pub struct Validation {
    /// The compared requests, in words.
    pub held_out: String,
    /// The inputs that were given, not predicted.
    pub note: &'static str,
    /// Each policy at each point.
    pub comparisons: Vec<Comparison>,
}

/// A policy at a point: the same requests, measured and simulated.
#[derive(Default)]
pub struct Comparison {
    pub policy: String,
    dataset: String,
    bandwidth_mbps: Option<f64>,
    /// The requests that the figures are of.
    pub coverage: Coverage,
    figures: Vec<Figure>,
    /// Distances of the distributions of E2E, TTFT and TPOT.
    distances: [Option<Distance>; 3],
}

/// A figure of both; none where it does not apply.
struct Figure {
    name: String,
    measured: Option<f64>,
    simulated: Option<f64>,
}

impl Figure {
    /// 100 (simulated / measured - 1).
    fn error_pct(&self) -> Option<f64> {
        let (measured, simulated) = (self.measured.filter(|value| *value > 0.0)?, self.simulated?);
        Some(100.0 * (simulated / measured - 1.0))
    }
}

/// The distance of two samples of a latency.
struct Distance {
    /// Largest distance of the two distributions (Kolmogorov and Smirnov).
    ks: f64,
    /// Median error of a request, in per cent, whichever way; repeats of a request count as their mean.
    request_pct: f64,
}

/// A figure of all requests together.
type OfAll = fn(&[Served]) -> Option<f64>;

/// The latencies that are compared.
type Latency = fn(&Served) -> Option<f64>;
const LATENCIES: [(&str, Latency); 3] = [
    (RequestRow::e2e_ms.name, |one| one.e2e_ms),
    (RequestRow::ttft_ms.name, |one| one.ttft_ms),
    (RequestRow::tpot_ms.name, |one| one.tpot_ms),
];

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Kolmogorov and Smirnov's distance of two ascending samples.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let share = |values: &[f64], at: f64| values.partition_point(|value| *value <= at) as f64 / values.len() as f64;
    a.iter().chain(b).map(|at| (share(a, *at) - share(b, *at)).abs()).fold(0.0, f64::max)
}

/// A latency of the requests that have it on both sides, ascending.
fn sorted(served: &[Served], other: &[Served], of: Latency) -> Vec<f64> {
    let other: BTreeSet<u64> = other.iter().filter(|one| of(one).is_some()).map(|one| one.request).collect();
    let mut all: Vec<f64> = served.iter().filter(|one| other.contains(&one.request)).filter_map(of).collect();
    all.sort_by(f64::total_cmp);
    all
}

/// Mean and quantiles of a latency.
fn of_latency(name: &str, measured: &[f64], simulated: &[f64]) -> [Figure; 4] {
    let at = |p: f64| move |sorted: &[f64]| quantile(sorted, p);
    let figure = |ending: &str, of: &dyn Fn(&[f64]) -> Option<f64>| Figure {
        name: format!("{name}_{ending}"),
        measured: of(measured),
        simulated: of(simulated),
    };
    [figure("mean", &mean), figure("p50", &at(0.5)), figure("p90", &at(0.9)), figure("p99", &at(0.99))]
}

fn tokens_per_s(served: &[Served]) -> Option<f64> {
    let timed = || served.iter().filter_map(|one| Some((one.output_tokens, one.e2e_ms?)));
    let (tokens, ms) = timed().fold((0.0, 0.0), |(tokens, ms), one| (tokens + f64::from(one.0), ms + one.1));
    (ms > 0.0).then(|| 1e3 * tokens / ms)
}

fn rounds(served: &[Served]) -> Option<f64> {
    let rounds: Vec<f64> = served.iter().map(|one| one.rounds as f64).collect();
    mean(&rounds).filter(|rounds| *rounds > 0.0)
}

fn acceptance(served: &[Served]) -> Option<f64> {
    let total = |of: fn(&Served) -> u64| served.iter().map(of).sum::<u64>() as f64;
    let drafted = total(|one| one.drafted);
    (drafted > 0.0).then(|| total(|one| one.accepted) / drafted)
}

fn accuracy_pct(served: &[Served]) -> Option<f64> {
    // A mean over some of the answers is none of all.
    mean(&served.iter().map(|one| Some(100.0 * one.correct?)).collect::<Option<Vec<_>>>()?)
}

/// The mean of a latency of each request.
fn by_request(served: &[Served], of: Latency) -> BTreeMap<u64, f64> {
    let mut sums: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
    for (request, ms) in served.iter().filter_map(|one| Some((one.request, of(one)?))) {
        let (sum, count) = sums.entry(request).or_default();
        *sum += ms;
        *count += 1.0;
    }
    sums.into_iter().map(|(request, (sum, count))| (request, sum / count)).collect()
}

impl Distance {
    /// The distance for a latency; `None` if one of the samples has none of it.
    fn of(measured: &[Served], simulated: &[Served], of: Latency) -> Option<Self> {
        let (a, b) = (sorted(measured, simulated, of), sorted(simulated, measured, of));
        let (each, other) = (by_request(measured, of), by_request(simulated, of));
        let off = |(request, ms): (&u64, &f64)| Some(100.0 * (other.get(request)? / ms - 1.0).abs());
        let mut off: Vec<f64> = each.iter().filter(|(_, ms)| **ms > 0.0).filter_map(off).collect();
        off.sort_by(f64::total_cmp);
        let request_pct = quantile(&off, 0.5)?;
        (!a.is_empty() && !b.is_empty()).then(|| Self { ks: distance(&a, &b), request_pct })
    }
}

impl Comparison {
    /// Compares the requests that were `asked`, as far as both sides have answered them.
    pub fn new(
        point: &Point,
        cell: &Cell,
        asked: usize,
        mut measured: Vec<Served>,
        mut simulated: Vec<Served>,
    ) -> Self {
        let longest = cell.spec.workload.max_output_tokens.unwrap_or(u32::MAX);
        let coverage = Coverage::of(asked, longest, &mut measured, &mut simulated);
        let latency = |(name, of): &(&str, Latency)| {
            of_latency(name, &sorted(&measured, &simulated, *of), &sorted(&simulated, &measured, *of))
        };
        let mut figures: Vec<Figure> = LATENCIES.iter().flat_map(latency).collect();
        let others: [(&str, OfAll); 4] = [
            (Metric::OwnOutputRate.column(), tokens_per_s),
            ("rounds_mean", rounds),
            (Metric::AcceptanceRate.column(), acceptance),
            (Metric::Accuracy.column(), accuracy_pct),
        ];
        figures.extend(others.map(|(name, of)| Figure {
            name: name.to_owned(),
            measured: of(&measured),
            simulated: of(&simulated),
        }));
        Self {
            policy: cell.policy.clone(),
            dataset: point.label.dataset.clone(),
            bandwidth_mbps: point.label.bandwidth_mbps,
            coverage,
            figures,
            distances: LATENCIES.map(|(_, of)| Distance::of(&measured, &simulated, of)),
        }
    }

    /// The larger error of mean and median of E2E, in per cent; none if one of them has no error.
    pub fn worst_pct(&self) -> Option<f64> {
        let errors: Option<Vec<f64>> = self.figures[..2].iter().map(Figure::error_pct).collect();
        errors?.into_iter().map(f64::abs).reduce(f64::max)
    }

    /// The policy and its place, and how many of its requests were compared.
    pub fn covered(&self) -> String {
        let mbps = self.bandwidth_mbps.map_or_else(String::new, |mbps| format!(", {mbps} Mbps"));
        format!("{} at {}{mbps}: {}", self.policy, self.dataset, self.coverage.text())
    }

    /// Latencies with how far the two are apart.
    fn apart(&self) -> impl Iterator<Item = (&'static str, &Distance)> {
        LATENCIES.iter().zip(&self.distances).filter_map(|((name, _), distance)| Some((*name, distance.as_ref()?)))
    }
}

/// One table: a row for each policy, point and figure.
pub fn text(validation: &Validation) -> String {
    let mut rows =
        vec![["policy", "dataset", "Mbps", "figure", "measured", "simulated", "error"].map(str::to_owned).to_vec()];
    let told = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
    for one in &validation.comparisons {
        let mbps = one.bandwidth_mbps.map_or_else(String::new, |mbps| mbps.to_string());
        let mut place = [one.policy.clone(), one.dataset.clone(), mbps];
        let mut row = |name: String, [measured, simulated, error]: [String; 3]| {
            let start = std::mem::take(&mut place);
            rows.push(start.into_iter().chain([name, measured, simulated, error]).collect());
        };
        // What only the simulation has says nothing.
        for figure in one.figures.iter().filter(|figure| figure.measured.is_some()) {
            let error = figure.error_pct().map_or_else(|| "-".to_owned(), |error| format!("{error:+.1} %"));
            row(figure.name.clone(), [told(figure.measured), told(figure.simulated), error]);
        }
        for (name, Distance { ks, request_pct }) in one.apart() {
            row(format!("{name} KS distance"), [String::new(), String::new(), format!("{ks:.3}")]);
            row(format!("{name} of a request, median"), [String::new(), String::new(), format!("{request_pct:.1} %")]);
        }
    }
    let requests = validation.comparisons.iter().map(|one| one.coverage.compared).max().unwrap_or(0);
    let Validation { held_out, note, comparisons } = validation;
    let table = crate::commands::calibrate::report::aligned(&rows);
    let parts = comparisons.iter().filter(|one| !one.coverage.is_whole()).map(|one| one.covered() + "\n");
    format!("{table}\nCompared: {requests}, {held_out}; {note}.\n{}", parts.collect::<String>())
}

/// The same as CSV.
pub fn csv(validation: &Validation) -> String {
    csv_text(validation.comparisons.iter().flat_map(rows), &[])
}

fn rows(one: &Comparison) -> Vec<ValidationRow> {
    let row = |figure: &str, [measured, simulated, error_pct]: [Option<f64>; 3]| ValidationRow {
        policy: one.policy.as_str().into(),
        dataset: one.dataset.as_str().into(),
        bandwidth_mbps: one.bandwidth_mbps,
        figure: figure.into(),
        measured,
        simulated,
        error_pct,
    };
    let figures =
        one.figures.iter().map(|figure| row(&figure.name, [figure.measured, figure.simulated, figure.error_pct()]));
    let distances = one.apart().flat_map(|(name, Distance { ks, request_pct })| {
        let ends = [("ks_distance", ks), ("of_a_request_p50", request_pct)];
        ends.map(|(end, distance)| row(&format!("{name}_{end}"), [None, None, Some(*distance)]))
    });
    figures.chain(distances).collect()
}

/// The same as one JSON object.
pub fn json(validation: &Validation) -> String {
    let figure = |figure: &Figure| {
        let Figure { name, measured, simulated } = figure;
        let error_pct = figure.error_pct();
        (name.clone(), json!({ "measured": measured, "simulated": simulated, "error_pct": error_pct }))
    };
    let one = |one: &Comparison| {
        let apart = one.apart().map(|(name, Distance { ks, request_pct })| {
            (name.to_owned(), json!({ "ks_distance": ks, "request_error_pct_p50": request_pct }))
        });
        json!({
            ValidationRow::policy.name: one.policy,
            ValidationRow::dataset.name: one.dataset,
            ValidationRow::bandwidth_mbps.name: one.bandwidth_mbps,
            "requests": one.coverage.asked,
            "compared": one.coverage.compared,
            "not_compared": one.coverage.left_out,
            "figures": one.figures.iter().map(figure).collect::<serde_json::Map<_, _>>(),
            "distances": apart.collect::<serde_json::Map<_, _>>(),
        })
    };
    let all: Vec<_> = validation.comparisons.iter().map(one).collect();
    let whole = json!({ "held_out": validation.held_out, "note": validation.note, "comparisons": all });
    serde_json::to_string_pretty(&whole).expect("JSON") + "\n"
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
    fn a_comma_in_a_label_is_quoted() {
        let figure = Figure { name: "e2e_ms_mean".to_owned(), measured: Some(2.0), simulated: Some(1.0) };
        let one = Comparison {
            policy: "msao, tuned".to_owned(),
            dataset: "my \"set\"".to_owned(),
            figures: vec![figure],
            ..Comparison::default()
        };
        let csv = csv(&Validation { comparisons: vec![one], ..Validation::default() });
        assert_eq!(csv.lines().nth(1), Some("\"msao, tuned\",\"my \"\"set\"\"\",,e2e_ms_mean,2,1,-50"));
    }
}
