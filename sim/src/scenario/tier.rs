//! The `[edge]` and `[cloud]` tables, which are also those of `[edges.NAME]` and `[pools.NAME]`.

use super::dataset::Dataset;
use super::hop::Access;
use super::loads::Arrivals;
use engine::Scheduling;
use model::{
    device::Device,
    engine_kind::{EngineKind, EngineProfile},
    format::{KvFormat, Storage, WeightFormat},
    memory::BatchLimits,
    parallel::Interconnect,
};
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use units::{Ratio, SimDuration};

/// Edges, all alike.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Edge {
    /// Name of a built-in device (see `docs/hardware.md`) or of a `[device.NAME]` table; default `rtx-3090`. `none` is an edge
    /// without a GPU, which only sends.
    pub device: String,
    /// Name of a built-in model or of a `[model.NAME]` table; default `qwen2-vl-2b`, the draft model.
    pub model: String,
    /// Format of the language model's stored weights; default `fp16`, or that of the checkpoint whose `config.json` the
    /// model names, unless `bf16` is written.
    pub weights: WeightFormat,
    /// Format of the vision tower's stored weights; default `fp16`, as quantised checkpoints and GGUF projectors have it.
    #[serde(skip_serializing_if = "is_default")]
    pub tower_weights: WeightFormat,
    /// Format of cached keys and values; default `fp16`.
    #[serde(skip_serializing_if = "is_default")]
    pub kv: KvFormat,
    /// Serving engine: `hf`, `vllm` (default) or `graph`, which are idealised, or one with its own scheduler, such as
    /// `vllm-0.19`. `sim list engines` has all.
    pub engine: EngineKind,
    /// Constants of the engine to override; its own where absent.
    #[serde(skip_serializing_if = "Tuning::is_empty")]
    pub tuning: Tuning,
    /// Profile file of `sim calibrate`, relative to the scenario. Its fitted laws price iterations instead of the
    /// roofline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<PathBuf>,
    /// Noise added to step times: none (default), drawn from the profile's residuals, or their low or high end.
    #[serde(skip_serializing_if = "Noise::is_none")]
    pub noise: Noise,
    /// Number of edges that share the link; default 1.
    pub count: u32,
    /// Workers of an edge's processor, for preprocessing and planning; default 4.
    pub cpu_workers: u32,
    /// Least time to decode and resize a request's pictures on the edge's processor; default 12 ms, an assumption. Large pictures take more
    /// where `tuning.megapixel_overhead` says so and a model runs there.
    pub preprocess: SimDuration,
    /// Layers of the vision tower that MSAO's probe runs; default 2, an assumption.
    pub probe_layers: u32,
    /// KV cache of an edge, in blocks of 16 tokens, as a server's log states it. If absent, it fills the free memory
    /// up to 90 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kv_blocks: Option<u64>,
    /// Limits of one iteration, and of the sequences held at once.
    pub batch: Batch,
    /// Link that each edge has for itself, e.g. `{ bandwidth = "20 Mbps", rtt = "30 ms" }`, in front of the shared `[link]`. If absent, edges
    /// are on the shared one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<Access>,
    /// Share of the scenario's requests that come in at a group, from 0 to 1, in an open loop. If absent, every edge has as many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<Ratio>,
    /// Dataset of a group's requests, as `workload.dataset`: a shape, or a trace that the group alone plays. If absent, that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<Dataset>,
    /// Arrivals of a group of its own, as `[arrivals]`. If absent, it has a part of the scenario's, or the times of its own trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<Arrivals>,
    /// Policy of a group whatever the scenario's are: `cloud_only` sends every request whole. If absent, the scenario's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<GroupPolicy>,
    /// Name of the pool that a group's requests go to, with `router = "by_class"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// True if groups stand in its place, so that it is not written.
    #[serde(skip)]
    pub is_replaced: bool,
}

/// The policies that a group can have whatever those of the scenario are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupPolicy {
    /// The cloud answers every request.
    CloudOnly,
}

