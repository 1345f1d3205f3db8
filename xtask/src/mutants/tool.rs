//! cargo-mutants: where it comes from, and how it is called.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::list::Mutant;
use super::outcome::{Verdict, read};
use crate::failure::Outcome;
use crate::house::{House, cargo, has_nextest, root};
use crate::installed::Program;

/// A test that runs longer than this has failed: nextest stops it.
const NEXTEST: &str = "[profile.default]\nslow-timeout = { period = \"20s\", terminate-after = 1 }\nfail-fast = true\n";
/// The longest that all tests of a mutant may take, in seconds; without nextest it is all that ends a loop.
const TIMEOUT: &str = "300";

/// The program in `target/mutants`.
pub struct Tool {
    folder: PathBuf,
    /// Every mutant of the workspace.
    pub listed: Vec<Mutant>,
}

/// The tests that are to kill.
#[derive(Clone, Copy)]
enum Tests<'a> {
    /// The unit tests of a package.
    Unit(&'a str),
    /// All tests of some packages.
    All(&'a [String]),
}

impl Tests<'_> {
    /// The name of the folder of their verdicts.
    fn folder(self) -> String {
        match self {
            Self::Unit(package) => format!("unit-{package}"),
            Self::All(packages) => packages.join("-"),
        }
    }

    /// The option of cargo that builds and runs them.
    fn targets(self) -> &'static str {
        match self {
            Self::Unit(_) => "--lib",
            Self::All(_) => "--tests",
        }
    }

    /// Runs them on the code as it stands, in the folder that cargo-mutants copies: each copy then has the dependencies, with the
    /// same features, compiled.
    fn pass(self) -> Outcome {
        let packages = match self {
            Self::Unit(package) => vec![package],
            Self::All(packages) => packages.iter().map(String::as_str).collect(),
        };
        let mut command = cargo();
        surround(&mut command);
        command.args(if has_nextest() { &["nextest", "run"][..] } else { &["test"] }).arg(self.targets());
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

    /// Tests mutants of a package by its unit tests, or by all tests of some packages. An interrupted run may be resumed: it goes on with the mutants
    /// that are not dead yet.
    pub fn test(&self, mutants: &[Mutant], by: &[String], jobs: usize, resume: bool) -> Outcome<Vec<Verdict>> {
        let Some(package) = mutants.first().map(|mutant| &mutant.package) else { return Ok(Vec::new()) };
        let by = if by.is_empty() { Tests::Unit(package) } else { Tests::All(by) };
        let folder = self.folder.join(by.folder());
        let known = folder.join("verdicts.json");
        let mut verdicts = if resume { dead(&folder) } else { BTreeMap::new() };
        write(&known, &verdicts_text(&verdicts))?;
        let open: Vec<_> = mutants.iter().filter(|mutant| !verdicts.contains_key(&mutant.name)).collect();
        if !open.is_empty() {
            by.pass()?;
            self.call(&folder, &open, by, jobs)?;
            verdicts.extend(outcomes(&folder)?);
            write(&known, &verdicts_text(&verdicts))?;
        }
        let untested = |mutant: &Mutant| format!("cargo-mutants did not test `{}`; run without --resume", mutant.name);
        let verdict = |mutant: &Mutant| verdicts.get(&mutant.name).copied().ok_or_else(|| untested(mutant).into());
        mutants.iter().map(verdict).collect()
    }

    /// Calls the program, with its output let through.
    fn call(&self, folder: &Path, mutants: &[&Mutant], by: Tests<'_>, jobs: usize) -> Outcome {
        let nextest = folder.join("nextest.toml");
        write(&nextest, NEXTEST)?;
        // Neither a regular expression nor a list of names holds mutants back that leave a field out of a struct. `--iterate`
        // does: it leaves out what a run before has caught.
        let before = folder.join("mutants.out");
        if before.exists() {
            fs::remove_dir_all(&before).map_err(|e| format!("{} cannot be removed: {e}", before.display()))?;
        }
        write(&before.join("caught.txt"), &self.others(mutants))?;
        for file in ["missed.txt", "timeout.txt", "unviable.txt"] {
            write(&before.join(file), "")?;
        }
        let mut command = self.command();
        command.args(["--workspace", "--no-config", "--colors", "never", "--copy-target", "true", "--iterate"]);
        command.args(["--baseline", "skip", "--timeout", TIMEOUT, "--jobs", &jobs.to_string()]);
        command.arg("--output").arg(folder);
        let files: BTreeSet<_> = mutants.iter().map(|mutant| mutant.file.as_str()).collect();
        command.args(files.into_iter().flat_map(|file| ["--file", file]));
        if let Tests::All(packages) = by {
            command.args(packages.iter().flat_map(|package| ["--test-package", package]));
        }
        // For the build too: nothing else of the package is compiled then.
        command.args(["--cargo-arg", by.targets()]);
        if has_nextest() {
            command.args(["--test-tool", "nextest", "--cargo-test-arg"]);
            command.arg(format!("--config-file={}", nextest.display()));
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

fn outcomes(folder: &Path) -> Outcome<BTreeMap<String, Verdict>> {
    let path = folder.join("mutants.out/outcomes.json");
    let text = fs::read_to_string(&path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
    Ok(read(&text)?)
}
