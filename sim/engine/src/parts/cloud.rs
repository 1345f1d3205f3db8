//! The cloud of a run whose edges are simulated apart, and the ledger of all requests.

use super::edges::{Rest, first_at};
use crate::outcome::{Outcome, TierOutcome, outcome};
use crate::plant::{Act, Delivery, Place, Posted, Side};
use crate::run::{Run, RunError, something_left};
use backends::{Coverage, Modelled};
use kernel::{Key, Numbered, Phase, Spawner, Target};
use policies::Policy;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use units::SimTime;

/// The cloud at work.
pub(super) struct Cloud<'r, P: Policy> {
    run: &'r Run<'r, Modelled, P>,
    spawner: Spawner<'r>,
    /// Things that edges have posted, by their places, and those of one place in the order in which they came.
    order: BinaryHeap<Reverse<(Place, u64, u32)>>,
    posted: Numbered<Posted>,
    came: u64,
}

impl<'r, P: Policy> Cloud<'r, P> {
    pub(super) fn new(run: &'r Run<'r, Modelled, P>) -> Self {
        let mut spawner = Spawner::default();
        run.start(&mut spawner);
        Self { run, spawner, order: BinaryHeap::new(), posted: Numbered::default(), came: 0 }
    }

    /// Takes in what edges have posted.
    pub(super) fn take(&mut self, posted: Vec<Posted>) {
        for one in posted {
            let (place, number) = (one.place, self.posted.insert(one));
            self.order.push(Reverse((place, self.came, number)));
            self.came += 1;
        }
    }

    /// The time before which it does nothing, as far as it knows of the edges; none if it has nothing to do.
    pub(super) fn next(&self) -> Option<SimTime> {
        let posted = self.order.peek().map(|Reverse((place, ..))| place.at);
        [posted, self.run.world.kernel.next()].into_iter().flatten().min()
    }

    /// Goes on up to a time, up to which it knows all that edges have done.
    pub(super) fn round(&mut self, until: SimTime) {
        let kernel = self.run.world.kernel;
        while let Some(&Reverse((Place { at, edge, .. }, _, number))) = self.order.peek()
            && at < until
        {
            self.order.pop();
            let posted = self.posted.remove(number);
            // Behind all that happens at that moment, and before iterations end.
            let place = Key::new(at, Phase::Iterate, edge.into(), Target::component(edge));
            kernel.run_before(place, self.run, &mut self.spawner);
            // What is recorded makes no event.
            if !matches!(posted.act, Act::Row(_)) {
                kernel.reach(place);
            }
            self.run.take(posted);
        }
        kernel.run_before(first_at(until), self.run, &mut self.spawner);
    }

    /// Things for edges, each with the edge.
    pub(super) fn deliveries(&self) -> Vec<(u32, Delivery)> {
        let Side::Cloud(deliveries) = &self.run.world.side else { unreachable!("the cloud") };
        deliveries.pending.take()
    }

    /// Puts the run together again.
    pub(super) fn end(self, rests: Vec<Rest>) -> Result<Outcome, RunError> {
        let world = self.run.world;
        let (mut events, mut coverage) = (0, None::<Coverage>);
        for Rest { edges, left, kept, events: of_part } in rests {
            let state = &mut *world.state.borrow_mut();
            if let Some(one) = left.coverage {
                coverage.get_or_insert_default().add(one);
            }
            state.join(&edges, left);
            state.ledger.add_kept(&kept);
            events += of_part;
        }
        self.run.check(&world.state.borrow(), self.spawner.alive())?;
        something_left(&world.state.borrow().ledger)?;
        let outcome = outcome(world);
        let edge = TierOutcome { coverage, ..outcome.edge };
        Ok(Outcome { events: outcome.events + events, edge, ..outcome })
    }
}
