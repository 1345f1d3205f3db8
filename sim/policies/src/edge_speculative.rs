//! Edge-only with speculative decoding on the edge: a still smaller model drafts for the edge's own. Gagrani et al.
//! (arXiv 2404.08856) draft for LLaVA-7B with 115 M parameters that read the text alone, up to 2.37 times as fast by the weights
//! read, which is no measured time; MSD (arXiv 2505.14260) prints up to 2.29 times.
//!
//! It runs as `cloud_speculative` does, on the edge's GPU. Assumed: the small model reads text alone, like theirs, since it has no
//! vision tower; the edge's model accepts its tokens at the rate at which the cloud's accepts those of the edge, which is all that
//! `[tokens]` has.

use crate::settings::count;
use crate::{About, Briefing, Drafter, Edge, Policy, ServedBy, Testbed, Uses};
use model::request::Input;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The edge's model answers everything, and a still smaller model beside it drafts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EdgeSpeculative {
    /// Tokens that are drafted for each step.
    pub n_draft: u32,
    /// Name of the model that drafts. Acceptances are those of `[tokens]`, whatever the name.
    pub draft_model: String,
}

impl Default for EdgeSpeculative {
    fn default() -> Self {
        Self { n_draft: 4, draft_model: "qwen2.5-0.5b".to_owned() }
    }
}

impl About for EdgeSpeculative {
    fn uses(&self) -> Uses {
        Uses { edge_model: true, edge_answers: true, drafts: true, ..Uses::default() }
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        count("n_draft", self.n_draft)
    }

    fn drafter(&self) -> Option<Drafter<'_>> {
        Some(Drafter { on_edge: true, model: Some(&self.draft_model), key: "draft_model" })
    }
}

impl Policy for EdgeSpeculative {
    type Memory = ();

    async fn serve<B: Testbed>(&self, bed: &B, _: &Briefing, (): &()) -> ServedBy {
        bed.edge().preprocess().await;
        bed.edge().answer_drafted(&Input::whole(bed.prompt()), self.n_draft).await;
        ServedBy::Edge
    }
}