impl Default for Edge {
    fn default() -> Self {
        Self {
            device: "rtx-3090".to_owned(),
            model: "qwen2-vl-2b".to_owned(),
            weights: WeightFormat::default(),
            tower_weights: WeightFormat::default(),
            kv: KvFormat::default(),
            engine: EngineKind::default(),
            tuning: Tuning::default(),
            profile: None,
            noise: Noise::None,
            count: 1,
            cpu_workers: 4,
            preprocess: SimDuration::from_ms(12),
            probe_layers: 2,
            kv_blocks: None,
            batch: Batch::default(),
            link: None,
            share: None,
            dataset: None,
            arrivals: None,
            policy: None,
            pool: None,
            is_replaced: false,
        }
    }
}

/// The cloud's GPUs, all alike.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cloud {
    /// Name of a built-in device (see `docs/hardware.md`) or of a `[device.NAME]` table; default `a100-40-sxm`.
    pub device: String,
    /// Name of a built-in model or of a `[model.NAME]` table; default `qwen2.5-vl-7b`. Each GPU serves it whole.
    pub model: String,
    /// Format of the language model's stored weights; default `fp16`, or that of the checkpoint whose `config.json` the
    /// model names, unless `bf16` is written.
    pub weights: WeightFormat,
    /// Format of the vision tower's stored weights; default `fp16`, as quantised checkpoints and GGUF projectors have it.
    #[serde(skip_serializing_if = "is_default")]
    pub tower_weights: WeightFormat,
    /// Format of cached keys and values; default `fp16`.
    #[serde(skip_serializing_if = "is_default")]
    pub kv: KvFormat,
    /// Serving engine: `hf`, `vllm` (default) or `graph`, which are idealised, or one with its own scheduler, such as
    /// `vllm-0.19`. `sim list engines` has all.
    pub engine: EngineKind,
    /// Constants of the engine to override; its own where absent.
    #[serde(skip_serializing_if = "Tuning::is_empty")]
    pub tuning: Tuning,
    /// Profile file of `sim calibrate`, relative to the scenario. Its fitted laws price iterations instead of the
    /// roofline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<PathBuf>,
    /// Noise added to step times: none (default), drawn from the profile's residuals, or their low or high end.
    #[serde(skip_serializing_if = "Noise::is_none")]
    pub noise: Noise,
    /// Number of GPUs; default 1. A request goes to the replica that `router` gives it; a replica is made of
    /// `tensor_parallel` x `data_parallel` GPUs.
    pub gpus: u32,
    /// GPUs that share every layer; default 1. They divide the model's heads.
    pub tensor_parallel: u32,
    /// Ranks of a replica, each with attention, a queue and a KV cache of its own; default 1.
    pub data_parallel: u32,
    /// True spreads the experts of a mixture over the ranks, which then take their steps together; default false.
    pub expert_parallel: bool,
    /// Link between the GPUs of a replica: the name of a built-in one, such as `nvlink-4`, or `{ bandwidth = "350 GB/s",
    /// latency = "10 us" }`. If absent, the one that boards of this kind have: NVLink for SXM boards, else PCIe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interconnect: Option<Joined>,
    /// KV cache of a GPU, in blocks of 16 tokens, as a server's log states it. If absent, it fills the free memory up
    /// to 90 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kv_blocks: Option<u64>,
    /// Limits of one iteration, and of the sequences held at once.
    pub batch: Batch,
    /// The way that a serving engine keeps a request whose answer an edge drafts: `held` (default) or `prefix`.
    #[serde(skip_serializing_if = "is_default")]
    pub remote: Remote,
    /// Round-trip time between the end of the link and these GPUs, on top of the link's, e.g. `30 ms`; default 0.
    #[serde(skip_serializing_if = "is_default")]
    pub rtt: SimDuration,
    /// True if pools stand in its place, so that it is not written.
    #[serde(skip)]
    pub is_replaced: bool,
}

