//! Configurations of public families, written anew by their shape.

use super::*;
use model::format::{KvFormat, Storage, WeightFormat};
use model::model_spec::{ModelSpec, Window};
use proptest::prelude::*;
use serde_json::json;

/// A configuration of Qwen2-VL-2B, flat as its publisher wrote it.
fn qwen2_vl_2b() -> Value {
    json!({
        "architectures": ["Qwen2VLForConditionalGeneration"], "model_type": "qwen2_vl", "attention_dropout": 0.0,
        "hidden_act": "silu", "hidden_size": 1536, "intermediate_size": 8960, "max_position_embeddings": 32768,
        "max_window_layers": 28, "num_attention_heads": 12, "num_hidden_layers": 28, "num_key_value_heads": 2,
        "sliding_window": 32768, "use_sliding_window": false, "tie_word_embeddings": true, "vocab_size": 151936,
        "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]}, "torch_dtype": "bfloat16",
        "vision_config": {"depth": 32, "embed_dim": 1280, "mlp_ratio": 4, "num_heads": 16, "in_chans": 3,
            "hidden_size": 1536, "patch_size": 14, "spatial_merge_size": 2, "spatial_patch_size": 14, "temporal_patch_size": 2},
    })
}

/// A text-only decoder of a family.
fn decoder(family: &str, more: &[(&str, Value)]) -> Value {
    let mut config = json!({
        "model_type": family, "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
        "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 131072,
    });
    for (key, value) in more {
        config[*key] = value.clone();
    }
    config
}

fn spec(name: &str, config: &Value) -> ModelSpec {
    ModelSpec { name: name.to_owned().into(), ..of_config(config, true).unwrap() }
}

fn refusal(config: &Value) -> String {
    of_config(config, true).unwrap_err()
}

#[test]
fn built_in_models_follow_from_their_configurations() {
    let flat = qwen2_vl_2b();
    // As transformers 5 writes it: the language model's part nested, with its own type.
    let mut text = flat.clone();
    text["model_type"] = json!("qwen2_vl_text");
    text["vision_config"] = Value::Null;
    text["tie_word_embeddings"] = Value::Null;
    let nested = json!({"model_type": "qwen2_vl", "tie_word_embeddings": true, "text_config": text,
        "vision_config": flat["vision_config"]});
    let qwen25_3b = json!({
        "model_type": "qwen2_5_vl", "hidden_size": 2048, "intermediate_size": 11008, "num_attention_heads": 16,
        "num_hidden_layers": 36, "num_key_value_heads": 2, "vocab_size": 151936, "max_position_embeddings": 128000,
        "use_sliding_window": false, "sliding_window": 32768, "tie_word_embeddings": true,
        "vision_config": {"depth": 32, "hidden_act": "silu", "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16,
            "in_chans": 3, "out_hidden_size": 2048, "patch_size": 14, "spatial_merge_size": 2, "window_size": 112,
            "fullatt_block_indexes": [7, 15, 23, 31], "tokens_per_second": 2, "temporal_patch_size": 2},
    });
    let mut qwen25_7b = qwen25_3b.clone();
    for (key, value) in [
        ("hidden_size", 3584),
        ("intermediate_size", 18944),
        ("num_attention_heads", 28),
        ("num_hidden_layers", 28),
        ("num_key_value_heads", 4),
        ("vocab_size", 152_064),
    ] {
        qwen25_7b[key] = json!(value);
    }
    qwen25_7b["tie_word_embeddings"] = json!(false);
    let llava = json!({
        "model_type": "llava", "vision_feature_layer": -2, "vision_feature_select_strategy": "default",
        "text_config": {"model_type": "llama", "max_position_embeddings": 4096, "vocab_size": 32064},
        "vision_config": {"model_type": "clip_vision_model", "hidden_size": 1024, "intermediate_size": 4096,
            "num_hidden_layers": 24, "num_attention_heads": 16, "patch_size": 14, "image_size": 336},
    });
    for (name, config) in [
        ("qwen2-vl-2b", &flat),
        ("qwen2-vl-2b", &nested),
        ("qwen2.5-vl-3b", &qwen25_3b),
        ("qwen2.5-vl-7b", &qwen25_7b),
        ("llava-1.5-7b", &llava),
    ] {
        assert_eq!(spec(name, config), *ModelSpec::named(name).unwrap());
    }
}

