//! The small model that drafts beside a tier's own, for a policy that asks for one.

use super::{Scenario, Source, lookup};
use crate::terminal::Failure;
use engine::RunSpec;
use model::model_spec::ModelSpec;

/// Gives every tier of a side the small model that the policy of a run drafts with there. A named one is in the format of the
/// model beside it.
///
/// # Errors
/// If no model has its name.
pub fn put(source: &Source, scenario: &Scenario, spec: &mut RunSpec, path: &str) -> Result<(), Failure> {
    let Some(drafter) = spec.policy.drafter() else { return Ok(()) };
    let on_edge = drafter.on_edge;
    let named = drafter
        .model
        .map(|name| lookup::known_model(source, scenario, &format!("{path}.{}", drafter.key), name))
        .transpose()?;
    let group = spec.edges.iter().find(|group| group.has_gpu).unwrap_or(&spec.edges[0]);
    let of_edges = group.tier.model.clone();
    let beside = |own: &ModelSpec| {
        let stored = |model: &ModelSpec| model.clone().stored(own.storage);
        Some(Box::new(named.as_ref().map_or_else(|| of_edges.clone(), stored)))
    };
    if on_edge {
        spec.edges.iter_mut().for_each(|group| group.tier.drafter = beside(&group.tier.model));
    } else {
        spec.pools.iter_mut().for_each(|pool| pool.tier.drafter = beside(&pool.tier.model));
    }
    Ok(())
}
