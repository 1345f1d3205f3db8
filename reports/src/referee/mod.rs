//! The referee's page: what a bundled set of scenarios says of the field's questions and of each paper, where claims that contradict each
//! other are both right, and which assumptions the answers hang on.
//!
//! Every sentence is made of the folders' numbers; a question whose scenarios were not run says so.

mod answers;
mod bundled;
mod evidence;
mod json;
mod page;
mod papers;
mod systems;
mod text;

use crate::claims::flips::Flip;
use crate::claims::{Claims, claims};
use crate::figure::{key_called, moved};
use crate::file::write;
use crate::frame::ReportError;
use crate::numbers::short;
use answers::Answer;
use bundled::Bundled;
use evidence::Evidence;
use papers::Paper;
use std::path::{Path, PathBuf};
use systems::Held;

/// The page that was written, and what it says as text.
pub struct Referee {
    /// The files, in the order in which they were written.
    pub files: Vec<PathBuf>,
    /// The answers, the papers and the flips, for a terminal.
    pub text: String,
    /// The same as one JSON document.
    pub json: String,
}

/// The bundled scenarios that the page's sentences, tables and figures are made of.
pub fn judged_scenarios() -> impl Iterator<Item = &'static str> {
    Bundled::ALL.iter().map(|scenario| scenario.name()).chain(Flip::scenarios())
}

/// All that the page says.
struct Findings {
    answers: Vec<Answer>,
    systems: Vec<Held>,
    papers: Vec<Paper>,
    /// By pair of claims: the question, the finding, and its figure.
    flips: Vec<Flipped>,
    claims: Claims,
}

/// A pair of claims with what the runs say.
struct Flipped {
    question: String,
    claims: [String; 2],
    finding: String,
    scenario: String,
}

/// Writes the referee's page of these results folders into a folder: `index.html` and `claims.csv`.
///
/// # Errors
///
/// If one is not a results folder of this version, or a file cannot be written.
pub fn write_referee(folders: &[PathBuf], into: &Path) -> Result<Referee, ReportError> {
    let evidence = Evidence::read(folders)?;
    let findings = Findings {
        answers: answers::all(&evidence)?,
        systems: systems::all(&evidence),
        papers: papers::all(folders)?,
        flips: flips(&evidence),
        claims: claims(folders)?,
    };
    let files = vec![
        write(into, "claims.csv", findings.claims.csv.as_bytes())?,
        write(into, "index.html", page::page(&findings, &evidence, into)?.as_bytes())?,
    ];
    Ok(Referee { files, text: text::text(&findings), json: json::json(&findings) })
}

fn flips(evidence: &Evidence) -> Vec<Flipped> {
    let flipped = |(scenario, runs): (&String, &crate::runs::Runs)| {
        let flip = Flip::of_scenario(scenario)?;
        let curve = flip.curve(runs)?;
        Some(Flipped {
            question: flip.question.clone(),
            claims: flip.claims.each_ref().map(|claim| format!("{}: {}, {}", claim.system, claim.text, claim.quantity)),
            finding: flip.finding(&curve, key_called(&flip.key)),
            scenario: scenario.clone(),
        })
    };
    evidence.all().filter_map(flipped).collect()
}

/// A sentence on the assumptions of `tornado` that move the answer about a policy; none without that run.
fn sureness(evidence: &Evidence, policy: &str) -> Result<Option<String>, ReportError> {
    let Some(runs) = evidence.runs(Bundled::Tornado) else { return Ok(None) };
    let Some(moved) = moved(runs).and_then(|all| all.into_iter().find(|moved| moved.policy == policy)) else {
        return Ok(None);
    };
    let all = format!("f {} assumptions, each varied by itself,", moved.of);
    let turned = match &moved.turned_by[..] {
        [] => format!("none o{all} turns that round"),
        [one] => format!("o{all} one turns it round ({one})"),
        names => format!("o{all} {} turn it round ({})", names.len(), names.join(", ")),
    };
    Ok(Some(format!(
        "With VQAv2's answers {policy} takes {} times Cloud-only's latency there; {turned}, and {} moves it most.",
        short(moved.times, 2),
        moved.most
    )))
}

#[cfg(test)]
mod tests;
