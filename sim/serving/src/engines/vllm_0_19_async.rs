//! vLLM 0.19 with asynchronous scheduling, its default (`vllm-0.19`).
//!
//! The rules are those without it, but a step is formed when the one before it starts. A token that is being computed counts as there; the
//! request that it ends is known at the end of that step, so its blocks and its place come back one step later.
//! An answer that ends by its limit costs no step more; one that ends by itself does.
//!
//! Known from 18 step logs with vLLM 0.19.1's asynchronous scheduler (`../shared/serving/vllm-0.19.1-async`), half of
//! them kept for trials.

use super::Rules;

impl Rules {
    /// vLLM 0.19 as it is by default.
    pub fn vllm_0_19_async() -> Self {
        Self { name: "vllm-0.19", asynchronous: true, ..Self::vllm_0_19() }
    }
}
