//! The document that a command prints with `--json`: its rows are those of a table in the dictionary of columns.

use crate::claims::Claims;
use crate::frame::{self, ReportError};
use crate::manifest::{Manifest, TOOL};
use crate::shortfalls;
use serde::Serialize;
use serde_json::Value;
use std::path::Path;
use tables::{IntervalRow, Object, Row, SummaryRow, objects};

/// Version of the documents. It is raised with every member that is added, removed or changes its meaning; the rows have the
/// version of their table.
pub const DOCUMENT_VERSION: u64 = 3;

/// A document: which results it is about, what the command says of them, and rows.
#[derive(Serialize)]
pub(crate) struct Document {
    tool: &'static str,
    tool_version: &'static str,
    schema_version: u64,
    /// That of the results.
    model_version: u64,
    scenario: String,
    #[serde(flatten)]
    members: Object<&'static str>,
    /// Name and version of the table.
    table: String,
    rows: Vec<Object<String>>,
}

impl Document {
    /// A document about the results of a folder, for rows that vary these keys.
    ///
    /// # Errors
    ///
    /// If the folder has no manifest that can be read.
    pub fn of<R: Row>(
        folder: &Path,
        members: Vec<(&'static str, Value)>,
        rows: impl IntoIterator<Item = R>,
        varied: &[String],
    ) -> Result<Self, ReportError> {
        let Manifest { scenario, model_version, .. } = Manifest::read(folder)?;
        Ok(Self {
            tool: TOOL,
            tool_version: env!("CARGO_PKG_VERSION"),
            schema_version: DOCUMENT_VERSION,
            model_version,
            scenario,
            members: Object(members),
            table: R::schema_name(),
            rows: objects(rows, varied),
        })
    }

    /// The document as text.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("a document is JSON") + "\n"
    }
}

/// The results of a run: the rows of its summary, the requests that were rejected or cut, the counts of verdicts on the papers'
/// claims (null without a report), and the prediction intervals of a run that measured laws price.
///
/// # Errors
///
/// If the folder has no readable summary or manifest.
pub fn run_document(
    folder: &Path,
    claims: Option<&Claims>,
    intervals: Vec<IntervalRow>,
) -> Result<String, ReportError> {
    let table = frame::open::<SummaryRow>(folder)?;
    let varied = table.varied_names();
    let groups = (0..table.groups()).map(|group| table.group(group)).collect::<Result<Vec<_>, _>>()?;
    let members = vec![
        ("folder", folder.display().to_string().into()),
        ("remark", Manifest::read(folder)?.remark.into()),
        ("shortfalls", serde_json::json!(objects(shortfalls::rows(folder)?, &varied))),
        ("claims", claims.filter(|claims| claims.any()).map(|claims| serde_json::json!(claims.counts())).into()),
        ("intervals", serde_json::json!(objects(intervals, &varied))),
    ];
    Ok(Document::of(folder, members, groups.into_iter().flatten(), &varied)?.text())
}
