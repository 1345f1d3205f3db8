//! Requests that groups of edges have of their own: `[edges.NAME]` with a `dataset`, checked, and resolved for a run.

use super::class::Class;
use super::fleet::Group;
use super::tier::Edge;
use super::written::Window;
use super::{Arrivals, Dataset, Scenario, Source, arrivals, grounds, lookup};
use crate::terminal::Failure;
use engine::{Content, OwnRequests};
use model::accuracy::KnownAccuracy;
use model::vision::{MAX_ASPECT, is_too_elongated};
use traces::requests::{PictureSize, Pictures};

/// The key of the dataset of requests without one of their own.
pub(super) const WORKLOAD: &str = "workload.dataset";

impl Scenario {
    /// The scenario as if all of its requests were those of a group.
    fn of_group(&self, edge: &Edge) -> Self {
        let mut alone = self.clone();
        edge.dataset.iter().for_each(|dataset| alone.workload.dataset.clone_from(dataset));
        alone.workload.window = Window::default();
        edge.arrivals.iter().for_each(|arrivals| alone.arrivals.clone_from(arrivals));
        alone
    }

    /// The datasets of all requests: of the workload, of classes and of groups.
    pub(super) fn datasets(&self) -> impl Iterator<Item = &Dataset> {
        let of_classes = self.classes.values().filter_map(|class| class.dataset.as_ref());
        let of_groups = self.edges.values().filter_map(|edge| edge.dataset.as_ref());
        std::iter::once(&self.workload.dataset).chain(of_classes).chain(of_groups)
    }

    /// True if the model that a key names may answer requests of the dataset that another names: a group of edges answers its own.
    pub(super) fn answers_on(&self, model: &str, dataset: &str) -> bool {
        let groups = self.groups();
        let is_own = |group: &Group<'_>| group.edge.dataset.is_some() && key_of(group) == dataset;
        match groups.iter().find(|group| model == format!("{}.model", group.key)) {
            Some(group) if group.edge.dataset.is_some() => is_own(group),
            Some(_) => !groups.iter().any(is_own),
            None => true,
        }
    }

    /// The scenario as if all of its requests were of one kind, and the key of that kind's dataset: those of each class, or of the
    /// workload without classes, and of each group with a dataset of its own.
    pub(super) fn of_each_kind(&self) -> Vec<(String, Self)> {
        let workload = || WORKLOAD.to_owned();
        let of_class = |(name, class): (&String, &Class)| {
            let key = if class.dataset.is_some() { format!("classes.{name}.dataset") } else { workload() };
            (key, self.of_class(class))
        };
        let of_group =
            |group: Group<'_>| group.edge.dataset.is_some().then(|| (key_of(&group), self.of_group(group.edge)));
        let whole = self.classes.is_empty().then(|| (workload(), self.clone()));
        let classes = self.classes.iter().map(of_class);
        classes.chain(whole).chain(self.groups().into_iter().filter_map(of_group)).collect()
    }
}

/// The key of a group's dataset.
fn key_of(group: &Group<'_>) -> String {
    format!("{}.dataset", group.key)
}

/// Refuses datasets of groups that cannot be played.
pub fn check(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    for group in scenario.groups() {
        let Some(dataset) = &group.edge.dataset else { continue };
        let key = key_of(&group);
        let refuse = |reason: &str| Err(source.refuse_key(&key, reason));
        if scenario.edges.is_empty() {
            return refuse("one group has the scenario's requests; write workload.dataset instead");
        }
        if !scenario.classes.is_empty() {
            return refuse("requests are of several classes, which have datasets of their own; leave out either");
        }
        if scenario.workload.questions_per_picture > 1 {
            let reason = "requests of several datasets have no pictures in common; leave it out";
            return Err(source.refuse_key("workload.questions_per_picture", reason));
        }
        if group.edge.arrivals.is_none() && matches!(scenario.arrivals, Arrivals::Trace(_)) {
            return refuse("the scenario plays its own trace at its times; give the group `arrivals`, or leave it out");
        }
        if group.edge.plays_trace() && group.edge.arrivals.is_none() {
            return refuse("a group plays its trace alone; give it `arrivals` in the place of a share");
        }
        if group.edge.plays_trace() && scenario.workload.sessions.is_some() {
            let reason = format!("{key} is a trace, whose requests state their whole prompts; leave it out");
            return Err(source.refuse_key("workload.sessions", &reason));
        }
        if let Dataset::Custom(custom) = dataset
            && let Err((what, reason)) = custom.shape().check()
        {
            return refuse(&format!("{what}: {reason}"));
        }
        lookup::requests(source, &scenario.of_group(group.edge), &key)?;
    }
    Ok(())
}

