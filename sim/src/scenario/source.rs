//! A scenario's text: the place of each key, and refusals that point at it.

use super::dataset::Traces;
use super::explain::explain;
use super::keys::{self, Overrides, parts, put};
use crate::terminal::Failure;
use serde::de::DeserializeOwned;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// A scenario's text and where it is from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    text: Arc<str>,
    /// `key=value` of the command line and of a point of the sweep, in order.
    overrides: Overrides,
    /// All that is set, by the file or over it.
    table: toml::Table,
    /// The traces that it names, read once for all of its points.
    traces: Arc<Traces>,
}

impl Source {
    /// The text of a file, with its keys as a `T`.
    ///
    /// # Errors
    /// With file, line, a caret, what was expected and the nearest known key.
    pub fn new<T: DeserializeOwned>(path: &Path, text: String) -> Result<(Self, T), Failure> {
        let (path, overrides) = (path.to_owned(), Overrides::new());
        let traces = Arc::default();
        let mut source = Self { path, text: text.into(), overrides, table: toml::Table::new(), traces };
        let read = toml::from_str(&source.text).map_err(|error| source.refuse(&error))?;
        source.table = toml::from_str(&source.text).map_err(|error| source.refuse(&error))?;
        Ok((source, read))
    }

    /// The folder that file names in the scenario are relative to.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// The traces that were opened for its points.
    pub fn traces(&self) -> &Traces {
        &self.traces
    }

    /// This with more overrides, as a point of a sweep has them.
    ///
    /// # Errors
    /// If one of them is no key that can be set.
    pub fn with(&self, more: &[(String, toml::Value)]) -> Result<Self, Failure> {
        let mut source = self.clone();
        for (key, value) in more {
            put(&mut source.table, key, value.clone())
                .map_err(|reason| Failure::refused(format!("{key}: {reason}")))?;
        }
        source.overrides.extend_from_slice(more);
        Ok(source)
    }

    /// This as if the file itself set what was set over it, so that a sweep may vary any of it.
    #[must_use]
    pub fn settled(&self) -> Self {
        Self { overrides: Overrides::new(), ..self.clone() }
    }

    /// True if the command line sets this key, a part of it or a table that it is in.
    pub fn overrides(&self, key: &str) -> bool {
        let within = |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        self.overrides.iter().any(|(set, _)| within(set, key) || within(key, set))
    }

