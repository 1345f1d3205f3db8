//! The answers of `sim capacity` as a table and as a document.

use crate::frame::ReportError;
use crate::json::Document;
use crate::sheet::Sheet;
use std::path::Path;
use tables::{CapacityRow, Finding};

/// A line for each policy: its answer, the interval that it lies in, and what limits it.
pub fn capacity_text(rows: &[CapacityRow]) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let key = first.key.to_string();
    let mut sheet = Sheet::new(["policy", &key, "meets", "misses", "limited by", "runs"].into_iter());
    for row in rows {
        let or_none = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        let cells = [
            row.policy.to_string(),
            answer(row),
            or_none(&row.meets),
            or_none(&row.misses),
            or_none(&row.limited_by),
            row.runs.to_string(),
        ];
        sheet.row(cells.into_iter());
    }
    format!("Targets: {}\n{}\n", first.targets, sheet.text())
}

/// The answer in words.
pub(crate) fn answer(row: &CapacityRow) -> String {
    match row.verdict {
        Finding::Found => row.meets.to_string(),
        Finding::Bracket => "not known within 2 %".to_owned(),
        Finding::Never => format!("not even at {}", row.misses),
        Finding::Always => format!("even at {}", row.meets),
    }
}

/// The same as a JSON document about the results of a folder.
///
/// # Errors
///
/// If the folder has no manifest that can be read.
pub fn capacity_document(folder: &Path, rows: Vec<CapacityRow>) -> Result<String, ReportError> {
    let members = vec![("folder", folder.display().to_string().into())];
    Ok(Document::of(folder, members, rows, &[])?.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_end_has_its_words() {
        let row = |policy: &str, verdict, meets: &str, misses: &str| CapacityRow {
            policy: policy.into(),
            key: "cloud.gpus".into(),
            targets: "e2e_ms_p99 <= 2000 ms".into(),
            verdict,
            meets: meets.into(),
            misses: misses.into(),
            limited_by: if misses.is_empty() { "" } else { "backlog" }.into(),
            runs: 9,
            ..CapacityRow::default()
        };
        let text = capacity_text(&[
            row("a", Finding::Found, "4", "3"),
            row("b", Finding::Bracket, "9", "2"),
            row("c", Finding::Never, "", "64"),
            row("d", Finding::Always, "1", ""),
        ]);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0].join(" "), "Targets: e2e_ms_p99 <= 2000 ms");
        assert_eq!(lines[2].join(" "), "a 4 4 3 backlog 9", "{text}");
        assert_eq!(lines[3].join(" "), "b not known within 2 % 9 2 backlog 9", "{text}");
        assert_eq!(lines[4].join(" "), "c not even at 64 - 64 backlog 9", "{text}");
        assert_eq!(lines[5].join(" "), "d even at 1 1 - - 9", "{text}");
    }
}
