//! The commands of a page: the lines of its blocks of shell.

use crate::support::repository;
use std::fs;

/// A command as it stands in a page, on one line and without its comment.
#[derive(Debug, PartialEq)]
pub struct Command {
    /// The line of its beginning, counted from 1.
    pub line: usize,
    pub text: String,
}

/// The pages that have commands: README, CONTRIBUTING, and those of `docs`.
pub fn pages() -> Vec<String> {
    let docs = fs::read_dir(repository("docs")).expect("docs").map(|entry| entry.expect("an entry").file_name());
    let docs = docs.filter_map(|name| name.to_str().filter(|n| n.ends_with(".md")).map(|n| format!("docs/{n}")));
    let all = ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"].map(str::to_owned).into_iter().chain(docs);
    let mut all: Vec<_> = all.filter(|page| !commands(page).is_empty()).collect();
    all.sort();
    all
}

/// The commands of a page.
pub fn commands(page: &str) -> Vec<Command> {
    let text = fs::read_to_string(repository(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
    in_blocks(&text)
}

fn in_blocks(text: &str) -> Vec<Command> {
    let (mut found, mut block, mut goes_on) = (Vec::<Command>::new(), None::<&str>, false);
    for (number, line) in (1..).zip(text.lines()) {
        if let Some(fence) = line.trim_start().strip_prefix("```") {
            block = if block.is_none() { Some(fence.trim()) } else { None };
            continue;
        }
        let inside = block.is_some_and(|language| ["sh", ""].contains(&language));
        let code = line.split(" #").next().unwrap_or_default().trim();
        let (code, open) = code.strip_suffix('\\').map_or((code, false), |code| (code.trim(), true));
        match found.last_mut().filter(|_| goes_on) {
            Some(command) if inside => command.text = format!("{} {code}", command.text),
            _ if inside && PROGRAMS.iter().any(|program| code.starts_with(program)) => {
                found.push(Command { line: number, text: code.to_owned() });
            }
            _ => continue,
        }
        goes_on = open;
    }
    found
}

/// The beginnings of a line that is a command. A block without a language may hold output.
const PROGRAMS: [&str; 3] = ["sim ", "cargo ", "sbatch "];

#[test]
fn commands_are_found_in_blocks_of_shell() {
    let page = "sim not\n```sh\nsim a  # why\n\nsim b \\\n    --c d\n```\n```toml\nsim = 1\n```\n```\ncargo e\nits output\n```\n";
    let command = |line, text: &str| Command { line, text: text.to_owned() };
    assert_eq!(in_blocks(page), [command(3, "sim a"), command(5, "sim b --c d"), command(12, "cargo e")]);
}
