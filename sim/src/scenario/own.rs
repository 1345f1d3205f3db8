//! The `[device.NAME]` and `[model.NAME]` tables: custom devices and models. A table with the name of a built-in one
//! replaces it.

use model::device::Device;
use model::model_spec::{MODELS, ModelSpec};
use model::vision::VisionTower;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::{Bytes, BytesPerSecond, FlopsPerSecond, Watts};

/// A custom device, by the figures of its data sheet.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomDevice {
    /// Memory, e.g. `24 GiB`.
    pub memory: Bytes,
    /// Peak memory bandwidth, e.g. `936 GB/s`.
    pub bandwidth: BytesPerSecond,
    /// Peak dense fp16 rate with fp32 accumulation, e.g. `71 TFLOP/s`.
    pub peak: FlopsPerSecond,
    /// Power limit of the board, e.g. `350 W`.
    pub tdp: Watts,
    /// Power with a model loaded and no work, e.g. `25 W`.
    pub idle: Watts,
    /// Source of the figures, e.g. a data sheet.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

impl CustomDevice {
    /// The device with this name.
    pub fn named(&self, name: &str) -> Device {
        Device {
            name: name.to_owned().into(),
            memory: self.memory,
            bandwidth: self.bandwidth,
            peak: self.peak,
            tdp: self.tdp,
            idle: self.idle,
            source: self.source.clone().into(),
        }
    }
}

/// A custom dense decoder, by the dimensions of its published configuration. Parameters, bytes and FLOP follow.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomModel {
    /// Decoder layers (`num_hidden_layers`).
    pub layers: u32,
    /// Width of the residual stream (`hidden_size`).
    pub hidden: u32,
    /// Width of the MLP (`intermediate_size`).
    pub intermediate: u32,
    /// Query heads (`num_attention_heads`).
    pub heads: u32,
    /// Key and value heads (`num_key_value_heads`).
    pub kv_heads: u32,
    /// Width of a head (`head_dim`); `hidden / heads` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_dim: Option<u32>,
    /// Rows of the embedding (`vocab_size`).
    pub vocab: u32,
    /// True if the MLP has three matrices (gate, up, down) instead of two; default true.
    #[serde(default = "yes")]
    pub gated_mlp: bool,
    /// True if the q, k and v projections have a bias; default false.
    #[serde(default)]
    pub qkv_bias: bool,
    /// True if the head is the embedding (`tie_word_embeddings`); default false.
    #[serde(default)]
    pub tied_head: bool,
    /// Built-in model whose vision tower it has, e.g. `qwen2-vl-7b`, with the projector ending in this model's width.
    /// Text only if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vision_of: Option<String>,
    /// Source of the figures, e.g. a data sheet.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

fn yes() -> bool {
    true
}

impl CustomModel {
    /// The model's specification; its tower must be a built-in model's.
    pub fn named(&self, name: &str) -> ModelSpec {
        let hidden = u64::from(self.hidden);
        let vision = self.vision_of.as_deref().and_then(tower_of);
        ModelSpec {
            name: name.to_owned().into(),
            layers: self.layers.into(),
            hidden,
            intermediate: self.intermediate.into(),
            heads: self.heads.into(),
            kv_heads: self.kv_heads.into(),
            head_dim: self.head_dim.unwrap_or(self.hidden / self.heads.max(1)).into(),
            vocab: self.vocab.into(),
            gated_mlp: self.gated_mlp,
            qkv_bias: self.qkv_bias,
            tied_head: self.tied_head,
            bytes_per_weight: 2.0,
            bytes_per_kv: 2,
            vision: vision.map(|tower| tower.into_width(hidden)),
        }
    }

    /// Checks the dimensions. The error has the key and the expected range.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        // Beyond any published model, and their products below 2^63.
        let dimensions = [
            ("layers", self.layers, 10_000),
            ("hidden", self.hidden, 1_000_000),
            ("intermediate", self.intermediate, 1_000_000),
            ("heads", self.heads, 10_000),
            ("kv_heads", self.kv_heads, 10_000),
            ("head_dim", self.head_dim.unwrap_or(1), 10_000),
            ("vocab", self.vocab, 10_000_000),
        ];
        if let Some((key, _, most)) = dimensions.into_iter().find(|(_, value, most)| !(1..=*most).contains(value)) {
            return Err((key, format!("expected a whole number from 1 to {most}")));
        }
        if !self.heads.is_multiple_of(self.kv_heads) {
            return Err(("kv_heads", format!("expected a divisor of its {} heads: each serves as many", self.heads)));
        }
        if self.head_dim.is_none() && !self.hidden.is_multiple_of(self.heads) {
            return Err(("head_dim", format!("expected it, as {} heads do not divide {}", self.heads, self.hidden)));
        }
        match &self.vision_of {
            Some(name) if tower_of(name).is_none() => {
                let known: Vec<&str> = MODELS.iter().map(|model| &*model.name).collect();
                Err(("vision_of", unknown("model", name, &known, "")))
            }
            _ => Ok(()),
        }
    }
}

fn tower_of(name: &str) -> Option<VisionTower> {
    ModelSpec::named(name).and_then(|model| model.vision.clone())
}

/// The refusal of a name that is not known, with the nearest that is.
pub fn unknown(kind: &str, name: &str, known: &[&str], hint: &str) -> String {
    let similarity = |known: &str| strsim::jaro_winkler(known, &name.to_lowercase());
    let nearest = known.iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    let nearest = nearest.map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default();
    format!("unknown {kind} `{name}`{nearest} (known: {}) {hint}", known.join(", ")).trim_end().to_owned()
}
