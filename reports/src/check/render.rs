//! A check as text for a terminal, and as Markdown for the summary of a CI step.

use super::{Change, Check, Detail, Finding, Verdict, unit};
use crate::numbers::{interval, short};
use std::fmt::Write;

/// Rows of a Markdown table: a step's summary holds a megabyte.
const MARKDOWN_ROWS: usize = 200;

/// The whole check: what fails first and by how far, then what improved and what is not guarded, then the count of the rest.
pub fn text(check: &Check) -> String {
    let mut text = String::new();
    for note in &check.notes {
        writeln!(text, "note: {note}").expect("memory");
    }
    for finding in told(check) {
        let Finding { policy, place, subject, verdict, .. } = finding;
        let word = if verdict.fails() { verdict.word().to_uppercase() } else { verdict.word().to_owned() };
        let line = format!("{word:<11} {subject} of {policy} at {place}: {}", said(finding));
        writeln!(text, "{line}").expect("memory");
    }
    let separator = if text.is_empty() { "" } else { "\n" };
    format!("{text}{separator}{} against {}: {}\n", check.scenario, check.against, counts(check))
}

/// The findings that are worth a line.
fn told(check: &Check) -> impl Iterator<Item = &Finding> {
    check.findings.iter().filter(|finding| finding.verdict != Verdict::Same)
}

/// `2 regressed, 1 improved, 140 unchanged`.
pub(super) fn counts(check: &Check) -> String {
    let counts = Verdict::ALL.map(|verdict| (check.count(verdict), verdict.word()));
    let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    let counts = counts.collect::<Vec<_>>().join(", ");
    if counts.is_empty() { "nothing to compare".to_owned() } else { counts }
}

/// The evidence for a verdict, in words.
pub(super) fn said(finding: &Finding) -> String {
    match &finding.detail {
        Detail::Words(words) => words.clone(),
        Detail::Change(change) => {
            let [base, now] = [change.base, change.now].map(|mean| short(mean, 5));
            let unit = unit(finding);
            let space = if unit.is_empty() { "" } else { " " };
            let beyond = match finding.verdict {
                Verdict::Regressed => format!("; {}", beyond(change)),
                _ => String::new(),
            };
            format!("{base} -> {now}{space}{unit}, {} ({}{beyond})", difference(change), basis(change))
        }
    }
}

/// `+12.1 % ± 0.4 %`; in the metric's unit where the baseline is 0.
fn difference(change: &Change) -> String {
    let Change { base, difference, .. } = change;
    if *base != 0.0 {
        return interval(difference.mean / base.abs(), difference.ci95.map(|half| half / base.abs()), true);
    }
    let plus = if difference.mean > 0.0 { "+" } else { "" };
    let half = difference.ci95.map_or_else(String::new, |half| format!(" ± {}", short(half, 3)));
    format!("{plus}{}{half}", short(difference.mean, 3))
}

/// On how much a difference rests.
pub(super) fn basis(change: &Change) -> String {
    let [base, now] = change.replications;
    match (change.paired, change.difference.ci95) {
        (true, Some(_)) => format!("paired, {now} replications"),
        (_, None) => "no interval from one replication".to_owned(),
        (false, Some(_)) => format!("other seeds: unpaired, {base} and {now} replications"),
    }
}

fn beyond(change: &Change) -> String {
    let allowed = change.tolerance;
    match change.excess() {
        excess if excess.is_finite() => format!("{} times the {allowed} allowed", short(excess, 2)),
        _ if allowed.relative.is_some_and(|share| share.as_f64() > 0.0) => {
            format!("{allowed} of 0 is nothing: give an absolute tolerance too")
        }
        _ => "nothing is allowed".to_owned(),
    }
}

/// The same as Markdown: a heading, a table of what fails or improved, and the count of the rest.
pub fn markdown(check: &Check) -> String {
    let verdict = if check.fails() { "regression" } else { "no regression" };
    let mut text = format!("## {}: {verdict}\n\n{}, against `{}`.\n", check.scenario, counts(check), check.against);
    for note in &check.notes {
        writeln!(text, "\n> {note}").expect("memory");
    }
    let told: Vec<&Finding> = told(check).collect();
    if !told.is_empty() {
        text += "\n| verdict | metric | policy | point | what |\n|---|---|---|---|---|\n";
    }
    for finding in told.iter().take(MARKDOWN_ROWS) {
        let Finding { policy, place, subject, verdict, .. } = finding;
        let word = if verdict.fails() { format!("**{}**", verdict.word()) } else { verdict.word().to_owned() };
        let cells = [&word, &format!("`{subject}`"), policy, place, &said(finding)].map(|cell| escaped(cell));
        writeln!(text, "| {} |", cells.join(" | ")).expect("memory");
    }
    if told.len() > MARKDOWN_ROWS {
        writeln!(text, "\n{} more are not shown.", told.len() - MARKDOWN_ROWS).expect("memory");
    }
    text
}

/// A cell of a table: a bar or a line's end would end it.
fn escaped(cell: &str) -> String {
    cell.replace('|', "\\|").replace(['\n', '\r'], " ").replace('<', "&lt;")
}
