//! Cloud-only behind MSAO's own probe and plan: the control that the MSAO paper lacks. What MSAO gains over this, it gains
//! by drafting; what this gains over Cloud-only, pruning gains by itself.

use crate::plan::{PlanSettings, Plans, probe_and_plan};
use crate::twin::{Alone, Twin};
use crate::{Asked, Briefing, Cloud, Edge, Idle, Policy, ServedBy, Testbed, Uses};
use model::mas::MasSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The cloud's model answers everything, on inputs that MSAO's plan has pruned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CloudPruned {
    /// Label of its rows; `cloud_pruned` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// How the MAS is worked out (Eq. 4 to 7).
    pub mas: MasSettings,
    /// How the coarse plan is made.
    pub plan: PlanSettings,
}

/// Plans solved so far.
#[derive(Default)]
pub struct CloudPrunedMemory(Plans);

impl Policy for CloudPruned {
    type Memory = CloudPrunedMemory;

    fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    fn uses(&self) -> Uses {
        let edge_model = self.plan.probes();
        Uses { cloud: true, edge_model, ..self.plan.uses(&self.mas) }
    }

    fn idle(&self, asked: Asked) -> Vec<Idle> {
        self.plan.idle(&self.mas, asked)
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        self.plan.check()
    }

    async fn serve<B: Testbed>(&self, bed: &B, briefing: &Briefing, memory: &CloudPrunedMemory) -> ServedBy {
        bed.edge().preprocess().await;
        let input = probe_and_plan(bed, &self.mas, &self.plan, briefing, &memory.0).await;
        bed.cloud().answer(&input).await;
        ServedBy::Cloud
    }

    fn twin(&self, alone: &Alone<'_>) -> Twin {
        alone.on_cloud().after(self.plan.time(&self.mas, alone))
    }
}
