//! Serde's messages in the words of a scenario.

/// Serde's message, with the nearest known name where one was not known.
pub fn explain(message: &str) -> String {
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let known = |names: Vec<String>, kind: &str, unknown: &str| {
        let nearest = names
            .iter()
            .map(|name| (strsim::damerau_levenshtein(name, unknown), name))
            .filter(|(distance, name)| *distance <= name.len().max(unknown.len()) / 2)
            .min();
        let hint = nearest.map(|(_, name)| format!("; did you mean `{name}`?")).unwrap_or_default();
        format!("unknown {kind} `{unknown}`{hint} (known: {})", tables::listed(&names))
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

/// Serde's phrase for the names of an enum.
const NAMED: &str =
    "expected one of its values by name, as in `key = \"NAME\"` or, where that takes one, `key.NAME = VALUE`";

/// Serde speaks of the types of this program, which a user does not know.
fn in_toml_words(message: &str) -> String {
    if message.starts_with("wanted exactly 1 element") || message == "invalid type: map, expected enum" {
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
        ("a tuple of size 2", "a list of two values, as in `[[27, 3], [38, 1]]`"),
        ("invalid type: map", "invalid type: a table"),
        ("wanted string or table", NAMED),
        ("expected u32", "expected a whole number from 0 to 4294967295"),
        ("expected u64", "expected a whole number from 0 up"),
    ];
    words.into_iter().fold(message, |message, (from, to)| message.replace(from, to)).trim_end().to_owned()
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
}
