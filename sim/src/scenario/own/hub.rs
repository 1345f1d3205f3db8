//! `config.json` of the Hugging Face hub: the dimensions of a decoder, its vision tower, and the format of its weights.
//!
//! Families differ in what they leave out, and in what they add to a plain decoder. What is added and not modelled is refused by its
//! name: a model of half the arithmetic would look right. A tower is one of those that built-in models have, in any size.

mod stored;
mod tower;

use super::{CustomExperts, CustomModel, CustomWindow};
use model::model_spec::ModelSpec;
use serde_json::Value;
use std::path::Path;

/// A family of decoders, and what its configurations leave unsaid.
struct Family {
    /// `model_type`.
    name: &'static str,
    /// Three matrices of the MLP instead of two.
    gated_mlp: bool,
    /// Biases of the q, k and v projections, if no key says it.
    qkv_bias: bool,
    /// Queries and keys are normed in each head.
    qk_norm: bool,
    /// The head is the embedding, if no key says it.
    tied_head: bool,
    /// Each query head has keys and values of its own, if no key says it.
    own_kv: bool,
    /// Its MLP is a mixture of experts.
    experts: bool,
}

const fn family(name: &'static str, qkv_bias: bool, tied_head: bool) -> Family {
    Family { name, gated_mlp: true, qkv_bias, qk_norm: false, tied_head, own_kv: false, experts: false }
}

/// A family of Qwen3.
const fn qwen3(name: &'static str, experts: bool) -> Family {
    Family { qk_norm: true, experts, ..family(name, false, false) }
}

/// The families, as transformers implements them.
const FAMILIES: [Family; 23] = [
    Family { own_kv: true, ..family("llama", false, false) },
    family("mistral", false, false),
    family("ministral", false, false),
    family("qwen2", true, false),
    family("qwen2_vl", true, false),
    family("qwen2_vl_text", true, false),
    family("qwen2_5_vl", true, false),
    family("qwen2_5_vl_text", true, false),
    Family { experts: true, ..family("qwen2_moe", true, false) },
    qwen3("qwen3", false),
    qwen3("qwen3_vl", false),
    qwen3("qwen3_vl_text", false),
    qwen3("qwen3_moe", true),
    qwen3("qwen3_vl_moe", true),
    qwen3("qwen3_vl_moe_text", true),
    Family { experts: true, ..family("mixtral", false, false) },
    Family { own_kv: true, ..family("phi3", false, false) },
    Family { own_kv: true, ..family("olmo2", false, false) },
    family("smollm3", false, true),
    Family { own_kv: true, ..family("granite", false, false) },
    family("gemma", false, true),
    Family { gated_mlp: false, ..family("starcoder2", true, true) },
    Family { gated_mlp: false, own_kv: true, ..family("phi", true, false) },
];

/// Keys of what is not modelled, each with its name. A key that is absent, null, false, 0 or empty says nothing.
const NOT_MODELLED: [(&str, &[&str]); 6] = [
    ("multi-head latent attention (MLA)", &["kv_lora_rank", "q_lora_rank", "qk_rope_head_dim"]),
    (
        "state-space or linear attention layers",
        &[
            "mamba_d_state",
            "ssm_cfg",
            "ssm_state_size",
            "linear_num_value_heads",
            "hybrid_override_pattern",
            "attn_type_list",
            "full_attention_interval",
        ],
    ),
    ("cross-attention to pictures", &["cross_attention_layers", "cross_layer_interval"]),
    ("an encoder beside the decoder", &["is_encoder_decoder"]),
    ("sound", &["audio_config", "speech_config", "audio_processor", "thinker_config", "talker_config"]),
    ("keys and values shared among layers", &["num_kv_shared_layers", "hidden_size_per_layer_input"]),
];

/// Keys of experts. Of a family without experts they are refused.
const EXPERTS: [&str; 6] = [
    "num_experts",
    "num_local_experts",
    "n_routed_experts",
    "num_experts_per_tok",
    "moe_intermediate_size",
    "moe_num_experts",
];

/// Reads a configuration; its vision tower only if asked to.
///
/// # Errors
/// It cannot be read, lacks a dimension, or is of a model that is not modelled.
pub fn read(file: &Path, with_tower: bool) -> Result<ModelSpec, String> {
    let told = |reason: String| format!("{}: {reason}", file.display());
    let text = traces::input::read_text(file);
    let text = text.map_err(|error| told(format!("cannot be read ({error}); name the config.json of a model")))?;
    let config =
        serde_json::from_str(&text).map_err(|error| told(format!("{error}; name the config.json of a model")))?;
    of_config(&config, with_tower).map_err(told)
}

