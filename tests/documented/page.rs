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

/// All pages: README, CONTRIBUTING, ARCHITECTURE, and those of `docs`.
pub fn all_pages() -> Vec<String> {
    let docs = fs::read_dir(repository("docs")).expect("docs").map(|entry| entry.expect("an entry").file_name());
    let docs = docs.filter_map(|name| name.to_str().filter(|n| n.ends_with(".md")).map(|n| format!("docs/{n}")));
    ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"].map(str::to_owned).into_iter().chain(docs).collect()
}

/// The pages that have commands.
pub fn pages() -> Vec<String> {
    let mut all: Vec<_> = all_pages().into_iter().filter(|page| !commands(page).is_empty()).collect();
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
            _ if inside && is_command(code) => {
                found.push(Command { line: number, text: code.to_owned() });
            }
            _ => continue,
        }
        goes_on = open;
    }
    found
}

/// True of a line that begins with one of the programs, behind variables that it sets.
fn is_command(code: &str) -> bool {
    let is_set = |word: &str| {
        word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
    };
    let command = code.split_inclusive(' ').skip_while(|word| is_set(word)).collect::<String>();
    PROGRAMS.iter().any(|program| command.starts_with(program))
}

/// The commands of the program that a page names within its sentences, each a list of words.
pub fn mentions(page: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(repository(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
    let (mut found, mut is_block) = (Vec::new(), false);
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_block = !is_block;
        } else if !is_block {
            let code = line.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("sim "));
            found.extend(code.map(|code| code.split_whitespace().map(str::to_owned).collect()));
        }
    }
    found
}

/// The beginnings of a line that is a command. A block without a language may hold output.
const PROGRAMS: [&str; 3] = ["sim ", "cargo ", "sbatch "];

#[test]
fn commands_are_found_in_blocks_of_shell() {
    let page = "sim not\n```sh\nsim a  # why\n\nsim b \\\n    --c d\n```\n```toml\nsim = 1\n```\n```\ncargo e\nits output\n```\n```sh\nA_B=1 C=d sim f\n```\n";
    let command = |line, text: &str| Command { line, text: text.to_owned() };
    assert_eq!(
        in_blocks(page),
        [command(3, "sim a"), command(5, "sim b --c d"), command(12, "cargo e"), command(16, "A_B=1 C=d sim f")]
    );
}
