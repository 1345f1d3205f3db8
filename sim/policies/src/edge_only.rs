//! Edge-only (MSAO section 5.1.2): the small model runs on the edge, nothing is sent.

use crate::{About, Alone, Briefing, ClosedForms, Edge, Policy, ServedBy, Testbed, Uses};
use model::request::Input;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The edge's model answers everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EdgeOnly {}

impl About for EdgeOnly {
    fn uses(&self) -> Uses {
        Uses { edge_model: true, edge_answers: true, ..Uses::default() }
    }

    fn closed_forms(&self, alone: &Alone<'_>) -> ClosedForms {
        alone.on_edge()
    }
}

impl Policy for EdgeOnly {
    type Memory = ();

    async fn serve<B: Testbed>(&self, bed: &B, _: &Briefing, (): &()) -> ServedBy {
        bed.edge().preprocess().await;
        bed.edge().answer(&Input::whole(bed.prompt())).await;
        ServedBy::Edge
    }
}
