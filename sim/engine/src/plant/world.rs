//! The part of the plant that stays as it is during a run, and the handling of events.

use super::event::Event;
use super::fleet::Fleet;
use super::posts::Extent;
use super::prices::{HostWork, Price};
use super::state::State;
use crate::calibration::Undrawn;
use crate::ledger::SlotId;
use crate::spec::RunSpec;
use backends::Compute;
use kernel::{Kernel, Phase, Streams};
use model::request::{Input, Prompt};
use policies::View;
use std::cell::RefCell;
use units::{BitsPerSecond, Bytes, SimDuration, SimTime};

/// Bytes of a token id on the wire.
pub(crate) const TOKEN_BYTES: Bytes = Bytes::new(8);

/// The part of the plant that does not change during a run, around the [`State`] that does.
pub(crate) struct World<'w, C> {
    pub(crate) kernel: &'w Kernel,
    pub(crate) spec: &'w RunSpec,
    pub(crate) streams: Streams,
    pub(crate) fleet: Fleet,
    /// Prices of the tiers.
    pub(crate) prices: Vec<Price>,
    /// The token process, as closed forms know it.
    pub(crate) closed_form_tokens: Undrawn<'w>,
    pub(crate) extent: Extent<'w>,
    pub(crate) state: RefCell<State<'w, C>>,
}

impl<'w, C: Compute> World<'w, C> {
    pub(crate) fn edges(&self) -> u32 {
        self.fleet.edges()
    }

    pub(crate) fn is_edge(&self, gpu: u32) -> bool {
        self.fleet.is_edge(gpu)
    }

    /// The tier of a GPU.
    #[inline]
    pub(crate) fn tier(&self, gpu: u32) -> usize {
        self.fleet.tier(gpu)
    }

    /// Prices of an edge.
    pub(crate) fn edge_prices(&self, edge: u32) -> &Price {
        &self.prices[self.tier(edge)]
    }

    /// Time of an edge's processor on a prompt, where nobody measured it: nothing on text alone.
    pub(crate) fn preprocess(&self, group: usize, prompt: &Prompt) -> SimDuration {
        if prompt.is_text() {
            return SimDuration::ZERO;
        }
        let pictures = self.prices[group].picture_time(HostWork::InPreprocessing, &Input::whole(*prompt));
        self.spec.edges[group].preprocess.max(pictures)
    }

    /// The view that a request's policy has now.
    pub(crate) fn view_of(&self, state: &mut State<'w, C>, id: SlotId) -> View<'_> {
        let slot = state.ledger.slots.get(id.index);
        self.view(state, slot.edge, slot.pool as usize)
    }

    /// The view of a platform that an edge and a pool make now.
    pub(crate) fn view(&self, state: &mut State<'w, C>, edge: u32, pool: usize) -> View<'_> {
        let index = edge as usize;
        let tier = self.fleet.tier_of_pool(pool);
        self.catch_up(state, edge);
        // Edges that are simulated apart serve policies that do not look at it.
        let in_pool = if self.has_edges_alone() { f64::NAN } else { self.requests_in_pool(state, edge, pool).into() };
        let [rtt, way_up] = state.up.seen_ways(edge, self.kernel.now(), self.beyond_the_link(pool as u32));
        View {
            platform: (self.tier(edge) * self.spec.pools.len() + pool) as u32,
            // At a moment of silence next to nothing, so that an upload's time is still a number.
            uplink: state.up.rate(edge, self.kernel.now()).max(BitsPerSecond::new(1)),
            rtt,
            way_up,
            rtt_per_modality: self.spec.link.rtt_per_modality,
            edge_requests: state.requests.of(edge),
            cloud_requests: in_pool / self.fleet.gpus(tier).len() as f64,
            edge_free_tokens: state.gpus[index].free_tokens(),
            edge: self.edge_prices(edge),
            cloud: &self.prices[tier],
        }
    }

    /// The round-trip time between an edge and a pool now.
    #[inline]
    pub(crate) fn rtt(&self, state: &State<'w, C>, edge: u32, pool: usize) -> SimDuration {
        state.up.seen_rtt(edge, self.kernel.now()) + self.beyond_the_link(pool as u32)
    }

    /// The round trip from the end of the link to a pool.
    #[inline]
    pub(crate) fn beyond_the_link(&self, pool: u32) -> SimDuration {
        self.spec.pools[pool as usize].rtt
    }

    /// Prices of a pool.
    pub(crate) fn pool_prices(&self, pool: u32) -> &Price {
        &self.prices[self.fleet.tier_of_pool(pool as usize)]
    }

    pub(crate) fn answered(&self, state: &mut State<'w, C>, id: SlotId) {
        let wait =
            state.ledger.slots.get_mut(id.index).resources.pending.answered.take().expect("somebody awaits the answer");
        self.kernel.fire(wait);
    }

    /// Schedules the next arrival of an open loop.
    pub(crate) fn schedule_arrival(&self, source: u32, at: SimTime) {
        self.kernel.schedule(at, Phase::Happen, Event::Arrival(source).target(), None);
    }

    /// Lets requests go on whose clients have given up.
    pub(crate) fn schedule_adoption(&self) {
        self.kernel.schedule(self.kernel.now(), Phase::Happen, Event::Adoption.target(), None);
    }

    /// Handles an event for a component.
    #[inline]
    pub(crate) fn handle(&self, event: Event) {
        match event {
            Event::Adoption => unreachable!("requests are the run's"),
            Event::Arrival(_) => unreachable!("arrivals are the run's"),
            Event::Batch(gpu) => self.form_batch(gpu),
            Event::Iteration(gpu) => self.end_iteration(gpu),
            Event::AtCloud(message) => self.at_cloud(message),
            Event::AtEdge(message) => self.at_edge(message),
            Event::HopUp(hop) => self.look_at_hop(true, hop),
            Event::HopDown(hop) => self.look_at_hop(false, hop),
            Event::PassedUp(flight) => self.pass_on(true, flight),
            Event::PassedDown(flight) => self.pass_on(false, flight),
            Event::WindowUp(connection) => self.look_at_connection(true, connection),
            Event::WindowDown(connection) => self.look_at_connection(false, connection),
        }
    }
}
