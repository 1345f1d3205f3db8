//! Policies against one of them, at each point: differences under common random numbers.
//!
//! All policies of a point answer the same requests with the same draws, so replication `r` of one and of another are a pair.
//! The figure is `(a - b) / b` of each pair, as its mean with a 95 % interval: what the two share cancels, and a difference
//! shows that two intervals side by side would hide.

use crate::estimate::{Estimate, mean};
use crate::frame::ReportError;
use crate::json::Document;
use crate::numbers::{interval, short};
use crate::runs::{Cell, PointValues, Runs};
use crate::sheet::Sheet;
use std::collections::BTreeSet;
use std::path::Path;
use tables::{DifferenceRow, Metric, csv_text};

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
    /// The policy.
    pub policy: String,
    /// The policy that it is compared with.
    pub reference: String,
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
    let Some(first) = policies.first() else { return Err(nothing_ran(runs)) };
    let reference = reference.unwrap_or(first);
    runs.policy(reference)?;
    if policies.len() < 2 {
        let what =
            format!("{}: {reference} is the only policy; give the scenario another to compare", runs.path.display());
        return Err(ReportError::Refused(what));
    }
    let metrics = named(metrics)?;
    let mut lines = Vec::new();
    for point in runs.cells.chunk_by(|a, b| a.point == b.point) {
        let base = point.iter().find(|cell| cell.policy == reference).map(|cell| (runs, cell));
        for cell in point.iter().filter(|cell| cell.policy != reference && !cell.policy.is_empty()) {
            let label = (cell.policy.clone(), reference.to_owned());
            lines.extend(metrics.iter().map(|metric| line(*metric, (runs, cell), base, label.clone())));
        }
    }
    Ok(Comparison { keys: runs.keys.clone(), reference: reference.to_owned(), lines })
}

/// Compares every policy of each further folder with the same policy of the first, or with `reference` of the first, at points
/// with the same values.
///
/// # Errors
///
/// If there is no such metric or policy, or the folders vary different keys.
pub fn compare_folders(
    folders: &[(String, Runs)],
    metrics: &[String],
    reference: Option<&str>,
) -> Result<Comparison, ReportError> {
    let [(base_name, base), others @ ..] = folders else {
        return Err(ReportError::refused("expected two folders or more to compare"));
    };
    base.policies().first().ok_or_else(|| nothing_ran(base))?;
    reference.map_or(Ok(()), |reference| base.policy(reference))?;
    let metrics = named(metrics)?;
    let mut lines = Vec::new();
    for (name, runs) in others {
        if runs.keys != base.keys {
            let [ours, theirs] = [&base.keys, &runs.keys].map(|keys| keys.join(", "));
            let what = format!("{name} has points of {theirs}, {base_name} of {ours}; expected the same keys");
            return Err(ReportError::Refused(what));
        }
        for cell in runs.cells.iter().filter(|cell| !cell.policy.is_empty()) {
            let wanted = reference.unwrap_or(&cell.policy);
            let same = |other: &&Cell| other.policy == wanted && other.values == cell.values;
            let base_cell = base.cells.iter().find(same).map(|cell| (base, cell));
            let labels = (format!("{name}:{}", cell.policy), format!("{base_name}:{wanted}"));
            lines.extend(metrics.iter().map(|metric| line(*metric, (runs, cell), base_cell, labels.clone())));
        }
    }
    let reference = reference.map_or_else(|| base_name.clone(), |reference| format!("{base_name}:{reference}"));
    Ok(Comparison { keys: base.keys.clone(), reference, lines })
}

fn nothing_ran(runs: &Runs) -> ReportError {
    ReportError::Refused(format!("{}: every point failed: nothing to compare", runs.path.display()))
}

fn named(metrics: &[String]) -> Result<Vec<Metric>, ReportError> {
    metrics.iter().map(|name| Metric::named(name).map_err(ReportError::Refused)).collect()
}

/// A cell of a folder.
type Place<'r> = (&'r Runs, &'r Cell);

