//! The models of a replay, by its manifest. The work of their steps cannot be worked out from anything else.

use crate::terminal::Failure;
use backends::Tier;
use model::model_spec::ModelSpec;
use serde::Deserialize;
use std::path::Path;

/// The models of a replay.
#[derive(Clone, Debug, Deserialize)]
pub struct Replayed {
    /// The machine's name for the processor or GPU that played both tiers.
    pub device_name: String,
    edge: Model,
    cloud: Model,
}

/// A model of a replay.
#[derive(Clone, Debug, Deserialize)]
struct Model {
    spec: ModelSpec,
}

impl Replayed {
    /// The models of a results folder, if it is a replay's.
    ///
    /// # Errors If its manifest says that it is a replay but names no models.
    pub fn read(folder: &Path) -> Result<Option<Self>, Failure> {
        let path = folder.join("manifest.json");
        let text = traces::input::read_text(&path).map_err(|error| Failure::io("read", &path, &error))?;
        let mut manifest: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        if manifest["tool"] != reports::TOOL {
            let what = "expected the manifest of msao-sim; give a results folder";
            return Err(Failure::refused(format!("{}: {what}", path.display())));
        }
        let told = manifest.get_mut("replay").map(serde_json::Value::take).unwrap_or_default();
        if told.is_null() {
            return Ok(None);
        }
        let expected = "expected the manifest of a replay; run the scenario again with this version of sim";
        let read = serde_json::from_value(told);
        read.map(Some).map_err(|error| Failure::refused(format!("{}: {error}; {expected}", path.display())))
    }

    /// A tier with the model that played it. Its probe ran the whole tower.
    pub fn played(&self, tier: &Tier, on_edge: bool) -> Tier {
        let model = if on_edge { &self.edge.spec } else { &self.cloud.spec };
        with_model(tier, model)
    }
}

/// A tier that a real model plays.
pub fn with_model(tier: &Tier, model: &ModelSpec) -> Tier {
    let probe_blocks = model.vision.as_ref().map_or(0, |tower| tower.layers);
    Tier { model: model.clone(), probe_blocks, ..tier.clone() }
}
