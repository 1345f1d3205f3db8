//! `workload.warm_up`: the first requests are in the rows, with a mark, and in no figure; and the warning where a closed loop's
//! start weighs on the figures.

use crate::parquet_file::{Row, count, number, rows, text};
use crate::refusals::refused;
use crate::summary::{self, summary};
use crate::support::Sim;
use parquet::record::Field;
use serde_json::Value;

/// Four clients with six requests each.
const CLIENTS: &str = "\
name = \"loop\"
replications = 2
policy.cloud_only = {}
policy.speculative = {}
[workload]
dataset = \"vqav2\"
requests = 24
[arrivals.closed_loop]
clients = 4
";

fn is_warm_up(row: &&Row) -> bool {
    row["warm_up"] == Field::Bool(true)
}

/// The mean of a column over rows.
fn mean(rows: &[&Row], column: &str) -> f64 {
    rows.iter().map(|row| number(row, column).expect("a number")).sum::<f64>() / rows.len() as f64
}

/// Holds the summary of a folder to the rows of its requests that are not marked.
fn summary_is_of_the_rest(sim: &Sim, folder: &str, each_run: u64) {
    let all = rows(&sim.path(&format!("{folder}/requests.parquet")));
    let csv = sim.text(&format!("{folder}/summary.csv"));
    for row in summary(&csv) {
        let counted: Vec<&Row> =
            all.iter().filter(|one| text(one, "policy") == row["policy"] && !is_warm_up(one)).collect();
        assert_eq!((counted.len() as u64, row["requests"]), (2 * each_run, (2 * each_run).to_string().as_str()));
        let sum = |column: &str| counted.iter().map(|row| count(row, column)).sum::<u64>() as f64;
        let told = [
            ("e2e_ms_mean", mean(&counted, "e2e_ms")),
            ("ttft_ms_mean", mean(&counted, "ttft_ms")),
            ("output_tokens_per_request", sum("output_tokens") / counted.len() as f64),
            ("drafted_tokens_per_request", sum("drafted_tokens") / counted.len() as f64),
            ("accuracy_pct", 100.0 * mean(&counted, "correct")),
            ("energy_without_idle_j_per_request", mean(&counted, "energy_j")),
            ("cloud_tflop_per_request", mean(&counted, "cloud_tflop")),
            ("uplink_mb_per_request", sum("uplink_bytes") / counted.len() as f64 / 1e6),
        ];
        for (column, expected) in told {
            let found = summary::number(&row, column);
            assert!((found - expected).abs() <= 1e-6 * expected.abs(), "{column}: {found}, rows say {expected}");
        }
    }
}

/// The digests of the runs of a folder.
fn digests(sim: &Sim, folder: &str) -> Vec<String> {
    let runs = rows(&sim.path(&format!("{folder}/runs.parquet")));
    runs.iter().map(|row| text(row, "journal_digest").to_owned()).collect()
}

#[test]
fn requests_of_the_warm_up_are_kept_as_rows_and_counted_nowhere() {
    let sim = Sim::new().with("loop.toml", CLIENTS);
    let told = sim.done("loop.toml --out whole".split(' '));
    let warning = "loop.toml:9:11: 4 clients start at once and send 6 requests each, fewer than 100: the start";
    let remedy = "leave it out with workload.warm_up = 4, or set workload.requests to 400 or more";
    assert!(told.stderr.contains(&format!("sim: warning: {warning}")) && told.stderr.contains(remedy), "{told:#?}");
    let manifest: Value = serde_json::from_str(&sim.text("whole/manifest.json")).expect("JSON");
    assert!(
        manifest["remark"].as_str().is_some_and(|remark| remark.starts_with("Start: 4 clients start")),
        "{manifest}"
    );

    let first = sim.done("loop.toml --out first --set workload.warm_up=4".split(' '));
    assert!(!first.stderr.contains("warning") && !first.stdout.contains("Start:"), "{first:#?}");
    assert_eq!(digests(&sim, "first"), digests(&sim, "whole"), "it changes no event");
    let all = rows(&sim.path("first/requests.parquet"));
    assert_eq!(all.len(), 2 * 2 * 24);
    assert!(all.iter().all(|row| is_warm_up(&row) == (count(row, "request") < 4)));
    assert!(rows(&sim.path("whole/requests.parquet")).iter().all(|row| !is_warm_up(&row)));
    assert!(
        rows(&sim.path("first/runs.parquet"))
            .iter()
            .all(|row| (count(row, "warm_up"), count(row, "requests")) == (4, 20))
    );
    summary_is_of_the_rest(&sim, "first", 20);

    // Half of the makespan of the first run: some of its requests, and rates from there on.
    let runs = rows(&sim.path("whole/runs.parquet"));
    let half = number(&runs[0], "makespan_s").expect("a makespan") / 2.0;
    let set = format!("workload.warm_up={half:.9} s");
    sim.done(["loop.toml", "--out", "half", "--set", "replications=1", "--set", &set]);
    let runs = rows(&sim.path("half/runs.parquet"));
    let late = rows(&sim.path("half/requests.parquet"));
    let late = late.iter().filter(|row| text(row, "policy") == "cloud_only");
    let (early, late): (Vec<&Row>, Vec<&Row>) = late.partition(|row| number(row, "submit_s") < Some(half));
    assert!(early.iter().all(is_warm_up) && !late.iter().any(is_warm_up) && late.len() > 4);
    assert_eq!((count(&runs[0], "warm_up"), count(&runs[0], "requests")), (early.len() as u64, late.len() as u64));
    assert!((number(&runs[0], "makespan_s").expect("a makespan") - half).abs() < 1e-6);
}

