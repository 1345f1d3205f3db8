//! Devices, models and datasets by name: a table of the scenario's own, or a built-in one.

use super::dataset::{self, Reading, Requests};
use super::own::unknown;
use super::{Scenario, Source};
use crate::terminal::Failure;
use model::device::{DEVICES, Device};
use model::model_spec::{MODELS, ModelSpec};
use traces::requests::{FormatEntry, RequestTrace};

/// Refuses custom models and datasets that cannot be.
pub fn check(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    for (name, model) in &scenario.model {
        let refusal = |(key, reason): (&str, String)| source.refuse_key(&format!("model.\"{name}\".{key}"), &reason);
        model.spec(name, source.folder()).map_err(refusal)?;
    }
    for (name, shape) in &scenario.dataset {
        shape.check().map_err(|(key, reason)| source.refuse_key(&format!("dataset.\"{name}\".{key}"), &reason))?;
    }
    Ok(())
}

/// The requests of the scenario's dataset, which this key names.
pub fn requests<'s>(source: &Source, scenario: &'s Scenario, key: &str) -> Result<Requests<'s>, Failure> {
    scenario.requests().ok_or_else(|| {
        let name = scenario.workload.dataset.label();
        let format = RequestTrace::FORMATS.iter().find(|format| format.name == name);
        let reason = if let Some(FormatEntry { example, .. }) = format {
            format!("{name} is a format of traces, which needs its file, as in `dataset.{name} = {example}`")
        } else {
            let mut known: Vec<&str> = dataset::names().collect();
            known.extend(scenario.dataset.keys().map(String::as_str));
            unknown("dataset", &name, &known, "or give its shape in a table [dataset.NAME]")
        };
        source.refuse_key(key, &reason)
    })
}

/// The way in which a scenario's dataset becomes its requests.
pub fn reading(scenario: &Scenario) -> Reading {
    let written = &scenario.workload;
    Reading { output_tokens: written.output_tokens, wanted: written.wanted(), seed: scenario.seed }
}

/// The device of that name, by the key that names it.
pub fn device(source: &Source, scenario: &Scenario, key: &str, name: &str) -> Result<Device, Failure> {
    let custom = scenario.device.get(name).map(|custom| custom.called(name));
    custom.or_else(|| Device::named(name).cloned()).ok_or_else(|| {
        let known: Vec<&str> = DEVICES.iter().map(|device| &*device.name).collect();
        let own = "or give its figures in a table [device.NAME]";
        source.refuse_key(key, &unknown("device", name, &known, own))
    })
}

/// The model of that name, if there is one that is not refused.
pub fn find_model(source: &Source, scenario: &Scenario, name: &str) -> Option<ModelSpec> {
    match scenario.model.get(name) {
        Some(custom) => custom.spec(name, source.folder()).ok(),
        None => ModelSpec::named(name).cloned(),
    }
}

/// The model of that name, by the key that names it. It may be blind.
pub fn known_model(source: &Source, scenario: &Scenario, key: &str, name: &str) -> Result<ModelSpec, Failure> {
    find_model(source, scenario, name).ok_or_else(|| {
        let known: Vec<&str> = MODELS.iter().map(|model| &*model.name).collect();
        source.refuse_key(
            key,
            &unknown("model", name, &known, "or give its dimensions or its config.json in a table [model.NAME]"),
        )
    })
}

/// The model of that name, by the key that names it.
pub fn model(source: &Source, scenario: &Scenario, key: &str, name: &str) -> Result<ModelSpec, Failure> {
    let model = known_model(source, scenario, key, name)?;
    if model.vision.is_none() && scenario.requests().is_some_and(|requests| requests.has_pictures()) {
        return Err(blind(source, key, name));
    }
    Ok(model)
}

/// The refusal of a model that cannot see the pictures of requests.
pub fn blind(source: &Source, key: &str, name: &str) -> Failure {
    let reason = format!(
        "{name} has no vision tower, and the requests have pictures; name another model, or give it one in model.{name}: \
             `vision_of`, the built-in model whose tower it has, or a table `vision`"
    );
    source.refuse_key(key, &reason)
}
