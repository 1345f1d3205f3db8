//! The JSON Schema of scenarios: every scenario of ours is valid by it, and a key that is not known is not.

use crate::support::{Sim, repository};
use serde_json::Value;

/// The place at which a value is not as the schema has it. Knows what schemars writes, and refuses to judge by a word
/// that it does not know.
fn wrong(root: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    let Some(schema) = schema.as_object() else {
        return (schema == &Value::Bool(false)).then(|| format!("{at}: nothing may stand here"));
    };
    schema.iter().find_map(|(word, rule)| match word.as_str() {
        "$schema" | "$defs" | "title" | "description" | "default" | "format" | "examples" => None,
        "$ref" => {
            let pointer = rule.as_str().expect("a pointer").trim_start_matches('#');
            wrong(root, root.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}")), value, at)
        }
        "type" => (!has_type(rule, value)).then(|| format!("{at}: not a {rule}")),
        "const" => (rule != value).then(|| format!("{at}: not {rule}")),
        "enum" => (!list(rule).contains(value)).then(|| format!("{at}: none of {rule}")),
        "minimum" => (value.as_f64() < rule.as_f64()).then(|| format!("{at}: below {rule}")),
        "minItems" => (list(value).len() < rule.as_u64().map_or(0, |least| least as usize))
            .then(|| format!("{at}: fewer than {rule}")),
        "maximum" => (value.as_f64() > rule.as_f64()).then(|| format!("{at}: above {rule}")),
        "pattern" => (!has_unit(rule, value)).then(|| format!("{at}: not like {rule}")),
        "required" => {
            let missing = list(rule).iter().find(|key| value.get(key.as_str().expect("a key")).is_none());
            missing.map(|key| format!("{at}: no {key}"))
        }
        "properties" => members(rule)
            .find_map(|(key, rule)| value.get(key).and_then(|value| wrong(root, rule, value, &format!("{at}.{key}")))),
        "additionalProperties" => members(value)
            .filter(|(key, _)| schema.get("properties").is_none_or(|known| known.get(key).is_none()))
            .find_map(|(key, value)| wrong(root, rule, value, &format!("{at}.{key}"))),
        "prefixItems" => {
            list(rule).iter().zip(list(value)).find_map(|(rule, one)| wrong(root, rule, one, &format!("{at}[]")))
        }
        "maxItems" => (list(value).len() > rule.as_u64().map_or(usize::MAX, |most| most as usize))
            .then(|| format!("{at}: more than {rule}")),
        "items" => list(value).iter().find_map(|value| wrong(root, rule, value, &format!("{at}[]"))),
        "oneOf" | "anyOf" => {
            let fits = list(rule).iter().filter(|rule| wrong(root, rule, value, at).is_none()).count();
            let wanted = if word == "oneOf" { fits == 1 } else { fits > 0 };
            (!wanted).then(|| format!("{at}: fits {fits} of {word}"))
        }
        other => panic!("{at}: the schema has a word that this test does not know: {other}"),
    })
}

/// Patterns end in the units that there are, `(ns|us|ms)$`; that much of them is looked at.
fn has_unit(pattern: &Value, value: &Value) -> bool {
    let units = pattern.as_str().and_then(|pattern| pattern.strip_suffix(")$")?.rsplit_once('('));
    let (_, units) = units.unwrap_or_else(|| panic!("{pattern} does not end in units"));
    let unit = value.as_str().and_then(|text| text.rsplit_once(' '));
    value.as_str().is_none() || unit.is_some_and(|(_, unit)| units.split('|').any(|known| known == unit))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

fn has_type(rule: &Value, value: &Value) -> bool {
    if let Some(any) = rule.as_array() {
        return any.iter().any(|rule| has_type(rule, value));
    }
    match rule.as_str().expect("a type") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("an unknown type {other}"),
    }
}

fn schema() -> Value {
    serde_json::from_str(&Sim::new().done(["schema"]).stdout).expect("a schema is JSON")
}

fn scenario(text: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Table>(text).expect("TOML")).expect("JSON")
}

#[test]
fn every_scenario_is_valid() {
    let schema = schema();
    let entries = std::fs::read_dir(repository("scenarios")).expect("scenarios");
    let mut seen = 0;
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.extension().is_some_and(|ending| ending == "toml") {
            let written = std::fs::read_to_string(&path).expect("a scenario");
            assert_eq!(wrong(&schema, &schema, &scenario(&written), &path.display().to_string()), None);
            seen += 1;
        }
    }
    assert!(seen >= 4, "{seen} scenarios");
    let shown = Sim::small().done(["show", "small.toml"]).stdout;
    assert_eq!(wrong(&schema, &schema, &scenario(&shown), "shown"), None);
}

