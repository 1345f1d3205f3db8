//! The server of llama.cpp, with its slots (`llamacpp`).
//!
//! * As many requests run at once as there are slots, 4 by default. Each slot has an equal part of the context's memory.
//! * A step computes the next token of each answer, then prompts in order of their slots, up to 2,048 tokens.
//! * Nobody is preempted, and slots share nothing. A slot that finds the beginning of its last prompt again keeps it;
//!   this is left out here.
//!
//! Known from the documentation of the server and from its source, which was read and not run: no step log holds these rules.

use super::{Admission, Rules};
use crate::settings::Settings;

impl Rules {
    /// The server of llama.cpp.
    pub fn llamacpp() -> Self {
        Self {
            name: "llamacpp",
            admission: Admission::Slot,
            defaults: Settings {
                sequences: 4,
                step_tokens: 2048,
                prefix_cache: false,
                full_prompt_gate: false,
                ..Settings::default()
            },
            ..Self::vllm_0_19()
        }
    }
}
