//! Warnings and remarks where figures are of other models, weights or datasets than the scenario's.

use super::datasets::WORKLOAD;
use super::grounds::{Ground, Recovery, Served, dataset_of, drafts_for_itself, ground, pairs, served, source_of};
use super::idle::looked_at;
use crate::scenario::keys::parts;
use crate::scenario::tokens::Tokens;
use crate::scenario::{Mode, Plan, Scenario, figures};
use crate::terminal::say;
use model::accuracy::PruningLoss;
use policies::Uses;
use std::collections::BTreeSet;
use units::Ratio;

/// Keys on which the ground of figures depends.
const KEYS: [&str; 10] =
    ["accuracy", "tokens", "workload", "edge", "edges", "cloud", "pools", "dataset", "policy", "model"];

/// Sentences of one kind that are told one by one; more are counted.
const TOLD: usize = 3;

/// A sentence, and the key that it is about.
type Said = (String, String);

/// Sentences about one point, without doubles.
fn said(scenario: &Scenario) -> BTreeSet<Said> {
    let mut said = BTreeSet::new();
    // In a replay the models answer for themselves, or the remark on the replay says what they do not.
    if scenario.mode == Mode::Replay {
        return said;
    }
    let uses = scenario.policy.systems().iter().fold(Uses::default(), |all, (_, system)| all.or(system.uses()));
    // Groups that only send are answered by the cloud, whatever the policies are.
    let sends = scenario.groups().iter().any(|group| group.edge.policy.is_some());
    let uses = Uses { cloud: uses.cloud || sends, ..uses };
    for (dataset, kind) in scenario.of_each_kind() {
        let served = served(&kind).into_iter();
        let answers = served.filter(|served| if served.side == "edge" { uses.edge_answers } else { uses.cloud });
        let answers = answers.filter(|served| scenario.answers_on(&served.key, &dataset));
        said.extend(answers.filter_map(|served| of_accuracy(&kind, &served, &dataset)));
    }
    if uses.drafts || uses.trusts {
        said.extend(pairs(scenario).iter().filter_map(|pair| of_tokens(scenario, pair)));
    }
    if uses.prunes && uses.cloud {
        said.extend(of_pruning(scenario));
    }
    said
}

/// The sentence about the accuracy of a tier's model on the dataset that a key names, if one is due.
fn of_accuracy(scenario: &Scenario, served: &Served<'_>, key: &str) -> Option<Said> {
    match ground(scenario, served) {
        None => of_absence(scenario, served, key),
        Some(Ground::Published(_, None)) => of_formats(served),
        Some(Ground::Own(_) | Ground::Published(..)) => None,
    }
}

/// The sentence about a model without an accuracy; one for both tiers where the source has nothing on the dataset.
fn of_absence(scenario: &Scenario, served: &Served<'_>, key: &str) -> Option<Said> {
    let (source, dataset) = (source_of(scenario), dataset_of(scenario));
    let (model, side) = (served.model, served.side);
    let figures = figures::with_accuracy(source).ok()?;
    if !figures.is_on(&dataset) {
        let other = figures.accuracy.keys().next_back()?;
        let own = match key {
            WORKLOAD => "set accuracy.cloud and accuracy.edge",
            _ => "give its own in a table [dataset.NAME]",
        };
        let text = format!(
            "accuracy: source {source} has no figures on {dataset}, so accuracy_pct is absent; {own}, or take those on another \
             dataset, as accuracy.dataset = \"{other}\" does"
        );
        return Some((key.to_owned(), text));
    }
    let other = figures::all().find(|(_, figures)| figures.accuracy(&dataset, model).is_some());
    let other = other.map(|(name, _)| format!(", or name a source that has it: accuracy.source = \"{name}\""));
    let text = format!(
        "accuracy: source {source} has no figure of {model} on {dataset}, so answers of the {side} have none and \
         accuracy_pct is absent; set accuracy.{side}{}",
        other.unwrap_or_default()
    );
    Some((served.key.clone(), text))
}

/// The sentence about a model in other formats than a source's figures are of.
fn of_formats(served: &Served<'_>) -> Option<Said> {
    let quantised = served.quantised();
    if quantised.is_empty() {
        return None;
    }
    let left = Recovery::of(served.formats.weights).map_or_else(
        || "; nothing is published of that, and nothing is taken off".to_owned(),
        |Recovery { share, low, high, source }| {
            let [share, low, high] = [share, low, high].map(pct);
            format!(", which leave {share} % of them ({low} to {high} %: {source})")
        },
    );
    let Served { model, side, .. } = served;
    let text = format!(
        "accuracy: figures of {model} are of 16 bits; the {side} has {}{left}; accuracy.{side}_recovery can say otherwise",
        quantised.join(" and ")
    );
    Some((served.key.clone(), text))
}

