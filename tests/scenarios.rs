//! Every file in `scenarios/` is parsed and run, shortened.

use crate::support::{Output, Sim, repository};
use std::path::PathBuf;

/// Replays have tests of their own, with models at hand.
const SHORT: [&str; 6] = ["--set", "workload.requests=40", "--set", "replications=1", "--mode", "simulate"];

/// Overrides that shorten sweeps, which have hundreds of points.
const SHORTER: [&str; 8] = [
    "--set",
    "workload.requests=2",
    "--set",
    "replications=1",
    "--set",
    "sweep.link.rtt=[\"5 ms\"]",
    "--set",
    "sweep.link.bandwidth=[\"20 Mbps\"]",
];

fn short(name: &str) -> &'static [&'static str] {
    if name.starts_with("sweep_") { &SHORTER } else { &SHORT }
}

/// Measured files that `scenarios/trace.toml` tells its reader to fetch, in small.
const ARRIVALS: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
    2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n2023-11-16 18:15:51.2224670,879,55\n";
const BANDWIDTH: &str = "t_s,uplink_mbps,downlink_mbps\n0,40,300\n1,5,80\n2,25.5,210\n";

/// A folder with the scenarios and the files that they name, and the names of the scenarios.
fn copied() -> (Sim, Vec<String>) {
    let mut sim = Sim::new().with("traces/AzureLLMInferenceTrace_conv.csv", ARRIVALS).with("traces/5g.csv", BANDWIDTH);
    for series in ["links/drive.csv", "links/lobby.csv"] {
        sim = sim.with(series, std::fs::read(repository(&format!("scenarios/{series}"))).expect("a series"));
    }
    let mut names = Vec::new();
    let is_scenario = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "toml");
    let entries = std::fs::read_dir(repository("scenarios")).expect("scenarios");
    for path in entries.map(|entry| entry.expect("an entry").path()).filter(is_scenario) {
        let name = path.file_name().and_then(|name| name.to_str()).expect("UTF-8").to_owned();
        sim = sim.with(&name, std::fs::read(&path).expect("a scenario"));
        names.push(name);
    }
    names.sort();
    (sim, names)
}

/// Every scenario runs, without a word of warning, and what `sim show` prints of it runs to the same. The scenario in the results
/// does not tell how it was written, so that two ways of writing one give one file.
#[test]
fn all_run_and_what_show_prints_runs_to_the_same() {
    let (sim, names) = copied();
    for known in ["load.toml", "paper.toml", "speculation.toml", "trace.toml"] {
        assert!(names.iter().any(|name| name == known), "{known} is gone");
    }
    for name in names {
        let shown = sim.done([&["show", name.as_str()], short(&name)].concat());
        assert!(shown.stderr.is_empty(), "{name} has a key without effect: {}", shown.stderr);
        let one = sim.done([&[name.as_str()], short(&name)].concat());
        let folder = format!("results/{}", name.trim_end_matches(".toml"));
        ran_in_peace(&name, &folder, &one);
        assert_eq!(sim.text(&format!("{folder}/scenario.toml")), without_comments(&shown.stdout), "{name}");
        std::fs::write(sim.path("again.toml"), shown.stdout).expect("a file");
        let again = sim.done(["again.toml", "--out", "again"]);
        assert_eq!(again.stdout, one.stdout, "{name}");
        let [one, again] = [sim.tree_of(&folder), sim.tree_of("again")];
        for file in ["scenario.toml", "requests.parquet"] {
            assert!(one[file] == again[file], "{name}: {file}");
        }
    }
}

/// Fails unless a run has a table, and no warning but those of its shortness.
fn ran_in_peace(name: &str, folder: &str, Output { stdout, stderr, .. }: &Output) {
    assert!(stderr.ends_with(&format!("results in {folder}\n")), "{name} writes elsewhere: {stderr}");
    // Here the runs are short, and so is the trace that stands in for the downloaded one.
    let of_shortness =
        |line: &str| line.ends_with(" has 3: those are run") || line.contains(" start at once and send ");
    // Requests without pictures have no published accuracy of these models, and the table says so.
    let of_accuracy = |line: &str| {
        matches!(name, "trace.toml" | "served_llamacpp.toml" | "spec_stop_testbed.toml" | "classes.toml")
            && line.contains("accuracy: source paper has no figures on ")
    };
    let is_told = |line: &&str| line.contains("warning") && !of_shortness(line) && !of_accuracy(line);
    let warnings = stderr.lines().filter(is_told);
    assert_eq!(warnings.count(), 0, "{name} has a key without effect, or rejects or cuts: {stderr}");
    assert!(stdout.starts_with("policy ") && stdout.lines().count() > 1, "{stdout}");
}

