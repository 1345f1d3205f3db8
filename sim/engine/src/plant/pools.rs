//! KV pools of the tiers, and the memory of their GPUs.

use crate::spec::{CloudSpec, EdgeSpec, RunSpec};
use backends::{Part, Tier};
use model::{
    kv::{DoesNotFit, KvPool},
    memory::{BatchLimits, Footprint},
    model_spec::ModelSpec,
};
use units::Bytes;

/// The KV pools of a GPU of each tier: of the groups of edges, then of the cloud's pools.
///
/// # Errors
/// If a model does not fit its device.
pub fn kv_of_tiers(spec: &RunSpec) -> Result<Vec<KvPool>, DoesNotFit> {
    spec.edges.iter().map(kv_of_group).chain(spec.pools.iter().map(kv_of_pool)).collect()
}

/// The KV pool of an edge of a group.
///
/// # Errors
/// If the model does not fit the device.
pub fn kv_of_group(group: &EdgeSpec) -> Result<KvPool, DoesNotFit> {
    if !group.has_gpu {
        return Ok(KvPool::of_blocks(0, Bytes::ZERO));
    }
    pool(&group.tier, group.limits, group.kv_blocks)
}

/// The KV pool of a GPU of one of the cloud's pools.
///
/// # Errors
/// If the model does not fit the device.
pub fn kv_of_pool(of: &CloudSpec) -> Result<KvPool, DoesNotFit> {
    pool(&of.tier, of.limits, of.kv_blocks)
}

fn pool(tier: &Tier, limits: BatchLimits, stated: Option<u64>) -> Result<KvPool, DoesNotFit> {
    let model = &tier.model;
    let (what, layers) = match &tier.part {
        Some(part) => (format!("{} layers of {}", part.layers, model.name).into(), part.layers),
        None => (model.name.clone(), model.layers),
    };
    let resident = footprint(tier, limits, Bytes::ZERO).total();
    let tensor = u64::from(tier.parallel.tensor);
    // KV heads are split; where there are fewer heads than GPUs, some GPUs have a copy.
    let copies = |model: &ModelSpec| tensor.div_ceil(model.kv_heads.min(tensor));
    // A block holds its tokens' keys and values of both models, where a small one drafts beside the other.
    let drafter = tier.drafter.as_ref().map(|drafter| drafter.kv_bytes_per_token() * copies(drafter));
    let token = model.kv_bytes_per_token_of(layers) * copies(model) + drafter.unwrap_or_default();
    let pool = KvPool::with_resident(&tier.device.times(tensor), &what, resident, token, stated)?;
    Ok(pool.for_sequences(limits.sequences))
}

/// Memory used on a GPU of a tier: weights, activations and so much KV cache. Of a split model, only the tier's part counts; a
/// model that drafts beside it has weights too.
pub(crate) fn footprint(tier: &Tier, limits: BatchLimits, kv: Bytes) -> Footprint {
    let whole = Footprint::paged(&tier.model, limits, kv);
    let weights = match tier.part {
        None => whole.weights,
        Some(Part { upper: false, layers, .. }) => tier.model.prefix_weight_bytes(layers),
        Some(Part { layers, .. }) => tier.model.suffix_weight_bytes(tier.model.layers - layers),
    };
    let spread = if tier.parallel.spreads_experts { u64::from(tier.parallel.data) } else { 1 };
    let elsewhere = tier.model.routed_weight_bytes().as_u64() / spread * (spread - 1);
    let drafter = tier.drafter.as_ref().map(|drafter| drafter.weight_bytes());
    let weights = weights.saturating_sub(Bytes::new(elsewhere)) + drafter.unwrap_or_default();
    // Each GPU has activations and a runtime of its own.
    let each = u64::from(tier.parallel.tensor);
    Footprint { weights, activations: whole.activations * each, runtime: whole.runtime * each, ..whole }
}
