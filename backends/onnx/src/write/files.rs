//! The files of a model's folder beside its graphs: configurations, tokenizer and chat template.

use super::shape::{FRAMES, Family, MERGE, PATCH, Shape, WINDOW};
use super::tokenizer::{SPECIAL, TEMPLATE, TRAINED_TEMPLATE, of_words, special, tokenizer};
use super::weights::Dtype;
use serde_json::{Value, json};

/// All of them, by name.
pub(crate) fn files(shape: &Shape, dtype: Dtype, seed: u64) -> [(&'static str, Value); 5] {
    let id = |name| special(shape.tokens, name);
    let generation = json!({
        "bos_token_id": id("<|endoftext|>"),
        "pad_token_id": id("<|endoftext|>"),
        "eos_token_id": [id("<|im_end|>"), id("<|endoftext|>")],
        "do_sample": false,
    });
    [
        ("config.json", config(shape, dtype, seed)),
        ("generation_config.json", generation),
        ("preprocessor_config.json", preprocessor(shape)),
        ("tokenizer.json", shape.trained.map_or_else(|| tokenizer(shape.tokens), |trained| of_words(&trained.words()))),
        ("tokenizer_config.json", tokenizer_config(shape)),
    ]
}

/// The family's `config.json`, with a note on where the weights are from.
fn config(shape: &Shape, dtype: Dtype, seed: u64) -> Value {
    let id = |name| special(shape.tokens, name);
    let architecture = match shape.family {
        Family::Qwen2Vl => "Qwen2VLForConditionalGeneration",
        Family::Qwen25Vl => "Qwen2_5_VLForConditionalGeneration",
    };
    let origin = match shape.trained {
        Some(_) => json!({"weights": "trained", "data": "drawn pictures", "shape": shape.name}),
        None => json!({"weights": "random", "seed": seed, "shape": shape.name}),
    };
    json!({
        "msao_sim": origin,
        "architectures": [architecture],
        "model_type": shape.family.model_type(),
        "hidden_act": "silu",
        "vocab_size": shape.vocab,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "max_position_embeddings": shape.context,
        "rms_norm_eps": 1e-6,
        "rope_theta": shape.theta as f64,
        "rope_scaling": {"type": "mrope", "mrope_section": shape.sections},
        "tie_word_embeddings": shape.tied,
        "use_cache": true,
        "use_sliding_window": false,
        "torch_dtype": match dtype { Dtype::Fp32 => "float32", Dtype::Fp16 => "float16" },
        "bos_token_id": id("<|endoftext|>"),
        "eos_token_id": id("<|im_end|>"),
        "pad_token_id": id("<|endoftext|>"),
        "vision_start_token_id": id("<|vision_start|>"),
        "vision_end_token_id": id("<|vision_end|>"),
        "vision_token_id": id("<|vision_pad|>"),
        "image_token_id": id("<|image_pad|>"),
        "video_token_id": id("<|video_pad|>"),
        "vision_config": vision(shape),
        "transformers.js_config": {"dtype": dtype.name(), "use_external_data_format": true},
    })
}

/// The part on the vision tower, in the words of the family.
fn vision(shape: &Shape) -> Value {
    let tower = shape.tower;
    let mut config = json!({
        "model_type": shape.family.model_type(),
        "depth": tower.layers,
        "num_heads": tower.heads,
        "in_channels": 3,
        "in_chans": 3,
        "patch_size": PATCH,
        "spatial_patch_size": PATCH,
        "spatial_merge_size": MERGE,
        "temporal_patch_size": FRAMES,
    });
    let own = match shape.family {
        Family::Qwen2Vl => json!({
            "embed_dim": tower.hidden,
            "hidden_size": shape.hidden,
            "mlp_ratio": tower.intermediate / tower.hidden,
            "hidden_act": "quick_gelu",
        }),
        Family::Qwen25Vl => json!({
            "hidden_size": tower.hidden,
            "intermediate_size": tower.intermediate,
            "out_hidden_size": shape.hidden,
            "hidden_act": "silu",
            "window_size": WINDOW,
            "fullatt_block_indexes": tower.full,
            "tokens_per_second": 2,
        }),
    };
    if let (Value::Object(config), Value::Object(own)) = (&mut config, own) {
        config.extend(own);
    }
    config
}

fn preprocessor(shape: &Shape) -> Value {
    let least_pixels = 4 * (PATCH * MERGE).pow(2);
    json!({
        "image_processor_type": "Qwen2VLImageProcessor",
        "do_convert_rgb": true,
        "do_resize": true,
        "do_rescale": true,
        "do_normalize": true,
        "rescale_factor": 1.0 / 255.0,
        "resample": 3,
        "image_mean": [0.481_454_66, 0.457_827_5, 0.408_210_73],
        "image_std": [0.268_629_54, 0.261_302_58, 0.275_777_11],
        "min_pixels": least_pixels,
        "max_pixels": shape.most_pixels,
        "size": {"shortest_edge": least_pixels, "longest_edge": shape.most_pixels},
        "patch_size": PATCH,
        "temporal_patch_size": FRAMES,
        "merge_size": MERGE,
    })
}

fn tokenizer_config(shape: &Shape) -> Value {
    json!({
        "tokenizer_class": "Qwen2Tokenizer",
        "add_prefix_space": false,
        "additional_special_tokens": SPECIAL[1..],
        "bos_token": null,
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "unk_token": null,
        "errors": "replace",
        "model_max_length": shape.context,
        "chat_template": if shape.trained.is_some() { TRAINED_TEMPLATE } else { TEMPLATE },
    })
}
