//! A run, or a part of one, is set up: all that stays as it is during a run is worked out from its spec.

use super::{Run, RunError, Tiers};
use crate::arrivals::Source;
use crate::calibration::{Undrawn, calibration};
use crate::learning::Memories;
use crate::ledger::{Grading, Ledger, Recorder, WarmUp};
use crate::models::{Models, streams};
use crate::outcome::{Outcome, outcome};
use crate::plant::{self, Extent, Fleet, Price, State, World};
use crate::spec::RunSpec;
use crate::workload::{Begun, Class};
use backends::Compute;
use kernel::{Journal, Kernel};
use model::{
    accuracy::{AccuracyModel, KnownAccuracy},
    tokens::Calibration,
};
use policies::{Briefing, CloudOnly, EdgeOnly, Policy, Visitor};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::AtomicU64;

/// A run that is about to begin.
pub(crate) struct Start<'s, C> {
    pub(crate) spec: &'s RunSpec,
    pub(crate) models: Models<C>,
    pub(crate) journal: Journal,
    pub(crate) recorder: &'s mut dyn Recorder,
    pub(crate) progress: &'s AtomicU64,
}

impl<C: Compute> Visitor for Start<'_, C> {
    type Output = Result<Outcome, RunError>;

    fn visit<P: Policy>(self, policy: &P) -> Self::Output {
        let Self { spec, models, journal, recorder, progress } = self;
        let kernel = Kernel::with_journal(journal);
        let start = SetUp { spec, kernel: &kernel, extent: Extent::Whole, recorder, progress };
        start.set_up(policy, models, |run| {
            let waiting = run.world.kernel.run(run, |spawner| run.start(spawner));
            run.fault()?;
            run.check(&run.world.state.borrow(), waiting)?;
            something_left(&run.world.state.borrow().ledger)?;
            Ok(outcome(run.world))
        })
    }
}

/// The things that a run, or a part of one, is set up with.
pub(crate) struct SetUp<'s> {
    pub(crate) spec: &'s RunSpec,
    pub(crate) kernel: &'s Kernel,
    /// The things of the run that are simulated here.
    pub(crate) extent: Extent<'s>,
    pub(crate) recorder: &'s mut dyn Recorder,
    pub(crate) progress: &'s AtomicU64,
}

impl SetUp<'_> {
    /// Sets a run up, and lets it go.
    pub(crate) fn set_up<C: Compute, P: Policy, T>(
        self,
        policy: &P,
        models: Models<C>,
        go: impl for<'r> FnOnce(&'r Run<'r, C, P>) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        let Self { spec, kernel, extent, recorder, progress } = self;
        let measured = models.calibration.clone();
        let streams = streams(spec);
        let known =
            measured.clone().unwrap_or_else(|| calibration(&spec.tokens, policy.calibration_samples(), spec.seed));
        let kv = plant::kv_of_tiers(spec)?;
        let accuracy = by_class(spec, spec.accuracy.clone(), |class| class.accuracy.clone());
        let of_pool = |known: KnownAccuracy| AccuracyModel::new(known, spec.pruning);
        let of_group = |pools: Vec<KnownAccuracy>| pools.into_iter().map(of_pool).collect();
        let accuracy = accuracy.into_iter().map(|groups| groups.into_iter().map(of_group).collect()).collect();
        let grading = Grading { accuracy, streams, deadline: spec.deadline };
        let counted = (WarmUp::new(spec.workload.warm_up), spec.workload.len());
        let ledger = Ledger::new(grading, counted, by_class(spec, spec.slo, |class| class.slo), recorder);
        let fleet = Fleet::new(spec);
        let world = World {
            kernel,
            spec,
            streams,
            prices: prices(spec),
            closed_form_tokens: Undrawn::new(&spec.tokens, measured.clone()),
            extent,
            state: RefCell::new(State::new((spec, &fleet), streams, kv, models, ledger)),
            fleet,
        };
        let run = Run {
            world: &world,
            policy,
            sender: CloudOnly::default(),
            memories: Memories::new(
                policy,
                spec.edge_count(),
                spec.learners,
                spec.routing.report_every.unwrap_or_default(),
            ),
            briefings: briefings(spec, &known),
            begun: RefCell::new(Begun::new(&spec.workload)),
            sources: Source::all(spec, streams),
            tiers: Tiers::of(&spec.policy),
            alone: EdgeOnly::default(),
            given_up: RefCell::default(),
            names: RefCell::default(),
            progress,
        };
        go(&run)
    }
}

/// Refuses a warm-up that has all requests in it.
pub(crate) fn something_left<R>(ledger: &Ledger<'_, R>) -> Result<(), RunError> {
    let warm_up = &ledger.warm_up;
    if ledger.metrics.submitted > 0 || warm_up.requests() == 0 {
        return Ok(());
    }
    Err(RunError::AllWarmUp { requests: warm_up.requests(), last: warm_up.last_sent().since_start() })
}

/// A fact of each class; that of all requests where there are no classes.
fn by_class<T>(spec: &RunSpec, all: T, of: impl Fn(&Class) -> T) -> Vec<T> {
    if spec.workload.classes.is_empty() { vec![all] } else { spec.workload.classes.iter().map(of).collect() }
}

/// The briefing about each class of requests, or about those of each group where groups have their own.
fn briefings(spec: &RunSpec, calibration: &Rc<Calibration>) -> Vec<Briefing> {
    let of = |benchmark| Briefing {
        seed: spec.seed,
        replication: spec.replication,
        calibration: calibration.clone(),
        pruning: spec.pruning,
        benchmark,
    };
    let own = &spec.workload.own;
    if own.is_empty() {
        return by_class(spec, spec.benchmark, |class| class.benchmark).into_iter().map(of).collect();
    }
    own.iter().map(|own| of(own.as_ref().map_or(spec.benchmark, |own| own.benchmark))).collect()
}

/// The prices of all tiers: those of the groups of edges, then those of the pools.
fn prices(spec: &RunSpec) -> Vec<Price> {
    spec.tiers().enumerate().map(|(number, tier)| Price::of(spec, number, tier)).collect()
}
