//! The list of systems: the one place that names them. A new policy has one line in the call at the end, under the name
//! of its file, with its sentence; scenarios, schema, help and documents follow, and tests hold them to it. The list also
//! gives each policy its label, and makes the examples that tests run.

use crate::{About, Asked, Drafter, Idle, Labelled, Note, OneOrMany, Policy, Split, Uses, Verifier, Waiting};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An act on a policy whose type is not known beforehand.
pub trait Visitor {
    /// Its result.
    type Output;
    /// Is called with the policy.
    fn visit<P: Policy>(self, policy: &P) -> Self::Output;
}

macro_rules! systems {
    ($($(#[doc = $doc:literal])* $table:ident: $policy:ident,)*) => {
        $(pub use crate::$table::$policy;)*

        /// Every policy: its name in scenarios and the first sentence about it.
        pub const SYSTEMS: &[(&str, &str)] =
            &[$((stringify!($table), first_sentence(concat!($($doc),*)))),*];

        /// The `[policy]` table of a scenario: each system by its name, once or several times.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct PolicyTable {
            $(
                $(#[doc = $doc])*
                #[serde(skip_serializing_if = "OneOrMany::is_empty")]
                pub $table: OneOrMany<Labelled<$policy>>,
            )*
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
                $(for Labelled { label, settings } in &self.$table.0 {
                    let label = label.as_deref().unwrap_or(stringify!($table)).to_owned();
                    systems.push((label, System::$policy(settings.clone())));
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
            /// An example of each course that each system can take: `msao` has its defaults, `msao.trust` trusts its edge.
            pub fn examples() -> Vec<(String, Self)> {
                let mut examples = Vec::new();
                $(for (course, policy) in $policy::examples() {
                    let dot = if course.is_empty() { "" } else { "." };
                    examples.push((format!("{}{dot}{course}", stringify!($table)), Self::$policy(policy)));
                })*
                examples
            }

            /// Calls the visitor with the policy in its own type.
            pub fn visit<V: Visitor>(&self, visitor: V) -> V::Output {
                match self { $(Self::$policy(policy) => visitor.visit(policy),)* }
            }

            /// The parts of the testbed that it uses.
            pub fn uses(&self) -> Uses {
                match self { $(Self::$policy(policy) => policy.uses(),)* }
            }

            /// Settings that have no effect beside the others: key within its table and reason.
            pub fn idle(&self, asked: Asked) -> Vec<Idle> {
                match self { $(Self::$policy(policy) => policy.idle(asked),)* }
            }

            /// True if its edges cannot be simulated apart from the cloud.
            pub fn needs_the_cloud_at_once(&self) -> bool {
                match self { $(Self::$policy(policy) => policy.needs_the_cloud_at_once(),)* }
            }

            /// The cut through the cloud's model, where it splits the layers.
            pub fn split(&self) -> Option<Split> {
                match self { $(Self::$policy(policy) => policy.split(),)* }
            }

            /// The model that drafts beside a tier's own, where there is one.
            pub fn drafter(&self) -> Option<Drafter<'_>> {
                match self { $(Self::$policy(policy) => policy.drafter(),)* }
            }

            /// True if it orders the cloud's queue of drafts.
            pub fn queues(&self) -> bool {
                match self { $(Self::$policy(policy) => policy.queues(),)* }
            }

            /// The places of the batches that it lets a GPU of the cloud verify next.
            pub fn next(&self, waiting: &[Waiting], verifier: &Verifier<'_>) -> Vec<usize> {
                match self { $(Self::$policy(policy) => policy.next(waiting, verifier),)* }
            }

            /// True if it learns from requests what edges could share.
            pub fn learns(&self) -> bool {
                match self { $(Self::$policy(policy) => policy.learns(),)* }
            }

            /// The decisions that it notes.
            pub fn notes(&self) -> &'static [Note] {
                match self { $(Self::$policy(policy) => policy.notes(),)* }
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
    /// Everything is sent to the cloud's model, for which a small model drafts on the same GPU.
    cloud_speculative: CloudSpeculative,
    /// The edge's model answers alone.
    edge_only: EdgeOnly,
    /// The edge's model answers alone, on inputs pruned as MSAO would.
    edge_pruned: EdgePruned,
    /// The edge's model answers alone, and a still smaller model drafts for it on the same GPU.
    edge_speculative: EdgeSpeculative,
    /// MoA-Off: requests whose modalities are all simple stay on the edge.
    moa_off: MoaOff,
    /// PerLLM: requests routed by a constrained bandit, or layers split between the tiers.
    perllm: PerLlm,
    /// Visual tokens are dropped behind the vision tower on the edge; accuracies as published.
    token_dropping: TokenDropping,
    /// MindFusion: the first layers on the device, compressed activations up, the cloud decodes by itself.
    mindfusion: MindFusion,
    /// Edge drafts, cloud verifies every batch; no confidence gate.
    speculative: Speculative,
    /// SpecStop: drafts whose length a bandit learns, by time a token.
    spec_stop: SpecStop,
    /// SpecEdge: edges draft trees, the cloud verifies them in full batches.
    specedge: SpecEdge,
    /// WISP: drafts up to a foreseen rejection; the cloud packs verifications by deadline and goodput.
    wisp: Wisp,
    /// CoVSpec: the draft sees few of the visual tokens, and what it is sure of stands unverified.
    covspec: CovSpec,
    /// PipeSD: drafts go up in pieces, and drafting goes on while a verdict is out.
    pipesd: PipeSd,
    /// Progressive coding: the cloud asks for as many chunks of a picture as it needs, or for a crop.
    progressive: Progressive,
    /// MSAO, Algorithm 1.
    msao: Msao,
    /// A program of one's own that is asked for each decision, in any language.
    external: External,
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
        let one = OneOrMany(vec![Msao::default().into()]);
        let two = OneOrMany(vec![Labelled::from(Speculative::default()); 2]);
        let table = PolicyTable { speculative: two, msao: one, ..PolicyTable::default() };
        assert_eq!(table.paths(), ["policy.speculative.0", "policy.speculative.1", "policy.msao"]);
        assert_eq!(table.paths().len(), table.systems().len());
    }

    #[test]
    fn labels_are_the_tables() {
        let named = Labelled { label: Some("wide".to_owned()), settings: CloudOnly::default() };
        let cloud_only = OneOrMany(vec![named, CloudOnly::default().into()]);
        let systems = PolicyTable { cloud_only, ..PolicyTable::default() }.systems();
        assert_eq!(systems.iter().map(|(label, _)| label.as_str()).collect::<Vec<_>>(), ["wide", "cloud_only"]);
    }

    #[test]
    fn examples_are_sound_and_of_every_system() {
        let examples = System::examples();
        for (name, system) in &examples {
            assert_eq!(system.check(), Ok(()), "{name}");
            assert_eq!(examples.iter().filter(|(other, same)| other == name || same == system).count(), 1, "{name}");
        }
        for (table, _) in SYSTEMS {
            assert!(examples.iter().any(|(name, _)| name == table), "no example of {table} with its defaults");
        }
    }

    #[test]
    fn equal_names_of_notes_are_one_column() {
        let notes: Vec<&Note> = System::examples().iter().flat_map(|(_, system)| system.notes()).collect();
        for note in &notes {
            assert!(note.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{note:?}");
            assert!(note.meaning.ends_with('.'), "{note:?}");
            assert!(notes.iter().all(|other| other.name != note.name || other == note), "{note:?}");
        }
    }
}
