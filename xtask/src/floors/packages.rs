//! The floors of packages: a package stands above all that it imports.

use std::collections::BTreeMap;

use crate::house::{House, Import, Kind, OUTSIDE, Package};

/// Everything that is wrong with the house, one line each.
pub fn findings(house: &House) -> Vec<String> {
    let mut findings = Vec::new();
    for package in &house.packages {
        if package.name != OUTSIDE && !house.floors.contains_key(&package.name) {
            findings.push(format!(
                "package `{}` has no floor; add it to [workspace.metadata.floors] above all that it imports",
                package.name
            ));
        }
        let edges = package.imports.iter();
        findings.extend(edges.filter_map(|import| judge(house, &package.name, import)));
    }
    for name in house.floors.keys() {
        if name == OUTSIDE {
            findings.push(format!(
                "`{OUTSIDE}` has a floor, but stands outside the house; remove it from [workspace.metadata.floors]"
            ));
        } else if !house.packages.iter().any(|p| p.name == *name) {
            findings.push(format!(
                "floor `{name}` names no package; remove it from [workspace.metadata.floors] or mend its name"
            ));
        }
    }
    findings
}

/// The fault of one edge, if any. A package without a floor is another finding.
fn judge(house: &House, from: &str, import: &Import) -> Option<String> {
    let (to, table) = (import.name.as_str(), import.kind.table());
    let edge = format!("`{from}` imports `{to}` ([{table}])");
    if from == OUTSIDE {
        return Some(format!("{edge}, but `{OUTSIDE}` must build when the house does not; call its binary instead"));
    }
    if to == OUTSIDE {
        return Some(format!(
            "{edge}, which is no part of the house; move what is needed into a package that has a floor"
        ));
    }
    let (above, below) = (house.floors.get(from)?, house.floors.get(to)?);
    if above > below {
        return None;
    }
    let remedy = match import.kind {
        Kind::Dev => "tests count too: move the test to a package above both, or to tests/",
        Kind::Normal | Kind::Build => "move what is needed to a floor below, or pass it in",
    };
    Some(format!("{edge}, from floor {above} to floor {below}, not strictly down; {remedy}"))
}

/// The house as a picture: a line a floor, the top first.
pub fn draw(house: &House) -> String {
    let mut floors: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for (name, floor) in &house.floors {
        let package = house.packages.iter().find(|p| p.name == *name);
        let room = package.map(|package| room(house, package));
        floors.entry(*floor).or_default().extend(room);
    }
    let rooms = floors.iter().rev();
    rooms.map(|(floor, rooms)| format!("{floor} | {}\n", rooms.join("; "))).collect()
}

/// A package and its edges, the highest floor first; an edge that only tests have is marked.
fn room(house: &House, package: &Package) -> String {
    let mut edges: BTreeMap<&str, bool> = BTreeMap::new();
    for import in &package.imports {
        let only_tests = edges.entry(&import.name).or_insert(true);
        *only_tests &= import.kind == Kind::Dev;
    }
    if edges.is_empty() {
        return package.name.clone();
    }
    let mut edges: Vec<_> = edges.into_iter().collect();
    edges.sort_by_key(|(name, _)| std::cmp::Reverse(house.floors.get(*name)));
    let edges = edges.iter().map(|(name, only_tests)| {
        let mark = if *only_tests { " (dev)" } else { "" };
        format!("{name}{mark}")
    });
    let edges: Vec<_> = edges.collect();
    format!("{} -> {}", package.name, edges.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A house from floors and edges, with a package for every floor.
    fn house(floors: &[(&str, u32)], edges: &[(&str, &str, Kind)]) -> House {
        let floors: BTreeMap<_, _> = floors.iter().map(|(n, f)| ((*n).to_owned(), *f)).collect();
        let packages = floors.keys().map(|name| package(name, edges)).collect();
        House { packages, floors }
    }

    fn package(name: &str, edges: &[(&str, &str, Kind)]) -> Package {
        let mine = edges.iter().filter(|(from, ..)| *from == name);
        let imports = mine.map(|(_, to, kind)| Import { name: (*to).to_owned(), kind: *kind });
        Package { name: name.to_owned(), imports: imports.collect(), ..Package::default() }
    }

    /// The single finding of a house with one fault.
    fn only_finding(house: &House) -> String {
        let findings = findings(house);
        assert_eq!(findings.len(), 1, "{findings:?}");
        findings.concat()
    }

    const THREE: &[(&str, u32)] = &[("cellar", 0), ("hall", 1), ("roof", 2)];

    #[test]
    fn a_sound_house_has_no_finding_and_is_drawn_top_first() {
        let edges = [
            ("hall", "cellar", Kind::Normal),
            ("roof", "cellar", Kind::Dev),
            ("roof", "cellar", Kind::Normal),
            ("roof", "hall", Kind::Dev),
        ];
        let house = house(THREE, &edges);
        assert_eq!(findings(&house), Vec::<String>::new());
        let drawn = "2 | roof -> hall (dev), cellar\n1 | hall -> cellar\n0 | cellar\n";
        assert_eq!(draw(&house), drawn);
    }

    #[test]
    fn an_edge_going_up_is_refused() {
        let house = house(THREE, &[("hall", "roof", Kind::Build)]);
        assert_eq!(
            only_finding(&house),
            "`hall` imports `roof` ([build-dependencies]), from floor 1 to floor 2, not strictly down; \
             move what is needed to a floor below, or pass it in"
        );
    }

    #[test]
    fn an_edge_along_a_floor_is_refused() {
        let house = house(&[("left", 1), ("right", 1)], &[("left", "right", Kind::Normal)]);
        assert!(only_finding(&house).contains("from floor 1 to floor 1"));
    }

    #[test]
    fn an_edge_that_only_tests_have_is_refused_too() {
        let house = house(THREE, &[("cellar", "hall", Kind::Dev)]);
        assert!(only_finding(&house).contains("tests count too"));
    }

    #[test]
    fn a_package_without_a_floor_is_named() {
        let mut house = house(THREE, &[]);
        house.packages.push(package("shed", &[("shed", "roof", Kind::Normal)]));
        assert!(only_finding(&house).starts_with("package `shed` has no floor"));
    }

    #[test]
    fn a_floor_without_a_package_is_named() {
        let mut house = house(THREE, &[]);
        house.floors.insert("tower".to_owned(), 3);
        assert!(only_finding(&house).starts_with("floor `tower` names no package"));
    }

    #[test]
    fn xtask_stands_outside_in_both_directions() {
        let edges = [("roof", OUTSIDE, Kind::Normal), (OUTSIDE, "cellar", Kind::Dev)];
        let mut house = house(THREE, &edges);
        house.packages.push(package(OUTSIDE, &edges));
        let findings = findings(&house);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].contains("no part of the house"), "{findings:?}");
        assert!(findings[1].contains("must build when"), "{findings:?}");
    }

    #[test]
    fn xtask_may_not_have_a_floor() {
        let house = house(&[(OUTSIDE, 9)], &[]);
        assert!(only_finding(&house).starts_with("`xtask` has a floor"));
    }
}
