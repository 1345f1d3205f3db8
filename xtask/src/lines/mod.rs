//! `cargo xtask lines`: a function fits on a screen, a file in a head.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::failure::{Failure, Outcome};
use crate::house::{self, House};
use crate::source::module_folder;

mod measure;
mod ratchet;

use measure::Measured;
use ratchet::{FILE_LIMIT, FUNCTION_LIMIT, Lengths, Place};

/// The debts, beside this package's `Cargo.toml`.
const ALLOW: &str = "xtask/lines.allow";

const HELP: &str = "\
Checks that no function is longer than 70 lines and no file longer than 500.

Measured is the house's own Rust: src/ and build.rs of every package. A function counts from its
signature to its closing brace, without its documentation; a file without its #[cfg(test)] parts.
Tests are not measured: a table of cases may be as long as it needs.

What was longer when the rule came is listed in xtask/lines.allow with its length. That list is a
ratchet: an entry may shrink, never grow, and goes when the place is within the limit. A place that
shrank is a failure too until its entry is tightened, so that it cannot creep back.";

/// The command and its help.
pub fn command() -> Command {
    let tighten = Arg::new("tighten")
        .long("tighten")
        .action(ArgAction::SetTrue)
        .help("Lower the entries of xtask/lines.allow to what is there now; never adds or raises one");
    Command::new("lines")
        .about("Check that functions and files are short; long ones may only shrink")
        .long_about(HELP)
        .arg(tighten)
}

/// Measures the house and judges it, or tightens the ratchet.
pub fn run(arguments: &ArgMatches) -> Outcome {
    if !arguments.get_flag("tighten") {
        return check();
    }
    let tightened = ratchet::tighten(&too_long()?.lengths, &allowed()?);
    fs::write(house::root().join(ALLOW), ratchet::write(&tightened))
        .map_err(|e| format!("{ALLOW} cannot be written: {e}; check its permissions"))?;
    println!("{ALLOW}: {} entries", tightened.len());
    Ok(())
}

/// The check alone, as a step of `cargo xtask test`.
pub fn check() -> Outcome {
    let found = too_long()?;
    let allowed = allowed()?;
    Failure::unless_none(ratchet::findings(&found.lengths, &allowed))?;
    println!(
        "{} files and {} functions measured, {} longer than {FILE_LIMIT} and {FUNCTION_LIMIT} lines and allowed",
        found.files,
        found.functions,
        allowed.len()
    );
    Ok(())
}

fn allowed() -> Outcome<Lengths> {
    let text = fs::read_to_string(house::root().join(ALLOW))
        .map_err(|e| format!("{ALLOW} cannot be read: {e}; restore it from git"))?;
    ratchet::parse(&text).map_err(|why| format!("{ALLOW}:{why}").into())
}

/// The measurements, and the places over their limit.
#[derive(Default)]
struct Found {
    files: usize,
    functions: usize,
    lengths: Lengths,
}

impl Found {
    fn add(&mut self, file: &str, measured: &Measured) {
        self.files += 1;
        self.functions += measured.functions.len();
        self.keep(Place::file(file), measured.lines);
        for (function, lines) in &measured.functions {
            self.keep(Place::function(file, function), *lines);
        }
    }

    fn keep(&mut self, place: Place, lines: usize) {
        if lines > place.limit() {
            // Two functions may share a name (`T::from` of two impls): the longer one speaks.
            let longest = self.lengths.entry(place).or_default();
            *longest = lines.max(*longest);
        }
    }
}

/// Measures every source file of every package that is not compiled for tests alone.
fn too_long() -> Outcome<Found> {
    let root = house::root();
    let mut measured = Vec::new();
    for path in sources()? {
        let shown = path.strip_prefix(&root).unwrap_or(&path);
        let shown = shown.display().to_string().replace('\\', "/");
        let text = fs::read_to_string(&path)
            .map_err(|e| format!("{shown} cannot be read: {e}; expected a UTF-8 text file"))?;
        let lengths = measure::measure(&text).map_err(|e| {
            let line = e.span().start().line;
            format!("{shown}:{line} is not Rust that syn can read: {e}; see whether `cargo check` reads it")
        })?;
        measured.push((path, shown, lengths));
    }
    let tests = measured.iter().flat_map(|(path, _, lengths)| {
        let modules = lengths.test_modules.iter();
        modules.map(move |module| module_folder(path).join(module))
    });
    let tests: Vec<PathBuf> = tests.collect();
    let mut found = Found::default();
    for (path, shown, lengths) in &measured {
        // `#[cfg(test)] mod oracle;` makes oracle.rs and all of oracle/ a test.
        if !tests.iter().any(|t| path.with_extension("").starts_with(t)) {
            found.add(shown, lengths);
        }
    }
    Ok(found)
}

/// Every `.rs` file below `src/` of every package, and the build scripts, sorted.
fn sources() -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    for package in House::read()?.packages {
        collect(&package.folder.join("src"), &mut files)
            .map_err(|e| format!("src/ of `{}` cannot be listed: {e}; expected a folder", package.name))?;
        let script = package.folder.join("build.rs");
        files.extend(script.is_file().then_some(script));
    }
    files.sort();
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_functions_with_one_name_the_longer_one_speaks() {
        let mut found = Found::default();
        let place = Place::function("a.rs", "T::from");
        found.keep(place.clone(), 90);
        found.keep(place.clone(), 80);
        assert_eq!(found.lengths[&place], 90);
    }
}
