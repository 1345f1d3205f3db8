//! The regression gate: runs against a baseline.
//!
//! Each row (policy and point) is judged by the rules of the baseline: what is exact must be equal; what is tolerant has
//! regressed only if it is worse by more than its tolerance and the whole 95 % interval of the difference lies beyond it.
//! Where seeds and replications agree the difference is paired, otherwise it is Welch's. `docs/regression.md` has it all.

mod baseline;
mod export;
mod judge;
mod render;
mod rules;

pub use baseline::{Baseline, Identity};
pub use export::{benchmark_action, bmf, json, junit};
pub use judge::Verdict;
pub use render::{markdown, text};
pub use rules::{Exact, Rules, Tolerance, Worse};

use crate::estimate::{Estimate, mean};
use crate::frame::ReportError;
use crate::manifest::DIFFERS;
use crate::runs::{Cell, Runs};
use baseline::{Row, rounded};
use judge::judge;
use std::collections::BTreeMap;
use tables::{Metric, unknown};

/// The findings of a check.
#[derive(Clone, Debug)]
pub struct Check {
    /// The scenario.
    pub scenario: String,
    /// Name of the baseline, for messages.
    pub against: String,
    /// The keys of a point: `dataset`, `bandwidth_mbps`, and those that a sweep varies.
    pub keys: Vec<String>,
    /// Notes for the reader besides the findings.
    pub notes: Vec<String>,
    /// Every verdict, the gravest first; among equals, what is furthest beyond its tolerance first.
    pub findings: Vec<Finding>,
}

/// One verdict.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The policy.
    pub policy: String,
    /// At this point, as text.
    pub place: String,
    /// The values of the check's [`keys`](Check::keys) at that point; empty where the baseline has no such key.
    pub values: Vec<String>,
    /// The metric or count; `runs` where it is about the row.
    pub subject: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// By how much.
    pub detail: Detail,
}

/// The evidence for a verdict.
#[derive(Clone, Debug)]
pub enum Detail {
    /// Two means.
    Change(Change),
    /// Anything else, in words.
    Words(String),
}

/// A metric, then and now.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// Mean in the baseline.
    pub base: f64,
    /// Mean now.
    pub now: f64,
    /// Now less baseline.
    pub difference: Estimate,
    /// The tolerance.
    pub tolerance: Tolerance,
    /// True if replications were compared one by one.
    pub paired: bool,
    /// Replications in the baseline and now.
    pub replications: [usize; 2],
}

impl Change {
    /// The difference as a multiple of what is allowed; infinite where nothing is.
    pub fn excess(&self) -> f64 {
        let allowed = self.tolerance.allowed(self.base);
        if self.difference.mean == 0.0 { 0.0 } else { self.difference.mean.abs() / allowed }
    }
}

impl Check {
    /// True if something got worse.
    pub fn fails(&self) -> bool {
        self.findings.iter().any(|finding| finding.verdict.fails())
    }

    /// Number of findings with a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }
}

