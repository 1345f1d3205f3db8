//! The list of systems. A new policy has one line in each of the two calls below.

use crate::{
    CloudOnly, CloudPruned, EdgeOnly, MindFusion, Msao, OneOrMany, PerLlm, Policy, Speculative, TokenDropping,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Does something with a policy whose type it does not know beforehand.
pub trait Visitor {
    /// What comes of it.
    type Output;
    /// Is called with the policy.
    fn visit<P: Policy>(self, policy: &P) -> Self::Output;
}

macro_rules! systems {
    ($($(#[doc = $doc:literal])* $table:ident: $policy:ident,)*) => {
        /// The `[policy]` table of a scenario: each system by its name, once or several times.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct PolicyTable {
            $($(#[doc = $doc])* #[serde(skip_serializing_if = "OneOrMany::is_empty")] pub $table: OneOrMany<$policy>,)*
        }

        /// One policy of a scenario.
        #[derive(Clone, Debug, PartialEq)]
        pub enum System {
            $($(#[doc = $doc])* $policy($policy),)*
        }

        impl PolicyTable {
            /// The policies with their labels, in the order of the list.
            pub fn systems(&self) -> Vec<(String, System)> {
                let mut systems = Vec::new();
                $(for policy in &self.$table.0 {
                    let label = policy.label().unwrap_or(stringify!($table)).to_owned();
                    systems.push((label, System::$policy(policy.clone())));
                })*
                systems
            }
        }

        impl System {
            /// Calls the visitor with the policy in its own type.
            pub fn visit<V: Visitor>(&self, visitor: V) -> V::Output {
                match self { $(Self::$policy(policy) => visitor.visit(policy),)* }
            }

            /// Refuses settings that make no sense: dotted key and reason.
            pub fn check(&self) -> Result<(), (String, String)> {
                match self {
                    $(Self::$policy(policy) => policy
                        .check()
                        .map_err(|(key, reason)| (format!("policy.{}.{key}", stringify!($table)), reason)),)*
                }
            }
        }
    };
}

systems! {
    /// Everything is sent to the cloud's model.
    cloud_only: CloudOnly,
    /// Everything is sent to the cloud's model, pruned as MSAO would: the control that its paper lacks.
    cloud_pruned: CloudPruned,
    /// The edge's model answers alone.
    edge_only: EdgeOnly,
    /// PerLLM: requests routed by a constrained bandit, or layers split between the tiers.
    perllm: PerLlm,
    /// Visual tokens are dropped behind the vision tower on the edge; accuracies as published.
    token_dropping: TokenDropping,
    /// MindFusion: the first layers on the device, compressed activations up, the cloud decodes by itself.
    mindfusion: MindFusion,
    /// Edge drafts, cloud verifies every batch; no confidence gate.
    speculative: Speculative,
    /// MSAO, Algorithm 1.
    msao: Msao,
}
