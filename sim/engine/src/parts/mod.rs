//! One large run on several threads: its edges are simulated in parts, and the cloud apart from them.
//!
//! Edges meet in the cloud alone, where nothing of the link is shared. Whatever an edge does to the cloud or to the ledger is posted, with
//! its time; whatever the cloud sends is delivered, with the time at which it arrives. That is a way over the link later, so edges may run
//! ahead of the cloud by the shortest way down (a conservative window; Chandy and Misra 1979, Fujimoto 1990). The cloud follows as far as
//! all edges have come, so nothing reaches it late. All parts work at once, each by half a window a round.
//!
//! | file | what happens there |
//! |---|---|
//! | `division.rs` | a run is divided, or stays whole for a reason |
//! | `edges.rs` | a part of the edges is simulated, a round at a time |
//! | `cloud.rs` | the cloud is simulated, and does what edges have posted |
//! | `rounds.rs` | parts take their rounds, on one thread or several |
//! | `rows.rs` | rows that edges write, on their way to the recorder |
//!
//! The results do not depend on the parts: each of them draws all arrivals and keeps its own, all sums that depend on an order are the
//! cloud's, and it takes what was posted by time, then edge, then the order in which the edge did it.

mod cloud;
mod division;
mod edges;
mod rounds;
mod rows;

pub(crate) use division::Division;
pub(crate) use rounds::InParts;
