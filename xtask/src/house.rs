//! The workspace by cargo's metadata: its packages, their paths and their imports.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::failure::Outcome;

/// The one package outside the house: it judges the others and must build when they do not.
pub const OUTSIDE: &str = "xtask";

/// The workspace, as far as the commands look at it.
#[derive(Debug, Clone, Default)]
pub struct House {
    /// Every member of the workspace, in cargo's order.
    pub packages: Vec<Package>,
    /// `[workspace.metadata.floors]`: package name to floor.
    pub floors: BTreeMap<String, u32>,
}

/// A member of the workspace.
#[derive(Debug, Clone, Default)]
pub struct Package {
    /// Its name, which is not always its folder's.
    pub name: String,
    /// The folder of its `Cargo.toml`.
    pub folder: PathBuf,
    /// The packages of the same workspace that it imports.
    pub imports: Vec<Import>,
    /// The root files of its library and its binaries.
    pub roots: Vec<PathBuf>,
    /// `[package.metadata.floors]`: top-level module to floor; none if the package has no such table.
    pub floors: Option<BTreeMap<String, u32>>,
}

/// An edge from a package to another of the same workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The package imported.
    pub name: String,
    /// The table that names it.
    pub kind: Kind,
}

/// The table of `Cargo.toml` in which a dependency stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `[dependencies]`, which cargo prints as null.
    #[default]
    Normal,
    /// `[build-dependencies]`
    Build,
    /// `[dev-dependencies]`
    Dev,
}

impl Kind {
    /// The table's name, to be found in `Cargo.toml`.
    pub fn table(self) -> &'static str {
        match self {
            Self::Normal => "dependencies",
            Self::Build => "build-dependencies",
            Self::Dev => "dev-dependencies",
        }
    }
}

/// The folder of the workspace's `Cargo.toml`.
///
/// Cargo says it anew at each run: what was compiled in would be another checkout's folder where two
/// of them share a target directory.
pub fn root() -> PathBuf {
    let mut here = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.pop();
    here
}

