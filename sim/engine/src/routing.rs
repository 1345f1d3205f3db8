//! Routing among the cloud's pools and their replicas: the rules, and the age of the loads that they go by. And who owns what
//! policies learn, which others hear of by reports of the same age.

use units::SimDuration;

/// The way that requests are given pools and replicas.
///
/// ```
/// use engine::{Routing, Rule};
/// use units::SimDuration;
///
/// // Replicas tell their load every 50 ms; each request looks at two of them.
/// let routing = Routing { rule: Rule::PowerOfTwo, report_every: Some(SimDuration::from_ms(50)) };
/// assert_ne!(routing, Routing::default());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// The rule.
    pub rule: Rule,
    /// Time between two reports of a replica's load, each of which takes half a round trip to an edge. Without it every
    /// load is known at once, everywhere.
    pub report_every: Option<SimDuration>,
}

/// The rules by which a request is given a replica.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// The replica with the fewest requests.
    #[default]
    FewestRequests,
    /// The replica that is expected to be done first: the least work, with that of the request and its pool's round trip.
    ShortestWork,
    /// The replica that the beginning of the prompt belongs to, unless it has far more requests than another.
    PrefixAffinity,
    /// One replica after the other.
    RoundRobin,
    /// The replica with fewer requests of two that are drawn.
    PowerOfTwo,
    /// The pool of the request's group of edges; in it, the replica with the fewest requests.
    ByClass,
}

/// The owners of what a policy learns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Learners {
    /// Each edge has what it learned by itself.
    #[default]
    Edge,
    /// Each edge also has what others learned, as old as their reports.
    Shared,
}
