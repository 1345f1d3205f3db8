//! Programs that cargo installs below the target folder, each at one version.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Outcome;
use crate::house::cargo;

/// A program of the registry.
pub struct Program<'p> {
    /// Its crate, which is the program's name too.
    pub name: &'p str,
    pub version: &'p str,
    /// Options of `cargo install`.
    pub options: &'p [&'p str],
    /// Arguments by which it prints its version.
    pub asked: &'p [&'p str],
    /// The line that it prints then.
    pub answer: &'p str,
}

impl Program<'_> {
    /// The program in a folder, installed unless that version of it is there.
    pub fn obtain(&self, folder: &Path) -> Outcome<PathBuf> {
        let path = folder.join("bin").join(self.name);
        let output = Command::new(&path).args(self.asked).output();
        if output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == self.answer) {
            return Ok(path);
        }
        println!("cargo install {} {} into {}", self.name, self.version, folder.display());
        let build = folder.join("build");
        let mut install = cargo();
        install.args(["install", self.name, "--locked", "--version", self.version]).args(self.options);
        install.arg("--root").arg(folder).arg("--target-dir").arg(&build);
        match install.status() {
            Ok(status) if status.success() => {
                // What was built for it is larger than all else here, and is not needed again.
                let _ = fs::remove_dir_all(build);
                Ok(path)
            }
            _ => Err(format!("{} was not installed; its output above says why", self.name).into()),
        }
    }
}
