//! The floors of modules: no circle at any level, and strictly down where a package has a table.

use std::collections::{BTreeMap, BTreeSet};

use super::circles::{Graph, knots, shortest};
use crate::house::Package;
use crate::source::{Level, Tree, levels};

/// Everything that is wrong with the modules of a crate, one line each.
pub fn findings(package: &Package, tree: &Tree) -> Vec<String> {
    let levels = levels(tree);
    let mut findings: Vec<String> = levels.iter().flat_map(|level| circles(&package.name, level)).collect();
    let is_root = |level: &&Level| level.parent == "crate";
    for level in levels.iter().filter(is_root) {
        if tree.is_binary() {
            findings.extend(lent(&package.name, level));
        }
        if let Some(floors) = &package.floors {
            findings.extend(floors_of(package, floors, level));
        }
    }
    findings
}

/// A finding for each knot: its shortest circle, place by place, and its members.
fn circles(package: &str, level: &Level) -> Vec<String> {
    let graph = graph(level);
    let circle = |knot: &BTreeSet<&str>| {
        let way = shortest(&graph, knot);
        let steps = way.windows(2).map(|pair| {
            let import = &level.imports[&(pair[0].to_owned(), pair[1].to_owned())];
            format!("`{}` names {import}", pair[0])
        });
        let steps: Vec<_> = steps.collect();
        let members: Vec<_> = knot.iter().copied().collect();
        format!(
            "modules of `{package}` below {} import each other in a circle, {}: {}; move what both need to a module below \
             them, or pass it in. The knot has {} modules: {}",
            level.parent,
            way.join(" -> "),
            steps.join("; "),
            members.len(),
            members.join(", ")
        )
    };
    knots(&graph).iter().map(circle).collect()
}

/// A finding for each item that a main.rs lends.
fn lent(package: &str, level: &Level) -> Vec<String> {
    let lent = level.lent.iter().map(|((module, item), import)| {
        format!(
            "`main.rs` of `{package}` lends `{item}` to module `{module}`: {import}; main.rs stands above all modules, so \
             move the item into a module below those that need it"
        )
    });
    lent.collect()
}

/// Everything that is wrong with the table of a package.
fn floors_of(package: &Package, floors: &BTreeMap<String, u32>, level: &Level) -> Vec<String> {
    let name = &package.name;
    let modules = level.modules.iter().filter(|module| !floors.contains_key(*module));
    let modules = modules.map(|module| {
        format!(
            "module `{module}` of `{name}` has no floor; add it to [package.metadata.floors] in its Cargo.toml, above all \
             that it imports"
        )
    });
    let gone = floors.keys().filter(|floor| !level.modules.contains(floor)).map(|floor| {
        format!(
            "floor `{floor}` of `{name}` names no module; remove it from [package.metadata.floors] or mend its name"
        )
    });
    let imports = level.imports.iter().filter_map(|((from, to), import)| {
        let (above, below) = (floors.get(from)?, floors.get(to)?);
        (above <= below).then(|| {
            format!(
                "module `{from}` of `{name}` imports `{to}`, from floor {above} to floor {below}, not strictly down: it names \
                 {import}; move what is needed to a floor below, or pass it in"
            )
        })
    });
    modules.chain(gone).chain(imports).collect()
}

/// The top-level modules as a picture: a line a floor, the top first, each module with what it imports.
pub fn draw(package: &Package, tree: &Tree) -> String {
    let Some(level) = levels(tree).into_iter().find(|level| level.parent == "crate") else {
        return format!("`{}` has fewer than two modules\n", package.name);
    };
    let graph = graph(&level);
    let floors = package.floors.clone().unwrap_or_else(|| lowest(&graph));
    let mut lines: BTreeMap<Option<u32>, Vec<String>> = BTreeMap::new();
    for (module, imports) in &graph {
        let imports: Vec<_> = imports.iter().copied().collect();
        let arrow = if imports.is_empty() { "" } else { " -> " };
        let line = format!("{module}{arrow}{}", imports.join(", "));
        lines.entry(floors.get(*module).copied()).or_default().push(line);
    }
    let lines = lines.iter().rev().map(|(floor, modules)| {
        let floor = floor.map_or_else(|| "in a circle or above one".to_owned(), |floor| floor.to_string());
        format!("{floor} | {}\n", modules.join("; "))
    });
    lines.collect()
}

/// The lowest floors that the imports allow; modules in a circle, and those above one, have none.
fn lowest(graph: &Graph<'_>) -> BTreeMap<String, u32> {
    let mut floors: BTreeMap<String, u32> = BTreeMap::new();
    loop {
        let settled =
            graph.iter().filter(|(module, _)| !floors.contains_key(**module)).find_map(|(module, imports)| {
                let below: Option<Vec<u32>> = imports.iter().map(|import| floors.get(*import).copied()).collect();
                Some((*module, below?.into_iter().max().map_or(0, |highest| highest + 1)))
            });
        match settled {
            Some((module, floor)) => floors.insert(module.to_owned(), floor),
            None => return floors,
        };
    }
}

