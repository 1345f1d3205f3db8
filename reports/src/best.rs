//! The best points of a sweep, by one metric under constraints or by several at once (the Pareto front).
//!
//! A candidate is a policy at a point; its figures are means over replications. What failed, or what a metric in question
//! does not apply to, is no candidate, and is counted.

use crate::estimate::Estimate;
use crate::frame::ReportError;
use crate::json::Document;
use crate::numbers::short;
use crate::runs::{Cell, PointValues, Runs, Values};
use crate::sheet::Sheet;
use serde_json::json;
use std::cmp::Ordering;
use std::path::Path;
use std::str::FromStr;
use tables::{AskedEstimates, BestRow, Better, Metric, csv_text};

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
    metric: String,
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

    fn holds(&self, mean: f64) -> bool {
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
    fn order(&self, a: f64, b: f64) -> Ordering {
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

/// A policy at a point, with its figures.
#[derive(Clone, Debug)]
struct Candidate<'r> {
    cell: &'r Cell,
    /// The means of the objectives, then those of metrics with a constraint alone.
    figures: Vec<Estimate>,
}

/// The answer, the best first.
#[derive(Clone, Debug)]
pub struct Answer<'r> {
    runs: &'r Runs,
    metrics: Vec<String>,
    objectives: Vec<Objective>,
    found: Vec<Candidate<'r>>,
    /// Policies at points that were looked at.
    looked_at: usize,
    failed: usize,
    without: usize,
    outside: usize,
}

/// Finds the best points by one objective, or the Pareto front of several.
///
/// # Errors
///
/// If there is no such metric or policy; the nearest known name is given.
pub fn best<'r>(runs: &'r Runs, question: &Question) -> Result<Answer<'r>, ReportError> {
    let Question { objectives, constraints, policy } = question;
    if let Some(policy) = policy {
        runs.policy(policy)?;
    }
    let mut metrics: Vec<String> = objectives.iter().map(|objective| objective.metric.clone()).collect();
    for constraint in constraints.iter().filter(|constraint| !objectives.iter().any(|o| o.metric == constraint.metric))
    {
        if !metrics.contains(&constraint.metric) {
            metrics.push(constraint.metric.clone());
        }
    }
    let columns = metrics.iter().map(|name| runs.metric_named(name)).collect::<Result<Vec<_>, _>>()?;
    let objectives = objectives.clone();
    let mut answer =
        Answer { runs, metrics, objectives, found: Vec::new(), looked_at: 0, failed: 0, without: 0, outside: 0 };
    // A point that failed as a whole has no policy: it failed for each.
    let asked = |cell: &&Cell| cell.policy.is_empty() || policy.as_ref().is_none_or(|policy| *policy == cell.policy);
    for cell in runs.cells.iter().filter(asked) {
        answer.consider(cell, &columns, constraints);
    }
    answer.sort();
    if answer.objectives.len() > 1 {
        answer.keep_the_front();
    }
    Ok(answer)
}

