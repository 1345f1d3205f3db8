//! The queue of drafts before a GPU of the cloud, where the policy orders it. The GPU gets what the policy takes, and nothing more until
//! that is verified.

use super::queue::Desk;
use super::state::State;
use super::world::World;
use crate::ledger::SlotId;
use backends::Compute;
use policies::{Verifier, Waiting};
use units::SimTime;

impl<'w, C: Compute> World<'w, C> {
    fn desk<'s>(&self, state: &'s mut State<'w, C>, gpu: u32) -> Option<&'s mut Desk> {
        state.desks.get_mut((gpu - self.edges()) as usize)
    }

    /// Lets drafts wait at the desk of a GPU; false if it has none.
    pub(super) fn queue_drafts(&self, state: &mut State<'w, C>, gpu: u32, id: SlotId, message: u32) -> bool {
        let now = self.kernel.now();
        let Some(desk) = self.desk(state, gpu) else { return false };
        desk.waiting.push((message, id, now));
        self.call_next(state, gpu);
        true
    }

    /// A request may be verified from now on, or no more.
    pub(super) fn count_client(&self, state: &mut State<'w, C>, gpu: u32, comes: bool) {
        let Some(desk) = self.desk(state, gpu) else { return };
        if comes {
            desk.clients += 1;
        } else {
            desk.clients -= 1;
            self.call_next(state, gpu);
        }
    }

    /// A batch that a GPU had is verified or void.
    pub(super) fn leave_desk(&self, state: &mut State<'w, C>, gpu: u32, message: u32) {
        let Some(desk) = self.desk(state, gpu) else { return };
        let before = desk.running.len();
        desk.running.retain(|running| *running != message);
        if desk.running.len() < before {
            self.call_next(state, gpu);
        }
    }

    /// Asks the policy what a GPU verifies next, if it verifies nothing.
    fn call_next(&self, state: &mut State<'w, C>, gpu: u32) {
        let Some(desk) = self.desk(state, gpu).filter(|desk| desk.running.is_empty()) else { return };
        let (all, clients) = (std::mem::take(&mut desk.waiting), desk.clients);
        let has_gone = |id: &SlotId| state.ledger.slots.get(id.index).resources.on_cloud.is_none();
        let (void, live): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(message, id, _)| self.is_void(state, *message) || has_gone(id));
        void.iter().for_each(|(message, ..)| self.drop_drafts(state, *message));
        let seen: Vec<Waiting> = live.iter().map(|waiting| self.waiting(state, gpu, *waiting)).collect();
        let prices = &self.prices[self.tier(gpu)];
        let mut taken =
            if seen.is_empty() { Vec::new() } else { self.spec.policy.next(&seen, &Verifier { clients, prices }) };
        taken.sort_unstable();
        taken.dedup();
        let desk = self.desk(state, gpu).expect("a desk");
        let mut chosen = Vec::with_capacity(taken.len());
        for (place, waiting) in live.into_iter().enumerate() {
            if taken.binary_search(&place).is_ok() { chosen.push(waiting) } else { desk.waiting.push(waiting) }
        }
        desk.running.extend(chosen.iter().map(|(message, ..)| *message));
        for (message, id, since) in chosen {
            let place = (id.generation, gpu, state.gpus[gpu as usize].next_ticket());
            self.release_drafts(state, gpu, id, message);
            if let Some((waits_since, _)) = state.ledger.watch.waiting.get_mut(&place) {
                *waits_since = since;
            }
        }
    }

    /// A batch as the policy sees it.
    fn waiting(&self, state: &State<'w, C>, gpu: u32, (message, id, since): (u32, SlotId, SimTime)) -> Waiting {
        let now = self.kernel.now();
        let slot = state.ledger.slots.get(id.index);
        let last = if slot.committed.tokens > 0 { slot.committed.last } else { since };
        let rounds = slot.tally.rounds;
        Waiting {
            request: slot.about.request.prompt.request,
            waits: now - since,
            silent: now - last,
            drafts: state.messages.get(message).drafts().count(),
            context: state.computes[self.tier(gpu)].context(slot.resources.sequence(false)),
            brings: if rounds == 0 { 1.0 } else { f64::from(slot.committed.tokens) / f64::from(rounds) },
        }
    }
}
