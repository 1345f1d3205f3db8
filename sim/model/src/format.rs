//! Formats of stored weights and of cached keys and values: bytes of an element, and the arithmetic that multiplies them.
//!
//! A format belongs to the matrices of the decoder layers. Embedding and head are stored apart: checkpoints of
//! compressed-tensors, AWQ and GPTQ leave them in 16 bits (their `ignore` lists name `lm_head`), GGUF files have their own
//! rule (`llama_tensor_get_type` of llama.cpp). Vision towers have a format of their own.
//!
//! Not counted: norms, biases and routers in 16 bits (less than 0.1 % of the weights), and scales of fp8 and w8a8, of
//! which there is one for each row or for each block of 128 x 128 weights.

pub mod recovery;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bytes of a weight in 16 bits.
const HALF: f64 = 2.0;
/// 256 weights of 6 bits in a `q6_K` block of 210 B (llama.cpp).
const Q6_K: f64 = 210.0 / 256.0;
/// 256 weights of 4 bits in a `q4_K` block of 144 B (llama.cpp).
const Q4_K: f64 = 144.0 / 256.0;
/// Share of the layers' weights that a `q4_K_M` file stores in `q6_K`: the value and down matrices of half of the layers,
/// and these are 0.29 to 0.31 of a layer in the families that are built in.
const Q4_K_M_IN_SIX_BITS: f64 = 0.5 * 0.30;

/// Format of a language model's stored weights, or of a vision tower's. Activations stay in 16 bits but for `fp8` and `w8a8`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WeightFormat {
    /// 2 B a weight.
    #[default]
    Fp16,
    /// 2 B a weight, with the exponent of fp32. Costs what `fp16` costs.
    Bf16,
    /// 8-bit floats with 8-bit arithmetic: 1 B a weight; embedding and head in 16 bits.
    Fp8,
    /// 8-bit integers with 8-bit arithmetic: 1 B a weight; embedding and head in 16 bits.
    W8a8,
    /// AWQ, 4 bits in groups of 128 with scale and zero, arithmetic in 16 bits: 0.52 B a weight; embedding and head in 16 bits.
    #[serde(rename = "w4a16_awq")]
    Awq,
    /// GPTQ, 4 bits in groups of 128 with scale and zero, arithmetic in 16 bits: 0.52 B a weight; embedding and head in 16 bits.
    #[serde(rename = "w4a16_gptq")]
    Gptq,
    /// Groups of 32 weights of 8 bits with an fp16 scale, embedding and head too: 1.0625 B a weight (llama.cpp).
    #[serde(rename = "q8_0")]
    Q8_0,
    /// Groups of 32 weights of 4 bits with an fp16 scale: 0.5625 B a weight; the head has 6 bits, 0.82 B (llama.cpp).
    #[serde(rename = "q4_0")]
    Q4_0,
    /// 4 bits in blocks of 256, some matrices and the head in 6 bits: 0.60 B a weight of the layers (llama.cpp).
    #[serde(rename = "q4_k_m")]
    Q4KM,
}

/// The numbers that a GPU multiplies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arithmetic {
    /// Floats of 16 bits, fp16 or bf16.
    #[default]
    Fp16,
    /// Floats of 8 bits.
    Fp8,
    /// Integers of 8 bits.
    Int8,
}

impl WeightFormat {
    /// Every format.
    pub const ALL: [Self; 9] =
        [Self::Fp16, Self::Bf16, Self::Fp8, Self::W8a8, Self::Awq, Self::Gptq, Self::Q8_0, Self::Q4_0, Self::Q4KM];

    /// Name in scenarios.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fp16 => "fp16",
            Self::Bf16 => "bf16",
            Self::Fp8 => "fp8",
            Self::W8a8 => "w8a8",
            Self::Awq => "w4a16_awq",
            Self::Gptq => "w4a16_gptq",
            Self::Q8_0 => "q8_0",
            Self::Q4_0 => "q4_0",
            Self::Q4KM => "q4_k_m",
        }
    }

    /// Bytes of a weight of the decoder layers, scales and zeros included.
    pub const fn bytes_per_weight(self) -> f64 {
        match self {
            Self::Fp16 | Self::Bf16 => HALF,
            Self::Fp8 | Self::W8a8 => 1.0,
            // 128 weights of 4 bits, an fp16 scale and a zero of 4 bits.
            Self::Awq | Self::Gptq => (64.0 + 2.0 + 0.5) / 128.0,
            Self::Q8_0 => 34.0 / 32.0,
            Self::Q4_0 => 18.0 / 32.0,
            Self::Q4KM => Q4_K + Q4_K_M_IN_SIX_BITS * (Q6_K - Q4_K),
        }
    }

    /// Bytes of a weight of the head, and of the embedding where that is the head.
    pub const fn head_bytes_per_weight(self) -> f64 {
        match self {
            Self::Fp16 | Self::Bf16 | Self::Fp8 | Self::W8a8 | Self::Awq | Self::Gptq => HALF,
            Self::Q8_0 => Self::Q8_0.bytes_per_weight(),
            Self::Q4_0 | Self::Q4KM => Q6_K,
        }
    }

    /// Bytes of a weight of an embedding that is not the head.
    pub const fn embedding_bytes_per_weight(self) -> f64 {
        match self {
            Self::Fp16 | Self::Bf16 | Self::Fp8 | Self::W8a8 | Self::Awq | Self::Gptq => HALF,
            Self::Q8_0 | Self::Q4_0 => self.bytes_per_weight(),
            Self::Q4KM => Q4_K,
        }
    }

    /// The arithmetic of the layers' matrices, on a device that has it. Embedding, head and attention stay in 16 bits.
    pub const fn arithmetic(self) -> Arithmetic {
        match self {
            Self::Fp8 => Arithmetic::Fp8,
            Self::W8a8 => Arithmetic::Int8,
            _ => Arithmetic::Fp16,
        }
    }
}

