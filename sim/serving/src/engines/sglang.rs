//! SGLang by default (`sglang`).
//!
//! * A step computes prompts or answers, prompts first: up to 8,192 tokens of prompts, the last of which may be cut and
//!   goes on in the next step. The answers wait meanwhile.
//! * A request is admitted if its prompt and its longest answer, of which at most 4,096 tokens count, find room. What the
//!   running ones may still write counts by a share: .7 at first, less with each step of answers, down to .098 after 600,
//!   and what was seen of it after a request was retracted. See `schedule/estimate.rs`.
//! * Where memory runs out the request with the shortest answer is retracted, of equal ones that with the longest prompt.
//! * The prefix cache holds single tokens.
//!
//! Known from SGLang's documentation and from descriptions of its scheduler: no step log holds these rules.

use super::{Admission, Rules, Victim};
use crate::settings::Settings;

impl Rules {
    /// SGLang by default.
    pub fn sglang() -> Self {
        Self {
            name: "sglang",
            serves_after_self_preemption: true,
            prompts_apart: true,
            admission: Admission::Estimate,
            victim: Victim::ShortestAnswer,
            defaults: Settings {
                sequences: 4096,
                block_tokens: 1,
                blocks: 16_000,
                full_prompt_gate: false,
                ..Settings::default()
            },
            ..Self::vllm_0_19()
        }
    }
}
