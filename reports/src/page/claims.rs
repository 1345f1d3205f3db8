//! Verdicts on the papers' claims: how many of each, and every one of them.

use super::document::{heading, section as whole_section, sortable};
use crate::numbers::short;
use maud::{Markup, html};
use tables::ClaimRow;

/// The kinds of verdicts: words of each, and the class that gives it its colour.
const KINDS: [(&str, &str, &str); 5] = [
    ("reproduced", "reproduced", "reproduced"),
    ("only_under", "reproduced only under an assumption", "under"),
    ("missed", "missed", "contradicted"),
    ("not_testable", "need other runs", "untestable"),
    ("input", "inputs and definitions", "inputs"),
];

/// The id of the table.
const ID: &str = "claims-table";

/// The columns of a claim that are shown at first, each with its width in rem. All other columns follow, if asked for.
const ORDER: [(&str, f64); 12] = [
    (ClaimRow::id.name, 8.6),
    (ClaimRow::quantity.name, 6.8),
    (ClaimRow::system.name, 5.0),
    (ClaimRow::dataset.name, 5.2),
    (ClaimRow::bandwidth_mbps.name, 4.2),
    (ClaimRow::printed.name, 5.2),
    (ClaimRow::simulated.name, 5.6),
    (ClaimRow::simulated_ci95.name, 6.0),
    (ClaimRow::unit.name, 4.2),
    (ClaimRow::relative_difference.name, 6.2),
    (ClaimRow::verdict.name, 8.0),
    (ClaimRow::assumption.name, 10.6),
];
/// Width of any other column, in rem.
const WIDTH: f64 = 9.0;

/// The section of the rows of a `claims.csv` beside the page, its heading first.
pub(super) fn section(claims: Option<&[Vec<String>]>) -> Markup {
    let Some(claims) = claims.map(ordered) else { return html! {} };
    whole_section(
        "claims",
        "The papers’ claims",
        html! {
            p.note {
                "What the papers print beside what is simulated here; the verdict is a rule’s. A claim is judged on its paper’s platform alone. Those that were tested come first; \
                 all are in "
                a href="claims.csv" { "claims.csv" } "."
            }
            (counts(&claims))
            (prose(&claims))
            details.codes {
                summary { "All " (claims.len().saturating_sub(1)) " claims with their codes, numbers and assumptions" }
                (table(&claims))
            }
        },
    )
}

/// Number of columns shown at first.
fn shown(names: &[String]) -> usize {
    names.iter().filter(|name| ORDER.iter().any(|(known, _)| known == name)).count()
}

/// Rules of style: how wide the columns are, and which are hidden at first.
pub(super) fn rules(claims: &[Vec<String>]) -> String {
    let Some(names) = claims.first() else { return String::new() };
    let known = ORDER.iter().filter(|(known, _)| names.iter().any(|name| name == known)).map(|(_, width)| *width);
    let widths: Vec<f64> = known.chain(std::iter::repeat(WIDTH)).take(names.len()).collect();
    let all: f64 = widths.iter().sum();
    let first: f64 = widths[..shown(names)].iter().sum();
    let mut rules = format!("#{ID}{{min-width:{first:.1}rem}}#{ID}.all{{min-width:{all:.1}rem}}");
    for (column, width) in widths.iter().enumerate() {
        rules += &format!("#{ID} th:nth-child({}){{width:{:.2}%}}", column + 1, 100.0 * width / first);
    }
    rules + &format!("#{ID}:not(.all) :is(td,th):nth-child(n+{}){{display:none}}", shown(names) + 1)
}

/// Columns as they are read, and first the rows of claims that were tested.
fn ordered(claims: &[Vec<String>]) -> Vec<Vec<String>> {
    let Some((names, rows)) = claims.split_first() else { return Vec::new() };
    let place = |column: &usize| ORDER.iter().position(|(known, _)| *known == names[*column]).unwrap_or(ORDER.len());
    let mut columns: Vec<usize> = (0..names.len()).collect();
    columns.sort_by_key(place);
    let simulated = names.iter().position(|name| name == ClaimRow::simulated.name);
    let is_untested = |row: &&Vec<String>| simulated.is_some_and(|column| row[column].is_empty());
    let (untested, tested): (Vec<_>, Vec<_>) = rows.iter().partition(is_untested);
    let ordered = |row: &Vec<String>| columns.iter().map(|column| row[*column].clone()).collect();
    std::iter::once(names).chain(tested).chain(untested).map(ordered).collect()
}

/// Words and class of a kind; a new one stands for itself.
fn told(kind: &str) -> (&str, &str) {
    KINDS.iter().find(|(known, ..)| *known == kind).map_or((kind, "other"), |(_, words, class)| (words, class))
}

/// A column's place.
fn column(claims: &[Vec<String>], name: &str) -> Option<usize> {
    claims.first()?.iter().position(|known| known == name)
}