/// Holds runs to a baseline.
///
/// # Errors
///
/// If the baseline is of another scenario, no row of it is a row of the runs, or a rule is of a metric that neither has.
pub fn check(runs: &Runs, identity: &Identity, baseline: &Baseline, against: &str) -> Result<Check, ReportError> {
    belongs(identity, baseline, against)?;
    let mut rows: BTreeMap<_, &Row> = baseline.rows.iter().map(|row| (row_key(row), row)).collect();
    let held = rows.len();
    let mut findings = Vec::new();
    for cell in &runs.cells {
        let keys = runs.keys.iter().map(String::as_str).zip(cell.values.iter().map(String::as_str));
        let row = rows.remove(&(cell.policy.as_str(), keys.collect()));
        Judge { runs, cell, rules: &baseline.rules, findings: &mut findings }.row(row);
        let guards_nothing = |row: &&Row| row.metrics.is_empty() && row.exact.is_empty() && runs.unanswered(cell) == 0;
        findings.extend(row.filter(guards_nothing).map(|_| Finding {
            policy: cell.policy.clone(),
            place: runs.place(cell),
            values: cell.values.clone(),
            subject: "runs".to_owned(),
            verdict: Verdict::Unjudged,
            detail: Detail::Words("the baseline's row has no value: bless the baseline anew".to_owned()),
        }));
    }
    if rows.len() == held {
        let what =
            "no row is of a policy and point of these runs; give the baseline of this scenario, or bless a new one";
        return Err(ReportError::refused(format!("{against}: {what}")));
    }
    // In the order of the baseline.
    for row in baseline.rows.iter().filter(|row| rows.contains_key(&row_key(row))) {
        let words = "the baseline has this row, the runs do not".to_owned();
        findings.push(Finding {
            policy: row.policy.clone(),
            place: row.place(),
            values: runs.keys.iter().map(|key| row.point.get(key).cloned().unwrap_or_default()).collect(),
            subject: "runs".to_owned(),
            verdict: Verdict::Missing,
            detail: Detail::Words(words),
        });
    }
    findings.extend(rules_of_nothing(runs, baseline));
    findings.sort_by(|a, b| a.verdict.cmp(&b.verdict).then(excess(b).total_cmp(&excess(a))));
    let notes = notes(identity, baseline);
    let (scenario, against, keys) = (identity.scenario.clone(), against.to_owned(), runs.keys.clone());
    Ok(Check { scenario, against, keys, notes, findings })
}

/// A finding for each rule of the user's own whose metric no row has, neither of the baseline nor of the runs.
fn rules_of_nothing(runs: &Runs, baseline: &Baseline) -> Vec<Finding> {
    let held = |name: &str| baseline.rows.iter().any(|row| row.metrics.contains_key(name));
    let idle = baseline.rules.own_without(|name| held(name) || runs.has(name));
    let finding = |name: &str| Finding {
        policy: "any policy".to_owned(),
        place: "any point".to_owned(),
        values: vec![String::new(); runs.keys.len()],
        subject: name.to_owned(),
        verdict: Verdict::Unjudged,
        detail: Detail::Words("no row has this metric: its rule judges nothing".to_owned()),
    };
    idle.into_iter().map(finding).collect()
}

type RowKey<'r> = (&'r str, BTreeMap<&'r str, &'r str>);

fn row_key(row: &Row) -> RowKey<'_> {
    let point = row.point.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    (row.policy.as_str(), point.collect())
}

fn excess(finding: &Finding) -> f64 {
    match &finding.detail {
        Detail::Change(change) => change.excess(),
        Detail::Words(_) => 0.0,
    }
}

/// Refuses a baseline of something else.
fn belongs(identity: &Identity, baseline: &Baseline, against: &str) -> Result<(), ReportError> {
    let of = &baseline.identity.scenario;
    if *of != identity.scenario {
        let what = format!("is of the scenario {of}, the runs are of {}", identity.scenario);
        return Err(ReportError::refused(format!("{against}: {what}; give the baseline of this scenario")));
    }
    let known: Vec<&str> = Metric::ALL.iter().map(|metric| metric.column()).collect();
    let held = |name: &str| baseline.rows.iter().any(|row| row.metrics.contains_key(name));
    match baseline.rules.tolerant.keys().find(|name| !known.contains(&name.as_str()) && !held(name)) {
        Some(name) => Err(ReportError::refused(format!("{against}: [rules]: {}", unknown("metric", name, &known)))),
        None => Ok(()),
    }
}

fn notes(identity: &Identity, baseline: &Baseline) -> Vec<String> {
    let mut notes = Vec::new();
    let short = |hash: &str| hash.chars().take(12).collect::<String>();
    if identity.sha256 != baseline.identity.sha256 {
        notes.push(format!(
            "the resolved scenario has changed (hash {}, now {}): rows are compared where policy and point agree",
            short(&baseline.identity.sha256),
            short(&identity.sha256)
        ));
    }
    if identity.tool_version != baseline.identity.tool_version {
        let versions = [&baseline.identity.tool_version, &identity.tool_version];
        notes.push(format!("the baseline is of version {}, the runs of {}", versions[0], versions[1]));
    }
    notes.extend(model_note(identity, baseline));
    notes
}