fn of_config(config: &Value, with_tower: bool) -> Result<ModelSpec, String> {
    let text = ["text_config", "llm_config", "language_config"].iter().map(|key| &config[*key]);
    let text = text.into_iter().find(|part| part.is_object()).unwrap_or(config);
    for part in [config, text, &config["vision_config"]] {
        if let Some((what, key)) = not_modelled(part) {
            return Err(format!("`{key}`: {what}, which is not modelled yet"));
        }
    }
    let language = Language { text, config };
    let family = language.family()?;
    let decoder = language.dimensions(family)?.decoder().map_err(|(key, reason)| format!("{key}: {reason}"))?;
    let vision = if with_tower { tower::tower(config, decoder.hidden)? } else { None };
    let storage = stored::storage(language.quantisation())?;
    Ok(ModelSpec { vision, storage, ..decoder })
}

/// True of a value that says something: not one that is absent, null, false, 0 or empty.
fn says(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Array(values) => !values.is_empty(),
        _ => true,
    }
}

/// The first thing that is not modelled, and the key that says so.
fn not_modelled(part: &Value) -> Option<(&'static str, &'static str)> {
    NOT_MODELLED.iter().find_map(|(what, keys)| Some((*what, *keys.iter().find(|key| says(&part[**key]))?)))
}

/// The part of a configuration that is the language model's.
struct Language<'c> {
    text: &'c Value,
    config: &'c Value,
}

