//! Scenarios: the keys of a file, and the runs that they mean.
//!
//! A file is read into [`Scenario`], the keys as they stand with every default filled in; [`resolve`] turns that into the
//! runs of its grid. `sim show` prints the first, and running what it prints gives the same bytes.

mod absent;
mod amounts;
mod arguments;
mod arrivals;
mod assumptions;
mod chain;
mod class;
mod classes;
mod costs;
mod course;
pub mod dataset;
mod datasets;
mod drafter;
mod explain;
pub mod figures;
mod fleet;
mod grounds;
mod hop;
mod idle;
mod keys;
mod link;
mod loads;
mod lookup;
mod own;
mod parallel;
mod plan;
mod priced;
mod privacy;
pub mod profile;
mod read;
mod reference;
mod replay;
mod require;
mod resolve;
mod routers;
mod sessions;
mod shell;
mod short;
mod show;
mod slo;
mod source;
mod start;
mod sweep;
mod tier;
mod tokens;
mod unfounded;
mod unpacked;
mod warm_up;
mod ways;
mod written;

pub use arguments::Written;
pub use assumptions::{assumptions, defaults_of, policies, value_of};
pub use costs::{Costs, Radio};
pub use dataset::{Dataset, Listed, Wanted, served};
pub use fleet::NO_DEVICE;
pub use idle::warn_of_idle_keys;
pub use loads::{Arrivals, TraceTimes};
pub use plan::{Plan, Point, PointLabel};
pub use read::{read, typed};
pub use reference::{KeyDoc, first_sentence, reference};
pub use replay::Replay;
#[cfg(feature = "onnx")]
pub use replay::{Drawn, Outcomes, Played, Provider, Scale};
pub use resolve::{Cell, laws_of, profiled};
pub use routers::Router;
pub use short::warn_of_short_traces;
pub use show::shown;
pub use source::Source;
pub use start::{remark as remark_on_start, warn_of_start};
pub use sweep::Form;
pub use tier::{Noise, Tuning};
pub use unfounded::{remark as remark_on_figures, warn_of_figures};
pub use unpacked::warn_of_unpacked_weights;
pub use written::{MemoryScope, Mode, PointSeeds, Scenario};

/// Warns on stderr of all that a plan says about itself before it is run.
pub fn warn(plan: &Plan) {
    warn_of_idle_keys(plan);
    warn_of_start(plan);
    warn_of_unpacked_weights(plan);
    warn_of_figures(plan);
}
