//! Offloading policies: one file a system, written once against [`Testbed`], so that the same text runs simulated,
//! replayed on real models and live.
//!
//! A policy awaits operations; it never sees a clock to move, a queue, a heap, the true length of an answer or the
//! bandwidth to come. Sequence is dependency; what is started without being awaited overlaps.
//!
//! To add one: a file like `cloud_only.rs`, and its two lines in the list below.

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

pub use cloud_only::CloudOnly;
pub use cloud_pruned::CloudPruned;
pub use edge_only::EdgeOnly;
pub use list::{PolicyTable, System, Visitor};
pub use mindfusion::MindFusion;
pub use msao::{Msao, Semantics, State};
pub use one_or_many::OneOrMany;
pub use perllm::{PerLlm, Reading, UcbRoute};
pub use plan::{Awareness, Plan, PlanSettings, Regret, Solver};
pub use route::{Router, Score};
pub use speculation::{CacheAtLowConfidence, LowConfidence};
pub use speculative::Speculative;
pub use testbed::{
    Batch, Briefing, Cloud, Edge, Hidden, Policy, Prices, ServedBy, Split, Testbed, Verification, Verify, View,
};
pub use theta::{AcceptRule, DraftLength, EntropyUnits, Reset, ThetaSettings};
pub use token_dropping::TokenDropping;
pub use twin::{Alone, Twin};
pub use verification::{BonusToken, DraftDuringVerify, VerifyRtt, VerifyRule, VerifySettings, VerifyTime};
