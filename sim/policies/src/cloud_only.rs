//! Cloud-only (MSAO section 5.1.2): the full model runs in the cloud, all inputs are sent to it.

use crate::twin::{Alone, Twin};
use crate::{Briefing, Cloud, Edge, Policy, ServedBy, Testbed, Uses};
use model::request::Input;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The cloud's model answers everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CloudOnly {
    /// Label of its rows; `cloud_only` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl Policy for CloudOnly {
    type Memory = ();

    fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    fn uses(&self) -> Uses {
        Uses { cloud: true, ..Uses::default() }
    }

    async fn serve<B: Testbed>(&self, bed: &B, _: &Briefing, (): &()) -> ServedBy {
        bed.edge().preprocess().await;
        bed.cloud().answer(&Input::whole(bed.prompt())).await;
        ServedBy::Cloud
    }
    fn twin(&self, alone: &Alone<'_>) -> Twin {
        alone.on_cloud()
    }
}
