//! Prices as policies see them.

use backends::Pricing;
use model::request::{Input, Prompt};
use policies::Prices;
use units::{Bytes, Ratio, SimDuration};

/// Prices of work on one tier when it is idle.
pub(crate) struct Price {
    pub(crate) pricing: Pricing,
    /// True of a pool, whose host works on the pictures of an input before it is read. An edge has a step of its own for that.
    pub(crate) is_pool: bool,
}

impl Prices for Price {
    fn prefill(&self, input: &Input) -> SimDuration {
        let host = if self.is_pool { self.pricing.picture_time(input) } else { SimDuration::ZERO };
        host + self.pricing.prefill(input)
    }
    fn token(&self, context: u64) -> SimDuration {
        self.pricing.token(context)
    }
    fn verify(&self, tokens: u64, context: u64) -> SimDuration {
        self.pricing.verify(tokens, context)
    }
    fn probe(&self, prompt: &Prompt) -> SimDuration {
        self.pricing.probe(prompt)
    }
    fn encode(&self, prompt: &Prompt) -> SimDuration {
        self.pricing.encode(prompt)
    }
    fn prompt_tokens(&self, input: &Input) -> u64 {
        self.pricing.prompt_tokens(input)
    }
    fn hidden_bytes(&self) -> Bytes {
        self.pricing.hidden_bytes()
    }
    fn kv_bytes(&self) -> Bytes {
        self.pricing.kv_bytes()
    }
    fn encoded_bytes(&self, prompt: &Prompt) -> Bytes {
        self.pricing.encoded_bytes(prompt)
    }
    fn prompt_state_bytes(&self, input: &Input, visual: Ratio) -> Bytes {
        self.pricing.prompt_state_bytes(input, visual)
    }
}
