//! The mutants that are tested: all of some files, and a draw from others.

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;

use super::settings::{FILE, Settings};
use crate::failure::Outcome;
use crate::house::root;

/// A mutant, as `cargo mutants --list --json` names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Mutant {
    /// The name with line and column: `a.rs:12:3: replace < with <= in f`.
    pub name: String,
    /// The package.
    pub package: String,
    /// The file, by its path from the root.
    pub file: String,
}

impl Mutant {
    /// The name without line and column, which stays while code moves: `a.rs: replace < with <= in f`.
    pub fn key(&self) -> String {
        let rest = self.name.strip_prefix(&self.file).unwrap_or(&self.name);
        let (_, change) = rest.split_once(": ").unwrap_or(("", rest));
        format!("{}: {change}", self.file)
    }
}

/// True if a mutant is in one of some files and folders.
pub fn is_below(mutant: &Mutant, paths: &[String]) -> bool {
    paths.iter().any(|path| mutant.file.starts_with(path.as_str()))
}

/// Mutants by their packages.
pub fn by_package(mutants: Vec<Mutant>) -> BTreeMap<String, Vec<Mutant>> {
    grouped(mutants, |mutant| mutant.package.clone())
}

/// Mutants of one package by the module whose tests are nearest: in some files and folders that of each file, or that of the
/// folder if the file has no tests of its own. Of the rest the name is empty.
pub fn by_module(mutants: Vec<Mutant>, apart: &[String]) -> BTreeMap<String, Vec<Mutant>> {
    let has_tests = |file: &str| fs::read_to_string(root().join(file)).is_ok_and(|text| text.contains("mod tests"));
    grouped(mutants, |mutant| match is_below(mutant, apart) {
        true => module(&mutant.file, has_tests(&mutant.file)),
        false => String::new(),
    })
}

fn grouped(mutants: Vec<Mutant>, key: impl Fn(&Mutant) -> String) -> BTreeMap<String, Vec<Mutant>> {
    let mut groups = BTreeMap::<_, Vec<_>>::new();
    mutants.into_iter().for_each(|mutant| groups.entry(key(&mutant)).or_default().push(mutant));
    groups
}

/// The module of a file: `a/src/plan/exact.rs` is `plan::exact`, or `plan` if the folder's tests are asked for.
fn module(file: &str, is_own: bool) -> String {
    let (_, inside) = file.split_once("/src/").unwrap_or(("", file));
    let path = inside.trim_end_matches(".rs").trim_end_matches("/mod");
    let whole = if is_own { path } else { path.split('/').next().unwrap_or(path) };
    if whole == "lib" { String::new() } else { whole.replace('/', "::") }
}

