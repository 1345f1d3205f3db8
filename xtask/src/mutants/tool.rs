//! cargo-mutants: where it comes from, and how it is called.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::list::Mutant;
use super::outcome::{Verdict, read};
use crate::failure::Outcome;
use crate::house::{House, has_nextest, root};
use crate::installed::Program;

/// A test that runs longer than this has failed: nextest stops it.
const NEXTEST: &str = "[profile.default]\nslow-timeout = { period = \"20s\", terminate-after = 1 }\nfail-fast = true\n";
/// The longest that all tests of a mutant may take, in seconds; without nextest it is all that ends a loop.
const TIMEOUT: &str = "300";

/// The program in `target/mutants`.
pub struct Tool {
    folder: PathBuf,
}

impl Tool {
    /// Installs the program unless that version of it is there.
    pub fn obtain(version: &str) -> Outcome<Self> {
        let folder = House::target()?.join("mutants");
        let answer = format!("cargo-mutants {version}");
        let asked = &["mutants", "--version"];
        Program { name: "cargo-mutants", version, options: &[], asked, answer: &answer }.obtain(&folder)?;
        Ok(Self { folder })
    }

    /// Every mutant of the workspace.
    pub fn list(&self) -> Outcome<Vec<Mutant>> {
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

    /// Tests mutants by the unit tests of their own packages, or by all tests of those named. An interrupted run may be resumed: it goes on with the
    /// mutants that are not dead yet.
    pub fn test(&self, mutants: &[Mutant], by: &[String], jobs: usize, resume: bool) -> Outcome<Vec<Verdict>> {
        let part = if by.is_empty() { "own".to_owned() } else { by.join("-") };
        let folder = self.folder.join(part);
        let known = folder.join("verdicts.json");
        let mut verdicts = if resume { dead(&folder) } else { BTreeMap::new() };
        write(&known, &verdicts_text(&verdicts))?;
        let open: Vec<_> = mutants.iter().filter(|mutant| !verdicts.contains_key(&mutant.name)).collect();
        if !open.is_empty() {
            self.call(&folder, &open, by, jobs)?;
            verdicts.extend(outcomes(&folder)?);
            write(&known, &verdicts_text(&verdicts))?;
        }
        let untested = |mutant: &Mutant| format!("cargo-mutants did not test `{}`; run without --resume", mutant.name);
        let verdict = |mutant: &Mutant| verdicts.get(&mutant.name).copied().ok_or_else(|| untested(mutant).into());
        mutants.iter().map(verdict).collect()
    }

    /// Calls the program, with its output let through.
    fn call(&self, folder: &Path, mutants: &[&Mutant], by: &[String], jobs: usize) -> Outcome {
        let (config, nextest) = (folder.join("config.toml"), folder.join("nextest.toml"));
        write(&config, &examined(mutants))?;
        write(&nextest, NEXTEST)?;
        let mut command = self.command();
        command.args(["--workspace", "--colors", "never", "--copy-target", "true"]);
        command.args(["--timeout", TIMEOUT, "--jobs", &jobs.to_string()]);
        command.arg("--output").arg(folder).arg("--config").arg(&config);
        // This version of the program examines fields that are left out of a struct whatever their names: these files alone.
        let files: BTreeSet<_> = mutants.iter().map(|mutant| mutant.file.as_str()).collect();
        command.args(files.into_iter().flat_map(|file| ["--file", file]));
        command.args(by.iter().flat_map(|package| ["--test-package", package]));
        // For the build too: nothing else of the package is compiled then.
        command.args(["--cargo-arg", if by.is_empty() { "--lib" } else { "--tests" }]);
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

    fn command(&self) -> Command {
        let mut command = Command::new(self.folder.join("bin/cargo-mutants"));
        command.arg("mutants").current_dir(root());
        command.env("CARGO_INCREMENTAL", "1").env("INSTA_UPDATE", "no").env_remove("CARGO_TARGET_DIR");
        command
    }
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

/// The configuration by which just these mutants are tested.
fn examined(mutants: &[&Mutant]) -> String {
    let names = mutants.iter().map(|mutant| format!("    '''^{}$''',\n", escaped(&mutant.name)));
    format!("examine_re = [\n{}]\n", names.collect::<String>())
}

/// A text as a regular expression that matches nothing else. `\<` would be the start of a word.
fn escaped(text: &str) -> String {
    let is_sign = |sign: &char| sign.is_ascii_punctuation() && !"<>_'".contains(*sign);
    text.chars().flat_map(|sign| is_sign(&sign).then_some('\\').into_iter().chain([sign])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_matched_word_for_word() {
        let mutant = Mutant {
            name: "a.rs:1:2: replace f -> Vec<u8> with vec![0] in <impl A for B<'_>>::f".into(),
            package: String::new(),
            file: String::new(),
        };
        let expected = r"'''^a\.rs\:1\:2\: replace f \-> Vec<u8> with vec\!\[0\] in <impl A for B<'_>>\:\:f$'''";
        assert!(examined(&[&mutant]).contains(expected));
    }
}
