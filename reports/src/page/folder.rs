//! The files of a results folder that the page reads beside its tables.

use super::places::{self, relative};
use crate::figure::FIGURES;
use crate::figure::lacking::has;
use crate::frame::ReportError;
use crate::runs::Runs;
use crate::shortfalls::{self, Told};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tables::TableDoc;

/// A results folder, with the texts that stand in it.
pub(super) struct Folder {
    pub path: PathBuf,
    /// Its name among several folders; `None` if it is the only one.
    pub name: Option<String>,
    /// `manifest.json`.
    pub manifest: Value,
    /// `scenario.toml`, as it is.
    pub scenario: String,
    /// The scenario's own words; empty if it has none.
    pub description: String,
    pub runs: Runs,
    /// Requests that were rejected, and answers that were cut.
    pub shortfalls: Vec<Told>,
    /// The figures that are drawn, by their place in the list.
    pub figures: Vec<Option<String>>,
    /// From the page's folder to this one's `report/`, as a link; empty or with a slash at its end.
    pub to_report: String,
}

impl Folder {
    /// Reads folders for a page that stands in `beside`.
    pub fn read_all(paths: &[PathBuf], beside: &Path) -> Result<Vec<Self>, ReportError> {
        let names = places::names(paths);
        paths.iter().zip(names).map(|(path, name)| Self::read(path, name, beside)).collect()
    }

    fn read(path: &Path, name: Option<String>, beside: &Path) -> Result<Self, ReportError> {
        let runs = Runs::read(path)?;
        let manifest = text(&path.join("manifest.json"))?;
        let manifest = serde_json::from_str(&manifest).map_err(|error| {
            let remedy = "run the scenario again";
            ReportError::refused(format!("{}: {error}; {remedy}", path.join("manifest.json").display()))
        })?;
        let scenario = text(&path.join("scenario.toml"))?;
        let written: Option<toml::Table> = scenario.parse().ok();
        let description = written.as_ref().and_then(|table| table.get("description")?.as_str()).unwrap_or_default();
        Ok(Self {
            name,
            manifest,
            description: description.to_owned(),
            scenario,
            runs,
            shortfalls: shortfalls::read(path)?,
            figures: FIGURES.iter().map(|figure| drawn(path, figure.name)).collect(),
            to_report: relative(beside, &path.join("report")),
            path: path.to_owned(),
        })
    }

    /// Name of the scenario.
    pub fn title(&self) -> String {
        self.manifest["scenario"].as_str().unwrap_or("results").to_owned()
    }

    /// True if these are the results of `sim sweep`.
    pub fn is_sweep(&self) -> bool {
        self.manifest.get("plan_sha256").is_some()
    }

    /// True if it has a table.
    pub fn has(&self, table: &TableDoc) -> bool {
        has(&self.path, table)
    }
}

fn text(path: &Path) -> Result<String, ReportError> {
    fs::read_to_string(path).map_err(|error| ReportError::Open { path: path.to_owned(), error })
}

/// A drawn figure as it stands in its file: what is no drawing of ours is left out.
fn drawn(folder: &Path, name: &str) -> Option<String> {
    let svg = fs::read_to_string(folder.join(format!("report/{name}.svg"))).ok()?;
    let svg = svg.trim();
    // What every text of a drawing says of its font, the page says once.
    let family = format!(" font-family=\"{}\"", drawing::FAMILY);
    (svg.starts_with("<svg") && svg.ends_with("</svg>")).then(|| svg.replace(&family, "").replace(" opacity=\"1\"", ""))
}

/// The rows of a `claims.csv`, its heading first; none where it is not there.
pub(super) fn claims(path: &Path) -> Result<Option<Vec<Vec<String>>>, ReportError> {
    if !path.exists() {
        return Ok(None);
    }
    let failed = |error: csv::Error| {
        ReportError::refused(format!("{}: {error}; remove it, and draw the report again", path.display()))
    };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path).map_err(failed)?;
    let fields = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
    let rows: Result<Vec<Vec<String>>, csv::Error> = reader.records().map(|record| record.map(fields)).collect();
    rows.map(Some).map_err(failed)
}
