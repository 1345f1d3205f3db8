//! `config.json` of the Hugging Face hub: the dimensions of a dense decoder, and its vision tower.
//!
//! Families differ in what they leave out, and in what they add to a plain decoder. What is added and not modelled is refused by its
//! name: a model of half the arithmetic would look right. A tower is one of those that built-in models have, in any size.

use super::CustomModel;
use model::model_spec::ModelSpec;
use model::vision::{QwenTower, VisionTower, clip};
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
    /// The head is the embedding, if no key says it.
    tied_head: bool,
    /// Each query head has keys and values of its own, if no key says it.
    own_kv: bool,
}

const fn family(name: &'static str, qkv_bias: bool, tied_head: bool) -> Family {
    Family { name, gated_mlp: true, qkv_bias, tied_head, own_kv: false }
}

/// The families, as transformers implements them.
const FAMILIES: [Family; 16] = [
    Family { own_kv: true, ..family("llama", false, false) },
    family("mistral", false, false),
    family("ministral", false, false),
    family("qwen2", true, false),
    family("qwen2_vl", true, false),
    family("qwen2_vl_text", true, false),
    family("qwen2_5_vl", true, false),
    family("qwen2_5_vl_text", true, false),
    family("qwen3", false, false),
    Family { own_kv: true, ..family("phi3", false, false) },
    Family { own_kv: true, ..family("olmo2", false, false) },
    family("smollm3", false, true),
    Family { own_kv: true, ..family("granite", false, false) },
    family("gemma", false, true),
    Family { gated_mlp: false, ..family("starcoder2", true, true) },
    Family { gated_mlp: false, own_kv: true, ..family("phi", true, false) },
];

/// Keys of what is not modelled, each with its name. A key that is absent, null, false, 0 or empty says nothing.
const NOT_MODELLED: [(&str, &[&str]); 9] = [
    (
        "a mixture of experts",
        &[
            "num_experts",
            "num_local_experts",
            "n_routed_experts",
            "num_experts_per_tok",
            "moe_intermediate_size",
            "moe_num_experts",
        ],
    ),
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
    ("features of its tower in deeper layers (DeepStack)", &["deepstack_visual_indexes"]),
    (
        "quantised weights; take the configuration of the full model, and say `weights`",
        &["quantization_config", "compression_config"],
    ),
];

/// Reads a configuration.
///
/// # Errors
/// It cannot be read, lacks a dimension, or is of a model that is not modelled.
pub fn read(file: &Path) -> Result<ModelSpec, String> {
    let told = |reason: String| format!("{}: {reason}", file.display());
    let text = traces::input::read_text(file);
    let text = text.map_err(|error| told(format!("cannot be read ({error}); name the config.json of a model")))?;
    let config =
        serde_json::from_str(&text).map_err(|error| told(format!("{error}; name the config.json of a model")))?;
    of_config(&config).map_err(told)
}

fn of_config(config: &Value) -> Result<ModelSpec, String> {
    let text = ["text_config", "llm_config", "language_config"].iter().map(|key| &config[*key]);
    let text = text.into_iter().find(|part| part.is_object()).unwrap_or(config);
    for part in [config, text, &config["vision_config"]] {
        if let Some((what, key)) = not_modelled(part) {
            return Err(format!("`{key}`: {what}, which is not modelled yet"));
        }
    }
    let language = Language { text, config };
    let family = language.family()?;
    language.refuse_windows()?;
    let decoder = language.dimensions(family)?.decoder().map_err(|(key, reason)| format!("{key}: {reason}"))?;
    Ok(ModelSpec { vision: tower(config, decoder.hidden)?, ..decoder })
}

