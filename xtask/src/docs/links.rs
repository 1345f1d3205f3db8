//! The links of a finished book: each leads somewhere, and the files of the repository that they lead to are in the book too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::contents::{joined, names};
use super::{put, unreadable};
use crate::failure::{Failure, Outcome};

/// A page of the book, as far as links go.
#[derive(Default)]
struct Page {
    links: Vec<String>,
    anchors: BTreeSet<String>,
}

/// Follows every link, brings the files that they lead to into the book, and counts them.
pub fn follow(root: &Path, book: &Path) -> Outcome<usize> {
    let mut pages = BTreeMap::new();
    collect(book, "", &mut pages)?;
    let (mut findings, mut count) = (Vec::new(), 0);
    for (path, page) in &pages {
        for link in page.links.iter().filter(|link| !is_elsewhere(link)) {
            count += 1;
            if let Err(why) = followed(root, book, &pages, path, link)? {
                findings.push(format!("{}: {why}", place(root, path, link)));
            }
        }
    }
    Failure::unless_none(findings)?;
    Ok(count)
}

/// The pages below a folder of the book.
fn collect(book: &Path, folder: &str, pages: &mut BTreeMap<String, Page>) -> Outcome {
    for name in names(&book.join(folder))? {
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        if book.join(&path).is_dir() {
            collect(book, &path, pages)?;
        } else if path.ends_with(".html") {
            let html = fs::read_to_string(book.join(&path)).map_err(|error| unreadable(&path, &error))?;
            pages.insert(path, read(&html));
        }
    }
    Ok(())
}

/// The links and anchors of a page.
fn read(html: &str) -> Page {
    let mut page = Page::default();
    for tag in html.split('<').skip(1) {
        // A quoted value may have a sign that ends a tag.
        let parts: Vec<&str> = tag.split('"').collect();
        for pair in parts.chunks_exact(2) {
            if pair[0].contains('>') {
                break;
            }
            let (name, value) = (pair[0].rsplit([' ', '\n']).next().unwrap_or_default(), pair[1].replace("&amp;", "&"));
            match name {
                "href=" | "src=" => page.links.push(value),
                "id=" => {
                    page.anchors.insert(value);
                }
                _ => {}
            }
        }
    }
    page
}

/// True of a link to another site.
fn is_elsewhere(link: &str) -> bool {
    ["https:", "http:", "mailto:", "data:"].iter().any(|scheme| link.starts_with(scheme))
}

/// Follows a link; what keeps it from leading anywhere is the inner error.
fn followed(
    root: &Path,
    book: &Path,
    pages: &BTreeMap<String, Page>,
    from: &str,
    link: &str,
) -> Outcome<Result<(), String>> {
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let Some(to) = (if path.is_empty() { Some(from.to_owned()) } else { joined(from, path) }) else {
        return Ok(Err(format!("`{link}` leads out of the repository; link to a file in it")));
    };
    match (pages.get(&to), anchor) {
        (Some(page), Some(anchor)) if !page.anchors.contains(anchor) => {
            Ok(Err(format!("`{link}`: no heading of {to} has the anchor #{anchor}; look the heading up")))
        }
        (Some(_), _) => Ok(Ok(())),
        (None, Some(_)) => {
            Ok(Err(format!("`{link}`: {to} is no page of the book, so it has no anchors; link to the whole")))
        }
        (None, None) if book.join(&to).is_file() => Ok(Ok(())),
        (None, None) => brought(root, book, &to).map(|found| match found {
            true => Ok(()),
            false => Err(format!(
                "`{link}`: there is no {to}; expected a page of docs/SUMMARY.md, or a file or folder of the repository"
            )),
        }),
    }
}

