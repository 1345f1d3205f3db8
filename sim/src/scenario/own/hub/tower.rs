//! The vision tower of a configuration: one of the families that are known, in any size.

use model::vision::{Attention, Resize, TowerShape, VisionTower, clip};
use serde_json::Value;

/// The vision tower of a configuration, which ends in a width of the language model.
///
/// # Errors
/// It is of a family that is not modelled, or has a dimension out of range.
pub fn tower(config: &Value, hidden: u64) -> Result<Option<VisionTower>, String> {
    let part = &config["vision_config"];
    let family = config["model_type"].as_str().unwrap_or_default();
    let qwen = |shape| qwen_tower(&Part(part), shape).map(|shape| Some(shape.into_width(hidden)));
    match family {
        "qwen2_vl" => qwen(TowerShape::QWEN2),
        "qwen2_5_vl" => qwen(TowerShape::QWEN2_5),
        "qwen3_vl" | "qwen3_vl_moe" => qwen(TowerShape::QWEN3),
        "llava" => clip_tower(config, hidden).map(Some),
        _ if part.is_null() && config["vision_tower"].is_null() => Ok(None),
        _ => {
            let name = part["model_type"].as_str().unwrap_or(family);
            Err(format!(
                "`vision_config`: the tower {name} of {family} is not modelled yet; known are those of qwen2_vl, qwen2_5_vl, \
                 qwen3_vl and llava; write its dimensions in a table `vision` beside `config`"
            ))
        }
    }
}

/// The tower's part of a configuration.
struct Part<'c>(&'c Value);

impl Part<'_> {
    /// A number, beyond which no published tower is, or the default of its class.
    fn number(&self, key: &str, default: u64, most: u64) -> Result<u64, String> {
        match &self.0[key] {
            Value::Null => Ok(default),
            value => value
                .as_u64()
                .filter(|n| (1..=most).contains(n))
                .ok_or_else(|| format!("`vision_config.{key}`: expected a whole number from 1 to {most}")),
        }
    }

    fn length(&self, key: &str) -> Option<u64> {
        self.0[key].as_array().map(|values| values.len() as u64)
    }
}

/// A tower of Qwen; what its configuration leaves out is as in its class.
fn qwen_tower(part: &Part<'_>, class: TowerShape) -> Result<TowerShape, String> {
    let Resize::Qwen { token_side, min_pixels, max_pixels } = class.resize else { return Ok(class) };
    let patch = part.number("patch_size", token_side / class.merge, 128)?;
    let merge = part.number("spatial_merge_size", class.merge, 4)?;
    let frames = part.number("temporal_patch_size", 2, 16)?;
    let channels = part.number("in_channels", part.number("in_chans", 3, 16)?, 16)?;
    let layers = part.number("depth", class.layers, 1000)?;
    // The processor counts in tokens; its bounds in pixels stand beside the configuration.
    let scaled = |pixels: u64| pixels / (token_side * token_side) * (patch * merge).pow(2);
    let resize =
        Resize::Qwen { token_side: patch * merge, min_pixels: scaled(min_pixels), max_pixels: scaled(max_pixels) };
    let shape = TowerShape { layers, patch_values: channels * frames * patch * patch, merge, resize, ..class };
    if class.positions > 0 {
        return third(part, shape);
    }
    if part.length("deepstack_visual_indexes").is_some_and(|layers| layers > 0) {
        return Err(
            "`deepstack_visual_indexes`: features of its tower in deeper layers (DeepStack), which this family \
                    does not have"
                .to_owned(),
        );
    }
    if class.gated_mlp { second(part, shape) } else { first(part, shape) }
}

/// Qwen2-VL.
fn first(part: &Part<'_>, shape: TowerShape) -> Result<TowerShape, String> {
    let hidden = part.number("embed_dim", shape.hidden, 1 << 14)?;
    let ratio = part.0["mlp_ratio"].as_f64().unwrap_or(4.0);
    if !(ratio > 0.0 && ratio <= 16.0) {
        return Err("`vision_config.mlp_ratio`: expected a number above 0 and at most 16".to_owned());
    }
    Ok(TowerShape { hidden, intermediate: (hidden as f64 * ratio) as u64, ..shape })
}

/// Qwen2.5-VL, with windows.
fn second(part: &Part<'_>, shape: TowerShape) -> Result<TowerShape, String> {
    let patch = part.number("patch_size", 14, 128)?;
    let window = part.number("window_size", 112, 1 << 14)?.div_ceil(patch);
    let full = part.length("fullatt_block_indexes").unwrap_or(4);
    let full_every = shape.layers.checked_div(full).unwrap_or(u64::MAX).max(1);
    let attention = Attention::Window { patches: window * window, full_every };
    let hidden = part.number("hidden_size", shape.hidden, 1 << 14)?;
    let intermediate = part.number("intermediate_size", shape.intermediate, 1 << 16)?;
    Ok(TowerShape { hidden, intermediate, attention, ..shape })
}

/// Qwen3-VL, with learned positions and DeepStack.
fn third(part: &Part<'_>, shape: TowerShape) -> Result<TowerShape, String> {
    let deepstack = part.length("deepstack_visual_indexes").unwrap_or(shape.deepstack);
    if deepstack > 1000 {
        return Err("`vision_config.deepstack_visual_indexes`: expected at most 1000 layers".to_owned());
    }
    Ok(TowerShape {
        hidden: part.number("hidden_size", shape.hidden, 1 << 14)?,
        intermediate: part.number("intermediate_size", shape.intermediate, 1 << 16)?,
        positions: part.number("num_position_embeddings", shape.positions, 1 << 20)?,
        deepstack,
        ..shape
    })
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
