//! `cargo xtask onnxruntime`: the library that replays run on, from PyPI by its name.
//!
//! A wheel carries the native library; the versions of Python in its name do not matter here, so one wheel of a platform serves
//! all. Its version and SHA-256 stand in `backends/onnx/requirements.txt`, which pip is told to insist on.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Arg, ArgAction, ArgMatches, Command as Clap};

use crate::failure::{Failure, Outcome};
use crate::house::{House, root};
use crate::packages::{in_ci, said};

/// Wheels of this version of CPython are taken: any Python can fetch them.
const PYTHON: &str = "312";

/// The command and its help.
pub fn command() -> Clap {
    Clap::new("onnxruntime")
        .about("Obtain ONNX Runtime, which replays run on")
        .long_about(
            "Obtains ONNX Runtime, once: the package that backends/onnx/requirements.txt pins by version and SHA-256, from PyPI \
             with pip, in target/onnxruntime. `sim` looks for it there.\n\nWhere it cannot be had, tests that need it are skipped, \
             and say so; under CI=true that is a failure. An ONNX Runtime of your own is used with ORT_DYLIB_PATH.",
        )
        .arg(Arg::new("cuda").long("cuda").action(ArgAction::SetTrue).help("The build for CUDA 13, about 300 MB"))
}

/// Runs the command.
pub fn run(arguments: &ArgMatches) -> Outcome {
    let build = if arguments.get_flag("cuda") { Build::Cuda } else { Build::Cpu };
    install(build).map_err(Failure::from)
}

/// Obtains the library for the CPU, without which nothing goes on.
pub fn require() -> Outcome {
    install(Build::Cpu).map_err(Failure::from)
}

/// Obtains the library for CUDA, without which nothing goes on.
pub fn require_cuda() -> Outcome {
    install(Build::Cuda).map_err(Failure::from)
}

/// Obtains the library for the CPU, where that is possible: a step of `cargo xtask test`.
pub fn obtain() -> Outcome {
    match install(Build::Cpu) {
        Err(finding) if in_ci() => Err(finding.into()),
        Err(finding) => {
            println!("skipped: tests on real models: {finding}");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// The builds of the library.
#[derive(Clone, Copy)]
enum Build {
    Cpu,
    Cuda,
}

impl Build {
    /// The folder in `target/onnxruntime`.
    fn folder(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        }
    }

    /// The requirements to install, with their hashes.
    fn requirements(self) -> PathBuf {
        root().join(match self {
            Self::Cpu => "backends/onnx/requirements.txt",
            Self::Cuda => "backends/onnx/requirements-cuda.txt",
        })
    }
}

/// Installs a build unless it is there, and says where.
fn install(build: Build) -> Result<(), String> {
    let target = House::target().map_err(|failure| failure.to_string().trim().replace("error: ", ""))?;
    let place = target.join("onnxruntime").join(build.folder());
    let wanted = build.requirements();
    // Copied last: a half-made folder is made again.
    let installed = place.join("requirements.txt");
    let read = |path: &Path| std::fs::read(path).ok();
    if read(&installed).is_some_and(|there| read(&wanted) == Some(there)) {
        println!("ONNX Runtime is there: {}", place.display());
        return Ok(());
    }
    let by_hand = |why: String| {
        format!(
            "{why}; an ONNX Runtime of version 1.24 or newer is used if ORT_DYLIB_PATH names its library, or if a Python \
             package onnxruntime is installed"
        )
    };
    let platforms = platforms().map_err(by_hand)?;
    println!("pip install -r {} into {}", wanted.display(), place.display());
    let told = |error: std::io::Error| by_hand(format!("cannot make {}: {error}", place.display()));
    if place.exists() {
        std::fs::remove_dir_all(&place).map_err(told)?;
    }
    let mut pip = pip(&target).map_err(by_hand)?;
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps"]);
    pip.args(["--only-binary=:all:", "--implementation", "cp", "--python-version", PYTHON, "--abi"]);
    pip.arg(format!("cp{PYTHON}"));
    for platform in platforms {
        pip.args(["--platform", platform]);
    }
    said(pip.arg("--target").arg(&place).arg("-r").arg(&wanted)).map_err(by_hand)?;
    std::fs::copy(&wanted, &installed).map_err(told)?;
    Ok(())
}

/// Pip's names of this platform; the wheels of any other are not pinned.
fn platforms() -> Result<&'static [&'static str], String> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Ok(&["manylinux_2_28_x86_64", "manylinux_2_27_x86_64"]),
        ("linux", "aarch64") => Ok(&["manylinux_2_28_aarch64", "manylinux_2_27_aarch64"]),
        (os, architecture) => Err(format!("no wheel of ONNX Runtime is pinned for {os} on {architecture}")),
    }
}

/// A pip: the machine's, or one of a virtual environment of ours where the machine's Python has none.
fn pip(target: &Path) -> Result<Command, String> {
    let theirs = || {
        let mut python = Command::new("python3");
        python.args(["-m", "pip"]);
        python
    };
    if said(theirs().arg("--version")).is_ok() {
        return Ok(theirs());
    }
    let venv = target.join("onnxruntime/pip");
    said(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))
        .map_err(|error| format!("{error}; Python 3 with pip, or with venv, is needed"))?;
    Ok(Command::new(venv.join("bin/pip")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without a hash pip would take what it is given.
    #[test]
    fn what_is_fetched_is_pinned_by_version_and_hash() {
        for build in [Build::Cpu, Build::Cuda] {
            let wanted = std::fs::read_to_string(build.requirements()).unwrap();
            let packages: Vec<_> = wanted.lines().filter(|line| line.starts_with(char::is_alphabetic)).collect();
            assert!(!packages.is_empty() && packages.iter().all(|line| line.contains("==")), "{packages:?}");
            let hashes = wanted.matches("--hash=sha256:").count();
            assert!(hashes >= packages.len(), "{wanted}");
        }
    }
}
