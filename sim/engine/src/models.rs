//! The models of a run: a backend for each tier, and the calibration that was measured beforehand.

use crate::spec::RunSpec;
use backends::{Modelled, Tier};
use kernel::Streams;
use model::tokens::Calibration;
use std::rc::Rc;

/// The models of a run.
pub struct Models<C> {
    /// The model of each tier: of the groups of edges, then of the cloud's pools.
    pub tiers: Vec<C>,
    /// The small model that drafts beside that of each tier, where the tier has one.
    pub drafters: Vec<Option<C>>,
    /// Entropies of the edge's tokens and the cloud's agreement with them, where they were measured. Otherwise they are
    /// drawn from the run's token process.
    pub calibration: Option<Rc<Calibration>>,
}

impl Models<Modelled> {
    /// The models of a simulation.
    pub fn modelled(spec: &RunSpec) -> Self {
        let streams = streams(spec);
        let model = |tier: &Tier| Modelled::new(tier, spec.tokens.clone(), streams);
        let drafters = spec.tiers().map(|tier| tier.drafter().map(|drafter| model(&drafter))).collect();
        Self { tiers: spec.tiers().map(model).collect(), drafters, calibration: None }
    }
}

/// The random streams of a run.
pub(crate) fn streams(spec: &RunSpec) -> Streams {
    Streams::new(spec.seed).replication(spec.replication)
}
