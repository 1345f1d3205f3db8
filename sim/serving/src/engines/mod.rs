//! Rules of engines, a file for each version: where two versions differ, a field says how.

mod llamacpp;
mod sglang;
mod trtllm;
mod vllm_0_19;
mod vllm_0_19_async;
mod vllm_0_33;
mod vllm_0_7;

use crate::settings::Settings;

/// Rules of an engine, beyond the settings that its users set.
///
/// ```
/// use serving::Rules;
/// let rules = Rules::named("vllm-0.19").unwrap();
/// assert!(rules.asynchronous);
/// assert!(Rules::named("vllm-0.1").is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Name of engine and version.
    pub name: &'static str,
    /// A step is formed while the one before it runs, whose tokens are not known yet.
    pub asynchronous: bool,
    /// A request that preempts itself does not end the step for those after it, and a preempted request never
    /// makes the scheduler pass one by.
    pub serves_after_self_preemption: bool,
    /// The threshold of long prompts also holds for a request that is alone.
    pub threshold_when_alone: bool,
    /// A waiting request that a picture holds back is passed by.
    pub passes_held_pictures: bool,
    /// Slots of the drafter are asked for at admission too.
    pub lookahead_at_admission: bool,
    /// Tokens by which a draft model lengthens the batch, for each request in it.
    pub draft_model_tokens: u32,
    /// A request with one token to compute joins a batch of verifications with drafts that are all void.
    pub pads_single_tokens: bool,
    /// A lookup of the prefix cache counts only if the request is then admitted.
    pub counts_admitted_lookups: bool,
    /// Blocks without a key are used again first, those with a key last.
    pub reuses_unkeyed_first: bool,
    /// Verified drafts give their blocks keys at the end of the step, not when the next step is formed.
    pub keys_verified_drafts: bool,
    /// A step computes prompts or answers, prompts first. Otherwise it computes both.
    pub prompts_apart: bool,
    /// Room that a request must find to be admitted.
    pub admission: Admission,
    /// The request that is preempted next under [`Order::Fcfs`](crate::Order).
    pub victim: Victim,
    /// Rules of pictures.
    pub pictures: PictureRules,
    /// The engine's own settings, on a device where nothing is scarce.
    pub defaults: Settings,
}

/// Room that a request must find to be admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Room for its first chunk, and behind [the gate](Settings::full_prompt_gate) for all that is known of it.
    Chunk,
    /// Room for all that is known of it, which it then holds; so many thousandths of all blocks stay free.
    Prompt {
        /// Thousandths of all blocks.
        kept_free: u32,
    },
    /// Room for its prompt and its longest answer, which it then holds: nobody is ever preempted.
    Answer,
    /// One of as many equal parts of the memory as there may be requests.
    Slot,
    /// Room for its prompt and its longest answer beside a share of what the running ones may still write. The share is
    /// learned.
    Estimate,
}

/// The request that is preempted next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// The one that was admitted last.
    Newest,
    /// The one with the shortest answer so far; of equal ones that with the longest prompt.
    ShortestAnswer,
}

/// Rules of pictures, where versions differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureRules {
    /// A picture's embeddings are let go at the end of the step that reads the last of them, not when it is formed.
    pub kept_until_end: bool,
    /// A request that shows a picture twice holds it until the second place is computed.
    pub held_by_place: bool,
    /// A picture that must not be cut is not cut either where it begins a chunk.
    pub whole_from_start: bool,
    /// A picture right behind a chunk is encoded with it if the drafter reads ahead.
    pub encoded_ahead: bool,
}

impl Rules {
    /// The rules of an engine by its name; `vllm` is its version 0.19, `trtllm` guarantees completion.
    pub fn named(name: &str) -> Option<Self> {
        let name = if name == "vllm" { "vllm-0.19" } else { name };
        Self::all().into_iter().find(|rules| rules.name == name)
    }

    /// All engines.
    pub fn all() -> Vec<Self> {
        vec![
            Self::vllm_0_19(),
            Self::vllm_0_19_async(),
            Self::vllm_0_33(),
            Self::vllm_0_7(),
            Self::sglang(),
            Self::trtllm(),
            Self::trtllm_max_utilization(),
            Self::llamacpp(),
        ]
    }
}
