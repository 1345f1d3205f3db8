//! The cloud's queue of drafts, for policies that choose what a GPU verifies next.

use crate::testbed::Prices;
use units::SimDuration;

/// A batch of drafts that waits for a GPU of the cloud.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waiting {
    /// Number of its request.
    pub request: u64,
    /// Time since it arrived.
    pub waits: SimDuration,
    /// Time since the last tokens of its request were committed; since it arrived if there are none.
    pub silent: SimDuration,
    /// Its drafts.
    pub drafts: u32,
    /// Tokens before them.
    pub context: u64,
    /// Tokens that a verdict on its request has brought so far, on average; 1 before the first.
    pub brings: f64,
}

/// A GPU of the cloud that verifies nothing at the moment.
#[derive(Clone, Copy)]
pub struct Verifier<'v> {
    /// Requests that it may verify drafts of: those whose prompts it has read, and that have not ended.
    pub clients: u32,
    /// Its prices when it is idle.
    pub prices: &'v dyn Prices,
}

impl Verifier<'_> {
    /// An estimate of the time in which it verifies these together.
    pub fn time<'w>(&self, batches: impl Iterator<Item = &'w Waiting>) -> SimDuration {
        let (tokens, context) =
            batches.fold((0, 0), |(tokens, context), one| (tokens + u64::from(one.drafts) + 1, context + one.context));
        if tokens == 0 { SimDuration::ZERO } else { self.prices.verify(tokens, context) }
    }
}
