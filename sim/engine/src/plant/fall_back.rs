//! Requests that give up the link: their input is held up, and the edge answers instead.

use super::gpu::Gpu;
use super::resources::Held;
use super::state::State;
use super::world::World;
use crate::ledger::SlotId;
use backends::Compute;
use model::request::Input;
use units::BitsPerSecond;

impl<'w, C: Compute> World<'w, C> {
    /// True if the uplink of a request's edge is down.
    pub(crate) fn is_cut_off(&self, state: &State<'w, C>, id: SlotId) -> bool {
        state.up.rate(state.ledger.slots.get(id.index).edge, self.kernel.now()) == BitsPerSecond::ZERO
    }

    /// True if a request waits for an uplink that is down and for nothing else: its input has not reached the cloud, and its edge
    /// has no job of it.
    pub(crate) fn is_held_up(&self, state: &State<'w, C>, id: SlotId) -> bool {
        let slot = state.ledger.slots.get(id.index);
        let is_idle = || {
            let in_engine = slot.resources.on_edge.as_ref().is_some_and(Held::has_job);
            !in_engine && !state.gpus[slot.edge as usize].has_job_of(id)
        };
        slot.resources.cloud.awaits_input.is_some() && is_idle() && self.is_cut_off(state, id)
    }

    /// Gives up all that a request has sent and held, for the edge to answer it anew. Its messages are void where they arrive.
    pub(crate) fn recall(&self, state: &mut State<'w, C>, id: SlotId) {
        if state.ledger.watch.is_on() {
            self.watch_held_up(state, id);
        }
        self.close_on_edge(state, id);
        self.close_on_cloud(state, id);
        let slot = state.ledger.slots.get_mut(id.index);
        slot.about.fell_back = true;
        slot.about.serve_with(&Input::whole(slot.about.request.prompt));
        slot.resources.cloud.awaits_input = None;
        slot.resources.cloud.epoch += 1;
        let pending = &mut slot.resources.pending;
        if let Some(message) = pending.last_batch.take() {
            state.messages.get_mut(message).drafts_mut().abandoned = true;
        }
        // Drafts that take no time on the link have come before their prompt.
        let parked = std::mem::take(&mut pending.parked);
        // Nobody waits for the cloud's answer any more.
        if let Some(wait) = pending.answered.take() {
            self.kernel.fire(wait);
        }
        parked.into_iter().for_each(|message| self.drop_drafts(state, message));
    }
}

impl<C: Compute> State<'_, C> {
    /// True if a request is in flight and waits for its input, which has arrived now.
    pub(crate) fn awaits_input(&mut self, id: SlotId) -> bool {
        self.ledger.lives(id) && self.ledger.slots.get_mut(id.index).resources.cloud.awaits_input.take().is_some()
    }
}

impl Gpu {
    /// True if a job of a request waits or runs outside a serving engine.
    fn has_job_of(&self, id: SlotId) -> bool {
        let waiting = self.streams.iter().chain(self.prompts.iter());
        waiting.chain(self.running.iter().map(|item| &item.job)).any(|job| job.slot == id)
    }
}
