//! The engine: policies and backends on a virtual testbed of edges, a link and a cloud.
//!
//! [`simulate`] runs one [`RunSpec`] to the end and checks the [invariants](RunError::Broken) of every run. A run is
//! one thread and a pure function of its spec: the same spec gives the same events, numbers and rows, on any machine and
//! beside any number of other runs. Sweeps, files and tables are the callers'.

mod admission;
mod bed;
mod calibration;
mod deliveries;
mod event;
mod gpu;
mod invariants;
mod iterations;
mod link;
mod metrics;
mod players;
mod prices;
mod recorder;
mod run;
mod slot;
mod spec;
mod state;
mod watch;
mod watching;
mod workload;
mod world;

pub use invariants::Violation;
pub use link::Traffic;
pub use metrics::{Durations, Metrics, ProbeSums, RegretSums, TwinSums};
pub use players::Players;
pub use recorder::{Lane, Nobody, Phase, Recorder, RequestRecord, Side, SpanRecord, Status, StepRecord, TokenRecord};
pub use run::{Outcome, RunError, TierOutcome, cloud_pool, edge_pool, play, pools, simulate};
pub use spec::{CloudSpec, EdgeSpec, LinkSpec, RunSpec, Sharing};
pub use workload::{Answer, Arrivals, Content, Shape, Workload, draw_servegen};
