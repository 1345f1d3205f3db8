//! The work of one iteration, and its cost.

use units::{Bytes, Flops, Ratio, SimDuration};

use crate::model_spec::{ModelSpec, causal_pairs};

/// The work of one iteration: the sum over its items.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Tokens that pass through the decoder layers.
    pub query_tokens: u64,
    /// Sequences that these tokens belong to.
    pub sequences: u64,
    /// Tokens that belong to prompts: such an iteration draws the power of a prefill.
    pub prefill_tokens: u64,
    /// Rows of logits.
    pub head_rows: u64,
    /// Cached tokens whose keys and values are read, the item's own new ones included.
    pub context_tokens: u64,
    /// Context of the one item of several new tokens that has the longest; 0 if every item is of one token.
    pub wide_context_tokens: u64,
    /// (query, key) pairs of attention, causal.
    pub attention_pairs: u64,
    /// FLOP of the vision tower, from [`crate::vision::VisionTower::flop`].
    pub vision_flop: Flops,
    /// Share of the vision tower's weights that is read: 1, or less by a probe of its first layers.
    pub vision_share: Ratio,
    /// Prompts of which this is the first chunk; the prefill overhead is charged once if there is any.
    pub prefill_starts: u64,
    /// Share of the decoder layers that this tier runs: 1, or less in a layer split.
    pub layer_share: Ratio,
}

impl Load {
    /// No work, on all layers.
    pub const NONE: Load = Load {
        query_tokens: 0,
        sequences: 0,
        prefill_tokens: 0,
        head_rows: 0,
        context_tokens: 0,
        wide_context_tokens: 0,
        attention_pairs: 0,
        vision_flop: Flops::ZERO,
        vision_share: Ratio::ZERO,
        prefill_starts: 0,
        layer_share: Ratio::ONE,
    };

    /// `tokens` new tokens behind `past` cached ones, with so many rows of logits.
    #[inline]
    fn span(tokens: u64, past: u64, head_rows: u64) -> Load {
        Load {
            query_tokens: tokens,
            sequences: 1,
            head_rows,
            context_tokens: past + tokens,
            wide_context_tokens: if tokens > 1 { past + tokens } else { 0 },
            attention_pairs: causal_pairs(tokens, past),
            ..Load::NONE
        }
    }

    /// One token behind `context` cached ones.
    #[inline]
    pub fn decode(context: u64) -> Load {
        Load::span(1, context, 1)
    }

    /// So many decoded tokens at once, each of a sequence of its own, behind so many tokens in all.
    #[inline]
    pub fn decode_many(sequences: u64, context: u64) -> Load {
        let read = context + sequences;
        Load {
            query_tokens: sequences,
            sequences,
            head_rows: sequences,
            context_tokens: read,
            attention_pairs: read,
            ..Load::NONE
        }
    }

    /// `tokens` at once behind `context` cached ones, each with its logits: k drafted tokens are verified by k + 1.
    pub fn verify(tokens: u64, context: u64) -> Load {
        Load::span(tokens, context, tokens)
    }

    /// `new` prompt tokens behind `past` cached ones, without logits.
    ///
    /// A prompt starts where `past` is 0. Its last chunk yields a token: add [`Load::with_head`].
    pub fn prefill_chunk(new: u64, past: u64) -> Load {
        Load { prefill_tokens: new, prefill_starts: u64::from(past == 0 && new > 0), ..Load::span(new, past, 0) }
    }

    /// The vision tower's work alone.
    pub fn vision(flop: Flops) -> Load {
        Load::probe(flop, Ratio::ONE)
    }

    /// The first layers of the vision tower, which are such a share of it.
    pub fn probe(flop: Flops, share: Ratio) -> Load {
        let vision_share = if flop > Flops::ZERO { share } else { Ratio::ZERO };
        Load { vision_flop: flop, vision_share, ..Load::NONE }
    }

    /// With the logits of one more row.
    pub fn with_head(self) -> Load {
        Load { head_rows: self.head_rows + 1, ..self }
    }

