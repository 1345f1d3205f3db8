//! Prices as policies see them.

use backends::Pricing;
use model::request::Input;
use policies::Prices;
use units::SimDuration;

/// What work costs on one tier when it is idle.
pub(crate) struct Price(pub(crate) Pricing);

impl Prices for Price {
    fn prefill(&self, input: &Input) -> SimDuration {
        self.0.prefill(input)
    }
    fn token(&self, context: u64) -> SimDuration {
        self.0.token(context)
    }
    fn prompt_tokens(&self, input: &Input) -> u64 {
        self.0.prompt_tokens(input)
    }
}
