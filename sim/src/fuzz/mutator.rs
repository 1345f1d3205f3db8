//! Mutates scenarios by their schema: values of the right shape, at the ends of their range and beyond.

use crate::scenario::Scenario;
use fuzzing::Dice;
use serde_json::Value as Json;
use toml::{Table, Value};

/// The range of mutated numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wildness {
    /// Anywhere: the scenario may take years to run.
    Any,
    /// Counts stay so small that a run ends soon.
    Tame,
}

/// The schema of scenarios, and what is made of it.
pub struct Mutator {
    schema: Json,
}

/// Counts and lengths, of which the first are tame.
const INTEGERS: [i64; 14] =
    [1, 2, 3, 7, 16, 0, -1, 1_000, 65_535, 100_000, 4_294_967_295, 9_007_199_254_740_992, i64::MAX, i64::MIN];
const TAME_INTEGERS: u64 = 7;

const FLOATS: [f64; 12] = [0.5, 0.0, 1.0, 2.0, 1e-12, 0.999_999, -0.5, 1e-300, 1e300, f64::INFINITY, f64::NAN, 3.0e9];

/// Amounts before a unit.
const AMOUNTS: [&str; 12] = [
    "1",
    "0",
    "0.5",
    "20",
    "1000",
    "0.000000001",
    "99",
    "65535",
    "4294967295",
    "1000000",
    "18446744073709551615",
    "-1",
];

const TEXTS: [&str; 8] = ["vqav2", "mmbench", "msao", "", "rtx-3090", "qwen2-vl-2b", "\u{1f40b}", "../x"];

impl Mutator {
    /// The mutator of this version's schema.
    pub fn new() -> Self {
        let mut schema = serde_json::to_value(schemars::schema_for!(Scenario)).expect("a schema is JSON");
        let policies = schema["$defs"]["PolicyTable"]["properties"].as_object_mut().expect("a schema of policies");
        policies.remove("external").expect("the one that starts programs, which no random text may name");
        Self { schema }
    }

    /// The scenario with one to four keys set to other values.
    pub fn mutated(&self, dice: &mut Dice, table: &Table, wildness: Wildness) -> Table {
        let mut table = table.clone();
        let mut making = Making { root: &self.schema, dice, wildness };
        for _ in 0..=making.dice.below(4) {
            making.mutate(&mut table, &self.schema);
        }
        if wildness == Wildness::Tame {
            table.insert("replications".into(), 1.into());
            table.insert("mode".into(), "simulate".into());
            table.remove("sweep");
            if let Some(Value::Table(workload)) = table.get_mut("workload") {
                workload.insert("requests".into(), 3.into());
                workload.insert("output_tokens".into(), 12.into());
            }
        }
        table
    }
}

/// One mutation in the making.
struct Making<'m> {
    root: &'m Json,
    dice: &'m mut Dice,
    wildness: Wildness,
}

impl Making<'_> {
    /// Sets one key of the table, or of one that it holds.
    fn mutate(&mut self, table: &mut Table, schema: &Json) {
        let schema = resolved(self.root, schema);
        let Some(properties) = schema["properties"].as_object().filter(|properties| !properties.is_empty()) else {
            return;
        };
        let (name, below) = properties.iter().nth(self.dice.place(properties.len())).expect("a property");
        if !self.dice.one_in(4)
            && let Some(Value::Table(inner)) = table.get_mut(name)
        {
            return self.mutate(inner, below);
        }
        if let Some(value) = self.value(below, 0) {
            table.insert(name.clone(), value);
        } else {
            table.remove(name);
        }
    }

    /// A value of a schema; none where the schema has no value that TOML can hold.
    fn value(&mut self, schema: &Json, depth: u32) -> Option<Value> {
        let schema = resolved(self.root, schema);
        if let Some(variants) = ["oneOf", "anyOf"].iter().find_map(|word| schema[*word].as_array()) {
            let variant = self.dice.one_of(variants);
            return self.value(variant, depth + 1);
        }
        if let Some(one) = schema.get("const") {
            return Value::try_from(one).ok();
        }
        if let Some(names) = schema["enum"].as_array() {
            return Value::try_from(self.dice.one_of(names)).ok();
        }
        let kind = schema["type"].as_str().or_else(|| schema["type"].as_array()?.first()?.as_str())?;
        match kind {
            "boolean" => Some(self.dice.one_in(2).into()),
            "integer" => Some(self.integer().into()),
            "number" => Some((*self.dice.one_of(&FLOATS)).into()),
            "string" => Some(self.text(schema["pattern"].as_str()).into()),
            "object" => Some(Value::Table(self.object(schema, depth))),
            "array" => {
                let many = self.dice.below(3);
                let items = schema.get("items").unwrap_or(&Json::Null);
                Some(Value::Array((0..many).filter_map(|_| self.value(items, depth + 1)).collect()))
            }
            _ => None,
        }
    }

    fn object(&mut self, schema: &Json, depth: u32) -> Table {
        let mut table = Table::new();
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        for (name, below) in schema["properties"].as_object().into_iter().flatten() {
            if (required.contains(&name.as_str()) || self.dice.one_in(4)) && depth < 6 {
                table.extend(self.value(below, depth + 1).map(|value| (name.clone(), value)));
            }
        }
        let others = &schema["additionalProperties"];
        if others.is_object() && depth < 6 && self.dice.one_in(2) {
            table.extend(self.value(others, depth + 1).map(|value| ("mine".to_owned(), value)));
        }
        table
    }

    fn integer(&mut self) -> i64 {
        let known = if self.wildness == Wildness::Tame { TAME_INTEGERS } else { INTEGERS.len() as u64 };
        INTEGERS[self.dice.below(known) as usize]
    }

    /// A text, with a unit where the schema's pattern ends in some.
    fn text(&mut self, pattern: Option<&str>) -> String {
        let units = pattern.and_then(|pattern| pattern.strip_suffix(")$")?.rsplit_once('('));
        let Some((_, units)) = units else { return (*self.dice.one_of(&TEXTS)).to_owned() };
        let units: Vec<&str> = units.split('|').collect();
        format!("{} {}", self.dice.one_of(&AMOUNTS), self.dice.one_of(&units))
    }
}

/// The schema that a reference is of.
fn resolved<'s>(root: &'s Json, schema: &'s Json) -> &'s Json {
    let pointer = schema["$ref"].as_str().map(|pointer| pointer.trim_start_matches('#'));
    pointer.map_or(schema, |pointer| root.pointer(pointer).expect("a schema that is there"))
}
