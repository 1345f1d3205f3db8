//! `cargo xtask packages`: what the tests need of the machine beside Rust. Slurm, GNU parallel, Chromium and npm from Debian, packages
//! of Python from PyPI, and of npm from its registry.
//!
//! Tests look for them and say that they were skipped where they are missing. Under `CI=true` nothing is skipped, so a
//! machine that cannot have them fails here, in a sentence, and not in the tests.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::{ArgMatches, Command as Clap};

use crate::failure::{Failure, Outcome};
use crate::house::{House, root};

/// Programs that tests run, each with its Debian package. The packages are named without a version: a stable release of Debian
/// keeps one, patched in place, and drops the patched one from its mirrors, so that `pkg=version` would break with each patch.
const PROGRAMS: [(&str, &str); 6] = [
    ("slurmctld", "slurmctld"),
    ("slurmd", "slurmd"),
    ("sbatch", "slurm-client"),
    ("parallel", "parallel"),
    ("chromium", "chromium"),
    ("npm", "npm"),
];

/// The command and its help.
pub fn command() -> Clap {
    Clap::new("packages").about("Obtain what tests need beside Rust: Slurm, GNU parallel, Chromium, packages of Python and npm").long_about(
        "Obtains what tests need beside Rust, once: Slurm, GNU parallel, Chromium and npm from Debian, as root with apt-get, the packages of \
         tests/requirements.txt from PyPI, in target/python, and those of tests/package.json from npm, in target/node.\n\nWhat cannot be had is said; the tests that need it are \
         skipped, and say so. Under CI=true it is a failure.",
    )
}

/// Runs the command.
pub fn run(_: &ArgMatches) -> Outcome {
    obtain()
}

/// Obtains what is missing, where that is possible.
pub fn obtain() -> Outcome {
    let findings: Vec<String> = [debian(), python(), npm()].into_iter().filter_map(Result::err).collect();
    if in_ci() {
        return Failure::unless_none(findings);
    }
    for finding in findings {
        println!("skipped: {finding}");
    }
    Ok(())
}

/// True if a missing thing is a failure rather than a skipped test.
pub fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|ci| ci == "true")
}

fn debian() -> Result<(), String> {
    let missing = || PROGRAMS.into_iter().filter(|(program, _)| !is_there(program)).map(|(_, package)| package);
    let packages: Vec<&str> = missing().collect();
    if packages.is_empty() {
        println!("Slurm, GNU parallel, Chromium and npm are there");
        return Ok(());
    }
    let install = format!("apt-get install -y --no-install-recommends {}", packages.join(" "));
    let by_hand = |why: &str| {
        format!("tests of Slurm, GNU parallel and the page: {why}; `{install}` as root would install what is missing")
    };
    if !is_there("apt-get") {
        return Err(by_hand("no apt-get here"));
    }
    if said(Command::new("id").arg("-u"))?.trim() != "0" {
        return Err(by_hand("we are not root"));
    }
    println!("{install}");
    let apt = |arguments: &str| {
        let mut apt = Command::new("apt-get");
        // Another apt may be at work; it is waited for.
        apt.args(["-o", "DPkg::Lock::Timeout=300"]).args(arguments.split(' '));
        said(apt.env("DEBIAN_FRONTEND", "noninteractive"))
    };
    let arguments = install.trim_start_matches("apt-get ");
    // The lists of packages are fetched only where they are missing or too old.
    apt(arguments).or_else(|_| apt("update").and_then(|_| apt(arguments))).map_err(|error| by_hand(&error))?;
    match missing().next() {
        None => Ok(()),
        Some(package) => Err(by_hand(&format!("{package} was installed, but its program is not in the PATH"))),
    }
}

/// `target/python`, with the packages of `tests/requirements.txt`.
fn python() -> Result<(), String> {
    let target = House::target().map_err(|failure| failure.to_string().trim().replace("error: ", ""))?;
    let wanted = root().join("tests/requirements.txt");
    let venv = target.join("python");
    let installed = venv.join("requirements.txt");
    let read = |path: &Path| std::fs::read(path).ok();
    if read(&installed).is_some_and(|there| read(&wanted) == Some(there)) {
        println!("the packages of Python are there");
        return Ok(());
    }
    println!("python3 -m venv {0}; pip install -r {1} there", venv.display(), wanted.display());
    said(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))
        .and_then(|_| {
            said(Command::new(venv.join("bin/pip")).args(["install", "--quiet", "--no-deps", "-r"]).arg(&wanted))
        })
        // Copied last: a half-made folder is made again.
        .and_then(|_| std::fs::copy(&wanted, &installed).map_err(|error| error.to_string()))
        .map_err(|error| format!("tests of the Kubernetes schema and of policies from outside: {error}; Python 3 with venv and pip is needed"))?;
    Ok(())
}

/// `target/node`, with the packages of `tests/package.json`, whose scripts are not run.
fn npm() -> Result<(), String> {
    let target = House::target().map_err(|failure| failure.to_string().trim().replace("error: ", ""))?;
    let (wanted, folder) = (root().join("tests/package.json"), target.join("node"));
    let installed = folder.join("installed.json");
    let read = |path: &Path| std::fs::read(path).ok();
    if read(&installed).is_some_and(|there| read(&wanted) == Some(there)) {
        println!("the packages of npm are there");
        return Ok(());
    }
    println!("npm install in {}, by {}", folder.display(), wanted.display());
    let copied = std::fs::create_dir_all(&folder).and_then(|()| std::fs::copy(&wanted, folder.join("package.json")));
    let install = ["install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"];
    copied
        .map_err(|error| error.to_string())
        .and_then(|_| said(Command::new("npm").args(install).arg(&folder)))
        // Copied last: a half-made folder is made again.
        .and_then(|_| std::fs::copy(&wanted, &installed).map_err(|error| error.to_string()))
        .map_err(|error| format!("the test of the page by axe-core: {error}; npm is needed"))?;
    Ok(())
}

/// True if a program is in the PATH, or in Debian's folder of daemons.
fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.any(|folder| folder.join(program).is_file())
}

/// The output of a command, or the reason of its failure in one line.
pub fn said(command: &mut Command) -> Result<String, String> {
    let told = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("`{told}` did not start: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{told}` failed: {}", stderr.trim().replace('\n', " ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_looked_for() {
        assert!(is_there("sh"));
        assert!(!is_there("no-such-program"));
    }

    #[test]
    fn a_command_that_fails_is_told_in_one_line() {
        let error = said(Command::new("sh").args(["-c", "echo a >&2; echo b >&2; exit 3"])).unwrap_err();
        assert!(error.ends_with("failed: a b"), "{error}");
        assert!(said(&mut Command::new("no-such-program")).unwrap_err().contains("did not start"));
    }

    /// `pip` would take any version of a package that is not pinned, and so change a verdict.
    #[test]
    fn python_packages_are_pinned() {
        let npm = std::fs::read_to_string(root().join("tests/package.json")).unwrap();
        let npm: serde_json::Value = serde_json::from_str(&npm).unwrap();
        let is_exact = |version: &serde_json::Value| {
            version.as_str().is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.'))
        };
        assert!(npm["dependencies"].as_object().unwrap().values().all(is_exact), "{npm}");
        let wanted = std::fs::read_to_string(root().join("tests/requirements.txt")).unwrap();
        let lines: Vec<_> = wanted.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(lines.len() > 1 && lines.iter().all(|line| line.contains("==")), "{lines:?}");
    }
}
