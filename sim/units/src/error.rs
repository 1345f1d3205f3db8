//! The one error of this package: a text that is not a quantity of the type asked for.

use crate::table::Table;

/// The refusal of a text that is no quantity: one line with the text, the units expected and an example.
///
/// ```
/// use units::SimDuration;
///
/// let error = "20".parse::<SimDuration>().unwrap_err().to_string();
/// assert!(error.starts_with(r#""20" has no unit: expected a number and one of ns, us, ms"#), "{error}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}")]
pub struct QuantityError {
    line: String,
}

/// The fault of a text, before it is put in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem<'t> {
    NoUnit,
    BareNumber,
    NoNumber,
    Spacing,
    UnknownUnit(&'t str),
    TooLarge,
    NotExact,
    OutOfRange,
}

impl QuantityError {
    /// Puts `problem` with the text `got` in words.
    pub(crate) fn new(table: &Table, got: &str, problem: Problem<'_>) -> Self {
        let quoted = format!("\"{}\"", shown(got));
        let says = match problem {
            Problem::NoUnit => format!("{quoted} has no unit"),
            Problem::BareNumber => format!("{} is a bare number without a unit", shown(got)),
            Problem::NoNumber => format!("{quoted} does not start with a plain decimal number"),
            Problem::Spacing => format!("{quoted} needs exactly one space between number and unit"),
            Problem::UnknownUnit(unit) => format!("{quoted} has {}", unknown_unit(table, unit)),
            Problem::TooLarge => format!("{quoted} is too large for {}", table.what),
            Problem::NotExact => format!("{quoted} is finer than {} can hold exactly", table.what),
            Problem::OutOfRange => format!("{} is not between 0 and 1", shown(got)),
        };
        let line = format!("{says}: {}", expected(table));
        Self { line }
    }
}

/// The half of the message that does not depend on the text: units and example.
pub(crate) fn expected(table: &Table) -> String {
    let of = if table.units.len() > 1 { "one of " } else { "" };
    format!("expected a number and {of}{}, as in \"{}\"", table.symbols(), table.example)
}

fn unknown_unit(table: &Table, unit: &str) -> String {
    let mut says = format!("an unknown unit \"{}\"", shown(unit));
    if let Some(nearest) = table.nearest(unit) {
        says += &format!(" (did you mean {}? case matters", nearest.symbol);
        if table.counts_data {
            says += ", and a byte has 8 bits";
        }
        says += ")";
    }
    says
}

/// Text from outside, cut and escaped so that a message stays one short line.
fn shown(text: &str) -> String {
    const LONGEST: usize = 40;
    let escaped = |part: &mut dyn Iterator<Item = char>| part.flat_map(char::escape_debug).collect::<String>();
    if text.chars().nth(LONGEST).is_some() {
        escaped(&mut text.chars().take(LONGEST)) + "..."
    } else {
        escaped(&mut text.chars())
    }
}
