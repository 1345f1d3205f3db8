//! The settings of a replica: sizes and switches that a user of the engine sets.

/// Sizes and switches of one replica. vLLM's names stand beside ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Most requests that run at once (`max_num_seqs`).
    pub sequences: u32,
    /// Most tokens of a step (`max_num_batched_tokens`).
    pub step_tokens: u32,
    /// Most tokens of one request in a step (`long_prefill_token_threshold`); none if absent.
    pub long_prompt_threshold: Option<u32>,
    /// A prompt may be spread over steps (`enable_chunked_prefill`).
    pub chunked_prompts: bool,
    /// Tokens of a KV block (`block_size`).
    pub block_tokens: u32,
    /// KV blocks that can be used: vLLM's `num_gpu_blocks` without the null block.
    pub blocks: u32,
    /// Longest prompt and answer together (`max_model_len`).
    pub context: u32,
    /// Blocks of equal content are found again (`enable_prefix_caching`).
    pub prefix_cache: bool,
    /// Order of admission and preemption (`policy`).
    pub order: Order,
    /// A prompt is admitted only if blocks for all of it are free (`scheduler_reserve_full_isl`).
    pub full_prompt_gate: bool,
    /// A picture's placeholders are computed in one step (`disable_chunked_mm_input`).
    pub whole_pictures: bool,
    /// Most embeddings that are encoded in a step.
    pub encoder_step: u32,
    /// Embeddings that the encoder's cache holds.
    pub encoder_cache: u32,
    /// Source of drafted tokens.
    pub drafter: Drafter,
    /// Tokens drafted for a request after each of its steps (`num_speculative_tokens`).
    pub draft_tokens: u32,
}

impl Default for Settings {
    /// vLLM's defaults for an API server on a GPU of 70 GiB or more, with 1,000 blocks.
    fn default() -> Self {
        Self {
            sequences: 1024,
            step_tokens: 8192,
            long_prompt_threshold: None,
            chunked_prompts: true,
            block_tokens: 16,
            blocks: 1000,
            context: 8192,
            prefix_cache: true,
            order: Order::Fcfs,
            full_prompt_gate: true,
            whole_pictures: false,
            encoder_step: 8192,
            encoder_cache: 8192,
            drafter: Drafter::None,
            draft_tokens: 0,
        }
    }
}

impl Settings {
    /// KV slots beyond the scheduled tokens that the drafter writes to.
    pub(crate) fn lookahead(&self) -> u32 {
        match self.drafter {
            Drafter::None | Drafter::NGram => 0,
            Drafter::Model | Drafter::Eagle => self.draft_tokens,
        }
    }

    /// Tokens beyond the scheduled ones that the drafter reads.
    pub(crate) fn reads_ahead(&self) -> u32 {
        u32::from(self.drafter == Drafter::Eagle)
    }
}

/// Order of admission and preemption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// First come, first served; the newest is preempted.
    Fcfs,
    /// By priority, then by arrival; the last in that order is preempted.
    Priority,
}

/// Source of drafted tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drafter {
    /// Nothing is drafted.
    None,
    /// Phrases of the prompt: no KV slots.
    NGram,
    /// A small model: a KV slot for each drafted token.
    Model,
    /// A head that reads the large model's states, one token ahead; a KV slot for each drafted token.
    Eagle,
}
