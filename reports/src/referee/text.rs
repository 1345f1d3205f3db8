//! The findings as text for a terminal.

use super::Findings;
use super::papers::KINDS;
use crate::sheet::Sheet;

/// The answers, then the systems, the flips and the papers.
pub(super) fn text(findings: &Findings) -> String {
    let mut text = String::new();
    for answer in &findings.answers {
        text += &format!("{}\n{}\n", answer.question, lines(answer.sentences.iter().cloned()));
    }
    for flip in &findings.flips {
        let claims = flip.claims.iter().map(|claim| format!("{claim}."));
        text += &format!("{}\n{}\n", flip.question, lines(claims.chain([format!("Here: {}.", flip.finding)])));
    }
    if !findings.systems.is_empty() {
        let mut sheet = Sheet::new(["system", "against", "metric", "times", "pays"].into_iter());
        for held in &findings.systems {
            let row = [held.of, held.against, held.metric.column(), &held.times(), &held.pays()];
            sheet.row(row.into_iter().map(str::to_owned));
        }
        text += &format!("{}\n", sheet.text());
    }
    let mut sheet = Sheet::new(["paper", "claims"].into_iter().chain(KINDS.map(|(_, name)| name)));
    for paper in &findings.papers {
        let counts = [paper.claims].into_iter().chain(paper.counts).map(|count| count.to_string());
        sheet.row(std::iter::once(paper.name.to_owned()).chain(counts));
    }
    text + &sheet.text()
}

/// Sentences, each on a line of its own.
fn lines(sentences: impl Iterator<Item = String>) -> String {
    sentences.map(|sentence| format!("  {sentence}\n")).collect()
}
