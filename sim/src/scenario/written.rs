//! The keys of a scenario file, as they stand, with every default filled in.

use super::class::Class;
use super::costs::Costs;
use super::dataset::{Dataset, Requests, Wanted, shipped};
use super::hop::{self, Hop};
use super::link::Link;
use super::loads::{Arrivals, TraceTimes};
use super::own::CustomModel;
use super::replay::Replay;
use super::require::Require;
use super::routers::{Learning, Router};
use super::slo::Slo;
use super::sweep::Sweep;
use super::tier::{Cloud, Edge};
use super::tokens::Tokens;
use super::warm_up::WarmUp;
use model::dataset::{Sessions, Shape};
use model::{accuracy::PruningLoss, device::Device, mas::DescriptorLaw, request::PayloadFormat};
use policies::PolicyTable;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use units::{Ratio, SimDuration};

/// A scenario file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Name of the scenario and of its results folder.
    pub name: String,
    /// Description: the question that the scenario answers, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Way of running: `simulate` with modelled compute (default), or `replay` on real models.
    #[serde(default)]
    pub mode: Mode,
    /// Seed of all random streams; default 1.
    #[serde(default = "one")]
    pub seed: u64,
    /// Independent replications, each with its own random streams; default 3. Confidence intervals need at least two.
    #[serde(default = "three")]
    pub replications: u32,
    /// The edges, if all are of one kind.
    #[serde(default, skip_serializing_if = "Edge::is_replaced")]
    pub edge: Edge,
    /// Groups of edges, by name, in the place of `[edge]`: each with its own number, device, model and engine.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub edges: BTreeMap<String, Edge>,
    /// The cloud, if all of its GPUs are of one kind.
    #[serde(default, skip_serializing_if = "Cloud::is_replaced")]
    pub cloud: Cloud,
    /// Pools of the cloud's GPUs, by name, in the place of `[cloud]`: each with its own number, device, model and engine.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pools: BTreeMap<String, Cloud>,
    /// Router among pools and their replicas; default `fewest_requests`.
    #[serde(default, skip_serializing_if = "Router::is_default")]
    pub router: Router,
    /// Time between two reports of a replica's load, e.g. `50 ms`. Routers and policies see the last report that has arrived, half a
    /// round trip after it was sent. If absent, 50 ms between several replicas of `[pools.NAME]`; else loads are known at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_every: Option<SimDuration>,
    /// Owners of what a policy learns: each edge by itself (`edge`, default), or all edges, as old as their reports (`shared`).
    #[serde(default, skip_serializing_if = "Learning::is_default")]
    pub memory: Learning,
    /// The link between them.
    #[serde(default)]
    pub link: Link,
    /// Hops of the link, from the edge on, in the place of the rates, delays and losses of `[link]` and of `[edge.link]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hop: Vec<Hop>,
    /// The requests: dataset, number, lengths and payload.
    pub workload: Workload,
    /// Times at which requests arrive; if absent, those of a trace, and for other datasets a closed loop.
    #[serde(default)]
    pub arrivals: Arrivals,
    /// Classes of requests, by name: each with its own dataset, share, priority, targets and answers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<String, Class>,
    /// Limits on the latencies of requests, which give `slo_attainment_pct` and goodput, and the targets of `sim capacity`.
    #[serde(default, skip_serializing_if = "Slo::is_empty")]
    pub slo: Slo,
    /// Prices, and the energy of radio and network.
    #[serde(default, skip_serializing_if = "Costs::is_empty")]
    pub costs: Costs,
    /// Token process: entropy and acceptance of each drafted token.
    #[serde(default)]
    pub tokens: Tokens,
    /// Distributions of the descriptors that MSAO's probe measures.
    #[serde(default)]
    pub descriptors: DescriptorLaw,
    /// Accuracy of the models, and the loss by pruning.
    #[serde(default)]
    pub accuracy: AccuracyKeys,
    /// Tiers that `memory_gb_peak` counts; each tier's peak also has a column of its own.
    #[serde(default)]
    pub memory_scope: MemoryScope,
    /// Custom devices, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub device: BTreeMap<String, Device>,
    /// Custom models, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub model: BTreeMap<String, CustomModel>,
    /// Custom datasets, by name: `workload.dataset = "NAME"` picks one. A table with the name of a built-in one replaces it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dataset: BTreeMap<String, Shape>,
    /// The policies to compare.
    pub policy: PolicyTable,
    /// Property that every policy must have; one that lacks it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require: Option<Require>,
    /// Seeds of the points of a sweep: the same for all (`common`, default) or one each (`from_id`).
    #[serde(default)]
    pub point_seeds: PointSeeds,
    /// Real models that stand for the tiers in `mode = "replay"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replay>,
    /// Keys to vary; every combination of their values is a point.
    #[serde(default, skip_serializing_if = "Sweep::is_empty")]
    pub sweep: Sweep,
}

impl Scenario {
    /// The scenario as TOML, with every default filled in and file names absolute, so that it can be run from anywhere.
    pub fn resolved_text(&self, folder: &Path) -> String {
        self.text_with(|file| std::path::absolute(folder.join(file)).unwrap_or_else(|_| folder.join(file)))
    }

