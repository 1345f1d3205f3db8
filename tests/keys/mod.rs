//! The open points of the papers: each is a key, and each alternative moves the figures the way that it should.
//!
//! [`cases`] is the table; [`exact`] has what can be worked out by hand. `docs/semantics.md` lists the same points, and a
//! test here holds the two together.

mod cases;
mod exact;

use crate::parquet_file::{number as field, rows};
use crate::summary::summary;
use crate::support::{Sim, repository};
use cases::CASES;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The effect of an alternative on a figure.
#[derive(Clone, Copy, Debug)]
enum Move {
    /// It grows, to at least so many times what it was.
    Rises(f64),
    /// It shrinks, to at most so many times what it was.
    Falls(f64),
    /// It stays, to the last digit.
    Same,
    /// So much is added, up to rounding.
    Adds(f64),
    /// It is this, whatever it was.
    Becomes(f64),
}

/// An alternative at one of the points.
struct Case {
    /// The point, as `docs/semantics.md` names it.
    point: &'static str,
    policy: &'static str,
    /// Other settings, in both runs.
    beside: &'static [&'static str],
    /// The alternative, as `key=value`.
    set: &'static str,
    /// Column of the summary, or `requests:` and a column of the requests, of which the mean is taken; and what it does.
    moves: &'static [(&'static str, Move)],
}

/// 40 photos with answers of 60 tokens, over an ideal link: windows hide what small changes of bytes do.
fn scenario(policy: &str) -> Sim {
    let photo = "{ custom = { width = 640, height = 480, text_tokens = 30, output_tokens = 60 } }";
    let text = format!(
        "name = \"s\"\nreplications = 1\naccuracy.dataset = \"vqav2\"\nlink.transport = \"ideal\"\n[workload]\nrequests = 40\ndataset = {photo}\n[policy.{policy}]\n"
    );
    Sim::new().with("s.toml", text)
}

/// The figures of a run.
type Figures = BTreeMap<String, f64>;

/// Runs a policy with these keys set.
fn run(policy: &str, set: &[&str]) -> Figures {
    let sim = scenario(policy);
    let set = set.iter().flat_map(|set| ["--set", set]);
    sim.done(["s.toml", "--out", "out"].into_iter().chain(set));
    let csv = sim.text("out/summary.csv");
    let parsed = |(column, text): (&&str, &&str)| Some(((*column).to_owned(), text.parse().ok()?));
    let mut figures: Figures = summary(&csv)[0].iter().filter_map(parsed).collect();
    let requests = rows(&sim.path("out/requests.parquet"));
    for column in ["retention_text", "mas_visual"] {
        let values: Vec<f64> = requests.iter().filter_map(|row| field(row, column)).collect();
        if !values.is_empty() {
            figures.insert(format!("requests:{column}"), values.iter().sum::<f64>() / values.len() as f64);
        }
    }
    figures
}

/// True if a figure has moved so. One that does not apply, as a ratio to nothing, counts as 0.
fn has_moved(before: f64, after: f64, how: Move) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * a.abs().max(1.0);
    match how {
        Move::Rises(factor) => after > before && after >= before * factor,
        Move::Falls(factor) => after < before && after <= before * factor,
        Move::Same => after == before,
        Move::Adds(amount) => near(after - before, amount),
        Move::Becomes(value) => near(after, value),
    }
}

