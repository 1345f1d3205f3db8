//! vLLM 0.19 without asynchronous scheduling (`vllm-0.19-sync`).
//!
//! * One budget of tokens a step for all requests: running ones in order of admission, then waiting ones.
//! * Blocks on demand; the newest is preempted, or with priorities the last in order; all of it is computed again.
//! * The prompt of a waiting request must fit whole (since 0.19.0); nothing passes the head of the queue.
//! * A request of priority that preempts itself ends the step for those after it.
//! * Embeddings of a picture are let go when the step that reads the last of them is formed.
//!
//! Known from 36 step logs of vLLM 0.19.1's own scheduler on a CPU (`../shared/serving/vllm-0.19.1`), half of them
//! kept for trials, and from its behaviour as `../shared/serving.md` describes it.

use super::{Admission, PictureRules, Rules, Victim};
use crate::settings::Settings;

impl Rules {
    /// vLLM 0.19 without asynchronous scheduling.
    pub fn vllm_0_19() -> Self {
        Self {
            name: "vllm-0.19-sync",
            asynchronous: false,
            serves_after_self_preemption: false,
            threshold_when_alone: true,
            passes_held_pictures: false,
            lookahead_at_admission: false,
            draft_model_tokens: 0,
            pads_single_tokens: false,
            counts_admitted_lookups: false,
            reuses_unkeyed_first: false,
            keys_verified_drafts: false,
            prompts_apart: false,
            admission: Admission::Chunk,
            victim: Victim::Newest,
            defaults: Settings::default(),
            pictures: PictureRules {
                kept_until_end: false,
                held_by_place: false,
                whole_from_start: false,
                encoded_ahead: false,
            },
        }
    }
}
