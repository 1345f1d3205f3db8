//! Cloud-only behind MSAO's own probe and plan: the control that the MSAO paper lacks. What MSAO gains over this, it gains
//! by drafting; what this gains over Cloud-only, pruning gains by itself.

use crate::plan::{Awareness, PlanSettings, Plans, probe_and_plan};
use crate::{About, Alone, Asked, Briefing, ClosedForms, Cloud, Edge, Idle, Policy, ServedBy, Shared, Testbed, Uses};
use model::mas::MasSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::Ratio;

/// The cloud's model answers everything, on inputs that MSAO's plan has pruned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CloudPruned {
    /// Settings of the MAS (Eq. 4 to 7).
    pub mas: MasSettings,
    /// Settings of the coarse plan.
    pub plan: PlanSettings,
}

impl About for CloudPruned {
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

    fn examples() -> Vec<(&'static str, Self)> {
        let unprobed =
            PlanSettings { modality_awareness: Awareness::Uniform(Ratio::new(0.5)), ..PlanSettings::default() };
        vec![("", Self::default()), ("uniform", Self { plan: unprobed, ..Self::default() })]
    }

    fn closed_forms(&self, alone: &Alone<'_>) -> ClosedForms {
        alone.on_cloud().after(self.plan.time(&self.mas, alone))
    }
}

impl Policy for CloudPruned {
    /// Plans solved so far, by any edge.
    type Memory = Shared<Plans>;

    async fn serve<B: Testbed>(&self, bed: &B, briefing: &Briefing, memory: &Shared<Plans>) -> ServedBy {
        bed.edge().preprocess().await;
        let input = probe_and_plan(bed, &self.mas, &self.plan, briefing, memory).await;
        bed.cloud().answer(&input).await;
        ServedBy::Cloud
    }
}
