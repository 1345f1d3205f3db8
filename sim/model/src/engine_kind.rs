//! Serving engines: the share of the data sheet that a runtime reaches, and its cost per iteration.
//!
//! The constants are those of `docs/compute-model.md`. They were set by hand from four published speeds on an
//! A100-80 (the anchors there), so agreement with those four is no evidence; `docs/compute-model.md` compares them with
//! everything else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::{Ratio, SimDuration};

use crate::{device::Device, model_spec::ModelSpec};

/// The serving engine of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// Hugging Face transformers: one request at a time, bound by kernel launches from Python.
    Hf,
    /// vLLM as it is by default, of the newest version that was observed with asynchronous scheduling: 0.19.
    #[default]
    Vllm,
    /// An engine that replays CUDA graphs, with continuous batching (TensorRT-LLM; llama.cpp is nearest to it).
    Graph,
    /// vLLM 0.19 with the scheduler that it has by default, which forms a step while the one before it runs.
    #[serde(rename = "vllm-0.19")]
    Vllm019,
    /// vLLM 0.19 without asynchronous scheduling.
    #[serde(rename = "vllm-0.19-sync")]
    Vllm019Sync,
    /// vLLM 0.33 without asynchronous scheduling.
    #[serde(rename = "vllm-0.33")]
    Vllm033,
    /// vLLM 0.7: prompts apart from answers.
    #[serde(rename = "vllm-0.7")]
    Vllm07,
    /// SGLang.
    Sglang,
    /// TensorRT-LLM, which never preempts.
    Trtllm,
    /// TensorRT-LLM, which takes in as many requests as it can.
    #[serde(rename = "trtllm-max-utilization")]
    TrtllmMaxUtilization,
    /// The server of llama.cpp, with its slots.
    Llamacpp,
}

/// The constants of a serving engine on a device (`docs/compute-model.md`); a scenario may override any of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EngineProfile {
    /// Host time of every iteration, e.g. `2 ms`.
    pub overhead: SimDuration,
    /// Host time of each layer, where kernels are launched one by one instead of as a captured graph.
    pub layer_overhead: SimDuration,
    /// Host time of each sequence of an iteration.
    pub sequence_overhead: SimDuration,
    /// True if the host works while the GPU does: the longer of the two counts, not their sum.
    pub hides_host: bool,
    /// Shortest iteration of the whole language model: the time to launch its kernels. A tier that runs a share of the
    /// layers has that share of it.
    pub floor: SimDuration,
    /// Share of the peak memory bandwidth that the engine's kernels reach, from 0 to 1.
    pub eta_mem: Ratio,
    /// Share of the peak FLOP rate that the engine's kernels reach, from 0 to 1.
    pub eta_flop: Ratio,
    /// True if the query heads of a group read keys and values together in every step; FlashAttention 2 under vLLM does so only
    /// where every item is of one token.
    pub packs_heads: bool,
    /// Share of a pass that each further token adds in a step of up to 8 tokens, from 0 to 1; 0 where they are multiplied by the
    /// same kernels as many. llama.cpp multiplies quantised weights by a kernel for vectors.
    pub vector_token: Ratio,
    /// Extra time of an iteration in which a prompt starts (its cause is not known).
    pub prefill_overhead: SimDuration,
    /// Time of one processor of the host for each megapixel of pictures, before their prompt is read: to decode, resize and
    /// normalise them.
    pub megapixel_overhead: SimDuration,
    /// True if one iteration may hold items of several requests.
    pub batches: bool,
}

/// A megapixel in the picture processor of transformers that engines of today call, in microseconds: a square of 1,024 pixels takes
/// 12.2 ms (vLLM pull request 50411).
const MEGAPIXEL_US: u64 = 12_000;
/// The same in the processor that vLLM 0.7 calls: a square of 1,000 pixels takes about 200 ms (QwenLM/Qwen3-VL issue 491).
const SLOW_MEGAPIXEL_US: u64 = 200_000;

/// Launch-bound iteration times measured with Hugging Face transformers on an A100-80 at batch 1: 1 / 35.29 and
/// 1 / 39.02 tokens/s (Qwen2-VL README; `docs/hardware.md` section A). The 7B of Qwen2-VL and of Qwen2.5-VL are one language model.
const MEASURED_HF_FLOORS: [(&str, SimDuration); 3] = [
    ("qwen2-vl-2b", SimDuration::from_us(28_300)),
    ("qwen2-vl-7b", SimDuration::from_us(25_600)),
    ("qwen2.5-vl-7b", SimDuration::from_us(25_600)),
];

