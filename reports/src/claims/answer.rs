//! Answers of a results folder to a question: a value with its interval for each point and pair of policies that it
//! can be asked of. With it stand the scenario's assumptions beyond the defaults.

use super::papers::{CLAIMS, Claim};
use super::platform;
use super::question::{Question, SystemSpec};
use crate::classes;
use crate::estimate::Estimate;
use crate::frame::ReportError;
use crate::manifest::{Manifest, PolicySettings};
use crate::runs::{Cell, Runs};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;
use tables::{ClassRow, RunRow};

/// More assumptions than this are named by their scenario.
const MOST_NAMED: usize = 8;

/// Data sets that the papers' comparisons are of; any other is an assumption.
const DATASETS: [&str; 2] = ["vqav2", "mmbench"];

/// Kinds and settings that make another system of a policy: those by which questions tell systems apart.
static OTHER_SYSTEM: LazyLock<BTreeSet<(String, String)>> = LazyLock::new(|| {
    let questions = CLAIMS.iter().filter_map(|claim| claim.question.as_ref());
    let specs = questions.flat_map(|question| std::iter::once(&question.of).chain(&question.against));
    specs.filter_map(|spec| Some((spec.kind.clone(), spec.setting.clone()?))).collect()
});

/// A results folder that is asked.
pub(super) struct Source {
    scene: Scene,
    runs: Runs,
    /// The same by class; none where requests are of one.
    classes: Vec<ClassRow>,
}

/// The settings of a scenario, and the keys that vary in it.
pub(super) struct Scene {
    pub manifest: Manifest,
    keys: Vec<String>,
}

/// The answer at one point.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub value: Estimate,
    /// The point: dataset, bandwidth and the other keys that vary.
    pub place: String,
    /// Assumptions beyond the defaults, each as `key = value`.
    pub assumptions: Vec<String>,
    /// The scenario.
    pub scenario: String,
}

/// Policies that a question is asked of at a point.
struct Pair<'s> {
    of: (&'s Cell, &'s PolicySettings),
    against: Option<(&'s Cell, &'s PolicySettings)>,
}

impl Scene {
    /// Reads the manifest of a folder with these runs.
    pub fn read(folder: &Path, runs: &Runs) -> Result<Self, ReportError> {
        Ok(Self { manifest: Manifest::read(folder)?, keys: runs.keys.clone() })
    }

    /// True if a claim holds for a point.
    pub fn is_at(&self, claim: &Claim, question: &Question, cell: &Cell) -> bool {
        let is = |key: &str, values: &[String]| self.value(cell, key).is_some_and(|own| values.contains(own));
        let own = [(RunRow::dataset.name, &claim.dataset), (RunRow::bandwidth_mbps.name, &claim.bandwidth_mbps)];
        // What is said of no place in particular is said of the data sets of the comparison.
        let usual = self.value(cell, RunRow::dataset.name).is_some_and(|dataset| DATASETS.contains(&dataset.as_str()));
        let placed = usual || claim.dataset.is_some() || !question.at.is_empty();
        self.is_on_platform(claim, question, cell)
            && placed
            && own
                .into_iter()
                .all(|(key, value)| value.as_ref().is_none_or(|value| is(key, std::slice::from_ref(value))))
            && question.at.iter().all(|(key, values)| is(key, values))
    }

    /// A key's value at a point: as it varies there, or as the scenario sets it.
    fn value<'c>(&'c self, cell: &'c Cell, key: &str) -> Option<&'c String> {
        let varies = self.keys.iter().position(|known| known == key).and_then(|key| cell.values.get(key));
        varies.or_else(|| self.manifest.assumptions.get(key))
    }

    /// True if a point is on the platform that a claim was measured on. Keys that the question names are its own matter.
    fn is_on_platform(&self, claim: &Claim, question: &Question, cell: &Cell) -> bool {
        let varied = self.keys.iter().zip(&cell.values);
        let varied = varied.filter(|(key, value)| self.manifest.swept_defaults.get(*key) != Some(value));
        let set = self.manifest.assumptions.iter().filter(|(key, _)| !self.keys.contains(key));
        let asked = |key: &str| question.at.iter().any(|(known, _)| known == key);
        set.chain(varied).all(|(key, value)| asked(key) || platform::allows(&claim.platform, key, value))
    }
}

impl Source {
    /// Opens a results folder.
    pub fn read(folder: &Path) -> Result<Self, ReportError> {
        // A folder of another version is refused as such, before its tables are.
        let manifest = Manifest::read(folder)?;
        let runs = Runs::read(folder)?;
        Ok(Self { scene: Scene { manifest, keys: runs.keys.clone() }, runs, classes: classes::rows(folder)? })
    }

    /// The answers to a claim's question, by point.
    pub fn answers(&self, claim: &Claim, question: &Question) -> Vec<Answer> {
        let points = self.runs.cells.chunk_by(|one, other| one.point == other.point);
        let asked = points.filter(|cells| self.scene.is_at(claim, question, &cells[0]));
        let pairs = asked.flat_map(|cells| self.pairs(question, cells));
        pairs.filter_map(|pair| self.answer(claim, question, &pair)).collect()
    }

