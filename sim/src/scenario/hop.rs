//! The tables of hops: `[[hop]]`, and the link that each edge has for itself.

use super::ways::hop_table;
use engine::SharedBy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

hop_table! {
    /// A link that each edge has for itself: a phone's radio, a camera's cable. The shared `[link]` comes behind it.
    #[derive(Default)]
    Access {}
}

hop_table! {
    /// A hop of the way between edges and cloud. Hops stand in the order in which messages take them, from the edge on.
    #[derive(Default)]
    Hop {
        /// Name of the hop.
        pub name: String,
        /// Groups whose messages take it; all if absent. Where there is only `[edge]`, its name is `edge`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub groups: Option<Vec<String>>,
        /// Edges that share one of it: those of all its groups (`all`, default), of each group (`group`), or none, each has its own (`edge`).
        pub shared_by: Sharers,
    }
}

/// The edges that share a hop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sharers {
    /// Each edge has one for itself.
    Edge,
    /// The edges of a group share one.
    Group,
    /// All edges that take it share one.
    #[default]
    All,
}

impl Sharers {
    /// The edges as a run has them.
    pub fn resolved(self) -> SharedBy {
        match self {
            Self::Edge => SharedBy::Edge,
            Self::Group => SharedBy::Group,
            Self::All => SharedBy::All,
        }
    }
}

/// The files of all hops.
pub fn files(hops: &mut [Hop]) -> impl Iterator<Item = &mut PathBuf> {
    hops.iter_mut().flat_map(Hop::files)
}
