//! The gate, on folders of the tests' own.

use super::*;
use crate::MODEL_VERSION;
use crate::fixture::{self, Cell as Made, identity};
use quick_junit::Report;

const E2E: &str = "e2e_ms_mean";
const ACCURACY: &str = "accuracy_pct";

fn cells() -> Vec<Made> {
    let msao = |tau| Made::new("msao", tau, &[(E2E, &[100.0, 110.0, 90.0]), (ACCURACY, &[75.0, 76.0, 74.0])]);
    vec![
        Made::new("edge_only", "0.25", &[(E2E, &[50.0, 50.0, 50.0]), (ACCURACY, &[63.0, 63.0, 63.0])]),
        msao("0.25"),
        msao("0.5"),
    ]
}

fn baseline(cells: &[Made]) -> Baseline {
    Baseline::of(&fixture::runs(cells), identity(), Rules::default()).unwrap()
}

/// The verdicts that are not `Same`, as `verdict subject policy place`.
fn found(now: &[Made], base: &[Made]) -> Vec<String> {
    let check = check(&fixture::runs(now), &identity(), &baseline(base), "b.toml").unwrap();
    let told = check.findings.iter().filter(|finding| finding.verdict != Verdict::Same);
    told.map(|finding| format!("{} {} {}", finding.verdict.word(), finding.subject, finding.policy)).collect()
}

/// The value of every replication of a metric.
fn set(cell: &mut Made, metric: &str, change: impl Fn(usize, f64) -> Option<f64>) {
    let column = cell.metrics.iter_mut().find(|(name, _)| *name == metric).unwrap();
    for (r, value) in column.1.iter_mut().enumerate() {
        *value = change(r, value.unwrap());
    }
}

#[test]
fn runs_pass_against_themselves() {
    let check = check(&fixture::runs(&cells()), &identity(), &baseline(&cells()), "b.toml").unwrap();
    assert!(!check.fails());
    assert_eq!(check.count(Verdict::Same), check.findings.len());
    // Three counts and two metrics for each row.
    assert_eq!(check.findings.len(), 3 * 5);
    assert_eq!(text(&check), "fixture against b.toml: 15 unchanged\n");
}

#[test]
fn pairs_see_what_noise_would_hide() {
    // 3 % slower in every replication, where replications differ by 10 %.
    let mut now = cells();
    set(&mut now[1], E2E, |_, value| Some(1.03 * value));
    assert_eq!(found(&now, &cells()), ["regressed e2e_ms_mean msao"]);
    // With other seeds the replications are no pairs, and the same difference is lost in the noise.
    now[1].seed = 2;
    assert_eq!(found(&now, &cells()), [""; 0]);
}

#[test]
fn noise_is_no_regression() {
    let mut now = cells();
    // 2 % slower in the mean, but as much by chance as not.
    set(&mut now[1], E2E, |r, value| Some(value + [12.0, -8.0, 2.0][r]));
    assert_eq!(found(&now, &cells()), [""; 0]);
}

#[test]
fn a_single_replication_is_held_to_the_tolerance_alone() {
    let one = |e2e: f64| vec![Made::new("msao", "0.25", &[(E2E, &[e2e])])];
    assert_eq!(found(&one(100.9), &one(100.0)), [""; 0]);
    assert_eq!(found(&one(101.1), &one(100.0)), ["regressed e2e_ms_mean msao"]);
    assert_eq!(found(&one(98.9), &one(100.0)), ["improved e2e_ms_mean msao"]);
}

#[test]
fn the_direction_counts() {
    let mut now = cells();
    set(&mut now[0], E2E, |_, value| Some(0.9 * value));
    set(&mut now[0], ACCURACY, |_, value| Some(value - 2.0));
    assert_eq!(found(&now, &cells()), ["regressed accuracy_pct edge_only", "improved e2e_ms_mean edge_only"]);
}

#[test]
fn what_is_exact_may_not_differ() {
    let mut now = cells();
    now[2].requests = 99;
    assert_eq!(found(&now, &cells()), ["changed requests msao", "changed completed msao"]);
    // The digest is held to only where the rules say so.
    now = cells();
    now[2].digest += 1;
    assert_eq!(found(&now, &cells()), [""; 0]);
    let mut rules = Rules::default();
    rules.exact.push(Exact::JournalDigest);
    let held = Baseline::of(&fixture::runs(&cells()), identity(), rules).unwrap();
    let check = check(&fixture::runs(&now), &identity(), &held, "b.toml").unwrap();
    assert_eq!(check.count(Verdict::Changed), 1);
}

