//! The questions of the field, each answered in a paragraph.

use super::bundled::Bundled;
use super::evidence::{Evidence, ratios, value};
use super::sureness;
use crate::estimate::mean;
use crate::frame::ReportError;
use crate::natural::Levels;
use crate::numbers::short;
use crate::reference::{AS_ACCURATE, REFERENCE, is_as_accurate};
use crate::runs::{Cell, Runs};
use std::collections::BTreeMap;
use tables::Metric;

/// A question with its answer.
pub(super) struct Answer {
    pub question: &'static str,
    /// Sentences; of a question whose scenarios were not run, that it has none.
    pub sentences: Vec<String>,
    /// The scenarios that they rest on.
    pub rests_on: &'static [Bundled],
}

/// The limit of the 99th percentile of the latency within which edges are carried, in ms.
const CARRIED_MS: f64 = 2000.0;

/// Every question, in the order of the page.
pub(super) fn all(evidence: &Evidence) -> Result<Vec<Answer>, ReportError> {
    let answer = |question, rests_on, sentences: Vec<Option<String>>| {
        let mut sentences: Vec<String> = sentences.into_iter().flatten().collect();
        if sentences.is_empty() {
            sentences.push("Not answered: its scenarios were not run.".to_owned());
        }
        Answer { question, sentences, rests_on }
    };
    Ok(vec![
        answer(
            "Does drafting across a link pay, and where?",
            &[Bundled::BreakEvenRttAcceptance, Bundled::BreakEvenRttSilence, Bundled::Speculation, Bundled::Tornado],
            vec![
                drafting_points(evidence),
                drafting_reach(evidence),
                drafting_beside(evidence),
                drafting_silence(evidence),
                drafting_engine(evidence),
                sureness(evidence, "speculative")?,
            ],
        ),
        answer(
            "Does MSAO pay, and what of it?",
            &[Bundled::Paper, Bundled::Ablation, Bundled::Silence, Bundled::Tornado],
            vec![msao_pays(evidence), msao_parts(evidence), msao_silence(evidence), sureness(evidence, "msao")?],
        ),
        answer(
            "Does MindFusion pay?",
            &[Bundled::MindfusionTable2, Bundled::Tornado],
            vec![mindfusion_pays(evidence), mindfusion_elsewhere(evidence), sureness(evidence, "mindfusion")?],
        ),
        answer(
            "How many requests does one cloud GPU carry under each?",
            &[Bundled::Load],
            vec![carried(evidence), energy(evidence)],
        ),
    ])
}

const LINKED: &str = "three_in_flight";

/// At how many points of the map drafting over the link is faster.
fn drafting_points(evidence: &Evidence) -> Option<String> {
    let runs = evidence.runs(Bundled::BreakEvenRttAcceptance)?;
    let count = |against| {
        let all = ratios(runs, [LINKED, against], Metric::E2eMean);
        (all.iter().filter(|(_, ratio)| *ratio < 1.0).count(), all.len())
    };
    let ((cloud, points), (beside, _)) = (count("cloud_only"), count("cloud_speculative"));
    Some(format!(
        "Over {} and {}, with three batches in flight, it is faster than Cloud-only at {cloud} of {points} points, and faster than a \
         small model that drafts beside the target at {beside}.",
        span(runs, "link.rtt", "round trips")?,
        span(runs, "tokens.iid", "acceptances")?,
    ))
}

/// From the first value of a key to the last: `round trips of 1 to 80 ms`.
fn span(runs: &Runs, key: &str, called: &str) -> Option<String> {
    let texts: Vec<&str> = runs.cells.iter().filter_map(|cell| value(runs, cell, key)).collect();
    let levels = Levels::of(texts.iter().copied());
    let (first, last) = (levels.labels.first()?, levels.texts.last()?);
    Some(format!("{called} of {first} to {last}"))
}

/// The longest round trip at which drafting over the link still beats Cloud-only, by acceptance.
fn drafting_reach(evidence: &Evidence) -> Option<String> {
    let runs = evidence.runs(Bundled::BreakEvenRttAcceptance)?;
    let all = ratios(runs, [LINKED, "cloud_only"], Metric::E2eMean);
    let reach = |acceptance: &str| {
        let faster =
            |(cell, ratio): &&(&Cell, f64)| *ratio < 1.0 && value(runs, cell, "tokens.iid") == Some(acceptance);
        let trips: Vec<&str> =
            all.iter().filter(faster).filter_map(|(cell, _)| value(runs, cell, "link.rtt")).collect();
        Levels::of(trips).texts.last().cloned()
    };
    let said = |acceptance: &str, accepted: &str| match reach(acceptance) {
        Some(trip) => format!("up to a round trip of {trip} where {acceptance} {accepted}"),
        None => format!("at none where {acceptance} {accepted}"),
    };
    let all = [said("95 %", "of the drafts are accepted"), said("80 %", "are"), said("60 %", "are")];
    Some(format!("It beats Cloud-only {}.", all.join(", ")))
}

