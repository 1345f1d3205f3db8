//! Layers that attend to a window of the context.

use serde::{Deserialize, Serialize};

use super::causal_pairs;

/// Sliding-window attention in some of the layers.
///
/// A windowed layer reads the keys and values of the last tokens alone. A tier keeps those of all tokens all the same, as
/// engines without a cache by layer do, so windows save reads and arithmetic, and no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Tokens that a token attends to, itself included.
    pub tokens: u64,
    /// Layers with the window; the others attend to all.
    pub layers: u64,
}

impl Window {
    /// Cached tokens that a windowed layer reads for an item: all that any of its `query_tokens` sees.
    pub fn context(&self, query_tokens: u64, context_tokens: u64) -> u64 {
        (context_tokens + query_tokens).min(self.tokens.saturating_sub(1) + query_tokens)
    }

    /// (query, key) pairs of a windowed layer, for `query_tokens` new tokens behind `context_tokens` cached ones.
    pub fn pairs(&self, query_tokens: u64, context_tokens: u64) -> u64 {
        let unfilled = self.tokens.saturating_sub(context_tokens).min(query_tokens);
        causal_pairs(unfilled, context_tokens) + (query_tokens - unfilled) * self.tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pairs_and_context_are_those_that_are_counted_one_by_one(
            tokens in 1_u64..40, query in 0_u64..60, context in 0_u64..60,
        ) {
            let window = Window { tokens, layers: 1 };
            let seen = |position: u64| (position + 1).min(tokens);
            let pairs: u64 = (context..context + query).map(seen).sum();
            prop_assert_eq!(window.pairs(query, context), pairs);
            if query > 0 {
                let first = context + 1 - seen(context);
                prop_assert_eq!(window.context(query, context), context + query - first);
            }
        }
    }
}