/// A share in per cent, with one decimal at most.
fn pct(share: Ratio) -> String {
    let text = format!("{:.1}", 100.0 * share.as_f64());
    text.trim_end_matches(".0").to_owned()
}

/// The sentence about entropies and acceptances of drafted tokens, if one is due.
fn of_tokens(scenario: &Scenario, [edge, cloud]: &[Served<'_>; 2]) -> Option<Said> {
    if drafts_for_itself(scenario) {
        let text = format!(
            "acceptance: {} drafts for itself, so every draft is accepted; [tokens] can say otherwise",
            edge.model
        );
        return Some((edge.key.clone(), text));
    }
    let name = match &scenario.tokens {
        Tokens::Source(name) => name.as_str(),
        default if *default == Tokens::default() => figures::DEFAULT,
        // Figures of one's own, whatever the models are.
        _ => return None,
    };
    let (_, figures) = figures::all().find(|(one, _)| *one == name)?;
    let is_of = |figure: &Option<String>, model: &str| figure.as_deref().is_none_or(|figure| figure == model);
    let quantised: Vec<String> = [cloud, edge]
        .into_iter()
        .flat_map(|served| served.quantised().into_iter().map(|what| format!("{what} ({})", served.side)))
        .collect();
    if is_of(&figures.draft, edge.model) && is_of(&figures.target, cloud.model) && quantised.is_empty() {
        return None;
    }
    let draft = figures.draft.as_deref().unwrap_or("any model");
    let target = figures.target.as_deref().unwrap_or("any model");
    let quantised = if quantised.is_empty() { String::new() } else { format!(" with {}", quantised.join(", ")) };
    let text = format!(
        "acceptance: figures of {draft} drafting for {target} (source {name}) are taken for {} drafting for {}{quantised}; \
         give figures of your own in [tokens], or name another tokens.source",
        edge.model, cloud.model
    );
    Some((edge.key.clone(), text))
}

/// The sentence about the default loss by pruning, where the cloud's accuracy is known and its model another.
fn of_pruning(scenario: &Scenario) -> Option<Said> {
    let cloud = served(scenario)
        .into_iter()
        .find(|served| served.side == "cloud" && served.model != PruningLoss::default().model())?;
    let (default, model) = (PruningLoss::default(), PruningLoss::default().model());
    let is_other = scenario.accuracy.pruning_loss == default && cloud.model != model;
    (is_other && ground(scenario, &cloud).is_some()).then(|| {
        let text = format!(
            "accuracy: the loss by pruning is that of {model}, taken for {}; accuracy.pruning_loss has others",
            cloud.model
        );
        (cloud.key.clone(), text)
    })
}

/// The sentences about all points, each once.
fn all_said(plan: &Plan) -> BTreeSet<Said> {
    let is_of = |key: &str| KEYS.iter().any(|of| key == *of || key.starts_with(&format!("{of}.")));
    let varies = plan.design.keys().any(is_of);
    let points = looked_at(if varies { plan.points() } else { 1 });
    points.filter_map(|point| Some(said(&plan.scenario_at(point).ok()?.1))).flatten().collect()
}

/// The sentences that the reader of any table has to know.
pub fn remark(plan: &Plan) -> Option<String> {
    let said = all_said(plan);
    let mut told: Vec<String> = said.iter().take(TOLD).map(|(_, text)| format!("{}.", capital(text))).collect();
    if said.len() > TOLD {
        told.push(format!("And {} more of this kind.", said.len() - TOLD));
    }
    (!told.is_empty()).then(|| told.join(" "))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Warns on stderr where figures are of other models, weights or datasets than the scenario's.
pub fn warn_of_figures(plan: &Plan) {
    let said = all_said(plan);
    for (key, text) in said.iter().take(TOLD) {
        let key: Vec<String> = parts(key).into_iter().map(str::to_owned).collect();
        let (_, told) = plan.source.remark(&key, text);
        say(format_args!("sim: warning: {told}"));
    }
    if said.len() > TOLD {
        say(format_args!(
            "sim: warning: and {} more of this kind; run the points by themselves to see them",
            said.len() - TOLD
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::read::testing::source;

    fn told(policy: &str, lines: &str) -> Vec<Said> {
        let text = format!("name = \"x\"\n{policy}\n[workload]\ndataset = \"vqav2\"\n{lines}\n");
        said(&source(&text).1).into_iter().collect()
    }

    #[test]
    fn a_sentence_is_about_the_requests_that_a_tier_answers() {
        let shape = "[dataset.own]\ntext_tokens = 9\noutput_tokens = 9\n";
        let known = format!("{shape}accuracy = {{ edge = 0.5, cloud = 0.6 }}");
        let classes = "[classes.a]\ndataset = \"own\"\nshare = 0.5\n[classes.b]";
        let groups = "[edges.a]\ndataset = \"own\"\n[edges.b]";
        let absent = |key: &str| (key.to_owned(), "accuracy: source paper has no figures on own, so".to_owned());
        for (policy, lines, expected) in [
            ("cloud_only", format!("{shape}{classes}"), Some(absent("classes.a.dataset"))),
            ("cloud_only", format!("{known}\n{classes}"), None),
            ("edge_only", format!("{shape}{groups}"), Some(absent("edges.a.dataset"))),
            ("edge_only", format!("{known}\n{groups}"), None),
            // Its model has no figure on MMBench either, and is not asked there.
            (
                "edge_only",
                "[edges.a]\ndataset = \"mmbench\"\n[edges.b]\nmodel = \"llava-1.5-7b\"".to_owned(),
                Some((
                    "edges.b.model".to_owned(),
                    "accuracy: source paper has no figure of llava-1.5-7b on vqav2".to_owned(),
                )),
            ),
        ] {
            let said = told(&format!("[policy.{policy}]"), &lines);
            let expected: Vec<_> = expected.into_iter().collect();
            let alike = said.iter().zip(&expected).all(|(a, b)| a.0 == b.0 && a.1.starts_with(&b.1));
            assert!(said.len() == expected.len() && alike, "{policy} with {lines}: {said:?}");
        }
        // No request is of the workload's dataset.
        let all = format!("{known}\n[classes.a]\ndataset = \"own\"\nshare = 0.5\n[classes.b]\ndataset = \"own\"");
        let text = format!("name = \"x\"\n[policy.cloud_only]\n[workload]\ndataset = \"v1\"\n{all}\n");
        assert_eq!(said(&source(&text).1), BTreeSet::new());
    }

    #[test]
    fn a_sentence_is_about_tiers_that_a_policy_uses() {
        let (cloud, edge) = ("[policy.cloud_only]", "[policy.edge_only]");
        let (drafts, prunes) = ("[policy.speculative]", "[policy.cloud_pruned]");
        let llava = "[cloud]\nmodel = \"llava-1.5-7b\"";
        let known = format!("{llava}\n[accuracy]\ncloud = 0.7");
        let replay = "mode = \"replay\"";
        // (policy, other keys, start of each sentence)
        let cases: [(&str, &str, &[&str]); 13] = [
            (cloud, "", &[]),
            (prunes, "", &[]),
            (drafts, "", &[]),
            (edge, llava, &[]),
            (cloud, llava, &["accuracy: source paper has no figure of llava-1.5-7b on vqav2"]),
            (cloud, &known, &[]),
            (prunes, &known, &["accuracy: the loss by pruning is that of qwen2.5-vl-7b, taken for llava-1.5-7b"]),
            (prunes, &format!("{known}\npruning_loss = \"llava-fastv\""), &[]),
            (drafts, &known, &["acceptance: figures of qwen2-vl-2b drafting for qwen2.5-vl-7b (source paper)"]),
            (drafts, &format!("{known}\n[tokens]\niid = 0.5"), &[]),
            (
                cloud,
                "[cloud]\nweights = \"w8a8\"",
                &[
                    "accuracy: figures of qwen2.5-vl-7b are of 16 bits; the cloud has weights in w8a8, which leave 98.4 % of them",
                ],
            ),
            (edge, "[cloud]\nweights = \"w8a8\"", &[]),
            (
                cloud,
                "[cloud]\nkv = \"fp8\"",
                &[
                    "accuracy: figures of qwen2.5-vl-7b are of 16 bits; the cloud has a KV cache in fp8; nothing is published",
                ],
            ),
        ];
        for (policy, lines, starts) in cases {
            let said = told(policy, lines);
            let all = said.iter().zip(starts).all(|((_, text), start)| text.starts_with(start));
            assert!(said.len() == starts.len() && all, "{policy} with {lines}: {said:?}");
        }
        assert_eq!(told(&format!("{replay}\n{cloud}"), llava), [], "the models answer for themselves");
    }
}
