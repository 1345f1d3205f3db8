//! Prices as policies see them.

use crate::spec::RunSpec;
use backends::{Pricing, Tier};
use model::request::{Input, Prompt};
use policies::Prices;
use units::{Bytes, Ratio, SimDuration};

/// Prices of work on one tier when it is idle.
pub(crate) struct Price {
    pub(crate) pricing: Pricing,
    pub(crate) host: HostWork,
}

/// The place of a host's work on pictures, at the engine's time a megapixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostWork {
    /// Before their prompt is read: in a server.
    BeforePrefill,
    /// In the request's preprocessing: on an edge that runs a model.
    InPreprocessing,
    /// Nowhere: an edge without a model decodes pictures, and no engine reads them.
    Nowhere,
}

impl Price {
    /// Prices of a tier by its number, groups of edges first.
    pub(crate) fn of(spec: &RunSpec, number: usize, tier: &Tier) -> Self {
        let host = match spec.edges.get(number) {
            None => HostWork::BeforePrefill,
            Some(group) if spec.runs_a_model(group) => HostWork::InPreprocessing,
            Some(_) => HostWork::Nowhere,
        };
        Self { pricing: Pricing::new(tier), host }
    }

    /// Time of the host's processor on an input's pictures, if it works on them at this place.
    pub(crate) fn picture_time(&self, place: HostWork, input: &Input) -> SimDuration {
        if self.host == place { self.pricing.picture_time(input) } else { SimDuration::ZERO }
    }
}

impl Prices for Price {
    fn prefill(&self, input: &Input) -> SimDuration {
        self.picture_time(HostWork::BeforePrefill, input) + self.pricing.prefill(input)
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
