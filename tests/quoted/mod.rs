//! Every figure that the pages quote is held to a run: `docs/quoted.toml` lists them.
//!
//! `QUOTED=update cargo nextest run -p sim quoted` writes the figures of now into the pages.

mod list;
mod page;
mod runs;

use crate::support::repository;
use list::{Exempt, Kind, Quoted};
use page::{Page, written_like};
use runs::Results;
use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;

/// A place in a page, and the text that should stand there.
type Edit = (Range<usize>, String);

/// The pages with their names: the two at the top, and all of `docs`.
fn pages() -> BTreeMap<String, Page> {
    let docs = fs::read_dir(repository("docs")).expect("docs").map(|entry| entry.expect("an entry").file_name());
    let docs = docs.filter_map(|name| name.to_str().filter(|name| name.ends_with(".md")).map(|n| format!("docs/{n}")));
    let names = ["README.md", "ARCHITECTURE.md"].map(str::to_owned).into_iter().chain(docs);
    names.map(|name| (name.clone(), Page::read(&name))).collect()
}

fn list() -> Quoted {
    let text = fs::read_to_string(repository("docs/quoted.toml")).expect("docs/quoted.toml");
    toml::from_str(&text).unwrap_or_else(|error| panic!("docs/quoted.toml: {error}"))
}

#[test]
fn every_quoted_figure_is_that_of_a_run() {
    let (list, pages) = (list(), pages());
    let results = Results::of_all(&list);
    let mut edits: BTreeMap<&str, Vec<Edit>> = BTreeMap::new();
    let mut faults = Vec::new();
    for figure in &list.figure {
        match of_sentence(&pages[&figure.file], figure, &results) {
            Ok(found) => edits.entry(&figure.file).or_default().extend(found),
            Err(fault) => faults.push(fault),
        }
    }
    for excerpt in &list.excerpt {
        match of_excerpt(&pages[&excerpt.file], excerpt, &results[&*excerpt.run].table) {
            Ok(found) => edits.entry(&excerpt.file).or_default().extend(found),
            Err(fault) => faults.push(fault),
        }
    }
    for copied in &list.copy {
        match of_copy(&pages[&copied.file], copied) {
            Ok(found) => edits.entry(&copied.file).or_default().extend(found),
            Err(fault) => faults.push(fault),
        }
    }
    let update = std::env::var_os("QUOTED").is_some_and(|value| value == "update");
    for (name, edits) in edits {
        let page = &pages[name];
        if update {
            fs::write(repository(name), edited(&page.text, edits)).expect("the page can be written");
        } else {
            let of = |(at, now): &Edit| {
                format!("{name}:{}: {:?} is now {now:?}", page.line(at.start), &page.text[at.clone()])
            };
            faults.extend(edits.iter().map(of));
        }
    }
    assert!(faults.is_empty(), "QUOTED=update rewrites what can be rewritten:\n{}", faults.join("\n"));
}

/// The figures of a sentence that are no longer those of their runs.
fn of_sentence(page: &Page, figure: &list::Figure, results: &BTreeMap<&str, Results>) -> Result<Vec<Edit>, String> {
    let places = page.figures(&figure.says)?;
    if places.len() != figure.values.len() {
        return Err(format!("{:?} has {} figures, {} values", figure.says, places.len(), figure.values.len()));
    }
    let mut edits = Vec::new();
    for (place, value) in places.into_iter().zip(&figure.values) {
        let quoted = &page.text[place.clone()];
        let now: Vec<String> = results[&*value.run].figures(value)?.iter().map(|f| written_like(quoted, *f)).collect();
        if now.iter().any(|other| *other != now[0]) {
            return Err(format!("{}: {:?} is {now:?} at its points", page.name, figure.says));
        }
        edits.extend((now[0] != quoted).then(|| (place, now[0].clone())));
    }
    Ok(edits)
}

