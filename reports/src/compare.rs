//! Policies against one of them, at each point: differences under common random numbers.
//!
//! All policies of a point answer the same requests with the same draws, so replication `r` of one and of another are a pair.
//! The figure is `(a - b) / b` of each pair, as its mean with a 95 % interval: what the two share cancels, and a difference
//! shows that two intervals side by side would hide.

use crate::estimate::{Estimate, mean};
use crate::frame::ReportError;
use crate::json::Document;
use crate::numbers::{interval, per_cent, short};
use crate::runs::{Cell, PointValues, Runs};
use crate::sheet::Sheet;
use std::fmt::Write;
use std::path::Path;
use tables::{DifferenceRow, Metric, csv_text};

/// Sentences that are printed below the table; beyond, nobody reads them.
const SENTENCES: usize = 24;

/// Every difference from the reference.
#[derive(Clone, Debug)]
pub struct Comparison {
    keys: Vec<String>,
    /// The policy that the others are compared with.
    pub reference: String,
    /// A line for each point, metric and policy other than the reference.
    pub lines: Vec<Line>,
}

/// A policy against the reference, in one metric at one point.
#[derive(Clone, Debug)]
pub struct Line {
    values: Vec<String>,
    place: String,
    /// The policy.
    pub policy: String,
    /// The metric.
    pub metric: Metric,
    /// Its mean, and the mean of the reference; none where it does not apply.
    pub means: [Option<f64>; 2],
    /// The relative difference.
    pub difference: Difference,
}

/// A relative difference, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub enum Difference {
    /// As a share of the reference, over so many pairs.
    Relative(Estimate, usize),
    /// There is none, because.
    None(&'static str),
}

/// Compares every policy with `reference` (the first of the scenario if none) in these metrics.
///
/// # Errors
///
/// If there is no such metric or policy, or nothing to compare with; the nearest known name is given.
pub fn compare(runs: &Runs, metrics: &[String], reference: Option<&str>) -> Result<Comparison, ReportError> {
    let policies = runs.policies();
    let Some(first) = policies.first() else {
        return Err(ReportError::Refused(format!("{}: every point failed: nothing to compare", runs.path.display())));
    };
    let reference = reference.unwrap_or(first);
    runs.policy(reference)?;
    if policies.len() < 2 {
        let what =
            format!("{}: {reference} is the only policy; give the scenario another to compare", runs.path.display());
        return Err(ReportError::Refused(what));
    }
    let metrics =
        metrics.iter().map(|name| Metric::named(name).map_err(ReportError::Refused)).collect::<Result<Vec<_>, _>>()?;
    let mut lines = Vec::new();
    for point in runs.cells.chunk_by(|a, b| a.point == b.point) {
        let base = point.iter().find(|cell| cell.policy == reference);
        for cell in point.iter().filter(|cell| cell.policy != reference && !cell.policy.is_empty()) {
            for metric in &metrics {
                let [now, base_values] = [Some(cell), base].map(|cell| runs.metric(*metric).all_of(cell?));
                let mean = |values: &Option<Vec<f64>>| values.as_deref().map(mean);
                lines.push(Line {
                    values: cell.values.clone(),
                    place: runs.place(cell),
                    policy: cell.policy.clone(),
                    metric: *metric,
                    means: [mean(&now), mean(&base_values)],
                    difference: difference(runs, [Some(cell), base], [now, base_values]),
                });
            }
        }
    }
    Ok(Comparison { keys: runs.keys.clone(), reference: reference.to_owned(), lines })
}

fn difference(runs: &Runs, cells: [Option<&Cell>; 2], values: [Option<Vec<f64>>; 2]) -> Difference {
    let [Some(cell), Some(base)] = cells else { return Difference::None("the reference has no run there") };
    if [cell, base].iter().any(|cell| runs.failures(cell).next().is_some()) {
        return Difference::None("a run failed");
    }
    let [Some(now), Some(then)] = values else { return Difference::None("it does not apply to both") };
    if runs.seeds(cell) != runs.seeds(base) {
        return Difference::None("the seeds differ: these are no pairs");
    }
    if then.contains(&0.0) {
        return Difference::None("the reference is 0");
    }
    let relative: Vec<f64> = now.iter().zip(&then).map(|(a, b)| (a - b) / b.abs()).collect();
    Difference::Relative(Estimate::of(&relative), relative.len())
}

impl Line {
    /// True if the interval excludes zero; `None` for a single pair, which has no interval.
    pub fn is_seen(&self) -> Option<bool> {
        match self.difference {
            Difference::Relative(Estimate { mean, ci95 }, _) => ci95.map(|half| mean.abs() > half),
            Difference::None(_) => None,
        }
    }

