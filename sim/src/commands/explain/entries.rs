//! The names that can be explained, from the declarations that there are, and the search among them.

use crate::commands::list;
use crate::scenario::{KeyDoc, reference};
use crate::terminal::Code;
use serde_json::Value;
use tables::{Author, Finding, Kind, Lane, Phase, Shortfall, Status};

/// The kind of a key.
pub const KEY: &str = "key of a scenario";

/// A name and what is known about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Kind in words.
    pub kind: &'static str,
    /// The name.
    pub name: String,
    /// A sentence or more.
    pub meaning: String,
    /// Further facts: a name and a value each.
    pub facts: Vec<(String, Value)>,
    /// Values that it may have, each with its sentence.
    pub values: Vec<(String, String)>,
    /// True of a table of keys.
    pub is_table: bool,
}

/// Every name.
pub fn all() -> Vec<Entry> {
    let listed = list::everything().into_iter().flat_map(|(kind, listing)| {
        listing.objects().into_iter().filter_map(move |facts| listed(kind, facts)).collect::<Vec<_>>()
    });
    listed.chain(reference().into_iter().map(key)).chain(words()).chain(exit_codes()).collect()
}

/// The entry of a line of a list.
fn listed(kind: &'static str, mut facts: Vec<(String, Value)>) -> Option<Entry> {
    let text = |facts: &mut Vec<(String, Value)>, key: &str| {
        let place = facts.iter().position(|(name, _)| name == key)?;
        facts.remove(place).1.as_str().map(str::to_owned)
    };
    let name = text(&mut facts, "name")?;
    let meaning = text(&mut facts, "meaning").unwrap_or_default();
    facts.retain(|(_, value)| !value.is_null() && value != "");
    Some(Entry { kind, name, meaning, facts, values: Vec::new(), is_table: false })
}

fn key(doc: KeyDoc) -> Entry {
    let KeyDoc { key, r#type, default, values, meaning, is_required, is_table, .. } = doc;
    let mut facts = vec![("type".to_owned(), r#type.into())];
    match default {
        // The defaults of a table are those of its keys.
        Some(default) if !default.is_object() => facts.push(("default".to_owned(), default)),
        None if is_required => facts.push(("default".to_owned(), "none: it must be there".into())),
        _ => {}
    }
    Entry { kind: KEY, name: key, meaning, facts, values, is_table }
}

/// Words that stand in tables.
fn words() -> Vec<Entry> {
    let word = |kind: &'static str, name: &str, meaning: &str| Entry {
        kind,
        name: name.to_owned(),
        meaning: meaning.to_owned(),
        facts: Vec::new(),
        values: Vec::new(),
        is_table: false,
    };
    let mut all: Vec<Entry> = Vec::new();
    all.extend(Status::ALL.iter().map(|one| word("status of a request", one.name(), one.meaning())));
    all.extend(Shortfall::ALL.iter().map(|one| word("reason of a shortfall", one.name(), one.meaning())));
    all.extend(Finding::ALL.iter().map(|one| word("finding of sim capacity", one.name(), one.meaning())));
    all.extend(Author::ALL.iter().map(|one| word("author of an answer", one.name(), one.meaning())));
    all.extend(Lane::ALL.iter().map(|one| word("lane of a span", one.name(), one.meaning())));
    all.extend(Phase::ALL.iter().map(|one| word("phase of a span", one.name(), one.meaning())));
    all.extend(Kind::ALL.iter().map(|one| word("kind of a step or span", one.name(), one.meaning())));
    all
}

fn exit_codes() -> impl Iterator<Item = Entry> {
    Code::ALL.iter().map(|(number, words)| {
        let (name, meaning) = (number.to_string(), format!("Exit code {number}: {words}."));
        Entry { kind: "exit code", name, meaning, facts: Vec::new(), values: Vec::new(), is_table: false }
    })
}

/// The entries of a name: those that have it whole, or keys that end with it.
pub fn named<'e>(all: &'e [Entry], name: &str) -> Vec<&'e Entry> {
    let policy = format!("policy.{name}");
    let is_it =
        |entry: &&Entry| entry.name == name || (entry.kind == KEY && (fits(&entry.name, name) || entry.name == policy));
    let whole: Vec<&Entry> = all.iter().filter(is_it).collect();
    if !whole.is_empty() {
        // What a metric is, its columns say again.
        let metric = whole.iter().find(|entry| entry.kind == list::METRIC).map(|entry| entry.meaning.clone());
        let says_again = |entry: &Entry| entry.kind == list::COLUMN && Some(&entry.meaning) == metric.as_ref();
        return whole.into_iter().filter(|entry| !says_again(entry)).collect();
    }
    let end = format!(".{name}");
    all.iter().filter(|entry| entry.kind == KEY && entry.name.ends_with(&end)).collect()
}

/// True if a path is of a pattern in which `NAME` stands for any name.
fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('.').collect(), path.split('.').collect());
    pattern.len() == path.len() && pattern.iter().zip(&path).all(|(a, b)| a == b || *a == "NAME")
}

/// The message about a name that nothing has: the three nearest ones.
pub fn unknown(all: &[Entry], name: &str) -> String {
    let wanted = name.to_lowercase();
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let distance = |entry: &Entry| {
        let whole = strsim::damerau_levenshtein(&entry.name.to_lowercase(), &wanted);
        // A key may have been named by its last part.
        if entry.kind == KEY { whole.min(strsim::damerau_levenshtein(&last(&entry.name), &wanted)) } else { whole }
    };
    let mut near: Vec<(usize, &str)> = all.iter().map(|entry| (distance(entry), entry.name.as_str())).collect();
    near.retain(|(distance, _)| *distance <= 1 + name.len() / 3);
    near.sort();
    near.dedup();
    let near: Vec<String> = near.iter().take(3).map(|(_, name)| format!("`{name}`")).collect();
    match near.is_empty() {
        true => format!(
            "nothing is called `{name}`; `sim list` says which names there are, `sim show SCENARIO.toml` has the keys"
        ),
        false => format!("nothing is called `{name}`; did you mean {}?", near.join(", ")),
    }
}
