//! cargo-mutants: where it comes from, and how it is called.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use super::list::Mutant;
use super::outcome::{Verdict, read};
use super::tree;
use crate::failure::Outcome;
use crate::house::{House, cargo, has_nextest, root};
use crate::installed::Program;

/// A test that runs longer than two minutes has failed: nextest stops it. Beside the builds of another tree the slowest takes 20 s.
const NEXTEST: &str = "[profile.default]\nslow-timeout = { period = \"60s\", terminate-after = 2 }\nfail-fast = true\n";
/// The folder of the parts of the mutants, each tested in a tree of its own.
const PARTS: &str = "parts";

/// The program in `target/mutants`.
pub struct Tool {
    folder: PathBuf,
    /// Every mutant of the workspace.
    pub listed: Vec<Mutant>,
}

/// The tests that are to kill.
#[derive(Clone, Copy)]
pub enum Tests<'a> {
    /// The unit tests of a package.
    Unit {
        /// The package.
        package: &'a str,
        /// The module whose tests run; all, where it is empty.
        module: &'a str,
        /// True if the package is optimised: its tests take longer than its build.
        is_optimised: bool,
    },
    /// All tests of some packages.
    All(&'a [String]),
}

impl Tests<'_> {
    /// The name of the folder of their verdicts.
    fn folder(self) -> String {
        match self {
            Self::Unit { package, module, .. } => format!("unit-{package}-{}", module.replace("::", "-")),
            Self::All(packages) => packages.join("-"),
        }
    }

    /// The longest that they may take, in seconds. Of unit tests, which take a few, it is all that ends a loop: they run in one
    /// process, since to start hundreds would take longer than they do.
    fn limit_s(self) -> &'static str {
        match self {
            Self::Unit { .. } => "60",
            Self::All(_) => "600",
        }
    }

    /// The option of cargo that builds and runs them.
    fn targets(self) -> &'static str {
        match self {
            Self::Unit { .. } => "--lib",
            Self::All(_) => "--tests",
        }
    }

    /// Runs them in a tree, on the code as it stands.
    fn pass(self, tree: &Path) -> Outcome {
        let packages = match self {
            Self::Unit { package, .. } => vec![package],
            Self::All(packages) => packages.iter().map(String::as_str).collect(),
        };
        let mut command = cargo();
        surround(&mut command);
        command
            .current_dir(tree)
            .args(if has_nextest() { &["nextest", "run"][..] } else { &["test"] })
            .arg(self.targets());
        command.args(packages.iter().flat_map(|package| ["-p", package]));
        match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => {
                Err("tests fail as the code stands, so they can judge no mutant; mend them first".to_owned().into())
            }
            Err(e) => Err(format!("cargo did not start: {e}").into()),
        }
    }
}

impl Tool {
    /// Installs the program unless that version of it is there.
    pub fn obtain(version: &str) -> Outcome<Self> {
        let folder = House::target()?.join("mutants");
        let answer = format!("cargo-mutants {version}");
        let asked = &["mutants", "--version"];
        Program { name: "cargo-mutants", version, options: &[], asked, answer: &answer }.obtain(&folder)?;
        let tool = Self { folder, listed: Vec::new() };
        Ok(Self { listed: tool.list()?, ..tool })
    }

