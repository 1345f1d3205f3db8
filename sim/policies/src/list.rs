//! The list of systems: the one place that names them. A new policy has one line in the call at the end, under the name
//! of its file, with its sentence; scenarios, schema, help and documents follow, and tests hold them to it.

use crate::{Asked, OneOrMany, Policy, Split, Uses};
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
        $(pub use crate::$table::$policy;)*

        /// Every policy: its name in scenarios and the first sentence of what it is.
        pub const SYSTEMS: &[(&str, &str)] =
            &[$((stringify!($table), first_sentence(concat!($($doc),*)))),*];

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

            /// The dotted path of each of the [`systems`](Self::systems), in their order: `policy.msao`, or
            /// `policy.msao.1` for the second of several.
            pub fn paths(&self) -> Vec<String> {
                let mut paths = Vec::new();
                $(match self.$table.0.len() {
                    1 => paths.push(format!("policy.{}", stringify!($table))),
                    many => paths.extend((0..many).map(|index| format!("policy.{}.{index}", stringify!($table)))),
                })*
                paths
            }
        }

        impl System {
            /// Calls the visitor with the policy in its own type.
            pub fn visit<V: Visitor>(&self, visitor: V) -> V::Output {
                match self { $(Self::$policy(policy) => visitor.visit(policy),)* }
            }

            /// What it uses of the testbed.
            pub fn uses(&self) -> Uses {
                match self { $(Self::$policy(policy) => policy.uses(),)* }
            }

            /// Settings that have no effect beside the others: key within its table and reason.
            pub fn idle(&self, asked: Asked) -> Vec<(&'static str, &'static str)> {
                match self { $(Self::$policy(policy) => policy.idle(asked),)* }
            }

            /// How the layers of the cloud's model are placed, where it splits them.
            pub fn split(&self) -> Option<Split> {
                match self { $(Self::$policy(policy) => policy.split(),)* }
            }

            /// Refuses settings that make no sense: key within its table and reason.
            pub fn check(&self) -> Result<(), (&'static str, String)> {
                match self { $(Self::$policy(policy) => policy.check(),)* }
            }
        }
    };
}

/// A text up to its first full stop that ends a sentence.
const fn first_sentence(doc: &'static str) -> &'static str {
    let (text, mut end) = (doc.trim_ascii(), 0);
    while end < text.len() {
        let after = end + 1;
        if text.as_bytes()[end] == b'.' && (after == text.len() || text.as_bytes()[after] == b' ') {
            return text.split_at(after).0;
        }
        end += 1;
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sentence_ends_at_a_full_stop_before_a_space() {
        assert_eq!(first_sentence(" One of v1.2 here. Two."), "One of v1.2 here.");
        assert_eq!(first_sentence("No full stop"), "No full stop");
        assert_eq!(first_sentence(""), "");
    }

    #[test]
    fn paths_count_only_where_there_are_several() {
        let one = OneOrMany(vec![Msao::default()]);
        let two = OneOrMany(vec![Speculative::default(); 2]);
        let table = PolicyTable { speculative: two, msao: one, ..PolicyTable::default() };
        assert_eq!(table.paths(), ["policy.speculative.0", "policy.speculative.1", "policy.msao"]);
        assert_eq!(table.paths().len(), table.systems().len());
    }
}