/// Launch time of a layer for models without a measurement, in microseconds. The two measured models, of 28 layers each,
/// give 914 and 1,011: the middle of "0.9..1.0 ms per layer" (`docs/hardware.md` section A).
const HF_US_PER_LAYER: u64 = 950;

impl EngineKind {
    /// The idealised engines: an iteration takes all that waits, and memory is granted whole.
    pub const IDEAL: [EngineKind; 2] = [Self::Hf, Self::Graph];

    /// Every engine.
    pub const ALL: [EngineKind; 11] = [
        Self::Hf,
        Self::Vllm,
        Self::Graph,
        Self::Vllm019,
        Self::Vllm019Sync,
        Self::Vllm033,
        Self::Vllm07,
        Self::Sglang,
        Self::Trtllm,
        Self::TrtllmMaxUtilization,
        Self::Llamacpp,
    ];

    /// Name in scenarios.
    pub fn name(self) -> &'static str {
        match self {
            EngineKind::Hf => "hf",
            EngineKind::Vllm => "vllm",
            EngineKind::Graph => "graph",
            EngineKind::Vllm019 => "vllm-0.19",
            EngineKind::Vllm019Sync => "vllm-0.19-sync",
            EngineKind::Vllm033 => "vllm-0.33",
            EngineKind::Vllm07 => "vllm-0.7",
            EngineKind::Sglang => "sglang",
            EngineKind::Trtllm => "trtllm",
            EngineKind::TrtllmMaxUtilization => "trtllm-max-utilization",
            EngineKind::Llamacpp => "llamacpp",
        }
    }

    /// True of vLLM's versions.
    fn is_vllm(self) -> bool {
        matches!(self, Self::Vllm | Self::Vllm019 | Self::Vllm019Sync | Self::Vllm033 | Self::Vllm07)
    }

    /// The constants for this model on this device. Efficiencies are the device's, times the engine's part of them.
    pub fn profile(self, model: &ModelSpec, device: &Device) -> EngineProfile {
        let us = SimDuration::from_us;
        let host = |overhead, layer, sequence, hides_host| Host { overhead, layer, sequence, hides_host };
        // Host time in microseconds: constant, a layer, a sequence, and whether the GPU works meanwhile.
        let (host, prefill_overhead_us, (mem, flop)) = match self {
            Self::Hf => (host(0, 0, 0, false), 30_000, (1.0, 0.8)),
            Self::Vllm07 => (host(0, 85, 10, false), 6_000, (1.0, 1.0)),
            Self::Vllm019Sync | Self::Vllm033 => (host(2_000, 0, 20, false), 0, (1.0, 1.0)),
            Self::Vllm | Self::Vllm019 | Self::Sglang => (host(2_000, 0, 20, true), 0, (1.0, 1.0)),
            Self::Trtllm | Self::TrtllmMaxUtilization => (host(1_500, 0, 65, true), 0, (1.0, 1.0)),
            Self::Llamacpp if device.runs_metal() => (host(300, METAL_LAYER_US, 10, false), 0, (METAL_MEM, 0.8)),
            Self::Llamacpp => (host(300, 0, 10, false), 0, (0.85, 0.8)),
            Self::Graph => (host(800, 0, 0, false), 3_000, (1.0, 1.0)),
        };
        let reach = device.reach();
        let is_quantised = self == Self::Llamacpp && model.storage.layers < 2.0;
        let is_card = device.peak_int8.or(device.peak_fp8).is_some();
        let unpacking = if is_quantised && is_card && model.storage.layers < 1.0 { UNPACKING } else { 1.0 };
        EngineProfile {
            overhead: us(host.overhead),
            layer_overhead: us(host.layer),
            sequence_overhead: us(host.sequence),
            hides_host: host.hides_host,
            floor: if self == Self::Hf { hf_floor(model) } else { us(0) },
            eta_mem: Ratio::new(reach.mem.as_f64() * mem * unpacking),
            eta_flop: Ratio::new(reach.flop.as_f64() * flop),
            packs_heads: !self.is_vllm() || device.has_flash_attention_3(),
            vector_token: Ratio::new(if is_quantised { VECTOR_TOKEN } else { 0.0 }),
            prefill_overhead: us(prefill_overhead_us),
            megapixel_overhead: us(if self == Self::Vllm07 { SLOW_MEGAPIXEL_US } else { MEGAPIXEL_US }),
            batches: self != Self::Hf,
        }
    }
}

