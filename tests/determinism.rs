//! The same scenario and seed: the same bytes, whatever the number of threads. Another seed: others.

use crate::results::same_results;
use crate::summary::{number, summary};
use crate::support::{Sim, repository};
use std::collections::BTreeMap;

const POLICIES: [&str; 4] = ["cloud_only", "edge_only", "perllm", "msao"];

/// The paper's grid with few requests.
fn paper(sim: &Sim, more: &[&str]) -> String {
    let paper = repository("scenarios/paper.toml");
    let short = ["--set", "workload.requests=60", "--steps", "--tokens"];
    sim.done([&[paper.to_str().expect("UTF-8")], &short[..], more].concat()).stdout
}

#[test]
fn threads_do_not_change_a_byte() {
    let sim = Sim::new();
    let one = paper(&sim, &["--threads", "1", "--out", "one"]);
    let two = paper(&sim, &["--threads", "2", "--out", "two"]);
    assert_eq!(one, two);
    same_results(&sim, "one", "two");
    assert_eq!(paper(&sim, &["--threads", "1000000", "--out", "many"]), one);
    assert_eq!(paper(&sim, &["--twice", "--out", "twice"]), one);
    same_results(&sim, "one", "twice");
}

/// A run with so many edges that it is simulated in parts, on several threads.
#[test]
fn threads_of_one_large_run_do_not_change_a_byte() {
    let sim = Sim::new();
    let metro = repository("scenarios/metro.toml");
    let metro = metro.to_str().expect("UTF-8");
    let short = [
        "--set",
        "edges.headset.count=1000",
        "--set",
        "workload.requests=1200",
        "--set",
        "arrivals.poisson.rate=75 /s",
    ];
    let rows = ["--set", "policy={speculative={draft_during_verify={pipelined=3}}}", "--steps", "--tokens"];
    let run = |more: &[&str]| sim.done([&[metro], &short[..], &rows, more].concat());
    let one = run(&["--threads", "1", "--out", "one"]);
    for threads in ["2", "3"] {
        let several = run(&["--threads", threads, "--out", threads]);
        assert_eq!(
            (&several.stdout, several.stderr.contains("one thread")),
            (&one.stdout, false),
            "{}",
            several.stderr
        );
        same_results(&sim, "one", threads);
    }
    run(&["--threads", "2", "--twice", "--out", "twice"]);
    same_results(&sim, "one", "twice");

    let shared = run(&["--threads", "2", "--out", "shared", "--set", "hop.0.shared_by=all"]);
    assert!(shared.stderr.contains("simulated on one thread, for its edges share a hop"), "{}", shared.stderr);
}

#[test]
fn another_seed_gives_other_results() {
    let sim = Sim::new();
    let one = paper(&sim, &["--seed", "1", "--out", "one"]);
    assert_ne!(paper(&sim, &["--seed", "2", "--out", "two"]), one);
    assert_ne!(sim.tree_of("one")["requests.parquet"], sim.tree_of("two")["requests.parquet"]);
    assert_eq!(paper(&sim, &["--set", "seed=1", "--out", "again"]), one);
}

#[test]
fn every_seed_runs_twice_alike() {
    let sim = Sim::small();
    for seed in ["0", "3", "9223372036854775807"] {
        sim.done(["small.toml", "--twice", "--seed", seed, "--set", "policy.msao={}", "--set", "link.loss=2 %"]);
    }
}

#[test]
fn the_table_is_stable() {
    insta::assert_snapshot!(paper(&Sim::new(), &[]));
}

#[test]
fn the_papers_grid_is_what_it_should_be() {
    let sim = Sim::new();
    let table = paper(&sim, &["--out", "out"]);
    let csv = sim.text("out/summary.csv");
    let rows = summary(&csv);
    assert_eq!(rows.len(), POLICIES.len() * 2 * 3);
    assert_eq!(table.lines().count(), 1 + rows.len());
    for point in rows.chunks(POLICIES.len()) {
        let of: BTreeMap<&str, _> = point.iter().map(|row| (row["policy"], row)).collect();
        assert_eq!(point.iter().map(|row| row["policy"]).collect::<Vec<_>>(), POLICIES);
        let value = |policy: &str, column: &str| number(of[policy], column);
        assert!(value("cloud_only", "accuracy_pct") >= value("edge_only", "accuracy_pct"), "{point:?}");
        let uplink = "uplink_mb_per_request";
        assert!(value("msao", uplink) < value("cloud_only", uplink), "{point:?}");
        assert_eq!(value("edge_only", uplink), 0.0);
        assert_eq!(value("edge_only", "cloud_tflop_per_request"), 0.0);
        for row in point {
            assert_eq!((row["requests"], row["completed"], row["rejected"]), ("180", "180", "0"));
            assert_eq!(row["replications"], "3");
            assert!(number(row, "e2e_ms_mean_ci95") > 0.0 && number(row, "ttft_ms_mean_ci95") > 0.0);
            assert!(number(row, "ttft_ms_mean") <= number(row, "e2e_ms_mean"));
        }
    }
}

/// Both are documented as text alone.
#[test]
fn a_picture_without_width_or_height_is_none() {
    let sim = Sim::small();
    let size = |key: &str| sim.done(["small.toml", "--set", &format!("workload.dataset.custom.{key}=0")]).stdout;
    assert_eq!(size("width"), size("height"));
}

#[test]
fn a_single_replication_has_no_interval() {
    let sim = Sim::small();
    let table = sim.done(["small.toml"]).stdout;
    assert!(!table.contains('±'), "{table}");
    let csv = sim.text("results/small/summary.csv");
    let row = &summary(&csv)[0];
    let intervals: Vec<_> = row.iter().filter(|(column, _)| column.ends_with("_ci95")).collect();
    assert!(intervals.len() > 20 && intervals.iter().all(|(_, text)| text.is_empty()), "{intervals:?}");
}
