//! A check and its runs in formats that other tools read: JSON, JUnit XML, Bencher Metric Format, and the custom format of
//! github-action-benchmark.

use super::render::{counts, said};
use super::{Check, Detail, Finding, Rules, Verdict, Worse};
use crate::estimate::Estimate;
use crate::frame::ReportError;
use crate::json::Document;
use crate::runs::{Cell, PointValues, Runs};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite, XmlString};
use serde_json::{Map, Value, json};
use std::path::Path;
use tables::{CheckRow, Metric};

/// JUnit XML: a suite for each policy and point, a case for each metric; what is not guarded is skipped.
pub fn junit(check: &Check) -> String {
    let mut report = Report::new(format!("sim check {}", check.scenario));
    let mut findings: Vec<&Finding> = check.findings.iter().collect();
    // Suites in a stable order; within one, the gravest first, as found.
    findings.sort_by(|a, b| (&a.place, &a.policy).cmp(&(&b.place, &b.policy)));
    for suite in findings.chunk_by(|a, b| (&a.place, &a.policy) == (&b.place, &b.policy)) {
        let mut made = TestSuite::new(format!("{} at {}", suite[0].policy, suite[0].place));
        made.add_test_cases(suite.iter().map(|finding| case(check, finding)));
        report.add_test_suite(made);
    }
    report.to_string().unwrap_or_else(|error| unreachable!("XML goes into memory: {error}"))
}

/// A JSON document about the results of a folder: a row for each verdict.
///
/// # Errors
///
/// If the folder has no manifest that can be read.
pub fn json(check: &Check, folder: &Path) -> Result<String, ReportError> {
    let counts = Verdict::ALL.map(|verdict| (verdict.word().to_owned(), check.count(verdict).into()));
    let members = vec![
        ("against", check.against.as_str().into()),
        ("fails", check.fails().into()),
        ("counts", Value::Object(counts.into_iter().collect())),
        ("notes", check.notes.clone().into()),
    ];
    Ok(Document::of(folder, members, check.findings.iter().map(row), &check.keys[2..])?.text())
}

pub(super) fn row(finding: &Finding) -> CheckRow {
    let PointValues { dataset, bandwidth_mbps, varied } = PointValues::of(finding.values.iter().map(String::as_str));
    let row = CheckRow {
        policy: finding.policy.as_str().into(),
        dataset,
        bandwidth_mbps,
        varied,
        metric: finding.subject.as_str().into(),
        verdict: finding.verdict.word().into(),
        fails: finding.verdict.fails(),
        evidence: said(finding).into(),
        ..CheckRow::default()
    };
    let Detail::Change(change) = &finding.detail else { return row };
    let [base, now] = change.replications.map(|count| count as u64);
    CheckRow {
        mean_baseline: Some(change.base),
        mean: Some(change.now),
        difference: Some(change.difference.mean),
        difference_ci95: change.difference.ci95,
        allowed: Some(change.tolerance.allowed(change.base)),
        replications_baseline: Some(base),
        replications: Some(now),
        ..row
    }
}

fn case(check: &Check, finding: &Finding) -> TestCase {
    let said = said(finding);
    let message = format!("{}: {said}", finding.verdict.word());
    let mut status = match finding.verdict {
        Verdict::Failed => TestCaseStatus::non_success(NonSuccessKind::Error),
        verdict if verdict.fails() => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::New => TestCaseStatus::skipped(),
        _ => TestCaseStatus::success(),
    };
    if finding.verdict.fails() || finding.verdict == Verdict::New {
        status.set_message(message.clone());
    }
    if finding.verdict.fails() {
        let against = format!("{message}\nagainst {}: {}", check.against, counts(check));
        status.set_description(against);
    }
    let mut case = TestCase::new(finding.subject.clone(), status);
    case.set_classname(format!("{}.{}", check.scenario, finding.policy));
    case.set_system_out(XmlString::new(message));
    case
}

/// Bencher Metric Format: for each policy and point, each guarded metric with its interval. Names too long for Bencher are cut.
pub fn bmf(runs: &Runs, rules: &Rules, scenario: &str) -> String {
    let mut benchmarks = Map::new();
    for cell in &runs.cells {
        let mut measures = Map::new();
        for (name, _) in rules.tolerances() {
            let Some(estimate) = estimate(runs, cell, name) else { continue };
            let mut value = json!({ "value": estimate.mean });
            if estimate.ci95.is_some() {
                let [low, high] = estimate.interval();
                value["lower_value"] = json!(low);
                value["upper_value"] = json!(high);
            }
            measures.insert(cut(name, 64), value);
        }
        benchmarks.insert(cut(&name(runs, cell, scenario), 1024), measures.into());
    }
    pretty(&benchmarks.into())
}

/// The JSON of github-action-benchmark: `customSmallerIsBetter`, or `customBiggerIsBetter` for metrics that are worse
/// lower. Metrics that may move neither way are in neither.
pub fn benchmark_action(runs: &Runs, rules: &Rules, scenario: &str, worse: Worse) -> String {
    let mut entries = Vec::new();
    for cell in &runs.cells {
        for (metric, _) in rules.tolerances().into_iter().filter(|(_, tolerance)| tolerance.worse == worse) {
            let Some(estimate) = estimate(runs, cell, metric) else { continue };
            let mut entry = json!({
                "name": format!("{} / {metric}", name(runs, cell, scenario)),
                "unit": Metric::named(metric).map_or("", |metric| metric.doc().unit),
                "value": estimate.mean,
                "extra": format!("mean of {} replications", runs.seeds(cell).len()),
            });
            if let Some(half) = estimate.ci95 {
                entry["range"] = json!(format!("± {half}"));
            }
            entries.push(entry);
        }
    }
    pretty(&entries.into())
}

fn estimate(runs: &Runs, cell: &Cell, metric: &str) -> Option<Estimate> {
    let values = runs.metric_named(metric).ok()?.all_of(cell)?;
    Some(Estimate::of(&values))
}

/// `paper / msao / vqav2, 400 Mbps`.
fn name(runs: &Runs, cell: &Cell, scenario: &str) -> String {
    format!("{scenario} / {} / {}", cell.policy, runs.place(cell))
}

fn cut(name: &str, most: usize) -> String {
    name.chars().take(most).collect()
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("a value is JSON") + "\n"
}
