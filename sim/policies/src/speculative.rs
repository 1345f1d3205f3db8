//! Edge-cloud speculative decoding in the manner of SLED (Li et al. 2025): the edge drafts, the cloud verifies every
//! batch; no probe, no plan, no confidence gate.

use crate::closed_form::{Alone, ClosedForms, Drafting};
use crate::settings::{Idle, count, idle_if};
use crate::speculation::{At, Gate, Speculation, Unsure, read_prompt};
use crate::verification::{BonusToken, DraftDuringVerify, VerifySettings};
use crate::{About, Asked, Briefing, Edge, Policy, ServedBy, Testbed, Uses};
use model::{decoding::Verdict, request::Input};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Every batch of `n_draft` tokens is verified.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Speculative {
    /// Tokens of a batch.
    pub n_draft: u32,
    /// The edge waits for verdicts, or drafts on meanwhile.
    pub draft_during_verify: DraftDuringVerify,
    /// The token of the cloud's own that a batch brings when it is accepted whole.
    pub bonus_token: BonusToken,
    /// Settings of the verification.
    pub verify: VerifySettings,
}

impl Default for Speculative {
    fn default() -> Self {
        Self {
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
    fn sure_up_to_nats(&self) -> Option<f32> {
        Some(f32::INFINITY)
    }
    fn learn<B: Testbed>(&mut self, _: &Verdict, _: &At<'_, B>) {}
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

impl About for Speculative {
    fn needs_the_cloud_at_once(&self) -> bool {
        self.verify.is_off_the_link()
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

    fn examples() -> Vec<(&'static str, Self)> {
        let of = |draft_during_verify| Self { draft_during_verify, ..Self::default() };
        let no_bonus = Self { bonus_token: BonusToken::Never, ..Self::default() };
        vec![("", Self::default()), ("pipelined", of(DraftDuringVerify::Pipelined(3))), ("no_bonus", no_bonus)]
    }

    fn closed_forms(&self, alone: &Alone<'_>) -> ClosedForms {
        let (_, acceptance) = alone.tokens.below(f32::INFINITY);
        let speculation = &self.speculation();
        alone.drafting(&Drafting { n_draft: self.n_draft, confident: 1.0, acceptance, speculation })
    }
}

impl Policy for Speculative {
    type Memory = ();

    async fn serve<B: Testbed>(&self, bed: &B, _: &Briefing, (): &()) -> ServedBy {
        bed.edge().preprocess().await;
        // Boxed, so that drafting, which every request waits in, stays small.
        Box::pin(read_prompt(bed, Input::whole(bed.prompt()))).await;
        self.speculation().run(bed, &mut Open(self.n_draft)).await;
        ServedBy::Cloud
    }
}