/// Parameters as their publishers state them.
#[test]
fn plain_decoders_have_the_parameters_that_are_published() {
    let llama = decoder("llama", &[("tie_word_embeddings", json!(true)), ("head_dim", json!(64))]);
    let qwen3 = [
        ("hidden_size", 1024),
        ("intermediate_size", 3072),
        ("num_hidden_layers", 28),
        ("num_attention_heads", 16),
        ("vocab_size", 151_936),
        ("head_dim", 128),
    ]
    .map(|(key, value)| (key, json!(value)));
    let qwen3 = decoder(
        "qwen3",
        &[&qwen3[..], &[("tie_word_embeddings", json!(true)), ("layer_types", json!(["full_attention"]))]].concat(),
    );
    let mistral =
        [("hidden_size", 4096), ("intermediate_size", 14_336), ("num_hidden_layers", 32), ("vocab_size", 32_768)]
            .map(|(key, value)| (key, json!(value)));
    let mistral = decoder("mistral", &[&mistral[..], &[("sliding_window", Value::Null)]].concat());
    let phi = [("hidden_size", 2560), ("intermediate_size", 10_240), ("num_hidden_layers", 32), ("vocab_size", 51_200)]
        .map(|(key, value)| (key, json!(value)));
    let phi = decoder("phi", &[&phi[..], &[("num_key_value_heads", Value::Null)]].concat());
    for (config, billions) in [(llama, 1.236), (qwen3, 0.596), (mistral, 7.248), (phi, 2.78)] {
        let params = spec("m", &config).params() as f64 / 1e9;
        assert!((params / billions - 1.0).abs() < 0.002, "{config}: {params} and {billions}");
    }
}

#[test]
fn what_is_not_modelled_is_refused_by_its_name() {
    let mut deep = qwen2_vl_2b();
    deep["vision_config"]["deepstack_visual_indexes"] = json!([5, 11]);
    let mut merge = qwen2_vl_2b();
    merge["vision_config"]["spatial_merge_size"] = json!(5);
    let tower = json!({"model_type": "siglip_vision_model", "hidden_size": 1152});
    for (config, told) in [
        (decoder("llama", &[("num_local_experts", json!(8))]), "`num_local_experts`: a mixture of experts in a llama"),
        (decoder("mixtral", &[("num_local_experts", json!(8))]), "no number `num_experts_per_tok`"),
        (decoder("qwen3_moe", &[("mlp_only_layers", json!([0]))]), "`mlp_only_layers`: layers without experts"),
        (
            decoder("mixtral", &[("num_local_experts", json!(8)), ("num_experts_per_tok", json!(9))]),
            "experts.per_token: expected a whole number from 1 to 8",
        ),
        (decoder("deepseek_v3", &[("kv_lora_rank", json!(512))]), "multi-head latent attention (MLA)"),
        (decoder("jamba", &[("mamba_d_state", json!(16))]), "state-space or linear attention"),
        (decoder("llama", &[("quantization_config", json!({"bits": 4}))]), "quantised weights"),
        (decoder("qwen2_audio", &[("audio_config", json!({"d_model": 1280}))]), "`audio_config`: sound"),
        (
            decoder("qwen3", &[("layer_types", json!(["sliding_attention"]))]),
            "`sliding_window` does not tell the width",
        ),
        (decoder("qwen3", &[("layer_types", json!(["linear_attention"]))]), "`layer_types`: linear_attention"),
        (decoder("t5", &[("is_encoder_decoder", json!(true))]), "an encoder beside the decoder"),
        (decoder("bloom", &[]), "`model_type`: bloom is not modelled yet (known: llama, mistral,"),
        (
            decoder("llama", &[("vision_config", tower.clone())]),
            "the tower siglip_vision_model of llama is not modelled yet",
        ),
        (decoder("llama", &[("num_hidden_layers", json!("x"))]), "`num_hidden_layers`: expected a whole number"),
        (decoder("qwen2", &[("hidden_size", Value::Null)]), "no number `hidden_size`"),
        (deep, "features of its tower in deeper layers (DeepStack)"),
        (merge, "`vision_config.spatial_merge_size`: expected a whole number from 1 to 4"),
        (json!({}), "no `model_type`"),
        (json!([1]), "no `model_type`"),
    ] {
        assert!(refusal(&config).contains(told), "{}", refusal(&config));
    }
    // Experts that there are none of say nothing, and a window as wide as the context hides nothing.
    spec("m", &decoder("phi3", &[("num_local_experts", json!(0)), ("sliding_window", json!(262_144))]));
}

/// A configuration of Qwen3-VL, nested as its publisher wrote it.
fn qwen3_vl(family: &str, text: &[(&str, Value)], width: u64) -> Value {
    let mut nested = decoder(&format!("{family}_text"), text);
    nested["head_dim"] = json!(128);
    nested["vocab_size"] = json!(151_936);
    nested["max_position_embeddings"] = json!(262_144);
    json!({"model_type": family, "tie_word_embeddings": false, "text_config": nested,
        "vision_config": {"deepstack_visual_indexes": [8, 16, 24], "depth": 27, "hidden_size": 1152, "in_channels": 3,
            "intermediate_size": 4304, "model_type": family, "num_heads": 16, "num_position_embeddings": 2304,
            "out_hidden_size": width, "patch_size": 16, "spatial_merge_size": 2, "temporal_patch_size": 2}})
}

