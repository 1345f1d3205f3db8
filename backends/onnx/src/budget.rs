//! The regular expressions of a tokenizer, tried on a text before it is cut.
//!
//! Some expressions take exponentially long. The tokenizer's library gives up on them after a million steps, and goes on as if the
//! rest of the text had no match: what comes out looks right and is not. So each expression is tried first, and told.

use fancy_regex::{Regex, RegexBuilder};
use serde_json::Value;

/// Steps back of a match, at most; those of published tokenizers take a few.
const STEPS: usize = 100_000;

/// The expressions of a tokenizer.
pub struct Budget(Vec<Regex>);

impl Budget {
    /// Those that `tokenizer.json` names.
    pub fn of(tokenizer: &Value) -> Self {
        let mut patterns = Vec::new();
        for part in ["normalizer", "pre_tokenizer"] {
            collect(&tokenizer[part], &mut patterns);
        }
        // What is no expression is the tokenizer's to refuse.
        let compiled = |pattern: &str| RegexBuilder::new(pattern).backtrack_limit(STEPS).build().ok();
        Self(patterns.into_iter().filter_map(compiled).collect())
    }

    /// The expression that takes too many steps on a text.
    pub fn broken_by(&self, text: &str) -> Option<&str> {
        let breaks = |regex: &&Regex| regex.find_iter(text).any(|found| found.is_err());
        self.0.iter().find(breaks).map(Regex::as_str)
    }
}

fn collect<'v>(value: &'v Value, patterns: &mut Vec<&'v str>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                match value.as_str() {
                    Some(pattern) if key == "Regex" => patterns.push(pattern),
                    _ => collect(value, patterns),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, patterns)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn expressions_that_do_not_end_are_found() {
        let split = |pattern: &str| {
            json!({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated"}]}})
        };
        let usual = Budget::of(&split(r"(?i:'s|'t)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|\s*[\r\n]+|\s+(?!\S)|\s+"));
        let text = "What is in the picture?   It's\n\n red. ".repeat(100);
        assert_eq!(usual.broken_by(&text), None);
        let endless = r"(?:(?=a)a|a)*+b|(?:a|(?=a)a)*b";
        assert_eq!(Budget::of(&split(endless)).broken_by(&"a".repeat(60)), Some(endless));
        assert_eq!(Budget::of(&json!({})).broken_by(&text), None);
    }
}
