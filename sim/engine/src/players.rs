//! Who plays the models of a run: backends for both tiers, and what was measured of them beforehand.

use crate::spec::RunSpec;
use backends::Modelled;
use kernel::Streams;
use model::tokens::Calibration;
use std::rc::Rc;

/// Who plays the models of a run.
pub struct Players<C> {
    /// The edge's model.
    pub edge: C,
    /// The cloud's.
    pub cloud: C,
    /// How sure the edge's model is of its tokens and how often the cloud's agrees, where that was measured; else the run's
    /// token process tells.
    pub calibration: Option<Rc<Calibration>>,
}

impl Players<Modelled> {
    /// The models of a simulation.
    pub fn modelled(spec: &RunSpec) -> Self {
        let streams = streams(spec);
        let model = |tier| Modelled::new(tier, spec.tokens.clone(), streams);
        Self { edge: model(&spec.edge.tier), cloud: model(&spec.cloud.tier), calibration: None }
    }
}

/// The random streams of a run.
pub(crate) fn streams(spec: &RunSpec) -> Streams {
    Streams::new(spec.seed).replication(spec.replication)
}
