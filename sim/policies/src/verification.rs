//! Settings of the verification of drafts, which every speculative system has.

use crate::batch::Verify;
use crate::settings::count;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::Bytes;

/// Settings of the verification of drafts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VerifySettings {
    /// Iterations of the cloud that a verification takes.
    pub time: VerifyTime,
    /// Time that a verification takes on the link.
    pub rtt: VerifyRtt,
    /// Data that the cloud compares.
    pub rule: VerifyRule,
}

/// Iterations of the cloud for the verification of k drafts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerifyTime {
    /// One iteration with k + 1 query tokens, with k for the first k drafts of an answer.
    #[default]
    OneIteration,
    /// k iterations: `T_verify = N_draft t_verify`, as printed above Eq. 9.
    Literal,
}

/// Time of a verification on the link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerifyRtt {
    /// Serialisation and half a round trip, up and down.
    #[default]
    Full,
    /// Nothing: Eq. 14 has no term for it.
    None,
}

/// Data that the cloud compares. The accepted tokens are the same under each; only the bytes differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum VerifyRule {
    /// Token ids, 8 B each.
    #[default]
    Greedy,
    /// The draft's n likeliest tokens with their probabilities, 6 B each (speculative sampling).
    StochasticTopk(u32),
    /// The draft's whole distribution in fp16: 2 B for each of the 151,936 tokens of the vocabulary.
    FullDistribution,
}

impl VerifySettings {
    /// Refuses counts that make no sense: key and reason.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        match self.rule {
            VerifyRule::StochasticTopk(n) => count("verify.rule.stochastic_topk", n),
            VerifyRule::Greedy | VerifyRule::FullDistribution => Ok(()),
        }
    }

    /// True if drafts and verdicts take no time on the link.
    pub(crate) fn is_off_the_link(&self) -> bool {
        self.rtt == VerifyRtt::None
    }

    pub(crate) fn verify(&self) -> Verify {
        let token_bytes = match self.rule {
            VerifyRule::Greedy => 8,
            VerifyRule::StochasticTopk(n) => 6 * u64::from(n),
            VerifyRule::FullDistribution => 2 * 151_936,
        };
        Verify {
            one_by_one: self.time == VerifyTime::Literal,
            off_the_link: self.is_off_the_link(),
            token_bytes: Bytes::new(token_bytes),
        }
    }
}

/// The edge's choice while verdicts are on their way: to wait, or to draft on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DraftDuringVerify {
    /// It waits (lines 8 and 9 as written).
    #[default]
    Blocking,
    /// It drafts on, with at most so many batches in flight (the overlap of the abstract).
    Pipelined(u32),
}

impl DraftDuringVerify {
    /// Batches in flight.
    pub(crate) fn window(self) -> u32 {
        match self {
            Self::Blocking => 1,
            Self::Pipelined(window) => window,
        }
    }

    /// Refuses windows that make no sense: key and reason.
    pub(crate) fn check(self) -> Result<(), (&'static str, String)> {
        match self {
            Self::Pipelined(window) if window < 2 => {
                Err(("draft_during_verify.pipelined", "expected at least 2 batches; 1 is `blocking`".to_owned()))
            }
            Self::Pipelined(window) => count("draft_during_verify.pipelined", window),
            Self::Blocking => Ok(()),
        }
    }
}

/// The target's own token behind a batch that is accepted whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BonusToken {
    /// Only when blocking. When pipelined, the next token is already drafted, and a bonus would void it.
    #[default]
    WhenBlocking,
    /// Never.
    Never,
}

impl BonusToken {
    pub(crate) fn is_wanted(self, window: u32) -> bool {
        self == Self::WhenBlocking && window == 1
    }
}
