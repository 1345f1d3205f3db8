//! The ways in which a GPU forms its iterations.

use model::{
    device::Device,
    engine_kind::EngineKind,
    kv::{BLOCK_TOKENS, KvPool},
    memory::BatchLimits,
};
use serving::{Order, Rules, Settings};
use units::Bytes;

/// The way in which a GPU forms its iterations.
///
/// ```
/// use engine::Scheduling;
/// use model::engine_kind::EngineKind;
///
/// assert_eq!(Scheduling::of(EngineKind::Graph), Scheduling::Ideal);
/// assert!(matches!(Scheduling::of(EngineKind::Vllm019), Scheduling::Observed(_)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheduling {
    /// An iteration takes all that waits, up to its limits, and at most one chunk of a prompt. Memory is granted whole.
    Ideal,
    /// A serving engine's own scheduler forms them, as it was observed.
    Observed(Box<Rules>),
}

/// The way in which a serving engine in the cloud keeps a request whose answer an edge drafts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Remote {
    /// It stays among the running requests, with its place and its blocks, and waits for drafts.
    #[default]
    Held,
    /// Each batch of drafts is a request of its own, which finds its prompt and the answer so far in the prefix cache.
    Prefix,
}

/// Most embeddings of one picture: those of 12.8 million pixels, the most that Qwen's towers take. No budget of an encoder is
/// smaller (vLLM).
pub(crate) const LARGEST_PICTURE: u32 = 16_384;

impl Scheduling {
    /// The scheduling of an engine.
    pub fn of(engine: EngineKind) -> Self {
        Rules::named(engine.name())
            .filter(|_| !EngineKind::IDEAL.contains(&engine))
            .map_or(Self::Ideal, |rules| Self::Observed(Box::new(rules)))
    }

    /// The scheduling on a GPU where a small model `drafts` beside its own: every step verifies what the one before it drafted. vLLM
    /// keeps places for those drafts in a step that it forms beforehand; here the step is formed when they are there.
    pub(crate) fn beside(&self, drafts: bool) -> Self {
        match self {
            Self::Observed(rules) if drafts => {
                Self::Observed(Box::new(Rules { asynchronous: false, ..(**rules).clone() }))
            }
            as_it_is => as_it_is.clone(),
        }
    }

    /// The same with requests in the order of their priorities, where the engine has them (vLLM's `--scheduling-policy priority`).
    #[must_use]
    pub fn by_priority(mut self) -> Self {
        if let Self::Observed(rules) = &mut self
            && rules.name.starts_with("vllm")
        {
            rules.defaults.order = Order::Priority;
        }
        self
    }

    /// True if a server keeps what its host made of pictures for later prompts: vLLM does by default, but for the old version.
    pub(crate) fn keeps_pictures(&self) -> bool {
        matches!(self, Self::Observed(rules) if rules.name.starts_with("vllm") && rules.name != EngineKind::Vllm07.name())
    }

    /// True if requests come in the order of their priorities.
    pub fn is_by_priority(&self) -> bool {
        matches!(self, Self::Observed(rules) if rules.defaults.order == Order::Priority)
    }

    /// The limits of an iteration on a device, where a user states none or some. vLLM's API server takes 8,192 tokens and 1,024 sequences on
    /// GPUs of 70 GiB or more but for the A100, and 2,048 and 256 on others; other engines have theirs.
    pub fn limits(&self, device: &Device, sequences: Option<u32>, items: u32, tokens: Option<u32>) -> BatchLimits {
        let Self::Observed(rules) = self else {
            let tokens = tokens.map_or(BatchLimits::default().chunk_tokens, u64::from);
            return BatchLimits { sequences: sequences.map(u64::from), items: items.into(), chunk_tokens: tokens };
        };
        let is_large = device.memory >= Bytes::new(70 << 30) && !device.name.starts_with("a100");
        let defaults = &rules.defaults;
        let (step_tokens, most) = match rules.name.starts_with("vllm") && !is_large {
            true => (defaults.step_tokens.min(2048), defaults.sequences.min(256)),
            false => (defaults.step_tokens, defaults.sequences),
        };
        let sequences = sequences.unwrap_or(most);
        BatchLimits {
            sequences: Some(sequences.into()),
            // Rows of logits that are held at once; vLLM samples no more than its sequences.
            items: sequences.min(256).into(),
            chunk_tokens: tokens.unwrap_or(step_tokens).into(),
        }
    }
}

/// The settings of a replica with these limits, this memory, and a context window if the model has one.
pub(crate) fn settings(rules: &Rules, limits: BatchLimits, kv: &KvPool, context_window: Option<u64>) -> Settings {
    let defaults = rules.defaults.clone();
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let context = context_window.map_or(u32::MAX, small);
    // vLLM that does not cut prompts has a budget for the longest (V0, and a check of its configuration since).
    let whole = if rules.name.starts_with("vllm") && !defaults.chunked_prompts { context } else { 0 };
    let step_tokens = small(limits.chunk_tokens).max(whole);
    let encoder = step_tokens.max(LARGEST_PICTURE);
    Settings {
        sequences: limits.sequences.map_or(defaults.sequences, small),
        step_tokens,
        blocks: small(kv.total_blocks() * BLOCK_TOKENS / u64::from(defaults.block_tokens)),
        context,
        encoder_step: encoder,
        encoder_cache: encoder,
        ..defaults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_beside_a_small_model_is_not_formed_beforehand() {
        let asynchronous = |scheduling: Scheduling| match scheduling {
            Scheduling::Observed(rules) => Some(rules.asynchronous),
            Scheduling::Ideal => None,
        };
        let vllm = Scheduling::of(EngineKind::Vllm);
        assert_eq!(asynchronous(vllm.beside(false)), Some(true));
        assert_eq!(asynchronous(vllm.beside(true)), Some(false));
        assert_eq!(Scheduling::Ideal.beside(true), Scheduling::Ideal);
    }
}
