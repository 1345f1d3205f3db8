//! The answers of `sim capacity` about choices, as a table and as a document.

use crate::frame::ReportError;
use crate::json::Document;
use crate::sheet::Sheet;
use std::path::Path;
use tables::{ChoiceRow, Metric, Standing};

/// A line for each choice of each policy.
pub fn choices_text(rows: &[ChoiceRow]) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let heading = ["policy", &first.key, "targets", &first.metric, "±", "", "limited by", "runs"];
    let decimals = Metric::named(&first.metric).map_or(3, |metric| metric.doc().decimals);
    let number = |value: f64| format!("{value:.decimals$}");
    let mut sheet = Sheet::new(heading.into_iter());
    for row in rows {
        let [verdict, mark] = words(row.verdict);
        let limit = if row.limited_by.is_empty() { "-" } else { &*row.limited_by };
        let cells = [
            row.policy.to_string(),
            row.choice.to_string(),
            verdict.to_owned(),
            number(row.mean),
            row.ci95.map_or_else(String::new, number),
            mark.to_owned(),
            limit.to_owned(),
            row.runs.to_string(),
        ];
        sheet.row(cells.into_iter());
    }
    format!("Targets: {}\n{}\n", first.targets, sheet.text())
}

/// The verdict on the targets, and the mark of the cheapest.
fn words(standing: Standing) -> [&'static str; 2] {
    match standing {
        Standing::Cheapest => ["met", "cheapest"],
        Standing::Perhaps => ["met", "as cheap, perhaps"],
        Standing::Dearer => ["met", ""],
        Standing::Missed => ["missed", ""],
        Standing::Unsure => ["not known", ""],
    }
}

/// The same as a JSON document about the results of a folder.
///
/// # Errors
///
/// If the folder has no manifest that can be read.
pub fn choices_document(folder: &Path, rows: Vec<ChoiceRow>) -> Result<String, ReportError> {
    let members = vec![("folder", folder.display().to_string().into())];
    Ok(Document::of(folder, members, rows, &[])?.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_verdict_has_its_words() {
        let row = |choice: &str, verdict, limited_by: &str| ChoiceRow {
            policy: "cloud_only".into(),
            key: "pool".into(),
            choice: choice.into(),
            targets: "e2e_ms_p99 <= 2000 ms".into(),
            verdict,
            limited_by: limited_by.into(),
            metric: Metric::Price.column().into(),
            mean: 0.5,
            ci95: None,
            runs: 3,
        };
        let text = choices_text(&[
            row("a", Standing::Cheapest, ""),
            row("b", Standing::Perhaps, ""),
            row("c", Standing::Dearer, ""),
            row("d", Standing::Missed, "backlog"),
            row("e", Standing::Unsure, ""),
        ]);
        let lines: Vec<Vec<&str>> = text.lines().skip(2).map(|line| line.split_whitespace().collect()).collect();
        let of = |line: usize| [lines[line][1..3].join(" "), lines[line][4..].join(" ")];
        assert_eq!(of(0), ["a met", "cheapest - 3"], "{text}");
        assert_eq!(of(1), ["b met", "as cheap, perhaps - 3"], "{text}");
        assert_eq!(of(2), ["c met", "- 3"], "{text}");
        assert_eq!(of(3), ["d missed", "backlog 3"], "{text}");
        assert!(lines[4].starts_with(&["cloud_only", "e", "not", "known"]), "{text}");
    }
}