impl Default for Cloud {
    fn default() -> Self {
        Self {
            device: "a100-40-sxm".to_owned(),
            model: "qwen2.5-vl-7b".to_owned(),
            weights: WeightFormat::default(),
            tower_weights: WeightFormat::default(),
            kv: KvFormat::default(),
            engine: EngineKind::default(),
            tuning: Tuning::default(),
            profile: None,
            noise: Noise::None,
            gpus: 1,
            tensor_parallel: 1,
            data_parallel: 1,
            expert_parallel: false,
            interconnect: None,
            kv_blocks: None,
            batch: Batch::default(),
            remote: Remote::default(),
            rtt: SimDuration::ZERO,
            is_replaced: false,
        }
    }
}

/// The link between the GPUs of a replica.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Joined {
    /// Name of a built-in interconnect; `sim list interconnects` has all.
    Named(String),
    /// Figures of one's own.
    Own(Interconnect),
}

impl<'de> Deserialize<'de> for Joined {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(NameOrFigures)
    }
}

/// Reads [`Joined`], so that a figure that is missing is named.
struct NameOrFigures;

impl<'de> Visitor<'de> for NameOrFigures {
    type Value = Joined;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name, e.g. \"nvlink-4\", or { bandwidth = \"350 GB/s\", latency = \"10 us\" }")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Joined, E> {
        Ok(Joined::Named(name.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Joined, A::Error> {
        Interconnect::deserialize(MapAccessDeserializer::new(table)).map(Joined::Own)
    }
}

/// The formats of one tier's weights, keys and values, as they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formats {
    /// The language model's weights.
    pub weights: WeightFormat,
    /// The vision tower's weights.
    pub tower: WeightFormat,
    /// Keys and values.
    pub kv: KvFormat,
}

impl Formats {
    /// The storage of a model whose checkpoint is stored in a certain way. `fp16` is the default, so it gives way to that;
    /// `bf16` does not.
    pub fn storage(self, published: &Storage) -> Storage {
        let written = Storage::of(self.weights, self.tower, self.kv);
        let language = if self.weights == WeightFormat::Fp16 { published } else { &written };
        let tower = if self.tower == WeightFormat::Fp16 { published } else { &written };
        let kv = if self.kv == KvFormat::Fp16 { published.kv } else { written.kv };
        Storage { tower: tower.tower, tower_arithmetic: tower.tower_arithmetic, kv, ..*language }
    }
}

impl Edge {
    /// The files that it reads.
    pub fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let Self { profile, arrivals, link, .. } = self;
        let tables = profile.as_mut().into_iter().chain(arrivals.as_mut().and_then(Arrivals::file));
        tables.chain(link.iter_mut().flat_map(Access::files))
    }

    /// True if groups stand in its place.
    pub fn is_replaced(&self) -> bool {
        self.is_replaced
    }

    /// The formats that it writes.
    pub fn formats(&self) -> Formats {
        Formats { weights: self.weights, tower: self.tower_weights, kv: self.kv }
    }
}

impl Cloud {
    /// True if pools stand in its place.
    pub fn is_replaced(&self) -> bool {
        self.is_replaced
    }

    /// The formats that it writes.
    pub fn formats(&self) -> Formats {
        Formats { weights: self.weights, tower: self.tower_weights, kv: self.kv }
    }
}

/// The way that a serving engine keeps a request whose answer an edge drafts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Remote {
    /// It stays among the running requests, with its place and its blocks, and waits for drafts.
    #[default]
    Held,
    /// Each batch of drafts is a request of its own, which finds its prompt and the answer so far in the prefix cache.
    Prefix,
}

/// True of a value that need not be written.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Remote {
    /// The same as the engine has it.
    pub fn resolved(self) -> engine::Remote {
        match self {
            Self::Held => engine::Remote::Held,
            Self::Prefix => engine::Remote::Prefix,
        }
    }
}

