//! The rule by which a claim is judged. Nothing here knows any claim by its name.
//!
//! A claim is **reproduced** if what is simulated comes within a tolerance of what is printed: 10 % of an amount or a ratio,
//! one point of an accuracy, five points of a change in per cent; the 95 % interval widens it, to twice at most. If that takes an assumption, because
//! the paper leaves something open or a scenario sets what is not the default, it is reproduced **only under** it. If it is
//! not reproduced, it is **missed**, and contradicted: by another claim, where the papers print numbers of which it would have to be
//! made and is not, or else by the claim that the simulation rests on, under the assumptions that are named. Where nothing
//! that was run can tell, it is **not testable here**.

use super::answer::{Answer, Source};
use super::papers::{CLAIMS, Claim, Printed};
use super::question::{Measure, Over, Question, SystemSpec};
use super::words;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use tables::Metric;

/// Tolerance of amounts and ratios, as a share of the printed value.
const TOLERANCE: f64 = 0.1;
/// Tolerance of accuracies, in points.
const TOLERANCE_POINTS: f64 = 1.0;
/// Tolerance of changes in per cent, in points.
const TOLERANCE_CHANGE: f64 = 5.0;

/// The assumption where nothing is set: the papers leave much open that a simulator has to know.
const EVERY_DEFAULT: &str = "every default (docs/semantics.md)";

/// The verdict on a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It comes out with every default.
    Reproduced,
    /// It comes out under an assumption.
    OnlyUnder {
        /// The assumption, as a clause.
        assumption: String,
        /// The distance of another answer, under fewer assumptions, that misses it; and the scenario of the one that does not.
        missed: Option<(String, String)>,
    },
    /// It does not come out.
    Missed {
        /// By how much, in words.
        by: String,
        /// The claim that says why.
        contradicts: String,
    },
    /// Nothing that was run can tell, for this reason.
    NotTestable(String),
    /// It is an input, a definition or words: nothing that a simulation could tell.
    Input(String),
}

/// The kind of a verdict, for counts and colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VerdictKind {
    /// Reproduced.
    Reproduced,
    /// Reached under an assumption.
    OnlyUnder,
    /// Missed.
    Missed,
    /// Not testable here.
    NotTestable,
    /// An input.
    Input,
}

impl VerdictKind {
    /// Its name in the column `kind`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::OnlyUnder => "only_under",
            Self::Missed => "missed",
            Self::NotTestable => "not_testable",
            Self::Input => "input",
        }
    }
}

impl Verdict {
    /// Its kind.
    pub fn kind(&self) -> VerdictKind {
        match self {
            Self::Reproduced => VerdictKind::Reproduced,
            Self::OnlyUnder { .. } => VerdictKind::OnlyUnder,
            Self::Missed { .. } => VerdictKind::Missed,
            Self::NotTestable(_) => VerdictKind::NotTestable,
            Self::Input(_) => VerdictKind::Input,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reproduced => write!(out, "reproduced"),
            Self::OnlyUnder { assumption, missed: None } => write!(out, "reproduced only if {assumption}"),
            Self::OnlyUnder { assumption, missed: Some((by, scenario)) } => {
                let place = if assumption.contains(scenario) { String::new() } else { format!(": {scenario}") };
                write!(out, "missed by {by}; reached if {assumption}{place}")
            }
            Self::Missed { by, .. } => write!(out, "missed by {by}"),
            Self::NotTestable(_) => write!(out, "not testable here"),
            Self::Input(why) => write!(out, "{why}"),
        }
    }
}

/// A claim's verdict, and the answer that it rests on.
pub(super) struct Judged {
    pub verdict: Verdict,
    pub answer: Option<Answer>,
    /// The assumption, or the reason why it cannot be tested.
    pub assumption: String,
}

