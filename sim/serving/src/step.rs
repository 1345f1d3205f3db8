//! A step: the work that is done at once, and its outcome.

use crate::request::Id;

/// A step of the engine, formed by [`Replica::schedule`](crate::Replica::schedule).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Work for each request that has any, in order.
    pub work: Vec<Work>,
    /// Requests that lost their blocks, in order.
    pub preempted: Vec<Id>,
    /// Pictures that are encoded, in the order of the work.
    pub encodings: Vec<Encoding>,
    /// Pictures that left the encoder's cache, in order.
    pub evicted_pictures: Vec<u64>,
    /// Cached blocks that were taken for something else.
    pub evicted_blocks: u32,
    /// Lookups of the prefix cache for new requests.
    pub lookups: Lookups,
    /// Lookups of the prefix cache for requests that were preempted.
    pub lookups_preempted: Lookups,
}

impl Step {
    /// Empties it; its memory stays.
    pub(crate) fn clear(&mut self) {
        self.work.clear();
        self.preempted.clear();
        self.encodings.clear();
        self.evicted_pictures.clear();
        (self.evicted_blocks, self.lookups, self.lookups_preempted) = Default::default();
    }

    /// Tokens of all requests.
    pub fn tokens(&self) -> u32 {
        self.work.iter().map(|work| work.tokens).sum()
    }

    /// Embeddings of all pictures encoded in it.
    pub fn embeddings(&self) -> u32 {
        self.encodings.iter().map(|encoding| encoding.embeddings).sum()
    }
}

/// Tokens looked up in the prefix cache, and found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lookups {
    /// Tokens of the requests that were looked up.
    pub tokens: u64,
    /// Tokens that were found.
    pub found: u64,
}

/// A picture that is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// The request that needs it.
    pub id: Id,
    /// Its number among the pictures of the prompt.
    pub place: u32,
    /// Its size.
    pub embeddings: u32,
}

/// Work of a step for one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// The request.
    pub id: Id,
    /// Its way into the step.
    pub entry: Entry,
    /// Tokens computed before, or found in the cache.
    pub computed: u32,
    /// Tokens computed in the step, drafted ones included.
    pub tokens: u32,
    /// Drafted tokens among them, which are verified.
    pub drafted: u32,
    /// KV blocks that the request holds then.
    pub blocks: u32,
    /// The step brings a token; otherwise a part of the prompt, or of a batch of drafts, is still to come.
    pub samples: bool,
}

/// The way of a request into a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// First admission.
    New,
    /// Admission after a preemption.
    Resumed,
    /// It was running before.
    Running,
}

/// The outcome of a step for one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The request; its handle is void if it ended.
    pub id: Id,
    /// Tokens of the answer.
    pub sampled: u32,
    /// The answer ended.
    pub ended: bool,
}
