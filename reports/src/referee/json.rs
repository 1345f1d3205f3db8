//! The findings as one JSON document, for `sim referee --json`.

use super::Findings;
use super::papers::KINDS;
use crate::json::DOCUMENT_VERSION;
use crate::manifest::{MODEL_VERSION, TOOL};
use serde_json::{Map, Value, json};

/// The answers, the contradictions, the systems and the papers.
pub(super) fn json(findings: &Findings) -> String {
    let answers = findings.answers.iter().map(|answer| {
        let scenarios: Vec<&str> = answer.rests_on.iter().map(|scenario| scenario.name()).collect();
        json!({ "question": answer.question, "sentences": answer.sentences, "scenarios": scenarios })
    });
    let contradictions = findings.flips.iter().map(|flip| {
        json!({ "question": flip.question, "claims": flip.claims, "finding": flip.finding, "scenario": flip.scenario })
    });
    let systems = findings.systems.iter().map(|held| {
        let [least, most] = [held.ratios[0], held.ratios[held.ratios.len() - 1]];
        json!({
            "system": held.of, "against": held.against, "metric": held.metric.column(), "times_least": least,
            "times_most": most, "pays": held.pays(), "scenario": held.scenario.name(),
        })
    });
    let papers = findings.papers.iter().map(|paper| {
        let counts = KINDS.iter().zip(paper.counts).map(|((kind, _), count)| (kind.name().to_owned(), count.into()));
        let counts: Map<String, Value> = counts.collect();
        json!({ "paper": paper.name, "claims": paper.claims, "counts": counts, "headlines": paper.headlines })
    });
    let document = json!({
        "tool": TOOL,
        "tool_version": env!("CARGO_PKG_VERSION"),
        "schema_version": DOCUMENT_VERSION,
        "model_version": MODEL_VERSION,
        "answers": answers.collect::<Vec<_>>(),
        "contradictions": contradictions.collect::<Vec<_>>(),
        "systems": systems.collect::<Vec<_>>(),
        "papers": papers.collect::<Vec<_>>(),
    });
    serde_json::to_string_pretty(&document).expect("a document is JSON") + "\n"
}