fn numbers<const N: usize>(numbers: [(&'static str, u64); N]) -> Vec<(&'static str, Value)> {
    numbers.into_iter().map(|(key, value)| (key, json!(value))).collect()
}

#[test]
fn experts_and_deepstack_are_read() {
    let dense = numbers([
        ("hidden_size", 4096),
        ("intermediate_size", 12_288),
        ("num_hidden_layers", 36),
        ("num_attention_heads", 32),
        ("num_key_value_heads", 8),
    ]);
    let sparse = numbers([
        ("hidden_size", 2048),
        ("intermediate_size", 6144),
        ("num_hidden_layers", 48),
        ("num_attention_heads", 32),
        ("num_key_value_heads", 4),
        ("num_experts", 128),
        ("num_experts_per_tok", 8),
        ("moe_intermediate_size", 768),
        ("decoder_sparse_step", 1),
    ]);
    let text = [&sparse[..], &numbers([("head_dim", 128), ("vocab_size", 151_936)])[..]].concat();
    let window = [("max_position_embeddings", json!(262_144)), ("mlp_only_layers", json!([]))];
    for (name, config) in [
        ("qwen3-vl-8b", qwen3_vl("qwen3_vl", &dense, 4096)),
        ("qwen3-vl-30b-a3b", qwen3_vl("qwen3_vl_moe", &sparse, 2048)),
        ("qwen3-30b-a3b-instruct-2507", decoder("qwen3_moe", &[&text[..], &window[..]].concat())),
    ] {
        assert_eq!(spec(name, &config), *ModelSpec::named(name).unwrap());
    }
    // 46.7 and 14.3 B parameters are published; eight experts of Mixtral, and of Qwen's 60 one shared of four widths.
    let mixtral = numbers([
        ("hidden_size", 4096),
        ("intermediate_size", 14_336),
        ("num_hidden_layers", 32),
        ("vocab_size", 32_000),
        ("num_local_experts", 8),
        ("num_experts_per_tok", 2),
    ]);
    let shared = numbers([
        ("intermediate_size", 5632),
        ("num_hidden_layers", 24),
        ("num_attention_heads", 16),
        ("num_key_value_heads", 16),
        ("vocab_size", 151_936),
        ("num_experts", 60),
        ("num_experts_per_tok", 4),
        ("moe_intermediate_size", 1408),
        ("shared_expert_intermediate_size", 5632),
    ]);
    for (config, billions) in [(decoder("mixtral", &mixtral), 46.7), (decoder("qwen2_moe", &shared), 14.3)] {
        let params = spec("m", &config).params() as f64 / 1e9;
        assert!((params / billions - 1.0).abs() < 0.002, "{params} and {billions}");
    }
}

#[test]
fn windows_are_read_by_list_and_by_family() {
    let window = |family: &str, more: &[(&str, Value)]| spec("m", &decoder(family, more)).window;
    let of = |tokens, layers| Some(Window { tokens, layers });
    let sliding = ("sliding_window", json!(4096));
    assert_eq!(window("mistral", std::slice::from_ref(&sliding)), of(4096, 16));
    assert_eq!(window("qwen2", std::slice::from_ref(&sliding)), None);
    assert_eq!(window("qwen2", &[sliding.clone(), ("use_sliding_window", json!(false))]), None);
    let on = [sliding.clone(), ("use_sliding_window", json!(true)), ("max_window_layers", json!(10))];
    assert_eq!(window("qwen2", &on), of(4096, 6));
    assert_eq!(window("mistral", &[("sliding_window", json!(131_072))]), None);
    let kinds = json!(["sliding_attention", "full_attention", "sliding_attention"]);
    assert_eq!(window("ministral", &[sliding, ("layer_types", kinds)]), of(4096, 2));
}

#[test]
fn a_quantised_checkpoint_has_its_format() {
    let mut config = qwen2_vl_2b();
    config["quantization_config"] = json!({"quant_method": "awq", "bits": 4, "group_size": 128,
        "modules_to_not_convert": ["visual"]});
    let read = spec("m", &config);
    assert_eq!(read.storage, Storage::of(WeightFormat::Awq, WeightFormat::Fp16, KvFormat::Fp16));
    let sees = decoder("llama", &[("vision_config", json!({"model_type": "siglip_vision_model"}))]);
    assert!(of_config(&sees, true).is_err() && of_config(&sees, false).unwrap().vision.is_none());
}

proptest! {
    /// No configuration makes the reader panic, and whatever it takes can be counted.
    #[test]
    fn odd_numbers_are_counted_or_refused(key in 0_usize..12, value in prop_oneof![
        any::<u64>().prop_map(Value::from), (0_u64..40).prop_map(|bits| Value::from(1_u64 << bits)), Just(json!(-1)),
        Just(json!(1e300)), Just(json!("a")), Just(json!([])),
    ]) {
        let keys = ["hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
            "vocab_size", "depth", "embed_dim", "mlp_ratio", "in_chans", "temporal_patch_size", "head_dim"];
        let mut config = qwen2_vl_2b();
        if keys[key] == "depth" || key > 6 && key < 11 {
            config["vision_config"][keys[key]] = value;
        } else {
            config[keys[key]] = value;
        }
        if let Ok(spec) = of_config(&config, true) {
            let tower = spec.vision.as_ref().unwrap();
            prop_assert!(tower.flop(16_384).as_f64() > 0.0 && spec.params() > 0);
        }
    }
}
