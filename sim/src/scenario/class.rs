//! The keys of a `[classes.NAME]` table.

use super::dataset::Dataset;
use super::loads::Arrivals;
use super::slo::Slo;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::Ratio;

/// A class of requests.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Class {
    /// Dataset of its requests, as `workload.dataset` but no trace; that one if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<Dataset>,
    /// Share of the requests of `[arrivals]`, from 0 to 1. One class may leave it out and has what the others leave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<Ratio>,
    /// Arrivals of its own, in an open loop, in the place of a share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<Arrivals>,
    /// Priority in serving engines of vLLM (`--scheduling-policy priority`), the smaller the sooner; default 0. Where all have the same,
    /// requests are served as they come.
    #[serde(skip_serializing_if = "is_zero")]
    pub priority: i32,
    /// Limits on its latencies; those of `[slo]` if absent.
    #[serde(skip_serializing_if = "Slo::is_empty")]
    pub slo: Slo,
    /// Length of every answer, tokens; that of `workload.output_tokens` or of the dataset if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u32>,
}

fn is_zero(priority: &i32) -> bool {
    *priority == 0
}
