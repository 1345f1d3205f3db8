//! The virtual testbed: what does not change during a run, and which event does what.
//!
//! | file | what happens there |
//! |---|---|
//! | `deliveries.rs` | messages are sent and arrive |
//! | `admission.rs` | sequences are opened and closed, memory is granted |
//! | `iterations.rs` | GPUs form batches and end them |

use crate::event::Event;
use crate::prices::Price;
use crate::slot::SlotId;
use crate::spec::RunSpec;
use crate::state::State;
use backends::Compute;
use kernel::{Kernel, Phase, Streams};
use model::accuracy::AccuracyModel;
use std::cell::RefCell;
use units::{Bytes, SimDuration, SimTime};

/// Bytes of a token id on the wire.
pub(crate) const TOKEN_BYTES: Bytes = Bytes::new(8);

/// What does not change during a run, around the [`State`] that does.
pub(crate) struct World<'w, C> {
    pub(crate) kernel: &'w Kernel,
    pub(crate) spec: &'w RunSpec,
    pub(crate) streams: Streams,
    pub(crate) edge_prices: Price,
    pub(crate) cloud_prices: Price,
    pub(crate) accuracy: AccuracyModel,
    pub(crate) state: RefCell<State<'w, C>>,
}

impl<'w, C: Compute> World<'w, C> {
    pub(crate) fn edges(&self) -> u32 {
        self.spec.edge.count
    }

    pub(crate) fn is_edge(&self, gpu: u32) -> bool {
        gpu < self.edges()
    }

    /// Bytes of a token's hidden state between the layers of the cloud's model.
    pub(crate) fn hidden_bytes(&self) -> Bytes {
        Bytes::new(self.spec.cloud.tier.model.hidden * 2)
    }

    /// Commits tokens at the edge.
    #[inline]
    pub(crate) fn commit(&self, state: &mut State<'w, C>, id: SlotId, tokens: u32, at: SimTime) {
        if tokens == 0 {
            return;
        }
        let gap = state.slots.get_mut(id.index).commit(tokens, at);
        if let Some(gap) = gap {
            state.metrics.itl.record(gap);
        }
        if tokens > 1 {
            state.metrics.itl.record_n(SimDuration::ZERO, u64::from(tokens - 1));
        }
    }

    pub(crate) fn answered(&self, state: &mut State<'w, C>, id: SlotId) {
        let wait = state.slots.get_mut(id.index).answered.take().expect("somebody awaits the answer");
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
