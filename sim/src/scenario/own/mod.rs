//! The `[model.NAME]` tables: custom models. A table with the name of a built-in one replaces it. A `[device.NAME]` table
//! is a `Device` of the model.

mod dimensions;
mod hub;

use dimensions::Dimensions;
use model::model_spec::{MODELS, ModelSpec};
use model::vision::VisionTower;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A custom dense decoder: the `config.json` that its publisher wrote, or its dimensions. Parameters, bytes and FLOP
/// follow.
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
    /// Width of the MLP (`intermediate_size`).
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
}

impl CustomModel {
    /// The model's specification, with the files that it names beside a scenario.
    ///
    /// # Errors
    /// A dimension is missing or out of range, or its configuration is refused: the key, and the reason.
    pub fn spec(&self, name: &str, beside: &Path) -> Result<ModelSpec, (&'static str, String)> {
        let (dimensions, tower) = match &self.config {
            Some(file) => self.configured(&beside.join(file))?,
            None => (self.dimensions()?, None),
        };
        let named = self.vision_of.as_deref().map(|name| {
            tower_of(name).ok_or_else(|| {
                let known: Vec<&str> = MODELS.iter().map(|model| &*model.name).collect();
                ("vision_of", unknown("model", name, &known, ""))
            })
        });
        let tower = match (named.transpose()?, tower) {
            (Some(_), Some(_)) => {
                return Err(("vision_of", "its `config` has a vision tower; leave this out".to_owned()));
            }
            (named, tower) => named.map(|named| named.into_width(dimensions.hidden.into())).or(tower),
        };
        Ok(dimensions.spec(name, tower))
    }

    /// The dimensions of its configuration, beside which there are no others.
    fn configured(&self, file: &Path) -> Result<(Dimensions, Option<VisionTower>), (&'static str, String)> {
        let (numbers, marks) = (self.numbers(), self.marks());
        let numbers = numbers.into_iter().filter_map(|(key, value)| value.map(|_| key));
        if let Some(key) = numbers.chain(marks.into_iter().filter_map(|(key, value)| value.map(|_| key))).next() {
            return Err((key, "its `config` has it; leave this out, or `config`".to_owned()));
        }
        let (read, tower) = hub::read(file).map_err(|reason| ("config", reason))?;
        let dimensions = Dimensions { context_window: self.context_window.or(read.context_window), ..read };
        dimensions.check()?;
        Ok((dimensions, tower))
    }

    /// The written dimensions.
    fn dimensions(&self) -> Result<Dimensions, (&'static str, String)> {
        let missing = |key| (key, "expected it, or `config = \"config.json\"` in place of all dimensions".to_owned());
        let [layers, hidden, intermediate, heads, kv_heads, vocab, _] =
            self.numbers().map(|(key, value)| value.ok_or_else(|| missing(key)));
        let dimensions = Dimensions {
            layers: layers?,
            hidden: hidden?,
            intermediate: intermediate?,
            heads: heads?,
            kv_heads: kv_heads?,
            head_dim: self.head_dim,
            vocab: vocab?,
            context_window: self.context_window,
            gated_mlp: self.gated_mlp.unwrap_or(true),
            qkv_bias: self.qkv_bias.unwrap_or(false),
            tied_head: self.tied_head.unwrap_or(false),
        };
        dimensions.check()?;
        Ok(dimensions)
    }

    fn numbers(&self) -> [(&'static str, Option<u32>); 7] {
        let Self { layers, hidden, intermediate, heads, kv_heads, vocab, head_dim, .. } = *self;
        [
            ("layers", layers),
            ("hidden", hidden),
            ("intermediate", intermediate),
            ("heads", heads),
            ("kv_heads", kv_heads),
            ("vocab", vocab),
            ("head_dim", head_dim),
        ]
    }

    fn marks(&self) -> [(&'static str, Option<bool>); 3] {
        [("gated_mlp", self.gated_mlp), ("qkv_bias", self.qkv_bias), ("tied_head", self.tied_head)]
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