fn line(metric: Metric, cell: Place<'_>, base: Option<Place<'_>>, (policy, reference): (String, String)) -> Line {
    let [now, base_values] = [Some(cell), base].map(|place| {
        let (runs, cell) = place?;
        runs.metric(metric).all_of(cell)
    });
    let mean = |values: &Option<Vec<f64>>| values.as_deref().map(mean);
    Line {
        values: cell.1.values.clone(),
        policy,
        reference,
        metric,
        means: [mean(&now), mean(&base_values)],
        difference: difference(cell, base, [now, base_values]),
    }
}

fn difference(cell: Place<'_>, base: Option<Place<'_>>, values: [Option<Vec<f64>>; 2]) -> Difference {
    let Some(base) = base else { return Difference::None("the reference has no run there") };
    if [cell, base].iter().any(|(runs, cell)| runs.failures(cell).next().is_some()) {
        return Difference::None("a run failed");
    }
    let [Some(now), Some(then)] = values else { return Difference::None("it does not apply to both") };
    if cell.0.seeds(cell.1) != base.0.seeds(base.1) {
        return Difference::None("the seeds differ: these are no pairs");
    }
    if then.contains(&0.0) {
        return Difference::None("the reference is 0");
    }
    let relative: Vec<f64> = now.iter().zip(&then).map(|(a, b)| (a - b) / b.abs()).collect();
    Difference::Relative(Estimate::of(&relative), relative.len())
}

impl Difference {
    /// The pairs that it was found over; none where there is no difference.
    fn pairs(&self) -> Option<usize> {
        match self {
            Self::Relative(_, pairs) => Some(*pairs),
            Self::None(_) => None,
        }
    }
}

impl Line {
    /// True if the interval excludes zero; `None` for a single pair, which has no interval.
    pub fn is_seen(&self) -> Option<bool> {
        match self.difference {
            Difference::Relative(Estimate { mean, ci95 }, _) => ci95.map(|half| mean.abs() > half),
            Difference::None(_) => None,
        }
    }

    /// The finding in a word or two: `slower`, `no difference seen`, or why there is none.
    pub fn verdict(&self) -> &'static str {
        let estimate = match &self.difference {
            Difference::Relative(estimate, _) => estimate,
            Difference::None(why) => return why,
        };
        match (words(self.metric, estimate.mean), self.is_seen()) {
            (None, _) => "no difference",
            (Some(_), Some(false)) => "no difference seen",
            (Some(word), _) => word,
        }
    }
}

/// The word for a policy with more of a metric, or with less; `None` for as much.
fn words(metric: Metric, difference: f64) -> Option<&'static str> {
    let [less, more] = metric.doc().words;
    if difference == 0.0 { None } else { Some(if difference > 0.0 { more } else { less }) }
}

impl Comparison {
    /// The table, and below it how the differences were found.
    pub fn text(&self) -> String {
        format!("{}\n{}\n", self.sheet().text(), self.basis())
    }

    /// The way in which the differences were found, in a sentence.
    fn basis(&self) -> String {
        let pairs: BTreeSet<usize> = self.lines.iter().filter_map(|line| line.difference.pairs()).collect();
        let [Some(fewest), Some(most)] = [pairs.first(), pairs.last()] else {
            return format!("Against {}; nothing could be compared.", self.reference);
        };
        let number = if fewest == most { most.to_string() } else { format!("{fewest} to {most}") };
        match most {
            1 => format!("Against {}, paired, 1 replication: no interval.", self.reference),
            _ => format!("Against {}, paired, {number} replications, with 95 % intervals.", self.reference),
        }
    }

