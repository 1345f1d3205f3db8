//! vLLM 0.33 without asynchronous scheduling (`vllm-0.33`).
//!
//! Differences from 0.19:
//! * A request of priority that preempts itself leaves the step to those after it.
//! * The threshold of long prompts does not hold for a request that is alone.
//! * A waiting request that a picture holds back is passed by.
//! * Slots of the drafter are asked for at admission; a draft model lengthens the batch by a token a request; a single
//!   token joins a batch of verifications padded.
//! * Freed blocks without a key are used again before those with one. Lookups count at admission.
//! * Embeddings of a picture are let go at the end of the step, once for each place that shows it.
//!
//! Known from the step logs of vLLM 0.33.0 that differ from those of 0.19.1 (`../shared/serving/vllm-0.33.0`), half of
//! them kept for trials. They were made with the trailing block of a hit dropped under EAGLE, as in 0.19;
//! asynchronous scheduling of this version was not observed.

use super::{Admission, PictureRules, Rules, Victim};
use crate::settings::Settings;

impl Rules {
    /// vLLM 0.33 without asynchronous scheduling.
    pub fn vllm_0_33() -> Self {
        Self {
            name: "vllm-0.33",
            asynchronous: false,
            serves_after_self_preemption: true,
            threshold_when_alone: false,
            passes_held_pictures: true,
            lookahead_at_admission: true,
            draft_model_tokens: 1,
            pads_single_tokens: true,
            counts_admitted_lookups: true,
            reuses_unkeyed_first: true,
            keys_verified_drafts: true,
            prompts_apart: false,
            admission: Admission::Chunk,
            victim: Victim::Newest,
            defaults: Settings::default(),
            pictures: PictureRules {
                kept_until_end: true,
                held_by_place: true,
                whole_from_start: true,
                encoded_ahead: true,
            },
        }
    }
}
