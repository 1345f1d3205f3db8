//! Verdicts on the papers' claims: how many of each, and every one of them.

use super::document::{heading, section as whole_section, sortable};
use super::folder::Folder;
use maud::{Markup, html};

/// What a verdict begins with, and the class that gives it its colour.
const KINDS: [(&str, &str, &str); 4] = [
    ("reproduced", "reproduced", "reproduced"),
    ("reproduced only under", "reproduced only under an assumption", "under"),
    ("contradicted by", "contradicted by another claim", "contradicted"),
    ("not testable", "not testable here", "untestable"),
];

/// A text with more letters is broken into lines.
const LONG: usize = 32;

pub(super) fn section(folders: &[Folder]) -> Markup {
    let with: Vec<&Folder> = folders.iter().filter(|folder| folder.claims.is_some()).collect();
    if with.is_empty() {
        return html! {};
    }
    whole_section(
        "claims",
        "The papers’ claims",
        html! {
            p.note { "What the papers print beside what this simulation gives; the verdict is a rule’s." }
            @for folder in &with {
                @if let Some(name) = &folder.name { h3 { (name) } }
                (counts(folder.claims.as_deref().unwrap_or_default()))
            }
            (table(&with, folders.len() > 1))
            p.files {
                @for folder in &with {
                    a href={ (folder.to_report) "claims.csv" } { (folder.name.as_deref().unwrap_or_default()) " claims.csv" } " "
                }
            }
        },
    )
}

/// Kind and class of a verdict; a new one stands for itself.
fn kind(verdict: &str) -> (&str, &str) {
    let known = KINDS.iter().rfind(|(beginning, ..)| verdict.starts_with(beginning));
    known.map_or((verdict, "other"), |(_, kind, class)| (kind, class))
}

fn verdict_column(claims: &[Vec<String>]) -> Option<usize> {
    claims.first()?.iter().position(|name| name == "verdict")
}

fn counts(claims: &[Vec<String>]) -> Markup {
    let Some(column) = verdict_column(claims) else { return html! {} };
    let verdicts: Vec<&str> = claims[1..].iter().filter_map(|row| row.get(column)).map(String::as_str).collect();
    let mut kinds: Vec<(&str, &str)> = KINDS.iter().map(|(_, kind, class)| (*kind, *class)).collect();
    for verdict in &verdicts {
        if !kinds.contains(&kind(verdict)) {
            kinds.push(kind(verdict));
        }
    }
    let count = |one: &(&str, &str)| verdicts.iter().filter(|verdict| kind(verdict) == *one).count();
    html! {
        ul.verdicts {
            @for one in kinds.iter().filter(|one| count(one) > 0) {
                li class=(one.1) { strong { (count(one)) } " " (one.0) }
            }
        }
    }
}

fn table(folders: &[&Folder], several: bool) -> Markup {
    let mut columns: Vec<&String> = Vec::new();
    for name in folders.iter().flat_map(|folder| folder.claims.iter().flatten().take(1)).flatten() {
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    let head = html! {
        @if several { (heading("results", None)) }
        @for name in &columns { (heading(&name.replace('_', " "), None)) }
    };
    let row = |folder: &Folder, claims: &[Vec<String>], row: &[String]| {
        html! {
            tr {
                @if several { td { (folder.name.as_deref().unwrap_or_default()) } }
                @for name in &columns { (cell(name, value(claims, row, name))) }
            }
        }
    };
    let rows_of = |folder: &&Folder| {
        let claims = folder.claims.as_deref().unwrap_or_default();
        claims.iter().skip(1).map(|claim| row(folder, claims, claim)).collect::<Vec<_>>()
    };
    let rows: Vec<Markup> = folders.iter().flat_map(rows_of).collect();
    sortable("claims-table", "Claims", 0, head, &rows)
}

fn value<'c>(claims: &[Vec<String>], row: &'c [String], name: &str) -> &'c str {
    let column = claims.first().and_then(|names| names.iter().position(|known| known == name));
    column.and_then(|column| row.get(column)).map_or("", String::as_str)
}

fn cell(column: &str, value: &str) -> Markup {
    let is_number = !value.is_empty() && value.parse::<f64>().is_ok();
    html! {
        @if column == "verdict" { td { span class={ "verdict " (kind(value).1) } { (value) } } }
        @else if is_number { td.n { (value) } }
        @else if value.chars().count() > LONG { td.long { (value) } }
        @else { td { (value) } }
    }
}
