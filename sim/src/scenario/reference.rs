//! The keys of a scenario as its schema declares them: path, type, default, values and meaning.

use super::Scenario;
use serde_json::{Map, Value};

/// A key of a scenario.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyDoc {
    /// Dotted path; `NAME` stands for a name that the user gives.
    pub key: String,
    /// Type in words, with the units of an amount.
    pub r#type: String,
    /// Default; none if the key may be absent, or must be written.
    pub default: Option<Value>,
    /// Values by name, each with its sentence.
    pub values: Vec<(String, String)>,
    /// Meaning, from the declaration.
    pub meaning: String,
    /// True if the scenario must have it, or the table that it stands in.
    pub is_required: bool,
    /// True of one of several keys of which one alone may stand in its table.
    pub is_choice: bool,
    /// True of a table, whose keys follow it.
    pub is_table: bool,
}

/// Every key of a scenario, a table before its keys.
pub fn reference() -> Vec<KeyDoc> {
    let schema = schemars::schema_for!(Scenario).to_value();
    let mut walk = Walk { definitions: schema["$defs"].as_object().cloned().unwrap_or_default(), keys: Vec::new() };
    walk.properties("", &schema, None, &mut Vec::new());
    walk.keys
}

/// A text up to the end of its first sentence; the full stops of abbreviations end none.
pub fn first_sentence(text: &str) -> &str {
    let ends = text.match_indices(". ").map(|(at, _)| at);
    let is_end = |at: &usize| !["e.g", "i.e", "Eq", "cf"].iter().any(|short| text[..*at].ends_with(short));
    ends.filter(is_end).map(|at| &text[..=at]).next().unwrap_or(text)
}

/// The type of a key whose values are those of another key, as in a sweep.
const ANY: &str = "a value of that key";

/// A walk through a schema.
struct Walk {
    definitions: Map<String, Value>,
    keys: Vec<KeyDoc>,
}

impl Walk {
    /// Adds the properties of a table; `default` is the table's own.
    fn properties(&mut self, at: &str, table: &Value, default: Option<&Value>, within: &mut Vec<String>) {
        let required = table["required"].as_array().cloned().unwrap_or_default();
        for (name, property) in table["properties"].as_object().into_iter().flatten() {
            let key = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
            let default = default.and_then(|default| default.get(name)).or(property.get("default"));
            let is_required = required.iter().any(|required| required == name);
            self.key(&key, property, default, is_required, within);
        }
    }

    /// Adds a key and what stands below it. Definitions that stand in themselves are followed once.
    fn key(&mut self, key: &str, schema: &Value, default: Option<&Value>, is_required: bool, within: &mut Vec<String>) {
        let (resolved, name) = self.resolved(schema);
        // Variants of one table may have a key in common.
        if name.as_ref().is_some_and(|name| within.contains(name)) || self.keys.iter().any(|doc| doc.key == key) {
            return;
        }
        within.extend(name.clone());
        let text = |schema: &Value| schema["description"].as_str().map(|text| text.replace('\n', " "));
        let own = text(schema).or_else(|| text(&resolved)).unwrap_or_default();
        let place = self.keys.len();
        let default = default.filter(|default| !default.is_null());
        let doc =
            KeyDoc { key: key.to_owned(), default: default.cloned(), meaning: own, is_required, ..KeyDoc::default() };
        self.keys.push(doc);
        let mut types = Vec::new();
        self.shape(key, &resolved, default, place, &mut types, within);
        types.dedup();
        if types.is_empty() {
            types.push(ANY.to_owned());
        }
        self.keys[place].r#type = types.join(", or ");
        within.truncate(within.len() - usize::from(name.is_some()));
    }

    /// Adds what a schema allows: its type in words, its values, and the keys below.
    fn shape(
        &mut self,
        key: &str,
        schema: &Value,
        default: Option<&Value>,
        place: usize,
        types: &mut Vec<String>,
        within: &mut Vec<String>,
    ) {
        for choice in ["oneOf", "anyOf"].iter().filter_map(|choice| schema[*choice].as_array()).flatten() {
            let (resolved, name) = self.resolved(choice);
            if resolved["type"] == "null" || name.as_ref().is_some_and(|name| within.contains(name)) {
                continue;
            }
            if let Some(named) = resolved["const"].as_str() {
                let meaning = resolved["description"].as_str().unwrap_or_default().replace('\n', " ");
                self.keys[place].values.push((named.to_owned(), meaning));
                continue;
            }
            within.extend(name.clone());
            let properties = self.keys.len();
            self.shape(key, &resolved, default, place, types, within);
            within.truncate(within.len() - usize::from(name.is_some()));
            // A variant's sentence stands beside it, not within its one property.
            if let (Some(text), Some(first)) = (choice["description"].as_str(), self.keys.get_mut(properties))
                && first.key.starts_with(key)
                && resolved["properties"].as_object().is_some_and(|all| all.len() == 1)
            {
                first.meaning = text.replace('\n', " ");
                (first.is_choice, first.is_required) = (true, false);
            }
        }
        let names = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
        self.keys[place].values.extend(names.map(|name| (name.to_owned(), String::new())));
        if !self.keys[place].values.is_empty() && types.is_empty() {
            types.push("a name".to_owned());
        }
        if schema["properties"].is_object() {
            self.keys[place].is_table = true;
            types.push("a table".to_owned());
            self.properties(key, schema, default, within);
        } else if schema["additionalProperties"].is_object() {
            self.keys[place].is_table = true;
            types.push("a table".to_owned());
            self.key(&format!("{key}.NAME"), &schema["additionalProperties"], None, false, within);
        } else if schema["type"] == "array" {
            let (items, name) = self.resolved(&schema["items"]);
            if items["properties"].is_object() && name.as_ref().is_none_or(|name| !within.contains(name)) {
                self.keys[place].is_table = true;
                types.push("a list of tables".to_owned());
                within.extend(name.clone());
                // The tables of `OneOrMany` were listed as those of the one.
                if !self.keys[place + 1..].iter().any(|doc| doc.key.starts_with(key)) {
                    self.properties(key, &items, None, within);
                }
                within.truncate(within.len() - usize::from(name.is_some()));
            } else {
                types.push("a list".to_owned());
            }
        } else {
            types.extend(plain(schema));
        }
    }

