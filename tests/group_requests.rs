//! Groups of edges with requests of their own: a dataset, or a trace that a group plays at its times.

use crate::parquet_file::{Row, count, number, rows, text};
use crate::refusals::refused;
use crate::support::Sim;
use std::collections::BTreeMap;

/// Phones ask about pictures; sensors play a log.
const GROUPS: &str = "\
name = \"groups\"
replications = 1
policy.cloud_only = {}
policy.cloud_pruned = {}
[workload]
dataset = \"vqav2\"
requests = 40
[arrivals.poisson]
rate = \"2 /s\"
[edges.phone]
count = 2
[edges.sensor]
count = 3
dataset.served = \"log.csv\"
";

/// Five texts, of 201 to 205 tokens.
const LOG: &str = "arrival_s,input_tokens,output_tokens\n7,201,11\n8,202,12\n9.5,203,13\n12,204,14\n15,205,15\n";

fn groups() -> Sim {
    Sim::new().with("groups.toml", GROUPS).with("log.csv", LOG)
}

/// [`GROUPS`] with one text in the place of another, which is there.
fn with(old: &str, new: &str) -> Sim {
    assert!(GROUPS.contains(old), "{old}");
    Sim::new().with("groups.toml", GROUPS.replace(old, new)).with("log.csv", LOG)
}

/// Rows of a policy's requests that came in at a group, in their order.
fn of<'r>(all: &'r [Row], policy: &str, group: &str) -> Vec<&'r Row> {
    let is_of = |row: &&Row| text(row, "policy") == policy && text(row, "group") == group;
    let mut found: Vec<&Row> = all.iter().filter(is_of).collect();
    found.sort_by_key(|row| count(row, "request"));
    found
}

fn submits(rows: &[&Row]) -> Vec<f64> {
    rows.iter().map(|row| number(row, "submit_s").expect("a time")).collect()
}

#[test]
fn a_group_plays_its_own_trace_beside_the_others() {
    let sim = groups();
    sim.done(["groups.toml", "--out", "out"]);
    let all = rows(&sim.path("out/requests.parquet"));
    let mut numbers: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for policy in ["cloud_only", "cloud_pruned"] {
        let (sensors, phones) = (of(&all, policy, "sensor"), of(&all, policy, "phone"));
        assert_eq!(submits(&sensors), [0.0, 1.0, 2.5, 5.0, 8.0]);
        let tokens = |row: &&Row| (count(row, "text_tokens"), count(row, "visual_tokens"), count(row, "output_tokens"));
        let expected = [(201, 0, 11), (202, 0, 12), (203, 0, 13), (204, 0, 14), (205, 0, 15)];
        assert_eq!(sensors.iter().map(tokens).collect::<Vec<_>>(), expected);
        let edges: Vec<u64> = sensors.iter().map(|row| count(row, "edge")).collect();
        assert_eq!(edges, [2, 3, 4, 2, 3], "edges of the group take turns");
        assert!(phones.len() == 35 && phones.iter().all(|row| count(row, "visual_tokens") > 0));
        numbers.entry(policy).or_default().extend(sensors.iter().map(|row| count(row, "request")));
    }
    assert_eq!(numbers["cloud_only"], numbers["cloud_pruned"], "policies are asked the same");
    // Its own times, at another speed or rate, and other arrivals than its own.
    sim.done(["groups.toml", "--out", "fast", "--set", "edges.sensor.arrivals.trace.speed=2"]);
    let fast = rows(&sim.path("fast/requests.parquet"));
    assert_eq!(submits(&of(&fast, "cloud_only", "sensor")), [0.0, 0.5, 1.25, 2.5, 4.0]);
    sim.done(["groups.toml", "--out", "closed", "--set", "edges.sensor.arrivals.closed_loop.clients=1"]);
    let closed = rows(&sim.path("closed/requests.parquet"));
    assert_eq!(of(&closed, "cloud_only", "sensor").len(), 5, "the trace has no more");
}

#[test]
fn a_dataset_of_a_group_needs_no_arrivals_of_its_own() {
    let sim = with("dataset.served = \"log.csv\"", "dataset = { custom = { name = \"note\", width = 0, height = 0 } }");
    sim.done(["groups.toml", "--out", "out"]);
    let all = rows(&sim.path("out/requests.parquet"));
    let seen = |group: &str| of(&all, "cloud_only", group).iter().filter(|row| count(row, "visual_tokens") > 0).count();
    let many = |group: &str| of(&all, "cloud_only", group).len();
    assert!(seen("sensor") == 0 && many("sensor") > 10 && seen("phone") == many("phone"), "{}", many("sensor"));
}

/// The resolved scenario names its files so that it runs from anywhere.
#[test]
fn the_shown_scenario_gives_the_same_bytes() {
    let sim = groups();
    let shown = sim.done(["show", "groups.toml"]).stdout;
    let sim = sim.with("elsewhere/shown.toml", shown);
    sim.done(["groups.toml", "--out", "one"]);
    sim.done(["elsewhere/shown.toml", "--out", "two"]);
    let bytes = |name: &str| std::fs::read(sim.path(name)).expect("a file");
    assert!(bytes("one/requests.parquet") == bytes("two/requests.parquet"), "the runs differ");
}

/// The scenario plays a trace at its times, and a group without arrivals has a dataset of its own.
fn of_played_trace() -> Sim {
    let text = GROUPS.replace("dataset = \"vqav2\"", "dataset.served = \"log.csv\"");
    let text = text.replace("[arrivals.poisson]\nrate = \"2 /s\"\n", "");
    let text = text.replace("count = 3\ndataset.served = \"log.csv\"", "count = 3\ndataset = \"vqav2\"");
    Sim::new().with("groups.toml", text).with("log.csv", LOG)
}

/// Both groups have a share of the arrivals.
fn of_shares() -> Sim {
    Sim::new().with("groups.toml", GROUPS.replace("count =", "share = 0.5\ncount =")).with("log.csv", LOG)
}

#[test]
fn requests_of_groups_that_cannot_be_are_refused() {
    let mut said = Vec::new();
    let (served, untimed) = ("dataset.served = \"log.csv\"", "input_tokens,output_tokens\n201,11\n");
    for (what, sim) in [
        ("a trace and a share", of_shares()),
        ("times of a trace that is not its own", with(served, "arrivals.trace.speed = 2")),
        ("a trace without times", groups().with("log.csv", untimed)),
        ("a trace without requests", groups().with("log.csv", "arrival_s,input_tokens,output_tokens\n")),
        ("a file that is not there", with(served, "dataset.served = \"lag.csv\"")),
        ("a dataset that there is not", with(served, "dataset = \"vqa\"")),
        ("a dataset of all edges", with("[edges.phone]\ncount = 2\n[edges.sensor]", "[edge]")),
        ("pictures in common", with("requests = 40", "requests = 40\nquestions_per_picture = 2")),
        ("sessions of a trace", with("requests = 40", "requests = 40\nsessions = { turns = 2 }")),
        ("classes beside it", with("[edges.phone]", "[classes.a]\nshare = 0.5\n[classes.b]\n[edges.phone]")),
        ("a part of a trace that is played at its times", of_played_trace()),
    ] {
        said.push(format!("# {what}\n{}", refused(&sim, &["groups.toml"])));
    }
    insta::assert_snapshot!(said.join("\n"));
}
