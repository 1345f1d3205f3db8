//! Reads a scenario file, with the overrides of the command line.

use super::keys::Overrides;
use super::{Scenario, Source, shell};
use crate::terminal::Failure;
use std::path::Path;

/// Reads a scenario file and applies `--set key=value` on top of it.
///
/// # Errors
/// With file, line, a caret, what was expected and the nearest known key.
pub fn read(path: &Path, set: &[String]) -> Result<(Source, Scenario), Failure> {
    let text = traces::input::read_once(path).map_err(|error| Failure::io("read the scenario", path, &error))?;
    let text = String::from_utf8(text).map_err(|error| {
        let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|&&b| b == b'\n').count();
        Failure::refused(format!("{}:{line}: found bytes that are not UTF-8; save the file as UTF-8", path.display()))
    })?;
    // The file alone first, so that its errors have its lines.
    let (source, mut scenario): (Source, Scenario) = Source::new(path, text)?;
    scenario.settle(source.written());
    if set.is_empty() {
        return Ok((source, scenario));
    }
    let mut overrides = set.iter().map(|set| parse_override(set)).collect::<Result<Overrides, _>>()?;
    let mut typed = source.with(&overrides)?;
    let mut scenario: Scenario = typed.parse()?;
    if shell::resolve(&typed, &mut overrides) {
        typed = source.with(&overrides)?;
        scenario = typed.parse()?;
    }
    scenario.settle(typed.written());
    Ok((typed, scenario))
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
    Ok((key.to_owned(), typed(value)))
}

/// A value in TOML; what is not TOML is text, so that quotes may be left out.
pub fn typed(value: &str) -> toml::Value {
    let parsed = toml::from_str::<toml::Table>(&format!("value = {value}")).ok();
    parsed.and_then(|mut table| table.remove("value")).unwrap_or_else(|| value.into())
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// A scenario as if it stood in the file `s.toml`.
    pub fn source(text: &str) -> (Source, Scenario) {
        Source::new(Path::new("s.toml"), text.to_owned()).expect("a scenario")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_are_toml_or_text() {
        let value = |set| parse_override(set).expect("a sound override").1;
        assert_eq!(value("a.b=3"), toml::Value::Integer(3));
        assert_eq!(value("a.b=50 ms"), toml::Value::String("50 ms".to_owned()));
        assert_eq!(value("a.b=\"50 ms\""), toml::Value::String("50 ms".to_owned()));
        assert!(parse_override("novalue").is_err() && parse_override("a..b=1").is_err());
    }
}
