//! Keys as paths through tables, and which of them a table has.

use toml::{Table, Value};

/// Values over those of the file, each with its dotted key, in order.
pub type Overrides = Vec<(String, Value)>;

/// The names on the way to a key. In an array of several tables a table's number is a part of the way; in an array of one
/// it is not, as `[[policy.msao]]` alone is what `[policy.msao]` is.
pub type Path = Vec<String>;

/// The tables of an array of tables, each with its number, if they need one.
pub fn tables(value: &Value) -> Option<Vec<(Option<String>, &Table)>> {
    let many = value.as_array().filter(|many| !many.is_empty())?;
    let number = |index: usize| (many.len() > 1).then(|| index.to_string());
    many.iter().enumerate().map(|(index, one)| Some((number(index), one.as_table()?))).collect()
}

/// The paths of all values of a table; a table without any is one itself.
pub fn leaves(table: &Table) -> Vec<Path> {
    let mut paths = Vec::new();
    collect(&mut Vec::new(), table, &mut paths);
    paths
}

fn collect(at: &mut Path, table: &Table, paths: &mut Vec<Path>) {
    if table.is_empty() && !at.is_empty() {
        paths.push(at.clone());
    }
    for (name, value) in table {
        at.push(name.clone());
        if let Value::Table(inner) = value {
            collect(at, inner, paths);
        } else if let Some(many) = tables(value) {
            for (number, inner) in many {
                at.extend(number.clone());
                collect(at, inner, paths);
                at.truncate(at.len() - usize::from(number.is_some()));
            }
        } else {
            paths.push(at.clone());
        }
        at.pop();
    }
}

/// True if a table has this key, or a value in the place of a table on the way to it.
pub fn has(table: &Table, path: &[String]) -> bool {
    let Some((name, rest)) = path.split_first() else { return true };
    let Some(value) = table.get(name) else { return false };
    if rest.is_empty() {
        return true;
    }
    match (value, tables(value).as_deref()) {
        (Value::Table(inner), _) => has(inner, rest),
        (_, Some([(None, inner)])) => has(inner, rest),
        (_, Some(many)) => {
            let one = many.iter().find(|(number, _)| number.as_ref() == rest.first());
            one.is_some_and(|(_, inner)| has(inner, &rest[1..]))
        }
        _ => true,
    }
}

/// The path of a key that `--set` or `[sweep]` names: of several tables the first is meant, unless a number says which.
pub fn canonical(table: &Table, parts: &[&str]) -> Path {
    let mut path = Path::new();
    let mut table = Some(table);
    let mut parts = parts.iter().peekable();
    while let Some(part) = parts.next() {
        path.push((*part).to_owned());
        let value = table.and_then(|table| table.get(*part));
        table = value.and_then(Value::as_table);
        let Some(many) = value.and_then(tables) else { continue };
        let index: Option<usize> = parts.peek().and_then(|next| next.parse().ok());
        if index.is_some() {
            parts.next();
        }
        if let (Some((number, inner)), true) = (many.get(index.unwrap_or(0)), index.is_some() || parts.peek().is_some())
        {
            path.extend(number.clone());
            table = Some(inner);
        }
    }
    path
}

/// The names on the way to a dotted key. A key that a sweep varies is itself dotted, and one name.
pub fn parts(key: &str) -> Vec<&str> {
    let Some(("sweep", rest)) = key.split_once('.') else { return names(key) };
    // Where keys may stand in [sweep] beside itself, and how many names that is.
    let within = [("random.keys.", 2), ("latin_hypercube.keys.", 2), ("random.", 1), ("latin_hypercube.", 1)];
    let names = within.iter().find(|(start, _)| rest.starts_with(start)).map_or(0, |(_, names)| *names);
    // Quoted as in the file, or not.
    std::iter::once("sweep").chain(rest.splitn(names + 1, '.').map(|name| name.trim_matches('"'))).collect()
}

/// The names of a dotted key; a dot within quotes is a part of a name.
fn names(key: &str) -> Vec<&str> {
    let mut quoted = false;
    let between = |c: char| {
        quoted ^= c == '"';
        c == '.' && !quoted
    };
    key.split(between).map(|name| name.trim_matches('"')).collect()
}

/// Sets a dotted key, making the tables on the way.
///
/// An enum such as `[arrivals.poisson]` is a table with the one variant's name; setting another variant's key replaces
/// the whole of it, which is what somebody who sets `arrivals.poisson.rate` over a closed loop means.
pub fn put(table: &mut toml::Table, key: &str, value: toml::Value) -> Result<(), String> {
    let mut table = table;
    let mut at = String::new();
    let parts = parts(key);
    let (last, path) = parts.split_last().expect("a key has a part");
    let mut path = path.iter().peekable();
    while let Some(part) = path.next() {
        if is_variant(&at) && !table.contains_key(*part) {
            table.clear();
        }
        at = if at.is_empty() { (*part).to_owned() } else { format!("{at}.{part}") };
        let inner = table.entry(*part).or_insert_with(|| toml::Table::new().into());
        if is_variant(&at) && !inner.is_table() {
            *inner = toml::Table::new().into();
        }
        table = match inner {
            toml::Value::Table(inner) => inner,
            // `[[policy.msao]]`: a key of the first of them, unless a number says of which.
            toml::Value::Array(many) => {
                let index = path.peek().and_then(|next| next.parse().ok());
                if index.is_some() {
                    path.next();
                }
                many.get_mut(index.unwrap_or(0)).and_then(toml::Value::as_table_mut).ok_or_else(|| match index {
                    Some(index) => format!("{at} has no table {index}; they are counted from 0"),
                    None => format!("{at} is a list of values, not a table"),
                })?
            }
            _ => return Err(format!("{at} is a value, not a table")),
        };
    }
    if is_variant(&at) && !table.contains_key(*last) {
        table.clear();
    }
    table.insert((*last).to_owned(), value);
    Ok(())
}

