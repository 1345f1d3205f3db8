//! The virtual plant: GPUs with their KV caches, processors and a link, on a discrete-event kernel.
//!
//! It holds resources for the requests of a ledger, and offers each of them a testbed, on which a policy serves it.
//!
//! | file | what happens there |
//! |---|---|
//! | `bed.rs` | a policy's operations on the testbed of one request |
//! | `deliveries.rs` | messages are sent and arrive |
//! | `across.rs` | edges and cloud are simulated apart: what passes between them |
//! | `fall_back.rs` | requests give up a link that is down |
//! | `admission.rs` | sequences are opened and closed, memory is granted |
//! | `routing.rs` | requests are given pools and replicas |
//! | `iterations.rs` | GPUs form batches and end them |
//! | `ahead.rs` | an edge takes several steps in one event |
//! | `steady.rs` | a batch stays as it is, and its engine's scheduler is told later |
//! | `ranks.rs` | ranks of a mixture take their steps together |
//! | `rounds.rs` | requests enter a serving engine, and their rounds are offered to it |
//! | `steps.rs` | a serving engine forms the iterations of its GPU |
//! | `desk.rs` | a policy orders the queue of drafts before a GPU |
//! | `drafter.rs` | a small model drafts beside the model of a GPU |
//! | `prompts.rs` | a prompt becomes pieces by content, for a serving engine |
//! | `spans.rs` | spans of watched requests begin and end |
//! | `invariants.rs` | conservation of bytes, KV blocks and time |
//!
//! | file | what it holds |
//! |---|---|
//! | `world.rs`, `state.rs` | the parts that stay and that change during a run, the ledger included |
//! | `resources.rs` | a request's sequences, memory and waits |
//! | `message.rs`, `event.rs` | messages on the link; what events of the kernel are for |
//! | `posts.rs` | what passes between edges and cloud that are simulated apart |
//! | `job.rs` | jobs of requests, and the items that they are in an iteration |
//! | `requests.rs` | requests of each GPU, and the replica of a pool with the fewest |
//! | `reports.rs` | loads of replicas and what edges learn, as they are reported |
//! | `beside.rs`, `queue.rs` | what a small model has of a request; drafts that wait before a GPU |
//! | `fleet.rs` | the numbers of groups, pools and their GPUs |
//! | `flight.rs` | batches of drafts on their way to their verdicts |
//! | `gpu.rs`, `link.rs` | one GPU with its queues; one direction of the link |
//! | `line.rs` | a waiting line whose first member stands in place |
//! | `stretch.rs` | the steps that an edge takes in one event |
//! | `served.rs` | a serving engine on a GPU, and the part of a request that it has |
//! | `pools.rs`, `prices.rs` | KV pools of the tiers; prices that policies see |

mod across;
mod admission;
mod ahead;
mod bed;
mod beside;
mod deliveries;
mod desk;
mod drafter;
mod event;
mod fall_back;
mod fleet;
mod flight;
mod gpu;
mod invariants;
mod iterations;
mod job;
mod line;
mod link;
mod message;
mod pictures;
mod pools;
mod posts;
mod prices;
mod prompts;
mod queue;
mod ranks;
mod reports;
mod requests;
mod resources;
mod rounds;
mod routing;
mod served;
mod spans;
mod state;
mod steady;
mod steps;
mod stretch;
mod work;
mod world;

pub use link::Traffic;
pub use pools::{kv_of_group, kv_of_pool, kv_of_tiers};

pub(crate) use bed::Bed;
pub(crate) use event::Event;
pub(crate) use fleet::Fleet;
pub(crate) use gpu::{Gpu, work};
pub(crate) use pools::footprint;
pub(crate) use posts::{Act, Deliveries, Delivery, End, Extent, Own, Place, Posted, Thing};
pub(crate) use prices::Price;
pub(crate) use reports::Reports;
pub(crate) use resources::Slot;
pub(crate) use state::{Left, State};
pub(crate) use world::World;