/// The first thing that is not modelled, and the key that says so.
fn not_modelled(part: &Value) -> Option<(&'static str, &'static str)> {
    let says = |key: &str| match &part[key] {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Array(values) => !values.is_empty(),
        _ => true,
    };
    NOT_MODELLED.iter().find_map(|(what, keys)| Some((*what, *keys.iter().find(|key| says(key))?)))
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

    /// Refuses attention to a window of the context, unless the window is all of it.
    fn refuse_windows(&self) -> Result<(), String> {
        let is_off = self.key("use_sliding_window") == false;
        let window = self.key("sliding_window").as_u64().filter(|_| !is_off);
        let context = self.key("max_position_embeddings").as_u64().unwrap_or(u64::MAX);
        if let Some(window) = window.filter(|window| *window < context) {
            return Err(format!(
                "`sliding_window`: attention to {window} of {context} tokens, which is not modelled yet"
            ));
        }
        let layers = self.key("layer_types").as_array().into_iter().flatten().filter_map(Value::as_str);
        let whole = |kind: &&str| *kind == "full_attention" || (*kind == "sliding_attention" && window.is_some());
        match layers.into_iter().find(|kind| !whole(kind)) {
            Some(kind) => Err(format!("`layer_types`: {kind}, which is not modelled yet")),
            None => Ok(()),
        }
    }

    /// The decoder as a table of a scenario would write it.
    fn dimensions(&self, family: &Family) -> Result<CustomModel, String> {
        let heads = self.number("num_attention_heads", defaulted(family, "num_attention_heads"))?;
        let kv_heads = self.number("num_key_value_heads", family.own_kv.then_some(heads))?;
        let number = |key| self.number(key, defaulted(family, key)).map(Some);
        let says = |keys: &[&str], default| keys.iter().find_map(|key| self.key(key).as_bool()).unwrap_or(default);
        // The whole goes first: a part is often written with its class's default.
        let tied = self.config["tie_word_embeddings"].as_bool();
        Ok(CustomModel {
            layers: number("num_hidden_layers")?,
            hidden: number("hidden_size")?,
            intermediate: number("intermediate_size")?,
            heads: Some(heads),
            kv_heads: Some(kv_heads),
            head_dim: self.optional("head_dim")?,
            vocab: number("vocab_size")?,
            context_window: self.optional("max_position_embeddings")?,
            gated_mlp: Some(family.gated_mlp),
            qkv_bias: Some(says(&["attention_bias", "use_qkv_bias", "qkv_bias", "use_bias"], family.qkv_bias)),
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

/// The vision tower of a configuration, which ends in a width of the language model.
fn tower(config: &Value, hidden: u64) -> Result<Option<VisionTower>, String> {
    let part = &config["vision_config"];
    let family = config["model_type"].as_str().unwrap_or_default();
    match family {
        "qwen2_vl" | "qwen2_5_vl" => qwen_tower(part, family == "qwen2_5_vl", hidden).map(Some),
        "llava" => clip_tower(config, hidden).map(Some),
        _ if part.is_null() && config["vision_tower"].is_null() => Ok(None),
        _ => {
            let name = part["model_type"].as_str().unwrap_or(family);
            Err(format!(
                "`vision_config`: the tower {name} of {family} is not modelled yet; known are those of qwen2_vl, qwen2_5_vl and llava"
            ))
        }
    }
}

/// The towers of Qwen2-VL and Qwen2.5-VL; what their configurations leave out is as in their classes.
fn qwen_tower(part: &Value, is_second: bool, hidden: u64) -> Result<VisionTower, String> {
    // Beyond any published tower, and the products below 2^63.
    let number = |key: &str, default: u64, most: u64| match &part[key] {
        Value::Null => Ok(default),
        value => value
            .as_u64()
            .filter(|n| (1..=most).contains(n))
            .ok_or_else(|| format!("`vision_config.{key}`: expected a whole number from 1 to {most}")),
    };
    // Tokens are squares of 28 pixels in what is simulated.
    for (key, only) in [("patch_size", 14), ("spatial_merge_size", 2)] {
        if number(key, only, 1000)? != only {
            return Err(format!("`vision_config.{key}`: a tower with {key} other than {only} is not modelled yet"));
        }
    }
    let (layers, frames) = (number("depth", 32, 1000)?, number("temporal_patch_size", 2, 16)?);
    let channels = number("in_channels", number("in_chans", 3, 16)?, 16)?;
    let patch_values = channels * frames * 14 * 14;
    if is_second {
        let window = number("window_size", 112, 1 << 14)?.div_ceil(14);
        let full = part["fullatt_block_indexes"].as_array().map_or(4, Vec::len) as u64;
        let full_every = layers.checked_div(full).unwrap_or(u64::MAX).max(1);
        let (width, intermediate) =
            (number("hidden_size", 1280, 1 << 14)?, number("intermediate_size", 3420, 1 << 16)?);
        let window = Some((window * window, full_every));
        return Ok(QwenTower { layers, hidden: width, intermediate, patch_values, window }.into_width(hidden));
    }
    let width = number("embed_dim", 1280, 1 << 14)?;
    let ratio = part["mlp_ratio"].as_f64().unwrap_or(4.0);
    if !(ratio > 0.0 && ratio <= 16.0) {
        return Err("`vision_config.mlp_ratio`: expected a number above 0 and at most 16".to_owned());
    }
    let intermediate = (width as f64 * ratio) as u64;
    Ok(QwenTower { layers, hidden: width, intermediate, patch_values, window: None }.into_width(hidden))
}

/// CLIP-L/14 at 336 pixels, the one tower of LLaVA-1.5.
fn clip_tower(config: &Value, hidden: u64) -> Result<VisionTower, String> {
    let part = &config["vision_config"];
    let known: [(&str, u64); 5] = [
        ("hidden_size", 1024),
        ("intermediate_size", 4096),
        ("num_hidden_layers", 24),
        ("patch_size", 14),
        ("image_size", 336),
    ];
    for (key, only) in known {
        if part[key].as_u64() != Some(only) {
            return Err(format!(
                "`vision_config.{key}`: a CLIP tower with {key} other than {only} is not modelled yet"
            ));
        }
    }
    match (config["vision_feature_layer"].as_i64().unwrap_or(-2), config["vision_feature_select_strategy"].as_str()) {
        (-2, None | Some("default")) => Ok(clip(hidden)),
        _ => Err(
            "`vision_feature_layer`: features of another layer than -2, or of the class token, are not modelled yet"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests;
