//! Offloading policies: one file a system, written once against [`Testbed`], so that the same text runs simulated,
//! replayed on real models and live.
//!
//! A policy awaits operations; it never sees a clock to move, a queue, a heap, the true length of an answer or the
//! bandwidth to come. Sequence is dependency; what is started without being awaited overlaps.
//!
//! To add one: a file like `cloud_only.rs`, its `mod` line below and its line in `list.rs`; CONTRIBUTING.md walks through it.

mod cloud_only;
mod cloud_pruned;
mod edge_only;
mod list;
mod mindfusion;
mod msao;
mod one_or_many;
mod perllm;
mod plan;
mod route;
mod search;
mod speculation;
mod speculative;
mod testbed;
mod theta;
mod token_dropping;
mod trust;
mod twin;
mod verification;

pub use list::*;
pub use msao::{MsaoMemory, Semantics, State};
pub use one_or_many::OneOrMany;
pub use perllm::{Reading, UcbRoute};
pub use plan::{Awareness, PlanSettings, Solver};
pub use route::{Router, Score};
pub use speculation::{CacheAtLowConfidence, LowConfidence};
pub use testbed::{
    Asked, Batch, Briefing, Cloud, Edge, Hidden, Idle, Plan, Policy, Prices, Regret, ServedBy, Split, Testbed, Uses,
    Verification, Verify, View,
};
pub use theta::{AcceptRule, DraftLength, EntropyUnits, Reset, ThetaSettings};
pub use twin::{Alone, Twin};
pub use verification::{BonusToken, DraftDuringVerify, VerifyRtt, VerifyRule, VerifySettings, VerifyTime};
