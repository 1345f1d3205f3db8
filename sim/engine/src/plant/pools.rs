//! KV pools of the tiers, and the memory of their GPUs.

use crate::spec::RunSpec;
use backends::{Part, Tier};
use model::{
    kv::{DoesNotFit, KvPool},
    memory::{BatchLimits, Footprint},
};
use units::Bytes;

/// The KV pools of an edge and of a cloud GPU.
///
/// # Errors
/// If a model does not fit its device.
pub fn pools(spec: &RunSpec) -> Result<[KvPool; 2], DoesNotFit> {
    Ok([edge_pool(spec)?, cloud_pool(spec)?])
}

/// KV pool of an edge; refused if the model does not fit.
pub fn edge_pool(spec: &RunSpec) -> Result<KvPool, DoesNotFit> {
    pool(&spec.edge.tier, spec.edge.limits, spec.edge.kv_blocks)
}

/// KV pool of one of the cloud's GPUs; refused if the model does not fit.
pub fn cloud_pool(spec: &RunSpec) -> Result<KvPool, DoesNotFit> {
    pool(&spec.cloud.tier, spec.cloud.limits, spec.cloud.kv_blocks)
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
    let copies = tensor.div_ceil(model.kv_heads.min(tensor));
    let token = model.kv_bytes_per_token_of(layers) * copies;
    let pool = KvPool::with_resident(&tier.device.times(tensor), &what, resident, token, stated)?;
    Ok(pool.for_sequences(limits.sequences))
}

/// Memory used on a GPU of a tier: weights, activations and so much KV cache. Of a split model, only the tier's part counts.
pub(crate) fn footprint(tier: &Tier, limits: BatchLimits, kv: Bytes) -> Footprint {
    let whole = Footprint::paged(&tier.model, limits, kv);
    let weights = match tier.part {
        None => whole.weights,
        Some(Part { upper: false, layers, .. }) => tier.model.prefix_weight_bytes(layers),
        Some(Part { layers, .. }) => tier.model.suffix_weight_bytes(tier.model.layers - layers),
    };
    let spread = if tier.parallel.spreads_experts { u64::from(tier.parallel.data) } else { 1 };
    let elsewhere = tier.model.routed_weight_bytes().as_u64() / spread * (spread - 1);
    let weights = weights.saturating_sub(Bytes::new(elsewhere));
    // Each GPU has activations and a runtime of its own.
    let each = u64::from(tier.parallel.tensor);
    Footprint { weights, activations: whole.activations * each, runtime: whole.runtime * each, ..whole }
}
