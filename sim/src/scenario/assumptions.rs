//! The assumptions of a scenario: the keys that it sets to other values than the default. A paper's figure may be
//! reproduced only under them, and a reader wants to know which.

use super::keys;
use super::{Mode, Replay, Scenario};
use policies::SYSTEMS;
use serde_json::{Map, Value as Json, json};
use toml::{Table, Value};

/// Keys that name, repeat, judge or sweep a scenario; they assume nothing.
const NOT_ASSUMED: [&str; 11] = [
    "name",
    "description",
    "mode",
    "seed",
    "replications",
    "point_seeds",
    "slo",
    "costs",
    "sweep",
    "workload.requests",
    "workload.dataset",
];

/// Policies have settings of their own; the bandwidth is a column of every table.
const ELSEWHERE: [&str; 2] = ["policy", "link.bandwidth"];

/// The keys outside the policies that are not at their default, each with its value as text. A custom device, model or dataset is one.
pub fn assumptions(scenario: &Scenario) -> Map<String, Json> {
    let default = Scenario { replay: scenario.replay.as_ref().map(|_| Replay::of_nothing()), ..default_scenario() };
    let (own, mut default) = (table(scenario), table(&default));
    // The keys of each group and pool are held against those that the table of one kind has.
    let groups = scenario.edges.keys().map(|name| ("edges", "edge", name));
    for (tables, one, name) in groups.chain(scenario.pools.keys().map(|name| ("pools", "cloud", name))) {
        let usual = default[one].clone();
        let all = default.entry(tables).or_insert_with(|| Value::Table(Table::new()));
        all.as_table_mut().expect("a table of tables").insert(name.clone(), usual);
    }
    let mut assumed = differences(&own, &default);
    let under = |key: &str, part: &str| key == part || key.starts_with(&format!("{part}."));
    assumed.retain(|key, _| !NOT_ASSUMED.iter().chain(&ELSEWHERE).any(|part| under(key, part)));
    assumed.retain(|key, _| scenario.mode == Mode::Replay || !under(key, "replay"));
    assumed.retain(|key, _| !["device", "model", "dataset"].iter().any(|own| under(key, own)));
    let given = |own: &'static str| move |name: &String| (format!("{own}.{name}"), json!("given"));
    assumed.extend(scenario.device.keys().map(given("device")).chain(scenario.model.keys().map(given("model"))));
    assumed.extend(scenario.dataset.keys().map(given("dataset")));
    assumed
}

/// The default of each key that is swept, as text; none of a key that has no default.
pub fn defaults_of<'k>(swept: impl Iterator<Item = &'k str>) -> Map<String, Json> {
    let default = table(&default_scenario());
    swept.filter_map(|key| Some((key.to_owned(), plain(at(&default, key)?)))).collect()
}

/// The value of a key in a scenario with all its defaults; none of a key that is not set and has no default.
pub fn value_of(scenario: &Scenario, key: &str) -> Option<Value> {
    let table = table(scenario);
    find(&table, &keys::canonical(&table, &keys::parts(key))).cloned()
}

/// Each policy by its label, in the order of the tables: which system it is, and its settings that are not at their default.
pub fn policies(scenario: &Scenario) -> Vec<Json> {
    let (own, default) = (table(scenario), table(&default_scenario()));
    let labels = scenario.policy.systems().into_iter().map(|(label, _)| label);
    let told = labels.zip(scenario.policy.paths()).map(|(label, path)| {
        let kind = path.split('.').nth(1).unwrap_or_default();
        let settings = own["policy"].get(kind).and_then(|written| one_of(written, path.split('.').nth(2)));
        let defaults = default["policy"].get(kind).and_then(|written| one_of(written, None));
        let settings = settings.zip(defaults).map(|(own, default)| differences(own, default)).unwrap_or_default();
        let settings: Map<String, Json> = settings.into_iter().filter(|(key, _)| key != "label").collect();
        json!({ "label": label, "kind": kind, "settings": settings })
    });
    told.collect()
}

