//! The tables of a fleet: `[edge]` or `[edges.NAME]`, `[cloud]` or `[pools.NAME]`, and the router between them.
//!
//! `[edge]` is a fleet of one group, called `edge`; `[cloud]` is one pool, called `cloud`. Everything else sees groups and pools.

use super::loads::Arrivals;
use super::routers::Router;
use super::tier::{Cloud, Edge, Formats, GroupPolicy, Noise, Tuning};
use super::{Dataset, Mode, Scenario, Source};
use crate::terminal::Failure;
use engine::Routing;
use model::engine_kind::EngineKind;
use policies::System;
use serde_json::{Value as Json, json};
use std::path::Path;
use units::{Ratio, SimDuration};

/// The device of edges that have no GPU.
pub const NO_DEVICE: &str = "none";

/// Time between two reports of a replica's load where pools are written and nothing else is: the interval at which the endpoint
/// picker of Kubernetes' inference gateway reads the metrics of its servers.
const REPORT_EVERY: SimDuration = SimDuration::from_ms(50);

/// A table of edges with its key, such as `edges.phone`.
#[derive(Clone, Debug)]
pub struct Group<'s> {
    /// The key.
    pub key: String,
    /// The last part of it.
    pub name: &'s str,
    /// The table.
    pub edge: &'s Edge,
}

/// A table of the cloud's GPUs with its key, such as `pools.fast`.
#[derive(Clone, Debug)]
pub struct Pool<'s> {
    /// The key.
    pub key: String,
    /// The last part of it.
    pub name: &'s str,
    /// The table.
    pub cloud: &'s Cloud,
}

/// The part that tables of edges and of the cloud have in common.
#[derive(Clone, Debug)]
pub struct Tier<'s> {
    pub(super) key: String,
    /// True of edges.
    pub(super) is_edge: bool,
    pub(super) device: &'s str,
    pub(super) model: &'s str,
    pub(super) formats: Formats,
    pub(super) engine: EngineKind,
    pub(super) tuning: &'s Tuning,
    pub(super) profile: Option<&'s Path>,
    pub(super) noise: Noise,
}

impl Tier<'_> {
    /// The side, as profiles and accuracies call it.
    pub(super) fn side(&self) -> &'static str {
        if self.is_edge { "edge" } else { "cloud" }
    }
}

impl Edge {
    /// True if its edges have a GPU.
    pub fn has_gpu(&self) -> bool {
        self.device != NO_DEVICE
    }

    /// True if a group plays a trace of its own.
    pub fn plays_trace(&self) -> bool {
        self.dataset.as_ref().is_some_and(Dataset::is_trace)
    }
}

impl Scenario {
    /// The groups of edges.
    pub fn groups(&self) -> Vec<Group<'_>> {
        if self.edges.is_empty() {
            return vec![Group { key: "edge".to_owned(), name: "edge", edge: &self.edge }];
        }
        self.edges.iter().map(|(name, edge)| Group { key: format!("edges.{name}"), name, edge }).collect()
    }

    /// The pools of the cloud.
    pub fn clouds(&self) -> Vec<Pool<'_>> {
        if self.pools.is_empty() {
            return vec![Pool { key: "cloud".to_owned(), name: "cloud", cloud: &self.cloud }];
        }
        self.pools.iter().map(|(name, cloud)| Pool { key: format!("pools.{name}"), name, cloud }).collect()
    }

    /// The device that plays both tiers of a replay, if the scenario names it.
    pub(super) fn played_on(&self) -> Option<&str> {
        self.replay.as_ref().filter(|_| self.mode == Mode::Replay)?.device.as_deref()
    }

    /// The tables of all groups, then those of all pools, as far as they are alike.
    pub fn tiers(&self) -> Vec<Tier<'_>> {
        let edges = self.groups().into_iter().map(|Group { key, edge, .. }| Tier {
            key,
            is_edge: true,
            device: self.played_on().filter(|_| edge.has_gpu()).unwrap_or(&edge.device),
            model: &edge.model,
            formats: edge.formats(),
            engine: edge.engine,
            tuning: &edge.tuning,
            profile: edge.profile.as_deref(),
            noise: edge.noise,
        });
        let clouds = self.clouds().into_iter().map(|Pool { key, cloud, .. }| Tier {
            key,
            is_edge: false,
            device: self.played_on().unwrap_or(&cloud.device),
            model: &cloud.model,
            formats: cloud.formats(),
            engine: cloud.engine,
            tuning: &cloud.tuning,
            profile: cloud.profile.as_deref(),
            noise: cloud.noise,
        });
        edges.chain(clouds).collect()
    }

    /// The tier whose table has this key; none if there is no such table.
    pub fn tier(&self, key: &str) -> Option<Tier<'_>> {
        self.tiers().into_iter().find(|tier| tier.key == key)
    }

    /// True if it has groups of edges or pools.
    pub fn is_fleet(&self) -> bool {
        !self.edges.is_empty() || !self.pools.is_empty()
    }

    /// Edges of all groups.
    pub fn edge_count(&self) -> u64 {
        self.groups().iter().map(|group| u64::from(group.edge.count)).sum()
    }

    /// True if any tier has a profile.
    pub fn is_profiled(&self) -> bool {
        self.tiers().iter().any(|tier| tier.profile.is_some())
    }

    /// Device, model and engine of the edges or of the cloud, for the manifest; those of several tables joined by commas.
    pub fn side(&self, is_edge: bool) -> Json {
        let tiers: Vec<_> = self.tiers().into_iter().filter(|tier| tier.is_edge == is_edge).collect();
        let joined = |of: fn(&Tier<'_>) -> String| {
            let mut names: Vec<String> = tiers.iter().map(of).collect();
            names.dedup();
            names.join(", ")
        };
        json!({
            "device": joined(|tier| tier.device.to_owned()),
            "model": joined(|tier| tier.model.to_owned()),
            "engine": joined(|tier| tier.engine.name().to_owned()),
        })
    }

    /// Replicas of all pools.
    pub fn replicas(&self) -> u64 {
        let of = |pool: &Pool<'_>| u64::from(pool.cloud.gpus / pool.cloud.tensor_parallel.max(1));
        self.clouds().iter().map(of).sum()
    }

    /// The router, and the age of what it sees.
    pub fn routing(&self) -> Routing {
        let usual = (!self.pools.is_empty() && self.replicas() > 1).then_some(REPORT_EVERY);
        Routing { rule: self.router.resolved(), report_every: self.report_every.or(usual) }
    }

    /// The number of a group's pool, for a router by class.
    pub fn pool_of(&self, edge: &Edge) -> u32 {
        let place = edge.pool.as_ref().and_then(|name| self.clouds().iter().position(|pool| pool.name == name));
        place.unwrap_or(0) as u32
    }
}