/// The lines of a table that are no longer those that its run prints. A line is known by its first three words.
fn of_excerpt(page: &Page, excerpt: &list::Excerpt, table: &str) -> Result<Vec<Edit>, String> {
    let block = page.block(&excerpt.begins)?;
    let key = |line: &str| line.split_whitespace().take(3).map(str::to_owned).collect::<Vec<_>>();
    let (mut at, mut edits) = (block.start, Vec::new());
    for line in page.text[block].lines() {
        let now = table.lines().find(|other| key(other) == key(line));
        let now = now.ok_or_else(|| format!("{}: {} prints no line of {:?}", page.name, excerpt.run, key(line)))?;
        edits.extend((now != line).then(|| (at..at + line.len(), now.to_owned())));
        at += line.len() + 1;
    }
    Ok(edits)
}

/// The figures of a sentence that are no longer those of the file that it is copied from.
fn of_copy(page: &Page, copied: &list::Copied) -> Result<Vec<Edit>, String> {
    let source = Page::read(&copied.of);
    let figures = source.figures_behind(&copied.behind, &copied.says)?;
    let now = figures.into_iter().map(|place| source.text[place].to_owned());
    let edits = page.figures(&copied.says)?.into_iter().zip(now);
    Ok(edits.filter(|(place, now)| page.text[place.clone()] != *now).collect())
}

/// A text with its edits, which do not overlap.
fn edited(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(at, _)| std::cmp::Reverse(at.start));
    let mut text = text.to_owned();
    for (at, now) in edits {
        text.replace_range(at, &now);
    }
    text
}

#[test]
fn every_number_that_looks_like_a_result_is_quoted_or_exempt() {
    let (list, mut pages) = (list(), pages());
    let mut faults = Vec::new();
    for figure in &list.figure {
        let page = pages.get_mut(&figure.file).expect("a page");
        match page.figures(&figure.says) {
            Ok(places) => places.into_iter().for_each(|place| page.cover(place)),
            Err(fault) => faults.push(fault),
        }
    }
    for excerpt in &list.excerpt {
        let page = pages.get_mut(&excerpt.file).expect("a page");
        match page.block(&excerpt.begins) {
            Ok(block) => page.cover(block),
            Err(fault) => faults.push(fault),
        }
    }
    for exempt in &list.exempt {
        let page = pages.get_mut(&exempt.file).unwrap_or_else(|| panic!("no page {}", exempt.file));
        match of_exempt(page, exempt) {
            Ok(part) => page.cover(part),
            Err(fault) => faults.push(fault),
        }
    }
    faults.extend(pages.values().flat_map(Page::open));
    assert!(faults.is_empty(), "neither quoted nor exempt in docs/quoted.toml:\n{}", faults.join("\n"));
}

/// The part of a page that is exempt. It has numbers, and a test that is named is there.
fn of_exempt(page: &Page, exempt: &Exempt) -> Result<Range<usize>, String> {
    let part = match (&exempt.section, &exempt.text) {
        (Some(section), None) => page.section(section)?,
        (None, Some(text)) => page.place(text)?,
        _ => return Err(format!("{}: an exemption names a section or a text", page.name)),
    };
    if !page.results().iter().any(|number| part.contains(&number.start)) {
        return Err(format!("{}: nothing to exempt in {:?}{:?}", page.name, exempt.section, exempt.text));
    }
    if exempt.why.is_empty() || (exempt.is == Kind::Tested) != exempt.by.is_some() {
        return Err(format!("{}: an exemption has a reason, and `by` where it is tested", page.name));
    }
    if let Some((file, test)) = exempt.by.as_deref().map(|by| by.split_once("::").expect("file::name")) {
        let source = fs::read_to_string(repository(file)).map_err(|error| format!("{file}: {error}"))?;
        if !source.contains(&format!("fn {test}(")) {
            return Err(format!("{file} has no test {test}"));
        }
    }
    Ok(part)
}
