//! Requests of a run whose edges and cloud are simulated apart.

use super::Run;
use crate::ledger::{Shortfall, SlotId};
use crate::plant::{Act, End, Extent, State};
use crate::workload::Session;
use backends::Compute;
use policies::{Policy, ServedBy};
use std::sync::atomic::Ordering;
use units::SimTime;

impl<'a, C: Compute, P: Policy> Run<'a, C, P> {
    /// A session of one request begins at an edge that is simulated elsewhere: the cloud's side takes it in, other edges count it.
    pub(super) fn arrive_elsewhere(&self, mut session: Session, edge: u32) {
        let world = self.world;
        if matches!(world.extent, Extent::Cloud(_)) {
            let bed = self.admit(&mut session, edge, 0);
            self.names.borrow_mut().insert(bed.id);
            return;
        }
        let state = &mut *world.state.borrow_mut();
        let now = world.kernel.now();
        if state.ledger.warm_up.ends_with(state.ledger.next_generation(), now) {
            world.catch_up_all(state);
        }
        state.ledger.pass_by(now, world.kernel.reached());
    }

    /// A request has ended on its edge, and the rest of it is elsewhere. The time of its last token, or of its rejection.
    pub(super) fn end_on_edge(
        &self,
        state: &mut State<'a, C>,
        id: SlotId,
        ending: Result<ServedBy, Shortfall>,
    ) -> SimTime {
        let world = self.world;
        world.close_on_edge(state, id);
        let slot = state.ledger.leave(id);
        let (edge, last) = (slot.edge, slot.committed.last.max(slot.about.submit));
        let forms = self.closed_forms(state, id, &slot, ending.is_ok());
        let end = Box::new(End { ended: state.ledger.part_of(id, slot, ending), forms });
        world.post(world.kernel.now(), edge, id, || Act::End(end));
        last
    }

    /// Does what an edge has posted for a request, on the cloud's side.
    pub(crate) fn take(&self, slot: SlotId, edge: u32, act: Act) {
        let id = self.names.borrow().get(slot.generation);
        if let Act::End(end) = act {
            return self.end_in_cloud(id, *end);
        }
        let state = &mut *self.world.state.borrow_mut();
        if state.ledger.lives(id) {
            state.ledger.slots.get_mut(id.index).resources.elsewhere = slot.index;
        }
        self.world.act(state, id, edge, act);
    }

    /// A request has ended, whose edge has posted its part.
    fn end_in_cloud(&self, id: SlotId, End { ended, forms }: End) {
        let world = self.world;
        self.names.borrow_mut().remove(id.generation);
        let state = &mut *world.state.borrow_mut();
        let ending = ended.ending;
        state.ledger.join(id, ended);
        world.close_on_cloud(state, id);
        state.ledger.end(id, world.kernel.now(), ending, None);
        if let Some((forms, probe_flop)) = forms {
            state.ledger.metrics.closed_forms.record(&forms, probe_flop);
        }
        self.progress.fetch_add(1, Ordering::Relaxed);
    }
}