impl Language<'_> {
    /// A key, of the language model's part or else of the whole.
    fn key(&self, key: &str) -> &Value {
        Some(&self.text[key]).filter(|value| !value.is_null()).unwrap_or(&self.config[key])
    }

    fn family(&self) -> Result<&'static Family, String> {
        let Some(name) = self.key("model_type").as_str() else {
            return Err("no `model_type`; name the config.json of a model".to_owned());
        };
        FAMILIES.iter().find(|family| family.name == name).ok_or_else(|| {
            let known: Vec<&str> = FAMILIES.iter().map(|family| family.name).collect();
            format!("`model_type`: {name} is not modelled yet (known: {}); if it is a plain decoder, write its dimensions out", known.join(", "))
        })
    }

    /// The format of a quantised checkpoint's weights, as its configuration has it.
    fn quantisation(&self) -> &Value {
        let keys = ["quantization_config", "compression_config"];
        keys.into_iter().map(|key| self.key(key)).find(|value| !value.is_null()).unwrap_or(&Value::Null)
    }

    /// The layers that attend to a window of the context, unless the window is all of it.
    fn window(&self, family: &Family, layers: u32) -> Result<Option<CustomWindow>, String> {
        // Qwen's configurations have a window that is off unless they say otherwise.
        let is_qwen = family.name.starts_with("qwen");
        let is_off = self.key("use_sliding_window").as_bool().map_or(is_qwen, |is_on| !is_on);
        let context = self.key("max_position_embeddings").as_u64().unwrap_or(u64::MAX);
        let window = self.optional("sliding_window")?.filter(|window| !is_off && u64::from(*window) < context);
        let windowed = self.windowed_layers(is_qwen, layers, window.is_some())?;
        Ok(window.filter(|_| windowed > 0).map(|tokens| CustomWindow { tokens, layers: Some(windowed) }))
    }

    /// Layers with a window, by their list or by their family's rule.
    fn windowed_layers(&self, is_qwen: bool, layers: u32, has_window: bool) -> Result<u32, String> {
        let Some(kinds) = self.key("layer_types").as_array().filter(|kinds| !kinds.is_empty()) else {
            let first = if is_qwen { self.optional("max_window_layers")?.unwrap_or(0) } else { 0 };
            return Ok(layers.saturating_sub(first));
        };
        let mut windowed = 0;
        for kind in kinds.iter().filter_map(Value::as_str) {
            match kind {
                "full_attention" => {}
                "sliding_attention" => windowed += 1,
                _ => return Err(format!("`layer_types`: {kind}, which is not modelled yet")),
            }
        }
        if windowed > 0 && !has_window && self.key("sliding_window").is_null() {
            return Err(
                "`layer_types`: sliding_attention, of which `sliding_window` does not tell the width".to_owned()
            );
        }
        Ok(windowed)
    }

    /// The experts in the place of the MLP, of a family that has them.
    fn experts(&self, family: &Family) -> Result<Option<CustomExperts>, String> {
        if !family.experts {
            let stated = EXPERTS.iter().find(|key| says(self.key(key)));
            let refused =
                |key| format!("`{key}`: a mixture of experts in a {}, which is not modelled yet", family.name);
            return stated.map_or(Ok(None), |key| Err(refused(key)));
        }
        for (key, is_usual) in [
            ("mlp_only_layers", !says(self.key("mlp_only_layers"))),
            ("decoder_sparse_step", self.key("decoder_sparse_step").as_u64().is_none_or(|step| step == 1)),
        ] {
            if !is_usual {
                return Err(format!("`{key}`: layers without experts beside those with, which is not modelled yet"));
            }
        }
        let many = if self.key("num_experts").is_null() { "num_local_experts" } else { "num_experts" };
        let own_width = !self.key("moe_intermediate_size").is_null();
        let width = if own_width { "moe_intermediate_size" } else { "intermediate_size" };
        let intermediate = self.number(width, None)?;
        let together = self.optional("shared_expert_intermediate_size")?.unwrap_or(0);
        if intermediate == 0 || together % intermediate != 0 {
            return Err(format!(
                "`shared_expert_intermediate_size`: expected a multiple of the {intermediate} of `{width}`"
            ));
        }
        Ok(Some(CustomExperts {
            experts: self.number(many, None)?,
            per_token: self.number("num_experts_per_tok", None)?,
            shared: (together > 0).then_some(together / intermediate),
            intermediate,
        }))
    }

    /// The decoder as a table of a scenario would write it.
    fn dimensions(&self, family: &Family) -> Result<CustomModel, String> {
        let heads = self.number("num_attention_heads", defaulted(family, "num_attention_heads"))?;
        let kv_heads = self.number("num_key_value_heads", family.own_kv.then_some(heads))?;
        let number = |key| self.number(key, defaulted(family, key)).map(Some);
        let says = |keys: &[&str], default| keys.iter().find_map(|key| self.key(key).as_bool()).unwrap_or(default);
        // The whole goes first: a part is often written with its class's default.
        let tied = self.config["tie_word_embeddings"].as_bool();
        let layers = self.number("num_hidden_layers", defaulted(family, "num_hidden_layers"))?;
        Ok(CustomModel {
            layers: Some(layers),
            hidden: number("hidden_size")?,
            intermediate: number("intermediate_size")?,
            heads: Some(heads),
            kv_heads: Some(kv_heads),
            head_dim: self.optional("head_dim")?,
            vocab: number("vocab_size")?,
            context_window: self.optional("max_position_embeddings")?,
            gated_mlp: Some(family.gated_mlp),
            qkv_bias: Some(says(&["attention_bias", "use_qkv_bias", "qkv_bias", "use_bias"], family.qkv_bias)),
            qk_norm: Some(family.qk_norm),
            experts: self.experts(family)?,
            window: self.window(family, layers)?,
            tied_head: Some(tied.unwrap_or_else(|| says(&["tie_word_embeddings"], family.tied_head))),
            ..CustomModel::default()
        })
    }

    fn optional(&self, key: &str) -> Result<Option<u32>, String> {
        if self.key(key).is_null() { Ok(None) } else { self.number(key, None).map(Some) }
    }

    fn number(&self, key: &str, default: Option<u32>) -> Result<u32, String> {
        match self.key(key) {
            Value::Null => default.ok_or_else(|| format!("no number `{key}`")),
            value => value
                .as_u64()
                .and_then(|n| u32::try_from(n).ok())
                .ok_or_else(|| format!("`{key}`: expected a whole number")),
        }
    }
}

/// Dimensions that Llama's configurations leave out, LLaVA's above all: those of its first release.
fn defaulted(family: &Family, key: &str) -> Option<u32> {
    let known = [
        ("hidden_size", 4096),
        ("intermediate_size", 11_008),
        ("num_hidden_layers", 32),
        ("num_attention_heads", 32),
        ("vocab_size", 32_000),
    ];
    known.into_iter().find(|(known, _)| family.name == "llama" && *known == key).map(|(_, value)| value)
}

#[cfg(test)]
mod tests;