#[test]
fn rows_and_metrics_that_come_and_go() {
    let mut fewer = cells();
    fewer.pop();
    assert_eq!(found(&fewer, &cells()), ["missing runs msao"]);
    assert_eq!(found(&cells(), &fewer), ["not guarded runs msao"]);
    let mut without = cells();
    // A metric that does not apply to one replication has no mean.
    set(&mut without[0], ACCURACY, |r, value| Some(value).filter(|_| r > 0));
    assert_eq!(found(&without, &cells()), ["missing accuracy_pct edge_only"]);
    assert_eq!(found(&cells(), &without), ["not guarded accuracy_pct edge_only"]);
    assert_eq!(found(&without, &without), [""; 0]);
}

#[test]
fn a_failed_run_fails_and_is_no_baseline() {
    let mut now = cells();
    now[1].failed = "does not fit";
    set(&mut now[1], E2E, |r, value| Some(value).filter(|_| r < 2));
    assert_eq!(found(&now, &cells()), ["failed runs msao"]);
    let refused = Baseline::of(&fixture::runs(&now), identity(), Rules::default()).unwrap_err().to_string();
    assert!(
        refused.contains("msao at vqav2, 400 Mbps, policy.msao.tau_s 0.25, replication 2 failed: does not fit"),
        "{refused}"
    );
}

#[test]
fn of_nothing_a_share_is_nothing() {
    let base = vec![Made::new("msao", "0.25", &[(E2E, &[0.0, 0.0]), (ACCURACY, &[0.0, 0.0])])];
    let now = vec![Made::new("msao", "0.25", &[(E2E, &[0.1, 0.1]), (ACCURACY, &[0.0, 0.0])])];
    assert_eq!(found(&now, &base), ["regressed e2e_ms_mean msao"]);
    let check = check(&fixture::runs(&now), &identity(), &baseline(&base), "b.toml").unwrap();
    assert!(
        text(&check).contains("0 -> 0.1 ms, +0.1 ± 0 (paired, 2 replications; 1 % of 0 is nothing"),
        "{}",
        text(&check)
    );
}

#[test]
fn where_nothing_is_allowed_that_is_said() {
    let none = "[rules]\nexact = []\n[rules.tolerant]\ne2e_ms_mean = { relative = \"0 %\", worse = \"higher\" }\n";
    let baseline = Baseline::of(&fixture::runs(&cells()), identity(), Rules::parse(none).unwrap()).unwrap();
    let mut now = cells();
    set(&mut now[1], E2E, |_, value| Some(1.5 * value));
    let text = text(&check(&fixture::runs(&now), &identity(), &baseline, "b.toml").unwrap());
    assert!(text.contains("(paired, 3 replications; nothing is allowed)"), "{text}");
}

#[test]
fn a_run_without_an_answer_is_no_baseline() {
    let mut now = cells();
    now[1].requests = 0;
    let refused = Baseline::of(&fixture::runs(&now), identity(), Rules::default()).unwrap_err().to_string();
    assert!(refused.contains("1 of 3 rows have a run without an answered request"), "{refused}");
    assert!(refused.contains("the first is msao at vqav2, 400 Mbps, policy.msao.tau_s 0.25"), "{refused}");
}

#[test]
fn a_metric_that_went_is_judged_once() {
    let only = "[rules]\nexact = []\n[rules.tolerant]\ne2e_ms_mean = { relative = \"1 %\", worse = \"higher\" }\n";
    let baseline = Baseline::of(&fixture::runs(&cells()), identity(), Rules::parse(only).unwrap()).unwrap();
    let mut now = cells();
    set(&mut now[1], E2E, |_, _| None);
    let check = check(&fixture::runs(&now), &identity(), &baseline, "b.toml").unwrap();
    let counts = [Verdict::Missing, Verdict::Unjudged, Verdict::Same].map(|verdict| check.count(verdict));
    assert_eq!(counts, [1, 0, 2]);
}

