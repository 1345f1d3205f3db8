//! The keys of a scenario file, as they stand, with every default filled in.

use super::dataset::Dataset;
use super::link::Link;
use super::own::{CustomDevice, CustomModel};
use super::replay::Replay;
use super::sweep::Sweep;
use super::tier::{Cloud, Edge};
use super::tokens::Tokens;
use model::{accuracy::PruningLoss, mas::DescriptorLaw, request::PayloadFormat};
use policies::PolicyTable;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use units::{PerSecond, Ratio, SimDuration};

/// A scenario file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Name of the scenario and of its results folder.
    pub name: String,
    /// What question it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How it is run.
    #[serde(default)]
    pub mode: Mode,
    /// Seed of all random streams.
    #[serde(default = "one")]
    pub seed: u64,
    /// Independent repetitions, each with its own streams; intervals need at least two.
    #[serde(default = "three")]
    pub replications: u32,
    /// The edges.
    #[serde(default)]
    pub edge: Edge,
    /// The cloud.
    #[serde(default)]
    pub cloud: Cloud,
    /// The link between them.
    #[serde(default)]
    pub link: Link,
    /// What is asked.
    pub workload: Workload,
    /// When it is asked.
    #[serde(default)]
    pub arrivals: Arrivals,
    /// How the draft model's tokens fare.
    #[serde(default)]
    pub tokens: Tokens,
    /// What the probe finds in a picture.
    #[serde(default)]
    pub descriptors: DescriptorLaw,
    /// How right the models are.
    #[serde(default)]
    pub accuracy: AccuracyKeys,
    /// What `memory_gb_peak` is the peak of; each tier's has a column of its own.
    #[serde(default)]
    pub memory_scope: MemoryScope,
    /// Devices of one's own, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub device: BTreeMap<String, CustomDevice>,
    /// Models of one's own, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub model: BTreeMap<String, CustomModel>,
    /// The policies to compare.
    pub policy: PolicyTable,
    /// Whether points of a sweep share their random numbers.
    #[serde(default)]
    pub point_seeds: PointSeeds,
    /// What `mode = "replay"` plays the tiers with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replay>,
    /// Keys to vary: every combination is a point.
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
        let files = named.workload.dataset.files().into_iter().chain(named.link.files()).chain(named.tokens.file());
        let files = files.chain(named.edge.profile.as_mut()).chain(named.cloud.profile.as_mut());
        for file in files.chain(named.replay.iter_mut().flat_map(Replay::files)) {
            *file = name(file);
        }
        toml::to_string(&named).expect("a scenario is TOML")
    }
}

impl Scenario {
    /// The engines of the edge and of the cloud.
    pub fn engines(&self) -> [&'static str; 2] {
        [self.edge.engine.name(), self.cloud.engine.name()]
    }
}

fn one() -> u64 {
    1
}

fn three() -> u32 {
    3
}

/// How a scenario is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Virtual clock, modelled compute, modelled link.
    #[default]
    Simulate,
    /// Virtual clock, real models, modelled link: every step is executed, and takes as long as it took.
    Replay,
}

impl Mode {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Simulate => "simulate",
            Self::Replay => "replay",
        }
    }
}

/// What is asked.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Where requests come from.
    pub dataset: Dataset,
    /// How many requests, at most: a trace may have fewer.
    #[serde(default = "thousand")]
    pub requests: u64,
    /// Gives every answer this length, instead of the dataset's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u32>,
    /// What pictures are sent as.
    #[serde(default)]
    pub payload: PayloadFormat,
    /// Longest answer; KV cache is set aside for it at admission, and longer answers are cut.
    #[serde(default = "max_output_tokens")]
    pub max_output_tokens: u32,
}

fn thousand() -> u64 {
    1000
}

fn max_output_tokens() -> u32 {
    1024
}

/// When requests arrive.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Arrivals {
    /// Each client sends its next request when the last has been answered.
    ClosedLoop(ClosedLoop),
    /// Independently of answers, at a mean rate.
    Poisson(Poisson),
    /// At the times of the trace that is the dataset.
    Trace(TraceTimes),
}

impl Default for Arrivals {
    fn default() -> Self {
        Self::ClosedLoop(ClosedLoop::default())
    }
}

/// Clients that wait for their answer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClosedLoop {
    /// Clients of each edge.
    pub clients: u32,
    /// Time between an answer and the next request.
    pub think: SimDuration,
}

impl Default for ClosedLoop {
    fn default() -> Self {
        Self { clients: 1, think: SimDuration::ZERO }
    }
}

/// Arrivals at a mean rate.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Poisson {
    /// Requests a second, over all edges.
    pub rate: PerSecond,
}

/// Arrivals of a trace.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TraceTimes {
    /// 2 replays the trace twice as fast.
    pub speed: f64,
}

impl Default for TraceTimes {
    fn default() -> Self {
        Self { speed: 1.0 }
    }
}

/// How right the models are on whole inputs, and what pruning costs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AccuracyKeys {
    /// Accuracy of the cloud's model; the dataset's own if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud: Option<Ratio>,
    /// Accuracy of the edge's model; the dataset's own if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge: Option<Ratio>,
    /// How much dropping visual tokens costs.
    pub pruning_loss: PruningLoss,
    /// Answers that take longer count as wrong; if absent, accuracy does not depend on the link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<SimDuration>,
    /// The first so many tokens of an answer decide whether it is right: where nobody verifies them, one that the cloud's
    /// model would not have made turns the answer into the edge's.
    pub critical_tokens: u32,
}

impl Default for AccuracyKeys {
    fn default() -> Self {
        Self { cloud: None, edge: None, pruning_loss: PruningLoss::default(), deadline: None, critical_tokens: 8 }
    }
}

/// Whether points of a sweep share their random numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PointSeeds {
    /// Every point has the scenario's seed, so that differences between points are paired.
    #[default]
    Common,
    /// The seed of a point is made of its id and the scenario's seed, so that points are independent.
    FromId,
}

/// What `memory_gb_peak` is the peak of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemoryScope {
    /// One GPU of each tier that runs anything, together.
    #[default]
    Total,
    /// As the MSAO paper seems to count: the edge's GPU, or the cloud's for a system that runs nothing on the edge.
    Paper,
}
