//! Prices as policies see them.

use backends::Pricing;
use model::request::{Input, Prompt};
use policies::Prices;
use units::{Bytes, Ratio, SimDuration};

/// Prices of work on one tier when it is idle.
pub(crate) struct Price(pub(crate) Pricing);

impl Prices for Price {
    fn prefill(&self, input: &Input) -> SimDuration {
        self.0.prefill(input)
    }
    fn token(&self, context: u64) -> SimDuration {
        self.0.token(context)
    }
    fn verify(&self, tokens: u64, context: u64) -> SimDuration {
        self.0.verify(tokens, context)
    }
    fn probe(&self, prompt: &Prompt) -> SimDuration {
        self.0.probe(prompt)
    }
    fn encode(&self, prompt: &Prompt) -> SimDuration {
        self.0.encode(prompt)
    }
    fn prompt_tokens(&self, input: &Input) -> u64 {
        self.0.prompt_tokens(input)
    }
    fn hidden_bytes(&self) -> Bytes {
        self.0.hidden_bytes()
    }
    fn kv_bytes(&self) -> Bytes {
        self.0.kv_bytes()
    }
    fn encoded_bytes(&self, prompt: &Prompt) -> Bytes {
        self.0.encoded_bytes(prompt)
    }
    fn prompt_state_bytes(&self, input: &Input, visual: Ratio) -> Bytes {
        self.0.prompt_state_bytes(input, visual)
    }
}
