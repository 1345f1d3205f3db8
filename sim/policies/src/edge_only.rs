//! Edge-only (MSAO section 5.1.2): the small model runs on the edge, nothing is sent.

use crate::twin::{Alone, Twin};
use crate::{Briefing, Edge, Policy, ServedBy, Testbed, Uses};
use model::request::Input;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The edge's model answers everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EdgeOnly {
    /// Label of its rows; `edge_only` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl Policy for EdgeOnly {
    type Memory = ();

    fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    fn uses(&self) -> Uses {
        Uses { edge_model: true, edge_answers: true, ..Uses::default() }
    }

    async fn serve<B: Testbed>(&self, bed: &B, _: &Briefing, (): &()) -> ServedBy {
        bed.edge().preprocess().await;
        bed.edge().answer(&Input::whole(bed.prompt())).await;
        ServedBy::Edge
    }
    fn twin(&self, alone: &Alone<'_>) -> Twin {
        alone.on_edge()
    }
}