#[test]
fn every_alternative_moves_the_figures_as_it_should() {
    let mut wrong = Vec::new();
    for Case { point, policy, beside, set, moves } in CASES {
        let before = run(policy, beside);
        let after = run(policy, &[beside, &[*set][..]].concat());
        for (column, how) in *moves {
            let [before, after] = [&before, &after].map(|figures| figures.get(*column).copied().unwrap_or(0.0));
            if !has_moved(before, after, *how) {
                wrong.push(format!("{point}: {set}: {column} went from {before} to {after}, expected {how:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A row of the table in `docs/semantics.md`.
struct Point {
    name: String,
    keys: Vec<String>,
    /// None for a key that is absent by default.
    default: Option<String>,
    alternatives: Vec<String>,
}

/// The texts between backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn points() -> Vec<Point> {
    let text = std::fs::read_to_string(repository("docs/semantics.md")).expect("docs/semantics.md");
    let (_, section) = text.split_once("\n## Keys\n").expect("a section of keys");
    let section = section.split("\n## ").next().unwrap_or_default();
    let table = section.lines().filter(|line| line.starts_with("| `"));
    table
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [name, keys, default, alternatives] = cells[..] else { panic!("{line}: expected four cells") };
            Point {
                name: quoted(name)[0].clone(),
                keys: quoted(keys),
                default: quoted(default).into_iter().next(),
                alternatives: quoted(alternatives),
            }
        })
        .collect()
}

#[test]
fn the_document_and_the_table_have_the_same_points() {
    let mut known: Vec<&str> = CASES.iter().map(|case| case.point).collect();
    known.dedup();
    let points = points();
    assert_eq!(points.iter().map(|point| point.name.as_str()).collect::<Vec<_>>(), known);
    for Point { name, keys, alternatives, .. } in &points {
        let sets: Vec<&str> = CASES.iter().filter(|case| case.point == name).map(|case| case.set).collect();
        for key in keys {
            assert!(sets.iter().any(|set| set.starts_with(key)), "{name}: no case sets {key}");
        }
        for word in alternatives {
            let is_value = |set: &&str| set.ends_with(&format!("={word}"));
            let is_variant = |set: &&str| set.contains(&format!(".{word}.")) || set.contains(&format!(".{word}="));
            let is_set = |set: &&str| is_value(set) || is_variant(set);
            assert!(sets.iter().any(is_set), "{name}: no case has the alternative {word}");
        }
    }
}

/// True if a schema has a key, in any variant.
fn has(root: &Value, schema: &Value, path: &[&str]) -> bool {
    let Some((name, rest)) = path.split_first() else { return true };
    if let Some(pointer) = schema["$ref"].as_str() {
        return root.pointer(pointer.trim_start_matches('#')).is_some_and(|schema| has(root, schema, path));
    }
    let below = schema["properties"].get(*name).is_some_and(|schema| has(root, schema, rest));
    let variants = ["anyOf", "oneOf"].iter().filter_map(|word| schema[*word].as_array()).flatten();
    below || variants.into_iter().any(|schema| has(root, schema, path))
}

#[test]
fn the_schema_has_every_key() {
    let schema: Value = serde_json::from_str(&Sim::new().done(["schema"]).stdout).expect("JSON");
    for key in points().iter().flat_map(|point| &point.keys) {
        assert!(has(&schema, &schema, &key.split('.').collect::<Vec<_>>()), "{key}");
    }
}

/// The keys that `sim show` prints, with their value and where that is from.
fn shown(sim: &Sim) -> BTreeMap<String, (String, String)> {
    let text = sim.done(["show", "s.toml"]).stdout;
    let mut table = String::new();
    let mut shown = BTreeMap::new();
    // Comments tell of the keys that are absent.
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some((key, rest)) = line.split_once(" = ") {
            let (value, origin) = rest.rsplit_once("  # ").unwrap_or_else(|| panic!("{line}"));
            let value = value.trim().trim_matches('"').to_owned();
            shown.insert(format!("{table}{key}"), (value, origin.to_owned()));
        } else if line.starts_with('[') {
            table = format!("{}.", line.split("  #").next().unwrap_or_default().trim().trim_matches(['[', ']']));
        }
    }
    shown
}

#[test]
fn show_prints_every_key_with_its_default() {
    let policies: BTreeSet<&str> = CASES.iter().map(|case| case.policy).collect();
    let tables = policies.iter().map(|policy| format!("[policy.{policy}]\n")).collect::<String>();
    let sim = Sim::new().with("s.toml", format!("name = \"s\"\nworkload.dataset = \"vqav2\"\n{tables}"));
    let shown = shown(&sim);
    for Point { keys, default, .. } in points() {
        for key in keys {
            let Some(default) = &default else {
                assert!(!shown.keys().any(|path| path.starts_with(&key)), "{key} is not absent");
                continue;
            };
            let below = format!("{key}.{default}.");
            let found = shown.iter().find(|(path, _)| **path == key || path.starts_with(&below));
            let Some((path, (value, origin))) = found else { panic!("{key} is not shown: {shown:#?}") };
            assert_eq!(origin, "default", "{path}");
            assert!(path.starts_with(&below) || value == default, "{key} = {value}, not {default}");
        }
    }
}
