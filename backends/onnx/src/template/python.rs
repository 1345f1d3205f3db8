//! Values as Python writes them, and what its types can do that Jinja's do not.

use super::meter::Meter;
use minijinja::value::{Kwargs, Rest, ValueKind, from_args};
use minijinja::{Environment, Error, ErrorKind, State, Value, filters};
use minijinja_contrib::pycompat;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};
use std::fmt::{self, Write as _};
use std::io::{self, Write};

/// Adds all of it to an environment, with what is made charged to a meter.
pub fn add(environment: &mut Environment<'_>, meter: &Meter) {
    let (m, formats, joins, concatenates) = (meter.clone(), meter.clone(), meter.clone(), meter.clone());
    environment.set_formatter(move |out, _, value| {
        formats.take(value.as_str().map_or(0, str::len))?;
        out.write_str(&shown(&formats, value)?).map_err(Error::from)
    });
    meter.add(environment, move |left, right| Ok(shown(&concatenates, left)? + &shown(&concatenates, right)?));
    environment
        .set_unknown_method_callback(move |state, value, name, arguments| method(&m, state, value, name, arguments));
    environment
        .add_filter("join", move |items: &Value, mark: Option<&str>| joined(&joins, items, mark.unwrap_or_default()));
    let m = meter.clone();
    environment
        .add_filter("replace", move |text: &Value, from: &str, to: &str| replaced(&m, &shown(&m, text)?, from, to));
    let m = meter.clone();
    environment.add_filter("tojson", move |value: &Value, indent: Option<usize>, options: Kwargs| {
        to_json(&m, value, indent, options)
    });
    for name in ["string", "pprint"] {
        let m = meter.clone();
        environment.add_filter(name, move |value: &Value| shown(&m, value));
    }
    add_with_bounds(environment);
    environment.add_test("sequence", |value: &Value| {
        matches!(value.kind(), ValueKind::Seq | ValueKind::String | ValueKind::Map)
    });
    environment.add_test("iterable", |value: &Value| !value.is_none() && value.try_iter().is_ok());
}

/// Columns, items or digits that a template may ask for, at most.
const MOST: usize = 4096;

/// Adds Jinja's filters that take a width or a number of items, which are bounded here.
fn add_with_bounds(environment: &mut Environment<'_>) {
    environment.add_filter("batch", |state: &State<'_, '_>, items: Value, count: usize, fill: Option<Value>| {
        filters::batch(state, items, bounded("a batch", count)?, fill)
    });
    environment.add_filter("slice", |state: &State<'_, '_>, items: Value, count: usize, fill: Option<Value>| {
        filters::slice(state, items, bounded("slices", count)?, fill)
    });
    environment.add_filter(
        "indent",
        |text: Value, width: Option<usize>, first: Option<bool>, blank: Option<bool>, options: Kwargs| {
            let width = width.or(options.get("width")?);
            let first = first.or(options.get("first")?).unwrap_or(false);
            let blank = blank.or(options.get("blank")?).unwrap_or(false);
            options.assert_all_used()?;
            Ok::<_, Error>(indented(&text.to_string(), bounded("an indent", width.unwrap_or(4))?, first, blank))
        },
    );
    environment.add_filter("format", |state: &State<'_, '_>, pattern: &Value, arguments: Rest<Value>| {
        pattern.as_str().map_or(Ok(()), bounded_digits)?;
        filters::format(state, pattern, arguments)
    });
}

/// The number, unless it is more than a template of a conversation needs.
fn bounded(what: &str, number: usize) -> Result<usize, Error> {
    if number <= MOST {
        Ok(number)
    } else {
        Err(Error::new(ErrorKind::InvalidOperation, format!("{what} of {number}")))
    }
}

/// Refuses a pattern that asks for very wide numbers.
fn bounded_digits(pattern: &str) -> Result<(), Error> {
    let widths = pattern.split(|letter: char| !letter.is_ascii_digit()).filter(|digits| !digits.is_empty());
    let widest = widths.map(|digits| digits.parse().unwrap_or(usize::MAX)).max();
    if pattern.contains('*') {
        return Err(Error::new(ErrorKind::InvalidOperation, "a width that is an argument"));
    }
    bounded("a width", widest.unwrap_or_default()).map(drop)
}

/// The lines of a text behind a width of spaces.
fn indented(text: &str, width: usize, first: bool, blank: bool) -> String {
    let space = " ".repeat(width);
    let line = |(number, line): (usize, &str)| {
        let is_indented = (number > 0 || first) && (blank || !line.is_empty());
        if is_indented { format!("{space}{line}") } else { line.to_owned() }
    };
    text.strip_suffix('\n').unwrap_or(text).split('\n').enumerate().map(line).collect::<Vec<_>>().join("\n")
}

