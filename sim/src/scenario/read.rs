//! Reading a scenario, and saying exactly where it is wrong.

use super::{Scenario, keys, sweep::Overrides};
use crate::terminal::Failure;
use serde::Deserialize;
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
}

/// Reads a scenario file and applies `--set key=value` on top of it.
///
/// # Errors
/// With file, line, a caret, what was expected and the nearest known key.
pub fn read(path: &Path, set: &[String]) -> Result<(Source, Scenario), Failure> {
    let text = std::fs::read(path).map_err(|error| Failure::io("read the scenario", path, &error))?;
    let text = String::from_utf8(text).map_err(|error| {
        let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|&&b| b == b'\n').count();
        Failure::refused(format!("{}:{line}: found bytes that are not UTF-8; save the file as UTF-8", path.display()))
    })?;
    let mut source =
        Source { path: path.to_owned(), text: text.into(), overrides: Overrides::new(), table: toml::Table::new() };
    // The file alone first, so that its errors have its lines.
    let scenario = toml::from_str(&source.text).map_err(|error| source.refuse(&error))?;
    source.table = toml::from_str(&source.text).map_err(|error| source.refuse(&error))?;
    if set.is_empty() {
        return Ok((source, scenario));
    }
    let overrides = set.iter().map(|set| parse_override(set)).collect::<Result<Overrides, _>>()?;
    let source = source.with(&overrides)?;
    let scenario = source.scenario()?;
    Ok((source, scenario))
}

impl Source {
    /// The folder that file names in the scenario are relative to.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
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

    /// Whether the command line sets this key, a part of it or a whole that it is a part of.
    pub fn overrides(&self, key: &str) -> bool {
        let within = |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        self.overrides.iter().any(|(set, _)| within(set, key) || within(key, set))
    }

    /// The scenario with the overrides.
    pub fn scenario(&self) -> Result<Scenario, Failure> {
        Scenario::deserialize(self.table.clone()).map_err(|error| {
            let keys: Vec<_> = self.overrides.iter().map(|(key, value)| format!("{key} = {value}")).collect();
            Failure::refused(format!("with {}: {}", keys.join(", "), explain(error.message())))
        })
    }

    /// All that was set, by the file or over it.
    pub fn written(&self) -> &toml::Table {
        &self.table
    }

    /// A remark on a key that was set, and where it was: first by place in the file, then in the order of the overrides.
    pub fn remark(&self, key: &[String], message: &str) -> ((usize, usize), String) {
        let covers = |set: &str| key.starts_with(&keys::canonical(&self.table, &parts(set)));
        let last = self.overrides.iter().enumerate().rev().find(|(_, (set, _))| covers(set));
        if let Some((index, (set, value))) = last {
            return ((1, index), format!("with {set} = {value}: {message}"));
        }
        match self.locate(&key.iter().map(String::as_str).collect::<Vec<_>>()) {
            Some(span) => ((0, span.start), self.point_at(span, message)),
            None => ((0, usize::MAX), format!("{}: {message}", self.path.display())),
        }
    }

    /// Refuses a key of the scenario, at its line if the file has it.
    pub fn refuse_key(&self, key: &str, reason: &str) -> Failure {
        self.refuse_at(&parts(key), reason)
    }

