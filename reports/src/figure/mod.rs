//! Figures of a results folder: each is one file here and one line of [`FIGURES`], and is drawn as SVG and as PNG.
//!
//! Equal folders give equal bytes. A figure says what it shows without a caption.

mod accuracy;
mod bars;
mod computing;
mod latency;
mod latency_cdf;
mod memory;
mod printed;
mod sweep;
mod throughput;

use crate::frame::ReportError;
use drawing::Drawing;
use std::fs;
use std::path::{Path, PathBuf};

/// A figure with its data; none where the folder's tables do not have what it shows.
type Prepared = Result<Option<Box<dyn Drawing>>, ReportError>;

/// A figure that can be drawn.
pub(crate) struct Figure {
    /// Name of its files.
    pub name: &'static str,
    /// What it shows, in a line.
    pub title: &'static str,
    /// Tables that a folder must have for it.
    pub needs: &'static [&'static str],
    /// Reads them.
    prepare: fn(&Path) -> Prepared,
}

/// Every figure.
pub(crate) const FIGURES: [Figure; 7] = [
    accuracy::FIGURE,
    throughput::FIGURE,
    latency::FIGURE,
    latency_cdf::FIGURE,
    computing::FIGURE,
    memory::FIGURE,
    sweep::FIGURE,
];

/// Draws the figures that `folder` has the tables for, of those that are `wanted` by name, into `report/` in it. The files, in
/// the order of [`FIGURES`].
pub(crate) fn draw(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, ReportError> {
    let mut files = Vec::new();
    for figure in FIGURES.into_iter().filter(|figure| wanted(figure.name)) {
        let has = |table: &&str| folder.join(format!("{table}.parquet")).exists();
        if !figure.needs.iter().all(has) {
            continue;
        }
        let Some(drawing) = (figure.prepare)(folder)? else { continue };
        let bug = |error| ReportError::Draw { figure: figure.name, error: format!("{error}") };
        let svg = drawing::svg(&*drawing, figure.title).map_err(bug)?;
        let png = drawing::png(&*drawing).map_err(bug)?;
        files.push(write(folder, &format!("{}.svg", figure.name), svg.as_bytes())?);
        files.push(write(folder, &format!("{}.png", figure.name), &png)?);
    }
    Ok(files)
}

/// Writes a file of the report.
pub(crate) fn write(folder: &Path, name: &str, content: &[u8]) -> Result<PathBuf, ReportError> {
    let report = folder.join("report");
    let path = report.join(name);
    let written = fs::create_dir_all(&report).and_then(|()| fs::write(&path, content));
    written.map_err(|error| ReportError::Write { path: path.clone(), error })?;
    Ok(path)
}