/// True if one key of the table is one variant of many, so that another variant replaces it.
fn is_variant(at: &str) -> bool {
    const VARIANTS: [&str; 6] = ["arrivals", "tokens", "workload.dataset", "link.up", "link.down", "costs.radio"];
    const LAWS: [&str; 5] = ["pictures", "frames", "sound", "text_tokens", "output_tokens"];
    let of_group = at.strip_prefix("edges.").and_then(|rest| rest.split_once('.'));
    let of_class = at.strip_prefix("classes.").and_then(|rest| rest.split_once('.'));
    let law = at.strip_prefix("dataset.").and_then(|rest| rest.split_once('.'));
    VARIANTS.contains(&at)
        || of_group.is_some_and(|(_, key)| key == "arrivals")
        || of_class.is_some_and(|(_, key)| ["arrivals", "dataset"].contains(&key))
        || law.is_some_and(|(_, key)| LAWS.contains(&key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        toml::from_str(text).expect("TOML")
    }

    fn dotted(paths: &[Path]) -> Vec<String> {
        paths.iter().map(|path| path.join(".")).collect()
    }

    const SEVERAL: &str = "a = 1\nb.c = [1, 2]\n[[d]]\n[[d]]\nx = { y = 1 }\n[[e]]\nz = 1\n[f]";

    #[test]
    fn leaves_are_values_and_empty_tables() {
        assert_eq!(dotted(&leaves(&table(SEVERAL))), ["a", "b.c", "d.0", "d.1.x.y", "e.z", "f"]);
        assert!(leaves(&Table::new()).is_empty());
    }

    #[test]
    fn a_table_has_its_leaves_and_what_is_on_the_way_to_them() {
        let table = table(SEVERAL);
        assert!(leaves(&table).iter().all(|path| has(&table, path)));
        let has = |path: &str| has(&table, &path.split('.').map(str::to_owned).collect::<Path>());
        assert!(has("d.1.x") && has("b") && has("a.within"));
        assert!(!has("d.0.x.y") && !has("d.2.x") && !has("e.y") && !has("f.x") && !has("g"));
    }

    #[test]
    fn the_first_of_several_is_meant_unless_a_number_says_which() {
        let table = table(SEVERAL);
        let canonical = |key: &str| canonical(&table, &key.split('.').collect::<Vec<_>>()).join(".");
        assert_eq!(canonical("d.x.y"), "d.0.x.y");
        assert_eq!(canonical("d.1.x"), "d.1.x");
        assert_eq!(canonical("d.0"), "d.0");
        assert_eq!(canonical("d"), "d");
        assert_eq!(canonical("e.z"), "e.z");
        assert_eq!(canonical("e.0.z"), "e.z");
        assert_eq!(canonical("g.h"), "g.h");
    }

    #[test]
    fn a_swept_key_is_one_name() {
        assert_eq!(parts("link.rtt"), ["link", "rtt"]);
        for key in ["sweep.link.rtt", "sweep.\"link.rtt\""] {
            assert_eq!(parts(key), ["sweep", "link.rtt"]);
        }
        assert_eq!(parts("sweep.random.points"), ["sweep", "random", "points"]);
        assert_eq!(parts("sweep.random.keys.link.rtt"), ["sweep", "random", "keys", "link.rtt"]);
    }

    #[test]
    fn a_number_says_which_of_several_tables_is_set() {
        let mut table: toml::Table = toml::from_str("[[a]]\n[[a]]").expect("toml");
        put(&mut table, "a.x", 1.into()).expect("set");
        put(&mut table, "a.1.x", 2.into()).expect("set");
        assert_eq!(toml::to_string(&table).expect("toml"), "[[a]]\nx = 1\n\n[[a]]\nx = 2\n");
        assert!(put(&mut table, "a.2.x", 3.into()).is_err());
    }

    #[test]
    fn setting_a_variant_replaces_the_other() {
        let mut table: toml::Table = toml::from_str("[arrivals.closed_loop]\nclients = 2").expect("toml");
        put(&mut table, "arrivals.poisson.rate", "2 /s".into()).expect("set");
        assert_eq!(toml::to_string(&table).expect("toml"), "[arrivals.poisson]\nrate = \"2 /s\"\n");
        let mut table: toml::Table = toml::from_str("dataset.a.text_tokens = 30").expect("toml");
        for (key, value) in [("uniform.to", 9), ("geometric.mean", 2)] {
            put(&mut table, &format!("dataset.a.text_tokens.{key}"), value.into()).expect("set");
        }
        assert_eq!(toml::to_string(&table).expect("toml"), "[dataset.a.text_tokens.geometric]\nmean = 2\n");
    }
}
