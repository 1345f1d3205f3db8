//! The virtual plant: GPUs with their KV caches, processors and a link, on a discrete-event kernel.
//!
//! It holds resources for the requests of a ledger, and offers each of them a testbed, on which a policy serves it.
//!
//! | file | what happens there |
//! |---|---|
//! | `bed.rs` | a policy's operations on the testbed of one request |
//! | `deliveries.rs` | messages are sent and arrive |
//! | `admission.rs` | sequences are opened and closed, memory is granted |
//! | `iterations.rs` | GPUs form batches and end them |
//! | `spans.rs` | spans of watched requests begin and end |
//! | `invariants.rs` | conservation of bytes, KV blocks and time |
//!
//! | file | what it holds |
//! |---|---|
//! | `state.rs` | everything that changes during a run, the ledger included |
//! | `resources.rs` | a request's sequences, memory and waits |
//! | `message.rs`, `event.rs` | messages on the link; what events of the kernel are for |
//! | `gpu.rs`, `link.rs` | one GPU with its queues; one direction of the link |
//! | `pools.rs`, `prices.rs` | KV pools of the tiers; prices that policies see |

mod admission;
mod bed;
mod deliveries;
mod event;
mod gpu;
mod invariants;
mod iterations;
mod link;
mod message;
mod pools;
mod prices;
mod resources;
mod spans;
mod state;

pub use link::Traffic;
pub use pools::{cloud_pool, edge_pool, pools};

pub(crate) use bed::Bed;
pub(crate) use event::Event;
pub(crate) use gpu::Gpu;
pub(crate) use pools::footprint;
pub(crate) use prices::Price;
pub(crate) use resources::Slot;
pub(crate) use state::State;

use crate::ledger::SlotId;
use crate::spec::RunSpec;
use backends::Compute;
use kernel::{Kernel, Phase, Streams};
use model::tokens::Calibration;
use policies::View;
use std::cell::RefCell;
use std::rc::Rc;
use units::{BitsPerSecond, Bytes, SimTime};

/// Bytes of a token id on the wire.
pub(crate) const TOKEN_BYTES: Bytes = Bytes::new(8);

/// The part of the plant that does not change during a run, around the [`State`] that does.
pub(crate) struct World<'w, C> {
    pub(crate) kernel: &'w Kernel,
    pub(crate) spec: &'w RunSpec,
    pub(crate) streams: Streams,
    pub(crate) edge_prices: Price,
    pub(crate) cloud_prices: Price,
    /// The token process, as closed forms know it.
    pub(crate) twin_tokens: Rc<Calibration>,
    pub(crate) state: RefCell<State<'w, C>>,
}

impl<'w, C: Compute> World<'w, C> {
    pub(crate) fn edges(&self) -> u32 {
        self.spec.edge.count
    }

    pub(crate) fn is_edge(&self, gpu: u32) -> bool {
        gpu < self.edges()
    }

    /// What can be observed now at an edge.
    pub(crate) fn view(&self, state: &State<'w, C>, edge: u32) -> View<'_> {
        let (edge_requests, cloud_requests) = state.requests.split_at(self.edges() as usize);
        let index = edge as usize;
        View {
            // At a moment of silence next to nothing, so that an upload's time is still a number.
            uplink: state.up.rate(self.kernel.now()).max(BitsPerSecond::new(1)),
            rtt: self.spec.link.rtt,
            rtt_per_modality: self.spec.link.rtt_per_modality,
            edge_requests: edge_requests[index],
            cloud_requests: f64::from(cloud_requests.iter().sum::<u32>()) / cloud_requests.len() as f64,
            edge_free_tokens: state.gpus[index].kv.free_blocks() * model::kv::BLOCK_TOKENS,
            edge: &self.edge_prices,
            cloud: &self.cloud_prices,
        }
    }

    pub(crate) fn answered(&self, state: &mut State<'w, C>, id: SlotId) {
        let wait =
            state.ledger.slots.get_mut(id.index).resources.pending.answered.take().expect("somebody awaits the answer");
        self.kernel.fire(wait);
    }

    /// Schedules the next arrival of an open loop.
    pub(crate) fn schedule_arrival(&self, at: SimTime) {
        self.kernel.schedule(at, Phase::Happen, Event::Arrival.target(), None);
    }

    /// What an event for a component does.
    #[inline]
    pub(crate) fn handle(&self, event: Event) {
        match event {
            Event::Arrival => unreachable!("arrivals are the run's"),
            Event::Batch(gpu) => self.form_batch(gpu),
            Event::Iteration(gpu) => self.end_iteration(gpu),
            Event::AtCloud(message) => self.at_cloud(message),
            Event::AtEdge(message) => self.at_edge(message),
            Event::Uplink => self.look_at_link(true),
            Event::Downlink => self.look_at_link(false),
        }
    }
}