/// Format of cached keys and values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KvFormat {
    /// 2 B an element, fp16 or bf16.
    #[default]
    Fp16,
    /// 8-bit floats: 1 B an element, a scale for each tensor.
    Fp8,
    /// 8-bit integers: 1 B an element, a scale for each tensor.
    Int8,
}

impl KvFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Fp16, Self::Fp8, Self::Int8];

    /// Name in scenarios.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fp16 => "fp16",
            Self::Fp8 => "fp8",
            Self::Int8 => "int8",
        }
    }

    /// Bytes of a key's or a value's element.
    pub const fn bytes_per_element(self) -> u64 {
        match self {
            Self::Fp16 => 2,
            Self::Fp8 | Self::Int8 => 1,
        }
    }
}

/// The storage of one model: bytes of each kind of weight and of a cached element, and the arithmetic on the weights.
///
/// ```
/// use model::format::{KvFormat, Storage, WeightFormat};
///
/// let storage = Storage::of(WeightFormat::Awq, WeightFormat::Fp16, KvFormat::Fp8);
/// assert_eq!((storage.layers, storage.head, storage.kv), (0.51953125, 2.0, 1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Storage {
    /// Bytes of a weight of the decoder layers.
    pub layers: f64,
    /// Bytes of a weight of an embedding that is not the head.
    pub embedding: f64,
    /// Bytes of a weight of the head.
    pub head: f64,
    /// Bytes of a weight of the vision tower and its projector.
    pub tower: f64,
    /// Bytes of a cached key's or value's element.
    pub kv: u64,
    /// Arithmetic of the layers' matrices.
    pub arithmetic: Arithmetic,
    /// Arithmetic of the tower's matrices.
    pub tower_arithmetic: Arithmetic,
}

impl Storage {
    /// All in 16 bits.
    pub const FP16: Storage = Self::of(WeightFormat::Fp16, WeightFormat::Fp16, KvFormat::Fp16);

    /// The storage of a language model and a tower in these formats.
    pub const fn of(language: WeightFormat, tower: WeightFormat, kv: KvFormat) -> Storage {
        Storage {
            layers: language.bytes_per_weight(),
            embedding: language.embedding_bytes_per_weight(),
            head: language.head_bytes_per_weight(),
            tower: tower.bytes_per_weight(),
            kv: kv.bytes_per_element(),
            arithmetic: language.arithmetic(),
            tower_arithmetic: tower.arithmetic(),
        }
    }

    /// All weights of one width, as an average over a file gives it, with arithmetic in 16 bits.
    pub const fn uniform(bytes_per_weight: f64) -> Storage {
        Storage {
            layers: bytes_per_weight,
            embedding: bytes_per_weight,
            head: bytes_per_weight,
            tower: bytes_per_weight,
            ..Self::FP16
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model_spec::ModelSpec;

    /// Sizes of published files, in 10^9 B: LLaMA-7B in q4_0 has 3.56 GiB and in q8_0 6.67 GiB (discussion 4167 of llama.cpp),
    /// an 8B of Llama 3 in q4_k_m 4.58 GiB (`docs/hardware.md` section B), graelo/Qwen2.5-7B-Instruct-1M-AWQ 4.48 + 1.09 GB.
    #[test]
    fn files_are_as_large_as_the_published_ones() {
        let llama_7b = ModelSpec::dense("llama-7b", [32, 4096, 11_008, 32, 32, 128, 32_000]);
        let llama_8b = ModelSpec::dense("llama-3-8b", [32, 4096, 14_336, 32, 8, 128, 128_256]);
        let qwen_7b = ModelSpec { vision: None, ..ModelSpec::named("qwen2.5-vl-7b").unwrap().clone() };
        let gib = f64::from(1 << 30) / 1e9;
        for (model, format, gb) in [
            (&llama_7b, WeightFormat::Q4_0, 3.56 * gib),
            (&llama_7b, WeightFormat::Q8_0, 6.67 * gib),
            (&llama_8b, WeightFormat::Q4KM, 4.58 * gib),
            (&qwen_7b, WeightFormat::Awq, 5.57),
        ] {
            let stored = model.clone().stored(Storage::of(format, WeightFormat::Fp16, KvFormat::Fp16));
            let ratio = stored.weight_bytes().as_gb_f64() / gb;
            assert!((ratio - 1.0).abs() < 0.004, "{} in {}: {ratio}", model.name, format.name());
        }
    }

    #[test]
    fn a_format_is_written_by_its_name() {
        for format in WeightFormat::ALL {
            assert_eq!(toml::Value::try_from(format).unwrap().as_str(), Some(format.name()));
        }
        for format in KvFormat::ALL {
            assert_eq!(toml::Value::try_from(format).unwrap().as_str(), Some(format.name()));
        }
    }

    /// The widths that scenarios of three formats had before there were more.
    #[test]
    fn half_precision_and_llama_cpp_s_groups_keep_their_widths() {
        let layers = |format: WeightFormat| format.bytes_per_weight();
        let widths = [layers(WeightFormat::Fp16), layers(WeightFormat::Q8_0), layers(WeightFormat::Q4_0)];
        assert_eq!(widths, [2.0, 1.0625, 0.5625]);
        assert_eq!(Storage::of(WeightFormat::Bf16, WeightFormat::Bf16, KvFormat::Fp16), Storage::FP16);
        assert_eq!(Storage::uniform(2.0), Storage::FP16);
        let half = Storage::uniform(0.5);
        assert_eq!([half.layers, half.embedding, half.head, half.tower], [0.5; 4]);
        assert_eq!(half.kv, Storage::FP16.kv);
    }
}
