//! A page of the documentation: the places of its numbers, and their covers.

use regex::Regex;
use std::fs;
use std::ops::Range;
use std::sync::LazyLock;

/// A number as pages write it: `112.4`, `.829`, `+1.2`, `360,000`.
const NUMBER: &str = r"[+-]?(?:\d+(?:,\d{3})*(?:\.\d+)?|\.\d+)";

/// Units that make a number look like a result.
const UNITS: &str = "%|ms|us|ns|s|min|minutes|seconds|times|nats|J|kJ|kB|MB|GB|GiB|TFLOP|tok/s|tokens/s|points?";

/// Numbers with a unit, also as `7 to 9 %` or `-.7 / -5.9 %`.
static WITH_UNIT: LazyLock<Regex> =
    LazyLock::new(|| regex(&format!(r"(?:{NUMBER}\s(?:to|and|or|/)\s)*{NUMBER}\s?(?:{UNITS})")));
static DECIMAL: LazyLock<Regex> = LazyLock::new(|| regex(r"\d*\.\d+"));
/// Inline code and targets of links, in which numbers are names.
static NAMES: LazyLock<Regex> = LazyLock::new(|| regex(r"`[^`\n]*`|\]\([^)\n]*\)|<https?:[^>\n]*>"));

/// A page, and the parts of it that somebody answers for.
pub struct Page {
    pub name: String,
    pub text: String,
    covered: Vec<Range<usize>>,
}

impl Page {
    pub fn read(name: &str) -> Self {
        let text = fs::read_to_string(crate::support::repository(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        Self { name: name.to_owned(), text, covered: Vec::new() }
    }

    /// The line of a place, counted from 1.
    pub fn line(&self, at: usize) -> usize {
        1 + self.text[..at].matches('\n').count()
    }

    pub fn cover(&mut self, range: Range<usize>) {
        self.covered.push(range);
    }

    /// The figures of a sentence, by `{}`. The sentence must stand in the page once, however it is wrapped.
    pub fn figures(&self, says: &str) -> Result<Vec<Range<usize>>, String> {
        let pattern = sentence(says);
        let found: Vec<_> = pattern.captures_iter(&self.text).collect();
        let [only] = &found[..] else {
            return Err(format!("{}: {} places say {says:?}, expected one", self.name, found.len()));
        };
        Ok(groups(only))
    }

    /// The figures of a sentence where it comes first behind a text.
    pub fn figures_behind(&self, behind: &str, says: &str) -> Result<Vec<Range<usize>>, String> {
        let start = self.place(behind)?.end;
        let found = sentence(says).captures_at(&self.text, start).map(|found| groups(&found));
        found.ok_or_else(|| format!("{}: nothing says {says:?} behind {behind:?}", self.name))
    }

    /// The place of a text that stands in the page once, however it is wrapped.
    pub fn place(&self, text: &str) -> Result<Range<usize>, String> {
        let found: Vec<_> = sentence(text).find_iter(&self.text).map(|found| found.range()).collect();
        match &found[..] {
            [only] => Ok(only.clone()),
            _ => Err(format!("{}: {} places say {text:?}, expected one", self.name, found.len())),
        }
    }

    /// A section: its heading to the next heading of its level.
    pub fn section(&self, heading: &str) -> Result<Range<usize>, String> {
        let mut start = None;
        for (at, line) in self.lines().filter(|(at, line)| line.starts_with('#') && self.fence(*at).is_none()) {
            let level = line.bytes().take_while(|b| *b == b'#').count();
            match start {
                None if line[level..].trim() == heading => start = Some((at, level)),
                Some((start, least)) if level <= least => return Ok(start..at),
                _ => {}
            }
        }
        let (start, _) = start.ok_or_else(|| format!("{}: no section {heading:?}", self.name))?;
        Ok(start..self.text.len())
    }

    /// The content of the code block that begins with these words.
    pub fn block(&self, begins: &str) -> Result<Range<usize>, String> {
        let start = self.place(begins)?.start;
        let end = self.text[start..].find("```").ok_or_else(|| format!("{}: an open code block", self.name))?;
        Ok(start..start + end)
    }

    /// The numbers that look like results.
    pub fn results(&self) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for (at, line) in self.lines() {
            let fence = self.fence(at);
            if line.starts_with("```") || fence.is_some_and(|language| language != "text") {
                continue;
            }
            let line = NAMES.replace_all(line, |name: &regex::Captures<'_>| " ".repeat(name[0].len()));
            let decimals = (fence.is_some() || line.starts_with('|')).then_some(&*DECIMAL);
            for pattern in [Some(&*WITH_UNIT), decimals].into_iter().flatten() {
                let whole = pattern.find_iter(&line).filter(|number| stands_alone(&line, number.range()));
                found.extend(whole.map(|number| at + number.start()..at + number.end()));
            }
        }
        found
    }

    /// The results that nobody answers for, as `file:line: text`.
    pub fn open(&self) -> Vec<String> {
        let open = self.results().into_iter().filter(|number| !self.is_covered(number));
        open.map(|number| format!("{}:{}: {}", self.name, self.line(number.start), &self.text[number])).collect()
    }

    /// True if every digit of a number is covered.
    fn is_covered(&self, number: &Range<usize>) -> bool {
        let bytes = self.text.as_bytes();
        number.clone().filter(|at| bytes[*at].is_ascii_digit()).all(|at| self.covered.iter().any(|c| c.contains(&at)))
    }

    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut at = 0;
        self.text.split_inclusive('\n').map(move |line| {
            let start = at;
            at += line.len();
            (start, line)
        })
    }

    /// The language of the code block that a place is in.
    fn fence(&self, at: usize) -> Option<&str> {
        let fences: Vec<&str> = self.text[..at].lines().filter(|line| line.starts_with("```")).collect();
        (fences.len() % 2 == 1).then(|| fences[fences.len() - 1].trim_start_matches('`'))
    }
}

/// A sentence in any wrapping, with a group for each `{}`.
fn sentence(says: &str) -> Regex {
    let words: Vec<String> = says.split_whitespace().map(regex::escape).collect();
    regex(&words.join(r"\s+").replace(r"\{\}", &format!("({NUMBER})")))
}

/// The places of all groups.
fn groups(found: &regex::Captures<'_>) -> Vec<Range<usize>> {
    (1..found.len()).map(|group| found.get(group).expect("every group is needed").range()).collect()
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|error| panic!("{error}"))
}