/// Copies a file of the repository into the book, or the files of a folder with a list of them; false if there is neither.
fn brought(root: &Path, book: &Path, path: &str) -> Outcome<bool> {
    let copied = |path: &str| {
        let bytes = fs::read(root.join(path)).map_err(|error| unreadable(path, &error))?;
        put(&bytes, &book.join(path))
    };
    if root.join(path).is_file() {
        return copied(path).map(|()| true);
    }
    if !root.join(path).is_dir() {
        return Ok(false);
    }
    let mut list = format!("<!doctype html>\n<html lang=\"en\">\n<title>{path}</title>\n<h1>{path}</h1>\n<ul>\n");
    for name in names(&root.join(path))? {
        let file = format!("{path}/{name}");
        if root.join(&file).is_file() {
            copied(&file)?;
            list += &format!("<li><a href=\"{name}\">{name}</a></li>\n");
        }
    }
    put((list + "</ul>\n</html>\n").as_bytes(), &book.join(path).join("index.html"))?;
    Ok(true)
}

/// The place of a link in the Markdown that it is from, with the line where that is found.
fn place(root: &Path, page: &str, link: &str) -> String {
    let source = match page {
        "index.html" => "README.md".to_owned(),
        page => page.replace(".html", ".md"),
    };
    let written = link.replace(".html", ".md");
    let text = fs::read_to_string(root.join(&source)).unwrap_or_default();
    let line = text.lines().position(|line| [link, &written].iter().any(|to| line.contains(&format!("]({to})"))));
    line.map_or(source.clone(), |line| format!("{source}:{}", line + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository with a page whose links these are, and its book.
    fn findings(links: &str) -> (tempfile::TempDir, Result<usize, String>) {
        let folder = tempfile::tempdir().unwrap();
        let file = |path: &str, text: &str| put(text.as_bytes(), &folder.path().join(path)).unwrap();
        file("repository/docs/a.md", &format!("# A\n\n{}\n", links.replace("<a href=\"", "[a](").replace("\">", ")")));
        file("repository/scenarios/paper.toml", "name = \"paper\"\n");
        file("repository/scenarios/links/a.csv", "t_s\n");
        file("book/docs/a.html", &format!("<h1 id=\"a\">A > B</h1>\n{links}\n"));
        file("book/docs/b.html", "<h2 id=\"there\">There</h2>");
        let followed = follow(&folder.path().join("repository"), &folder.path().join("book"));
        (folder, followed.map_err(|failure| failure.to_string()))
    }

    #[test]
    fn links_that_lead_somewhere_are_counted() {
        let links = "<a href=\"b.html#there\"><a href=\"#a\"><a href=\"../scenarios/paper.toml\"><a class=\"x\" href=\"../scenarios\">\
                     <a href=\"https://example.org/#none\"><img alt=\"a > b\" src=\"b.html\">";
        let (folder, followed) = findings(links);
        assert_eq!(followed, Ok(5));
        let book = folder.path().join("book");
        assert_eq!(fs::read_to_string(book.join("scenarios/paper.toml")).unwrap(), "name = \"paper\"\n");
        assert!(fs::read_to_string(book.join("scenarios/index.html")).unwrap().contains("href=\"paper.toml\""));
    }

    #[test]
    fn a_dead_link_is_told_with_its_place_and_the_remedy() {
        for (link, told) in [
            ("c.html", "docs/a.md:3: `c.html`: there is no docs/c.html; expected"),
            ("b.html#here", "docs/a.md:3: `b.html#here`: no heading of docs/b.html has the anchor #here"),
            ("#b", "`#b`: no heading of docs/a.html"),
            ("../scenarios/paper.toml#a", "scenarios/paper.toml is no page of the book"),
            ("../../x", "leads out of the repository"),
        ] {
            let (_folder, followed) = findings(&format!("<a href=\"{link}\">"));
            let message = followed.unwrap_err();
            assert!(message.contains(told) && message.lines().count() == 1, "{link}: {message}");
        }
    }

    /// Text may have quotes, and signs that look like attributes.
    #[test]
    fn text_is_no_link() {
        let page = read("<p>say \"href=\" and \"x\"</p><code>a href=\"y\"</code><a href=\"z\">");
        assert_eq!(page.links, ["z"]);
    }
}
