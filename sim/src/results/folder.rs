//! The results folder: whole or not there, in place of earlier results and of nothing else.

use super::making::{MakingFolder, folder_of};
use crate::results::manifest;
use crate::terminal::Failure;
use std::fs;
use std::path::{Path, PathBuf};

/// Files that this program writes into a results folder.
const FILES: [&str; 24] = [
    "answers.parquet",
    "capacity.csv",
    "capacity.parquet",
    "choices.csv",
    "choices.parquet",
    "classes.csv",
    "classes.parquet",
    "decisions.parquet",
    "failures.csv",
    "manifest.json",
    "profile.toml",
    "regret.csv",
    "requests.parquet",
    "runs.parquet",
    "scenario.toml",
    "shortfalls.parquet",
    "spans.parquet",
    "steps.parquet",
    "summary.csv",
    "summary.parquet",
    "timeline.json",
    "tokens.parquet",
    "validation.csv",
    "validation.json",
];

/// The folder of its report, and the kinds of files there.
const REPORT: &str = "report";
const REPORT_KINDS: [&str; 4] = ["csv", "html", "png", "svg"];

/// A results folder in the making. Dropped before the end, it leaves nothing.
pub struct Results {
    target: PathBuf,
    making: MakingFolder,
}

impl Results {
    /// Makes sure that results may stand at `target`, and begins them.
    ///
    /// # Errors
    /// If anything but earlier results is in the way, or the place cannot be written to.
    pub fn begin(target: &Path) -> Result<Self, Failure> {
        let Some(name) = target.file_name().map(|name| name.to_string_lossy()) else {
            let remedy = "give --out a folder by its name";
            return Err(Failure::refused(format!(
                "{}: results cannot replace this folder; {remedy}",
                target.display()
            )));
        };
        may_replace(target)?;
        let parent = folder_of(target);
        fs::create_dir_all(parent).map_err(|error| Failure::io("make the folder", parent, &error))?;
        let making = MakingFolder::begin(parent, &name);
        let making = making.map_err(|error| Failure::io("write in the folder", parent, &error))?;
        Ok(Self { target: target.to_owned(), making })
    }

    /// The folder to write into.
    pub fn folder(&self) -> &Path {
        self.making.path()
    }

    /// Puts the folder in its place, over earlier results.
    ///
    /// # Errors
    /// As [`Self::begin`]; earlier results are then still there.
    pub fn finish(self) -> Result<PathBuf, Failure> {
        let Self { target, making } = self;
        may_replace(&target)?;
        making.put(&target).map_err(|error| Failure::io("put the results in", &target, &error))?;
        Ok(target)
    }
}

/// Refuses to replace anything but an empty folder or results of this program.
fn may_replace(target: &Path) -> Result<(), Failure> {
    let Ok(metadata) = fs::symlink_metadata(target) else { return Ok(()) };
    let refuse = |what: &str| {
        let remedy = "move it away, or choose another place with --out";
        Err(Failure::refused(format!("{}: {what} is in the way of the results; {remedy}", target.display())))
    };
    if !metadata.is_dir() {
        return refuse("something that is not a folder");
    }
    if target.join("sweep.json").exists() {
        // Its parts may be hours of work; `sim sweep` goes on with them.
        return refuse("a sweep");
    }
    let names = names(target)?;
    if names.is_empty() {
        return Ok(());
    }
    if !manifest::is_ours(target) {
        return refuse("a folder that msao-sim did not write");
    }
    match stranger(target, names)? {
        Some(stranger) => refuse(&format!("{stranger}, which msao-sim did not write,")),
        None => Ok(()),
    }
}

/// A file in a results folder that somebody else put there.
fn stranger(folder: &Path, names: Vec<String>) -> Result<Option<String>, Failure> {
    let is_ours = |name: &String| FILES.contains(&name.as_str()) || name == REPORT;
    if let Some(stranger) = names.into_iter().find(|name| !is_ours(name)) {
        return Ok(Some(stranger));
    }
    let report = folder.join(REPORT);
    if !report.is_dir() {
        return Ok(None);
    }
    let is_drawn = |name: &String| name.rsplit_once('.').is_some_and(|(_, kind)| REPORT_KINDS.contains(&kind));
    Ok(self::names(&report)?.into_iter().find(|name| !is_drawn(name)).map(|name| format!("{REPORT}/{name}")))
}

/// Names in a folder, in their order.
fn names(folder: &Path) -> Result<Vec<String>, Failure> {
    let failed = |error| Failure::io("read", folder, &error);
    let entries = fs::read_dir(folder).map_err(failed)?;
    let mut names = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<Vec<_>>>()
        .map_err(failed)?;
    names.sort();
    Ok(names)
}
