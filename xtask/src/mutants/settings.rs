//! `xtask/mutants.toml`.

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;

use crate::failure::Outcome;
use crate::house::root;

/// The file, by its path from the root.
pub const FILE: &str = "xtask/mutants.toml";

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The most survivors, in percent of the mutants that compile.
    pub limit_percent: f64,
    /// The version of cargo-mutants.
    pub version: String,
    /// Files and folders of which every mutant is tested.
    pub all: Vec<String>,
    /// Files and folders whose tests take longer than the build of their package, which is optimised for them.
    #[serde(default)]
    pub optimised: Vec<String>,
    /// The draw from the rest.
    pub drawn: Drawn,
    /// The packages that test a package's survivors.
    pub above: BTreeMap<String, Vec<String>>,
    /// The accepted survivors.
    #[serde(default)]
    pub survivor: Vec<Survivor>,
}

/// The draw of some mutants from many.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drawn {
    /// The number of mutants.
    pub mutants: usize,
    /// The seed, from which with a mutant's name its rank is made.
    pub seed: u64,
    /// Files and folders.
    pub from: Vec<String>,
}

/// An accepted survivor.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Survivor {
    /// The mutant's name without line and column.
    pub mutant: String,
    /// The reason why no test kills it.
    pub reason: String,
    /// The number of mutants of this name.
    #[serde(default = "once")]
    pub times: usize,
}

fn once() -> usize {
    1
}

impl Settings {
    /// Reads the file.
    pub fn read() -> Outcome<Self> {
        let text = fs::read_to_string(root().join(FILE))
            .map_err(|e| format!("{FILE} cannot be read: {e}; restore it from git"))?;
        Self::parse(&text)
    }

    /// The accepted survivors: how many there are of each name.
    pub fn accepted(&self) -> BTreeMap<&str, usize> {
        self.survivor.iter().map(|survivor| (survivor.mutant.as_str(), survivor.times)).collect()
    }

    /// True for each of some names that is accepted. A name that is accepted twice spares its first two.
    pub fn spared<'n>(&self, names: impl Iterator<Item = &'n str>) -> Vec<bool> {
        let mut left = self.accepted();
        let mut is_spared = |name: &str| match left.get_mut(name) {
            Some(times @ 1..) => {
                *times -= 1;
                true
            }
            _ => false,
        };
        names.map(&mut is_spared).collect()
    }

    /// Reads the text of the file.
    pub fn parse(text: &str) -> Outcome<Self> {
        let settings: Self = toml::from_str(text).map_err(|e| format!("{FILE}: {}", one_line(&e.to_string())))?;
        match settings.survivor.iter().find(|survivor| survivor.reason.trim().is_empty()) {
            Some(survivor) => {
                Err(format!("{FILE}: `{}` has no reason; say why no test kills it", survivor.mutant).into())
            }
            None => Ok(settings),
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_and_its_files_are_there() {
        let settings = Settings::read().unwrap();
        for path in settings.all.iter().chain(&settings.drawn.from) {
            assert!(root().join(path).exists(), "{path}");
        }
    }

    #[test]
    fn an_accepted_name_is_spared_as_often_as_it_is_accepted() {
        let mut settings = Settings::read().unwrap();
        settings.survivor = vec![Survivor { mutant: "a".to_owned(), reason: "equal".to_owned(), times: 2 }];
        assert_eq!(settings.spared(["a", "b", "a", "a"].into_iter()), [true, false, true, false]);
    }

    #[test]
    fn a_survivor_needs_a_reason() {
        let text = fs::read_to_string(root().join(FILE)).unwrap();
        let refused = Settings::parse(&format!("{text}\n[[survivor]]\nmutant = \"a.rs: b\"\nreason = \" \"\n"));
        assert!(refused.unwrap_err().to_string().contains("`a.rs: b` has no reason"));
    }
}
