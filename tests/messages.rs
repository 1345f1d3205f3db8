//! Messages are short: two lines of a terminal and a hint, beside the line of the scenario that they point at.

use crate::support::repository;
use std::fs;

/// Columns of a terminal.
const COLUMNS: usize = 100;

/// Lines of what was found and what was expected, and of the hint behind the last semicolon.
const LINES: usize = 2;

/// A message of the command line, as a snapshot has it.
struct Message {
    snapshot: String,
    lines: Vec<String>,
}

impl Message {
    /// The part on what was found and expected, without the hint.
    fn told(&self) -> &str {
        let first = &self.lines[0];
        first.rsplit_once("; ").map_or(first.as_str(), |(told, _)| told)
    }

    /// Lines below the first that are neither of the scenario nor of clap's usage.
    fn more(&self) -> usize {
        let is_source = |line: &str| {
            let margin = line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
            margin.trim_start().starts_with('|')
        };
        let is_hint = |line: &str| {
            ["Usage:", "For more information", "  tip:", "  [possible values:"]
                .iter()
                .any(|hint| line.starts_with(hint))
        };
        self.lines[1..].iter().filter(|line| !is_source(line) && !is_hint(line)).count()
    }
}

/// The messages of all snapshots: a line that begins as one, up to an empty line, the next cause or the next message.
fn messages() -> Vec<Message> {
    let mut found = Vec::new();
    for entry in fs::read_dir(repository("tests/snapshots")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let snapshot = path.file_name().expect("a file").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("text");
        let mut in_message = false;
        for line in text.lines() {
            let begins = line.starts_with("sim: ") || line.starts_with("error: ");
            if begins {
                found.push(Message { snapshot: snapshot.clone(), lines: Vec::new() });
            }
            let ends = ["# ", "$ "].iter().any(|cause| line.starts_with(cause));
            in_message = begins || in_message && !ends;
            if in_message && !line.trim().is_empty() {
                found.last_mut().expect("one has begun").lines.push(line.to_owned());
            }
        }
    }
    found
}

#[test]
fn every_refusal_has_two_lines_and_a_hint() {
    let messages = messages();
    assert!(messages.len() > 400, "{} messages", messages.len());
    let is_long = |message: &&Message| {
        let chars = message.lines[0].chars().count();
        message.told().chars().count() > LINES * COLUMNS || chars > (LINES + 1) * COLUMNS || message.more() > LINES - 1
    };
    let long =
        messages.iter().filter(is_long).map(|message| format!("{}: {}", message.snapshot, message.lines.join("\n")));
    let long: Vec<String> = long.collect();
    assert!(long.is_empty(), "{} of {}:\n{}", long.len(), messages.len(), long.join("\n"));
}
