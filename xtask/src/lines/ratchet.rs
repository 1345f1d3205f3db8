//! The list of what may be longer than the rule: it may only shrink.

use std::collections::BTreeMap;
use std::fmt;

/// The longest function, in lines.
pub const FUNCTION_LIMIT: usize = 70;
/// The longest file, in lines, its tests left out.
pub const FILE_LIMIT: usize = 500;

const HEADER: &str = "\
# What is longer than `cargo xtask lines` allows, with its lines today: LINES FILE [FUNCTION].
# Entries may shrink and go, never grow; `cargo xtask lines --tighten` lowers them.
";

/// A file, or a function in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    file: String,
    function: Option<String>,
}

/// Places with their lines.
pub type Lengths = BTreeMap<Place, usize>;

impl Place {
    /// A whole file, by its path from the root.
    pub fn file(file: &str) -> Self {
        Self { file: file.to_owned(), function: None }
    }

    /// A function of a file.
    pub fn function(file: &str, function: &str) -> Self {
        Self { file: file.to_owned(), function: Some(function.to_owned()) }
    }

    /// The most lines that it may have.
    pub fn limit(&self) -> usize {
        match self.function {
            Some(_) => FUNCTION_LIMIT,
            None => FILE_LIMIT,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.function {
            Some(function) => write!(f, "{} {function}", self.file),
            None => write!(f, "{}", self.file),
        }
    }
}

/// Reads the list; the error is `line: what is wrong`.
pub fn parse(text: &str) -> Result<Lengths, String> {
    let mut lengths = Lengths::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let words: Vec<_> = line.split_whitespace().collect();
        let (lines, place) = match words[..] {
            [lines, file] => (lines, Place::file(file)),
            [lines, file, function] => (lines, Place::function(file, function)),
            _ => return Err(refusal(number, line)),
        };
        let lines = lines.parse().map_err(|_| refusal(number, line))?;
        if lengths.insert(place, lines).is_some() {
            return Err(format!("{number}: `{line}` stands twice; remove one"));
        }
    }
    Ok(lengths)
}

fn refusal(number: usize, line: &str) -> String {
    format!("{number}: `{line}` is no entry; expected LINES FILE [FUNCTION], as in `83 sim/src/main.rs main`")
}

/// Writes the list.
pub fn write(lengths: &Lengths) -> String {
    let entries = lengths.iter().map(|(place, lines)| format!("{lines} {place}\n"));
    entries.fold(HEADER.to_owned(), |text, entry| text + &entry)
}

/// Everything that is wrong, given what is over its limit and what is allowed to be.
pub fn findings(over: &Lengths, allowed: &Lengths) -> Vec<String> {
    let gone = allowed.keys().filter(|place| !over.contains_key(place));
    let gone = gone.map(|place| {
        format!("{place} is within {} lines or gone, but listed; run `cargo xtask lines --tighten`", place.limit())
    });
    let judged = over.iter().filter_map(|(place, lines)| match allowed.get(place) {
        None => Some(format!(
            "{place} has {lines} lines, at most {} are allowed; split it where its parts have names",
            place.limit()
        )),
        Some(before) if lines > before => {
            Some(format!("{place} grew from {before} to {lines} lines, but may only shrink; split off what was added"))
        }
        Some(before) if lines < before => {
            Some(format!("{place} shrank from {before} to {lines} lines; keep that with `cargo xtask lines --tighten`"))
        }
        Some(_) => None,
    });
    judged.chain(gone).collect()
}

/// The list after a turn of the ratchet: entries lowered to what is there, settled ones dropped.
pub fn tighten(over: &Lengths, allowed: &Lengths) -> Lengths {
    let kept = allowed.iter().filter_map(|(place, before)| {
        let now = over.get(place)?;
        Some((place.clone(), *now.min(before)))
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(text: &str) -> Lengths {
        parse(text).unwrap()
    }

    #[test]
    fn the_list_is_written_as_it_is_read() {
        let text = format!("{HEADER}600 a.rs\n83 a.rs T::f\n");
        assert_eq!(write(&lengths(&text)), text);
    }

    #[test]
    fn a_broken_entry_is_named_with_its_line() {
        let refused = parse("# head\nmany a.rs\n").unwrap_err();
        assert!(refused.starts_with("2: `many a.rs` is no entry"), "{refused}");
        let twice = parse("80 a.rs f\n81 a.rs f\n").unwrap_err();
        assert!(twice.contains("stands twice"), "{twice}");
    }

    #[test]
    fn what_is_listed_with_its_length_passes() {
        let now = lengths("600 a.rs\n83 a.rs f\n");
        assert_eq!(findings(&now, &now), Vec::<String>::new());
    }

    #[test]
    fn new_grown_shrunk_and_settled_places_are_each_told_what_to_do() {
        let now = lengths("90 a.rs new\n91 a.rs grown\n80 a.rs shrunk\n");
        let allowed = lengths("85 a.rs grown\n85 a.rs shrunk\n85 a.rs settled\n");
        let findings = findings(&now, &allowed);
        let expected = [
            "a.rs grown grew from 85 to 91",
            "a.rs new has 90 lines, at most 70",
            "a.rs shrunk shrank from 85 to 80",
            "a.rs settled is within 70 lines",
        ];
        assert_eq!(findings.len(), expected.len(), "{findings:?}");
        for (finding, start) in findings.iter().zip(expected) {
            assert!(finding.starts_with(start), "{finding}");
        }
    }

    #[test]
    fn tightening_never_adds_or_raises() {
        let now = lengths("90 a.rs new\n91 a.rs grown\n80 a.rs shrunk\n");
        let allowed = lengths("85 a.rs grown\n85 a.rs shrunk\n85 a.rs settled\n");
        let expected = lengths("85 a.rs grown\n80 a.rs shrunk\n");
        assert_eq!(tighten(&now, &allowed), expected);
    }
}