/// The control: a small model beside the target against drafts that cross the link, on the paper's platform.
fn drafting_beside(evidence: &Evidence) -> Option<String> {
    let tpot = |policy| evidence.mean(Bundled::Speculation, policy, Metric::TpotMean, &[]);
    let [cloud, beside, linked] = [tpot("cloud_only")?, tpot("cloud_speculative")?, tpot("spec_pipelined_3")?];
    Some(format!(
        "On MSAO's platform a token of a long answer takes {} ms from the cloud alone, {} with drafts beside the target, and {} with \
         drafts over the link.",
        short(cloud, 3),
        short(beside, 3),
        short(linked, 3)
    ))
}

/// The winners over the map of round trip and silence: of all, and of those as accurate as the cloud.
fn drafting_silence(evidence: &Evidence) -> Option<String> {
    let runs = evidence.runs(Bundled::BreakEvenRttSilence)?;
    let accuracy = runs.metric(Metric::Accuracy);
    let accuracy = |cell: &Cell| accuracy.all_of(cell).map(|values| mean(&values));
    let of_reference = |cell: &Cell| {
        let is_it = |other: &&Cell| other.point == cell.point && other.policy == REFERENCE;
        runs.cells.iter().find(is_it).and_then(accuracy)
    };
    let points = ratios(runs, [REFERENCE, REFERENCE], Metric::E2eMean).len();
    Some(format!(
        "For short answers over TCP, at {points} pairs of a round trip and a silence between requests, the fastest are {}; of those within \
         {AS_ACCURATE} points of Cloud-only's accuracy, {}.",
        winners(runs, |_| true),
        winners(runs, |cell| is_as_accurate(accuracy(cell), of_reference(cell)))
    ))
}

/// The number of points at which each policy is the fastest of those that are in: `msao at 3, cloud_pruned at 1`.
fn winners(runs: &Runs, is_in: impl Fn(&Cell) -> bool) -> String {
    let policies = runs.policies();
    let mut fastest: BTreeMap<u64, (usize, f64)> = BTreeMap::new();
    for (place, policy) in policies.iter().enumerate() {
        for (cell, ratio) in ratios(runs, [policy, REFERENCE], Metric::E2eMean).iter().filter(|(cell, _)| is_in(cell)) {
            let known = fastest.entry(cell.point).or_insert((place, *ratio));
            if *ratio < known.1 {
                *known = (place, *ratio);
            }
        }
    }
    let mut wins = vec![0; policies.len()];
    fastest.values().for_each(|(place, _)| wins[*place] += 1);
    let said = |(policy, wins): (&&str, &usize)| (*wins > 0).then(|| format!("{policy} at {wins}"));
    policies.iter().zip(&wins).filter_map(said).collect::<Vec<_>>().join(", ")
}

/// The gain of drafting where the engine has no step to hide.
fn drafting_engine(evidence: &Evidence) -> Option<String> {
    let at = |engine| {
        evidence.ratio(Bundled::Tornado, ["speculative", "cloud_only"], Metric::E2eMean, &[("cloud.engine", engine)])
    };
    Some(format!(
        "For short answers on MSAO's platform it takes {} times Cloud-only's time with transformers on both tiers, and {} with CUDA graphs.",
        short(at("hf")?, 2),
        short(at("graph")?, 2)
    ))
}

const VQAV2: (&str, &str) = ("dataset", "vqav2");
const FASTEST_LINK: (&str, &str) = ("bandwidth_mbps", "400");

/// MSAO between the cloud and the edge, on the paper's platform.
fn msao_pays(evidence: &Evidence) -> Option<String> {
    let at = [VQAV2, FASTEST_LINK];
    let times = |against| evidence.ratio(Bundled::Paper, ["msao", against], Metric::E2eMean, &at);
    let accuracy = |policy| evidence.mean(Bundled::Paper, policy, Metric::Accuracy, &at);
    let lost = accuracy("cloud_only")? - accuracy("msao")?;
    let won = accuracy("msao")? - accuracy("edge_only")?;
    Some(format!(
        "On its own platform, at 400 Mbps and with the answers that VQAv2 has, MSAO takes {} times Cloud-only's latency and {} times \
         Edge-only's; its accuracy is {} points below the one and {} above the other.",
        short(times("cloud_only")?, 3),
        short(times("edge_only")?, 3),
        short(lost, 2),
        short(won, 2)
    ))
}

