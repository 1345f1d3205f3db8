//! The engine: policies and backends on a virtual testbed of edges, a link and a cloud.
//!
//! [`simulate`] runs one [`RunSpec`] to the end and checks the [invariants](RunError::Broken) of every run. A run is
//! one thread and a pure function of its spec: the same spec gives the same events, numbers and rows, on any machine and
//! beside any number of other runs. Sweeps, files and tables are the callers'.

mod arrivals;
mod calibration;
mod example;
mod learning;
mod ledger;
mod models;
mod outcome;
mod parts;
mod plant;
mod routing;
mod run;
mod scheduling;
mod simulate;
mod spec;
mod violation;
mod workload;

pub use ledger::{
    Backlog, ClosedFormSums, Deadlines, DecisionRecord, Done, Durations, Kind, Lane, LatencySum, MemorySums,
    MemoryTally, Metrics, NoRecorder, OfClass, Phase, ProbeSums, Recorder, RegretSums, RequestRecord, Shortfall, Side,
    Since, SpanRecord, Status, StepRecord, TokenRecord, Window,
};
pub use models::Models;
pub use outcome::{Outcome, TierOutcome};
pub use plant::{Traffic, kv_of_group, kv_of_pool, kv_of_tiers};
pub use routing::{Learners, Routing, Rule};
pub use run::RunError;
pub use scheduling::{Remote, Scheduling};
pub use simulate::simulate;
pub use spec::{
    CloudSpec, Connections, EdgeSpec, HopSpec, LinkSpec, RunSpec, SeriesStart, SharedBy, Sharing, TcpSpec, Transport,
    WaySpec,
};
pub use violation::Violation;
pub use workload::{
    Arrivals, Class, Content, Curve, OwnRequests, Phases, Played, RESERVED_OUTPUT_TOKENS, State, WarmUp, Workload,
    draw_servegen,
};
