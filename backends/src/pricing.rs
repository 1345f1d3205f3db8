//! What work costs on an idle device, for planning.

use model::{
    device::Device,
    engine_kind::EngineProfile,
    model_spec::ModelSpec,
    request::Input,
    roofline::{Load, Roofline},
    vision::{Patches, Resize, VisionTower},
};
use units::{Flops, SimDuration};

/// Prices of one tier.
#[derive(Clone, Debug)]
pub struct Pricing {
    roofline: Roofline,
    tower: Option<VisionTower>,
}

impl Pricing {
    /// The prices of a model on a device.
    pub fn new(device: &Device, model: &ModelSpec, engine: &EngineProfile) -> Self {
        Self { roofline: Roofline::new(device, model, engine), tower: model.vision.clone() }
    }

    /// Reading the whole prompt at once: vision tower and language model.
    pub fn prefill(&self, input: &Input) -> SimDuration {
        let mut load = Load::prefill_chunk(self.prompt_tokens(input), 0).with_head();
        load.add(&Load::vision(vision_flop(self.tower.as_ref(), input)));
        self.roofline.iteration(&load).duration
    }

    /// One token behind a context of so many.
    pub fn token(&self, context: u64) -> SimDuration {
        self.roofline.iteration(&Load::decode(context)).duration
    }

    /// Tokens of the input as this model counts them.
    pub fn prompt_tokens(&self, input: &Input) -> u64 {
        prompt_tokens(self.tower.as_ref(), input)
    }
}

/// Text tokens, visual tokens, and for Qwen's towers the two markers around each picture.
pub(crate) fn prompt_tokens(tower: Option<&VisionTower>, input: &Input) -> u64 {
    let text = u64::from(input.prompt.text_tokens);
    let (Some(tower), Some(images)) = (tower, input.prompt.images) else { return text };
    let markers = if matches!(tower.resize, Resize::Qwen { .. }) { 2 } else { 0 };
    text + u64::from(images.count) * (input.patches(tower).tokens + markers)
}

/// FLOP of encoding what is left of the pictures.
pub(crate) fn vision_flop(tower: Option<&VisionTower>, input: &Input) -> Flops {
    each_picture(tower, input, |tower, patches| tower.flop(patches.patches))
}

/// FLOP of some work on each picture.
pub(crate) fn each_picture(
    tower: Option<&VisionTower>,
    input: &Input,
    work: impl Fn(&VisionTower, Patches) -> Flops,
) -> Flops {
    let (Some(tower), Some(images)) = (tower, input.prompt.images) else { return Flops::ZERO };
    work(tower, input.patches(tower)) * f64::from(images.count)
}