impl<'r> Answer<'r> {
    fn consider(&mut self, cell: &'r Cell, columns: &[Values<'r>], constraints: &[Constraint]) {
        self.looked_at += 1;
        if self.runs.failures(cell).next().is_some() {
            self.failed += 1;
            return;
        }
        let figures = columns.iter().map(|column| column.all_of(cell).map(|values| Estimate::of(&values)));
        let Some(figures) = figures.collect::<Option<Vec<_>>>() else {
            self.without += 1;
            return;
        };
        let place = |name: &str| self.metrics.iter().position(|metric| metric == name).expect("a column for each");
        if constraints.iter().all(|constraint| constraint.holds(figures[place(&constraint.metric)].mean)) {
            self.found.push(Candidate { cell, figures });
        } else {
            self.outside += 1;
        }
    }

    /// By the first objective, then by the next; equal ones stay in the order of the table.
    fn sort(&mut self) {
        let objectives = &self.objectives;
        self.found.sort_by(|a, b| {
            let orders = objectives.iter().enumerate().map(|(i, o)| o.order(a.figures[i].mean, b.figures[i].mean));
            orders.fold(Ordering::Equal, Ordering::then)
        });
    }

    /// Drops what another candidate is better than in one metric and as good as in all. Sorted as they are, only one that
    /// comes before can be, and then one of the front is.
    fn keep_the_front(&mut self) {
        let objectives = &self.objectives;
        let mut front: Vec<Candidate<'r>> = Vec::new();
        for candidate in self.found.drain(..) {
            if !front.iter().any(|other| dominates(objectives, other, &candidate)) {
                front.push(candidate);
            }
        }
        self.found = front;
    }

    /// A candidate's mark: `best`, `tied`, or `overlaps` if its interval overlaps the best's. Points of a front have
    /// none.
    fn mark(&self, candidate: &Candidate<'_>, rank: usize) -> &'static str {
        if self.objectives.len() > 1 {
            return "";
        }
        let (best, own) = (self.found[0].figures[0], candidate.figures[0]);
        let ([low, high], [own_low, own_high]) = (best.interval(), own.interval());
        if rank == 0 {
            "best"
        } else if own.mean == best.mean {
            "tied"
        } else if own_low <= high && low <= own_high {
            "overlaps"
        } else {
            ""
        }
    }

    /// Points found: all that hold the constraints, or those on the front.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// True if no point holds the constraints.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// A count of what was judged and what was not, if that is not all, or if nothing was found; none otherwise.
    pub fn shortfall(&self) -> Option<String> {
        let Self { looked_at, failed, without, outside, .. } = self;
        let judged = looked_at - failed - without;
        if judged == *looked_at && !self.is_empty() {
            return None;
        }
        let metrics = self.metrics.join(" or ");
        let mut said = format!("{judged} of {looked_at} policies at points could be judged");
        if *without > 0 {
            said += &format!("; {without} have no {metrics} in some replication");
        }
        if *failed > 0 {
            said += &format!("; {failed} failed");
        }
        if self.is_empty() && *outside > 0 {
            said += &format!("; {outside} are outside the constraints");
        }
        Some(said)
    }

    /// Each found policy and point, in order, with the means of the objectives; what tests hold against other searches.
    #[cfg(test)]
    fn means(&self) -> Vec<(u64, &str, Vec<f64>)> {
        let means = |candidate: &Candidate<'_>| candidate.figures.iter().map(|figure| figure.mean).collect();
        self.found.iter().map(|found| (found.cell.point, found.cell.policy.as_str(), means(found))).collect()
    }

    /// The first `top` as a table, with a line that says what was left out.
    pub fn text(&self, top: usize) -> String {
        let shown = |estimate: &Estimate| {
            let half = estimate.ci95.map_or_else(String::new, |half| format!(" ± {}", short(half, 2)));
            format!("{}{half}", short(estimate.mean, 5))
        };
        let table = if self.is_empty() { String::new() } else { self.sheet(top, shown).text() + "\n" };
        format!("{table}{}\n", self.foot(top))
    }

    fn sheet(&self, top: usize, figure: impl Fn(&Estimate) -> String) -> Sheet {
        let single = self.objectives.len() == 1;
        let heading = [BestRow::point.name, BestRow::policy.name].into_iter();
        let heading = heading.chain(self.runs.keys.iter().chain(&self.metrics).map(String::as_str));
        let mut sheet = Sheet::new(heading.chain(single.then_some(BestRow::rank.name)));
        for (rank, found) in self.found.iter().take(top).enumerate() {
            let names = [found.cell.point.to_string(), found.cell.policy.clone()];
            let row = names.into_iter().chain(found.cell.values.iter().cloned());
            let row = row.chain(found.figures.iter().map(&figure));
            sheet.row(row.chain(single.then(|| self.mark(found, rank).to_owned())));
        }
        sheet
    }

    /// The first `top` as CSV, with all digits.
    pub fn csv(&self, top: usize) -> String {
        csv_text(self.rows(top), &self.own_names())
    }

    /// The first `top` as a JSON document about the results of a folder, with the counts of what was left out.
    ///
    /// # Errors
    ///
    /// If the folder has no manifest that can be read.
    pub fn json(&self, folder: &Path, top: usize) -> Result<String, ReportError> {
        let objective = |objective: &Objective| {
            let better = if objective.maximise { "higher" } else { "lower" };
            json!({ "metric": objective.metric, "better": better })
        };
        let members = vec![
            ("objectives", self.objectives.iter().map(objective).collect()),
            ("looked_at", self.looked_at.into()),
            ("found", self.found.len().into()),
            ("outside_constraints", self.outside.into()),
            ("failed", self.failed.into()),
            ("without_a_metric", self.without.into()),
        ];
        Ok(Document::of(folder, members, self.rows(top), &self.own_names())?.text())
    }

    /// The names of columns that only this answer has: varied keys and metrics.
    fn own_names(&self) -> Vec<String> {
        [self.runs.varied_keys(), &self.metrics].concat()
    }

    fn rows(&self, top: usize) -> impl Iterator<Item = BestRow> {
        self.found.iter().take(top).enumerate().map(|(rank, found)| {
            let values = found.cell.values.iter().map(String::as_str);
            let PointValues { dataset, bandwidth_mbps, varied } = PointValues::of(values);
            let rank = match self.mark(found, rank) {
                "" if self.objectives.len() > 1 => "front",
                "" => "apart",
                mark => mark,
            };
            BestRow {
                point: found.cell.point,
                policy: found.cell.policy.as_str().into(),
                dataset,
                bandwidth_mbps,
                varied,
                asked: AskedEstimates(found.figures.iter().map(|figure| (figure.mean, figure.ci95)).collect()),
                rank: rank.into(),
            }
        })
    }

    fn foot(&self, top: usize) -> String {
        let Self { looked_at, failed, without, outside, found, .. } = self;
        let mut said = match (self.objectives.len(), found.len()) {
            (_, 0) => format!("no point found, of {looked_at} (policies at points)"),
            (1, held) => format!("the best {} of {held} points, of {looked_at} (policies at points)", top.min(held)),
            (_, front) => format!("{front} points on the front, of {looked_at} (policies at points)"),
        };
        let others =
            [(*outside, "outside the constraints"), (*failed, "failed"), (*without, "without one of the metrics")];
        for (count, why) in others.iter().filter(|(count, _)| *count > 0) {
            said += &format!("; {count} {why}");
        }
        if self.objectives.len() == 1 && found.len() > 1 {
            let overlaps =
                found.iter().enumerate().filter(|(rank, found)| *rank > 0 && !self.mark(found, *rank).is_empty());
            said += &format!("; {} not to be told from the best by their intervals", overlaps.count());
        }
        said
    }
}