    /// The scenario as TOML, with every default filled in and another name for each file.
    pub fn text_with(&self, mut name: impl FnMut(&Path) -> PathBuf) -> String {
        let mut named = self.clone();
        named.workload.dataset.rename_files(&mut name);
        let of_groups = named.edges.values_mut().filter_map(|edge| edge.dataset.as_mut());
        of_groups.for_each(|dataset| dataset.rename_files(&mut name));
        let files = named
            .link
            .files()
            .chain(hop::files(&mut named.hop))
            .chain(named.tokens.file())
            .chain(named.arrivals.file());
        let edges = std::iter::once(&mut named.edge).chain(named.edges.values_mut());
        let clouds = std::iter::once(&mut named.cloud).chain(named.pools.values_mut());
        let files = files.chain(named.classes.values_mut().filter_map(|class| class.arrivals.as_mut()?.file()));
        let files = files.chain(edges.flat_map(Edge::files));
        let files = files.chain(clouds.filter_map(|cloud| cloud.profile.as_mut()));
        let files = files.chain(named.model.values_mut().filter_map(|model| model.config.as_mut()));
        for file in files.chain(named.replay.iter_mut().flat_map(Replay::files)) {
            *file = name(file);
        }
        for file in named.policy.external.0.iter_mut().flat_map(|external| external.settings.files()) {
            *file = name(Path::new(file)).to_string_lossy().into_owned();
        }
        toml::to_string(&named).expect("a scenario is TOML")
    }
}

impl Scenario {
    /// The requests of its dataset; none if no dataset has that name.
    pub fn requests(&self) -> Option<Requests<'_>> {
        match &self.workload.dataset {
            Dataset::Named(name) => {
                self.dataset.get(name).or_else(|| shipped(name)).map(|shape| Requests::Shape(Arc::new(shape.clone())))
            }
            Dataset::Custom(custom) => Some(Requests::Shape(Arc::new(custom.shape()))),
            Dataset::Trace(trace) => Some(Requests::Trace(trace)),
        }
    }

    /// Settles what depends on the keys that were written: a trace keeps its arrival times where `[arrivals]` is not among them,
    /// groups or pools take the place of `[edge]` or `[cloud]`, and hops that of `[link]`.
    pub fn settle(&mut self, written: &toml::Table) {
        if self.workload.dataset.is_trace() && !written.contains_key("arrivals") {
            self.arrivals = Arrivals::Trace(TraceTimes::default());
        }
        let keeps_times = |edge: &&mut Edge| edge.plays_trace() && edge.arrivals.is_none() && edge.share.is_none();
        let groups = self.edges.values_mut().filter(keeps_times);
        groups.for_each(|edge| edge.arrivals = Some(Arrivals::Trace(TraceTimes::default())));
        (self.edge.is_replaced, self.cloud.is_replaced) = (!self.edges.is_empty(), !self.pools.is_empty());
        if !self.hop.is_empty() {
            self.link.leave_to_hops();
        }
    }

    /// A remark if requests of a trace do not arrive at its times.
    pub fn remark(&self) -> Option<String> {
        let instead = self.arrivals.words()?;
        let label = self.workload.dataset.label();
        self.workload.dataset.is_trace().then(|| format!("Arrivals: {instead}; not the times of the trace {label}."))
    }

    /// The engines of the edges and of the cloud; several are joined by commas.
    pub fn engines(&self) -> [String; 2] {
        let named = |is_edge| {
            let tiers = self.tiers().into_iter().filter(|tier| tier.is_edge == is_edge);
            let names: BTreeSet<&str> = tiers.map(|tier| tier.engine.name()).collect();
            names.into_iter().collect::<Vec<_>>().join(",")
        };
        [named(true), named(false)]
    }
}

fn one() -> u64 {
    1
}

fn three() -> u32 {
    3
}

/// The ways of running a scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Virtual clock, modelled compute, modelled link.
    #[default]
    Simulate,
    /// Virtual clock, real models, modelled link. Every step is executed, and its measured time moves the clock.
    Replay,
}

impl Mode {
    /// The mode's name in a scenario.
    pub fn name(self) -> &'static str {
        match self {
            Self::Simulate => "simulate",
            Self::Replay => "replay",
        }
    }
}