/// Every mutant of some files, and a draw from the rest of others, in the order of the list.
pub fn choose(listed: &[Mutant], settings: &Settings) -> Outcome<Vec<Mutant>> {
    for path in settings.all.iter().chain(&settings.drawn.from) {
        if !listed.iter().any(|mutant| mutant.file.starts_with(path.as_str())) {
            return Err(format!("{FILE}: `{path}` has no mutants; remove it or mend its name").into());
        }
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut ranked = Vec::new();
    for (place, mutant) in listed.iter().enumerate() {
        let key = mutant.key();
        let nth = seen.entry(key.clone()).or_default();
        *nth += 1;
        if is_below(mutant, &settings.all) {
            ranked.push((0, place));
        } else if is_below(mutant, &settings.drawn.from) {
            ranked.push((rank(settings.drawn.seed, &format!("{key} #{nth}")), place));
        }
    }
    ranked.sort_unstable();
    let whole = ranked.iter().take_while(|(rank, _)| *rank == 0).count();
    ranked.truncate(whole + settings.drawn.mutants);
    let mut places: Vec<_> = ranked.into_iter().map(|(_, place)| place).collect();
    places.sort_unstable();
    Ok(places.into_iter().map(|place| listed[place].clone()).collect())
}

/// Some of the mutants, spread evenly over the list.
pub fn spread(mutants: Vec<Mutant>, count: usize) -> Vec<Mutant> {
    let (all, count) = (mutants.len(), count.clamp(1, mutants.len().max(1)));
    let is_taken = |place: usize| place * count / all != (place + 1) * count / all;
    mutants.into_iter().enumerate().filter(|(place, _)| is_taken(*place)).map(|(_, mutant)| mutant).collect()
}

/// A name's place in the draw, never 0: FNV-1a of the name, mixed with the seed by SplitMix64.
fn rank(seed: u64, name: &str) -> u64 {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mut mixed = hash ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutants(file: &str, count: usize) -> Vec<Mutant> {
        let one = |n| Mutant {
            name: format!("{file}:{}:5: replace + with * in f{}", n + 1, n / 2),
            package: "p".into(),
            file: file.into(),
        };
        (0..count).map(one).collect()
    }

    fn settings(seed: u64) -> Settings {
        Settings::parse(&format!(
            "limit_percent = 5\nversion = \"1\"\nall = [\"a.rs\"]\n[drawn]\nmutants = 10\nseed = {seed}\n\
             from = [\"b/\", \"a.rs\"]\n[above]\n"
        ))
        .unwrap()
    }

    fn names(mutants: &[Mutant]) -> Vec<String> {
        mutants.iter().map(|mutant| mutant.name.clone()).collect()
    }

    #[test]
    fn all_of_some_files_and_a_draw_from_others_are_chosen() {
        let listed = [mutants("a.rs", 5), mutants("b/c.rs", 40), mutants("d.rs", 5)].concat();
        let chosen = names(&choose(&listed, &settings(1)).unwrap());
        assert_eq!(chosen.iter().filter(|name| name.starts_with("a.rs")).count(), 5);
        assert_eq!(chosen.iter().filter(|name| name.starts_with("b/c.rs")).count(), 10);
        assert_eq!(chosen, names(&choose(&listed, &settings(1)).unwrap()));
        assert_ne!(chosen, names(&choose(&listed, &settings(2)).unwrap()));
    }

    #[test]
    fn a_draw_stays_while_lines_move() {
        let listed = [mutants("a.rs", 1), mutants("b/c.rs", 40)].concat();
        let mut moved = listed.clone();
        for mutant in &mut moved {
            mutant.name = mutant.name.replace(":5: ", ":9: ");
        }
        let keys = |mutants: &[Mutant]| mutants.iter().map(Mutant::key).collect::<Vec<_>>();
        assert_eq!(keys(&choose(&listed, &settings(1)).unwrap()), keys(&choose(&moved, &settings(1)).unwrap()));
        assert_eq!(listed[0].key(), "a.rs: replace + with * in f0");
    }

    #[test]
    fn the_nearest_tests_are_those_of_a_file_or_of_its_folder() {
        assert_eq!(module("sim/policies/src/theta.rs", true), "theta");
        assert_eq!(module("sim/policies/src/search/gp.rs", true), "search::gp");
        assert_eq!(module("sim/policies/src/plan/mod.rs", true), "plan");
        assert_eq!(module("sim/policies/src/plan/problem.rs", false), "plan");
        assert_eq!(module("sim/policies/src/lib.rs", true), "");
        let file = "sim/policies/src/theta.rs";
        let groups = by_module([mutants(file, 2), mutants("b.rs", 3)].concat(), &[file.to_owned()]);
        assert_eq!((groups["theta"].len(), groups[""].len()), (2, 3));
    }

    #[test]
    fn a_path_without_mutants_is_refused() {
        let refused = choose(&mutants("a.rs", 1), &settings(1)).unwrap_err().to_string();
        assert!(refused.contains("`b/` has no mutants"), "{refused}");
    }

    #[test]
    fn a_part_is_spread_evenly() {
        let part = names(&spread(mutants("a.rs", 10), 2));
        assert_eq!(part, ["a.rs:5:5: replace + with * in f2", "a.rs:10:5: replace + with * in f4"]);
        assert_eq!(spread(mutants("a.rs", 3), 9).len(), 3);
    }
}
