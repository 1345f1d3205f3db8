//! The list of policies is one: scenarios, schema, help and documents have the same.

use crate::support::{SMALL, Sim, repository};
use policies::{SYSTEMS, System};
use serde_json::Value;
use std::collections::BTreeSet;
use tables::{DecisionRow, TableReader};

fn names() -> Vec<&'static str> {
    SYSTEMS.iter().map(|(name, _)| *name).collect()
}

#[test]
fn the_schema_has_them() {
    let schema: Value = serde_json::from_str(&Sim::new().done(["schema"]).stdout).expect("JSON");
    let properties = schema["$defs"]["PolicyTable"]["properties"].as_object().expect("a table");
    let mut names = names();
    names.sort_unstable();
    assert!(properties.keys().eq(names), "{properties:?}");
    for (name, what) in SYSTEMS {
        let described = properties[*name]["description"].as_str().expect("a description");
        assert!(described.starts_with(what), "{name}: {described}");
    }
}

#[test]
fn the_help_names_them_and_the_list_has_their_sentences() {
    let sim = Sim::new();
    let help = sim.done(["--help"]).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let named = format!("Policies, each a table [policy.NAME] of the scenario: {}.", names().join(", "));
    assert!(help.contains(&named), "{help}");
    let list: Value = serde_json::from_str(&sim.done(["list", "policies", "--json"]).stdout).expect("JSON");
    let listed = list.to_string();
    for (name, what) in SYSTEMS {
        assert!(listed.contains(&format!("\"{name}\"")) && listed.contains(what), "{name}: {listed}");
    }
}

#[test]
fn the_document_has_a_row_and_a_section_for_each() {
    let text = std::fs::read_to_string(repository("docs/policies.md")).expect("docs/policies.md");
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let unquoted = |row: &Vec<&str>| row[0].trim_matches('`').to_owned();
    assert_eq!(rows.iter().map(unquoted).collect::<Vec<_>>(), names());
    for (row, (name, what)) in rows.iter().zip(SYSTEMS) {
        let [_, said, source] = row[..] else { panic!("{row:?}: expected policy, what it is, source") };
        assert_eq!(said, *what, "{name}");
        let path = format!("sim/policies/src/{name}.rs");
        assert_eq!(source, format!("[`{path}`](../{path})"));
        assert!(repository(&path).is_file(), "{path}");
        assert!(text.contains(&format!("\n## `{name}`\n")), "{name} has no section");
    }
    assert_eq!(text.matches("\n## `").count(), SYSTEMS.len(), "a section of a policy that is not there");
}

#[test]
fn the_document_has_a_row_for_each_note() {
    let text = std::fs::read_to_string(repository("docs/policies.md")).expect("docs/policies.md");
    let (_, section) = text.split_once("\n## Notes\n").expect("a section of notes");
    let written: BTreeSet<String> = section
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
        .map(|line| line.split('|').skip(1).take(3).map(str::trim).collect::<Vec<_>>().join("|"))
        .collect();
    let examples = System::examples();
    let notes = examples.iter().flat_map(|(_, system)| system.notes());
    let declared: BTreeSet<String> = notes.map(|note| [note.name, note.unit, note.meaning].join("|")).collect();
    assert_eq!(written, declared);
}

#[test]
fn decisions_are_a_table_only_where_a_policy_notes_any() {
    let perllm = SMALL.replace("replications = 1", "replications = 2") + "[policy.perllm]\n";
    let sim = Sim::small().with("noted.toml", perllm);
    sim.done(["noted.toml", "--out", "noted"]);
    let table = TableReader::<DecisionRow>::open(&sim.path("noted/decisions.parquet")).expect("a table");
    assert_eq!(table.names().last().map(String::as_str), Some("arm"));
    let meaning = "Tier that the bandit chose: 0 the edge, 1 the cloud.";
    assert!(table.notes().contains(&("note.arm".to_owned(), meaning.to_owned())), "{:?}", table.notes());
    let rows: Vec<DecisionRow> = (0..table.groups()).flat_map(|group| table.group(group).expect("rows")).collect();
    assert_eq!(rows.len(), 2 * 5, "a row for each request");
    for DecisionRow { policy, round, notes, .. } in &rows {
        assert_eq!((&**policy, *round), ("perllm", 0));
        assert!(matches!(notes.0[..], [Some(0.0 | 1.0)]), "{notes:?}");
    }
    sim.done(["small.toml", "--out", "unnoted"]);
    assert!(sim.path("unnoted/summary.csv").exists() && !sim.path("unnoted/decisions.parquet").exists());
}
