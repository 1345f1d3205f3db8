//! Long prompts go to the cloud; the edge answers the rest.

use crate::{Alone, Briefing, Cloud, Edge, Policy, ServedBy, Testbed, Twin, Uses};
use model::request::Input;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CloudIfLong {
    /// Label of its rows; `cloud_if_long` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Text tokens from which on a prompt is long.
    pub long_tokens: u32,
}

impl Default for CloudIfLong {
    fn default() -> Self {
        Self { label: None, long_tokens: 100 }
    }
}

impl Policy for CloudIfLong {
    /// What it remembers from request to request: nothing.
    type Memory = ();

    fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    fn uses(&self) -> Uses {
        Uses { edge_model: true, edge_answers: true, cloud: true, ..Uses::default() }
    }

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

    fn twin(&self, alone: &Alone<'_>) -> Twin {
        if self.is_long(alone.input) { alone.on_cloud() } else { alone.on_edge() }
    }
}

impl CloudIfLong {
    fn is_long(&self, input: &Input) -> bool {
        input.prompt.text_tokens >= self.long_tokens
    }
}
