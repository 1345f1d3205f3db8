//! MindFusion (Zeng and Huang): the first k layers of the cloud's model run on the device, image activations go up
//! compressed (R), and the cloud decodes by itself through a shortcut past the device's layers (D), so that no token makes
//! a round trip. The device needs no model of its own, and no raw data leaves it.

use crate::settings::idle_if;
use crate::{
    About, Alone, Asked, Briefing, ClosedForms, Cloud, Edge, Hidden, Idle, Policy, ServedBy, Split, Testbed, Uses,
};
use model::{
    published::MindFusionVariant,
    request::{Input, Prompt},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::Ratio;

/// Settings of MindFusion; the defaults are its full system, R + D.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MindFusion {
    /// k: layers of the cloud's model on the device. The paper gives none.
    pub layers_on_device: u32,
    /// R: image activations are compressed, to `compressed_share` of their bytes.
    pub representation_compression: bool,
    /// Share of the bytes of image activations that is sent with R: 1/8.
    pub compressed_share: Ratio,
    /// D: the cloud decodes without the device.
    pub decoding_shortcut: bool,
}

impl Default for MindFusion {
    fn default() -> Self {
        Self {
            layers_on_device: 8,
            representation_compression: true,
            compressed_share: Ratio::new(0.125),
            decoding_shortcut: true,
        }
    }
}

impl MindFusion {
    /// Share of the bytes of image activations that is sent.
    fn visual(&self) -> Ratio {
        if self.representation_compression { self.compressed_share } else { Ratio::ONE }
    }

    /// The parts at work on a prompt: without pictures there is nothing to compress.
    fn variant(&self, prompt: &Prompt) -> MindFusionVariant {
        let compression = self.representation_compression && prompt.images.is_some();
        MindFusionVariant { compression, shortcut: self.decoding_shortcut }
    }
}

impl About for MindFusion {
    fn uses(&self) -> Uses {
        Uses { edge_model: true, cloud: true, ..Uses::default() }
    }

    fn idle(&self, asked: Asked) -> Vec<Idle> {
        let compression = ["representation_compression", "compressed_share"];
        [
            idle_if(!asked.pictures, &compression, "no request has pictures"),
            idle_if(!self.representation_compression, &compression[1..], "representation_compression is off"),
        ]
        .concat()
    }

    fn split(&self) -> Option<Split> {
        let (layers_on_edge, shortcut) = (self.layers_on_device, self.decoding_shortcut);
        Some(Split { layers_on_edge, shortcut, key: "layers_on_device" })
    }

    fn examples() -> Vec<(&'static str, Self)> {
        let whole = Self { representation_compression: false, ..Self::default() };
        let no_shortcut = Self { decoding_shortcut: false, ..Self::default() };
        vec![("", Self::default()), ("no_compression", whole), ("no_shortcut", no_shortcut)]
    }

    fn closed_forms(&self, alone: &Alone<'_>) -> ClosedForms {
        alone.split(self.visual(), self.decoding_shortcut)
    }
}

impl Policy for MindFusion {
    type Memory = ();

    async fn serve<B: Testbed>(&self, bed: &B, briefing: &Briefing, (): &()) -> ServedBy {
        let input = Input::whole(bed.prompt());
        let prompt = Hidden { prompt: Some(&input), visual: self.visual() };
        bed.edge().preprocess().await;
        bed.edge().prefill(&input).await;
        if self.decoding_shortcut {
            bed.cloud().answer_from(&prompt).await;
        } else {
            let mut hidden = prompt;
            while !bed.cloud().pass(&hidden).await {
                bed.edge().pass().await;
                hidden.prompt = None;
            }
        }
        ServedBy::Published(self.variant(&bed.prompt()).remaining(briefing.benchmark))
    }
}