/// The cargo that runs us, in the workspace's root: the same toolchain for each step.
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// True if cargo-nextest is installed.
pub fn has_nextest() -> bool {
    let mut command = cargo();
    command.args(["nextest", "--version"]);
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Runs cargo and returns its stdout; a failure carries its stderr, put on one line.
pub fn cargo_says(arguments: &[&str]) -> Outcome<String> {
    let told = arguments.join(" ");
    let output = cargo()
        .args(arguments)
        .output()
        .map_err(|e| format!("`cargo {told}` did not start: {e}; set CARGO to a working cargo"))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let why = stderr.trim().replace('\n', " ");
        return Err(format!("`cargo {told}` failed: {why}").into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

impl House {
    /// Asks `cargo metadata`.
    pub fn read() -> Outcome<Self> {
        let told = cargo_says(&["metadata", "--format-version", "1", "--no-deps"])?;
        Self::parse(&told)
    }

    /// The folder that cargo builds in.
    pub fn target() -> Outcome<PathBuf> {
        let told = cargo_says(&["metadata", "--format-version", "1", "--no-deps"])?;
        let written: written::Target =
            serde_json::from_str(&told).map_err(|e| format!("`cargo metadata` names no target folder: {e}"))?;
        Ok(written.target_directory)
    }

    fn parse(metadata: &str) -> Outcome<Self> {
        let written: written::Metadata = serde_json::from_str(metadata).map_err(|e| {
            format!(
                "`cargo metadata` is not as expected: {e}; [workspace.metadata.floors] maps package names, and \
                 [package.metadata.floors] modules, to whole numbers"
            )
        })?;
        let names: BTreeMap<PathBuf, String> =
            written.packages.iter().map(|package| (package.folder(), package.name.clone())).collect();
        let packages = written.packages.iter().map(|p| p.resolve(&names));
        Ok(Self { packages: packages.collect(), floors: written.metadata.unwrap_or_default().floors })
    }
}

/// The JSON of `cargo metadata`, as it is written.
mod written {
    use super::{BTreeMap, Deserialize, Import, Kind, PathBuf};

    #[derive(Deserialize)]
    pub struct Metadata {
        pub packages: Vec<Package>,
        pub metadata: Option<Workspace>,
    }

    #[derive(Deserialize)]
    pub struct Target {
        pub target_directory: PathBuf,
    }

    #[derive(Default, Deserialize)]
    pub struct Workspace {
        #[serde(default)]
        pub floors: BTreeMap<String, u32>,
    }

    #[derive(Default, Deserialize)]
    struct Own {
        floors: Option<BTreeMap<String, u32>>,
    }

    #[derive(Deserialize)]
    struct Root {
        kind: Vec<String>,
        src_path: PathBuf,
    }

    #[derive(Deserialize)]
    pub struct Package {
        pub name: String,
        manifest_path: PathBuf,
        dependencies: Vec<Dependency>,
        #[serde(default)]
        targets: Vec<Root>,
        metadata: Option<Own>,
    }

    #[derive(Deserialize)]
    struct Dependency {
        kind: Option<Kind>,
        path: Option<PathBuf>,
    }

    impl Package {
        pub fn folder(&self) -> PathBuf {
            let mut folder = self.manifest_path.clone();
            folder.pop();
            folder
        }

        /// Edges go by folder, not by name: a dependency may be renamed where it is imported.
        pub fn resolve(&self, names: &BTreeMap<PathBuf, String>) -> super::Package {
            let imports = self.dependencies.iter().filter_map(|dependency| {
                let name = names.get(dependency.path.as_ref()?)?.clone();
                let kind = dependency.kind.unwrap_or_default();
                Some(Import { name, kind })
            });
            let is_root =
                |root: &&Root| root.kind.iter().any(|kind| ["lib", "bin", "proc-macro"].contains(&kind.as_str()));
            let roots = self.targets.iter().filter(is_root).map(|root| root.src_path.clone());
            super::Package {
                name: self.name.clone(),
                folder: self.folder(),
                imports: imports.collect(),
                roots: roots.collect(),
                floors: self.metadata.as_ref().and_then(|own| own.floors.clone()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"{
        "packages": [
            {"name": "roof", "manifest_path": "/h/attic/Cargo.toml", "dependencies": [
                {"name": "cellar", "kind": null, "path": "/h/cellar", "rename": "below"},
                {"name": "cellar", "kind": "dev", "path": "/h/cellar"},
                {"name": "serde", "kind": null}
            ]},
            {"name": "cellar", "manifest_path": "/h/cellar/Cargo.toml", "dependencies": []}
        ],
        "metadata": {"floors": {"roof": 1, "cellar": 0}}
    }"#;

    #[test]
    fn edges_go_by_folder_and_leave_the_registry_out() {
        let house = House::parse(METADATA).unwrap();
        let kinds: Vec<_> = house.packages[0].imports.iter().map(|i| i.kind).collect();
        assert_eq!(kinds, [Kind::Normal, Kind::Dev]);
        assert!(house.packages[0].imports.iter().all(|i| i.name == "cellar"));
        assert_eq!(house.floors["roof"], 1);
    }

    #[test]
    fn a_workspace_without_floors_is_read() {
        let house = House::parse(r#"{"packages": [], "metadata": null}"#).unwrap();
        assert!(house.floors.is_empty());
    }

    #[test]
    fn a_floor_that_is_no_number_is_refused() {
        let refused = House::parse(r#"{"packages": [], "metadata": {"floors": {"a": "top"}}}"#);
        let message = refused.unwrap_err().to_string();
        assert!(message.contains("whole numbers"), "{message}");
    }

    #[test]
    fn a_cargo_that_fails_is_told_in_one_line() {
        let message = cargo_says(&["no-such-command"]).unwrap_err().to_string();
        assert!(message.starts_with("error: `cargo no-such-command` failed: "), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}