#[test]
fn a_warm_up_that_leaves_nothing_is_refused() {
    let sim =
        Sim::new().with("loop.toml", CLIENTS).with("trace.csv", "arrival_s,input_tokens,output_tokens\n0,5,5\n9,5,5\n");
    let trace = "name = \"t\"\nworkload.dataset.served = \"trace.csv\"\npolicy.cloud_only = {}\n";
    let sim = sim.with("trace.toml", trace);
    let cases = [
        (
            "loop.toml",
            "24",
            "with workload.warm_up = 24: leaves no request: a run has 24 requests; expected a shorter one, or more",
        ),
        ("loop.toml", "1 h", "workload.warm_up leaves no request: all 24 are sent within it, the last after"),
        ("loop.toml", "-1", "integer `-1`, expected a number of requests, e.g. 100, or a time"),
        ("loop.toml", "1.5", "expected a number of requests, e.g. 100, or a time, e.g. \"30 s\""),
        ("loop.toml", "30", "leaves no request"),
        ("loop.toml", "soon", "with workload.warm_up = \"soon\""),
        ("trace.toml", "2", "with workload.warm_up = 2: leaves no request: a run has 2 requests"),
        (
            "trace.toml",
            "9.5 s",
            "workload.warm_up leaves no request: all 2 are sent within it, the last after 9 s; expected a shorter one",
        ),
    ];
    for (file, warm_up, expected) in cases {
        let said = refused(&sim, &[file, "--out", "out", "--set", &format!("workload.warm_up={warm_up}")]);
        assert!(said.contains(expected), "{warm_up}: {said}");
        assert!(!sim.path("out").exists());
    }
    sim.done(["trace.toml", "--out", "out", "--set", "workload.warm_up=9 s"]);
    let marked: Vec<bool> = rows(&sim.path("out/requests.parquet")).iter().map(|row| is_warm_up(&row)).collect();
    assert_eq!(marked, [true, false].repeat(3), "a request at that time is not before it");
}

#[test]
fn a_sweep_and_a_comparison_leave_it_out_too() {
    let swept = format!("{CLIENTS}[sweep]\n\"workload.warm_up\" = [0, 4, \"1 h\"]\n");
    let sim = Sim::new().with("loop.toml", swept);
    let output = sim.run("sweep loop.toml --out out".split(' '));
    assert_eq!(output.code, Some(5), "the last point leaves nothing: {output:#?}");
    let csv = sim.text("out/summary.csv");
    let requests: Vec<(&str, &str)> =
        summary(&csv).iter().map(|row| (row["workload.warm_up"], row["requests"])).collect();
    assert_eq!(requests, [("0", "48"), ("0", "48"), ("4", "40"), ("4", "40"), ("1 h", "0"), ("1 h", "0")]);
    assert!(sim.text("out/failures.csv").contains("workload.warm_up leaves no request"));
    assert!(output.stderr.contains("4 clients start at once"), "{output:#?}");
}
