//! Devices, models and serving engines.

use super::listing::{Column, Listing, meanings, rounded};
use model::device::{DEVICES, Device};
use model::engine_kind::EngineKind;
use model::model_spec::{MODELS, ModelSpec};
use model::parallel::{INTERCONNECTS, Interconnect};
use std::collections::BTreeMap;

const DEVICE: &[Column] = &[
    Column::new("name"),
    Column::headed("memory_gib", "memory, GiB"),
    Column::headed("bandwidth_gb_per_s", "bandwidth, GB/s"),
    Column::headed("peak_tflop_per_s", "peak fp16, TFLOP/s"),
    Column::headed("bandwidth_reached_pct", "bandwidth reached, %"),
    Column::headed("peak_reached_pct", "peak reached, %"),
    Column::headed("reached", "by"),
    Column::headed("tdp_w", "TDP, W"),
    Column::headed("idle_w", "idle, W"),
    Column::json_only("source"),
];

/// The built-in devices.
pub fn devices() -> Listing {
    let line = |device: &Device| {
        vec![
            (&*device.name).into(),
            rounded(device.memory.as_u64() as f64 / GIB, 3),
            rounded(device.bandwidth.as_gb_per_s_f64(), 3),
            rounded(device.peak.as_tflop_per_s_f64(), 3),
            rounded(100.0 * device.reach().mem.as_f64(), 3),
            rounded(100.0 * device.reach().flop.as_f64(), 3),
            device.reach().basis.words().into(),
            rounded(device.tdp.as_f64(), 3),
            rounded(device.idle.as_f64(), 3),
            (&*device.source).into(),
        ]
    };
    Listing::new(DEVICE, DEVICES.iter().map(line))
}

const GIB: f64 = (1_u64 << 30) as f64;

const MODEL: &[Column] = &[
    Column::new("name"),
    Column::headed("parameters_billion", "parameters, 10^9"),
    Column::headed("vision_parameters_billion", "in vision, 10^9"),
    Column::new("layers"),
    Column::new("hidden"),
    Column::headed("weights_gb", "weights, GB"),
    Column::headed("kv_per_token_kib", "KV of a token, KiB"),
];

/// The built-in models.
pub fn models() -> Listing {
    let billion = |parameters: u64| rounded(parameters as f64 / 1e9, 3);
    let line = |model: &ModelSpec| {
        vec![
            (&*model.name).into(),
            billion(model.params()),
            model.vision.as_ref().map_or(serde_json::Value::Null, |tower| billion(tower.params)),
            model.layers.into(),
            model.hidden.into(),
            rounded(model.weight_bytes().as_gb_f64(), 3),
            rounded(model.kv_bytes_per_token().as_u64() as f64 / 1024.0, 3),
        ]
    };
    Listing::new(MODEL, MODELS.iter().map(line))
}

const ENGINE: &[Column] = &[
    Column::new("name"),
    Column::headed("batches", "batches"),
    Column::headed("overhead_ms", "step, ms"),
    Column::headed("layer_overhead_us", "layer, us"),
    Column::headed("sequence_overhead_us", "sequence, us"),
    Column::headed("hidden", "hidden"),
    Column::headed("prefill_overhead_ms", "prompt, ms"),
    Column::headed("megapixel_overhead_ms", "MP, ms"),
    Column::new("meaning"),
];

/// The serving engines, with their constants. The shortest step depends on the model and is left out.
pub fn engines() -> Listing {
    let meanings: BTreeMap<String, String> = meanings::<EngineKind>().into_iter().collect();
    let line = |engine: &EngineKind| {
        let profile = engine.profile(&MODELS[0], &DEVICES[0]);
        vec![
            engine.name().into(),
            profile.batches.into(),
            rounded(profile.overhead.as_ms_f64(), 3),
            rounded(1e3 * profile.layer_overhead.as_ms_f64(), 3),
            rounded(1e3 * profile.sequence_overhead.as_ms_f64(), 3),
            profile.hides_host.into(),
            rounded(profile.prefill_overhead.as_ms_f64(), 3),
            rounded(profile.megapixel_overhead.as_ms_f64(), 3),
            meanings.get(engine.name()).map_or("", String::as_str).into(),
        ]
    };
    Listing::new(ENGINE, EngineKind::ALL.iter().map(line))
}

const INTERCONNECT: &[Column] = &[
    Column::new("name"),
    Column::headed("bandwidth_gb_per_s", "bandwidth reached, GB/s"),
    Column::headed("latency_us", "latency, us"),
];

/// The built-in links between the GPUs of a server.
pub fn interconnects() -> Listing {
    let line = |(name, link): &(&str, Interconnect)| {
        vec![(*name).into(), rounded(link.bandwidth.as_gb_per_s_f64(), 3), rounded(1e3 * link.latency.as_ms_f64(), 3)]
    };
    Listing::new(INTERCONNECT, INTERCONNECTS.iter().map(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_engine_has_its_sentence() {
        let meanings: BTreeMap<String, String> = meanings::<EngineKind>().into_iter().collect();
        for engine in EngineKind::ALL {
            assert!(meanings[engine.name()].ends_with('.'), "{meanings:?}");
        }
    }
}
