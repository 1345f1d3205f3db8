//! Edge-cloud speculative decoding in the manner of SLED (Li et al. 2025): the edge drafts, the cloud verifies every
//! batch; no probe, no plan, no confidence gate.

use crate::speculation::{Gate, Speculation, Unsure, read_prompt};
use crate::testbed::{count, idle_if};
use crate::twin::{Alone, Drafting, Twin};
use crate::verification::{BonusToken, DraftDuringVerify, VerifySettings};
use crate::{Asked, Briefing, Edge, Idle, Policy, ServedBy, Testbed, Uses};
use model::{
    decoding::{Draft, Verdict},
    request::Input,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Whether a batch that is accepted whole brings a token of the cloud's own.
    pub bonus_token: BonusToken,
    /// How drafts are verified.
    pub verify: VerifySettings,
}

impl Default for Speculative {
    fn default() -> Self {
        Self {
            label: None,
            n_draft: 4,
            draft_during_verify: DraftDuringVerify::default(),
            bonus_token: BonusToken::default(),
            verify: VerifySettings::default(),
        }
    }
}

/// A gate that is always open, for batches of one length.
struct Open(u32);

impl Gate for Open {
    fn is_confident(&mut self, _: &Draft) -> bool {
        true
    }
    fn doubt(&mut self) {}
    fn learn(&mut self, _: &Verdict) {}
    fn theta_nats(&self) -> f32 {
        f32::INFINITY
    }
    fn n_draft(&self) -> u32 {
        self.0
    }
}

impl Speculative {
    fn speculation(&self) -> Speculation {
        let window = self.draft_during_verify.window();
        let bonus = self.bonus_token.is_wanted(window);
        Speculation { window, bonus, verify: self.verify.verify(), unsure: Unsure::NEVER }
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

    fn idle(&self, _: Asked) -> Vec<Idle> {
        let pipelined = self.draft_during_verify != DraftDuringVerify::Blocking;
        idle_if(pipelined, &["bonus_token"], "only blocking drafts leave room for a bonus")
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        count("n_draft", self.n_draft)?;
        self.verify.check()?;
        self.draft_during_verify.check()
    }

    async fn serve<B: Testbed>(&self, bed: &B, _: &Briefing, (): &()) -> ServedBy {
        bed.edge().preprocess().await;
        // Boxed, so that drafting, which every request waits in, stays small.
        Box::pin(read_prompt(bed, Input::whole(bed.prompt()))).await;
        self.speculation().run(bed, &mut Open(self.n_draft)).await;
        ServedBy::Cloud
    }

    fn twin(&self, alone: &Alone<'_>) -> Twin {
        let (_, acceptance) = alone.tokens.below(f32::INFINITY);
        let speculation = &self.speculation();
        alone.drafting(&Drafting { n_draft: self.n_draft, confident: 1.0, acceptance, speculation })
    }
}
