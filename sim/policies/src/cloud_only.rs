//! Cloud-only (MSAO section 5.1.2): the full model runs in the cloud, all inputs are sent to it.

use crate::{About, Alone, Briefing, ClosedForms, Cloud, Edge, Policy, ServedBy, Testbed, Uses};
use model::request::Input;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The cloud's model answers everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CloudOnly {}

impl About for CloudOnly {
    fn uses(&self) -> Uses {
        Uses { cloud: true, ..Uses::default() }
    }

    fn closed_forms(&self, alone: &Alone<'_>) -> ClosedForms {
        alone.on_cloud()
    }
}

impl Policy for CloudOnly {
    type Memory = ();

    async fn serve<B: Testbed>(&self, bed: &B, _: &Briefing, (): &()) -> ServedBy {
        bed.edge().preprocess().await;
        bed.cloud().answer(&Input::whole(bed.prompt())).await;
        ServedBy::Cloud
    }
}
