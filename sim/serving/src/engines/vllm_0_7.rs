//! vLLM 0.7 as it was by default, with its first scheduler (`vllm-0.7`).
//!
//! * A step computes prompts or answers. As long as a waiting prompt finds room, the answers wait.
//! * A prompt is computed whole and holds the blocks of all of it from its admission on; 1 % of the blocks stay free then.
//! * The newest is preempted, goes to the front of the queue and is computed again.
//! * No prefix cache, and 256 requests at once. The budget of a step is the longest context, at least 2,048 tokens.
//!
//! Known from the source of vLLM's first scheduler, which was read and not run: no step log holds these rules.

use super::{Admission, Rules};
use crate::settings::Settings;

impl Rules {
    /// vLLM 0.7 by default.
    pub fn vllm_0_7() -> Self {
        Self {
            name: "vllm-0.7",
            prompts_apart: true,
            admission: Admission::Prompt { kept_free: 10 },
            defaults: Settings {
                sequences: 256,
                chunked_prompts: false,
                prefix_cache: false,
                full_prompt_gate: false,
                ..Settings::default()
            },
            ..Self::vllm_0_19()
        }
    }
}
