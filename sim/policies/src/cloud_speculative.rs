//! Cloud-only with speculative decoding in the cloud: the control that decides whether drafting across a link pays ("Speculation
//! at a Distance", arXiv 2606.25091, whose main claim it is; SpecEdge, arXiv 2505.17052, prints its gains over it).
//!
//! A small model lives beside the target on the cloud's GPU. In every step of the engine the target verifies the drafts of each
//! request and adds a token of its own, and then the small model drafts for the next step, a pass a token, all requests together.
//! That is how vLLM runs a draft model.
//!
//! Assumed: the small model is the edge's, so that its tokens are accepted as those of `speculative` are, whatever its name; its
//! weights and its keys and values take memory from the target's; its passes have no host time of their own.

use crate::settings::count;
use crate::{About, Briefing, Cloud, Drafter, Edge, Policy, ServedBy, Testbed, Uses};
use model::request::Input;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The cloud's model answers everything, and a small model beside it drafts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CloudSpeculative {
    /// Tokens that are drafted for each step.
    pub n_draft: u32,
    /// Name of the model that drafts; the edge's if none is named. Acceptances are those of `[tokens]`, whatever the name.
    pub draft_model: Option<String>,
}

impl Default for CloudSpeculative {
    fn default() -> Self {
        Self { n_draft: 4, draft_model: None }
    }
}

impl About for CloudSpeculative {
    fn uses(&self) -> Uses {
        Uses { cloud: true, drafts: true, ..Uses::default() }
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        count("n_draft", self.n_draft)
    }

    fn drafter(&self) -> Option<Drafter<'_>> {
        Some(Drafter { on_edge: false, model: self.draft_model.as_deref(), key: "draft_model" })
    }

    fn examples() -> Vec<(&'static str, Self)> {
        let smaller = Some("qwen2.5-0.5b".to_owned());
        vec![("", Self::default()), ("smaller", Self { n_draft: 2, draft_model: smaller })]
    }
}

impl Policy for CloudSpeculative {
    type Memory = ();

    async fn serve<B: Testbed>(&self, bed: &B, _: &Briefing, (): &()) -> ServedBy {
        bed.edge().preprocess().await;
        bed.cloud().answer_drafted(&Input::whole(bed.prompt()), self.n_draft).await;
        ServedBy::Cloud
    }
}
