//! Whole requests, sent to the edge or to the cloud: MSAO section 5.3.4 ("adaptively offloading only the most complex
//! multimodal samples to the cloud while processing simpler samples locally").

use crate::closed_form::{Alone, ClosedForms};
use crate::policy::ServedBy;
use crate::settings::open_share;
use crate::testbed::{Cloud, Edge, Testbed};
use kernel::Streams;
use model::request::Input;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::Ratio;

/// The rule that sends a request to a tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Router {
    /// To the tier with fewer requests a GPU; to the cloud if both have as many.
    #[default]
    JoinShortestQueue,
    /// To the cloud if it looks hard.
    Score(Score),
    /// To the cloud with this probability, whatever the request: a static distribution.
    Static(Ratio),
}

/// A router that looks at the request.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Score {
    /// Area under the curve: the probability that, of two requests that the edge's model answers rightly and wrongly, the
    /// second looks harder. The paper states none.
    pub auc: Ratio,
    /// Share of the requests that go to the cloud.
    pub cloud_share: Ratio,
}

impl Default for Score {
    fn default() -> Self {
        Self { auc: Ratio::new(0.75), cloud_share: Ratio::new(0.5) }
    }
}

/// A tier that a whole request is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Edge,
    Cloud,
}

impl Target {
    /// Serves a request there.
    pub(crate) async fn serve<B: Testbed>(self, bed: &B, input: &Input) -> ServedBy {
        match self {
            Self::Edge => {
                bed.edge().answer(input).await;
                ServedBy::Edge
            }
            Self::Cloud => {
                bed.cloud().answer(input).await;
                ServedBy::Cloud
            }
        }
    }
}

impl Router {
    /// Refuses settings that make no sense: key within the router, and reason.
    pub(crate) fn check(self, key: &'static str) -> Result<(), (&'static str, String)> {
        match self {
            Self::Score(Score { auc, .. }) if auc.as_f64() < 0.5 => {
                Err((key, "expected an AUC of at least one half, that of a coin".to_owned()))
            }
            Self::Score(Score { auc, .. }) => open_share(key, auc),
            Self::JoinShortestQueue | Self::Static(_) => Ok(()),
        }
    }

    /// The tier that a request belongs to.
    pub(crate) fn choose<B: Testbed>(self, bed: &B) -> Target {
        let to_cloud = match self {
            Self::JoinShortestQueue => {
                let view = bed.view();
                view.cloud_requests <= f64::from(view.edge_requests)
            }
            Self::Score(score) => bed.edge().score(score.auc) > 1.0 - score.cloud_share.as_f64(),
            // A stream of its own, the same in every run: which requests go is part of the plan, not of the load.
            Self::Static(share) => Streams::new(0).keyed("route", bed.prompt().request).unit(0) < share.as_f64(),
        };
        if to_cloud { Target::Cloud } else { Target::Edge }
    }

    /// Closed forms: each tier as often as it is chosen; an idle platform's queues are equally short, so the cloud.
    pub(crate) fn closed_forms(self, alone: &Alone<'_>) -> ClosedForms {
        let share = match self {
            Self::JoinShortestQueue => 1.0,
            Self::Score(score) => score.cloud_share.as_f64(),
            Self::Static(share) => share.as_f64(),
        };
        alone.on_cloud().mixed(&alone.on_edge(), share)
    }
}
