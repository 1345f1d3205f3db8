//! The format of a checkpoint's weights, by its `quantization_config`.

use model::format::{KvFormat, Storage, WeightFormat};
use serde_json::Value;

/// The group of weights that shares a scale, in AWQ, GPTQ and 4-bit compressed tensors.
const GROUP: u64 = 128;

/// The storage of a checkpoint.
///
/// # Errors
/// Its format is not modelled.
pub fn storage(quantisation: &Value) -> Result<Storage, String> {
    if quantisation.is_null() {
        return Ok(Storage::FP16);
    }
    let language = language(quantisation)?;
    let spared = spared(quantisation);
    // AWQ and GPTQ are applied to the decoder layers alone.
    let is_decoder_s = matches!(language, WeightFormat::Awq | WeightFormat::Gptq) && spared.is_none();
    let has_whole_tower = is_decoder_s || spared.unwrap_or_default().iter().any(|module| module.contains("vis"));
    let tower = if has_whole_tower { WeightFormat::Fp16 } else { language };
    Ok(Storage::of(language, tower, kv(&quantisation["kv_cache_scheme"])?))
}

/// Modules that stay in 16 bits, where they are listed.
fn spared(quantisation: &Value) -> Option<Vec<&str>> {
    let lists = ["ignore", "modules_to_not_convert"].into_iter().filter_map(|key| quantisation[key].as_array());
    lists.into_iter().next().map(|modules| modules.iter().filter_map(Value::as_str).collect())
}

fn language(quantisation: &Value) -> Result<WeightFormat, String> {
    let method = quantisation["quant_method"].as_str().unwrap_or_default();
    let bits = quantisation["bits"].as_u64().or_else(|| quantisation["w_bit"].as_u64());
    let group = quantisation["group_size"].as_u64().or_else(|| quantisation["q_group_size"].as_u64());
    let four_bits = |format: WeightFormat| match (bits, group) {
        (Some(4), Some(GROUP)) => Ok(format),
        (Some(4), _) => Err(refused(&format!("{method} in groups of other than {GROUP}"))),
        _ => Err(refused(&format!("{method} of other than 4 bits"))),
    };
    if quantisation["lm_head"] == true {
        return Err(refused("a quantised head"));
    }
    match method {
        "awq" => four_bits(WeightFormat::Awq),
        "gptq" => four_bits(WeightFormat::Gptq),
        "fp8" => Ok(WeightFormat::Fp8),
        "compressed-tensors" => compressed_tensors(quantisation),
        "" => Err(refused("no `quant_method`")),
        _ => Err(refused(method)),
    }
}

/// The one format of all groups of compressed tensors.
fn compressed_tensors(quantisation: &Value) -> Result<WeightFormat, String> {
    let groups = quantisation["config_groups"].as_object().into_iter().flat_map(|groups| groups.values());
    let formats = groups.map(of_group).collect::<Result<Vec<_>, _>>()?;
    if !spared(quantisation).unwrap_or_default().iter().any(|module| module.contains("lm_head")) {
        return Err(refused("a quantised head (`ignore` has no lm_head)"));
    }
    match formats.split_first() {
        Some((first, rest)) if rest.iter().all(|format| format == first) => Ok(*first),
        Some(_) => Err(refused("groups of several formats")),
        None => Err(refused("no `config_groups`")),
    }
}

fn of_group(group: &Value) -> Result<WeightFormat, String> {
    let kind = |part: &str| (group[part]["num_bits"].as_u64(), group[part]["type"].as_str().unwrap_or("int"));
    let (weights, has_activations) = (kind("weights"), !group["input_activations"].is_null());
    match (weights, has_activations.then(|| kind("input_activations"))) {
        ((Some(8), "float"), Some((Some(8), "float"))) => Ok(WeightFormat::Fp8),
        ((Some(8), "int"), Some((Some(8), "int"))) => Ok(WeightFormat::W8a8),
        ((Some(4), "int"), None) if group["weights"]["group_size"].as_u64() == Some(GROUP) => Ok(WeightFormat::Gptq),
        ((Some(bits), of), activations) => {
            let activations = activations.and_then(|(bits, _)| bits).unwrap_or(16);
            Err(refused(&format!("compressed tensors of {bits}-bit {of} weights with {activations}-bit activations")))
        }
        _ => Err(refused("compressed tensors without `num_bits`")),
    }
}