/// A sentence if the baseline and the runs come from models of different versions.
pub fn model_note(identity: &Identity, baseline: &Baseline) -> Option<String> {
    let [then, now] = [baseline.identity.model_version, identity.model_version];
    (then != now).then(|| format!("the baseline is of model version {then}, the runs of {now}: {DIFFERS}"))
}

/// At work on one row.
struct Judge<'j> {
    runs: &'j Runs,
    cell: &'j Cell,
    rules: &'j Rules,
    findings: &'j mut Vec<Finding>,
}

impl Judge<'_> {
    fn note(&mut self, subject: &str, verdict: Verdict, detail: Detail) {
        let (policy, values) = (self.cell.policy.clone(), self.cell.values.clone());
        let (place, subject) = (self.runs.place(self.cell), subject.to_owned());
        self.findings.push(Finding { policy, place, values, subject, verdict, detail });
    }

    fn words(&mut self, subject: &str, verdict: Verdict, words: impl Into<String>) {
        self.note(subject, verdict, Detail::Words(words.into()));
    }

    fn row(&mut self, row: Option<&Row>) {
        let failures: Vec<_> = self.runs.failures(self.cell).collect();
        for (replication, why) in &failures {
            self.words("runs", Verdict::Failed, format!("replication {replication}: {why}"));
        }
        match row {
            // A failed run has nothing to compare.
            _ if !failures.is_empty() => {}
            None => self.words("runs", Verdict::New, "the baseline has no such row"),
            Some(row) => {
                self.exact(row);
                let now = Row::of(self.runs, self.cell, self.rules);
                let nothing = row.metrics.is_empty() && now.metrics.is_empty();
                if nothing && (self.rules.exact.is_empty() || self.runs.unanswered(self.cell) > 0) {
                    self.words("runs", Verdict::Unjudged, self.unjudged());
                }
                for (name, tolerance) in self.rules.tolerances() {
                    self.metric(name, tolerance, row, &now);
                }
            }
        }
    }

    /// The reason why a row has no metric.
    fn unjudged(&self) -> String {
        match self.runs.unanswered(self.cell) {
            0 => "no rule is of a metric that this row has".to_owned(),
            runs => format!("no request was answered in {runs} of its runs"),
        }
    }

    fn exact(&mut self, row: &Row) {
        for exact in &self.rules.exact {
            let now = exact.of(self.runs, self.cell);
            match row.exact.get(exact) {
                None => self.words(exact.name(), Verdict::New, "the baseline has no value"),
                Some(base) if *base == now => self.words(exact.name(), Verdict::Same, format!("{now}")),
                Some(base) => self.words(exact.name(), Verdict::Changed, format!("{base} -> {now}")),
            }
        }
    }

    fn metric(&mut self, name: &str, tolerance: Tolerance, row: &Row, now: &Row) {
        match (row.metrics.get(name), now.metrics.get(name)) {
            // It applies to neither.
            (None, None) => {}
            (None, Some(_)) => self.words(name, Verdict::New, "the baseline has no value"),
            (Some(_), None) => self.words(name, Verdict::Missing, "the baseline has values, the runs have none"),
            (Some(base), Some(values)) => {
                let paired = row.seeds == now.seeds;
                let difference = if paired { Estimate::paired } else { Estimate::unpaired }(values, base);
                let change = Change {
                    base: mean(base),
                    now: mean(values),
                    difference,
                    tolerance,
                    paired,
                    replications: [base.len(), values.len()],
                };
                let verdict = judge(difference, tolerance.allowed(rounded(change.base)), tolerance.worse);
                self.note(name, verdict, Detail::Change(change));
            }
        }
    }
}

#[cfg(test)]
mod tests;

/// The unit of a finding's metric.
fn unit(finding: &Finding) -> &'static str {
    Metric::named(&finding.subject).map_or("", |metric| metric.doc().unit)
}
