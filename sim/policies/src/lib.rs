//! Offloading policies: one file a system, written once against [`Testbed`], so that the same text runs simulated,
//! replayed on real models and live.
//!
//! A policy awaits operations; it never sees a clock to move, a queue, a heap, the true length of an answer or the
//! bandwidth to come. Sequence is dependency; what is started without being awaited overlaps.
//!
//! [`Policy`] is a system's course, [`About`] the facts about it, and the list of systems gives it its name and label. To
//! add one: a file like `cloud_only.rs`, its `mod` line below and its line in `list.rs`; CONTRIBUTING.md walks through it.

mod about;
mod batch;
mod closed_form;
mod cloud_only;
mod cloud_pruned;
mod cloud_speculative;
mod covspec;
mod edge_only;
mod edge_pruned;
mod edge_speculative;
mod external;
mod labelled;
mod list;
mod mindfusion;
mod moa_off;
mod msao;
mod one_or_many;
mod perllm;
mod pipesd;
mod plan;
mod policy;
mod progressive;
mod queue;
mod route;
mod search;
mod settings;
mod spec_stop;
mod specedge;
mod speculation;
mod speculative;
mod testbed;
mod theta;
mod token_dropping;
mod trust;
mod verification;
mod wisp;

pub use about::{About, Asked, Drafter, Split, Uses};
pub use batch::{Batch, Parents, Tree, Verify};
pub use closed_form::{Alone, ClosedForms};
pub use external::Part;
pub use labelled::Labelled;
pub use list::*;
pub use msao::{MsaoMemory, Semantics, State};
pub use one_or_many::OneOrMany;
pub use perllm::{Reading, UcbRoute};
pub use plan::{Awareness, PlanSettings, Solver};
pub use policy::{Learned, Memory, Policy, ServedBy, Shared};
pub use progressive::{Crop, Parts};
pub use queue::{Verifier, Waiting};
pub use route::{Router, Score};
pub use settings::Idle;
pub use specedge::Ahead;
pub use speculation::{At, CacheAtLowConfidence, Gate, LowConfidence, Speculation, StateSize, Unsure, read_prompt};
pub use testbed::{Briefing, Cloud, Edge, Hidden, Note, Plan, Prices, Regret, Stretch, Testbed, Verification, View};
pub use theta::{AcceptRule, DraftLength, EntropyUnits, Reset, ThetaSettings};
pub use verification::{BonusToken, DraftDuringVerify, VerifyRtt, VerifyRule, VerifySettings, VerifyTime};