/// Constants of an engine that a scenario overrides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tuning {
    /// Host time of every iteration, e.g. `2 ms`; the engine's own if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overhead: Option<SimDuration>,
    /// Host time of each layer of an iteration, e.g. `85 us`; the engine's own if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer_overhead: Option<SimDuration>,
    /// Host time of each sequence of an iteration, e.g. `20 us`; the engine's own if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence_overhead: Option<SimDuration>,
    /// True if the host works while the GPU does, so that the longer of the two counts; the engine's own if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hides_host: Option<bool>,
    /// Share of a pass that each further token adds in an iteration of up to 8 tokens, from 0 to 1; the engine's own if absent.
    /// With 0 few tokens are multiplied by the same kernels as many, as on a CPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vector_token: Option<Ratio>,
    /// Extra time of an iteration in which a prompt starts, e.g. `6 ms`; the engine's own if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefill_overhead: Option<SimDuration>,
    /// Time of one processor of the host for each megapixel of pictures, before their prompt is read, e.g. `200 ms`; the engine's own
    /// if absent. A server has one such processor for each copy of the model; an edge has its `cpu_workers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub megapixel_overhead: Option<SimDuration>,
    /// Shortest iteration of the whole model, e.g. `5 ms`; the engine's own if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<SimDuration>,
    /// Share of the peak memory bandwidth reached, from 0 to 1; the engine's own if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta_mem: Option<Ratio>,
    /// Share of the peak FLOP rate reached, from 0 to 1; the engine's own if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta_flop: Option<Ratio>,
}

impl Tuning {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The engine's constants with these in their place.
    pub fn apply(&self, engine: EngineProfile) -> EngineProfile {
        EngineProfile {
            overhead: self.overhead.unwrap_or(engine.overhead),
            layer_overhead: self.layer_overhead.unwrap_or(engine.layer_overhead),
            sequence_overhead: self.sequence_overhead.unwrap_or(engine.sequence_overhead),
            hides_host: self.hides_host.unwrap_or(engine.hides_host),
            packs_heads: engine.packs_heads,
            vector_token: self.vector_token.unwrap_or(engine.vector_token),
            prefill_overhead: self.prefill_overhead.unwrap_or(engine.prefill_overhead),
            megapixel_overhead: self.megapixel_overhead.unwrap_or(engine.megapixel_overhead),
            floor: self.floor.unwrap_or(engine.floor),
            eta_mem: self.eta_mem.unwrap_or(engine.eta_mem),
            eta_flop: self.eta_flop.unwrap_or(engine.eta_flop),
            batches: engine.batches,
        }
    }
}

/// Largest iteration of a GPU, and the most sequences that it holds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Batch {
    /// Sequences that may hold KV blocks at once (vLLM's `max_num_seqs`). If absent, the blocks are the only limit, or the
    /// serving engine's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequences: Option<u32>,
    /// Decode, draft and verify items of an iteration, at most; default 64. A serving engine has no such limit.
    pub items: u32,
    /// Tokens of the prompt chunk of an iteration, at most; of a serving engine all tokens of an iteration
    /// (vLLM's `max_num_batched_tokens`). If absent, 1,024, or the serving engine's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk_tokens: Option<u32>,
}

impl Default for Batch {
    fn default() -> Self {
        Self { sequences: None, items: BatchLimits::default().items as u32, chunk_tokens: None }
    }
}

impl Batch {
    /// The limits on a device, with the engine's own where none are written.
    pub fn limits(&self, scheduling: &Scheduling, device: &Device) -> BatchLimits {
        scheduling.limits(device, self.sequences, self.items, self.chunk_tokens)
    }
}

/// Noise added to step times: none, drawn from the profile's residuals, or its low or high end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Noise {
    /// No noise: every step takes the time of its law.
    #[default]
    None,
    /// A residual of the profile is drawn for every step.
    Profile,
    /// Every step takes the 5th percentile of the residuals.
    Low,
    /// Every step takes the 95th percentile of the residuals.
    High,
}

impl Noise {
    /// True if there is no noise.
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }
}