/// The shown text without its comments on origins, and without the absent keys at its end.
fn without_comments(shown: &str) -> String {
    let shown = shown.split_once("\n# Absent keys").map_or(shown, |(shown, _)| shown);
    let line = |line: &str| format!("{}\n", line.split("  # ").next().unwrap_or_default().trim_end());
    shown.lines().map(line).collect()
}

#[test]
fn show_says_where_each_value_is_from() {
    let (sim, _) = copied();
    let shown = |args: &[&str]| {
        let text = sim.done([&["show"], args].concat()).stdout;
        let (text, absent) = text.split_once("\n# Absent keys").expect("absent keys");
        assert!(absent.contains("#   edge.kv_blocks "), "{absent}");
        let mut table = String::new();
        let mut origins = std::collections::BTreeMap::new();
        for line in text.lines() {
            if let Some((entry, origin)) = line.rsplit_once("  # ") {
                let (key, _) = entry.split_once(" = ").unwrap_or_else(|| panic!("{line}"));
                origins.insert(format!("{table}{key}"), origin.to_owned());
            } else if let Some(name) = line.strip_prefix('[') {
                table = format!("{}.", name.trim_matches(['[', ']']));
            } else {
                assert_eq!(line, "", "no comment");
            }
        }
        origins
    };
    let origins = shown(&["paper.toml", "--seed", "7", "--mode", "simulate", "--set", "edge.tuning={floor=\"1 ms\"}"]);
    for (key, origin) in [
        ("name", "set"),
        ("seed", "set"),
        ("mode", "set"),
        ("edge.device", "set"),
        ("edge.tuning.floor", "set"),
        ("edge.batch.items", "default"),
        ("link.rtt", "set"),
        ("link.bandwidth", "swept"),
        ("workload.dataset", "swept"),
        ("workload.requests", "set"),
        ("arrivals.closed_loop.clients", "set"),
        ("arrivals.closed_loop.think", "default"),
        ("tokens.two_state.stay", "default"),
        ("policy.msao.theta.delta", "default"),
        ("sweep.\"link.bandwidth\"", "set"),
    ] {
        assert_eq!(origins.get(key).map(String::as_str), Some(origin), "{key} of {origins:#?}");
    }
    let origins = shown(&["load.toml"]);
    assert_eq!(origins["arrivals.poisson.rate"], "swept");
    let origins = shown(&["speculation.toml"]);
    assert_eq!(origins["policy.speculative.draft_during_verify.pipelined"], "set");
    assert_eq!(origins["workload.dataset.custom.width"], "set");
}

#[test]
fn what_show_prints_is_a_fixed_point() {
    let (sim, names) = copied();
    for name in names {
        let shown = sim.done(["show", &name]).stdout;
        assert!(toml::from_str::<toml::Table>(&shown).is_ok(), "{shown}");
        // Shown in another folder: the files that it names are found from anywhere.
        std::fs::create_dir_all(sim.path("shown")).expect("a folder");
        std::fs::write(sim.path("shown/again.toml"), &shown).expect("a file");
        let again = sim.done(["show", "shown/again.toml"]).stdout;
        assert_eq!(without_comments(&again), without_comments(&shown), "{name}");
        assert!(shown.contains("# default") && !again.contains("# default"), "what was shown is set now: {again}");
    }
}

/// A key that the sweep varies can be given other values from the command line.
#[test]
fn a_sweep_is_changed_from_the_command_line() {
    let (sim, _) = copied();
    let set = ["--set", "sweep.link.bandwidth=[\"50 Mbps\"]", "--set", "sweep.workload.dataset=[\"mmbench\"]"];
    let table = sim.done([&["paper.toml"], &set[..], &SHORT[..]].concat()).stdout;
    assert_eq!(table.lines().count(), 1 + 4, "{table}");
    assert!(table.lines().skip(1).all(|row| row.contains(" mmbench ") && row.contains(" 50 ")), "{table}");
}
