//! `cargo xtask regression`: the scenarios of `scenarios/regression/` against their committed baselines.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::failure::{Failure, Outcome};
use crate::house::{House, cargo_says, root};

const HELP: &str = "\
Runs each scenario in scenarios/regression/ with the real binary and holds it to the baseline beside it
(NAME.toml, NAME.baseline.toml) with `sim check`: what a change of the code makes worse, by more than
its tolerance and by more than noise, fails here. A baseline without its scenario fails too.

`--bless` writes the baselines anew; look at the difference before you commit it, and say in the commit
why the results changed. docs/regression.md says how verdicts are reached.";

/// The command and its help.
pub fn command() -> Command {
    let bless = Arg::new("bless").long("bless").action(ArgAction::SetTrue).help("Write the baselines instead");
    Command::new("regression")
        .about("Hold the regression scenarios to their committed baselines")
        .long_about(HELP)
        .arg(bless)
}

/// Checks or blesses.
pub fn run(arguments: &ArgMatches) -> Outcome {
    each(arguments.get_flag("bless"))
}

/// The same as a step of `cargo xtask test`.
pub fn check() -> Outcome {
    each(false)
}

fn each(bless: bool) -> Outcome {
    let folder = root().join("scenarios/regression");
    let files = listed(&folder)?;
    let (scenarios, mut findings) = pairs(&files);
    let sim = built()?;
    for name in &scenarios {
        if let Err(failure) = one(&sim, &folder, name, bless) {
            findings.push(format!("{name}: {failure}"));
        }
    }
    Failure::unless_none(findings)?;
    println!("{} scenarios are as good as their baselines", scenarios.len());
    Ok(())
}

fn listed(folder: &Path) -> Outcome<Vec<String>> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

/// The names of the scenarios, and the baselines that have none.
fn pairs(files: &[String]) -> (Vec<String>, Vec<String>) {
    let (baselines, scenarios): (Vec<_>, Vec<_>) =
        files.iter().filter_map(|file| file.strip_suffix(".toml")).partition(|name| name.ends_with(".baseline"));
    let scenarios: Vec<String> = scenarios.into_iter().map(str::to_owned).collect();
    let lost = baselines.iter().filter_map(|name| name.strip_suffix(".baseline"));
    let lost = lost.filter(|name| !scenarios.iter().any(|scenario| scenario == name));
    let findings =
        lost.map(|name| format!("{name}.baseline.toml has no {name}.toml; remove it, or write the scenario"));
    let findings = findings.collect();
    (scenarios, findings)
}

/// Runs a scenario and holds it to its baseline.
fn one(sim: &Path, folder: &Path, name: &str, bless: bool) -> Result<(), String> {
    let out = root().join("target/regression").join(name);
    let (scenario, baseline) = (folder.join(format!("{name}.toml")), folder.join(format!("{name}.baseline.toml")));
    run_sim(sim, &[scenario, "--no-report".into(), "--out".into(), out.clone()], false)?;
    let mut arguments = vec!["check".into(), out, "--baseline".into(), baseline];
    if bless {
        arguments.push("--bless".into());
    }
    run_sim(sim, &arguments, true)
}

/// Builds the binary as the tests do, so that either takes what the other has built: with other packages chosen, crates would have other
/// features and be compiled twice.
fn built() -> Outcome<PathBuf> {
    cargo_says(&["test", "--quiet", "--workspace", "--test", "integration", "--no-run"])?;
    Ok(House::target()?.join("debug/sim"))
}

/// Runs the binary. What it says is shown where asked, or where it fails.
fn run_sim(sim: &Path, arguments: &[PathBuf], shown: bool) -> Result<(), String> {
    let output = process::Command::new(sim).args(arguments).current_dir(root()).output();
    let output = output.map_err(|error| format!("{} did not start: {error}", sim.display()))?;
    if shown || !output.status.success() {
        print!("{}", String::from_utf8_lossy(&output.stdout));
    }
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(format!("{said} ({}); `cargo xtask regression --bless` accepts what is as it should be", output.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_baseline_has_its_scenario() {
        let files = ["a.baseline.toml", "a.toml", "b.toml", "c.baseline.toml", "notes.md"].map(str::to_owned);
        let (scenarios, findings) = pairs(&files);
        assert_eq!(scenarios, ["a", "b"]);
        assert_eq!(findings, ["c.baseline.toml has no c.toml; remove it, or write the scenario"]);
    }
}
