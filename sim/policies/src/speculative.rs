//! Edge-cloud speculative decoding in the manner of SLED (Li et al. 2025): the edge drafts, the cloud verifies every
//! batch; no probe, no plan, no confidence gate.

use crate::speculation::{Gate, Speculation};
use crate::testbed::count;
use crate::{Briefing, Cloud, Edge, Policy, ServedBy, Testbed, Uses};
use model::{
    decoding::{Draft, Verdict},
    request::Input,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::Bytes;

/// Every batch of `n_draft` tokens is verified.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Speculative {
    /// Label of its rows; `speculative` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Tokens of a batch.
    pub n_draft: u32,
    /// Whether the edge drafts on while verdicts are on their way.
    pub draft_during_verify: DraftDuringVerify,
}

/// What the edge does while a batch is verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DraftDuringVerify {
    /// It waits; a batch accepted whole brings a bonus token.
    #[default]
    Blocking,
    /// It drafts on, with at most so many batches in flight; no bonus token.
    Pipelined(u32),
}

impl DraftDuringVerify {
    /// Batches in flight.
    fn window(self) -> u32 {
        match self {
            Self::Blocking => 1,
            Self::Pipelined(window) => window,
        }
    }
}

impl Default for Speculative {
    fn default() -> Self {
        Self { label: None, n_draft: 4, draft_during_verify: DraftDuringVerify::default() }
    }
}

/// A gate that is always open.
struct Open;

impl Gate for Open {
    fn is_confident(&self, _: &Draft) -> bool {
        true
    }
    fn doubt(&mut self) {}
    fn learn(&mut self, _: &Verdict) {}
    fn theta_nats(&self) -> f32 {
        f32::INFINITY
    }
}

impl Policy for Speculative {
    type Memory = ();

    fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    fn uses(&self) -> Uses {
        Uses { edge_model: true, cloud: true, drafts: true, ..Uses::default() }
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        count("n_draft", self.n_draft)?;
        match self.draft_during_verify {
            DraftDuringVerify::Pipelined(window) if window < 2 => {
                Err(("draft_during_verify.pipelined", "expected at least 2 batches; 1 is `blocking`".to_owned()))
            }
            DraftDuringVerify::Pipelined(window) => count("draft_during_verify.pipelined", window),
            DraftDuringVerify::Blocking => Ok(()),
        }
    }

    async fn serve<B: Testbed>(&self, bed: &B, _: &Briefing, (): &()) -> ServedBy {
        let input = Input::whole(bed.prompt());
        bed.edge().preprocess().await;
        bed.cloud().open(&input);
        bed.edge().prefill(&input).await;
        let window = self.draft_during_verify.window();
        Speculation { n_draft: self.n_draft, window, state: Bytes::ZERO }.run(bed, &mut Open).await;
        ServedBy::Cloud
    }
}
