//! Texts that a spreadsheet would run.

use std::borrow::Cow;

/// The text as a field of a CSV file that people open in a spreadsheet.
///
/// A spreadsheet takes a field that begins with `=`, `+`, `-` or `@` for a formula. Such a text gets an apostrophe in front, which
/// spreadsheets take for "this is text". Numbers, with a sign and a unit too, stay as they are, and so does a dash alone.
///
/// ```
/// use tables::spreadsheet_text;
///
/// assert_eq!(spreadsheet_text("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
/// assert_eq!(spreadsheet_text("-12.5 %"), "-12.5 %");
/// ```
pub fn spreadsheet_text(text: &str) -> Cow<'_, str> {
    let runs = match text.chars().next() {
        Some('=' | '@' | '\t' | '\r') => true,
        Some('+' | '-') => !is_number(&text[1..]),
        _ => false,
    };
    if runs { format!("'{text}").into() } else { text.into() }
}

/// Digits, perhaps with a unit behind them, or nothing at all: what stands behind a sign that is no formula's.
fn is_number(text: &str) -> bool {
    let begins = text.is_empty() || text == "inf" || text.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    begins && (text.parse::<f64>().is_ok() || text.chars().all(|c| c.is_ascii_alphanumeric() || ".% ".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_marked_and_numbers_are_not() {
        for text in ["=1+1", "@SUM(A1)", "+A1", "-A1", "-1+1", "-1|cmd", "+ 1", "--1", "-(1)", "\t=1", "-2*3", "-"] {
            let marked = spreadsheet_text(text);
            assert_eq!(marked.starts_with('\''), text != "-", "{text}");
            assert_eq!(marked.trim_start_matches('\''), text);
        }
        for text in ["", "msao", "-1", "+1.5", "-1e-7", "-1.5e300", "-inf", "-.5", "-12.5 %", "-3 ms", "a=b", "1-2"] {
            assert_eq!(spreadsheet_text(text), text);
        }
    }
}