/// Share of the bandwidth in 16 bits that llama.cpp reaches in 4 bits on cards with 8-bit arithmetic: seven cards of `docs/hardware.md`
/// section B, whose rows are in sample.
const UNPACKING: f64 = 0.85;
/// Time of a layer's kernels under llama.cpp on Apple's chips beside their work, in microseconds, and their share of the bandwidth that
/// other engines reach, so .90 of the data sheet's. Both were set by hand to five speeds in 4 bits (M1, M2, M4, M4 Pro: llama.cpp
/// discussion 4167; M4: normiebench issue 3), which they meet within 6 %; one share alone misses them by up to 19 %.
const METAL_LAYER_US: u64 = 120;
const METAL_MEM: f64 = 1.06;
/// Share of a pass that llama.cpp's vector kernels take for each further token: 6 tokens of a drafted 8B in `q8_0` take 55 to 60 ms
/// on an RTX 3060 where one takes 31 (llama.cpp discussion 5877).
const VECTOR_TOKEN: f64 = 0.18;

/// Host time of an engine's iterations, in microseconds.
struct Host {
    overhead: u64,
    layer: u64,
    sequence: u64,
    hides_host: bool,
}

impl EngineProfile {
    /// The same engine for passes of a smaller model that its steps launch: with this share of the layers, and without the host
    /// time of a step.
    pub fn within_a_step(self, layers: Ratio) -> EngineProfile {
        let none = SimDuration::ZERO;
        let floor = SimDuration::from_secs_f64(self.floor.as_secs_f64() * layers.as_f64());
        EngineProfile {
            overhead: none,
            sequence_overhead: none,
            prefill_overhead: none,
            megapixel_overhead: none,
            floor,
            ..self
        }
    }

    /// Time of the host's processor on so many pixels of pictures.
    pub fn picture_time(&self, pixels: u64) -> SimDuration {
        SimDuration::from_secs_f64(self.megapixel_overhead.as_secs_f64() * pixels as f64 * 1e-6)
    }

    /// The same engine without host time and floor, to compare with sums of GPU kernel times.
    pub fn kernels_only(self) -> EngineProfile {
        let none = SimDuration::ZERO;
        EngineProfile {
            overhead: none,
            layer_overhead: none,
            sequence_overhead: none,
            floor: none,
            prefill_overhead: none,
            megapixel_overhead: none,
            ..self
        }
    }
}

/// The measured floor of this model, or layers x 0.95 ms, which is a guess for any other model.
fn hf_floor(model: &ModelSpec) -> SimDuration {
    let measured = MEASURED_HF_FLOORS.iter().find(|(name, _)| model.name == *name);
    measured.map_or(SimDuration::from_us(HF_US_PER_LAYER * model.layers), |&(_, floor)| floor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hf_has_the_two_measured_floors_and_a_rule_for_the_rest() {
        let gpu = Device::named("a100-80-sxm").unwrap();
        let floor = |name| EngineKind::Hf.profile(ModelSpec::named(name).unwrap(), gpu).floor.as_ms_f64();
        assert_eq!(floor("qwen2-vl-2b"), 28.3);
        assert_eq!(floor("qwen2.5-vl-7b"), 25.6);
        assert_eq!(floor("qwen2.5-vl-3b"), 34.2);
        assert_eq!(floor("llava-1.5-7b"), 30.4);
    }

    #[test]
    fn only_hf_serves_one_request_at_a_time() {
        let (model, gpu) = (ModelSpec::named("qwen2-vl-2b").unwrap(), Device::named("rtx-3090").unwrap());
        let batches = |kind: &EngineKind| kind.profile(model, gpu).batches;
        assert!(EngineKind::ALL.iter().all(|kind| batches(kind) == (*kind != EngineKind::Hf)));
    }

    #[test]
    fn names_tell_engines_apart() {
        let names: std::collections::BTreeSet<&str> = EngineKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), EngineKind::ALL.len());
        assert!(names.contains("hf") && names.contains("vllm-0.19-sync"));
    }

    #[test]
    fn efficiencies_are_the_device_s_and_stay_without_host_time() {
        let (model, gpu) = (ModelSpec::named("qwen2-vl-2b").unwrap(), Device::named("rtx-3090").unwrap());
        let kernels = EngineKind::Vllm.profile(model, gpu).kernels_only();
        assert_eq!((kernels.overhead, kernels.sequence_overhead), (SimDuration::ZERO, SimDuration::ZERO));
        assert_eq!((kernels.eta_mem, kernels.eta_flop), (gpu.reach().mem, gpu.reach().flop));
        let llamacpp = EngineKind::Llamacpp.profile(model, gpu);
        assert!(llamacpp.eta_mem < kernels.eta_mem && llamacpp.eta_flop < kernels.eta_flop);
    }
}