    /// `msao is 12.1 % ± 0.4 % slower than edge_only (e2e_ms_mean, paired, 3 replications)`.
    pub fn sentence(&self, reference: &str) -> String {
        let Self { policy, metric, .. } = self;
        let (estimate, pairs) = match &self.difference {
            Difference::Relative(estimate, pairs) => (estimate, *pairs),
            Difference::None(why) => {
                return format!("{policy} against {reference}: no relative difference, {why} ({metric})");
            }
        };
        let share = |share| per_cent(share, false);
        let Some(half) = estimate.ci95 else {
            let basis = format!("({metric}, paired, 1 replication: no interval)");
            return match words(*metric, estimate.mean) {
                Some(word) => format!("{policy} is {} {word} than {reference} {basis}", share(estimate.mean.abs())),
                None => format!("{policy} is as {reference} {basis}"),
            };
        };
        let basis = format!("{metric}, paired, {pairs} replications");
        match words(*metric, estimate.mean).filter(|_| self.is_seen() == Some(true)) {
            Some(word) => {
                let by = interval(estimate.mean.abs(), Some(half), false);
                format!("{policy} is {by} {word} than {reference} ({basis})")
            }
            None => {
                let seen = format!("({}; {basis})", interval(estimate.mean, Some(half), false));
                format!("no difference seen between {policy} and {reference} {seen}")
            }
        }
    }
}

/// The word for a policy with more of a metric, or with less; `None` for as much.
fn words(metric: Metric, difference: f64) -> Option<&'static str> {
    let [less, more] = metric.doc().words;
    if difference == 0.0 { None } else { Some(if difference > 0.0 { more } else { less }) }
}

impl Comparison {
    /// The table, and below it a sentence for each of its lines, if they are few.
    pub fn text(&self) -> String {
        let mut text = self.sheet().text();
        let many = self.lines.len() > SENTENCES;
        let points = self.lines.chunk_by(|a, b| a.place == b.place).count() > 1;
        for line in self.lines.iter().filter(|_| !many) {
            let place = if points { format!("{}: ", line.place) } else { String::new() };
            write!(text, "\n{place}{}", line.sentence(&self.reference)).expect("memory");
        }
        if many { text } else { text + "\n" }
    }

    fn sheet(&self) -> Sheet {
        let columns = [
            DifferenceRow::policy.name,
            DifferenceRow::metric.name,
            DifferenceRow::mean.name,
            self.reference.as_str(),
            DifferenceRow::difference.name,
        ];
        let mut sheet = Sheet::new(self.keys.iter().map(String::as_str).chain(columns));
        for line in &self.lines {
            sheet.row(line.values.iter().cloned().chain(shown_figures(line)));
        }
        sheet
    }

    /// The same lines as CSV, with all digits; shares, not per cent.
    pub fn csv(&self) -> String {
        csv_text(self.rows(), &self.keys[2..])
    }

    /// The same lines as a JSON document about the results of a folder.
    ///
    /// # Errors
    ///
    /// If the folder has no manifest that can be read.
    pub fn json(&self, folder: &Path) -> Result<String, ReportError> {
        let members = vec![("reference", self.reference.as_str().into())];
        Ok(Document::of(folder, members, self.rows(), &self.keys[2..])?.text())
    }

    fn rows(&self) -> impl Iterator<Item = DifferenceRow> {
        self.lines.iter().map(|line| {
            let PointValues { dataset, bandwidth_mbps, varied } =
                PointValues::of(line.values.iter().map(String::as_str));
            let (estimate, pairs) = match &line.difference {
                Difference::Relative(estimate, pairs) => (Some(*estimate), Some(*pairs as u64)),
                Difference::None(_) => (None, None),
            };
            let [mean, mean_reference] = line.means;
            DifferenceRow {
                dataset,
                bandwidth_mbps,
                varied,
                policy: line.policy.as_str().into(),
                reference: self.reference.as_str().into(),
                metric: line.metric.column().into(),
                mean,
                mean_reference,
                difference: estimate.map(|estimate| estimate.mean),
                difference_ci95: estimate.and_then(|estimate| estimate.ci95),
                replications: pairs,
            }
        })
    }
}

