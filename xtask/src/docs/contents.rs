//! The order of the pages, in mdBook's own form.

use std::fs;
use std::path::Path;

use super::unreadable;
use crate::failure::{Failure, Outcome};

/// The contents of the book, a line each.
#[derive(Debug)]
pub struct Contents(Vec<Line>);

#[derive(Debug, PartialEq)]
enum Line {
    /// Heading of a part: `# TITLE`.
    Part(String),
    /// A page, by its path in the repository: `- [TITLE](PAGE.md)`.
    Page { title: String, path: String },
}

impl Contents {
    /// Reads the list. Every page of its folder has to stand in it, once.
    pub fn read(root: &Path, file: &str) -> Outcome<Self> {
        let text = fs::read_to_string(root.join(file)).map_err(|error| unreadable(file, &error))?;
        let contents = Self::parse(file, &text)?;
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut findings = Vec::new();
        for name in names(&root.join(folder))?.into_iter().filter(|name| name.ends_with(".md")) {
            let path = format!("{folder}/{name}");
            let missing = path != file && !contents.pages().any(|page| page == path);
            findings.extend(
                missing.then(|| format!("{file}: {path} is not in it; add a line where a reader should come to it")),
            );
        }
        Failure::unless_none(findings)?;
        Ok(contents)
    }

    fn parse(file: &str, text: &str) -> Outcome<Self> {
        let mut lines: Vec<Line> = Vec::new();
        for (number, written) in (1..).zip(text.lines()).filter(|(_, written)| !written.trim().is_empty()) {
            let line = line(file, written).ok_or_else(|| {
                format!("{file}:{number}: {written:?}: expected `# TITLE` of a part, or `- [TITLE](PAGE.md)` with a page of the repository")
            })?;
            if matches!(line, Line::Page { .. }) && lines.contains(&line) {
                return Err(format!("{file}:{number}: {written:?} stands in it twice; keep one").into());
            }
            lines.push(line);
        }
        Ok(Self(lines))
    }

    /// The pages in their order.
    pub fn pages(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|line| match line {
            Line::Part(_) => None,
            Line::Page { path, .. } => Some(path.as_str()),
        })
    }

    /// The list with paths from the root of the repository.
    pub fn text(&self) -> String {
        let line = |line: &Line| match line {
            Line::Part(title) => format!("\n# {title}\n\n"),
            Line::Page { title, path } => format!("- [{title}]({path})\n"),
        };
        // mdBook takes the first heading for the list's own.
        format!("# Summary\n\n{}", self.0.iter().map(line).collect::<String>())
    }
}

fn line(file: &str, written: &str) -> Option<Line> {
    if let Some(title) = written.strip_prefix("# ") {
        return Some(Line::Part(title.trim().to_owned()));
    }
    let (title, path) = written.strip_prefix("- [")?.strip_suffix(')')?.split_once("](")?;
    let path = joined(file, path).filter(|path| path.ends_with(".md"))?;
    Some(Line::Page { title: title.to_owned(), path })
}

/// A path that is relative to a file, from the folder above all; none if it leads out of that.
pub fn joined(file: &str, path: &str) -> Option<String> {
    let mut steps: Vec<&str> = file.split('/').collect();
    steps.pop();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop()?;
            }
            name => steps.push(name),
        }
    }
    Some(steps.join("/"))
}

/// The names in a folder, sorted, without hidden ones.
pub fn names(folder: &Path) -> Outcome<Vec<String>> {
    let refused = |error| Failure::from(format!("{}: cannot be listed: {error}; restore it", folder.display()));
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(refused)? {
        let name = entry.map_err(refused)?.file_name();
        names.extend(name.into_string().ok().filter(|name| !name.starts_with('.')));
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "docs/SUMMARY.md";

    #[test]
    fn pages_have_their_places_in_the_repository() {
        let contents = Contents::parse(FILE, "# Start\n\n- [The start](../README.md)\n- [Links](links.md)\n").unwrap();
        assert_eq!(contents.pages().collect::<Vec<_>>(), ["README.md", "docs/links.md"]);
        let expected = "# Summary\n\n\n# Start\n\n- [The start](README.md)\n- [Links](docs/links.md)\n";
        assert_eq!(contents.text(), expected);
    }

    #[test]
    fn a_line_that_is_no_page_is_refused_with_its_place() {
        for (text, place) in [
            ("# A\nwords\n", "docs/SUMMARY.md:2: \"words\": expected"),
            ("- [A](../../a.md)\n", "docs/SUMMARY.md:1: "),
            ("- [A](a.toml)\n", "docs/SUMMARY.md:1: "),
            ("- [A](a.md)\n- [A](./a.md)\n", "docs/SUMMARY.md:2: \"- [A](./a.md)\" stands in it twice"),
        ] {
            let message = Contents::parse(FILE, text).unwrap_err().to_string();
            assert!(message.contains(place), "{text}: {message}");
        }
    }

    /// Held also where mdBook cannot be had.
    #[test]
    fn the_contents_have_every_page() {
        let contents = Contents::read(&crate::house::root(), FILE).unwrap();
        assert!(contents.pages().any(|page| page == "docs/tutorial.md"), "{contents:?}");
    }

    #[test]
    fn a_page_that_is_left_out_is_named() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("docs")).unwrap();
        for (name, text) in [("SUMMARY.md", "- [A](a.md)\n"), ("a.md", "# A\n"), ("b.md", "# B\n"), ("c.toml", "")] {
            fs::write(root.path().join("docs").join(name), text).unwrap();
        }
        let message = Contents::read(root.path(), FILE).unwrap_err().to_string();
        assert!(message.contains("docs/b.md is not in it") && message.lines().count() == 1, "{message}");
    }
}
