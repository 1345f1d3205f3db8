//! Several kinds of requests at once: the `[classes.NAME]` tables, checked, and resolved for a run.

use super::class::Class;
use super::slo::Slo;
use super::{Arrivals, Dataset, Mode, Scenario, Source, grounds, lookup};
use crate::terminal::Failure;
use engine::{Content, Scheduling};
use units::Ratio;

impl Scenario {
    /// The scenario as if all of its requests were of a class.
    pub fn of_class(&self, class: &Class) -> Self {
        let mut alone = self.clone();
        alone.classes.clear();
        class.dataset.iter().for_each(|dataset| alone.workload.dataset.clone_from(dataset));
        alone.workload.output_tokens = class.output_tokens.or(self.workload.output_tokens);
        alone
    }

    /// The targets of a class, which are those of `[slo]` unless it has its own, and their key.
    pub fn slo_of<'s>(&'s self, name: &str, class: &'s Class) -> (&'s Slo, String) {
        match class.slo.is_empty() {
            true => (&self.slo, "slo".to_owned()),
            false => (&class.slo, format!("classes.{name}.slo")),
        }
    }

    /// True if classes differ in their priority.
    pub fn has_priorities(&self) -> bool {
        let mut priorities = self.classes.values().map(|class| class.priority);
        let first = priorities.next();
        priorities.any(|other| Some(other) != first)
    }
}

/// Refuses classes that cannot be.
pub fn check(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    if scenario.classes.is_empty() {
        return Ok(());
    }
    if scenario.mode == Mode::Replay {
        return Err(source.refuse_key("classes", "a replay has requests of one class; leave them out"));
    }
    for (name, class) in &scenario.classes {
        let is_safe = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || !name.chars().all(is_safe) {
            let reason = format!("found the name \"{name}\"; expected letters, digits, `-` and `_`");
            return Err(source.refuse_at(&["classes", name], &reason));
        }
        check_dataset(source, scenario, name, class)?;
        check_arrivals(source, scenario, name, class)?;
        if class.output_tokens == Some(0) {
            return Err(source.refuse_at(&["classes", name, "output_tokens"], "expected more than 0"));
        }
    }
    if scenario.classes.len() == 1 {
        let reason = "found one class; expected two or more, or its keys in [workload], [arrivals] and [slo]";
        return Err(source.refuse_key("classes", reason));
    }
    check_priorities(source, scenario)?;
    shares(source, scenario).map(drop)
}

fn check_dataset(source: &Source, scenario: &Scenario, name: &str, class: &Class) -> Result<(), Failure> {
    let Some(dataset) = &class.dataset else { return Ok(()) };
    let refuse = |reason: &str| Err(source.refuse_at(&["classes", name, "dataset"], reason));
    if dataset.is_trace() {
        return refuse(
            "a class draws its requests; name a dataset without a trace, or play the trace as workload.dataset",
        );
    }
    if let Dataset::Custom(custom) = dataset
        && let Err((key, reason)) = custom.shape().check()
    {
        return refuse(&format!("{key}: {reason}"));
    }
    if scenario.workload.questions_per_picture > 1 {
        let reason = "sessions of several classes have no pictures in common; leave it out";
        return Err(source.refuse_key("workload.questions_per_picture", reason));
    }
    Ok(())
}

fn check_arrivals(source: &Source, scenario: &Scenario, name: &str, class: &Class) -> Result<(), Failure> {
    let Some(arrivals) = &class.arrivals else { return Ok(()) };
    let at = format!("classes.{name}.arrivals");
    let refuse = |reason: &str| Err(source.refuse_key(&at, reason));
    if class.share.is_some() {
        return refuse("the class has a share of [arrivals]; leave out the share, or these");
    }
    let is_open = |arrivals: &Arrivals| !matches!(arrivals, Arrivals::ClosedLoop(_) | Arrivals::Trace(_));
    let all_have = scenario.classes.values().all(|class| class.arrivals.is_some());
    if !is_open(arrivals) || !(all_have || is_open(&scenario.arrivals)) {
        return refuse(
            "which request is of which class must not depend on answers; expected open loops, as in poisson, here and in [arrivals]",
        );
    }
    if scenario.groups().iter().any(|group| group.edge.arrivals.is_some()) {
        return refuse("a group of edges has arrivals of its own too; leave out either");
    }
    arrivals.check(source, &at)
}