    /// Refuses the key at a path of names.
    pub fn refuse_at(&self, path: &[&str], reason: &str) -> Failure {
        let key = &path.join(".");
        let first = |set: &str| keys::canonical(&self.table, &parts(set)).join(".") == *key;
        if let Some((key, value)) = self.overrides.iter().rev().find(|(set, _)| set == key || first(set)) {
            return Failure::refused(format!("with {key} = {value}: {reason}"));
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

    /// Where a key stands in the file.
    fn locate(&self, parts: &[&str]) -> Option<Range<usize>> {
        locate_in(DeTable::parse(&self.text).ok()?.get_ref(), parts)
    }
}

/// Where a key stands in a table. Of several `[[tables]]` a number says which; without one, a key that only one of them
/// has is found.
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

/// `key=value`, the value in TOML; what is not TOML is taken as text, so that quotes may be left out.
fn parse_override(set: &str) -> Result<(String, toml::Value), Failure> {
    let Some((key, value)) = set.split_once('=') else {
        return Err(Failure::refused(format!("--set {set}: expected key=value, as in --set link.rtt=\"50 ms\"")));
    };
    let (key, value) = (key.trim(), value.trim());
    if key.is_empty() || key.split('.').any(str::is_empty) {
        return Err(Failure::refused(format!("--set {set}: {key:?} is not a dotted key, as in link.rtt")));
    }
    let parsed = toml::from_str::<toml::Table>(&format!("value = {value}")).ok();
    let value = parsed.and_then(|mut table| table.remove("value")).unwrap_or_else(|| value.into());
    Ok((key.to_owned(), value))
}

/// The names on the way to a dotted key. A key that a sweep varies is itself dotted, and one name.
pub(super) fn parts(key: &str) -> Vec<&str> {
    let Some(("sweep", rest)) = key.split_once('.') else { return names(key) };
    // Where keys may stand in [sweep] beside itself, and how many names that is.
    let within = [("random.keys.", 2), ("latin_hypercube.keys.", 2), ("random.", 1), ("latin_hypercube.", 1)];
    let names = within.iter().find(|(start, _)| rest.starts_with(start)).map_or(0, |(_, names)| *names);
    // Quoted as in the file, or not.
    std::iter::once("sweep").chain(rest.splitn(names + 1, '.').map(|name| name.trim_matches('"'))).collect()
}

/// The names of a dotted key; a dot within quotes is a part of a name.
fn names(key: &str) -> Vec<&str> {
    let mut quoted = false;
    let between = |c: char| {
        quoted ^= c == '"';
        c == '.' && !quoted
    };
    key.split(between).map(|name| name.trim_matches('"')).collect()
}

/// Sets a dotted key, making the tables on the way.
///
/// An enum such as `[arrivals.poisson]` is a table with the one variant's name; setting another variant's key replaces
/// the whole of it, which is what somebody who sets `arrivals.poisson.rate` over a closed loop means.
fn put(table: &mut toml::Table, key: &str, value: toml::Value) -> Result<(), String> {
    const VARIANTS: [&str; 5] = ["arrivals", "tokens", "workload.dataset", "link.up", "link.down"];
    let mut table = table;
    let mut at = String::new();
    let parts = parts(key);
    let (last, path) = parts.split_last().expect("a key has a part");
    let mut path = path.iter().peekable();
    while let Some(part) = path.next() {
        if VARIANTS.contains(&at.as_str()) && !table.contains_key(*part) {
            table.clear();
        }
        at = if at.is_empty() { (*part).to_owned() } else { format!("{at}.{part}") };
        let inner = table.entry(*part).or_insert_with(|| toml::Table::new().into());
        if VARIANTS.contains(&at.as_str()) && !inner.is_table() {
            *inner = toml::Table::new().into();
        }
        table = match inner {
            toml::Value::Table(inner) => inner,
            // `[[policy.msao]]`: a key of the first of them, unless a number says of which.
            toml::Value::Array(many) => {
                let index = path.peek().and_then(|next| next.parse().ok());
                if index.is_some() {
                    path.next();
                }
                many.get_mut(index.unwrap_or(0)).and_then(toml::Value::as_table_mut).ok_or_else(|| match index {
                    Some(index) => format!("{at} has no table {index}; they are counted from 0"),
                    None => format!("{at} is a list of values, not a table"),
                })?
            }
            _ => return Err(format!("{at} is a value, not a table")),
        };
    }
    if VARIANTS.contains(&at.as_str()) && !table.contains_key(*last) {
        table.clear();
    }
    table.insert((*last).to_owned(), value);
    Ok(())
}

/// Serde's message, with the nearest known name where one was not known.
fn explain(message: &str) -> String {
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let known = |names: Vec<String>, kind: &str, unknown: &str| {
        let nearest = names
            .iter()
            .map(|name| (strsim::damerau_levenshtein(name, unknown), name))
            .filter(|(distance, name)| *distance <= name.len().max(unknown.len()) / 2)
            .min();
        let hint = nearest.map(|(_, name)| format!("; did you mean `{name}`?")).unwrap_or_default();
        format!("unknown {kind} `{unknown}`{hint} (known: {})", names.join(", "))
    };
    for (start, kind) in [("unknown field ", "key"), ("unknown variant ", "value")] {
        if let Some(rest) = message.strip_prefix(start) {
            let mut names = quoted(rest);
            if names.len() > 1 {
                let unknown = names.remove(0);
                return known(names, kind, &unknown);
            }
        }
    }
    in_toml_words(message)
}

/// What an enum wants.
const NAMED: &str =
    "expected one of its values by name, as in `key = \"NAME\"` or, where that takes one, `key.NAME = VALUE`";

/// Serde speaks of the types of this program, which a user does not know.
fn in_toml_words(message: &str) -> String {
    if message.starts_with("wanted exactly 1 element") {
        return "expected exactly one of the tables that may stand here".to_owned();
    }
    if message == "invalid type: unit variant, expected string only" {
        return NAMED.to_owned();
    }
    if message == "invalid type: unit variant, expected newtype variant" {
        return "this needs a value, as in `dataset.mooncake = \"FILE\"`".to_owned();
    }
    let message = match message.split_once(", expected struct ") {
        Some((found, _)) => format!("{found}, expected a table"),
        None => message.to_owned(),
    };
    let words = [
        ("missing field", "missing key"),
        ("a sequence", "a list"),
        ("invalid type: map", "invalid type: a table"),
        ("wanted string or table", NAMED),
        ("expected u32", "expected a whole number from 0 to 4294967295"),
        ("expected u64", "expected a whole number from 0 up"),
    ];
    words.into_iter().fold(message, |message, (from, to)| message.replace(from, to)).trim_end().to_owned()
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// A scenario as if it stood in the file `s.toml`.
    pub fn source(text: &str) -> (Source, Scenario) {
        let table = toml::from_str(text).expect("TOML");
        let source = Source { path: "s.toml".into(), text: text.into(), overrides: Overrides::new(), table };
        let scenario = source.scenario().expect("a scenario");
        (source, scenario)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_named() {
        assert_eq!(
            explain("unknown field `rt`, expected one of `bandwidth`, `rtt`"),
            "unknown key `rt`; did you mean `rtt`? (known: bandwidth, rtt)"
        );
        assert_eq!(
            explain("unknown field `zebra`, expected one of `bandwidth`, `rtt`"),
            "unknown key `zebra` (known: bandwidth, rtt)"
        );
    }

    #[test]
    fn overrides_are_toml_or_text() {
        let value = |set| parse_override(set).expect("a sound override").1;
        assert_eq!(value("a.b=3"), toml::Value::Integer(3));
        assert_eq!(value("a.b=50 ms"), toml::Value::String("50 ms".to_owned()));
        assert_eq!(value("a.b=\"50 ms\""), toml::Value::String("50 ms".to_owned()));
        assert!(parse_override("novalue").is_err() && parse_override("a..b=1").is_err());
    }

    #[test]
    fn a_swept_key_is_one_name() {
        assert_eq!(parts("link.rtt"), ["link", "rtt"]);
        for key in ["sweep.link.rtt", "sweep.\"link.rtt\""] {
            assert_eq!(parts(key), ["sweep", "link.rtt"]);
        }
        assert_eq!(parts("sweep.random.points"), ["sweep", "random", "points"]);
        assert_eq!(parts("sweep.random.keys.link.rtt"), ["sweep", "random", "keys", "link.rtt"]);
    }

    #[test]
    fn a_number_says_which_of_several_tables_is_set() {
        let mut table: toml::Table = toml::from_str("[[a]]\n[[a]]").expect("toml");
        put(&mut table, "a.x", 1.into()).expect("set");
        put(&mut table, "a.1.x", 2.into()).expect("set");
        assert_eq!(toml::to_string(&table).expect("toml"), "[[a]]\nx = 1\n\n[[a]]\nx = 2\n");
        assert!(put(&mut table, "a.2.x", 3.into()).is_err());
    }

    #[test]
    fn setting_a_variant_replaces_the_other() {
        let mut table: toml::Table = toml::from_str("[arrivals.closed_loop]\nclients = 2").expect("toml");
        put(&mut table, "arrivals.poisson.rate", "2 /s".into()).expect("set");
        assert_eq!(toml::to_string(&table).expect("toml"), "[arrivals.poisson]\nrate = \"2 /s\"\n");
    }
}
