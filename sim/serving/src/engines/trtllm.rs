//! TensorRT-LLM with requests batched in flight, by its capacity policy (`trtllm`, `trtllm-max-utilization`).
//!
//! * One budget of 8,192 tokens a step for all requests, at most 2,048 of them. Prompts are cut only where the user says so.
//! * `GUARANTEED_NO_EVICT`, the default: a request is admitted if its prompt and its longest answer find room beside
//!   those of the running ones. Nobody is ever preempted.
//! * `MAX_UTILIZATION`: a request is admitted if its prompt finds room. The newest is paused where blocks run out, and is
//!   computed again.
//! * Blocks of 32 tokens are found again by their content.
//!
//! Known from TensorRT-LLM's documentation of its schedulers and runtime options: no step log holds these rules.

use super::{Admission, Rules};
use crate::settings::Settings;

impl Rules {
    /// TensorRT-LLM, which guarantees that a request that was begun is never paused.
    pub fn trtllm() -> Self {
        Self { name: "trtllm", admission: Admission::Answer, ..Self::trtllm_max_utilization() }
    }

    /// TensorRT-LLM, which takes in as many requests as it can.
    pub fn trtllm_max_utilization() -> Self {
        Self {
            name: "trtllm-max-utilization",
            serves_after_self_preemption: true,
            admission: Admission::Prompt { kept_free: 0 },
            defaults: Settings { sequences: 2048, chunked_prompts: false, block_tokens: 32, ..Settings::default() },
            ..Self::vllm_0_19()
        }
    }
}
