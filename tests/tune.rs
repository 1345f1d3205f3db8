//! `sim tune` and `--until-ci`, through the binary.

use crate::parquet_file::{count, number, rows, text};
use crate::support::Sim;
use std::collections::BTreeSet;

/// A grid of 180 points, of which the best for `speculative` lies inside.
const GRID: &str = "\
name = \"grid\"
replications = 2
workload = { dataset = \"vqav2\", requests = 10, output_tokens = 40 }
policy.speculative = {}
policy.cloud_only = {}
[sweep]
\"policy.speculative.n_draft\" = { from = 1, to = 12, step = 1 }
\"link.rtt\" = [\"80 ms\", \"60 ms\", \"40 ms\"]
\"policy.speculative.draft_during_verify\" = [\"blocking\", { pipelined = 2 }, { pipelined = 3 }, { pipelined = 4 }, { pipelined = 6 }]
";

#[test]
fn a_search_finds_what_the_grid_has_in_fewer_points() {
    let sim = Sim::new().with("grid.toml", GRID);
    let output =
        sim.done("tune grid.toml --minimise e2e_ms_mean --policy speculative --out tuned --points 60".split(' '));
    assert!(output.stderr.contains("the grid has 180 points and would have taken about"), "{output:#?}");
    sim.done("sweep grid.toml --out whole".split(' '));
    let of = |folder: &str| {
        let mut rows = rows(&sim.path(&format!("{folder}/summary.parquet")));
        rows.retain(|row| text(row, "policy") == "speculative");
        rows
    };
    let best =
        |folder: &str| of(folder).iter().filter_map(|row| number(row, "e2e_ms_mean")).fold(f64::INFINITY, f64::min);
    let (found, there) = (best("tuned"), best("whole"));
    assert!(found <= 1.02 * there, "{found} ms, {there} ms in the grid");
    assert!(of("tuned").len() <= 60);
    // What it ran is what the grid has there.
    let runs = |folder: &str| {
        let rows = rows(&sim.path(&format!("{folder}/runs.parquet"))).into_iter();
        rows.map(|row| format!("{row:?}")).collect::<BTreeSet<_>>()
    };
    assert!(runs("tuned").is_subset(&runs("whole")));
    let again = sim.done(
        "tune grid.toml --minimise e2e_ms_mean --policy speculative --out again --points 60 --threads 1".split(' '),
    );
    assert_eq!(again.stdout, output.stdout);
    assert_eq!(sim.tree_of("again")["runs.parquet"], sim.tree_of("tuned")["runs.parquet"]);
}

#[test]
fn constraints_hold_of_what_is_found() {
    let sim = Sim::new().with("grid.toml", GRID);
    let bound = "wasted_tokens_per_request <= 30";
    let mut args: Vec<&str> =
        "tune grid.toml --minimise e2e_ms_mean --policy speculative --out tuned --subject-to".split(' ').collect();
    args.push(bound);
    let output = sim.done(args);
    let wasted = |row: &crate::parquet_file::Row| number(row, "wasted_tokens_per_request").expect("a number");
    let latency = |row: &crate::parquet_file::Row| number(row, "e2e_ms_mean").expect("a number");
    let rows = rows(&sim.path("tuned/summary.parquet"));
    let (held, broken): (Vec<_>, Vec<_>) = rows.iter().partition(|row| wasted(row) <= 30.0);
    assert!(!held.is_empty() && !broken.is_empty(), "{output:#?}");
    let best = held.iter().map(|row| latency(row)).fold(f64::INFINITY, f64::min);
    let told = output.stdout.lines().find(|line| line.ends_with(" best")).unwrap_or_default();
    let is_best = |word: &str| word.parse::<f64>().is_ok_and(|found| (found / best - 1.0).abs() < 1e-4);
    assert!(told.split_whitespace().any(is_best), "{best}: {output:#?}");
}

#[test]
fn what_cannot_be_tuned_is_refused() {
    let sim = Sim::new().with("grid.toml", GRID);
    let mut said = Vec::new();
    for args in [
        vec!["tune", "grid.toml"],
        vec!["tune", "grid.toml", "--minimise", "e2e_ms_mean"],
        vec!["tune", "grid.toml", "--minimise", "e2e_ms_mean", "--policy", "msao"],
        vec!["tune", "grid.toml", "--minimise", "e2e_mean", "--policy", "speculative"],
        vec![
            "tune",
            "grid.toml",
            "--minimise",
            "e2e_ms_mean",
            "--policy",
            "speculative",
            "--subject-to",
            "accuracy = 3",
        ],
        vec!["grid.toml", "--until-ci", "0%"],
        vec!["grid.toml", "--until-ci", "1"],
        vec!["grid.toml", "--until-ci", "1%", "--ci-metric", "e2e"],
    ] {
        let output = sim.run(&args);
        assert_eq!(output.code, Some(2), "{output:#?}");
        said.push(format!("$ sim {}\n{}", args.join(" "), output.stderr));
    }
    insta::assert_snapshot!(said.join("\n"));
    assert_eq!(sim.names(""), ["grid.toml"]);
}

#[test]
fn replications_are_added_until_the_interval_is_narrow() {
    let sim = Sim::small();
    let until = |share: &str, out: &str, more: &str| {
        let output =
            sim.done(format!("small.toml --set link.transport=ideal --until-ci {share} --out {out}{more}").split(' '));
        let summary = rows(&sim.path(&format!("{out}/summary.parquet")));
        let [mean, half] =
            ["e2e_ms_mean", "e2e_ms_mean_ci95"].map(|column| number(&summary[0], column).expect("a number"));
        (count(&summary[0], "replications"), half / mean, output.stderr)
    };
    let (few, wide, _) = until("10%", "few", "");
    let (many, narrow, said) = until("2%", "many", "");
    assert!(wide <= 0.1 && narrow <= 0.02 && many > few, "{few}, {many}");
    assert!(said.contains(&format!("after {many} replications")), "{said}");
    // The resolved scenario says how many, so it gives the same without being asked.
    sim.done("many/scenario.toml --out again".split(' '));
    for table in ["requests.parquet", "runs.parquet", "summary.csv"] {
        assert_eq!(sim.tree_of("again")[table], sim.tree_of("many")[table], "{table}");
    }
    let (most, _, said) = until("0.01%", "limited", " --max-replications 4");
    assert_eq!(most, 4);
    assert!(said.contains("only, after 4 replications, the most allowed"), "{said}");
}