/// Judges a claim by what these folders answer.
pub(super) fn judge(claim: &Claim, sources: &[Source]) -> Judged {
    let without = |verdict, why: &str| Judged { verdict, answer: None, assumption: why.to_owned() };
    let Some(question) = &claim.question else {
        let why = claim.remark.clone();
        return without(if claim.is_input { Verdict::Input(why) } else { Verdict::NotTestable(why) }, &claim.remark);
    };
    let answers: Vec<Answer> = sources.iter().flat_map(|source| source.answers(claim, question)).collect();
    let mut held = held(claim, question, answers).into_iter();
    let Some((answer, meets)) = held.next() else {
        let why = "no run here is of that system, data set and platform";
        return without(Verdict::NotTestable(why.to_owned()), why);
    };
    let remark = Some(claim.remark.clone()).filter(|remark| !remark.is_empty());
    let assumed: Vec<String> = remark.into_iter().chain(answer.assumptions.clone()).collect();
    let assumption = if assumed.is_empty() { EVERY_DEFAULT.to_owned() } else { assumed.join("; ") };
    let missed = |answer: &Answer| words::missed(claim, question, answer.value.mean).unwrap_or_default();
    let verdict = match (meets, assumed.is_empty()) {
        (true, true) => Verdict::Reproduced,
        (true, false) => Verdict::OnlyUnder {
            assumption: words::clause(&assumed),
            missed: held
                .find(|(other, meets)| !meets && other.assumptions.len() < answer.assumptions.len())
                .map(|(other, _)| (missed(&other), answer.scenario.clone())),
        },
        (false, _) => {
            let contradicts = contradiction(claim, question).unwrap_or(&question.premise).to_owned();
            Verdict::Missed { by: missed(&answer), contradicts }
        }
    };
    Judged { verdict, answer: Some(answer), assumption }
}

/// The answers that a claim is held to, one for equal assumptions, and whether each meets it. The first decides: of those that meet
/// it the one with the fewest assumptions, or else of all.
fn held(claim: &Claim, question: &Question, answers: Vec<Answer>) -> Vec<(Answer, bool)> {
    let mut groups: BTreeMap<(usize, BTreeSet<String>), Vec<Answer>> = BTreeMap::new();
    for answer in answers {
        let assumed: BTreeSet<String> = answer.assumptions.iter().cloned().collect();
        groups.entry((assumed.len(), assumed)).or_default().push(answer);
    }
    let mut held: Vec<(Answer, bool)> = groups
        .into_values()
        .filter_map(|answers| held_to(&claim.printed, question.over, answers))
        .map(|answer| (answer.clone(), meets(claim, question, &answer)))
        .collect();
    // Stable: among those that meet, and among those that do not, the fewest assumptions stay first.
    held.sort_by_key(|(_, meets)| !meets);
    held
}

fn held_to(printed: &Printed, over: Over, answers: Vec<Answer>) -> Option<Answer> {
    let distance = |answer: &Answer| printed.distance(answer.value.mean).map_or(f64::INFINITY, |(away, _)| away.abs());
    let by = |a: &Answer, b: &Answer| match over {
        Over::Nearest => distance(a).total_cmp(&distance(b)),
        Over::Worst => distance(b).total_cmp(&distance(a)),
        Over::Min => a.value.mean.total_cmp(&b.value.mean),
        Over::Max => b.value.mean.total_cmp(&a.value.mean),
    };
    answers.into_iter().min_by(by)
}

/// True if an answer comes within the tolerance of the printed value. Its interval counts, but for no more than the
/// tolerance: runs that are too few to tell do not make a claim true.
fn meets(claim: &Claim, question: &Question, answer: &Answer) -> bool {
    claim.printed.distance(answer.value.mean).is_some_and(|(away, bound)| {
        let tolerance = tolerance(question, &claim.unit, bound);
        away.abs() <= tolerance + answer.value.ci95.unwrap_or(0.0).min(tolerance)
    })
}