    /// A schema without references and without `null`, and the name of its definition.
    fn resolved(&self, schema: &Value) -> (Value, Option<String>) {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            // A definition may be another one, with a sentence of its own.
            let mut resolved = self.definitions.get(name).map(|schema| self.resolved(schema).0).unwrap_or_default();
            if let (Value::Object(inner), Some(text)) = (&mut resolved, self.definitions[name].get("description")) {
                inner.insert("description".to_owned(), text.clone());
            }
            return (resolved, Some(name.to_owned()));
        }
        let choices = schema["anyOf"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut real = choices.iter().filter(|choice| choice["type"] != "null");
        match (real.next(), real.next()) {
            (Some(only), None) if choices.len() > 1 => self.resolved(only),
            _ => (schema.clone(), None),
        }
    }
}

/// A type without keys, in words. An amount says its units.
fn plain(schema: &Value) -> Option<String> {
    if let (Some(text), true) = (schema["description"].as_str(), schema["examples"].is_array()) {
        let mut text = text.replace(": expected", ":").replace('\n', " ");
        if let Some(first) = text.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        return Some(text);
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        one => one.as_str(),
    };
    let words = match types? {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "object" => "a table",
        "array" => "a list",
        other => other,
    };
    Some(words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> KeyDoc {
        let found = reference().into_iter().find(|doc| doc.key == name);
        found.unwrap_or_else(|| panic!("no key {name}"))
    }

    #[test]
    fn keys_have_type_default_and_meaning() {
        let device = key("edge.device");
        assert_eq!((device.r#type.as_str(), device.default), ("text", Some("rtx-3090".into())));
        assert!(device.meaning.starts_with("Name of a built-in device"), "{}", device.meaning);
        let rtt = key("link.rtt");
        assert!(rtt.r#type.contains("a number and one of ns, us, ms, s, min, h"), "{}", rtt.r#type);
        assert!(key("name").is_required && key("edge").is_table);
        assert_eq!(key("router").values[0].0, "fewest_requests");
        assert_eq!(key("policy.msao.theta.delta").default.and_then(|default| default.as_f64()), Some(0.95));
    }

    #[test]
    fn variants_named_tables_and_lists_are_paths() {
        for name in [
            "arrivals.poisson.rate",
            "edges.NAME.device",
            "hop.rtt",
            "policy.speculative.n_draft",
            "device.NAME.memory",
        ] {
            assert!(!key(name).meaning.is_empty(), "{name}");
        }
        assert!(key("arrivals.poisson").meaning.starts_with("Open loop: Poisson"), "{:?}", key("arrivals.poisson"));
        assert!(key("arrivals.poisson").is_choice && !key("arrivals.poisson").is_required);
    }

    #[test]
    fn a_sentence_does_not_end_at_an_abbreviation() {
        assert_eq!(first_sentence("Bound, e.g. `3 s` (Eq. 12). More."), "Bound, e.g. `3 s` (Eq. 12).");
        assert_eq!(first_sentence("No more."), "No more.");
    }

    #[test]
    fn every_key_has_a_meaning_and_a_type_and_stands_once() {
        let all = reference();
        assert!(all.len() > 400, "{} keys", all.len());
        for (place, doc) in all.iter().enumerate() {
            assert!(doc.r#type != ANY || doc.key.starts_with("sweep."), "{doc:?}");
            assert!(all[..place].iter().all(|other| other.key != doc.key), "{} twice", doc.key);
        }
    }

    /// The defaults that the schema states are those of `sim show`.
    #[test]
    fn defaults_are_those_of_a_scenario_that_sets_nothing() {
        let text = "name = \"s\"\nworkload.dataset = \"vqav2\"\n[policy.msao]\n";
        let (_, scenario): (super::super::Source, Scenario) =
            super::super::Source::new(std::path::Path::new("s.toml"), text.to_owned()).expect("a scenario");
        let shown = serde_json::to_value(&scenario).expect("JSON");
        let at = |key: &str| key.split('.').try_fold(&shown, |table, name| table.get(name)).cloned();
        let mut compared = 0;
        for doc in reference().iter().filter(|doc| !doc.is_table) {
            if let (Some(default), Some(value)) = (&doc.default, at(&doc.key)) {
                assert_eq!(*default, value, "{}", doc.key);
                compared += 1;
            }
        }
        assert!(compared > 60, "{compared} defaults");
    }
}
