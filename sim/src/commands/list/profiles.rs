//! Profiles: the laws in the files of a folder.

use super::listing::{Column, Listing};
use crate::scenario::profile::{LawEntry, Profile};
use crate::terminal::Failure;
use serde_json::Value;
use std::path::{Path, PathBuf};

const LAW: &[Column] = &[
    Column::new("file"),
    Column::new("kind"),
    Column::new("device"),
    Column::new("gpus"),
    Column::new("model"),
    Column::new("engine"),
    Column::json_only("form"),
    Column::new("rows"),
    Column::headed("held_out_median_error_pct", "error, %"),
];

/// The laws of every profile in `folder`: TOML files that `sim calibrate` wrote.
///
/// # Errors
/// If the folder or a profile in it cannot be read, or it has none.
pub fn profiles(folder: &Path) -> Result<Listing, Failure> {
    let mut lines = Vec::new();
    for file in files(folder)? {
        let profile = Profile::read(&file)?;
        lines.extend(profile.law.iter().map(|law| line(&file, law)));
    }
    Ok(Listing::new(LAW, lines))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let remedy = "profiles are files that `sim calibrate` writes; name their folder with --dir";
    let unreadable =
        |error: std::io::Error| Failure::refused(format!("cannot read {}: {error}; {remedy}", folder.display()));
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    let mut files: Vec<PathBuf> =
        files.into_iter().filter(|file| file.extension().is_some_and(|ending| ending == "toml")).collect();
    files.sort();
    if files.is_empty() {
        return Err(Failure::refused(format!("{}: found no .toml file; {remedy}", folder.display())));
    }
    Ok(files)
}

fn line(file: &Path, law: &LawEntry) -> Vec<Value> {
    vec![
        file.file_name().unwrap_or_default().to_string_lossy().into(),
        law.kind.name().into(),
        law.device.as_str().into(),
        law.gpus.into(),
        law.model.as_str().into(),
        law.engine.as_str().into(),
        law.form.name().into(),
        law.rows.into(),
        law.held_out.map(|errors| errors.median_pct).into(),
    ]
}
