//! Memory of a tier: weights, KV cache, activations and the runtime itself.
//!
//! For Hugging Face transformers the formula was found from the eight published peaks of Qwen2-VL (`docs/hardware.md` section
//! A; they are GiB, though printed as GB: the 7B's 16.07 would be less than its weights otherwise). Between prompts of
//! 6,144, 14,336 and 30,720 tokens each further token costs
//!
//! `6 vocab + KV + 4 hidden` bytes:
//!
//! logits of every prompt row in bf16 and again in fp32, the keys and values, and the embedded and the final hidden
//! row. That gives 0.9464 MB for the 2B and 0.9841 MB for the 7B; measured are 0.942..0.946 and 0.984. Logits are 96 %
//! of it: the KV cache cannot explain the 5.3 GiB that the 2B gains by 6,144 tokens. The rest is the same for every
//! row: [`RUNTIME`]. Terms and constant were both chosen on these eight rows, so their errors, all within 0.3 %, show
//! a good description, not a prediction (`docs/compute-model.md`).

use units::Bytes;

use crate::model_spec::ModelSpec;

/// CUDA context, kernels and library workspaces: 0.5 GiB. The eight anchors leave 0.48 to 0.56 GB.
pub const RUNTIME: Bytes = Bytes::new(1 << 29);

/// Bytes of an fp16 or bf16 activation.
const HALF: u64 = 2;
/// Bytes of an fp32 activation.
const SINGLE: u64 = 4;

/// The parts of a device's used memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Weights of the model or of the part of it that runs here.
    pub weights: Bytes,
    /// Keys and values.
    pub kv: Bytes,
    /// Activations, logits among them, at their peak.
    pub activations: Bytes,
    /// The runtime itself, [`RUNTIME`].
    pub runtime: Bytes,
}

impl Footprint {
    /// The sum of all parts.
    pub fn total(&self) -> Bytes {
        self.weights + self.kv + self.activations + self.runtime
    }

    /// Peak of Hugging Face transformers for one request: at the end of the prompt, when the logits of all its rows exist,
    /// or at the end of the answer, when the KV cache is longest.
    ///
    /// Not counted: activations of the vision tower (freed before the logits exist, and smaller).
    pub fn hf(model: &ModelSpec, prompt_tokens: u64, output_tokens: u64) -> Footprint {
        let row = logits_row(model) + model.hidden * HALF * 2;
        let kv = model.kv_bytes_per_token();
        let prompt_end = (kv * prompt_tokens, Bytes::new(row * prompt_tokens));
        let answer_end = (kv * (prompt_tokens + output_tokens), Bytes::new(row));
        let peak = if prompt_end.0 + prompt_end.1 > answer_end.0 + answer_end.1 { prompt_end } else { answer_end };
        Footprint { weights: model.weight_bytes(), kv: peak.0, activations: peak.1, runtime: RUNTIME }
    }

    /// An engine with a paged KV cache (`vllm`, `graph`): activations for the largest iteration it may run.
    ///
    /// `kv` is the pool's use, see [`crate::kv::KvPool::used_bytes`]. No published peak checks the activations.
    pub fn paged(model: &ModelSpec, largest: BatchLimits, kv: Bytes) -> Footprint {
        let activations = paged_activations(model, largest);
        Footprint { weights: model.weight_bytes(), kv, activations, runtime: RUNTIME }
    }
}

/// The largest iteration that an engine may run, and the most sequences that it may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Sequences with keys and values at once (`max_num_seqs` of vLLM); as many as there are blocks for if none.
    pub sequences: Option<u64>,
    /// Decode and verify items: 64 in `docs/semantics.md` section 2.
    pub items: u64,
    /// Tokens of the one prompt chunk: 1,024 in `docs/semantics.md` section 2.
    pub chunk_tokens: u64,
}

impl Default for BatchLimits {
    fn default() -> BatchLimits {
        BatchLimits { sequences: None, items: 64, chunk_tokens: 1024 }
    }
}

/// Activations of the largest iteration: a residual row, its normed copy and the MLP's rows for each token; logits for
/// each item only, since paged engines compute them for sampled rows alone.
pub fn paged_activations(model: &ModelSpec, largest: BatchLimits) -> Bytes {
    let token = (2 * model.hidden + 3 * model.intermediate) * HALF;
    let tokens = largest.chunk_tokens + largest.items;
    Bytes::new(tokens * token + largest.items * logits_row(model))
}

/// Bytes of one row of logits: as computed, and the fp32 copy for the softmax.
fn logits_row(model: &ModelSpec) -> u64 {
    model.vocab * (HALF + SINGLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../docs/compute-model.md");

    /// Model, prompt tokens, measured peak in GiB; 2,048 tokens were generated.
    const ANCHORS: [(&str, u64, f64); 8] = [
        ("qwen2-vl-2b", 1, 4.68),
        ("qwen2-vl-2b", 6_144, 10.01),
        ("qwen2-vl-2b", 14_336, 17.20),
        ("qwen2-vl-2b", 30_720, 31.64),
        ("qwen2-vl-7b", 1, 16.07),
        ("qwen2-vl-7b", 6_144, 21.56),
        ("qwen2-vl-7b", 14_336, 29.07),
        ("qwen2-vl-7b", 30_720, 44.08),
    ];

    #[test]
    fn the_eight_published_peaks_of_transformers() {
        for (name, prompt, gib) in ANCHORS {
            let footprint = Footprint::hf(ModelSpec::named(name).unwrap(), prompt, 2048);
            let modelled = footprint.total().as_u64() as f64 / f64::from(1 << 30);
            let error = modelled / gib - 1.0;
            // "qwen2-vl-2b" and 6144 are "2B" and "6,144" there.
            let size = name.rsplit_once('-').unwrap().1.to_uppercase();
            let tokens =
                if prompt < 1000 { prompt.to_string() } else { format!("{},{:03}", prompt / 1000, prompt % 1000) };
            let row = format!("| {size} | {tokens} | {gib:.2} | {modelled:.2} | {:+.1} % |", error * 100.0);
            assert!(PAGE.lines().any(|line| line == row), "docs/compute-model.md does not have the row of now:\n{row}");
            assert!(error.abs() < 0.005, "{name} at {prompt}: {modelled} GiB for {gib}");
        }
    }

    #[test]
    fn the_parts_add_up_and_the_kv_cache_is_the_pool_s() {
        let model = ModelSpec::named("qwen2.5-vl-7b").unwrap();
        let footprint = Footprint::paged(model, BatchLimits::default(), Bytes::new(1 << 30));
        let parts = footprint.weights + footprint.kv + footprint.activations + footprint.runtime;
        assert_eq!(footprint.total(), parts);
        assert!(footprint.activations < Bytes::new(300_000_000), "{}", footprint.activations);
    }
}