    fn list(&self) -> Outcome<Vec<Mutant>> {
        let mut command = self.command();
        let output = command.args(["--workspace", "--list", "--json", "--no-config"]).output();
        let output = output.map_err(|e| format!("cargo-mutants did not start: {e}"))?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " ");
            return Err(format!("`cargo mutants --list` failed: {why}").into());
        }
        serde_json::from_slice(&output.stdout)
            .map_err(|e| format!("`cargo mutants --list` is not as expected: {e}").into())
    }

    /// Tests mutants of a package, in so many trees at a time. An interrupted run may be resumed: it goes on with the mutants that are not
    /// dead yet.
    pub fn test(&self, mutants: &[Mutant], by: Tests<'_>, jobs: usize, resume: bool) -> Outcome<Vec<Verdict>> {
        let folder = self.folder.join(by.folder());
        let known = folder.join("verdicts.json");
        let mut verdicts = if resume { dead(&folder) } else { BTreeMap::new() };
        write(&known, &verdicts_text(&verdicts))?;
        remove(&folder.join(PARTS))?;
        let open: Vec<_> = mutants.iter().filter(|mutant| !verdicts.contains_key(&mutant.name)).collect();
        if !open.is_empty() {
            self.share_out(&folder, &open, by, jobs.clamp(1, open.len()))?;
            verdicts.extend(outcomes(&folder)?);
            write(&known, &verdicts_text(&verdicts))?;
        }
        let untested = |mutant: &Mutant| format!("cargo-mutants did not test `{}`; run without --resume", mutant.name);
        let verdict = |mutant: &Mutant| verdicts.get(&mutant.name).copied().ok_or_else(|| untested(mutant).into());
        mutants.iter().map(verdict).collect()
    }

    /// Tests each part of the mutants in a tree of its own, at the same time. The first tree has to pass its tests before.
    fn share_out(&self, folder: &Path, mutants: &[&Mutant], by: Tests<'_>, jobs: usize) -> Outcome {
        let trees: Vec<PathBuf> = (1..=jobs).map(|n| self.folder.join(format!("tree-{n}"))).collect();
        tree::renew(&trees[0])?;
        by.pass(&trees[0])?;
        for other in &trees[1..] {
            tree::share(&trees[0], other)?;
            tree::renew(other)?;
        }
        thread::scope(|scope| {
            let start = |(n, tree): (usize, &PathBuf)| {
                let part: Vec<&Mutant> = mutants.iter().skip(n).step_by(jobs).copied().collect();
                let (tree, folder) = (tree.clone(), folder.join(PARTS).join((n + 1).to_string()));
                scope.spawn(move || self.call(&tree, &folder, &part, by))
            };
            let running: Vec<_> = trees.iter().enumerate().map(start).collect();
            running.into_iter().try_for_each(|one| one.join().expect("a call does not panic"))
        })
    }

    /// Calls the program in a tree, with its output let through.
    fn call(&self, tree: &Path, folder: &Path, mutants: &[&Mutant], by: Tests<'_>) -> Outcome {
        let nextest = folder.join("nextest.toml");
        write(&nextest, NEXTEST)?;
        // Neither a regular expression nor a list of names holds mutants back that leave a field out of a struct. `--iterate`
        // does: it leaves out what a run before has caught.
        let before = folder.join("mutants.out");
        write(&before.join("caught.txt"), &self.others(mutants))?;
        for file in ["missed.txt", "timeout.txt", "unviable.txt"] {
            write(&before.join(file), "")?;
        }
        let mut command = self.command();
        command.current_dir(tree).args(["--workspace", "--no-config", "--colors", "never", "--in-place", "--iterate"]);
        command.args(["--baseline", "skip", "--timeout", by.limit_s()]).arg("--output").arg(folder);
        let files: BTreeSet<_> = mutants.iter().map(|mutant| mutant.file.as_str()).collect();
        command.args(files.into_iter().flat_map(|file| ["--file", file]));
        if let Tests::All(packages) = by {
            command.args(packages.iter().flat_map(|package| ["--test-package", package]));
        }
        // For the build too: nothing else of the package is compiled then.
        command.args(["--cargo-arg", by.targets()]);
        match by {
            Tests::Unit { package, module, is_optimised } => {
                let level = format!("--config=profile.dev.package.{package}.opt-level=0");
                command.args((!is_optimised).then(|| ["--cargo-arg".to_owned(), level]).into_iter().flatten());
                command.args((!module.is_empty()).then_some(["--cargo-test-arg", module]).into_iter().flatten());
            }
            Tests::All(_) if has_nextest() => {
                command.args(["--test-tool", "nextest", "--cargo-test-arg"]);
                command.arg(format!("--config-file={}", nextest.display()));
            }
            Tests::All(_) => {}
        }
        let status = command.status().map_err(|e| format!("cargo-mutants did not start: {e}"))?;
        match status.code() {
            // 2: some survive; 3: some take too long.
            Some(0 | 2 | 3) => Ok(()),
            _ => Err(format!("cargo-mutants failed ({status}); its output above says why").into()),
        }
    }

    /// The names of all mutants but these, a line each.
    fn others(&self, mutants: &[&Mutant]) -> String {
        let chosen: BTreeSet<_> = mutants.iter().map(|mutant| mutant.name.as_str()).collect();
        let others = self.listed.iter().filter(|mutant| !chosen.contains(mutant.name.as_str()));
        others.fold(String::new(), |text, mutant| text + &mutant.name + "\n")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.folder.join("bin/cargo-mutants"));
        command.arg("mutants").current_dir(root());
        surround(&mut command);
        command
    }
}

/// Sets the environment of each build and test.
fn surround(command: &mut Command) {
    command.env("CARGO_INCREMENTAL", "1").env("INSTA_UPDATE", "no").env_remove("CARGO_TARGET_DIR");
}

/// The mutants that earlier runs have killed or could not compile.
fn dead(folder: &Path) -> BTreeMap<String, Verdict> {
    let before = fs::read_to_string(folder.join("verdicts.json")).ok();
    let mut verdicts: BTreeMap<String, Verdict> =
        before.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    verdicts.extend(outcomes(folder).unwrap_or_default());
    verdicts.retain(|_, verdict| *verdict != Verdict::Survived);
    verdicts
}

fn verdicts_text(verdicts: &BTreeMap<String, Verdict>) -> String {
    serde_json::to_string(verdicts).expect("names and words")
}

fn write(path: &Path, text: &str) -> Outcome {
    let folder = path.parent().unwrap_or(path);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, text));
    written.map_err(|e| format!("{} cannot be written: {e}", path.display()).into())
}

/// The verdicts of all parts.
fn outcomes(folder: &Path) -> Outcome<BTreeMap<String, Verdict>> {
    let parts = folder.join(PARTS);
    let mut verdicts = BTreeMap::new();
    for part in fs::read_dir(&parts).map_err(|e| format!("{} cannot be listed: {e}", parts.display()))?.flatten() {
        let path = part.path().join("mutants.out/outcomes.json");
        let text = fs::read_to_string(&path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
        verdicts.extend(read(&text)?);
    }
    Ok(verdicts)
}

fn remove(folder: &Path) -> Outcome {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(format!("{} cannot be removed: {e}", folder.display()).into()),
        _ => Ok(()),
    }
}
