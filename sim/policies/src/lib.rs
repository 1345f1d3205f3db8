//! Offloading policies: one file a system, written once against [`Testbed`], so that the same text runs simulated,
//! replayed on real models and live.
//!
//! A policy awaits operations; it never sees a clock to move, a queue, a heap, the true length of an answer or the
//! bandwidth to come. Sequence is dependency; what is started without being awaited overlaps.
//!
//! To add one: a file like `cloud_only.rs`, and its two lines in the list below.

mod cloud_only;
mod edge_only;
mod list;
mod msao;
mod one_or_many;
mod perllm;
mod plan;
#[cfg_attr(not(test), expect(dead_code, reason = "the plan is about to use it"))]
mod search;
mod speculation;
mod speculative;
mod testbed;
mod theta;

pub use cloud_only::CloudOnly;
pub use edge_only::EdgeOnly;
pub use list::{PolicyTable, System, Visitor};
pub use msao::{Msao, MsaoMemory};
pub use one_or_many::OneOrMany;
pub use perllm::{PerLlm, PerLlmMemory, Reading, UcbRoute};
pub use speculative::{DraftDuringVerify, Speculative};
pub use testbed::{Batch, Briefing, Cloud, Edge, Pass, Policy, Prices, ServedBy, Testbed, Verification, View};
pub use theta::ThetaSettings;
