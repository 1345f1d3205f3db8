//! The dimensions that a folder's configuration states: what arithmetic and memory are counted by.

use crate::error::{Result, refused};
use crate::folder::{Folder, MOST_MERGED};
use serde_json::Value;

/// Dimensions of a decoder and of its vision tower.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dimensions {
    /// Decoder layers.
    pub layers: u64,
    /// Width of the residual stream.
    pub hidden: u64,
    /// Width of the MLP.
    pub intermediate: u64,
    /// Query heads.
    pub heads: u64,
    /// Key and value heads.
    pub kv_heads: u64,
    /// Width of a head.
    pub head_size: u64,
    /// Rows of the embedding.
    pub vocabulary: u64,
    /// True if the head is the embedding.
    pub tied_head: bool,
    /// The vision tower.
    pub tower: TowerDimensions,
}

/// Dimensions of a vision tower.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TowerDimensions {
    /// Layers.
    pub layers: u64,
    /// Width of a layer.
    pub hidden: u64,
    /// Width of the MLP.
    pub intermediate: u64,
    /// Three matrices of the MLP instead of two.
    pub gated_mlp: bool,
    /// Values of a patch: channels, frames and pixels.
    pub patch_values: u64,
    /// Patches along each side that become one token.
    pub merge: u64,
    /// Patches of a window and the period of the layers that see all, where attention has windows.
    pub window: Option<(u64, u64)>,
}

impl Dimensions {
    /// Reads `config.json`.
    ///
    /// # Errors
    /// A number is missing or 0; the message names it.
    pub fn of(folder: &Folder) -> Result<Self> {
        let config = folder.json("config.json")?;
        let file = folder.path().join("config.json");
        // Newer configurations have the language model's part one level deeper.
        let text = |key: &str| Some(&config[key]).filter(|v| !v.is_null()).unwrap_or(&config["text_config"][key]);
        let needed = |value: &Value, key: &str| match value.as_u64() {
            Some(number) if (1..=most(key)).contains(&number) => Ok(number),
            Some(number) if number > 0 => {
                refused(format!("{}: found {key} = {number}; expected at most {}", file.display(), most(key)))
            }
            _ => refused(format!("{}: no number `{key}` above 0", file.display())),
        };
        let number = |key: &str| needed(text(key), key);
        let heads = number("num_attention_heads")?;
        let hidden = number("hidden_size")?;
        Ok(Self {
            layers: number("num_hidden_layers")?,
            hidden,
            intermediate: number("intermediate_size")?,
            heads,
            kv_heads: number("num_key_value_heads")?,
            head_size: if text("head_dim").is_null() { (hidden / heads).max(1) } else { number("head_dim")? },
            vocabulary: number("vocab_size")?,
            tied_head: text("tie_word_embeddings").as_bool().unwrap_or(false),
            tower: TowerDimensions::of(&config["vision_config"], |value, key| {
                needed(value, &format!("vision_config.{key}"))
            })?,
        })
    }
}

/// The most that a dimension may be: so much that weights and FLOP fit 64 bits.
fn most(key: &str) -> u64 {
    match key.rsplit('.').next().unwrap_or(key) {
        "num_hidden_layers" | "depth" | "patch_size" | "in_channels" | "in_chans" | "temporal_patch_size" => 1 << 10,
        "spatial_merge_size" => u64::from(MOST_MERGED),
        "vocab_size" => 1 << 28,
        _ => 1 << 20,
    }
}

impl TowerDimensions {
    fn of(config: &Value, needed: impl Fn(&Value, &str) -> Result<u64>) -> Result<Self> {
        let or = |key: &str, default: u64| if config[key].is_null() { Ok(default) } else { needed(&config[key], key) };
        // The first family calls the tower's width `embed_dim`, and `hidden_size` what the language model takes.
        let first = !config["embed_dim"].is_null();
        let width = if first { "embed_dim" } else { "hidden_size" };
        let hidden = needed(&config[width], width)?;
        let intermediate = if first {
            // A ratio that makes nothing of it is refused as the width that it makes.
            needed(&Value::from((hidden as f64 * config["mlp_ratio"].as_f64().unwrap_or(4.0)) as u64), "mlp_ratio")?
        } else {
            needed(&config["intermediate_size"], "intermediate_size")?
        };
        let patch = or("patch_size", 14)?;
        let channels = or("in_channels", or("in_chans", 3)?)?;
        let windows = match config["window_size"].as_u64() {
            None | Some(0) => None,
            Some(_) => Some(needed(&config["window_size"], "window_size")?),
        };
        let layers = needed(&config["depth"], "depth")?;
        let full = config["fullatt_block_indexes"].as_array().map_or(0, Vec::len) as u64;
        Ok(Self {
            layers,
            hidden,
            intermediate,
            gated_mlp: !first,
            patch_values: channels * or("temporal_patch_size", 2)? * patch * patch,
            merge: or("spatial_merge_size", 2)?,
            window: windows.map(|side| ((side / patch).pow(2), layers.checked_div(full).unwrap_or(u64::MAX).max(1))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dimensions(config: &str) -> Result<Dimensions> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), config).unwrap();
        Dimensions::of(&Folder::read(folder.path(), None).unwrap())
    }

    #[test]
    fn both_families_are_read() {
        let flat = r#"{"image_token_id": 9, "eos_token_id": 3, "max_position_embeddings": 64, "num_hidden_layers": 28,
            "hidden_size": 1536, "intermediate_size": 8960, "num_attention_heads": 12, "num_key_value_heads": 2,
            "vocab_size": 151936, "tie_word_embeddings": true,
            "vision_config": {"depth": 32, "embed_dim": 1280, "mlp_ratio": 4, "hidden_size": 1536}}"#;
        let read = dimensions(flat).unwrap();
        assert_eq!((read.head_size, read.tied_head, read.tower.intermediate), (128, true, 5120));
        assert_eq!((read.tower.patch_values, read.tower.gated_mlp, read.tower.window), (1176, false, None));
        let nested = r#"{"image_token_id": 9, "eos_token_id": 3, "text_config": {"max_position_embeddings": 64,
            "num_hidden_layers": 28, "hidden_size": 3584, "intermediate_size": 18944, "num_attention_heads": 28,
            "num_key_value_heads": 4, "vocab_size": 152064}, "vision_config": {"depth": 32, "hidden_size": 1280,
            "intermediate_size": 3420, "window_size": 112, "fullatt_block_indexes": [7, 15, 23, 31]}}"#;
        let read = dimensions(nested).unwrap();
        assert_eq!((read.heads, read.tied_head, read.tower.gated_mlp), (28, false, true));
        assert_eq!(read.tower.window, Some((64, 8)));
        let broken = nested.replace("3420", "0");
        let message = dimensions(&broken).unwrap_err().to_string();
        assert!(message.ends_with("no number `vision_config.intermediate_size` above 0"), "{message}");
        for (from, to, told) in [
            ("3584", "9007199254740993", "found hidden_size = 9007199254740993; expected at most 1048576"),
            ("\"num_hidden_layers\": 28", "\"num_hidden_layers\": 4294967295", "expected at most 1024"),
            ("\"window_size\": 112", "\"window_size\": 18446744073709551615", "found vision_config.window_size = "),
        ] {
            let message = dimensions(&nested.replace(from, to)).unwrap_err().to_string();
            assert!(message.contains(told), "{message}");
        }
    }
}
