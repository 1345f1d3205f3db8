//! The keys of arrivals: of the scenario's requests, and of those of a group of edges.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::{PerSecond, SimDuration};

/// The arrival process of requests.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Arrivals {
    /// Closed loop: each client sends its next request after the answer to its last.
    ClosedLoop(ClosedLoop),
    /// Open loop: Poisson arrivals at a mean rate, whatever the answers.
    Poisson(Poisson),
    /// Arrivals at the times in the dataset's trace.
    Trace(TraceTimes),
}

impl Default for Arrivals {
    fn default() -> Self {
        Self::ClosedLoop(ClosedLoop::default())
    }
}

/// Clients that wait for their answer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClosedLoop {
    /// Number of clients of each edge; default 1.
    pub clients: u32,
    /// Time between an answer and the client's next request, e.g. `2 s`; default 0.
    pub think: SimDuration,
}

impl Default for ClosedLoop {
    fn default() -> Self {
        Self { clients: 1, think: SimDuration::ZERO }
    }
}

/// Poisson arrivals.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Poisson {
    /// Mean rate over all edges together, e.g. `2 /s`.
    pub rate: PerSecond,
}

/// Arrivals of a trace.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TraceTimes {
    /// Factor on the trace's speed: 2 replays it twice as fast; default 1.
    pub speed: f64,
    /// Mean rate of the requests that are played, e.g. `2 /s`, in place of `speed`: their times are scaled to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<PerSecond>,
}

impl Default for TraceTimes {
    fn default() -> Self {
        Self { speed: 1.0, rate: None }
    }
}
