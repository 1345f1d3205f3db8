//! Values as Python writes them, and what its types can do that Jinja's do not.

use minijinja::value::{Kwargs, ValueKind, from_args};
use minijinja::{Environment, Error, ErrorKind, State, Value};
use minijinja_contrib::pycompat;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};
use std::io::{self, Write};

/// Adds all of it to an environment.
pub fn add(environment: &mut Environment<'_>) {
    environment.set_formatter(|out, _, value| out.write_str(&shown(value)).map_err(Error::from));
    environment.set_unknown_method_callback(method);
    environment.add_filter("tojson", to_json);
    environment.add_filter("string", |value: &Value| shown(value));
    environment.add_test("sequence", |value: &Value| {
        matches!(value.kind(), ValueKind::Seq | ValueKind::String | ValueKind::Map)
    });
    environment.add_test("iterable", |value: &Value| !value.is_none() && value.try_iter().is_ok());
}

/// A value as `str` writes it; nothing where there is none.
fn shown(value: &Value) -> String {
    match value.kind() {
        ValueKind::Undefined => String::new(),
        ValueKind::String => value.as_str().unwrap_or_default().to_owned(),
        _ => represented(value),
    }
}

/// A value as `repr` writes it.
fn represented(value: &Value) -> String {
    let list = |items: Vec<String>| items.join(", ");
    match value.kind() {
        ValueKind::None | ValueKind::Undefined => "None".to_owned(),
        ValueKind::Bool => if value.is_true() { "True" } else { "False" }.to_owned(),
        ValueKind::String => quoted(value.as_str().unwrap_or_default()),
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().into_iter().flatten().map(|item| represented(&item)).collect();
            format!("[{}]", list(items))
        }
        ValueKind::Map => {
            let keys = value.try_iter().into_iter().flatten();
            let entry = |key: Value| {
                let item = value.get_item(&key).unwrap_or_default();
                format!("{}: {}", represented(&key), represented(&item))
            };
            format!("{{{}}}", list(keys.map(entry).collect()))
        }
        _ => value.to_string(),
    }
}

/// A text between quotes: single ones, unless it has those and no double ones.
fn quoted(text: &str) -> String {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut quoted = String::from(mark);
    for letter in text.chars() {
        match letter {
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\\' => quoted.push_str("\\\\"),
            letter if letter == mark => quoted.extend(['\\', letter]),
            letter => quoted.push(letter),
        }
    }
    quoted.push(mark);
    quoted
}

/// JSON as Python's `json.dumps` writes it: with a space behind commas and colons, and nothing made safe for HTML.
fn to_json(value: &Value, indent: Option<usize>, options: Kwargs) -> Result<String, Error> {
    let indent = indent.or(options.get("indent")?);
    for ignored in ["ensure_ascii", "separators", "sort_keys"] {
        let _: Option<Value> = options.get(ignored)?;
    }
    options.assert_all_used()?;
    match indent {
        Some(width) if width > MOST_INDENT => {
            Err(Error::new(ErrorKind::InvalidOperation, format!("an indent of {width}")))
        }
        Some(width) => json(value, PrettyFormatter::with_indent(" ".repeat(width).as_bytes())),
        None => json(value, Spaced(CompactFormatter)),
    }
}

/// Spaces of an indent, at most.
const MOST_INDENT: usize = 64;

fn json(value: &Value, formatter: impl Formatter) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let written = value.serialize(&mut Serializer::with_formatter(&mut bytes, formatter));
    written.map_err(|error| Error::new(ErrorKind::InvalidOperation, format!("no JSON: {error}")))?;
    Ok(String::from_utf8(bytes).expect("JSON is UTF-8"))
}

/// `[1, 2]` and `{"a": 1}`, on one line.
struct Spaced(CompactFormatter);

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_null<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.write_null(writer)
    }
}

/// Methods of Python's `str` beside those that are there already.
fn method(state: &State<'_, '_>, value: &Value, name: &str, arguments: &[Value]) -> Result<Value, Error> {
    let Some(text) = value.as_str() else {
        return pycompat::unknown_method_callback(state, value, name, arguments);
    };
    match name {
        "removeprefix" | "removesuffix" => {
            let (part,): (&str,) = from_args(arguments)?;
            let rest = if name == "removeprefix" { text.strip_prefix(part) } else { text.strip_suffix(part) };
            Ok(Value::from(rest.unwrap_or(text)))
        }
        "partition" | "rpartition" => {
            let (mark,): (&str,) = from_args(arguments)?;
            let parts = match if name == "partition" { text.split_once(mark) } else { text.rsplit_once(mark) } {
                Some((before, behind)) => [before, mark, behind],
                None if name == "partition" => [text, "", ""],
                None => ["", "", text],
            };
            Ok(parts.into_iter().map(Value::from).collect())
        }
        "rsplit" => {
            let (mark, most): (&str, Option<usize>) = from_args(arguments)?;
            let mut parts: Vec<&str> = match most {
                Some(most) => text.rsplitn(most.saturating_add(1), mark).collect(),
                None => text.rsplit(mark).collect(),
            };
            parts.reverse();
            Ok(parts.into_iter().map(Value::from).collect())
        }
        _ => pycompat::unknown_method_callback(state, value, name, arguments),
    }
}