    fn sheet(&self) -> Sheet {
        // Keys that say the same in every line were said by the scenario.
        let tells = |key: &usize| self.lines.iter().any(|line| line.values[*key] != self.lines[0].values[*key]);
        let keys: Vec<usize> = (0..self.keys.len()).filter(tells).collect();
        let columns = [
            DifferenceRow::policy.name,
            DifferenceRow::metric.name,
            DifferenceRow::mean.name,
            self.reference.as_str(),
            DifferenceRow::difference.name,
            "verdict",
        ];
        let mut sheet = Sheet::new(keys.iter().map(|key| self.keys[*key].as_str()).chain(columns));
        for line in &self.lines {
            sheet.row(keys.iter().map(|key| line.values[*key].clone()).chain(shown_figures(line)));
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
                reference: line.reference.as_str().into(),
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
    vec![line.policy.clone(), line.metric.to_string(), mean, reference, difference, line.verdict().to_owned()]
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
        let text = comparison.text();
        assert!(text.contains("+12.3 % ± 1.4 %  slower\n"), "{text}");
        assert!(text.ends_with("\n\nAgainst edge_only, paired, 3 replications, with 95 % intervals.\n"), "{text}");
        assert_eq!(text.matches("12.3").count(), 1, "a figure is said twice: {text}");
        let other = &compared(&cells, Some("msao")).lines[0];
        assert_eq!((other.policy.as_str(), other.verdict()), ("edge_only", "faster"));
    }

    #[test]
    fn what_noise_explains_is_no_difference() {
        let cells = [
            Made::new("edge_only", "1", &[(E2E, &[100.0, 100.0, 100.0])]),
            Made::new("msao", "1", &[(E2E, &[90.0, 112.0, 101.0])]),
            Made::new("twin", "1", &[(E2E, &[100.0, 100.0, 100.0])]),
        ];
        let verdicts: Vec<&str> = compared(&cells, None).lines.iter().map(Line::verdict).collect();
        assert_eq!(verdicts, ["no difference seen", "no difference"]);
    }

    #[test]
    fn where_there_is_no_difference_it_says_why() {
        let cell = |policy, values: &[f64]| Made::new(policy, "1", &[(E2E, values)]);
        let why = |cells: &[Made]| compared(cells, None).lines[0].verdict();
        assert_eq!(why(&[cell("a", &[0.0, 1.0]), cell("b", &[1.0, 1.0])]), "the reference is 0");
        let mut failed = cell("b", &[1.0, 1.0]);
        failed.failed = "broken";
        assert_eq!(why(&[cell("a", &[1.0, 1.0]), failed]), "a run failed");
        let mut other = cell("b", &[1.0, 1.0]);
        other.seed = 9;
        assert!(why(&[cell("a", &[1.0, 1.0]), other]).contains("no pairs"));
        let without = Made::new("b", "1", &[("makespan_s", &[1.0, 1.0])]);
        assert!(why(&[cell("a", &[1.0, 1.0]), without]).contains("does not apply"));
        let alone = compared(&[cell("a", &[2.0]), cell("b", &[3.0])], None);
        assert_eq!(alone.lines[0].verdict(), "slower");
        assert!(alone.text().ends_with("\nAgainst a, paired, 1 replication: no interval.\n"), "{}", alone.text());
    }

    #[test]
    fn folders_are_compared_policy_by_policy_at_equal_points() {
        let cells = |e2e: f64| {
            let cell = |policy, tau, times: f64| Made::new(policy, tau, &[(E2E, &[times * e2e, times * e2e])]);
            [cell("edge_only", "1", 1.0), cell("msao", "1", 2.0)]
        };
        let named = |name: &str, e2e| (name.to_owned(), fixture::runs(&cells(e2e)));
        let folders = [named("a", 100.0), named("b", 110.0), named("c", 50.0)];
        let comparison = compare_folders(&folders, &[E2E.to_owned()], None).unwrap();
        let told: Vec<_> = comparison
            .lines
            .iter()
            .map(|line| (line.policy.as_str(), line.reference.as_str(), line.verdict()))
            .collect();
        let expected = [
            ("b:edge_only", "a:edge_only", "slower"),
            ("b:msao", "a:msao", "slower"),
            ("c:edge_only", "a:edge_only", "faster"),
            ("c:msao", "a:msao", "faster"),
        ];
        assert_eq!(told, expected);
        let to = compare_folders(&folders, &[E2E.to_owned()], Some("msao")).unwrap();
        assert_eq!((to.reference.as_str(), to.lines[0].verdict()), ("a:msao", "faster"));
        let other = [
            named("a", 1.0),
            ("d".to_owned(), fixture::runs(&cells(1.0).map(|cell| cell.at(&[("link.rtt", "5 ms")])))),
        ];
        let refusal = compare_folders(&other, &[E2E.to_owned()], None).map(drop).unwrap_err().to_string();
        assert!(refusal.ends_with("expected the same keys"), "{refusal}");
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
