//! Answers of the edge where the uplink is down.

use super::Run;
use crate::ledger::SlotId;
use crate::plant::Bed;
use backends::Compute;
use model::request::Input;
use policies::{Briefing, Edge, Policy, ServedBy, Testbed};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use units::SimDuration;

impl<'a, C: Compute, P: Policy> Run<'a, C, P> {
    /// True if a request's edge can answer it by itself, and the scenario wants that where the uplink is down.
    fn can_fall_back(&self, id: SlotId) -> bool {
        let world = self.world;
        let group = world.state.borrow().ledger.slots.get(id.index).about.group;
        let has_gpu = world.spec.edges[group as usize].has_gpu;
        world.spec.workload.fall_back && has_gpu && self.tiers(group).answers
    }

    /// Lets the edge answer a request that has come in while the uplink is down.
    pub(super) fn falls_back(&self, id: SlotId) -> bool {
        if !self.can_fall_back(id) {
            return false;
        }
        let state = &mut *self.world.state.borrow_mut();
        let is_cut_off = self.world.is_cut_off(state, id);
        state.ledger.slots.get_mut(id.index).about.fell_back = is_cut_off;
        is_cut_off
    }

    /// The time after which a request under way is looked at, if it may fall back.
    pub(super) fn patience(&self, id: SlotId) -> Option<SimDuration> {
        self.world.spec.workload.fall_back_after.filter(|_| self.can_fall_back(id))
    }

    /// Serves a request by its policy, unless an outage holds up its input when it is looked at: then the edge answers it whole.
    pub(super) async fn serve_or_fall_back(
        &self,
        bed: &Bed<'a, C>,
        (briefing, memory): (&Briefing, &P::Memory),
        patience: SimDuration,
    ) -> ServedBy {
        let world = self.world;
        {
            let mut served = pin!(self.policy.serve(bed, briefing, memory));
            loop {
                let mut look = world.kernel.sleep(patience);
                let by = poll_fn(|context| match served.as_mut().poll(context) {
                    Poll::Ready(by) => Poll::Ready(Some(by)),
                    Poll::Pending => Pin::new(&mut look).poll(context).map(|()| None),
                });
                if let Some(by) = by.await {
                    return by;
                }
                if world.is_held_up(&world.state.borrow(), bed.id) {
                    break;
                }
            }
            // Batches on their way are given up with their policy.
        }
        world.recall(&mut world.state.borrow_mut(), bed.id);
        bed.edge().answer(&Input::whole(bed.prompt())).await;
        ServedBy::Edge
    }
}