fn dominates(objectives: &[Objective], one: &Candidate<'_>, other: &Candidate<'_>) -> bool {
    let orders = objectives.iter().enumerate().map(|(i, o)| o.order(one.figures[i].mean, other.figures[i].mean));
    let (mut better, mut worse) = (false, false);
    for order in orders {
        better |= order == Ordering::Less;
        worse |= order == Ordering::Greater;
    }
    better && !worse
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, Cell as Made};
    use proptest::prelude::*;

    const TAUS: [&str; 12] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"];

    fn sweep(points: &[(f64, f64)]) -> Vec<Made> {
        let cell = |(tau, (e2e, accuracy)): (&&'static str, &(f64, f64))| {
            Made::new("msao", tau, &[("e2e_ms_mean", &[*e2e, *e2e]), ("accuracy_pct", &[*accuracy, *accuracy])])
        };
        TAUS.iter().zip(points).map(cell).collect()
    }

    fn question(objectives: &[&str], constraints: &[&str]) -> Question {
        Question {
            objectives: objectives.iter().map(|text| text.parse().unwrap()).collect(),
            constraints: constraints.iter().map(|text| text.parse().unwrap()).collect(),
            policy: None,
        }
    }

    /// Few distinct values, so that ties are common.
    fn points() -> impl Strategy<Value = Vec<(f64, f64)>> {
        let point = (1..6u8, 1..6u8).prop_map(|(a, b)| (f64::from(a), f64::from(b)));
        proptest::collection::vec(point, 1..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn the_best_against_trying_all(points in points(), least in 1..6u8) {
            let runs = fixture::runs(&sweep(&points));
            let answer = best(&runs, &question(&["e2e_ms_mean"], &[&format!("accuracy_pct >= {least}")])).unwrap();
            let mut expected: Vec<(u64, f64)> = points
                .iter()
                .enumerate()
                .filter(|(_, (_, accuracy))| *accuracy >= f64::from(least))
                .map(|(point, (e2e, _))| (point as u64, *e2e))
                .collect();
            expected.sort_by(|a, b| a.1.total_cmp(&b.1));
            let found: Vec<(u64, f64)> = answer.means().iter().map(|(point, _, means)| (*point, means[0])).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn nothing_on_the_front_is_dominated_and_everything_else_is(points in points()) {
            let runs = fixture::runs(&sweep(&points));
            let answer = best(&runs, &question(&["e2e_ms_mean", "accuracy_pct"], &[])).unwrap();
            let front: Vec<u64> = answer.means().iter().map(|(point, ..)| *point).collect();
            for (number, (e2e, accuracy)) in points.iter().enumerate() {
                let dominated = points.iter().any(|(other, right)| {
                    other <= e2e && right >= accuracy && (other < e2e || right > accuracy)
                });
                prop_assert_eq!(front.contains(&(number as u64)), !dominated, "point {}", number);
            }
        }
    }

    #[test]
    fn ties_and_overlaps_are_marked() {
        let cell = |tau, values: &[f64]| Made::new("msao", tau, &[("e2e_ms_mean", values)]);
        let cells =
            [cell("0", &[9.0, 11.0]), cell("1", &[8.0, 12.0]), cell("2", &[30.0, 30.1]), cell("3", &[2000.0, 2001.0])];
        let runs = fixture::runs(&cells);
        let text = best(&runs, &question(&["e2e_ms_mean"], &[])).unwrap().text(3);
        let marks: Vec<_> = text.lines().take(4).map(|line| line.split_whitespace().last().unwrap()).collect();
        // Half-widths of 12.7 and 25.4 around 10: 30.05 lies in neither interval, but its own is narrow.
        assert_eq!(marks, ["rank", "best", "tied", "0.64"], "{text}");
        assert!(
            text.ends_with(
                "\nthe best 3 of 4 points, of 4 (policies at points); 1 not to be told from the best by their intervals\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn what_has_no_figure_is_counted() {
        let mut cells = sweep(&[(1.0, 50.0), (2.0, 80.0), (3.0, 80.0), (4.0, 90.0)]);
        cells[1].failed = "broken";
        cells[2].metrics[0].1[0] = None;
        let runs = fixture::runs(&cells);
        let answer = best(&runs, &question(&["e2e_ms_mean"], &["accuracy_pct >= 75"])).unwrap();
        assert_eq!(answer.means(), [(3, "msao", vec![4.0, 90.0])]);
        let foot = "the best 1 of 1 points, of 4 (policies at points); 1 outside the constraints; 1 failed; 1 without one of the metrics\n";
        assert!(answer.text(10).ends_with(foot), "{}", answer.text(10));
        let short = "2 of 4 policies at points could be judged; 1 have no e2e_ms_mean or accuracy_pct in some \
                     replication; 1 failed";
        assert_eq!(answer.shortfall().as_deref(), Some(short));
        let none = best(&runs, &question(&["e2e_ms_mean"], &["accuracy_pct > 99"])).unwrap();
        assert_eq!(none.shortfall(), Some(format!("{short}; 2 are outside the constraints")));
        let whole = fixture::runs(&sweep(&[(1.0, 50.0)]));
        assert_eq!(best(&whole, &question(&["e2e_ms_mean"], &[])).unwrap().shortfall(), None);
        assert!(none.is_empty() && none.text(10).starts_with("no point found, of 4"));
        let csv = answer.csv(10);
        assert_eq!(csv.lines().nth(1), Some("3,msao,vqav2,400,3,4,0,90,0,best"), "{csv}");
    }

    #[test]
    fn constraints_and_objectives_are_read() {
        let constraint = |text: &str| text.parse::<Constraint>();
        assert_eq!(constraint("accuracy_pct>=75").unwrap(), constraint(" accuracy_pct  >=  75.0 ").unwrap());
        assert!(constraint("e2e_ms_mean < 1e3").unwrap().holds(999.0));
        assert!(!constraint("e2e_ms_mean < 1e3").unwrap().holds(1000.0));
        assert!(constraint("e2e_ms_mean <= 1000").unwrap().holds(1000.0));
        for bad in [
            "",
            "accuracy_pct",
            "accuracy_pct = 75",
            ">= 75",
            "accuracy_pct >= 75 %",
            "a b >= 1",
            "a >= nan",
            "a >= 1 >= 2",
        ] {
            let refused = constraint(bad).unwrap_err();
            assert!(refused.contains("expected a metric, one of <= >= < >, and a number"), "{refused}");
        }
        let objective = |text: &str| text.parse::<Objective>();
        assert!(objective("accuracy_pct").unwrap().maximise && !objective("e2e_ms_mean").unwrap().maximise);
        assert!(objective("e2e_ms_mean:max").unwrap().maximise);
        assert!(objective("served_by_cloud_pct").unwrap_err().contains("say served_by_cloud_pct:min or"));
        assert!(objective("e2e_ms_mean:up").unwrap_err().contains("expected e2e_ms_mean, e2e_ms_mean:min or"));
    }

    #[test]
    fn one_policy_may_be_asked_for() {
        let cell = |policy, e2e| Made::new(policy, "0", &[("e2e_ms_mean", &[e2e])]);
        let runs = fixture::runs(&[cell("msao", 2.0), cell("edge_only", 1.0)]);
        let asked = |policy: &str| Question { policy: Some(policy.to_owned()), ..question(&["e2e_ms_mean"], &[]) };
        assert_eq!(best(&runs, &asked("msao")).unwrap().means()[0].1, "msao");
        assert!(best(&runs, &asked("msoa")).unwrap_err().to_string().contains("did you mean msao?"));
    }
}