#[test]
fn a_wrong_scenario_is_not() {
    let schema = schema();
    let wrong_with = |line: &str| {
        let text = format!("name = \"a\"\n{line}\n[workload]\ndataset = \"vqav2\"\n[policy.msao]\n");
        wrong(&schema, &schema, &scenario(&text), "scenario")
    };
    assert_eq!(wrong_with("link.rtt = \"20 ms\""), None);
    for line in [
        "nme = \"b\"",
        "link.rt = \"20 ms\"",
        "link.rtt = 20",
        "link.rtt = \"20 m\"",
        "link.bandwidth = \"1 MB/s\"",
        "policies = []",
        "arrivals.poison = {}",
        "seed = -1",
        "sweep.\"link.rtt\" = \"20 ms\"",
        "sweep.\"link.rtt\" = { from = 1, to = 2, by = 3 }",
        "sweep.zip = [{ seed = 3 }]",
        "sweep.random = { points = 3 }",
    ] {
        assert!(wrong_with(line).is_some(), "{line} is valid");
    }
}

#[test]
fn every_key_is_described() {
    let schema = schema();
    let tables = std::iter::once(("Scenario", &schema)).chain(members(&schema["$defs"]));
    let keys = tables.flat_map(|(table, schema)| members(&schema["properties"]).map(move |key| (table, key)));
    let bare: Vec<String> = keys
        .filter(|(_, (_, rule))| rule.get("description").is_none())
        .map(|(table, (key, _))| format!("{table}.{key}"))
        .collect();
    assert!(bare.is_empty(), "{bare:?}");
}

/// Words that leave the subject to the reader.
const NO_SUBJECT: [&str; 9] = ["What", "How", "Whether", "Who", "Of", "Where", "When", "Which", "Why"];

/// The descriptions of a schema, each with its path.
fn descriptions(schema: &Value, at: &str, found: &mut Vec<(String, String)>) {
    match schema {
        Value::Object(keys) => {
            if let Some(Value::String(text)) = keys.get("description") {
                found.push((at.to_owned(), text.clone()));
            }
            keys.iter().for_each(|(key, value)| descriptions(value, &format!("{at}/{key}"), found));
        }
        Value::Array(values) => values.iter().for_each(|value| descriptions(value, at, found)),
        _ => {}
    }
}

#[test]
fn every_description_begins_with_its_subject() {
    let mut found = Vec::new();
    descriptions(&schema(), "", &mut found);
    assert!(found.len() > 300, "{} descriptions", found.len());
    let lacks = |(at, text): (String, String)| {
        let first = text.split_whitespace().next().unwrap_or_default();
        NO_SUBJECT.contains(&first).then(|| format!("{at}: {text}"))
    };
    let faults: Vec<String> = found.into_iter().filter_map(lacks).collect();
    assert!(faults.is_empty(), "descriptions that do not begin with their subject:\n{}", faults.join("\n"));
}

/// Editors find the schema by the first line of a scenario: `#:schema` and a file beside it.
#[test]
fn scenarios_name_the_schema_that_is_kept_beside_them() {
    let kept = repository("scenarios/scenario.schema.json");
    let now = Sim::new().done(["schema"]).stdout;
    if std::env::var_os("SCHEMA_UPDATE").is_some() {
        std::fs::write(&kept, &now).expect("the schema can be written");
    }
    let same = std::fs::read_to_string(&kept).is_ok_and(|text| text == now);
    assert!(
        same,
        "scenarios/scenario.schema.json is out of date: run SCHEMA_UPDATE=1 cargo nextest run -p sim schema::"
    );
    let mut scenarios = 0;
    for (folder, line) in [("scenarios", "#:schema ./"), ("scenarios/regression", "#:schema ../")] {
        for entry in std::fs::read_dir(repository(folder)).expect("scenarios") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("UTF-8").to_owned();
            if !name.ends_with(".toml") || name.ends_with(".baseline.toml") {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a scenario");
            assert_eq!(text.lines().next(), Some(format!("{line}scenario.schema.json").as_str()), "{folder}/{name}");
            scenarios += 1;
        }
    }
    assert!(scenarios > 40, "{scenarios} scenarios");
}