    /// The text with the overrides, as the keys of `T`.
    ///
    /// It is printed and read as a file is: a second reader, of tables, would be compiled for each type of a scenario.
    ///
    /// # Errors
    /// With the overrides, and what was expected.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let text = toml::to_string(&self.table).expect("a table is TOML");
        toml::from_str(&text).map_err(|error| {
            let keys: Vec<_> = self.overrides.iter().map(as_set).collect();
            Failure::refused(format!("with {}: {}", keys.join(", "), explain(error.message())))
        })
    }

    /// All that was set, by the file or over it.
    pub fn written(&self) -> &toml::Table {
        &self.table
    }

    /// A remark on a key that was set, and where it was: first by place in the file, then in the order of the overrides.
    pub fn remark(&self, key: &[String], message: &str) -> ((usize, usize), String) {
        let path: Vec<&str> = key.iter().map(String::as_str).collect();
        if let Some((index, _, set)) = self.last_set(&path) {
            return ((1, index), format!("with {}: {message}", as_set(set)));
        }
        match self.locate(&path) {
            Some(span) => ((0, span.start), self.point_at(span, message)),
            None => ((0, usize::MAX), format!("{}: {message}", self.path.display())),
        }
    }

    /// The last of the values set on the command line that is the key's at a path, or that of a table around it: its number, its own
    /// depth, and itself.
    fn last_set(&self, path: &[&str]) -> Option<(usize, usize, &(String, toml::Value))> {
        let holds = |set: &[&str]| path.starts_with(set).then_some(set.len());
        let depth = |set: &str| {
            let path = keys::canonical(&self.table, &parts(set));
            holds(&path.iter().map(String::as_str).collect::<Vec<_>>()).or_else(|| holds(&parts(set)))
        };
        self.overrides.iter().enumerate().rev().find_map(|(number, set)| Some((number, depth(&set.0)?, set)))
    }

    /// Refuses a key of the scenario, at its line if the file has it.
    pub fn refuse_key(&self, key: &str, reason: &str) -> Failure {
        self.refuse_at(&parts(key), reason)
    }

    /// Refuses the key at a path of names.
    pub fn refuse_at(&self, path: &[&str], reason: &str) -> Failure {
        let key = path.join(".");
        if let Some((_, depth, set)) = self.last_set(path) {
            // A table that was set holds the key.
            let inside = if depth < path.len() { format!("{key}: ") } else { String::new() };
            return Failure::refused(format!("with {}: {inside}{reason}", as_set(set)));
        }
        let brief = format!("{key}: {reason}");
        let refusal = match self.locate(path) {
            Some(span) => Failure::refused(self.point_at(span, &brief)),
            None => Failure::refused(format!("{}: {brief}", self.path.display())),
        };
        refusal.told_briefly(brief)
    }

    fn refuse(&self, error: &toml::de::Error) -> Failure {
        let message = explain(error.message());
        Failure::refused(match error.span() {
            Some(span) => self.point_at(span, &message),
            None => format!("{}: {message}", self.path.display()),
        })
    }

    /// `file:line:column: message`, the line itself and a caret under the place.
    fn point_at(&self, span: Range<usize>, message: &str) -> String {
        let start = span.start.min(self.text.len());
        let line_start = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.text[line_start..].lines().next().unwrap_or("");
        let number = self.text[..line_start].matches('\n').count() + 1;
        let column = self.text[line_start..start].chars().count();
        let width =
            self.text.get(start..span.end.min(line_start + line.len())).map_or(1, |at| at.chars().count().max(1));
        let gutter = " ".repeat(number.to_string().len());
        format!(
            "{}:{number}:{}: {message}\n{gutter} |\n{number} | {line}\n{gutter} | {}{}",
            self.path.display(),
            column + 1,
            " ".repeat(column),
            "^".repeat(width)
        )
    }

    /// The place of a key in the file.
    fn locate(&self, parts: &[&str]) -> Option<Range<usize>> {
        locate_in(DeTable::parse(&self.text).ok()?.get_ref(), parts)
    }
}

/// The characters of a value that a message repeats: a line of a terminal has room for what is expected, too.
const VALUE_SHOWN: usize = 60;

/// `key = value` as a message repeats it, a long value by its beginning.
fn as_set((key, value): &(String, toml::Value)) -> String {
    let value = value.to_string();
    match value.char_indices().nth(VALUE_SHOWN) {
        Some((end, _)) => format!("{key} = {}...", &value[..end]),
        None => format!("{key} = {value}"),
    }
}

/// The place of a key in a table. Of several `[[tables]]` a number says which; without one, a key that only one of
/// them has is found.
fn locate_in(table: &DeTable<'_>, parts: &[&str]) -> Option<Range<usize>> {
    let (part, rest) = parts.split_first()?;
    let (name, value) = table.iter().find(|(name, _)| name.get_ref() == part)?;
    match (value.get_ref(), rest) {
        (DeValue::Table(_), []) => Some(name.span()),
        (DeValue::Table(inner), rest) => locate_in(inner, rest),
        (DeValue::Array(many), [part, rest @ ..]) if many.iter().any(|one| one.get_ref().is_table()) => {
            let within = |one: &toml::Spanned<DeValue<'_>>| match (one.get_ref(), rest) {
                (DeValue::Table(_), []) => Some(one.span()),
                (DeValue::Table(inner), rest) => locate_in(inner, rest),
                _ => None,
            };
            if let Ok(index) = part.parse::<usize>() {
                return many.get(index).and_then(within);
            }
            let all = |one: &toml::Spanned<DeValue<'_>>| locate_in(one.get_ref().as_table()?, &parts[1..]);
            let mut found = many.iter().filter_map(all);
            found.next().filter(|_| found.next().is_none())
        }
        _ => Some(value.span()),
    }
}
