//! Verdicts on the papers' claims: how many of each, and every one of them.

use super::document::{heading, section as whole_section, sortable};
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

/// Of the rows of a `claims.csv` beside the page, its heading first.
pub(super) fn section(claims: Option<&[Vec<String>]>) -> Markup {
    let Some(claims) = claims else { return html! {} };
    whole_section(
        "claims",
        "The papers’ claims",
        html! {
            p.note {
                "What the papers print beside what is simulated here; the verdict is a rule’s. All of it is in "
                a href="claims.csv" { "claims.csv" } "."
            }
            (counts(claims))
            (table(claims))
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

fn table(claims: &[Vec<String>]) -> Markup {
    let Some((columns, rows)) = claims.split_first() else { return html! {} };
    let head = html! { @for name in columns { (heading(&name.replace('_', " "), None)) } };
    let row =
        |row: &Vec<String>| html! { tr { @for (name, value) in columns.iter().zip(row) { (cell(name, value)) } } };
    sortable("claims-table", "Claims", 0, head, &rows.iter().map(row).collect::<Vec<_>>())
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
