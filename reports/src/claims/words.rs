//! Verdicts in words: by how much a claim is missed, and what an assumption says.

use super::papers::Claim;
use super::question::{Measure, Question};
use crate::numbers::short;

/// The engines by their names, in words.
const ENGINES: [(&str, &str); 3] =
    [("hf", "transformers"), ("graph", "an engine of CUDA graphs"), ("vllm-0.7", "vLLM 0.7")];

/// Assumptions, each `key = value`, as one clause.
///
/// ```text
/// ["cloud.engine = hf", "edge.engine = hf", "link.transport = ideal"]
/// transformers serve both tiers and the link is ideal
/// ```
pub(super) fn clause(assumptions: &[String]) -> String {
    let value = |key: &str| {
        assumptions.iter().find_map(|one| one.split_once(" = ").filter(|(own, _)| *own == key)).map(|(_, value)| value)
    };
    let engines = ["edge.engine", "cloud.engine"].map(value);
    let both = engines[0].filter(|_| engines[0] == engines[1]);
    let mut said: Vec<String> = both.map(|engine| serve(engine, "both tiers")).into_iter().collect();
    for assumption in assumptions {
        let (key, value) = assumption.split_once(" = ").unwrap_or((assumption, ""));
        if !(both.is_some() && key.ends_with(".engine")) {
            let clause = phrase(key, value).unwrap_or_else(|| assumption.replacen(" = ", " is ", 1));
            // Two keys may say one thing, as a router and its table do.
            if !said.contains(&clause) {
                said.push(clause);
            }
        }
    }
    match said.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// An assumption as a clause of its own, where there is a plain one.
fn phrase(key: &str, value: &str) -> Option<String> {
    let policy = key.strip_prefix("policy.").and_then(|rest| rest.split_once('.'));
    Some(match (key, policy) {
        (_, Some((_, setting))) if setting.starts_with("semantics.route") => "whole requests are routed".to_owned(),
        (_, Some((_, "semantics"))) => format!("{value} decides what is offloaded"),
        (_, Some((kind, "draft_during_verify.pipelined"))) => format!("{kind} has {value} batches in flight"),
        ("edge.engine", _) => serve(value, "the edge"),
        ("cloud.engine", _) => serve(value, "the cloud"),
        ("workload.output_tokens", _) => format!("answers have {value} tokens"),
        ("arrivals.closed_loop.clients", _) => format!("{value} requests are under way at once"),
        ("link.transport", _) => format!("the link is {value}"),
        ("tokens.iid", _) => format!("a share of {value} of the drafts is accepted"),
        ("edge.count", _) => format!("there are {value} edges"),
        _ => return None,
    })
}

fn serve(engine: &str, tiers: &str) -> String {
    let name = ENGINES.iter().find(|(known, _)| *known == engine).map_or(engine, |(_, words)| words);
    let verb = if name.ends_with("rs") { "serve" } else { "serves" };
    format!("{name} {verb} {tiers}")
}

/// The distance of a value from what is printed, in words: in points of accuracies and changes, or as a share of the nearest bound.
pub(super) fn missed(claim: &Claim, question: &Question, value: f64) -> Option<String> {
    let (away, bound) = claim.printed.distance(value)?;
    let in_points =
        question.measure == Measure::Change || matches!(claim.unit.as_str(), "percent" | "points" | "score");
    if in_points {
        return Some(format!("{} points", short(away.abs(), 2)));
    }
    (bound != 0.0).then(|| format!("{} %", short(100.0 * away.abs() / bound.abs(), 2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assumptions_are_clauses() {
        let said = |assumptions: &[&str]| clause(&assumptions.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
        for (assumptions, expected) in [
            (&["cloud.engine = hf", "edge.engine = hf"][..], "transformers serve both tiers"),
            (&["cloud.engine = graph"], "an engine of CUDA graphs serves the cloud"),
            (
                &[
                    "arrivals.closed_loop.clients = 2",
                    "edge.engine = hf",
                    "cloud.engine = hf",
                    "policy.msao.semantics.route.static = 0.5",
                ],
                "transformers serve both tiers, 2 requests are under way at once and whole requests are routed",
            ),
            (&["workload.output_tokens = 371", "costs.x = 3"], "answers have 371 tokens and costs.x is 3"),
            (&["the 9 settings of scenario s"], "the 9 settings of scenario s"),
            (&[], ""),
        ] {
            assert_eq!(said(assumptions), expected);
        }
    }
}
