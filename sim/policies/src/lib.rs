//! Offloading policies: one file a system, written once against [`Testbed`], so that the same text runs simulated,
//! replayed on real models and live.
//!
//! A policy awaits operations; it never sees a clock to move, a queue, a heap, the true length of an answer or the
//! bandwidth to come. Sequence is dependency; what is started without being awaited overlaps.
//!
//! To add one: a file like `cloud_only.rs`, its `mod` line below and its line in `list.rs`; CONTRIBUTING.md walks through it.

mod cloud_only;
mod edge_only;
mod list;
mod msao;
mod one_or_many;
mod perllm;
mod plan;
mod speculation;
mod speculative;
mod testbed;
mod theta;

pub use list::*;
pub use msao::MsaoMemory;
pub use one_or_many::OneOrMany;
pub use perllm::{PerLlmMemory, Reading, UcbRoute};
pub use speculative::DraftDuringVerify;
pub use testbed::{Batch, Briefing, Cloud, Edge, Pass, Policy, Prices, ServedBy, Testbed, Uses, Verification, View};
pub use theta::ThetaSettings;
