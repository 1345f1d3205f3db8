//! A part of the edges, simulated a round at a time.

use super::rows::{Poster, Wanted};
use crate::ledger::Kept;
use crate::models::Models;
use crate::outcome::coverage;
use crate::plant::{Delivery, Extent, Left, Own, Posted};
use crate::run::{Run, RunError, SetUp};
use crate::spec::RunSpec;
use backends::{Coverage, Modelled};
use kernel::{Kernel, Key, Phase, Spawner, Target};
use policies::Policy;
use std::ops::Range;
use std::sync::atomic::AtomicU64;
use units::SimTime;

/// The first place in the order of events at a time.
pub(super) fn first_at(time: SimTime) -> Key {
    Key::new(time, Phase::Happen, 0, Target::component(0))
}

/// A part of the edges at work.
pub(super) struct Edges<'r, P: Policy> {
    run: &'r Run<'r, Modelled, P>,
    spawner: Spawner<'r>,
}

/// The things that came of a round.
pub(super) struct Round {
    pub(super) posted: Vec<Posted>,
    /// Time of the next event; none if none is pending.
    pub(super) next: Option<SimTime>,
}

/// The things that are left of a part at its end.
pub(super) struct Rest {
    pub(super) edges: Range<u32>,
    pub(super) left: Left,
    pub(super) kept: Kept,
    /// Iterations that were priced by measured laws.
    pub(super) coverage: Option<Coverage>,
    /// Its events without the arrivals, which the cloud's side counts.
    pub(super) events: u64,
}

/// Sets a part of the edges up, and lets it go.
pub(super) fn set_up<P: Policy, T>(
    (spec, policy): (&RunSpec, &P),
    edges: Range<u32>,
    wanted: &Wanted,
    go: impl for<'r> FnOnce(Edges<'r, P>) -> Result<T, RunError>,
) -> Result<T, RunError> {
    let (kernel, own) = (Kernel::new(), Own::new(edges));
    let mut recorder = Poster { kernel: &kernel, own: &own, wanted };
    let start = SetUp {
        spec,
        kernel: &kernel,
        extent: Extent::Edges(&own),
        recorder: &mut recorder,
        progress: &AtomicU64::new(0),
    };
    start.set_up(policy, Models::modelled(spec), |run| {
        let mut spawner = Spawner::default();
        run.start(&mut spawner);
        go(Edges { run, spawner })
    })
}

impl<P: Policy> Edges<'_, P> {
    /// Goes on up to a time, after what has come from the cloud.
    pub(super) fn round(&mut self, until: SimTime, deliveries: Vec<Delivery>) -> Round {
        let world = self.run.world;
        deliveries.into_iter().for_each(|delivery| world.take_in(delivery));
        world.kernel.run_before(first_at(until), self.run, &mut self.spawner);
        let Extent::Edges(own) = &world.extent else { unreachable!("a part of the edges") };
        Round { posted: own.take(), next: world.kernel.next() }
    }

    /// Checks and takes out what is left at its end.
    pub(super) fn end(self) -> Result<Rest, RunError> {
        let world = self.run.world;
        let Extent::Edges(Own { edges, arrivals, .. }) = &world.extent else { unreachable!("a part of the edges") };
        let state = &mut *world.state.borrow_mut();
        self.run.check_part(state, self.spawner.alive())?;
        let (kept, coverage) = (state.ledger.kept(), coverage(&state.computes));
        Ok(Rest {
            edges: edges.clone(),
            left: state.leave(edges),
            kept,
            coverage,
            events: world.kernel.events() - arrivals.get(),
        })
    }
}
