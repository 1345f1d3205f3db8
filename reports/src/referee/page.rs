//! The findings as one page that needs no other file.

use super::bundled::Bundled;
use super::evidence::Evidence;
use super::papers::KINDS;
use super::{Findings, Flipped};
use crate::frame::ReportError;
use crate::page::document::{Parts, document, section};
use crate::page::places::relative;
use maud::{Markup, PreEscaped, html};
use std::fs;
use std::path::Path;

/// The page; drawings are those of the folders' own reports.
pub(super) fn page(findings: &Findings, evidence: &Evidence, beside: &Path) -> Result<String, ReportError> {
    let body = html! {
        section {
            h1 { "Who is right?" }
            p { "The field’s questions, answered by " (evidence.all().count()) " bundled scenarios; each paper’s claims, judged on its own \
                 platform; and where claims that contradict each other are both right. Every number is simulated here; "
                code { "sim referee" } " makes this page." }
        }
        (answers(findings, evidence, beside))
        (flips(findings, evidence)?)
        (systems(findings, evidence, beside))
        (papers(findings))
        (sure(evidence)?)
        (runs(evidence, beside))
    };
    let sections = [
        ("answers", "Answers"),
        ("flips", "Contradictions"),
        ("systems", "Systems"),
        ("papers", "Papers"),
        ("sure", "How sure"),
        ("runs", "Runs"),
    ];
    let parts = Parts { title: "Referee", sections: &sections, rules: "", has_drawings: true, body, data: None };
    Ok(document(&parts))
}

fn answers(findings: &Findings, evidence: &Evidence, beside: &Path) -> Markup {
    section(
        "answers",
        "Answers",
        html! {
            @for answer in &findings.answers {
                h3 { (answer.question) }
                p { (answer.sentences.join(" ")) }
                p.note {
                    "Rests on "
                    @for (place, scenario) in answer.rests_on.iter().enumerate() {
                        @if place > 0 { ", " }
                        (link(evidence, scenario.name(), beside))
                    }
                    "."
                }
            }
        },
    )
}

/// A scenario's name, as a link to its own report where it was run.
fn link(evidence: &Evidence, scenario: &str, beside: &Path) -> Markup {
    let report = evidence.folder(scenario).map(|folder| relative(beside, &folder.join("report")));
    html! {
        @match report {
            Some(report) => a href={ (report) "index.html" } { code { (scenario) } },
            None => { code { (scenario) } " (not run)" },
        }
    }
}

fn flips(findings: &Findings, evidence: &Evidence) -> Result<Markup, ReportError> {
    let figures = findings.flips.iter().map(|flip| drawing(evidence, &flip.scenario, "flip"));
    let figures = figures.collect::<Result<Vec<_>, _>>()?;
    let flip = |(flip, svg): (&Flipped, &Option<String>)| {
        html! {
            h3 { (flip.question) }
            ul { @for claim in &flip.claims { li { (claim) } } }
            p { "Here, " (flip.finding) "." }
            @if let Some(svg) = svg { (drawn(svg, &flip.question)) }
        }
    };
    let body = html! {
        p.note { "Two claims that contradict each other, and the number along which the winner flips between them." }
        @for pair in findings.flips.iter().zip(&figures) { (flip(pair)) }
        @if findings.flips.is_empty() { p.note { "None of their scenarios was run." } }
    };
    Ok(section("flips", "Claims that contradict each other", body))
}

/// A drawing, which scrolls on a narrow screen, with the keyboard too.
fn drawn(svg: &str, label: &str) -> Markup {
    html! { figure.drawn { div.paper tabindex="0" role="group" aria-label=(label) { (PreEscaped(svg)) } } }
}

/// A figure of a folder's own report; none if it is not drawn.
fn drawing(evidence: &Evidence, scenario: &str, figure: &str) -> Result<Option<String>, ReportError> {
    let path = evidence.folder(scenario).map(|folder| folder.join(format!("report/{figure}.svg")));
    let Some(path) = path.filter(|path| path.exists()) else { return Ok(None) };
    fs::read_to_string(&path).map(Some).map_err(|error| ReportError::Open { path, error })
}

fn systems(findings: &Findings, evidence: &Evidence, beside: &Path) -> Markup {
    section(
        "systems",
        "Each other system against its control",
        html! {
            p.note { "Ratios of means at the points of the system’s own scenario, the least and the greatest: above 1, it has more of the metric." }
            div.scroll tabindex="0" role="region" aria-label="Systems" {
                table {
                    thead { tr { @for name in ["System", "Against", "Metric", "Times", "Pays", "Scenario"] { th scope="col" { (name) } } } }
                    tbody {
                        @for held in &findings.systems {
                            tr {
                                td { (held.of) }
                                td { (held.against) }
                                td { (held.metric.doc().axis) }
                                td.n { (held.times()) }
                                td { (held.pays()) }
                                td { (link(evidence, held.scenario.name(), beside)) }
                            }
                        }
                    }
                }
            }
        },
    )
}

fn papers(findings: &Findings) -> Markup {
    section(
        "papers",
        "Papers",
        html! {
            p.note { "What becomes of each paper’s claims, by one rule for all (docs/claims.md); every claim is in " a href="claims.csv" { "claims.csv" } "." }
            div.scroll tabindex="0" role="region" aria-label="Papers" {
                table {
                    thead { tr {
                        th scope="col" { "Paper" }
                        th scope="col" { "Claims" }
                        @for (_, name) in KINDS { th scope="col" { (name) } }
                        th scope="col" { "Its headlines" }
                    } }
                    tbody {
                        @for paper in &findings.papers {
                            tr {
                                td { (paper.name) }
                                td.n { (paper.claims) }
                                @for count in paper.counts { td.n { (count) } }
                                td { @for headline in &paper.headlines { div { (headline) } } }
                            }
                        }
                    }
                }
            }
        },
    )
}

fn sure(evidence: &Evidence) -> Result<Markup, ReportError> {
    let svg = drawing(evidence, Bundled::Tornado.name(), "tornado")?;
    let body = html! {
        p.note { "Each assumption that the papers leave open, varied by itself around MSAO’s platform." }
        @match svg {
            Some(svg) => { (drawn(&svg, "Assumptions")) }
            None => p.note { "Its scenario was not run." },
        }
    };
    Ok(section("sure", "How sure are the answers?", body))
}

fn runs(evidence: &Evidence, beside: &Path) -> Markup {
    section(
        "runs",
        "Runs",
        html! { ul { @for (scenario, _) in evidence.all() { li { (link(evidence, scenario, beside)) } } } },
    )
}