/// The requests: dataset, number, lengths and payload.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Source of the requests: a dataset by name, a custom shape, or a trace.
    pub dataset: Dataset,
    /// Number of requests of a run; default 1,000. A trace may have fewer.
    #[serde(default = "thousand")]
    pub requests: u64,
    /// Length of every answer, tokens; the dataset's own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u32>,
    /// Format in which pictures are sent.
    #[serde(default)]
    pub payload: PayloadFormat,
    /// Longest answer that is asked for, tokens (a client's `max_tokens`): longer answers are cut, and counted. If absent,
    /// none is cut. KV cache is set aside for it at admission; if absent, for 1,024 tokens or the answer, if it is longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    /// Part of a trace that is played, e.g. `{ from = "10 min", until = "20 min" }`; all of it if absent.
    #[serde(default, skip_serializing_if = "Window::is_whole")]
    pub window: Window,
    /// Tokens of a system prompt in front of every prompt, the same for all, beside the text tokens of the dataset; default 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub system_prompt: u32,
    /// Number of requests in a row, or of sessions, that ask about the same pictures and hear the same sound; default 1.
    #[serde(default = "one_question", skip_serializing_if = "is_one")]
    pub questions_per_picture: u32,
    /// Sessions of users, e.g. `{ turns = 4, think = "10 s" }`: each turn repeats the session so far, its pictures included, and
    /// `arrivals` are those of sessions. If absent, every request stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Sessions>,
    /// Requests at the start that no figure counts: the first so many, e.g. `100`, or those that arrive before a time, e.g.
    /// `30 s`; default none. Their rows are kept, with a mark; rates and utilisation count from the end of the warm-up.
    #[serde(default, skip_serializing_if = "is_default")]
    pub warm_up: WarmUp,
    /// Longest time that a client waits, e.g. `10 s`: a later answer counts as timed out, not as completed. The servers are not told
    /// and work on to its end. If absent, clients wait for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<SimDuration>,
    /// True lets the edge's model answer requests that come in while the uplink is down, under policies that have one there;
    /// default false: they wait.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fall_back: bool,
    /// Time after which a request under way falls back too, e.g. `2 s`, if its input has not reached the cloud and the uplink is down; it is
    /// looked at again after as long. 1 ms or more. If absent, requests under way wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fall_back_after: Option<SimDuration>,
}

impl Workload {
    /// The part of a trace that is played.
    pub fn wanted(&self) -> Wanted {
        let Window { from, until, skip } = self.window;
        Wanted { from, until, skip, most: self.requests }
    }
}

/// Part of a trace that is played. Its first request arrives at 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Window {
    /// Requests before this time are left out, e.g. `10 min` after the trace's first request; default 0.
    #[serde(skip_serializing_if = "is_default")]
    pub from: SimDuration,
    /// Requests at this time or later are left out, e.g. `20 min` after the trace's first request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<SimDuration>,
    /// Number of requests to leave out first; default 0.
    #[serde(skip_serializing_if = "is_default")]
    pub skip: u64,
}

impl Window {
    /// True if it leaves nothing out.
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    /// True if it leaves requests out by number alone.
    pub fn is_of_numbers(&self) -> bool {
        self.from.is_zero() && self.until.is_none()
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn one_question() -> u32 {
    1
}

fn is_one(questions: &u32) -> bool {
    *questions == 1
}

fn thousand() -> u64 {
    1000
}

/// Accuracy of the models on whole inputs, and the loss by pruning.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AccuracyKeys {
    /// Share of right answers of the cloud's model as it is served, from 0 to 1. If absent, that of `source`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud: Option<Ratio>,
    /// Share of right answers of the edge's model as it is served, from 0 to 1. If absent, that of `source`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge: Option<Ratio>,
    /// Source of the accuracies, e.g. `"mindfusion"` (`sim list sources`). If absent, the dataset's own table, or `paper`. A model
    /// that the source does not have on the dataset has no accuracy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Dataset whose accuracies are taken from the source, e.g. `"vqav2"`, as an assumption; the workload's own if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Share of the cloud model's right answers that its weights' format leaves. If absent, that of the format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_recovery: Option<Ratio>,
    /// Share of the edge model's right answers that its weights' format leaves. If absent, that of the format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge_recovery: Option<Ratio>,
    /// Curve of the accuracy lost to pruned visual tokens, fitted to a published table.
    pub pruning_loss: PruningLoss,
    /// Answers that take longer count as wrong, e.g. `3 s`. If absent, accuracy does not depend on latency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<SimDuration>,
    /// Number of first tokens that decide if an answer is right; default 8, an assumption. An unverified one that the
    /// cloud's model would not have made turns the answer into the edge's.
    pub critical_tokens: u32,
}

impl AccuracyKeys {
    /// True if it names a source, or a dataset of the default one, whose figures stand before those of the dataset's own table.
    pub fn names_a_source(&self) -> bool {
        self.source.is_some() || self.dataset.is_some()
    }
}

impl Default for AccuracyKeys {
    fn default() -> Self {
        Self {
            cloud: None,
            edge: None,
            source: None,
            dataset: None,
            cloud_recovery: None,
            edge_recovery: None,
            pruning_loss: PruningLoss::default(),
            deadline: None,
            critical_tokens: 8,
        }
    }
}

/// Seeds of the points of a sweep: the same for all (`common`, default) or one each (`from_id`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PointSeeds {
    /// Every point has the scenario's seed, so that points are compared on the same random numbers.
    #[default]
    Common,
    /// Each point has a seed derived from its id and the scenario's seed, so that points are independent.
    FromId,
}

/// The tiers that `memory_gb_peak` counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemoryScope {
    /// The sum over one GPU of each tier that runs anything.
    #[default]
    Total,
    /// As the MSAO paper seems to count: the edge's GPU, or the cloud's for a system that runs nothing on the edge.
    Paper,
}