/// MSAO's parts on the paper's platform: its pruning by itself, drafting on top of it, and awareness.
fn msao_parts(evidence: &Evidence) -> Option<String> {
    let times = |pair| evidence.ratio_as_it_is(Bundled::Tornado, pair, Metric::E2eMean);
    let accuracy = |policy| evidence.mean(Bundled::Ablation, policy, Metric::Accuracy, &[VQAV2]);
    Some(format!(
        "Its pruning pays: alone, in front of Cloud-only, it takes {} times Cloud-only's latency. Its drafting does not: all of MSAO \
         takes {} times the latency of its pruning alone. Pruning by MAS instead of evenly keeps {} points of accuracy.",
        short(times(["cloud_pruned", "cloud_only"])?, 2),
        short(times(["msao", "cloud_pruned"])?, 3),
        short(accuracy("alg1")? - accuracy("alg1_without_awareness")?, 2)
    ))
}

/// A second of silence between requests.
fn msao_silence(evidence: &Evidence) -> Option<String> {
    let times = |think| {
        let at = [("link.transport", "tcp"), ("arrivals.closed_loop.think", think)];
        evidence.ratio(Bundled::Silence, ["msao", "cloud_only"], Metric::E2eMean, &at)
    };
    Some(format!(
        "Silence turns that: after a second without a message MSAO takes {} times Cloud-only's latency, back to back {}.",
        short(times("1 s")?, 3),
        short(times("0 s")?, 3)
    ))
}

/// MindFusion on its own platform.
fn mindfusion_pays(evidence: &Evidence) -> Option<String> {
    let times = |against, mbps| {
        let at = [("edge.device", "iphone"), ("cloud.device", "a100"), ("bandwidth_mbps", mbps)];
        evidence.ratio(Bundled::MindfusionTable2, ["mindfusion_8", against], Metric::TtftMean, &at)
    };
    Some(format!(
        "On its own platform, an iPhone with an A100 over 2 Mbps, its first token takes {} times Edge-only's time and {} times \
         Cloud-only's; over 90 Mbps {} and {}.",
        short(times("edge_only", "2")?, 2),
        short(times("cloud_only", "2")?, 2),
        short(times("edge_only", "90")?, 2),
        short(times("cloud_only", "90")?, 2)
    ))
}

/// MindFusion on MSAO's platform.
fn mindfusion_elsewhere(evidence: &Evidence) -> Option<String> {
    let times = evidence.ratio(
        Bundled::Tornado,
        ["mindfusion", "cloud_only"],
        Metric::E2eMean,
        &[("tokens.iid", ""), ("link.transport", "tcp")],
    )?;
    Some(format!("On MSAO's platform it takes {} times Cloud-only's latency.", short(times, 2)))
}

/// The rates of `load` within which each policy keeps its limit.
fn carried(evidence: &Evidence) -> Option<String> {
    let runs = evidence.runs(Bundled::Load)?;
    let said: Vec<String> = runs.policies().into_iter().filter_map(|policy| carried_by(runs, policy)).collect();
    (!said.is_empty()).then(|| {
        format!(
            "Sixteen edges share an A100; 99 of 100 requests end within {} s (answers of 50 tokens): {}.",
            CARRIED_MS / 1e3,
            said.join(", ")
        )
    })
}

/// The largest rate of the sweep that a policy carries, and the next one, which it does not.
fn carried_by(runs: &Runs, policy: &str) -> Option<String> {
    let column = runs.metric(Metric::E2eP99);
    let mut steps: Vec<(f64, bool)> = Vec::new();
    for cell in runs.cells.iter().filter(|cell| cell.policy == policy) {
        let rate = value(runs, cell, "arrivals.poisson.rate")?.split_whitespace().next()?.parse().ok()?;
        let values = column.all_of(cell)?;
        steps.push((rate, values.iter().sum::<f64>() / values.len() as f64 <= CARRIED_MS));
    }
    steps.sort_by(|a, b| a.0.total_cmp(&b.0));
    let misses = steps.iter().position(|(_, kept)| !kept);
    Some(match misses {
        Some(0) => format!("{policy} fewer than {}/s", steps[0].0),
        Some(first) => format!("{policy} {} to {}/s", steps[first - 1].0, steps[first].0),
        None => format!("{policy} at least {}/s", steps.last()?.0),
    })
}

/// The energy of a request where Cloud-only is near its limit.
fn energy(evidence: &Evidence) -> Option<String> {
    let at = [("arrivals.poisson.rate", "24 /s")];
    let joules = |policy| evidence.mean(Bundled::Load, policy, Metric::Energy, &at);
    Some(format!(
        "At 24 requests a second a request takes {} J under Cloud-only, {} behind MSAO's pruning alone, and {} under MSAO.",
        short(joules("cloud_only")?, 2),
        short(joules("cloud_pruned")?, 2),
        short(joules("msao")?, 2)
    ))
}
