//! The pages of `docs` that are made of the declarations: keys of a scenario, and exit codes.

use super::entries::{self, Entry, KEY};
use crate::scenario::first_sentence;
use crate::terminal::Code;
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

/// The command that writes the pages anew.
const UPDATE: &str = "PAGES_UPDATE=1 cargo nextest run -p sim explain::pages";

/// A table with fewer keys lists them although another has the same.
const FEW: usize = 3;

/// `docs/keys.md`.
fn keys() -> String {
    let all: Vec<Entry> = entries::all().into_iter().filter(|entry| entry.kind == KEY).collect();
    let mut text = format!(
        "# Keys of a scenario\n\n\
         A scenario is a TOML file. This page has every key that it may have: type, unit, default and meaning. `sim explain KEY` says the \
         same of one key, `sim show SCENARIO.toml` prints the values of a scenario. The page is generated from the declarations that the \
         program reads scenarios by (`{UPDATE}`), and a test holds it to them.\n\n\
         * An amount is a number with its unit, in quotes: `link.rtt = \"20 ms\"`. The column \"unit\" has the units that are taken.\n\
         * A ratio is a number from 0 to 1, or one in per cent: `link.loss = \"2 %\"`.\n\
         * `NAME` stands for a name of yours, as in `[device.NAME]`.\n\
         * A key without a default may be left out. A table's own default is that of its keys.\n\
         * Any key may be set on the command line (`--set KEY=VALUE`) and varied in `[sweep]` ([`sweeps.md`](sweeps.md)).\n"
    );
    let repeated = repeated(&all);
    let is_shown = |entry: &&Entry| !repeated.keys().any(|table| is_below(&entry.name, table));
    let mut sections: BTreeMap<String, Vec<&Entry>> = BTreeMap::new();
    for entry in all.iter().filter(is_shown) {
        sections.entry(section(&entry.name)).or_default().push(entry);
    }
    for (name, entries) in sections {
        text += &format!("\n## {name}\n");
        let is_own = |entry: &&&Entry| entry.name == name && entry.is_table;
        if let Some(own) = entries.iter().find(is_own) {
            text += &format!("\n{}\n", own.meaning);
        }
        text += "\n| key | type | unit | default | meaning |\n|---|---|---|---|---|\n";
        entries.iter().filter(|entry| !is_own(entry)).for_each(|entry| text += &row(entry, &repeated));
    }
    text
}

/// Tables with the very keys of another, which has fewer steps and lists them: the name of each, and of that one.
fn repeated(all: &[Entry]) -> BTreeMap<&str, &str> {
    let mut tables: Vec<&Entry> = all.iter().filter(|entry| entry.is_table).collect();
    tables.sort_by_key(|table| table.name.matches('.').count());
    let (mut seen, mut repeated) = (BTreeMap::new(), BTreeMap::new());
    for table in tables {
        let below = all.iter().filter(|entry| is_below(&entry.name, &table.name));
        let keys: Vec<String> = below
            .map(|entry| {
                format!("{} {:?} {} {:?}", &entry.name[table.name.len()..], entry.facts, entry.meaning, entry.values)
            })
            .collect();
        if keys.len() < FEW {
            continue;
        }
        match seen.entry(keys) {
            Slot::Vacant(slot) => drop(slot.insert(table.name.as_str())),
            Slot::Occupied(first) => drop(repeated.insert(table.name.as_str(), *first.get())),
        }
    }
    repeated
}

fn is_below(key: &str, table: &str) -> bool {
    key.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'))
}

/// The table that a key is listed under; keys that stand in no table are of the scenario itself.
fn section(key: &str) -> String {
    let mut steps = key.split('.');
    match (steps.next().unwrap_or_default(), steps.next()) {
        ("policy", Some(policy)) => format!("policy.{policy}"),
        (first, _) => first.to_owned(),
    }
}

fn row(entry: &Entry, repeated: &BTreeMap<&str, &str>) -> String {
    let fact = |wanted: &str| entry.facts.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
    let (r#type, unit) = unit(fact("type").and_then(Value::as_str).unwrap_or_default());
    let default = match fact("default") {
        None => String::new(),
        Some(Value::String(text)) if text.starts_with("none: ") => "must be there".to_owned(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(value) => format!("`{value}`"),
    };
    let values = entry.values.iter().map(|(name, meaning)| match meaning.is_empty() {
        true => format!(" `{name}`."),
        false => format!(" `{name}`: {}", first_sentence(meaning)),
    });
    let others = repeated.get(entry.name.as_str()).map(|first| {
        let anchor = section(first).replace('.', "");
        format!(" Its keys are those of [`{first}`](#{anchor}).")
    });
    let meaning = format!("{}{}{}", entry.meaning, values.collect::<String>(), others.unwrap_or_default());
    let cells = [format!("`{}`", entry.name), r#type, unit, default, meaning];
    format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "))
}

/// A type without the units of an amount, and these.
fn unit(r#type: &str) -> (String, String) {
    let found = || {
        let (kind, rest) = r#type.split_once(": a number ")?;
        let (before, example) = rest.split_once(", as in \"")?;
        let (_, units) = before.rsplit_once("and ")?;
        let (_, others) = example.split_once('"')?;
        Some((format!("{kind}{others}"), units.trim_start_matches("one of ").to_owned()))
    };
    found().unwrap_or_else(|| (r#type.to_owned(), String::new()))
}

/// `docs/exit-codes.md`.
fn exit_codes() -> String {
    let mut text = format!(
        "# Exit codes\n\n\
         Every command of `sim` ends with one of these codes; `sim explain CODE` says the same. A refusal is one message on stderr: the file, \
         the key or line, what was expected, and what to do. With `--json` it prints no document. The page is generated from the declarations \
         (`{UPDATE}`), and a test holds it to them.\n\n\
         | code | meaning |\n|---|---|\n"
    );
    for (code, meaning) in Code::ALL {
        text += &format!("| {code} | {meaning} |\n");
    }
    text + "\nA script tells by the code whose turn it is: 2 is that of whoever wrote the scenario, 3 that of whoever changed what is guarded, \
            4 that of the machine's owner, 70 ours.\n"
}

#[test]
fn the_pages_in_docs_are_those_of_the_declarations() {
    for (name, text) in [("keys.md", keys()), ("exit-codes.md", exit_codes())] {
        let path = format!("{}/../docs/{name}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("PAGES_UPDATE").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let page = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(page == text, "docs/{name} is out of date: run {UPDATE}");
    }
}

#[test]
fn units_stand_apart_from_types() {
    let said = |text: &str| unit(text);
    let pair = |kind: &str, unit: &str| (kind.to_owned(), unit.to_owned());
    assert_eq!(
        said("a duration: a number and one of ns, us, as in \"20 ms\", or a table"),
        pair("a duration, or a table", "ns, us")
    );
    assert_eq!(
        said("a ratio: a number from 0 to 1, or in per cent: a number and %, as in \"2 %\""),
        pair("a ratio", "%")
    );
    assert_eq!(said("a name, or a table"), pair("a name, or a table", ""));
}