fn counts(claims: &[Vec<String>]) -> Markup {
    let Some(column) = column(claims, ClaimRow::kind.name) else { return html! {} };
    let found: Vec<(&str, &str)> =
        claims[1..].iter().filter_map(|row| row.get(column)).map(|kind| told(kind)).collect();
    let mut kinds: Vec<(&str, &str)> = KINDS.iter().map(|(_, words, class)| (*words, *class)).collect();
    for one in &found {
        if !kinds.contains(one) {
            kinds.push(*one);
        }
    }
    let count = |one: &(&str, &str)| found.iter().filter(|other| *other == one).count();
    html! {
        ul.verdicts data-of=(ID) {
            @for one in kinds.iter().filter(|one| count(one) > 0) {
                li class=(one.1) { button type="button" aria-pressed="false" data-show=(one.1) { strong { (count(one)) } " " (one.0) } }
            }
        }
    }
}

/// A sentence for each claim that was tested.
fn prose(claims: &[Vec<String>]) -> Markup {
    let column = |name: &str| column(claims, name);
    let field = |row: &'_ [String], name: &str| column(name).map_or("", |place| row[place].as_str()).to_owned();
    let tested = || claims.iter().skip(1).filter(|row| !field(row, ClaimRow::simulated.name).is_empty());
    html! {
        @if tested().next().is_some() {
            ul.prose {
                @for row in tested() {
                    li {
                        span class={ "verdict " (told(&field(row, ClaimRow::kind.name)).1) } {
                            (sentence(|name| field(row, name)))
                        }
                    }
                }
            }
        }
    }
}

/// A claim in words: `MSAO, throughput on vqav2 at 400 Mbps: printed 128 tokens/s, simulated 51.2; missed by 60 %.`
fn sentence(field: impl Fn(&str) -> String) -> String {
    let (dataset, mbps) = (field(ClaimRow::dataset.name), field(ClaimRow::bandwidth_mbps.name));
    let dataset = if dataset.is_empty() { dataset } else { format!(" on {dataset}") };
    let mbps = if mbps.is_empty() { mbps } else { format!(" at {mbps} Mbps") };
    let unit = match field(ClaimRow::unit.name).as_str() {
        "percent" => " %".to_owned(),
        "x" => " times".to_owned(),
        // It is told by the assumption.
        "unit missing" | "" => String::new(),
        unit => format!(" {unit}"),
    };
    let printed = field(ClaimRow::printed.name);
    // An apostrophe keeps spreadsheets from taking a range for a formula.
    let printed = printed.trim_start_matches('\'');
    let simulated = field(ClaimRow::simulated.name);
    let simulated = simulated.parse().map_or(simulated, |value: f64| short(value, 3));
    format!(
        "{}, {}{dataset}{mbps}: printed {printed}{unit}, simulated {simulated}; {}.",
        field(ClaimRow::system.name),
        field(ClaimRow::quantity.name),
        field(ClaimRow::verdict.name)
    )
}

fn table(claims: &[Vec<String>]) -> Markup {
    let Some((columns, rows)) = claims.split_first() else { return html! {} };
    let more = columns.len() - shown(columns);
    let title = |name: &str| crate::sheet::shown(name).replace('_', " ");
    let head = html! { @for name in columns { (heading(&title(name), Some(name))) } };
    let kind = column(claims, ClaimRow::kind.name);
    let row = |row: &Vec<String>| {
        let class = kind.map_or("other", |column| told(&row[column]).1);
        html! { tr { @for (name, value) in columns.iter().zip(row) { (cell(name, value, class)) } } }
    };
    sortable(ID, "Claims", more, head, &rows.iter().map(row).collect::<Vec<_>>())
}

/// A cell; a verdict has the colour of this class.
fn cell(column: &str, value: &str, class: &str) -> Markup {
    let is_number = !value.is_empty() && value.parse::<f64>().is_ok();
    html! {
        @if column == ClaimRow::verdict.name { td { span class={ "verdict " (class) } { (value) } } }
        @else if is_number { td.n { (value) } }
        @else { td { (value) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_a_sentence() {
        let row = [
            (ClaimRow::system.name, "MSAO"),
            (ClaimRow::quantity.name, "throughput"),
            (ClaimRow::dataset.name, "vqav2"),
            (ClaimRow::bandwidth_mbps.name, "400"),
            (ClaimRow::printed.name, "'-65 to -30"),
            (ClaimRow::unit.name, "percent"),
            (ClaimRow::simulated.name, "-54.061"),
            (ClaimRow::verdict.name, "reproduced"),
        ];
        let field = |name: &str| row.iter().find(|(own, _)| *own == name).map_or("", |(_, value)| value).to_owned();
        assert_eq!(
            sentence(field),
            "MSAO, throughput on vqav2 at 400 Mbps: printed -65 to -30 %, simulated -54.1; reproduced."
        );
    }
}