/// Refuses fleets that cannot be.
pub fn check(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    one_form(source, "edge", "edges")?;
    one_form(source, "cloud", "pools")?;
    if scenario.mode == Mode::Replay && scenario.is_fleet() {
        let reason = "a replay has one edge's models and one cloud's; write [edge] and [cloud]";
        return Err(source.refuse_key(if scenario.edges.is_empty() { "pools" } else { "edges" }, reason));
    }
    let groups = scenario.edges.keys().map(|name| ("edges", name));
    for (table, name) in groups.chain(scenario.pools.keys().map(|name| ("pools", name))) {
        let is_safe = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || !name.chars().all(is_safe) {
            let reason = format!("found the name \"{name}\"; expected letters, digits, `-` and `_`");
            return Err(source.refuse_at(&[table, name], &reason));
        }
    }
    shares(source, scenario)?;
    arrivals(source, scenario)?;
    classes(source, scenario)
}

/// Refuses a table of one kind beside tables of several.
fn one_form(source: &Source, one: &str, many: &str) -> Result<(), Failure> {
    let written = source.written();
    if written.contains_key(one) && written.contains_key(many) {
        let reason = format!("found beside [{many}.NAME]; move its keys to tables there, or leave those out");
        return Err(source.refuse_key(one, &reason));
    }
    Ok(())
}

/// Refuses shares of the scenario's requests that are not all of them.
fn shares(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    let groups = scenario.groups();
    let refuse = |group: &Group<'_>, reason: &str| Err(source.refuse_key(&format!("{}.share", group.key), reason));
    let Some(first) = groups.iter().find(|group| group.edge.share.is_some()) else { return Ok(()) };
    if let Some(both) = groups.iter().find(|group| group.edge.share.is_some() && group.edge.arrivals.is_some()) {
        return refuse(both, "the group has arrivals of its own; leave out the share, or those");
    }
    if matches!(scenario.arrivals, Arrivals::ClosedLoop(_)) {
        let reason = "the arrivals are a closed loop, whose clients each belong to an edge; use [arrivals.poisson]";
        return refuse(first, reason);
    }
    if matches!(scenario.arrivals, Arrivals::Periodic(_)) {
        return refuse(first, "each edge sends with the period, so a group's share is that of its edges; leave it out");
    }
    let common = || groups.iter().filter(|group| group.edge.arrivals.is_none());
    if let Some(without) = common().find(|group| group.edge.share.is_none()) {
        let reason =
            format!("{} has no share; give one to each group without arrivals of its own, or to none", without.key);
        return refuse(first, &reason);
    }
    let sum: f64 = common().filter_map(|group| group.edge.share).map(Ratio::as_f64).sum();
    if (sum - 1.0).abs() > 1e-6 {
        let reason = format!("the shares of all groups sum to {:.4}; expected 1", sum);
        return refuse(first, &reason);
    }
    Ok(())
}

