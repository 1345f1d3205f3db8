//! The keys that nothing reads at one point of a scenario, with the reasons.

use super::rules::{At, RULES, RULES_OF_SHAPES};
use crate::scenario::fleet::Tier;
use crate::scenario::keys::{Path, parts};
use crate::scenario::{Dataset, Scenario, Source, resolve};
use policies::{Asked, System};

/// The keys that are idle at a point, with the reasons.
pub(super) fn covered(scenario: &Scenario, asked: Asked) -> Vec<(Path, String)> {
    let systems = scenario.policy.systems();
    let at = At::new(scenario, asked, &systems);
    let path = |key: &str| parts(key).into_iter().map(str::to_owned).collect::<Path>();
    let mut covered = of_rules(&at);
    covered.extend(of_own_hardware(scenario, &systems));
    covered.extend(of_edges_without_gpu(scenario));
    let dataset = scenario.workload.dataset.label();
    for name in scenario.dataset.keys() {
        let table = vec!["dataset".to_owned(), name.clone()];
        if *name == dataset && matches!(scenario.workload.dataset, Dataset::Named(_)) {
            let holding = RULES_OF_SHAPES.iter().filter(|(.., holds)| holds(&at));
            let keys = holding.flat_map(|(keys, why, _)| keys.iter().map(move |key| (*key, *why)));
            covered.extend(keys.map(|(key, why)| ([table.clone(), path(key)].concat(), why.to_owned())));
        } else if !scenario.datasets().any(|dataset| matches!(dataset, Dataset::Named(other) if other == name)) {
            covered.push((table, format!("workload.dataset is not \"{name}\"")));
        }
    }
    for ((_, system), table) in systems.iter().zip(scenario.policy.paths()) {
        let keys = system.idle(at.asked).into_iter();
        covered.extend(keys.map(|(key, why)| (path(&format!("{table}.{key}")), why.to_owned())));
    }
    covered
}

/// The keys that [`RULES`] cover at a point: those of edges in each group's table, those of the cloud in each pool's.
fn of_rules(at: &At<'_>) -> Vec<(Path, String)> {
    let path = |key: &str| parts(key).into_iter().map(str::to_owned).collect::<Path>();
    let (groups, pools) = (at.scenario.groups(), at.scenario.clouds());
    let mut covered = Vec::new();
    for (key, why, holds) in RULES.iter().flat_map(|(keys, why, holds)| keys.iter().map(move |key| (*key, *why, holds)))
    {
        let places: Vec<(String, At<'_>)> = if let Some(rest) = key.strip_prefix("edge.") {
            groups.iter().map(|one| (format!("{}.{rest}", one.key), At { edge: one.edge, ..at.clone() })).collect()
        } else if let Some(rest) = key.strip_prefix("cloud.") {
            pools.iter().map(|one| (format!("{}.{rest}", one.key), At { cloud: one.cloud, ..at.clone() })).collect()
        } else {
            vec![(key.to_owned(), at.clone())]
        };
        let held = places.into_iter().filter(|(_, at)| holds(at));
        covered.extend(held.map(|(key, _)| (path(&key), why.to_owned())));
    }
    covered
}

/// The devices and models of a scenario's own that no tier has.
fn of_own_hardware(scenario: &Scenario, systems: &[(String, System)]) -> Vec<(Path, String)> {
    let tiers = scenario.tiers();
    let has = |name: &str, of: fn(&Tier<'_>) -> String| tiers.iter().any(|tier| of(tier) == *name);
    let drafts =
        |name: &str| systems.iter().any(|(_, system)| system.drafter().and_then(|one| one.model) == Some(name));
    let devices = scenario.device.keys().map(|name| ("device", name, has(name, |tier| tier.device.to_owned())));
    let models =
        scenario.model.keys().map(|name| ("model", name, has(name, |tier| tier.model.to_owned()) || drafts(name)));
    let unused = devices.chain(models).filter(|(.., is_used)| !is_used);
    let reason = |kind: &str, name: &str| match scenario.is_fleet() {
        false => format!("neither edge.{kind} nor cloud.{kind} is \"{name}\""),
        true => format!("no table of edges or of the cloud has {kind} = \"{name}\""),
    };
    unused.map(|(kind, name, _)| (vec![kind.to_owned(), name.clone()], reason(kind, name))).collect()
}

/// The keys of edges without a GPU that are about one.
fn of_edges_without_gpu(scenario: &Scenario) -> Vec<(Path, String)> {
    const OF_GPU: [&str; 11] = [
        "model",
        "weights",
        "tower_weights",
        "kv",
        "engine",
        "tuning",
        "profile",
        "noise",
        "probe_layers",
        "kv_blocks",
        "batch",
    ];
    let without = scenario.groups().into_iter().filter(|group| !group.edge.has_gpu());
    let path = |key: String| parts(&key).into_iter().map(str::to_owned).collect::<Path>();
    let keys = without.flat_map(|group| OF_GPU.map(|key| path(format!("{}.{key}", group.key))));
    keys.map(|key| (key, "its edges have no GPU".to_owned())).collect()
}

/// The profiles of which nothing is used, with the reasons.
pub(super) fn withheld_profiles(source: &Source, scenario: &Scenario) -> Vec<(Path, String)> {
    let tiers = scenario.tiers();
    let named = tiers.iter().filter(|tier| tier.profile.is_some());
    let withheld = named.filter_map(|tier| Some((&tier.key, resolve::withheld(source, scenario, tier)?)));
    let keys = withheld.flat_map(|(table, why)| {
        let why = format!("{why}; for those the roofline is safer");
        let path = |key: &str| parts(&format!("{table}.{key}")).into_iter().map(str::to_owned).collect::<Path>();
        ["profile", "noise"].map(|key| (path(key), why.clone()))
    });
    keys.collect()
}
