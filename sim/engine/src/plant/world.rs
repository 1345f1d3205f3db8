//! The part of the plant that stays as it is during a run, and the handling of events.

use super::event::Event;
use super::prices::Price;
use super::state::State;
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
    pub(crate) closed_form_tokens: Rc<Calibration>,
    pub(crate) state: RefCell<State<'w, C>>,
}

impl<'w, C: Compute> World<'w, C> {
    pub(crate) fn edges(&self) -> u32 {
        self.spec.edge.count
    }

    pub(crate) fn is_edge(&self, gpu: u32) -> bool {
        gpu < self.edges()
    }

    /// The view that a policy has at an edge now.
    pub(crate) fn view(&self, state: &State<'w, C>, edge: u32) -> View<'_> {
        let (edge_requests, cloud_requests) = state.requests.split_at(self.edges() as usize);
        let index = edge as usize;
        View {
            // At a moment of silence next to nothing, so that an upload's time is still a number.
            uplink: state.up.rate(self.kernel.now()).max(BitsPerSecond::new(1)),
            rtt: state.up.rtt(self.kernel.now()),
            rtt_per_modality: self.spec.link.rtt_per_modality,
            edge_requests: edge_requests[index],
            cloud_requests: f64::from(cloud_requests.iter().sum::<u32>()) / cloud_requests.len() as f64,
            edge_free_tokens: state.gpus[index].free_tokens(),
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

    /// Handles an event for a component.
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
            Event::WindowUp(connection) => self.look_at_connection(true, connection),
            Event::WindowDown(connection) => self.look_at_connection(false, connection),
        }
    }
}