/// Refuses priorities that no tier goes by.
fn check_priorities(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    let goes_by_them = scenario.tiers().iter().any(|tier| Scheduling::of(tier.engine).by_priority().is_by_priority());
    if !scenario.has_priorities() || goes_by_them {
        return Ok(());
    }
    let (name, _) = scenario.classes.iter().find(|(_, class)| class.priority != 0).expect("priorities differ");
    let reason = "no engine of the scenario goes by priorities; expected one of vLLM's, as in cloud.engine = \"vllm\"";
    Err(source.refuse_at(&["classes", name, "priority"], reason))
}

/// The share of each class, in their order; 0 of one with arrivals of its own.
fn shares(source: &Source, scenario: &Scenario) -> Result<Vec<f64>, Failure> {
    let shared = || scenario.classes.iter().filter(|(_, class)| class.arrivals.is_none());
    let stated: f64 = shared().filter_map(|(_, class)| class.share).map(Ratio::as_f64).sum();
    let without: Vec<&String> = shared().filter(|(_, class)| class.share.is_none()).map(|(name, _)| name).collect();
    let is_whole = (stated - 1.0).abs() <= 1e-6;
    let refuse = |name: &str, reason: String| Err(source.refuse_at(&["classes", name, "share"], &reason));
    match (&without[..], shared().next()) {
        ([_, second, ..], _) => {
            let many = without.len();
            return refuse(
                second,
                format!("{many} classes have no share; one may leave it out, and has what the others leave"),
            );
        }
        ([one], _) if stated >= 1.0 => {
            return refuse(
                one,
                format!("the other shares sum to {stated:.4}, which leaves nothing; expected less than 1"),
            );
        }
        ([], Some((first, _))) if !is_whole => {
            return refuse(
                first,
                format!("the shares of all classes sum to {stated:.4}; expected 1, or one class without a share"),
            );
        }
        _ => {}
    }
    let share = |class: &Class| match (&class.arrivals, class.share) {
        (Some(_), _) => 0.0,
        (None, share) => share.map_or(1.0 - stated, Ratio::as_f64),
    };
    Ok(scenario.classes.values().map(share).collect())
}

/// The classes of a run.
///
/// # Errors
/// At the key of a class that cannot be.
pub fn resolve(source: &Source, scenario: &Scenario) -> Result<Vec<engine::Class>, Failure> {
    let shares = shares(source, scenario)?;
    let one = |((name, class), share): ((&String, &Class), f64)| {
        let alone = scenario.of_class(class);
        let at = format!("classes.{name}");
        let (slo, slo_at) = scenario.slo_of(name, class);
        Ok(engine::Class {
            name: name.as_str().into(),
            content: content(source, scenario, name, class)?,
            share,
            arrivals: class
                .arrivals
                .as_ref()
                .map(|own| own.resolve(source, &format!("{at}.arrivals"), 1.0))
                .transpose()?,
            priority: class.priority,
            slo: slo.limits(source, &slo_at)?,
            accuracy: grounds::accuracy(&alone),
            benchmark: lookup::requests(source, &alone, &format!("{at}.dataset"))?.benchmark(),
        })
    };
    scenario.classes.iter().zip(shares).map(one).collect()
}

/// The content of a class; none if it is that of the workload.
fn content(source: &Source, scenario: &Scenario, name: &str, class: &Class) -> Result<Option<Content>, Failure> {
    if class.dataset.is_none() && class.output_tokens.is_none() {
        return Ok(None);
    }
    let alone = scenario.of_class(class);
    let key = if class.dataset.is_some() { format!("classes.{name}.dataset") } else { "workload.dataset".to_owned() };
    let requests = lookup::requests(source, &alone, &key)?;
    if requests.has_pictures() {
        for tier in scenario.tiers() {
            let model = lookup::model(source, scenario, &format!("{}.model", tier.key), tier.model)?;
            if model.vision.is_none() {
                return Err(lookup::blind(source, &format!("{}.model", tier.key), &model.name));
            }
        }
    }
    let how = lookup::reading(&alone);
    requests.content(source.traces(), source.folder(), &how).map(|(content, _)| Some(content))
}
