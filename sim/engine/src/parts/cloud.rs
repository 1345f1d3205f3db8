//! The cloud of a run whose edges are simulated apart, and the ledger of all requests.

use super::edges::{Rest, first_at};
use crate::ledger::{Row, SlotId};
use crate::outcome::{Outcome, TierOutcome, outcome};
use crate::plant::{Act, Delivery, Extent, Place, Posted, Thing};
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
    acts: InOrder<(SlotId, Act)>,
    /// Apart, so that no round depends on what is recorded.
    rows: InOrder<Row>,
    /// Things that were posted so far.
    came: u64,
}

/// Things that edges have posted, by their places, and those of one place in the order in which they came.
struct InOrder<T> {
    order: BinaryHeap<Reverse<(Place, u64, u32)>>,
    things: Numbered<T>,
}

impl<T> Default for InOrder<T> {
    fn default() -> Self {
        Self { order: BinaryHeap::new(), things: Numbered::default() }
    }
}

impl<T> InOrder<T> {
    fn push(&mut self, place: Place, came: u64, thing: T) {
        let number = self.things.insert(thing);
        self.order.push(Reverse((place, came, number)));
    }

    /// The first place, and when its thing came.
    fn first(&self) -> Option<(Place, u64)> {
        self.order.peek().map(|Reverse((place, came, _))| (*place, *came))
    }

    fn pop(&mut self) -> Option<T> {
        self.order.pop().map(|Reverse((.., number))| self.things.remove(number))
    }
}

impl<'r, P: Policy> Cloud<'r, P> {
    pub(super) fn new(run: &'r Run<'r, Modelled, P>) -> Self {
        let mut spawner = Spawner::default();
        run.start(&mut spawner);
        Self { run, spawner, acts: InOrder::default(), rows: InOrder::default(), came: 0 }
    }

    /// Takes in what edges have posted.
    pub(super) fn take(&mut self, posted: Vec<Posted>) {
        for Posted { place, thing } in posted {
            match thing {
                Thing::Act(slot, act) => self.acts.push(place, self.came, (slot, act)),
                Thing::Row(row) => self.rows.push(place, self.came, *row),
            }
            self.came += 1;
        }
    }

    /// The time before which it does nothing, as far as it knows of the edges; none if it has nothing to do.
    pub(super) fn next(&self) -> Option<SimTime> {
        let posted = self.acts.first().map(|(place, _)| place.at);
        [posted, self.run.world.kernel.next()].into_iter().flatten().min()
    }

    /// Goes on up to a time, up to which it knows all that edges have done.
    pub(super) fn round(&mut self, until: SimTime) {
        let kernel = self.run.world.kernel;
        while let Some(first) = self.acts.first()
            && first.0.at < until
        {
            self.write_rows(|row| row < first);
            let Place { at, edge, .. } = first.0;
            // Behind all that happens at that moment, and before iterations end.
            let place = Key::new(at, Phase::Iterate, edge.into(), Target::component(edge));
            kernel.run_before(place, self.run, &mut self.spawner);
            kernel.reach(place);
            let (slot, act) = self.acts.pop().expect("the first");
            self.run.take(slot, edge, act);
        }
        self.write_rows(|(place, _)| place.at < until);
        kernel.run_before(first_at(until), self.run, &mut self.spawner);
    }

    /// Writes the rows whose turn it is.
    fn write_rows(&mut self, is_due: impl Fn((Place, u64)) -> bool) {
        while self.rows.first().is_some_and(&is_due) {
            let row = self.rows.pop().expect("the first");
            row.write(self.run.world.state.borrow_mut().ledger.recorder);
        }
    }

    /// Things for edges, each with the edge.
    pub(super) fn deliveries(&self) -> Vec<(u32, Delivery)> {
        let Extent::Cloud(deliveries) = &self.run.world.extent else { unreachable!("the cloud") };
        deliveries.take()
    }

    /// Puts the run together again.
    pub(super) fn end(self, rests: Vec<Rest>) -> Result<Outcome, RunError> {
        let world = self.run.world;
        debug_assert!(self.rows.first().is_none(), "all rows are written");
        let (mut events, mut coverage) = (0, None::<Coverage>);
        for rest in rests {
            let state = &mut *world.state.borrow_mut();
            state.join(&rest.edges, rest.left);
            state.ledger.add_kept(&rest.kept);
            if let Some(one) = rest.coverage {
                coverage.get_or_insert_default().add(one);
            }
            events += rest.events;
        }
        self.run.check(&world.state.borrow(), self.spawner.alive())?;
        something_left(&world.state.borrow().ledger)?;
        let outcome = outcome(world);
        let edge = TierOutcome { coverage, ..outcome.edge };
        Ok(Outcome { events: outcome.events + events, edge, ..outcome })
    }
}
