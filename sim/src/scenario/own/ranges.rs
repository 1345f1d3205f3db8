//! Numbers of a table within their ranges.

use super::Refusal;

/// A dimension that every decoder has.
pub fn stated(key: &'static str, value: Option<u32>, most: u32) -> Result<u64, Refusal> {
    let missing = || (key, "expected it, or `config = \"config.json\"` in place of all dimensions".to_owned());
    in_range(key, value, most)?.ok_or_else(missing)
}

/// A number that may be 0, which is its default.
pub fn or_zero(key: &'static str, value: Option<u32>, most: u32) -> Result<u64, Refusal> {
    Ok(in_range(key, value.filter(|value| *value > 0), most)?.unwrap_or(0))
}

/// A number within its range.
pub fn number(key: &'static str, value: u32, most: u32) -> Result<u64, Refusal> {
    in_range(key, Some(value), most).map(|_| u64::from(value))
}

/// A dimension within its range, where it is written.
pub fn in_range(key: &'static str, value: Option<u32>, most: u32) -> Result<Option<u64>, Refusal> {
    match value {
        Some(value) if !(1..=most).contains(&value) => Err((key, format!("expected a whole number from 1 to {most}"))),
        _ => Ok(value.map(u64::from)),
    }
}
