//! `cargo xtask docs`: the documentation as a book, with every link checked.

mod contents;
mod links;

use std::fs;
use std::path::Path;
use std::process::Command;

use clap::{ArgMatches, Command as Clap};

use crate::failure::{Failure, Outcome};
use crate::house::{House, root};
use crate::installed::Program;
use crate::packages::{in_ci, said};
use contents::Contents;

const HELP: &str = "\
Builds the documentation into target/docs as a book that is read in order; target/docs/index.html is its first page. It needs no
network then, and no program but a browser.

mdBook makes it, installed once into target/mdbook. docs/SUMMARY.md has the order of its pages: every page of docs/ stands in it once.
Then each link of each page is followed: it leads to a page, to a heading of one, or to a file or folder of the repository, which
comes into the book too. A link that leads nowhere is a failure.

The commands that pages show are run by tests (tests/documented); the figures that they quote are held by docs/quoted.toml.";

/// The program that makes the book.
const MDBOOK: Program<'_> = Program {
    name: "mdbook",
    version: "0.5.4",
    // The book takes a quarter of a second; an optimised program would take minutes to build.
    options: &["--debug", "--no-default-features", "--features", "search"],
    asked: &["--version"],
    answer: "mdbook v0.5.4",
};

/// The order of the pages.
const SUMMARY: &str = "docs/SUMMARY.md";
/// The settings of the book, and its style.
const SETTINGS: [&str; 2] = ["book.toml", "book.css"];

/// The command and its help.
pub fn command() -> Clap {
    Clap::new("docs").about("Build the documentation as a book, and check its links").long_about(HELP)
}

/// Runs the command.
pub fn run(_: &ArgMatches) -> Outcome {
    let program = MDBOOK.obtain(&House::target()?.join(MDBOOK.name))?;
    build(&program)
}

/// Builds the book, as a step of `cargo xtask test`. Where mdBook cannot be had it is skipped, but not in CI.
pub fn check() -> Outcome {
    match MDBOOK.obtain(&House::target()?.join(MDBOOK.name)) {
        Ok(program) => build(&program),
        Err(failure) if in_ci() => Err(failure),
        Err(failure) => {
            print!("skipped: the book and its links: {failure}");
            Ok(())
        }
    }
}

fn build(program: &Path) -> Outcome {
    let target = House::target()?;
    let (sources, book) = (target.join("mdbook/sources"), target.join("docs"));
    let contents = Contents::read(&root(), SUMMARY)?;
    lay_out(&root(), &contents, &sources)?;
    empty(&book)?;
    said(Command::new(program).arg("build").arg(&sources).arg("--dest-dir").arg(&book))?;
    let links = links::follow(&root(), &book)?;
    println!(
        "{} pages, {links} links lead somewhere; open {}",
        contents.pages().count(),
        book.join("index.html").display()
    );
    Ok(())
}

/// Lays the pages out as mdBook wants them: at their places in the repository, below one folder.
fn lay_out(root: &Path, contents: &Contents, sources: &Path) -> Outcome {
    empty(sources)?;
    let read = |path: &str| fs::read(root.join(path)).map_err(|error| unreadable(path, &error));
    for name in SETTINGS {
        put(&read(&format!("docs/{name}"))?, &sources.join(name))?;
    }
    put(contents.text().as_bytes(), &sources.join("src/SUMMARY.md"))?;
    for page in contents.pages() {
        put(&read(page)?, &sources.join("src").join(page))?;
    }
    Ok(())
}

fn empty(folder: &Path) -> Outcome {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    }
    Ok(())
}

/// Writes a file and the folders above it.
fn put(bytes: &[u8], path: &Path) -> Outcome {
    let folder = path.parent().unwrap_or(path);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, bytes));
    written.map_err(|error| unwritable(path, &error))
}

fn unreadable(path: &str, error: &std::io::Error) -> Failure {
    format!("{path}: cannot be read: {error}; restore it, or mend its line in {SUMMARY}").into()
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    format!("{}: cannot be written: {error}; make room, or check its permissions", path.display()).into()
}