#[test]
fn a_row_has_the_evidence_for_its_verdict() {
    let mut now = cells();
    set(&mut now[1], E2E, |_, value| Some(1.5 * value));
    let check = check(&fixture::runs(&now), &identity(), &baseline(&cells()), "b.toml").unwrap();
    let finding = check.findings.iter().find(|finding| finding.verdict == Verdict::Regressed).unwrap();
    let row = export::row(finding);
    let evidence = "100 -> 150 ms, +50 % ± 12 % (paired, 3 replications; 50 times the 1 % allowed)";
    assert_eq!((&*row.evidence, row.mean, row.fails), (evidence, Some(150.0), true));
}

#[test]
fn what_fails_most_comes_first() {
    let mut now = cells();
    set(&mut now[0], E2E, |_, value| Some(0.5 * value));
    set(&mut now[1], E2E, |_, value| Some(1.05 * value));
    set(&mut now[2], E2E, |_, value| Some(1.5 * value));
    now[0].requests = 1;
    let check = check(&fixture::runs(&now), &identity(), &baseline(&cells()), "b.toml").unwrap();
    let text = text(&check);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 7, "{text}");
    let starts = ["CHANGED ", "CHANGED ", "REGRESSED ", "REGRESSED ", "improved ", "", "fixture against"];
    assert!(lines.iter().zip(starts).all(|(line, start)| line.starts_with(start)), "{text}");
    assert_eq!(
        lines[2],
        "REGRESSED   e2e_ms_mean of msao at vqav2, 400 Mbps, policy.msao.tau_s 0.5: 100 -> 150 ms, +50 % ± 12 % \
         (paired, 3 replications; 50 times the 1 % allowed)"
    );
    assert!(lines[6].ends_with("2 changed, 2 regressed, 1 improved, 10 unchanged"), "{text}");
}

#[test]
fn another_scenario_or_none_of_its_rows_is_refused() {
    let runs = fixture::runs(&cells());
    let refused =
        |identity: &Identity, baseline: &Baseline| check(&runs, identity, baseline, "b.toml").unwrap_err().to_string();
    let other = Identity { scenario: "other".to_owned(), ..identity() };
    let refusal = refused(&other, &baseline(&cells()));
    assert_eq!(
        refusal,
        "b.toml: is of the scenario fixture, the runs are of other; give the baseline of this scenario"
    );
    let elsewhere = [Made::new("msao", "0.75", &[(E2E, &[1.0])])];
    assert!(refused(&identity(), &baseline(&elsewhere)).contains("no row is of a policy and point of these runs"));
    let mut misspelt = baseline(&cells());
    let tolerance = misspelt.rules.tolerant[E2E];
    misspelt.rules.tolerant.insert("e2e_ms_maen".to_owned(), tolerance);
    assert!(refused(&identity(), &misspelt).contains("no metric e2e_ms_maen; did you mean e2e_ms_mean?"));
    // Only the hash: said, and compared.
    let hash = Identity { sha256: "fedc".to_owned(), ..identity() };
    let check = check(&runs, &hash, &baseline(&cells()), "b.toml").unwrap();
    assert!(
        !check.fails()
            && text(&check).starts_with("note: the resolved scenario has changed (hash 0123456789ab, now fedc)")
    );
    let model = Identity { model_version: 0, ..identity() };
    let noted = super::check(&runs, &model, &baseline(&cells()), "b.toml").unwrap();
    let start = format!("note: the baseline is of model version {MODEL_VERSION}, the runs of 0: ");
    assert!(!noted.fails() && text(&noted).starts_with(&start), "{}", text(&noted));
}

