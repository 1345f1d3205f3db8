//! The text of `sim show`: the scenario with every default filled in, and behind each key `default`, `set` or `swept`; then the
//! keys that are absent.

use super::Plan;
use super::absent::absent;
use super::keys::{self, Path, parts};
use std::collections::BTreeMap;
use toml::Table;
use toml::de::{DeTable, DeValue};

/// Comments stand in one column, but for lines that are longer than this.
const WIDEST: usize = 48;

/// The text of `Scenario::resolved_text`, each key with a comment: `default`, `set` (in the file or over it) or `swept`. Absent keys
/// are comments at its end.
pub fn shown(plan: &Plan) -> String {
    let written = plan.source.written();
    let swept: Vec<Path> = plan.design.keys().map(|key| keys::canonical(written, &parts(key))).collect();
    let text = plan.scenario.resolved_text(plan.source.folder());
    annotated(&text, written, &swept) + &absent(&text)
}

/// Adds the comments to a TOML text.
fn annotated(text: &str, written: &Table, swept: &[Path]) -> String {
    let Ok(document) = DeTable::parse(text) else { return text.to_owned() };
    let mut ends = Vec::new();
    value_ends(&mut Path::new(), document.get_ref(), &mut ends);
    let line_end = |end: usize| text[end..].find('\n').map_or(text.len(), |newline| end + newline);
    // By the end of the line; of several values on one line, in a list of tables, the first speaks.
    let mut origins = BTreeMap::new();
    for (path, end) in &ends {
        origins.entry(line_end(*end)).or_insert_with(|| origin(path, written, swept));
    }
    let width = |end: usize| text[..end].lines().next_back().unwrap_or("").chars().count();
    let column = origins.keys().map(|end| width(*end)).filter(|width| *width <= WIDEST).max().unwrap_or(0);
    let mut annotated = String::with_capacity(text.len() * 2);
    let mut start = 0;
    for (end, origin) in origins {
        let gap = " ".repeat(column.saturating_sub(width(end)) + 2);
        annotated += &format!("{}{gap}# {origin}", &text[start..end]);
        start = end;
    }
    annotated += &text[start..];
    // A comment that came to stand within a value would change it.
    let same = toml::from_str::<Table>(&annotated).ok() == toml::from_str(text).ok();
    if same { annotated } else { text.to_owned() }
}

/// The origin of a key's value: `default`, `set` or `swept`.
fn origin(path: &[String], written: &Table, swept: &[Path]) -> &'static str {
    if swept.iter().any(|key| path.starts_with(key) || key.starts_with(path)) {
        "swept"
    } else if keys::has(written, path) {
        "set"
    } else {
        "default"
    }
}

/// Every value with its path and the place where it ends, in no order.
fn value_ends(at: &mut Path, table: &DeTable<'_>, ends: &mut Vec<(Path, usize)>) {
    for (name, value) in table {
        at.push(name.get_ref().to_string());
        match value.get_ref() {
            DeValue::Table(inner) => value_ends(at, inner, ends),
            DeValue::Array(many) if !many.is_empty() && many.iter().all(|one| one.get_ref().is_table()) => {
                for (index, inner) in many.iter().filter_map(|one| one.get_ref().as_table()).enumerate() {
                    at.extend((many.len() > 1).then(|| index.to_string()));
                    value_ends(at, inner, ends);
                    at.truncate(at.len() - usize::from(many.len() > 1));
                }
            }
            _ => ends.push((at.clone(), value.span().end)),
        }
        at.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Annotates `text` as if `written` were the file and these keys swept.
    fn comments(text: &str, written: &str, swept: &[&str]) -> String {
        let written: Table = toml::from_str(written).expect("TOML");
        let swept: Vec<Path> = swept.iter().map(|key| keys::canonical(&written, &parts(key))).collect();
        annotated(text, &written, &swept)
    }

    #[test]
    fn a_key_is_set_however_it_was_written() {
        let printed = "a = 1\n\n[b]\nc = 2\nd = 3\n\n[b.e.variant]\nf = 4\ng = 5\n\n[h]\n";
        let expected = "a = 1  # default\n\n[b]\nc = 2  # set\nd = 3  # default\n\n[b.e.variant]\nf = 4  # set\n\
                        g = 5  # default\n\n[h]\n";
        for written in [
            "[b]\nc = 2\n[b.e.variant]\nf = 4",
            "b = { c = 2, e = { variant = { f = 4 } } }",
            "b.c = 2\nb.e.variant.f = 4",
            "[b]\nc = 2\ne.variant = { f = 4 }",
        ] {
            assert_eq!(comments(printed, written, &[]), expected, "{written}");
        }
    }

    #[test]
    fn tables_of_an_array_are_told_apart() {
        let printed = "[[p]]\na = 1\n\n[p.q]\nb = 2\n\n[[p]]\na = 1\n\n[p.q]\nb = 3\n";
        let said = comments(printed, "[[p]]\na = 1\n[[p]]\nq.b = 3", &["p.q.b"]);
        let expected =
            "[[p]]\na = 1  # set\n\n[p.q]\nb = 2  # swept\n\n[[p]]\na = 1  # default\n\n[p.q]\nb = 3  # set\n";
        assert_eq!(said, expected);
        assert_eq!(comments("[p]\na = 1\n", "[[p]]\na = 1", &[]), "[p]\na = 1  # set\n");
        assert_eq!(comments("[p]\na = 1\n", "[[p]]", &["p.a"]), "[p]\na = 1  # swept\n");
    }

    #[test]
    fn unit_variants_and_wholes_of_a_swept_part() {
        assert_eq!(comments("[w]\nd = \"x\"\n", "w.d = \"x\"", &["w.d.custom.n"]), "[w]\nd = \"x\"  # swept\n");
        assert_eq!(comments("[w.d]\nn = 1\n", "w.d = { n = 1 }", &["w.d"]), "[w.d]\nn = 1  # swept\n");
        assert_eq!(comments("[w]\ndd = 1\n", "", &["w.d"]), "[w]\ndd = 1  # default\n");
    }

    #[test]
    fn what_comments_would_break_stays_whole() {
        let multiline = "a = \"\"\"\none\ntwo\"\"\"\nb = [{ c = 1 }, { c = 2 }]\n\"d.e\" = \"# no\"\n";
        let said = comments(multiline, "b = []", &[]);
        let table = |text: &str| toml::from_str::<Table>(text).expect("TOML");
        assert_eq!(table(&said), table(multiline));
        assert_eq!(said.matches("  # default").count(), 2, "{said}");
        assert_eq!(said.lines().count(), multiline.lines().count());
        let odd = "a = [\"x\", \"\"\"\ny\"\"\"]\n";
        assert_eq!(table(&comments(odd, "", &[])), table(odd));
        assert_eq!(comments("no toml", "", &[]), "no toml");
    }

    #[test]
    fn long_lines_do_not_push_the_column_away() {
        let long = format!("a = \"{}\"\nbc = 1\nd = 1\n", "x".repeat(60));
        let said = comments(&long, "", &[]);
        assert!(said.contains("x\"  # default\nbc = 1  # default\nd = 1   # default\n"), "{said}");
    }
}