    /// On a tier that runs this share of the decoder layers.
    pub fn on_layers(self, layer_share: Ratio) -> Load {
        Load { layer_share, ..self }
    }

    /// The load of one item as a model's layers see it: those with a window read and multiply less, which is counted in the
    /// mean of all layers. Before items are added to each other, since each has a window of its own.
    #[inline]
    pub fn seen_by(self, model: &ModelSpec) -> Load {
        if model.window.is_none() || self.query_tokens == 0 {
            return self;
        }
        let (new, past) = (self.query_tokens, self.context_tokens.saturating_sub(self.query_tokens));
        let whole = |seen: f64| (seen + 0.5) as u64;
        let context_tokens = whole(model.context_seen(new, past));
        Load {
            context_tokens,
            wide_context_tokens: self.wide_context_tokens.min(context_tokens),
            attention_pairs: whole(model.pairs_seen(new, past)),
            ..self
        }
    }

    /// Adds another item to the same iteration.
    ///
    /// All items of a tier run the same layers. Should they differ, all are charged the larger share.
    #[inline]
    pub fn add(&mut self, other: &Load) {
        self.layer_share = match (self.query_tokens, other.query_tokens) {
            (_, 0) => self.layer_share,
            (0, _) => other.layer_share,
            _ if self.layer_share < other.layer_share => other.layer_share,
            _ => self.layer_share,
        };
        self.query_tokens += other.query_tokens;
        self.sequences += other.sequences;
        self.prefill_tokens += other.prefill_tokens;
        self.head_rows += other.head_rows;
        self.context_tokens += other.context_tokens;
        self.wide_context_tokens = self.wide_context_tokens.max(other.wide_context_tokens);
        self.attention_pairs += other.attention_pairs;
        self.vision_flop += other.vision_flop;
        if self.vision_share < other.vision_share {
            self.vision_share = other.vision_share;
        }
        self.prefill_starts += other.prefill_starts;
    }

    /// True if the iteration encodes images or reads prompts.
    pub fn is_prefill(&self) -> bool {
        self.prefill_tokens > 0 || self.vision_flop > Flops::ZERO
    }
}

/// The cost of one iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Time on the device, to the nearest nanosecond.
    pub duration: SimDuration,
    /// Arithmetic done, vision included.
    pub flop: Flops,
    /// Memory read, vision weights included.
    pub bytes: Bytes,
}

impl Cost {
    /// No cost.
    pub const NONE: Cost = Cost { duration: SimDuration::ZERO, flop: Flops::ZERO, bytes: Bytes::ZERO };

    /// Adds the iteration that follows.
    pub fn add(&mut self, other: &Cost) {
        self.duration += other.duration;
        self.flop += other.flop;
        self.bytes += other.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model_spec::Window;

    #[test]
    fn decoding_many_is_decoding_each() {
        let mut each = Load::NONE;
        [7, 0, 190].into_iter().for_each(|context| each.add(&Load::decode(context)));
        assert_eq!(Load::decode_many(3, 197), each);
    }

    #[test]
    fn a_window_bounds_what_an_item_reads_before_items_are_added() {
        let whole = ModelSpec::named("llama-3.1-8b").unwrap();
        let windowed = ModelSpec { window: Some(Window { tokens: 100, layers: 32 }), ..whole.clone() };
        let prompt = Load::prefill_chunk(400, 0);
        assert_eq!(prompt.seen_by(whole), prompt);
        assert_eq!(Load::decode(999).seen_by(&windowed), Load { context_tokens: 100, ..Load::decode(99) });
        let seen = prompt.seen_by(&windowed);
        // All 400 tokens are read by one or another of them, and each multiplies with at most 100.
        assert_eq!((seen.context_tokens, seen.wide_context_tokens), (400, 400));
        assert_eq!(seen.attention_pairs, causal_pairs(100, 0) + 300 * 100);
        let mut two = seen;
        two.add(&Load::decode(50).seen_by(&windowed));
        assert_eq!(two.context_tokens, 451);
        assert_eq!(Load::vision(Flops::new(1.0)).seen_by(&windowed), Load::vision(Flops::new(1.0)));
    }
}
