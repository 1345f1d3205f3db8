//! The `[model.NAME]` tables: custom models. A table with the name of a built-in one replaces it. A `[device.NAME]` table
//! is a `Device` of the model.

mod dimensions;
mod hub;
mod ranges;
mod tower;

use model::model_spec::{MODELS, ModelSpec};
use model::vision::VisionTower;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use tower::CustomTower;

/// A custom decoder: the `config.json` that its publisher wrote, or its dimensions. Parameters, bytes and FLOP follow.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomModel {
    /// Configuration of the Hugging Face hub (`config.json`), relative to the scenario. Gives all dimensions, and the
    /// vision tower; no other dimension stands beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<PathBuf>,
    /// Decoder layers (`num_hidden_layers`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<u32>,
    /// Width of the residual stream (`hidden_size`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<u32>,
    /// Width of the MLP (`intermediate_size`), also beside `experts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intermediate: Option<u32>,
    /// Query heads (`num_attention_heads`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heads: Option<u32>,
    /// Key and value heads (`num_key_value_heads`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kv_heads: Option<u32>,
    /// Width of a head (`head_dim`); `hidden / heads` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_dim: Option<u32>,
    /// Rows of the embedding (`vocab_size`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vocab: Option<u32>,
    /// Longest sequence, prompt and answer together, in tokens (`max_position_embeddings`, or a server's
    /// `--max-model-len`), also beside `config`. Longer requests are rejected; none is if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u32>,
    /// True if the MLP has three matrices (gate, up, down) instead of two; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gated_mlp: Option<bool>,
    /// True if the q, k and v projections have a bias; default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qkv_bias: Option<bool>,
    /// True if queries and keys are normed in each head (Qwen3); default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qk_norm: Option<bool>,
    /// True if the head is the embedding (`tie_word_embeddings`); default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tied_head: Option<bool>,
    /// Built-in model whose vision tower it has, e.g. `qwen2-vl-7b`, with the projector ending in this model's width.
    /// Text only if absent, unless its `config` has a tower.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vision_of: Option<String>,
    /// Source of the figures, e.g. a data sheet.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Mixture of experts in the place of the MLP of every layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experts: Option<CustomExperts>,
    /// Window of the attention of some or all layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<CustomWindow>,
    /// Vision tower of its own, also beside `config`, whose tower it replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vision: Option<CustomTower>,
}

/// A mixture of experts in the place of the MLP of every layer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomExperts {
    /// Routed experts of a layer (`num_experts`).
    pub experts: u32,
    /// Routed experts that a token passes (`num_experts_per_tok`).
    pub per_token: u32,
    /// Experts that every token passes beside them; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<u32>,
    /// Width of an expert's MLP (`moe_intermediate_size`).
    pub intermediate: u32,
}

/// A window of the attention of some or all layers.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomWindow {
    /// Tokens that a token attends to, itself included (`sliding_window`).
    pub tokens: u32,
    /// Layers with the window; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<u32>,
}

/// A key of the table, and the reason why its value is refused.
pub type Refusal = (&'static str, String);

impl CustomModel {
    /// The model's specification, with the files that it names beside a scenario.
    ///
    /// # Errors
    /// A dimension is missing or out of range, or its configuration is refused: the key, and the reason.
    pub fn spec(&self, name: &str, beside: &Path) -> Result<ModelSpec, Refusal> {
        let decoder = match &self.config {
            Some(file) => self.configured(&beside.join(file))?,
            None => self.decoder()?,
        };
        let vision = match (self.named_tower()?, &self.vision, decoder.vision) {
            (Some(_), Some(_), _) => {
                return Err(("vision_of", "the table `vision` is its tower; leave one out".to_owned()));
            }
            (Some(_), _, Some(_)) => {
                return Err(("vision_of", "its `config` has a vision tower; leave this out".to_owned()));
            }
            (Some(named), None, None) => Some(named.into_width(decoder.hidden)),
            (None, Some(own), _) => Some(own.tower(decoder.hidden)?),
            (None, None, own) => own,
        };
        Ok(ModelSpec { name: name.to_owned().into(), vision, ..decoder })
    }

    /// The model of its configuration, beside which no dimension but the context window stands.
    fn configured(&self, file: &Path) -> Result<ModelSpec, Refusal> {
        if let Some(key) = self.first_dimension() {
            return Err((key, "its `config` has it; leave this out, or `config`".to_owned()));
        }
        let read = hub::read(file, self.vision.is_none()).map_err(|reason| ("config", reason))?;
        Ok(ModelSpec { context_window: self.context_window()?.or(read.context_window), ..read })
    }

    /// The vision tower of the built-in model that it names.
    fn named_tower(&self) -> Result<Option<VisionTower>, Refusal> {
        let Some(name) = self.vision_of.as_deref() else { return Ok(None) };
        let named = ModelSpec::named(name).and_then(|model| model.vision.clone());
        let known: Vec<&str> = MODELS.iter().map(|model| &*model.name).collect();
        named.map(Some).ok_or_else(|| ("vision_of", unknown("model", name, &known, "")))
    }
}

/// The refusal of a name that is not known, with the nearest that is.
pub fn unknown(kind: &str, name: &str, known: &[&str], hint: &str) -> String {
    let similarity = |known: &str| strsim::jaro_winkler(known, &name.to_lowercase());
    let nearest = known.iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    let nearest = nearest.map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default();
    format!("unknown {kind} `{name}`{nearest} (known: {}) {hint}", tables::listed(known)).trim_end().to_owned()
}
