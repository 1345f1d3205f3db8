//! Explanations as text for people and as JSON for programs.

use super::entries::{Entry, KEY};
use crate::scenario::first_sentence;
use reports::Sheet;
use serde_json::Value;
use tables::Object;

/// Width of the text.
const WIDTH: usize = 100;

/// Keys with the same end that are explained in full; of more, each has a line.
const IN_FULL: usize = 4;

/// The entries, in full if they are few.
pub fn text(found: &[&Entry], all: &[Entry]) -> String {
    let several = found.iter().any(|entry| entry.name != found[0].name);
    if several && found.len() > IN_FULL {
        let lines = found.iter().map(|entry| [entry.name.clone(), first_sentence(&entry.meaning).to_owned()]);
        return format!("{}\nMore of one: sim explain {}\n", sheet(["name", "meaning"], lines), found[0].name);
    }
    found.iter().map(|entry| in_full(entry, all)).collect::<Vec<_>>().join("\n")
}

fn in_full(entry: &Entry, all: &[Entry]) -> String {
    let mut text = format!("{} ({})\n{}", entry.name, entry.kind, wrapped(&entry.meaning, "  "));
    let width = entry.facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in &entry.facts {
        let value = plain(value);
        let value = wrapped(&value, &" ".repeat(width + 4));
        text += &format!("  {name:<width$}  {}", value.trim_start());
    }
    let lines = |values: &[(String, String)]| -> Vec<[String; 2]> {
        values.iter().map(|(name, words)| [name.clone(), words.clone()]).collect()
    };
    if !entry.values.is_empty() {
        text += &format!("\n{}", sheet(["value", "meaning"], lines(&entry.values).into_iter()));
    }
    let keys: Vec<[String; 3]> = children(entry, all);
    if entry.is_table && !keys.is_empty() {
        text += &format!("\n{}", sheet(["key", "default", "meaning"], keys.into_iter()));
    }
    text
}

/// The keys of a table, each with its default and its first sentence.
fn children(table: &Entry, all: &[Entry]) -> Vec<[String; 3]> {
    let start = format!("{}.", table.name);
    let below = |entry: &&Entry| {
        let rest = entry.name.strip_prefix(&start);
        entry.kind == KEY && rest.is_some_and(|rest| !rest.contains('.'))
    };
    let default = |entry: &Entry| {
        let default = entry.facts.iter().find(|(name, _)| name == "default");
        default.map_or_else(|| "-".to_owned(), |(_, value)| plain(value))
    };
    let line = |entry: &Entry| [entry.name.clone(), default(entry), first_sentence(&entry.meaning).to_owned()];
    all.iter().filter(below).map(line).collect()
}

fn sheet<const N: usize>(heading: [&str; N], lines: impl Iterator<Item = [String; N]>) -> String {
    let mut sheet = Sheet::new(heading.into_iter());
    lines.for_each(|line| sheet.row(line.into_iter()));
    sheet.text_within(WIDTH as u16)
}

/// A value as TOML would have it, without the quotes of a text.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A text in lines, each of which begins with `indent`.
fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = vec![indent.to_owned()];
    for word in text.split_whitespace() {
        let line = lines.last().expect("a line");
        if line.len() > indent.len() && line.chars().count() + word.chars().count() + 1 > WIDTH {
            lines.push(indent.to_owned());
        }
        let line = lines.last_mut().expect("a line");
        if line.len() > indent.len() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).filter(|line| line != "\n").collect()
}

/// An array with an object for each entry.
pub fn json(found: &[&Entry]) -> String {
    let object = |entry: &&Entry| {
        let own = [("name", entry.name.as_str()), ("kind", entry.kind), ("meaning", entry.meaning.as_str())];
        let own = own.map(|(key, value)| (key.to_owned(), Value::from(value)));
        let values: Vec<Object<&str>> = entry.values.iter().map(value).collect();
        let values = (!values.is_empty()).then(|| ("values".to_owned(), serde_json::json!(values)));
        Object(own.into_iter().chain(entry.facts.iter().cloned()).chain(values).collect())
    };
    let entries: Vec<Object<String>> = found.iter().map(object).collect();
    serde_json::to_string_pretty(&entries).expect("entries are JSON") + "\n"
}

fn value((name, meaning): &(String, String)) -> Object<&'static str> {
    Object(vec![("name", name.as_str().into()), ("meaning", meaning.as_str().into())])
}