/// A system's table: the one, or the one of that number.
fn one_of<'t>(written: &'t Value, number: Option<&str>) -> Option<&'t Table> {
    match written {
        Value::Table(one) => Some(one),
        Value::Array(many) => many.get(number.map_or(Ok(0), str::parse).ok()?)?.as_table(),
        _ => None,
    }
}

/// Every key of `own` whose value is another than in `default`.
fn differences(own: &Table, default: &Table) -> Map<String, Json> {
    let mut paths = keys::leaves(own);
    paths.retain(|path| find(own, path) != find(default, path));
    paths.iter().filter_map(|path| Some((path.join("."), plain(find(own, path)?)))).collect()
}

fn at<'t>(table: &'t Table, key: &str) -> Option<&'t Value> {
    find(table, &key.split('.').map(str::to_owned).collect::<Vec<_>>())
}

fn find<'t>(table: &'t Table, path: &[String]) -> Option<&'t Value> {
    let (last, way) = path.split_last()?;
    let table = way.iter().try_fold(table, |table, name| table.get(name)?.as_table());
    table?.get(last)
}

/// A value as it is shown: text without its quotes.
fn plain(value: &Value) -> Json {
    json!(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

fn table(scenario: &Scenario) -> Table {
    let text = toml::to_string(scenario).expect("a scenario is TOML");
    toml::from_str(&text).expect("TOML")
}

/// Nothing set but what must be, with one policy of each system.
fn default_scenario() -> Scenario {
    let policies: String = SYSTEMS.iter().map(|(name, _)| format!("[policy.{name}]\n")).collect();
    let text = format!("name = \"default\"\n[workload]\ndataset = \"vqav2\"\n{policies}");
    toml::from_str(&text).expect("a scenario of defaults")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::read::testing::source;

    fn assumed(text: &str) -> (Map<String, Json>, Vec<Json>) {
        let (_, scenario) = source(text);
        (assumptions(&scenario), policies(&scenario))
    }

    const START: &str = "name = \"x\"\nseed = 7\n[workload]\ndataset = \"mmbench\"\nrequests = 5\n";

    #[test]
    fn defaults_assume_nothing() {
        let text = format!(
            "{START}[edge]\nengine = \"vllm\"\n[link]\nbandwidth = \"200 Mbps\"\n[policy.msao]\n[policy.cloud_only]\n"
        );
        let (assumed, policies) = assumed(&text);
        assert!(assumed.is_empty(), "{assumed:?}");
        assert_eq!(
            policies,
            [
                json!({ "label": "cloud_only", "kind": "cloud_only", "settings": {} }),
                json!({ "label": "msao", "kind": "msao", "settings": {} }),
            ]
        );
    }

    #[test]
    fn what_is_set_otherwise_is_told() {
        let text = format!(
            "{START}output_tokens = 104\n[edge]\nengine = \"hf\"\n[arrivals.poisson]\nrate = \"2 /s\"\n\
             [device]\nbox = {{ memory = \"8 GiB\", bandwidth = \"22.0 GB/s\", peak = \"0.4 TFLOP/s\", tdp = \"6 W\", \
             idle = \"1 W\" }}\n[[policy.msao]]\n[[policy.msao]]\nlabel = \"b\"\nsemantics.route.static = \"75 %\"\n"
        );
        let (assumed, policies) = assumed(&text);
        let keys: Vec<(&str, &str)> =
            assumed.iter().map(|(key, value)| (key.as_str(), value.as_str().unwrap_or_default())).collect();
        assert_eq!(
            keys,
            [
                ("arrivals.poisson.rate", "2 /s"),
                ("device.box", "given"),
                ("edge.engine", "hf"),
                ("workload.output_tokens", "104"),
            ]
        );
        assert_eq!(policies[0]["settings"], json!({}));
        assert_eq!(
            policies[1],
            json!({ "label": "b", "kind": "msao", "settings": { "semantics.route.static": "0.75" } })
        );
    }

    #[test]
    fn a_swept_key_has_its_default() {
        let defaults = defaults_of(["link.rtt", "workload.output_tokens", "edge.device"].into_iter());
        assert_eq!(defaults.get("link.rtt"), Some(&json!("20 ms")));
        assert_eq!(defaults.len(), 2, "{defaults:?}: answers have no length of their own");
    }
}
