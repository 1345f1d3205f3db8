//! `sim list`, through the real binary.

use crate::support::{Sim, repository};
use serde_json::Value;

/// The lists, with a key that names each line.
const LISTS: [(&str, &str); 11] = [
    ("devices", "name"),
    ("models", "name"),
    ("engines", "name"),
    ("interconnects", "name"),
    ("routers", "name"),
    ("policies", "name"),
    ("datasets", "name"),
    ("sources", "name"),
    ("metrics", "name"),
    ("columns", "name"),
    ("profiles", "file"),
];

/// A folder with the shipped profiles where `sim list profiles` looks.
fn sim() -> Sim {
    let profile = std::fs::read(repository("scenarios/profiles/rtx-3090.toml")).expect("a profile");
    Sim::new().with("scenarios/profiles/rtx-3090.toml", profile)
}

fn listed(sim: &Sim, list: &str) -> Vec<Value> {
    let output = sim.done(["list", list, "--json"]);
    assert_eq!(output.stderr, "", "{list}");
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{list}: {error}: {}", output.stdout))
}

#[test]
fn every_list_is_a_table_and_an_array_of_the_same_lines() {
    let sim = sim();
    for (list, key) in LISTS {
        let table = sim.done(["list", list]).stdout;
        assert!(table.lines().all(|line| line.chars().count() <= 100), "{list}:\n{table}");
        let lines = listed(&sim, list);
        assert!(!lines.is_empty(), "{list}");
        for line in lines {
            let name = line[key].as_str().unwrap_or_else(|| panic!("{list}: {line}"));
            assert!(table.contains(name), "{list}: no {name} in\n{table}");
        }
    }
}

#[test]
fn list_alone_says_which_lists_there_are() {
    let sim = sim();
    let told = sim.done(["list"]).stdout;
    let first = told.lines().skip(1).filter(|line| !line.starts_with(' '));
    let names: Vec<&str> = first.filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, LISTS.map(|(list, _)| list));
    let lists: Vec<Value> = serde_json::from_str(&sim.done(["list", "--json"]).stdout).expect("JSON");
    assert_eq!(lists.len(), LISTS.len());
}

#[test]
fn listed_names_are_names_that_a_scenario_may_have() {
    let sim = Sim::small();
    for (list, keys) in [("devices", ["edge.device"]), ("models", ["cloud.model"]), ("engines", ["edge.engine"])] {
        let first = &listed(&sim, list)[0]["name"];
        sim.done(["show", "small.toml", "--set", &format!("{}={first}", keys[0])]);
    }
    let device = listed(&sim, "devices").into_iter().find(|device| device["name"] == "rtx-3090").expect("a device");
    assert_eq!((device["memory_gib"].as_f64(), device["bandwidth_gb_per_s"].as_f64()), (Some(24.0), Some(936.0)));
    let policies = listed(&sim, "policies");
    assert!(policies.iter().any(|policy| policy["name"] == "msao"), "{policies:?}");
    let columns = listed(&sim, "columns");
    let e2e = columns.iter().find(|column| column["table"] == "requests" && column["name"] == "e2e_ms");
    assert_eq!(e2e.expect("a column")["unit"], "ms");
}

#[test]
fn a_folder_without_profiles_is_refused() {
    let sim = Sim::new().with("empty/note.txt", "");
    let output = sim.run(["list", "profiles"]);
    assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""));
    assert!(output.stderr.contains("cannot read scenarios/profiles: "), "{}", output.stderr);
    assert!(output.stderr.ends_with("files that `sim calibrate` writes; name their folder with --dir\n"));
    let empty = sim.run(["list", "profiles", "--dir", "empty"]).stderr;
    assert!(empty.starts_with("sim: empty: found no .toml file; "), "{empty}");
}
