//! Long prompts go to the cloud; the edge answers the rest.

use crate::{About, Alone, Briefing, ClosedForms, Cloud, Edge, Policy, ServedBy, Testbed, Uses};
use model::request::Input;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CloudIfLong {
    /// Text tokens from which on a prompt is long; default 100.
    pub long_tokens: u32,
}

impl Default for CloudIfLong {
    fn default() -> Self {
        Self { long_tokens: 100 }
    }
}

impl CloudIfLong {
    fn is_long(&self, input: &Input) -> bool {
        input.prompt.text_tokens >= self.long_tokens
    }
}

impl Policy for CloudIfLong {
    type Memory = ();

    async fn serve<B: Testbed>(&self, bed: &B, _: &Briefing, (): &()) -> ServedBy {
        let input = Input::whole(bed.prompt());
        bed.edge().preprocess().await;
        if self.is_long(&input) {
            bed.cloud().answer(&input).await;
            ServedBy::Cloud
        } else {
            bed.edge().answer(&input).await;
            ServedBy::Edge
        }
    }
}

impl About for CloudIfLong {
    fn uses(&self) -> Uses {
        Uses { edge_model: true, edge_answers: true, cloud: true, ..Uses::default() }
    }

    fn closed_forms(&self, alone: &Alone<'_>) -> ClosedForms {
        if self.is_long(alone.input) { alone.on_cloud() } else { alone.on_edge() }
    }

    fn examples() -> Vec<(&'static str, Self)> {
        vec![("", Self::default()), ("any", Self { long_tokens: 0 })]
    }
}
