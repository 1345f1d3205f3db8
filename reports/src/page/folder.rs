//! The files of a results folder that the page reads beside its tables.

use super::places::{self, relative};
use crate::figure::lacking::has;
use crate::figure::{self, FIGURES, Figure};
use crate::frame::ReportError;
use crate::runs::Runs;
use crate::shortfalls::{self, Told};
use drawing::RGBColor;
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
        let runs = paths.iter().map(|path| Runs::read(path)).collect::<Result<Vec<_>, _>>()?;
        let mut shared: Vec<String> = Vec::new();
        for policy in runs.iter().filter(|_| paths.len() > 1).flat_map(Runs::policies) {
            if !shared.iter().any(|known| known == policy) {
                shared.push(policy.to_owned());
            }
        }
        let folders = paths.iter().zip(names).zip(runs);
        folders.map(|((path, name), runs)| Self::read(path, name, runs, (beside, &shared))).collect()
    }

    fn read(
        path: &Path,
        name: Option<String>,
        runs: Runs,
        (beside, shared): (&Path, &[String]),
    ) -> Result<Self, ReportError> {
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
            figures: FIGURES.iter().map(|figure| drawn(path, figure, shared)).collect::<Result<_, _>>()?,
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

/// A drawn figure as it stands in its file: what is no drawing of ours is left out. Beside other folders it is drawn anew, with
/// the colours that all of them share.
fn drawn(folder: &Path, figure: &Figure, beside: &[String]) -> Result<Option<String>, ReportError> {
    let file = folder.join(format!("report/{}.svg", figure.name));
    let Ok(written) = fs::read_to_string(file) else { return Ok(None) };
    let shared = if beside.is_empty() { None } else { figure.svg(&figure::Folder::beside(folder, beside))? };
    let svg = shared.as_deref().unwrap_or(&written).trim();
    Ok((svg.starts_with("<svg") && svg.ends_with("</svg>")).then(|| themed(svg)))
}

/// A drawing for the page: what every text says of its font, the page says once, and its colours are the page's.
fn themed(svg: &str) -> String {
    let family = format!(" font-family=\"{}\"", drawing::FAMILY);
    let plain = svg.replace(&family, "").replace(" opacity=\"1\"", "");
    let themed = |svg: String, (index, (light, _)): (usize, &(RGBColor, RGBColor))| {
        svg.replace(&format!("\"{}\"", hexadecimal(*light)), &format!("\"var(--drawn-{index})\""))
    };
    drawing::DARK_PAGE.iter().enumerate().fold(plain, themed)
}

/// Rules of style: the colours of drawings on a light page and on a dark one.
pub(super) fn colours() -> String {
    let variables = |of: fn(&(RGBColor, RGBColor)) -> RGBColor| {
        let own = drawing::DARK_PAGE.iter().enumerate();
        own.map(|(index, pair)| format!("--drawn-{index}:{};", hexadecimal(of(pair)))).collect::<String>()
    };
    let (light, dark) = (variables(|pair| pair.0), variables(|pair| pair.1));
    format!(":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}")
}

/// A colour as SVG and CSS have it.
pub(super) fn hexadecimal(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
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