/// True if neither a word nor a version or path goes on before or behind a number.
fn stands_alone(line: &str, number: Range<usize>) -> bool {
    let before = line[..number.start].chars().next_back();
    let after = line[number.end..].chars().next();
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    !before.is_some_and(|c| joins(c) || matches!(c, '.' | '/' | '-' | ',')) && !after.is_some_and(joins)
}

/// `value`, written as the quoted number is: its decimals, its sign, its leading zero and its commas.
pub fn written_like(quoted: &str, value: f64) -> String {
    let decimals = quoted.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let rounded = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = rounded.split_once('.').map_or((&*rounded, String::new()), |(w, f)| (w, format!(".{f}")));
    let is_zero = rounded.bytes().all(|b| matches!(b, b'0' | b'.'));
    let sign = match (value < 0.0 && !is_zero, quoted.starts_with('+')) {
        (true, _) => "-",
        (false, true) => "+",
        (false, false) => "",
    };
    let bare = quoted.trim_start_matches(['+', '-']).starts_with('.') && whole == "0";
    let whole = match (bare, quoted.contains(',')) {
        (true, _) => String::new(),
        (false, true) => grouped(whole),
        (false, false) => whole.to_owned(),
    };
    format!("{sign}{whole}{fraction}")
}

/// Digits with a comma before each three.
fn grouped(digits: &str) -> String {
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}

#[test]
fn numbers_are_written_as_they_were_quoted() {
    for (quoted, value, want) in [
        ("112.4", 112.36, "112.4"),
        (".829", 0.8294, ".829"),
        ("150", 149.6, "150"),
        ("+1.2", 0.95, "+0.9"),
        ("-.7", -0.66, "-.7"),
        ("-1", 0.4, "0"),
        ("360,000", 1_234_567.0, "1,234,567"),
    ] {
        assert_eq!(written_like(quoted, value), want, "{quoted} for {value}");
    }
}

#[test]
fn what_looks_like_a_result_is_found() {
    let text =
        "Takes 7 to 9 % and 15 us, not `12 ms` or v1.2 s.\n```sh\n5 ms\n```\n| a | 4.7 / 9.6 |\n```text\nx 1.25\n```\n";
    let page = Page { name: "p".to_owned(), text: text.to_owned(), covered: Vec::new() };
    let found: Vec<&str> = page.results().into_iter().map(|number| &text[number]).collect();
    assert_eq!(found, ["7 to 9 %", "15 us", "4.7", "9.6", "1.25"]);
}