fn agrees(claim: &Claim, question: &Question, value: f64) -> bool {
    let distance = claim.printed.distance(value);
    distance.is_some_and(|(away, bound)| away.abs() <= tolerance(question, &claim.unit, bound))
}

fn tolerance(question: &Question, unit: &str, printed: f64) -> f64 {
    let accuracy = question.amount.metrics().all(|metric| metric == Metric::Accuracy);
    match (question.measure, unit) {
        (Measure::Change, _) => TOLERANCE_CHANGE,
        (Measure::Value | Measure::Difference, "percent" | "points") if accuracy => TOLERANCE_POINTS,
        _ => TOLERANCE * printed.abs(),
    }
}

/// A printed value, and the claim that it is of.
struct Base<'c> {
    claim: &'c Claim,
    value: f64,
}

/// The claim that a claim disagrees with as it is printed: the same amount elsewhere, or the amounts that it is made of.
fn contradiction<'c>(claim: &'c Claim, question: &'c Question) -> Option<&'c str> {
    let printed: Vec<Base<'c>> = match question.measure {
        Measure::Value => bases(claim, question, &question.of).filter(|base| base.claim.id != claim.id).collect(),
        _ => {
            let against = |of: &Base<'c>| {
                let (claim_of, value) = (of.claim, of.value);
                let others = question.against.iter().flat_map(|spec| bases(claim, question, spec));
                let others = others.filter(move |other| compatible(claim_of, other.claim));
                let made =
                    others.map(move |other| Base { claim: claim_of, value: question.measure.of(value, other.value) });
                made.collect::<Vec<_>>()
            };
            bases(claim, question, &question.of).flat_map(|of| against(&of)).collect()
        }
    };
    let disagrees = |base: &&Base<'_>| !agrees(claim, question, base.value);
    let by_value = |a: &&Base<'_>, b: &&Base<'_>| a.value.total_cmp(&b.value);
    let found = match question.over {
        // A place that is not named may be any.
        Over::Nearest => printed.iter().all(|base| disagrees(&base)).then(|| printed.first()).flatten(),
        Over::Worst => printed.iter().find(disagrees),
        Over::Min => printed.iter().min_by(by_value).filter(disagrees),
        Over::Max => printed.iter().max_by(by_value).filter(disagrees),
    };
    found.map(|base| base.claim.id.as_str())
}

/// The printed values of the same amount under a system, at a place that may be that of the claim.
fn bases<'c>(claim: &'c Claim, question: &'c Question, spec: &'c SystemSpec) -> impl Iterator<Item = Base<'c>> {
    CLAIMS.iter().filter(move |other| compatible(claim, other)).filter_map(move |other| {
        let asked = other.question.as_ref()?;
        let plain = asked.over == Over::Nearest || asked.over == question.over;
        let same = plain && asked.measure == Measure::Value && asked.amount == question.amount && asked.of == *spec;
        other.printed.number().filter(|_| same).map(|value| Base { claim: other, value })
    })
}

/// True if two claims can be of one place: neither denies what the other says of it.
fn compatible(a: &Claim, b: &Claim) -> bool {
    let same = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
    let at = |claim: &Claim| claim.question.as_ref().map_or_else(Vec::new, |question| question.at.clone());
    let meets = |(key, values): &(String, Vec<String>)| {
        let others = at(b).into_iter().find(|(other, _)| other == key);
        others.is_none_or(|(_, others)| others.iter().any(|other| values.contains(other)))
    };
    // Other models are another platform, also where the other claim names none.
    let model = |claim: &Claim| at(claim).into_iter().find(|(key, _)| key == "cloud.model");
    let class = |claim: &Claim| claim.question.as_ref().and_then(|question| question.class.clone());
    model(a) == model(b)
        && class(a) == class(b)
        && same(&a.dataset, &b.dataset)
        && same(&a.bandwidth_mbps, &b.bandwidth_mbps)
        && at(a).iter().all(meets)
}
