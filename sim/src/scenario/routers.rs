//! The keys `router` and `memory`: who serves a request in the cloud, and who owns what policies learn.

use engine::{Learners, Rule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The routers among replicas and pools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Router {
    /// The replica with the fewest requests.
    #[default]
    FewestRequests,
    /// The replica that is expected to be done first, by the prices of its device.
    ShortestWork,
    /// The replica that the beginning of the prompt belongs to, unless it has far more requests than another.
    PrefixAffinity,
    /// One replica after the other.
    RoundRobin,
    /// The replica with fewer requests of two that are drawn.
    PowerOfTwo,
    /// The pool that the request's group of edges names; in it, the replica with the fewest requests.
    ByClass,
}

impl Router {
    /// True of the default.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The same as the engine has it.
    pub fn resolved(self) -> Rule {
        match self {
            Self::FewestRequests => Rule::FewestRequests,
            Self::ShortestWork => Rule::ShortestWork,
            Self::PrefixAffinity => Rule::PrefixAffinity,
            Self::RoundRobin => Rule::RoundRobin,
            Self::PowerOfTwo => Rule::PowerOfTwo,
            Self::ByClass => Rule::ByClass,
        }
    }
}

/// The owners of what a policy learns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Learning {
    /// Each edge has what it learned by itself.
    #[default]
    Edge,
    /// Each edge also has what others learned, as old as their reports.
    Shared,
}

impl Learning {
    /// True of the default.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The same as the engine has it.
    pub fn resolved(self) -> Learners {
        match self {
            Self::Edge => Learners::Edge,
            Self::Shared => Learners::Shared,
        }
    }
}
