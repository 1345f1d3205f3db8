//! `index.html`: one page with all that a results folder has to say, for one folder or several side by side.
//!
//! It is a pure function of the files: equal files give equal bytes. It opens from disk and asks the network for nothing; its
//! policy forbids that, and every script but the two that are in it. What comes from files is escaped where it is written.

pub(crate) mod claims;
mod data;
mod distribution;
pub(crate) mod document;
mod drawn;
mod facts;
mod folder;
pub(crate) mod places;
mod reproduce;
mod results;
mod shortfalls;
mod summary;
#[cfg(test)]
mod tests;

use crate::file;
use crate::frame::ReportError;
use crate::manifest::model_warning;
use folder::Folder;
use maud::html;
use std::path::{Path, PathBuf};
use summary::Summary;

/// Writes `index.html` of these folders into the folder of a report, from their files and those of the report alone.
///
/// # Errors
///
/// If a file of a folder cannot be read, or the page cannot be written.
pub(crate) fn write(folders: &[PathBuf], into: &Path) -> Result<PathBuf, ReportError> {
    file::write(into, "index.html", page_of(folders, into)?.as_bytes())
}

fn page_of(paths: &[PathBuf], beside: &Path) -> Result<String, ReportError> {
    let folders = Folder::read_all(paths, beside)?;
    let verdicts = folder::claims(&beside.join("claims.csv"))?;
    let warning = model_warning(paths)?;
    let summary = Summary::of(&folders)?;
    let sections = [("results", "Results"), ("explore", "Explore"), ("figures", "Figures")];
    let more = [("scenario", "Scenario"), ("reproduce", "Reproduce")];
    let claims = verdicts.is_some().then_some(("claims", "Claims"));
    let missing = drawn::some_are_missing(&folders).then_some(("missing", "Not drawn"));
    let shortfalls = shortfalls::are_there(&folders).then_some(("shortfalls", "Rejected and cut"));
    let sections: Vec<_> = sections.into_iter().chain(shortfalls).chain(claims).chain(missing).chain(more).collect();
    let body = html! {
        (facts::section(&folders, warning.as_deref()))
        (results::section(&folders, &summary))
        (shortfalls::section(&folders))
        (data::section(&folders, &summary))
        (drawn::section(&folders))
        (claims::section(verdicts.as_deref()))
        (drawn::missing_section(&folders))
        (reproduce::scenario_section(&folders))
        (reproduce::section(&folders))
    };
    let data = data::json(&folders, &summary)?;
    let title = folders.iter().map(Folder::title).collect::<Vec<_>>().join(", ");
    Ok(document::document(&document::Parts {
        title: &title,
        sections: &sections,
        rules: &(results::rules(&summary) + &verdicts.as_deref().map(claims::rules).unwrap_or_default()),
        body,
        data: Some(&data),
        has_drawings: folders.iter().any(|folder| folder.figures.iter().any(Option::is_some)),
    }))
}
