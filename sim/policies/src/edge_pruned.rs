//! Edge-only behind MSAO's own probe and plan: the control that tells what pruning is worth where nothing is sent. It is to
//! Edge-only as `cloud_pruned` is to Cloud-only.

use crate::plan::{Awareness, PlanSettings, Plans, probe_and_plan};
use crate::{About, Alone, Asked, Briefing, ClosedForms, Edge, Idle, Policy, ServedBy, Shared, Testbed, Uses};
use model::mas::MasSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::Ratio;

/// The edge's model answers everything, on inputs that MSAO's plan has pruned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EdgePruned {
    /// Settings of the MAS (Eq. 4 to 7).
    pub mas: MasSettings,
    /// Settings of the coarse plan. It weighs the link and the cloud as MSAO's does, though nothing is sent.
    pub plan: PlanSettings,
}

impl About for EdgePruned {
    fn uses(&self) -> Uses {
        Uses { edge_model: true, edge_answers: true, ..self.plan.uses(&self.mas) }
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
        alone.on_edge().after(self.plan.time(&self.mas, alone))
    }
}

impl Policy for EdgePruned {
    /// Plans solved so far, by any edge.
    type Memory = Shared<Plans>;

    async fn serve<B: Testbed>(&self, bed: &B, briefing: &Briefing, memory: &Shared<Plans>) -> ServedBy {
        bed.edge().preprocess().await;
        let input = probe_and_plan(bed, &self.mas, &self.plan, briefing, memory).await;
        bed.edge().answer(&input).await;
        ServedBy::Edge
    }
}