fn graph(level: &Level) -> Graph<'_> {
    let mut graph: Graph<'_> = level.modules.iter().map(|module| (module.as_str(), BTreeSet::new())).collect();
    for (from, to) in level.imports.keys() {
        graph.entry(from.as_str()).or_default().insert(to.as_str());
    }
    graph
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// The findings of a package of one root file, whose modules stand between braces.
    fn findings_of(root: &str, text: &str, floors: Option<&[(&str, u32)]>) -> (Vec<String>, String) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(root);
        fs::write(&file, text).unwrap();
        let tree = Tree::read(folder.path(), &file).unwrap();
        let floors = floors.map(|floors| floors.iter().map(|(name, floor)| ((*name).to_owned(), *floor)).collect());
        let package = Package { name: "hut".to_owned(), floors, ..Package::default() };
        (findings(&package, &tree), draw(&package, &tree))
    }

    const CIRCLE: &str = "mod a {\n use crate::b::B;\n pub struct A;\n}\nmod b {\n use crate::c::C;\n pub struct B;\n}\n\
                          mod c {\n pub fn f() -> super::a::A {}\n}\nmod d {\n use crate::a::A;\n}\n";
    const HOUSE: &str = "mod a { use crate::{b::B, c::C}; }\nmod b { use crate::c::C; }\nmod c { pub struct C; }\n";

    #[test]
    fn a_circle_is_told_with_its_places() {
        let (findings, drawn) = findings_of("lib.rs", CIRCLE, None);
        let expected = "modules of `hut` below crate import each other in a circle, a -> b -> c -> a: `a` names \
                        crate::b::B (lib.rs:2); `b` names crate::c::C (lib.rs:6); `c` names super::a::A (lib.rs:10); move \
                        what both need to a module below them, or pass it in. The knot has 3 modules: a, b, c";
        assert_eq!(findings, [expected]);
        assert_eq!(drawn, "in a circle or above one | a -> b; b -> c; c -> a; d -> a\n");
    }

    #[test]
    fn a_circle_below_a_folder_is_found_and_one_by_way_of_the_parent_too() {
        let text = "mod a {\n mod x { use super::y::Y; }\n mod y { use super::x::X; }\n}\nmod b {}\n";
        let (findings, _) = findings_of("lib.rs", text, None);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].contains("below crate::a import each other in a circle, x -> y -> x"), "{findings:?}");
        let text = "mod a { use crate::Both; }\nmod b { use crate::a::A; }\nstruct Both(a::A, b::B);\n";
        let (findings, _) = findings_of("lib.rs", text, None);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].contains("by way of `Both`, which names b::B (lib.rs:3)"), "{findings:?}");
    }

    #[test]
    fn modules_without_a_circle_pass_and_are_drawn() {
        let drawn = "2 | a -> b, c\n1 | b -> c\n0 | c\n".to_owned();
        assert_eq!(findings_of("lib.rs", HOUSE, None), (Vec::new(), drawn.clone()));
        assert_eq!(findings_of("lib.rs", HOUSE, Some(&[("a", 2), ("b", 1), ("c", 0)])), (Vec::new(), drawn));
    }

    #[test]
    fn a_table_of_floors_is_kept() {
        let cases: [(&[(&str, u32)], &str); 4] = [
            (&[("a", 2), ("c", 0)], "module `b` of `hut` has no floor"),
            (&[("a", 2), ("b", 1), ("c", 0), ("d", 0)], "floor `d` of `hut` names no module"),
            (
                &[("a", 2), ("b", 1), ("c", 1)],
                "module `b` of `hut` imports `c`, from floor 1 to floor 1, not strictly down: it names crate::c::C \
                 (lib.rs:2)",
            ),
            (&[("a", 1), ("b", 2), ("c", 0)], "module `a` of `hut` imports `b`, from floor 1 to floor 2"),
        ];
        for (floors, start) in cases {
            let (findings, _) = findings_of("lib.rs", HOUSE, Some(floors));
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert!(findings[0].starts_with(start), "{findings:?}");
        }
    }

    #[test]
    fn a_main_lends_nothing_and_a_library_may() {
        let text = "mod a { pub fn f() { crate::lent() } }\nmod b {}\nfn lent() {}\n";
        let (findings, _) = findings_of("main.rs", text, None);
        assert_eq!(findings.len(), 1);
        let start = "`main.rs` of `hut` lends `lent` to module `a`: crate::lent (main.rs:1)";
        assert!(findings[0].starts_with(start), "{findings:?}");
        assert_eq!(findings_of("lib.rs", text, None).0, Vec::<String>::new());
    }
}
