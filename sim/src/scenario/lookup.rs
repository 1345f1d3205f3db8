//! Devices and models by name: a table of the scenario's own, or a built-in one.

use super::own::unknown;
use super::{Scenario, Source};
use crate::terminal::Failure;
use model::device::{DEVICES, Device};
use model::model_spec::{MODELS, ModelSpec};

/// Refuses models of one's own that cannot be.
pub fn check(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    for (name, model) in &scenario.model {
        model.check().map_err(|(key, reason)| source.refuse_key(&format!("model.\"{name}\".{key}"), &reason))?;
    }
    Ok(())
}

/// The device of that name, by the key that names it.
pub fn device(source: &Source, scenario: &Scenario, key: &str, name: &str) -> Result<Device, Failure> {
    let custom = scenario.device.get(name).map(|custom| custom.named(name));
    custom.or_else(|| Device::named(name).cloned()).ok_or_else(|| {
        let known: Vec<&str> = DEVICES.iter().map(|device| &*device.name).collect();
        let own = "or give its figures in a table [device.NAME]";
        source.refuse_key(key, &unknown("device", name, &known, own))
    })
}

/// The model of that name, if there is one.
pub fn find_model(scenario: &Scenario, name: &str) -> Option<ModelSpec> {
    let custom = scenario.model.get(name).map(|custom| custom.named(name));
    custom.or_else(|| ModelSpec::named(name).cloned())
}

/// The model of that name, by the key that names it.
pub fn model(source: &Source, scenario: &Scenario, key: &str, name: &str) -> Result<ModelSpec, Failure> {
    let model = find_model(scenario, name).ok_or_else(|| {
        let known: Vec<&str> = MODELS.iter().map(|model| &*model.name).collect();
        source.refuse_key(key, &unknown("model", name, &known, "or give its dimensions in a table [model.NAME]"))
    })?;
    if model.vision.is_none() && scenario.workload.dataset.asked().pictures {
        let reason =
            format!("{name} has no vision tower, and the requests have pictures; name one in model.{name}.vision_of");
        return Err(source.refuse_key(key, &reason));
    }
    Ok(model)
}
