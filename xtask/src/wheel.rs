//! `cargo xtask wheel`: the Python wheel, built by maturin and tried in a fresh environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Arg, ArgMatches, Command as Clap};

use crate::failure::{Failure, Outcome};
use crate::house::{House, cargo, root};
use crate::packages::said;

/// Tried in the fresh environment: the module and the program are of one version, and the program runs.
const TRIED: &str = "\
import msao_sim, subprocess, sys
told = subprocess.run([sys.argv[1], '--version'], capture_output=True, text=True, check=True).stdout
assert told == f'sim {msao_sim.__version__}\\n', (told, msao_sim.__version__)
";

const HELP: &str = "\
Builds the wheel of pyproject.toml: `pip install` of it gives the program `sim` and the module `msao_sim`, which reads results.
maturin, at the version that pyproject.toml pins, comes from PyPI into target/wheel; so Python 3 with venv and pip is needed.

The wheel is then installed into a fresh environment, without the network; there `sim --version` has to be the module's version,
and a small scenario has to run.

  cargo xtask wheel                   the wheel that is given away, in target/wheel
  cargo xtask wheel --profile dev     what was built for the tests, in a minute";

/// The command and its help.
pub fn command() -> Clap {
    let profile =
        Arg::new("profile").long("profile").default_value("release").help("The profile of cargo that is built");
    Clap::new("wheel").about("Build the Python wheel and try it in a fresh environment").long_about(HELP).arg(profile)
}

/// Runs the command.
pub fn run(arguments: &ArgMatches) -> Outcome {
    let profile: &String = arguments.get_one("profile").expect("there is a default");
    let folder = House::target()?.join("wheel");
    let built = folder.join("built");
    let maturin = maturin(&folder)?;
    // What an earlier build left would be tried in its place.
    remove(&built)?;
    let mut build = Command::new(maturin);
    build.current_dir(root()).args(["build", "--profile", profile, "--out"]).arg(&built);
    build.env("CARGO", cargo().get_program());
    said(&mut build)?;
    let wheel = wheel_in(&built)?;
    tried(&folder.join("fresh"), &wheel)?;
    println!("{} was built and tried", wheel.display());
    Ok(())
}

/// The program maturin, installed where it is not.
fn maturin(folder: &Path) -> Outcome<PathBuf> {
    let text = fs::read_to_string(root().join("pyproject.toml"))
        .map_err(|error| format!("cannot read pyproject.toml: {error}; it is in the workspace's root"))?;
    let requirement = pinned(&text)?;
    let venv = folder.join("maturin");
    let mark = venv.join(&requirement);
    if !mark.is_file() {
        venv_in(&venv)?;
        said(Command::new(venv.join("bin/pip")).args(["install", "--quiet", &requirement]))?;
        // Written last: a half-made folder is made again.
        fs::write(&mark, "").map_err(|error| format!("cannot write {}: {error}; make room", mark.display()))?;
    }
    Ok(venv.join("bin/maturin"))
}

/// The requirement of maturin, `maturin==X.Y.Z`.
fn pinned(pyproject: &str) -> Outcome<String> {
    let table: toml::Table = pyproject
        .parse()
        .map_err(|error| format!("pyproject.toml is no TOML: {error}; mend the line that it names"))?;
    let requires = table.get("build-system").and_then(|system| system.get("requires")).and_then(toml::Value::as_array);
    let requirement =
        requires.and_then(|all| all.iter().filter_map(toml::Value::as_str).find(|one| one.starts_with("maturin==")));
    let refusal = || "pyproject.toml: build-system.requires: expected maturin==VERSION, pinned".to_owned();
    Ok(requirement.ok_or_else(refusal)?.to_owned())
}

/// Installs a wheel into a fresh environment and runs what it brings.
fn tried(venv: &Path, wheel: &Path) -> Outcome {
    venv_in(venv)?;
    let program = venv.join("bin/sim");
    said(Command::new(venv.join("bin/pip")).args(["install", "--quiet", "--no-index", "--no-deps"]).arg(wheel))?;
    said(Command::new(venv.join("bin/python")).args(["-I", "-c", TRIED]).arg(&program))?;
    let mut run = Command::new(&program);
    run.current_dir(venv).arg(root().join("scenarios/paper.toml"));
    run.args(["--no-report", "--set", "workload.requests=5", "--set", "replications=1", "--out", "results"]);
    let table = said(&mut run)?;
    let has_all = ["cloud_only", "msao"].iter().all(|policy| table.contains(policy));
    Failure::unless_none(if has_all {
        Vec::new()
    } else {
        vec![format!("the wheel's `sim` printed no table: {table}")]
    })
}

fn venv_in(folder: &Path) -> Outcome {
    said(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    Ok(())
}

fn remove(folder: &Path) -> Outcome {
    match fs::remove_dir_all(folder) {
        Err(error) if folder.exists() => Err(format!("cannot remove {}: {error}; remove it", folder.display()).into()),
        _ => Ok(()),
    }
}

/// The only wheel in a folder.
fn wheel_in(folder: &Path) -> Outcome<PathBuf> {
    let entries = fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut wheels = files.filter(|file| file.extension().is_some_and(|ending| ending == "whl"));
    match (wheels.next(), wheels.next()) {
        (Some(wheel), None) => Ok(wheel),
        _ => Err(format!("{}: expected one wheel; see what maturin says", folder.display()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maturin_is_pinned() {
        let pyproject = fs::read_to_string(root().join("pyproject.toml")).unwrap();
        assert!(pinned(&pyproject).unwrap().starts_with("maturin==1."));
        for loose in ["", "[build-system]\nrequires = [\"maturin>=1\"]", "[build-system]\nrequires = \"maturin==1\""] {
            assert!(pinned(loose).is_err(), "{loose}");
        }
        assert!(pinned("[").unwrap_err().to_string().contains("is no TOML"));
    }

    #[test]
    fn one_wheel_is_expected() {
        let folder = tempfile::tempdir().unwrap();
        assert!(wheel_in(folder.path()).is_err());
        fs::write(folder.path().join("a.whl"), "").unwrap();
        assert!(wheel_in(folder.path()).is_ok());
        fs::write(folder.path().join("b.whl"), "").unwrap();
        assert!(wheel_in(folder.path()).is_err());
    }
}