fn shown_figures(line: &Line) -> Vec<String> {
    let [mean, reference] = line.means.map(|mean| mean.map_or("-".to_owned(), |mean| short(mean, 5)));
    let difference = match &line.difference {
        Difference::Relative(Estimate { mean, ci95 }, _) => interval(*mean, *ci95, true),
        Difference::None(_) => "-".to_owned(),
    };
    vec![line.policy.clone(), line.metric.to_string(), mean, reference, difference]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, Cell as Made};

    const E2E: &str = "e2e_ms_mean";

    fn compared(cells: &[Made], to: Option<&str>) -> Comparison {
        compare(&fixture::runs(cells), &[E2E.to_owned()], to).unwrap()
    }

    #[test]
    fn pairs_against_a_computation_by_hand() {
        let cells = [
            Made::new("edge_only", "1", &[(E2E, &[100.0, 200.0, 400.0])]),
            Made::new("msao", "1", &[(E2E, &[112.0, 224.0, 452.0])]),
        ];
        let comparison = compared(&cells, None);
        // 0.12, 0.12, 0.13: mean 0.123333, deviation 0.0057735, half-width 4.302653 * 0.0057735 / sqrt(3).
        let Difference::Relative(estimate, 3) = comparison.lines[0].difference else { panic!("{comparison:?}") };
        assert!((estimate.mean - 0.123_333_333).abs() < 1e-8);
        assert!((estimate.ci95.unwrap() - 0.014_342_176).abs() < 1e-8, "{estimate:?}");
        let sentence = "msao is 12.3 % ± 1.4 % slower than edge_only (e2e_ms_mean, paired, 3 replications)";
        assert!(comparison.text().ends_with(&format!("\n\n{sentence}\n")), "{}", comparison.text());
        let other = compared(&cells, Some("msao")).lines[0].sentence("msao");
        assert!(other.starts_with("edge_only is 11.0 % ± 1.1 % faster than msao"), "{other}");
    }

    #[test]
    fn what_noise_explains_is_no_difference() {
        let cells = [
            Made::new("edge_only", "1", &[(E2E, &[100.0, 100.0, 100.0])]),
            Made::new("msao", "1", &[(E2E, &[90.0, 112.0, 101.0])]),
            Made::new("twin", "1", &[(E2E, &[100.0, 100.0, 100.0])]),
        ];
        let said: Vec<String> = compared(&cells, None).lines.iter().map(|line| line.sentence("edge_only")).collect();
        let basis = "e2e_ms_mean, paired, 3 replications";
        assert_eq!(said[0], format!("no difference seen between msao and edge_only (1 % ± 27 %; {basis})"));
        assert_eq!(said[1], format!("no difference seen between twin and edge_only (0.00 % ± 0.00 %; {basis})"));
    }

    #[test]
    fn where_there_is_no_difference_it_says_why() {
        let cell = |policy, values: &[f64]| Made::new(policy, "1", &[(E2E, values)]);
        let why = |cells: &[Made]| compared(cells, None).lines[0].sentence("a");
        assert!(why(&[cell("a", &[0.0, 1.0]), cell("b", &[1.0, 1.0])]).contains("the reference is 0"));
        let mut failed = cell("b", &[1.0, 1.0]);
        failed.failed = "broken";
        assert!(why(&[cell("a", &[1.0, 1.0]), failed]).contains("a run failed"));
        let mut other = cell("b", &[1.0, 1.0]);
        other.seed = 9;
        assert!(why(&[cell("a", &[1.0, 1.0]), other]).contains("no pairs"));
        assert!(
            why(&[cell("a", &[1.0, 1.0]), Made::new("b", "1", &[("makespan_s", &[1.0, 1.0])])])
                .contains("does not apply")
        );
        assert_eq!(
            why(&[cell("a", &[2.0]), cell("b", &[3.0])]),
            "b is 50 % slower than a (e2e_ms_mean, paired, 1 replication: no interval)"
        );
    }

    #[test]
    fn unknown_names_are_refused_with_the_nearest() {
        let runs =
            fixture::runs(&[Made::new("msao", "1", &[(E2E, &[1.0])]), Made::new("edge_only", "1", &[(E2E, &[1.0])])]);
        let refused = |metric: &str, to| compare(&runs, &[metric.to_owned()], to).map(drop).unwrap_err().to_string();
        assert_eq!(refused("e2e_mean", None), "no metric e2e_mean; did you mean e2e_ms_mean?");
        assert_eq!(refused(E2E, Some("msoa")), "no policy msoa; did you mean msao?");
        let alone = fixture::runs(&[Made::new("msao", "1", &[(E2E, &[1.0])])]);
        assert!(compare(&alone, &[], None).unwrap_err().to_string().contains("msao is the only policy"));
    }

    #[test]
    fn csv_has_all_digits() {
        let cells = [Made::new("a", "1", &[(E2E, &[3.0, 3.0])]), Made::new("b", "1", &[(E2E, &[4.0, 4.0])])];
        let csv = compared(&cells, None).csv();
        let expected = "dataset,bandwidth_mbps,policy.msao.tau_s,policy,reference,metric,mean,mean_reference,difference,\
                        difference_ci95,replications\nvqav2,400,1,b,a,e2e_ms_mean,4,3,0.3333333333333333,0,2\n";
        assert_eq!(csv, expected);
    }
}
