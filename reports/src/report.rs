//! The report of a results folder: figures, verdicts on the papers' claims and what a sweep's keys do, all under `report/` in
//! it, from its files alone.

use crate::claims::{Claims, claims};
use crate::effects::Points;
use crate::figure;
use crate::frame::ReportError;
use crate::runs::Runs;
use crate::timeline;
use std::fs;
use std::path::{Path, PathBuf};

/// What was written.
pub struct Report {
    /// The files, in the order in which they were written.
    pub files: Vec<PathBuf>,
    /// The verdicts.
    pub claims: Claims,
}

/// Writes the report of a results folder, in place of an earlier one: `report/NAME.svg` and `report/NAME.png` for each figure
/// that it has the data for, `report/claims.csv`, for a sweep `report/effects.csv`, and of a run `timeline.json` beside them.
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
    let points = Points::of(&Runs::read(folder)?);
    let mut files = Vec::new();
    if !points.keys.is_empty() {
        files.push(write(&into, "effects.csv", points.csv().as_bytes())?);
    }
    files.extend(figure::draw(folder)?);
    files.extend(timeline::write(folder)?);
    files.push(write(&into, "claims.csv", claims.csv.as_bytes())?);
    Ok(Report { files, claims })
}

/// Writes a file of a report.
pub(crate) fn write(into: &Path, name: &str, content: &[u8]) -> Result<PathBuf, ReportError> {
    let path = into.join(name);
    let written = fs::create_dir_all(into).and_then(|()| fs::write(&path, content));
    written.map_err(|error| ReportError::Write { path: path.clone(), error })?;
    Ok(path)
}