/// The requests that each group has of its own, and its own arrivals.
pub struct OfGroups {
    /// Requests of each group; empty where none has any.
    pub own: Vec<Option<OwnRequests>>,
    /// Arrivals of each group.
    pub arrivals: Vec<Option<engine::Arrivals>>,
}

/// The requests and arrivals of all groups.
///
/// # Errors
/// At the key of a group's that cannot be.
pub fn resolve(source: &Source, scenario: &Scenario) -> Result<OfGroups, Failure> {
    let (mut own, mut all_arrivals) = (Vec::new(), Vec::new());
    for (place, group) in scenario.groups().iter().enumerate() {
        let at = format!("{}.arrivals", group.key);
        let Some(_) = &group.edge.dataset else {
            let arrivals = group.edge.arrivals.as_ref().map(|own| own.resolve(source, &at, 1.0));
            all_arrivals.push(arrivals.transpose()?);
            own.push(None);
            continue;
        };
        let (alone, key) = (scenario.of_group(group.edge), key_of(group));
        let requests = lookup::requests(source, &alone, &key)?;
        let (benchmark, pictures) = (requests.benchmark(), requests.has_pictures());
        let (content, is_timed) = requests.content(source.traces(), source.folder(), &lookup::reading(&alone))?;
        check_pictures(source, &content, &key)?;
        if pictures || has_pictures(&content) {
            check_sight(source, scenario, place)?;
        }
        let has_own = group.edge.arrivals.is_some();
        let arrivals = arrivals::of_content(source, &alone, (&content, is_timed), [&at, &key])?;
        all_arrivals.push(has_own.then_some(arrivals));
        own.push(Some(OwnRequests { content, benchmark }));
    }
    if own.iter().all(Option::is_none) {
        own.clear();
    }
    Ok(OfGroups { own, arrivals: all_arrivals })
}

/// Refuses a model that cannot see the pictures of a group's requests: the group's, or that of a pool.
fn check_sight(source: &Source, scenario: &Scenario, group: usize) -> Result<(), Failure> {
    let groups = scenario.groups().len();
    for (place, tier) in scenario.tiers().iter().enumerate().filter(|(place, _)| *place == group || *place >= groups) {
        let key = format!("{}.model", tier.key);
        let model = lookup::known_model(source, scenario, &key, tier.model)?;
        if model.vision.is_none() && (place >= groups || tier.device != super::fleet::NO_DEVICE) {
            return Err(lookup::blind(source, &key, &model.name));
        }
    }
    Ok(())
}

/// True if requests of a trace have pictures.
pub fn has_pictures(content: &Content) -> bool {
    matches!(content, Content::Trace(trace) if trace.requests.iter().any(|one| one.pictures.is_some()))
}

/// Refuses a picture of a trace that no processor takes.
pub fn check_pictures(source: &Source, content: &Content, key: &str) -> Result<(), Failure> {
    let Content::Trace(trace) = content else { return Ok(()) };
    for (number, request) in (1..).zip(trace.requests.iter()) {
        if let Some(Pictures { size: PictureSize::Pixels { width, height }, .. }) = request.pictures
            && is_too_elongated(width, height)
        {
            let found = format!("request {number} of the trace has a picture of {width}x{height}");
            let expected = format!("expected sides of which none is longer than {MAX_ASPECT} times the other");
            return Err(source.refuse_key(key, &format!("{found}; {expected}; remove its line")));
        }
    }
    Ok(())
}

/// The accuracies of the models on the requests of each group, for each pool.
pub fn accuracy(scenario: &Scenario) -> Vec<Vec<KnownAccuracy>> {
    let mut all = grounds::accuracy(scenario);
    for (place, group) in scenario.groups().iter().enumerate().filter(|(_, group)| group.edge.dataset.is_some()) {
        all[place] = grounds::accuracy(&scenario.of_group(group.edge)).swap_remove(place);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::read::testing;

    #[test]
    fn accuracies_of_a_group_are_those_on_its_dataset() {
        let groups = "[edges.camera]\ndataset = \"mmbench\"\n[edges.phone]\n";
        let text = format!("name = \"x\"\n[policy.msao]\n[workload]\ndataset = \"vqav2\"\n{groups}");
        let (_, scenario) = testing::source(&text);
        let of = |place: usize| accuracy(&scenario)[place][0].cloud.expect("a figure").as_f64();
        assert_eq!([of(0), of(1)], [0.7607, 0.7717]);
    }
}