#[test]
fn a_baseline_reads_back_and_keeps_its_rules() {
    let runs = fixture::runs(&cells());
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = baseline(&cells()).text(&runs);
    std::fs::write(file.path(), &text).unwrap();
    let read = Baseline::read(file.path()).unwrap();
    assert_eq!(read.text(&runs), text);
    let blessed = read.renewed(&runs, identity()).unwrap();
    assert_eq!(blessed.text(&runs), text);
    // Rules of one's own stay as they were written, comments and all; metrics without a rule go.
    let (head, rest) = text.split_once("[rules]").unwrap();
    let rows = &rest[rest.find("[[row]]").unwrap()..];
    let own = "[rules]\n# ours\nexact = []\ntolerant.e2e_ms_mean = { relative = \"5 %\", worse = \"higher\" } # why\n";
    std::fs::write(file.path(), format!("{head}{own}\n{rows}")).unwrap();
    let blessed = Baseline::read(file.path()).unwrap().renewed(&runs, identity()).unwrap().text(&runs);
    assert!(blessed.contains(own) && blessed.contains("e2e_ms_mean = [100.0, 110.0, 90.0]"), "{blessed}");
    assert!(!blessed.contains("accuracy_pct") && !blessed.contains("[row.exact]"), "{blessed}");
    assert!(!check(&runs, &identity(), &Baseline::read(file.path()).unwrap(), "b").unwrap().fails());
}

#[test]
fn junit_counts_what_was_found() {
    let mut now = cells();
    set(&mut now[1], E2E, |_, value| Some(1.5 * value));
    now[2].tau = "0.75 <&>\"";
    let check = check(&fixture::runs(&now), &identity(), &baseline(&cells()), "b.toml").unwrap();
    let report = Report::deserialize_from_str(&junit(&check)).expect("XML");
    assert_eq!(report.tests, check.findings.len());
    assert_eq!((report.failures, report.errors), (2, 0), "a regression and a row that went");
    assert_eq!(report.test_suites.len(), 4);
    let cases = report.test_suites.iter().flat_map(|suite| &suite.test_cases);
    let skipped = cases.filter(|case| matches!(case.status, quick_junit::TestCaseStatus::Skipped { .. }));
    assert_eq!(skipped.count(), check.count(Verdict::New));
}

#[test]
fn markdown_shows_what_fails() {
    let mut now = cells();
    set(&mut now[1], E2E, |_, value| Some(1.5 * value));
    let check = check(&fixture::runs(&now), &identity(), &baseline(&cells()), "b.toml").unwrap();
    let text = markdown(&check);
    assert!(text.starts_with("## fixture: regression\n\n1 regressed, 14 unchanged, against `b.toml`.\n"), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("| **regressed** | `e2e_ms_mean` | msao |")).count(), 1);
}

#[test]
fn measures_for_other_tools() {
    let runs = fixture::runs(&cells());
    let rules = Rules::default();
    let json = |text: String| serde_json::from_str::<serde_json::Value>(&text).unwrap();
    let bencher = json(bmf(&runs, &rules, "fixture"));
    let e2e = &bencher["fixture / edge_only / vqav2, 400 Mbps, policy.msao.tau_s 0.25"]["e2e_ms_mean"];
    assert_eq!(e2e, &serde_json::json!({"value": 50.0, "lower_value": 50.0, "upper_value": 50.0}));
    let smaller = json(benchmark_action(&runs, &rules, "fixture", Worse::Higher));
    assert_eq!(smaller.as_array().unwrap().len(), 3);
    assert_eq!(
        (&smaller[0]["unit"], &smaller[0]["value"], &smaller[0]["range"]),
        (&"ms".into(), &50.0.into(), &"± 0".into())
    );
    let bigger = json(benchmark_action(&runs, &rules, "fixture", Worse::Lower));
    assert!(bigger[0]["name"].as_str().unwrap().ends_with(" / accuracy_pct"), "{bigger}");
}

#[test]
fn an_old_or_foreign_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = || Runs::read(folder.path()).map(drop).unwrap_err().to_string();
    assert!(refused().contains("expected a results folder of msao-sim"), "{}", refused());
    std::fs::write(folder.path().join("manifest.json"), "{}").unwrap();
    assert!(refused().contains("runs.parquet: it is not there; an earlier version"), "{}", refused());
    let other = tables::TableWriter::<tables::StepRow>::create(&folder.path().join("runs.parquet")).unwrap();
    other.finish().unwrap();
    assert!(
        refused().contains("found the table steps/1; expected the whole table runs/4; run the scenario again"),
        "{}",
        refused()
    );
    std::fs::write(folder.path().join("runs.parquet"), "no Parquet").unwrap();
    assert!(refused().contains("runs.parquet: ") && refused().contains("run the scenario again"), "{}", refused());
}