/// Refuses arrivals of a group that cannot be played.
fn arrivals(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    for group in scenario.groups() {
        let key = format!("{}.arrivals", group.key);
        match &group.edge.arrivals {
            None => {}
            Some(_) if scenario.edges.is_empty() => {
                return Err(source.refuse_key(&key, "one group has the scenario's arrivals; write [arrivals] instead"));
            }
            Some(Arrivals::Trace(_)) if !group.edge.plays_trace() => {
                let reason = "the group has no trace of its own, and takes its share of the scenario's; name one as its `dataset`, \
                              or give it a `share`";
                return Err(source.refuse_key(&key, reason));
            }
            Some(_) if matches!(scenario.arrivals, Arrivals::Trace(_)) && group.edge.dataset.is_none() => {
                let reason = "the scenario plays a trace at its times, which leaves no room for others; leave it out";
                return Err(source.refuse_key(&key, reason));
            }
            Some(arrivals) => arrivals.check(source, &key)?,
        }
    }
    Ok(())
}

/// Refuses classes without a pool, pools without a class, and classes that no router looks at.
fn classes(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    let (groups, pools) = (scenario.groups(), scenario.clouds());
    let known = || pools.iter().map(|pool| pool.name).collect::<Vec<_>>().join(", ");
    for group in &groups {
        let key = format!("{}.pool", group.key);
        let by_class = scenario.router == Router::ByClass;
        match &group.edge.pool {
            None if by_class => {
                let reason = format!(
                    "{} names no pool, and router = \"by_class\" goes by it; expected one of {}",
                    group.key,
                    known()
                );
                return Err(source.refuse_key(&group.key, &reason));
            }
            Some(_) if !by_class => {
                let reason = "only a router by class looks at it; set router = \"by_class\", or leave it out";
                return Err(source.refuse_key(&key, reason));
            }
            Some(name) if !pools.iter().any(|pool| pool.name == name) => {
                let reason = format!("no pool is called \"{name}\"; expected one of {}", known());
                return Err(source.refuse_key(&key, &reason));
            }
            _ => {}
        }
    }
    let is_reached = |pool: &Pool<'_>| groups.iter().any(|group| group.edge.pool.as_deref() == Some(pool.name));
    match pools.iter().find(|pool| scenario.router == Router::ByClass && !is_reached(pool)) {
        Some(pool) => {
            let reason =
                "no group names it, so no request reaches it; name it as the `pool` of a group, or leave it out";
            Err(source.refuse_key(&pool.key, reason))
        }
        None => Ok(()),
    }
}

/// Refuses a policy that a fleet cannot be served by.
pub fn check_policy(source: &Source, scenario: &Scenario, system: &System, path: &str) -> Result<(), Failure> {
    let uses = system.uses();
    let encodes = scenario.workload.payload == model::request::PayloadFormat::VisionTokens && uses.cloud;
    for group in scenario.groups().iter().filter(|group| !group.edge.has_gpu()) {
        if encodes {
            let reason = format!("{} has no GPU to encode pictures with; send them as they are", group.key);
            return Err(source.refuse_key("workload.payload", &reason));
        }
        if uses.edge_model && group.edge.policy.is_none() {
            let reason = format!(
                "{key} has no GPU (device = \"{NO_DEVICE}\"), and this policy runs a model there; set {key}.policy = \
                 \"cloud_only\", which sends its requests whole, or leave the policy out",
                key = group.key
            );
            return Err(source.refuse_key(path, &reason));
        }
        if !uses.cloud && group.edge.policy.is_none() {
            let reason = format!("{} has no GPU, and this policy answers nowhere else; leave it out", group.key);
            return Err(source.refuse_key(path, &reason));
        }
    }
    let pools = scenario.clouds();
    let served = |pool: &Pool<'_>| (pool.cloud.model.clone(), pool.cloud.formats());
    let models_differ = pools.iter().any(|pool| served(pool) != served(&pools[0]));
    if models_differ && system.split().is_some() {
        let reason = "it splits the cloud's model, and the pools have several; give all pools one model in one format, or leave it out";
        return Err(source.refuse_key(path, reason));
    }
    if models_differ && encodes {
        let reason = "edges encode pictures for the cloud's model, and the pools have several; send them as they are";
        return Err(source.refuse_key("workload.payload", reason));
    }
    Ok(())
}

/// True of a group whose requests are sent whole, whatever the policy.
pub fn only_sends(edge: &Edge) -> bool {
    edge.policy == Some(GroupPolicy::CloudOnly)
}
