//! Token dropping before the cloud, as published points: MindFusion's Table IV compares itself with five methods that
//! keep 64 of LLaVA-1.5's 576 visual tokens. The edge runs the cloud model's vision tower, the method drops tokens, the
//! rest goes up. What the method itself computes is not counted.

use crate::settings::idle_if;
use crate::{About, Alone, Asked, Briefing, ClosedForms, Cloud, Edge, Idle, Policy, ServedBy, Testbed, Uses, View};
use model::{
    modality::Modality,
    published::Dropping,
    request::{Input, Kept, Prompt, PruneStage},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Visual tokens are dropped on the edge, the cloud's model answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TokenDropping {
    /// The method whose scores it has.
    pub method: Dropping,
}

impl Default for TokenDropping {
    fn default() -> Self {
        Self { method: Dropping::MustDrop }
    }
}

impl TokenDropping {
    fn input(&self, prompt: Prompt, view: &View<'_>) -> Input {
        let mut input = Input::whole(prompt);
        if let Some(images) = &mut input.prompt.images {
            images.payload = view.cloud.encoded_bytes(&prompt);
            images.encoded = true;
            input.handling.prune_stage = PruneStage::PostVit;
            input.kept[Modality::Visual] = Kept { retention: Dropping::RETENTION, compression: 0.0 };
        }
        input
    }
}

impl About for TokenDropping {
    fn uses(&self) -> Uses {
        // The edge runs the vision tower of the cloud's model, and what that makes is sent.
        Uses { edge_model: true, cloud: true, encodes: true, ..Uses::default() }
    }

    fn idle(&self, asked: Asked) -> Vec<Idle> {
        idle_if(!asked.pictures, &["method"], "no request has pictures")
    }

    fn closed_forms(&self, alone: &Alone<'_>) -> ClosedForms {
        alone.on_cloud()
    }
}

impl Policy for TokenDropping {
    type Memory = ();

    async fn serve<B: Testbed>(&self, bed: &B, briefing: &Briefing, (): &()) -> ServedBy {
        bed.edge().preprocess().await;
        let input = self.input(bed.prompt(), &bed.view());
        bed.cloud().answer(&input).await;
        match bed.prompt().images {
            Some(_) => ServedBy::Published(self.method.remaining(briefing.benchmark)),
            None => ServedBy::Cloud,
        }
    }
}