/// A text with each place of a part replaced.
fn replaced(meter: &Meter, text: &str, from: &str, to: &str) -> Result<String, Error> {
    meter.take(text.len().saturating_add(text.matches(from).count().saturating_mul(to.len())))?;
    Ok(text.replace(from, to))
}

/// The items of a list as one text.
fn joined(meter: &Meter, items: &Value, mark: &str) -> Result<String, Error> {
    let mut text = meter.text();
    for (number, item) in items.try_iter()?.enumerate() {
        let before = if number == 0 { "" } else { mark };
        text.write_str(before).and_then(|()| text.write_str(&shown(meter, &item).map_err(|_| fmt::Error)?))?;
    }
    Ok(text.whole())
}

/// A value as `str` writes it; nothing where there is none.
fn shown(meter: &Meter, value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::Undefined => Ok(String::new()),
        ValueKind::String => Ok(value.as_str().unwrap_or_default().to_owned()),
        _ => {
            let mut text = meter.text();
            represent(&mut text, value, LEVELS)?;
            Ok(text.whole())
        }
    }
}

/// Levels of lists and mappings that are written, at most.
const LEVELS: u32 = 128;

/// Writes a value as `repr` writes it.
fn represent(text: &mut impl fmt::Write, value: &Value, levels: u32) -> fmt::Result {
    let below = levels.checked_sub(1).ok_or(fmt::Error)?;
    let comma = |text: &mut dyn fmt::Write, number: usize| if number > 0 { text.write_str(", ") } else { Ok(()) };
    match value.kind() {
        ValueKind::None | ValueKind::Undefined => text.write_str("None"),
        ValueKind::Bool => text.write_str(if value.is_true() { "True" } else { "False" }),
        ValueKind::String => text.write_str(&quoted(value.as_str().unwrap_or_default())),
        ValueKind::Seq | ValueKind::Iterable => {
            text.write_char('[')?;
            for (number, item) in value.try_iter().into_iter().flatten().enumerate() {
                comma(text, number)?;
                represent(text, &item, below)?;
            }
            text.write_char(']')
        }
        ValueKind::Map => {
            text.write_char('{')?;
            for (number, key) in value.try_iter().into_iter().flatten().enumerate() {
                comma(text, number)?;
                represent(text, &key, below)?;
                text.write_str(": ")?;
                represent(text, &value.get_item(&key).unwrap_or_default(), below)?;
            }
            text.write_char('}')
        }
        _ => write!(text, "{value}"),
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
fn to_json(meter: &Meter, value: &Value, indent: Option<usize>, options: Kwargs) -> Result<String, Error> {
    let indent = indent.or(options.get("indent")?);
    for ignored in ["ensure_ascii", "separators", "sort_keys"] {
        let _: Option<Value> = options.get(ignored)?;
    }
    options.assert_all_used()?;
    match indent {
        Some(width) => {
            let width = bounded("an indent", width)?;
            json(meter, value, PrettyFormatter::with_indent(" ".repeat(width).as_bytes()))
        }
        None => json(meter, value, Spaced(CompactFormatter)),
    }
}

fn json(meter: &Meter, value: &Value, formatter: impl Formatter) -> Result<String, Error> {
    let mut bytes = Charged { meter, bytes: Vec::new() };
    let written = value.serialize(&mut Serializer::with_formatter(&mut bytes, formatter));
    written.map_err(|error| Error::new(ErrorKind::InvalidOperation, format!("no JSON: {error}")))?;
    Ok(String::from_utf8(bytes.bytes).expect("JSON is UTF-8"))
}

/// Bytes that are charged to a meter.
struct Charged<'m> {
    meter: &'m Meter,
    bytes: Vec<u8>,
}

impl Write for Charged<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.meter.take(bytes.len()).map_err(|_| io::Error::other("too much text"))?;
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
fn method(
    meter: &Meter,
    state: &State<'_, '_>,
    value: &Value,
    name: &str,
    arguments: &[Value],
) -> Result<Value, Error> {
    let Some(text) = value.as_str() else {
        return pycompat::unknown_method_callback(state, value, name, arguments);
    };
    match name {
        "join" => {
            let (items,): (Value,) = from_args(arguments)?;
            joined(meter, &items, text).map(Value::from)
        }
        // With a number of places, no more than those are replaced.
        "replace" => {
            let (from, to, most): (&str, &str, Option<i64>) = from_args(arguments)?;
            match most.and_then(|most| usize::try_from(most).ok()) {
                None => replaced(meter, text, from, to).map(Value::from),
                Some(most) => {
                    let places = text.matches(from).take(most).count();
                    meter.take(text.len().saturating_add(places.saturating_mul(to.len())))?;
                    Ok(Value::from(text.replacen(from, to, most)))
                }
            }
        }
        "format" => {
            bounded_digits(text)?;
            pycompat::unknown_method_callback(state, value, name, arguments)
        }
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
