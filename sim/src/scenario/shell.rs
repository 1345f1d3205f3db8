//! Names of files that were typed with `--set`: they are relative to the folder of the shell, as any path on a command line.
//! Names within a file stay relative to that file.

use super::keys::{Overrides, parts};
use super::{Scenario, Source};
use std::cell::RefCell;
use std::path::Path;
use toml::Value;

/// Begins a text that stands for the name of a file, to find out if it is one.
const MARK: &str = "\u{1}";

/// Makes the names of files among the overrides independent of the scenario's folder. True if any was changed.
pub fn resolve(source: &Source, overrides: &mut Overrides) -> bool {
    if is_here(source.folder()) {
        return false;
    }
    let mut changed = false;
    for (key, value) in overrides {
        let swept = parts(key).split_first().filter(|(first, _)| **first == "sweep").map(|(_, rest)| rest.join("."));
        if let (Some(key), Value::Array(values)) = (&swept, &mut *value) {
            values.iter_mut().for_each(|value| changed |= place(source, key, value));
        } else if swept.is_none() {
            changed |= place(source, key, value);
        }
    }
    changed
}

/// True if the scenario lies in the folder of the shell: then there is no difference.
fn is_here(folder: &Path) -> bool {
    let here = |folder: &Path| std::fs::canonicalize(folder).ok();
    folder.as_os_str().is_empty() || here(folder) == here(Path::new("."))
}

/// Makes each name of a file in a value absolute. True if there was one.
fn place(source: &Source, key: &str, value: &mut Value) -> bool {
    let mut texts = 0;
    each_text(value, &mut |_| texts += 1);
    let mut changed = false;
    for number in 0..texts {
        let mut marked = value.clone();
        nth_text(&mut marked, number, |text| *text = format!("{MARK}{text}"));
        if names_a_file(source, key, marked) {
            nth_text(value, number, |text| {
                let absolute = std::path::absolute(&*text).ok().and_then(|path| path.to_str().map(str::to_owned));
                changed |= absolute.is_some();
                *text = absolute.unwrap_or_else(|| text.clone());
            });
        }
    }
    changed
}

/// True if the marked text in the value of a key is the name of a file.
fn names_a_file(source: &Source, key: &str, marked: Value) -> bool {
    let scenario = source.with(&[(key.to_owned(), marked)]).and_then(|source| source.parse::<Scenario>());
    let is_marked = RefCell::new(false);
    let Ok(scenario) = scenario else { return false };
    scenario.text_with(|file| {
        *is_marked.borrow_mut() |= file.to_str().is_some_and(|name| name.starts_with(MARK));
        file.to_owned()
    });
    is_marked.into_inner()
}

/// Visits the texts of a value at any depth, in order.
fn each_text(value: &mut Value, visit: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(values) => values.iter_mut().for_each(|value| each_text(value, visit)),
        Value::Table(table) => table.iter_mut().for_each(|(_, value)| each_text(value, visit)),
        _ => {}
    }
}

/// Changes text number `number` of a value.
fn nth_text(value: &mut Value, number: usize, mut change: impl FnMut(&mut String)) {
    let mut at = 0;
    each_text(value, &mut |text| {
        if at == number {
            change(text);
        }
        at += 1;
    });
}