/// The format of cached keys and values, where the checkpoint states one.
fn kv(scheme: &Value) -> Result<KvFormat, String> {
    match (scheme["num_bits"].as_u64(), scheme["type"].as_str()) {
        _ if scheme.is_null() => Ok(KvFormat::Fp16),
        (Some(8), Some("float")) => Ok(KvFormat::Fp8),
        (Some(8), Some("int")) => Ok(KvFormat::Int8),
        _ => Err("`kv_cache_scheme`: expected 8 bits, float or int; others are not modelled yet".to_owned()),
    }
}

fn refused(what: &str) -> String {
    format!(
        "`quantization_config`: quantised weights ({what}), which are not modelled yet; take the configuration of the full \
         model, and say `weights`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn group(weights: Value, activations: Value) -> Value {
        json!({"quant_method": "compressed-tensors", "ignore": ["re:.*lm_head", "re:visual.*"],
            "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights, "input_activations": activations}}})
    }

    /// Shapes of public checkpoints: Qwen's AWQ, GPTQ and FP8, and Red Hat's fp8, w8a8 and w4a16.
    #[test]
    fn published_formats_are_known() {
        let (float, int) = (json!({"num_bits": 8, "type": "float"}), json!({"num_bits": 8, "type": "int"}));
        let four = json!({"num_bits": 4, "type": "int", "strategy": "group", "group_size": 128});
        for (config, language, tower) in [
            (Value::Null, WeightFormat::Fp16, WeightFormat::Fp16),
            (
                json!({"quant_method": "awq", "bits": 4, "group_size": 128, "modules_to_not_convert": ["visual"]}),
                WeightFormat::Awq,
                WeightFormat::Fp16,
            ),
            (json!({"quant_method": "gptq", "bits": 4, "group_size": 128}), WeightFormat::Gptq, WeightFormat::Fp16),
            (
                json!({"quant_method": "fp8", "modules_to_not_convert": ["lm_head", "model.visual.blocks.0.attn.qkv"]}),
                WeightFormat::Fp8,
                WeightFormat::Fp16,
            ),
            (json!({"quant_method": "fp8", "activation_scheme": "dynamic"}), WeightFormat::Fp8, WeightFormat::Fp8),
            (group(float.clone(), float), WeightFormat::Fp8, WeightFormat::Fp16),
            (group(int.clone(), int), WeightFormat::W8a8, WeightFormat::Fp16),
            (group(four, Value::Null), WeightFormat::Gptq, WeightFormat::Fp16),
        ] {
            assert_eq!(storage(&config), Ok(Storage::of(language, tower, KvFormat::Fp16)), "{config}");
        }
        let cached = json!({"quant_method": "fp8", "kv_cache_scheme": {"num_bits": 8, "type": "float"}});
        assert_eq!(storage(&cached).unwrap().kv, 1);
    }

    #[test]
    fn other_formats_are_refused_by_what_they_are() {
        let eight = json!({"num_bits": 8, "type": "int"});
        let mut head = group(eight.clone(), eight.clone());
        head["ignore"] = json!([]);
        let mut mixed = group(eight.clone(), eight.clone());
        mixed["config_groups"]["group_1"] = json!({"weights": {"num_bits": 8, "type": "float"},
            "input_activations": {"num_bits": 8, "type": "float"}});
        for (config, told) in [
            (json!({"bits": 4}), "no `quant_method`"),
            (json!({"quant_method": "mxfp4"}), "(mxfp4)"),
            (json!({"quant_method": "gptq", "bits": 8, "group_size": 128}), "gptq of other than 4 bits"),
            (json!({"quant_method": "awq", "bits": 4, "group_size": 64}), "groups of other than 128"),
            (json!({"quant_method": "gptq", "bits": 4, "group_size": 128, "lm_head": true}), "a quantised head"),
            (group(eight, Value::Null), "8-bit int weights with 16-bit activations"),
            (head, "`ignore` has no lm_head"),
            (mixed, "groups of several formats"),
            (json!({"quant_method": "compressed-tensors", "ignore": ["lm_head"]}), "no `config_groups`"),
            (json!({"quant_method": "fp8", "kv_cache_scheme": {"num_bits": 4}}), "`kv_cache_scheme`"),
        ] {
            let reason = storage(&config).unwrap_err();
            assert!(reason.contains(told), "{reason}");
        }
    }
}
