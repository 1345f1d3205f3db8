//! Policies that a scenario refuses for what they send.

use super::require::Require;
use super::{Scenario, Source};
use crate::terminal::Failure;
use policies::System;

/// Refuses policies that send raw input where none may be sent.
pub fn check(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    if scenario.require != Some(Require::NoRawUpload) {
        return Ok(());
    }
    if let Some(group) = scenario.groups().iter().find(|group| group.edge.policy.is_some()) {
        let reason =
            "its edges send pictures and text whole, and require = \"no_raw_upload\" forbids that; leave either out";
        return Err(source.refuse_key(&format!("{}.policy", group.key), reason));
    }
    let all = scenario.policy.systems().into_iter().zip(scenario.policy.paths());
    let senders: Vec<(String, String)> =
        all.filter(|((_, system), _)| sends_raw(system)).map(|((label, _), path)| (label, path)).collect();
    let Some((_, path)) = senders.first() else { return Ok(()) };
    let names: Vec<&str> = senders.iter().map(|(label, _)| label.as_str()).collect();
    let (verb, them) = if names.len() == 1 { ("sends", "it") } else { ("send", "them") };
    let reason = format!(
        "{} {verb} pictures, sound or text as such, and require = \"no_raw_upload\" forbids that; leave {them} out, or choose policies that \
         answer on the edge or send hidden states of a split model",
        names.join(", ")
    );
    Err(source.refuse_key(path, &reason))
}

/// True of a policy whose input goes to the cloud as it is, or pruned: all that use the cloud but do not split its model.
fn sends_raw(system: &System) -> bool {
    system.uses().cloud && system.split().is_none()
}