    fn pairs<'s>(&'s self, question: &'s Question, cells: &'s [Cell]) -> Vec<Pair<'s>> {
        let policies = |spec: &'s SystemSpec| {
            let of = |cell: &'s Cell| Some((cell, self.scene.manifest.policy(&cell.policy)?));
            cells.iter().filter_map(of).filter(move |(_, policy)| is_system(policy, spec))
        };
        let mut pairs = Vec::new();
        for of in policies(&question.of) {
            if question.against.is_empty() {
                pairs.push(Pair { of, against: None });
            }
            for (spec, against) in question.against.iter().flat_map(|spec| policies(spec).map(move |it| (spec, it))) {
                if comparable((of.1, &question.of), (against.1, spec)) {
                    pairs.push(Pair { of, against: Some(against) });
                }
            }
        }
        pairs
    }

    fn answer(&self, claim: &Claim, question: &Question, pair: &Pair<'_>) -> Option<Answer> {
        let (value, of_class) = match &question.class {
            Some(class) => (self.of_class(question, pair.of.0, class)?, format!(", class {class}")),
            None => (self.of_runs(claim, question, pair)?, String::new()),
        };
        let answer = Answer {
            value,
            place: self.runs.place(pair.of.0) + &of_class,
            assumptions: self.assumptions(claim, question, pair),
            scenario: self.scene.manifest.scenario.clone(),
        };
        Some(answer).filter(|answer| answer.value.mean.is_finite())
    }

    /// The figure over the runs of the policies.
    fn of_runs(&self, claim: &Claim, question: &Question, pair: &Pair<'_>) -> Option<Estimate> {
        let amounts = |cell: &Cell| -> Option<Vec<f64>> {
            (0..self.runs.seeds(cell).len())
                .map(|run| question.amount.value(&claim.unit, |metric| self.runs.metric(metric).of(cell)[run]))
                .collect()
        };
        let of = amounts(pair.of.0)?;
        let against = pair.against.map_or_else(|| Some(of.clone()), |(cell, _)| amounts(cell))?;
        // Replications of the two share their seeds: they are pairs.
        let values: Vec<f64> =
            of.iter().zip(&against).map(|(of, against)| question.measure.of(*of, *against)).collect();
        Some(Estimate::of(&values))
    }

    /// The metric over the requests of a class.
    fn of_class(&self, question: &Question, cell: &Cell, class: &str) -> Option<Estimate> {
        let is_it = |row: &&ClassRow| row.point == cell.point && *row.policy == *cell.policy && *row.class == *class;
        let (mean, ci95) = self.classes.iter().find(is_it)?.metrics[question.amount.metric()?]?;
        Some(Estimate { mean, ci95 })
    }

    /// Assumptions beyond the defaults, without those that the claim itself asks for.
    fn assumptions(&self, claim: &Claim, question: &Question, pair: &Pair<'_>) -> Vec<String> {
        let mut assumed: BTreeMap<String, String> = self.scene.manifest.assumptions.clone();
        assumed.retain(|key, _| !question.at.iter().any(|(known, _)| known == key));
        let both = || std::iter::once(pair.of).chain(pair.against).map(|(_, policy)| policy);
        for (key, value) in self.runs.keys.iter().zip(&pair.of.0.values) {
            let asked = question.at.iter().any(|(known, _)| known == key)
                || key == RunRow::dataset.name && claim.dataset.is_some();
            let default = self.scene.manifest.swept_defaults.get(key) == Some(value);
            let usual =
                key == RunRow::bandwidth_mbps.name || key == RunRow::dataset.name && DATASETS.contains(&value.as_str());
            let elsewhere = |policy: &PolicySettings| !key.starts_with(&format!("policy.{}.", policy.kind));
            if !(asked || default || usual || key.starts_with("policy.") && both().all(elsewhere)) {
                assumed.insert(key.clone(), value.clone());
            }
        }
        let specs = || std::iter::once(&question.of).chain(&question.against);
        let asked =
            |key: &str| specs().filter_map(|spec| spec.setting.as_ref()).any(|setting| key.starts_with(setting));
        for policy in both() {
            let settings = policy.settings.iter().filter(|(key, _)| !asked(key));
            assumed.extend(settings.map(|(key, value)| (format!("policy.{}.{key}", policy.kind), value.clone())));
        }
        assumed.retain(|key, value| !platform::states(&claim.platform, key, value));
        if assumed.len() > MOST_NAMED {
            return vec![format!("the {} settings of scenario {}", assumed.len(), self.scene.manifest.scenario)];
        }
        assumed.into_iter().map(|(key, value)| format!("{key} = {value}")).collect()
    }
}

/// True if a policy is the system that is meant, and not another by one of its settings.
pub(super) fn is_system(policy: &PolicySettings, spec: &SystemSpec) -> bool {
    let mut settings = policy.settings.iter();
    let mut has = |setting: &str, value: &Option<String>| {
        settings.any(|(key, own)| key.starts_with(setting) && value.as_ref().is_none_or(|value| value == own))
    };
    let mut others =
        OTHER_SYSTEM.iter().filter(|(kind, other)| *kind == policy.kind && spec.setting.as_ref() != Some(other));
    policy.kind == spec.kind
        && spec.setting.as_ref().is_none_or(|setting| has(setting, &spec.value))
        && !others.any(|(_, other)| policy.settings.keys().any(|key| key.starts_with(other)))
}

/// Two policies of one system are compared only where they are alike but for the setting that is asked about.
pub(super) fn comparable(of: (&PolicySettings, &SystemSpec), against: (&PolicySettings, &SystemSpec)) -> bool {
    let asked: Vec<&String> = [of.1, against.1].into_iter().filter_map(|spec| spec.setting.as_ref()).collect();
    let rest = |policy: &PolicySettings| -> BTreeMap<String, String> {
        let mut rest = policy.settings.clone();
        rest.retain(|key, _| !asked.iter().any(|setting| touches(setting, key)));
        rest
    };
    of.0.kind != against.0.kind || rest(of.0) == rest(against.0)
}

/// True if one key is the other, or within it.
fn touches(a: &str, b: &str) -> bool {
    let within = |inner: &str, outer: &str| inner == outer || inner.starts_with(&format!("{outer}."));
    within(a, b) || within(b, a)
}
