//! The values that pass between models and policies during decoding: tokens, drafts, verdicts.

use units::SimTime;

/// A token of an answer. The backend defines the ids; equal ids are equal tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Token {
    /// Id in the vocabulary that both models share.
    pub id: u32,
    /// True if it ends the answer.
    pub ends: bool,
}

/// A token of the draft model, not yet committed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draft {
    /// The token.
    pub token: Token,
    /// Its position in the answer, from 0.
    pub position: u32,
    /// Entropy of the distribution that it came from, nats (Eq. 9).
    pub entropy_nats: f32,
}

/// The target model's verdict on a batch of drafted tokens, under greedy match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Drafted tokens that the target agrees with, up to the first mismatch.
    pub accepted: u32,
    /// Drafted tokens of the batch.
    pub drafted: u32,
    /// Tokens of the answer that are now committed, from its start.
    pub committed: u32,
    /// Place in the batch of the last draft that was accepted; none if none was. In a sequence it is the one before `accepted`.
    pub last: Option<u16>,
    /// The target's own token behind the accepted ones, if it added one.
    pub token: Option<Token>,
    /// True if the answer is complete.
    pub ends: bool,
    /// Time at which the verdict reached the edge.
    pub at: SimTime,
}

impl Verdict {
    /// True if a drafted token was rejected.
    pub fn rejects(&self) -> bool {
        self.accepted < self.drafted
    }

    /// Share of the drafted tokens that was accepted; `None` if nothing was drafted.
    pub fn acceptance(&self) -> Option<f64> {
        (self.drafted > 0).then(|| f64::from(self.accepted) / f64::from(self.drafted))
    }
}
