//! The keys that a scenario could have and has not: `sim show` lists them behind the others.

use super::reference::{KeyDoc, first_sentence, reference};
use toml::{Table, Value};

/// Width of the longest key that the sentences stand beside.
const WIDEST: usize = 36;

/// Comments that name every absent key of the tables that a scenario has, each with its first sentence; nothing if none is
/// absent.
pub fn absent(text: &str) -> String {
    let Ok(written) = toml::from_str::<Table>(text) else { return String::new() };
    let absent: Vec<KeyDoc> = reference().into_iter().filter(|doc| is_absent(doc, &written)).collect();
    if absent.is_empty() {
        return String::new();
    }
    let width = absent.iter().map(|doc| doc.key.len()).filter(|width| *width <= WIDEST).max().unwrap_or(0);
    let line = |doc: &KeyDoc| format!("#   {:<width$}  {}\n", doc.key, first_sentence(&doc.meaning));
    let lines: String = absent.iter().map(line).collect();
    format!("\n# Absent keys of these tables, each of which may be set; `sim explain KEY` says more:\n#\n{lines}")
}

/// True of a key without a table of its own, whose table the scenario has, while it has no such key.
fn is_absent(doc: &KeyDoc, written: &Table) -> bool {
    // The keys of a sweep are those of the scenario; of several choices one was made.
    if doc.is_table || doc.is_choice || doc.key.starts_with("sweep") {
        return false;
    }
    match doc.key.rsplit_once('.') {
        None => !written.contains_key(&doc.key),
        Some((table, key)) => table_at(written, table).is_some_and(|table| !table.contains_key(key)),
    }
}

/// The table of a dotted path; of several in a list the first.
fn table_at<'t>(written: &'t Table, path: &str) -> Option<&'t Table> {
    path.split('.').try_fold(written, |table, name| match table.get(name)? {
        Value::Table(inner) => Some(inner),
        Value::Array(many) => many.first()?.as_table(),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_tables_that_are_there_are_listed_if_they_are_not() {
        let told = absent(
            "name = \"s\"\n[edge]\ndevice = \"rtx-3090\"\n[[policy.msao]]\nn_max = 3\n[[policy.msao]]\nlabel = \"b\"\n\
             [tokens.two_state]\n",
        );
        let has = |key: &str| told.lines().any(|line| line.starts_with(&format!("#   {key} ")));
        assert!(has("edge.kv_blocks") && has("description") && has("policy.msao.label"), "{told}");
        for other in [
            "tokens.iid",
            "edge.device",
            "name",
            "cloud.kv_blocks",
            "policy.msao.n_max",
            "edges.NAME.device",
            "sweep.random.points",
        ] {
            assert!(!has(other), "{other} of {told}");
        }
        assert!(told.lines().filter(|line| !line.is_empty()).all(|line| line.starts_with('#')), "{told}");
        assert_eq!(absent("no toml"), "");
    }
}
