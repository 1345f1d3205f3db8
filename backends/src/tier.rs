//! One side of a run: a model, or a part of one, on a device.

use crate::Profile;
use model::{
    device::Device,
    engine_kind::{EngineKind, EngineProfile},
    model_spec::ModelSpec,
    parallel::Parallel,
    vision::VisionTower,
};
use std::sync::Arc;
use units::Ratio;

/// A model on a device, with the assumptions of a simulation about it.
#[derive(Clone, Debug)]
pub struct Tier {
    /// The device.
    pub device: Device,
    /// The model that it serves, or serves a part of.
    pub model: ModelSpec,
    /// The engine that serves it.
    pub engine: EngineProfile,
    /// The way in which several of the device serve the model together.
    pub parallel: Parallel,
    /// The part of the model's layers that runs here, where it is split.
    pub part: Option<Part>,
    /// Layers of the vision tower that the probe runs.
    pub probe_blocks: u64,
    /// The cloud model's vision tower, on an edge that may have to run it.
    pub encoder: Option<VisionTower>,
    /// True if pictures may arrive here as the output of a vision tower.
    pub receives: bool,
    /// Measured laws that price its iterations, instead of the roofline.
    pub profile: Option<Arc<Profile>>,
    /// The small model that drafts beside it, on the same device.
    pub drafter: Option<Box<ModelSpec>>,
}

impl Tier {
    /// A whole model on a device, both by the names that `model` knows, priced by the roofline; its probe runs two layers.
    /// None if a name is unknown.
    pub fn named(device: &str, model: &str, engine: EngineKind) -> Option<Self> {
        let (device, model) = (Device::named(device)?.clone(), ModelSpec::named(model)?.clone());
        Some(Self {
            engine: engine.profile(&model, &device),
            device,
            model,
            parallel: Parallel::NONE,
            part: None,
            probe_blocks: 2,
            encoder: None,
            receives: false,
            profile: None,
            drafter: None,
        })
    }

    /// The small model that drafts beside this one, as a tier on the same devices: under the same engine, by the roofline. Its
    /// passes are launched from within the steps of this one, so they have no host time but that of their kernels.
    pub fn drafter(&self) -> Option<Self> {
        let model = (**self.drafter.as_ref()?).clone();
        let engine = self.engine.within_a_step(Ratio::new((model.layers as f64 / self.model.layers as f64).min(1.0)));
        Some(Self { model, engine, profile: None, drafter: None, encoder: None, part: None, ..self.clone() })
    }

    /// Splits the cloud's model between this edge, which gets its first `layers`, and the cloud. `engine` runs them on the
    /// edge, by the roofline. With a shortcut the cloud decodes by itself.
    pub fn split(&mut self, cloud: &mut Self, layers: u64, shortcut: bool, engine: EngineProfile) {
        cloud.part = Some(Part::upper(&cloud.model, layers, shortcut));
        (self.part, self.model) = (Some(Part::lower(&cloud.model, layers)), cloud.model.clone());
        (self.engine, self.profile) = (engine, None);
    }
}

/// A part of a model's layers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Number of its layers, counted from below if it is the lower part.
    pub layers: u64,
    /// Their share of all layers.
    pub share: Ratio,
    /// True of the upper part, which is given hidden states and makes tokens.
    pub upper: bool,
    /// The same share while decoding: more with a projection network in place of the lower part (MindFusion).
    pub decode_share: Ratio,
}

impl Part {
    /// The first `layers` of a model.
    pub fn lower(model: &ModelSpec, layers: u64) -> Self {
        let share = Ratio::new(layers as f64 / model.layers as f64);
        Self { layers, share, upper: false, decode_share: share }
    }

    /// The layers from `layers` on. With a shortcut each token also passes a projection network: four fully connected
    /// layers, d to d to 4d to 2d to d (MindFusion section IV-B; "symmetrically" read so), 15 d^2 weights.
    pub fn upper(model: &ModelSpec, layers: u64, shortcut: bool) -> Self {
        let rest = model.layers - layers;
        let share = rest as f64 / model.layers as f64;
        let projection = (15 * model.hidden * model.hidden) as f64 / model.lm_layer_params() as f64;
        let decode_share = if shortcut { (share + projection).min(1.0) } else { share };
        Self { layers: rest, share: Ratio::new(share), upper: true, decode_share: Ratio::new(decode_share) }
    }
}
