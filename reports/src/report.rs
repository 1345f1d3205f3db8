//! The report of a results folder: figures, verdicts on the papers' claims, what a sweep's keys do and a page of it all, under
//! `report/` in it, and its timeline; from its files alone.

use crate::claims::{Claims, claims};
use crate::effects::Points;
use crate::figure::lacking::{has, origin};
use crate::figure::{FIGURES, Folder};
use crate::file::write;
use crate::frame::ReportError;
use crate::{figure, page, timeline};
use std::fs;
use std::path::{Path, PathBuf};
use tables::TableDoc;

/// The files that were written.
pub struct Report {
    /// The files, in the order in which they were written.
    pub files: Vec<PathBuf>,
    /// The verdicts.
    pub claims: Claims,
    /// A sentence for each table that is not there, with what is not drawn without it.
    pub notes: Vec<String>,
}

/// Writes the report of a results folder, in place of an earlier one: `report/NAME.svg` and `report/NAME.png` for each figure
/// that it has the data for, `report/claims.csv`, `report/index.html`, for a sweep `report/effects.csv`, and of a run
/// `timeline.json` in the folder itself.
///
/// # Errors
///
/// If it is not a results folder of this version, or a file cannot be written.
pub fn write_report(folder: &Path) -> Result<Report, ReportError> {
    // Refused before anything is touched.
    let claims = claims(&[folder.to_owned()])?;
    let into = folder.join("report");
    if into.exists() {
        fs::remove_dir_all(&into).map_err(|error| ReportError::Write { path: into.clone(), error })?;
    }
    let shown = Folder::new(folder);
    let points = Points::of(shown.runs()?);
    let mut files = Vec::new();
    if !points.keys.is_empty() {
        files.push(write(&into, "effects.csv", points.csv().as_bytes())?);
    }
    let (drawn, timeline) = rayon::join(|| figure::draw(&shown), || timeline::write(folder));
    files.extend(drawn?);
    if claims.any() {
        files.push(write(&into, "claims.csv", claims.csv.as_bytes())?);
    }
    files.extend(timeline?);
    files.push(page::write(&[folder.to_owned()], &into)?);
    Ok(Report { files, claims, notes: not_drawn(folder) })
}

/// A sentence for each table that a folder lacks, with the figures and files that are not drawn without it.
fn not_drawn(folder: &Path) -> Vec<String> {
    let figures = FIGURES.iter().flat_map(|figure| figure.lacks(folder).map(|table| (figure.name, table)));
    let timeline = (!has(folder, timeline::NEEDS)).then_some((timeline::FILE, timeline::NEEDS));
    let mut by_table: Vec<(&TableDoc, Vec<&str>)> = Vec::new();
    for (name, table) in figures.chain(timeline) {
        match by_table.iter_mut().find(|(known, _)| *known == table) {
            Some((_, names)) => names.push(name),
            None => by_table.push((table, vec![name])),
        }
    }
    let sentence =
        |(table, names): (&TableDoc, Vec<&str>)| format!("no {}: not drawn: {}", origin(table), names.join(", "));
    by_table.into_iter().map(sentence).collect()
}

/// Writes the common report of several results folders into a folder: `claims.csv`, their claims judged together, and
/// `index.html`, their results and the figures in each one's own report side by side.
///
/// # Errors
///
/// If one is not a results folder of this version, or a file cannot be written.
pub fn write_joint_report(folders: &[PathBuf], into: &Path) -> Result<Report, ReportError> {
    let claims = claims(folders)?;
    let mut files = Vec::new();
    if claims.any() {
        files.push(write(into, "claims.csv", claims.csv.as_bytes())?);
    }
    files.push(page::write(folders, into)?);
    Ok(Report { files, claims, notes: Vec::new() })
}
