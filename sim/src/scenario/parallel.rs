//! `tensor_parallel`, `data_parallel`, `expert_parallel` and `interconnect` of `[cloud]` and of each pool.

use super::Source;
use super::fleet::Pool;
use super::tier::{Cloud, Joined};
use crate::terminal::Failure;
use model::device::Device;
use model::model_spec::ModelSpec;
use model::parallel::{INTERCONNECTS, Interconnect, Parallel};

/// The way in which the cloud's GPUs share its model.
///
/// # Errors
/// If the GPUs do not make whole replicas, if they do not divide the heads, if experts are to be spread that are not there, or
/// if an interconnect is not known.
pub fn resolve(
    source: &Source,
    Pool { key, cloud, .. }: &Pool<'_>,
    device: &Device,
    model: &ModelSpec,
) -> Result<Parallel, Failure> {
    let Cloud { tensor_parallel: tensor, data_parallel: data, expert_parallel: spreads_experts, .. } = **cloud;
    if tensor == 0 || !model.heads.is_multiple_of(tensor.into()) || !model.intermediate.is_multiple_of(tensor.into()) {
        let expected = format!(
            "found {tensor}; expected a divisor of the {} heads and the MLP's width of {} of {}",
            model.heads, model.intermediate, model.name
        );
        return Err(source.refuse_key(&format!("{key}.tensor_parallel"), &expected));
    }
    if data == 0 {
        return Err(source.refuse_key(&format!("{key}.data_parallel"), "expected more than 0"));
    }
    if spreads_experts && model.experts.is_none() {
        let reason = format!("{} has no experts to spread; leave it out", model.name);
        return Err(source.refuse_key(&format!("{key}.expert_parallel"), &reason));
    }
    let parallel = Parallel { tensor, data, spreads_experts, interconnect: None };
    if !cloud.gpus.is_multiple_of(parallel.gpus()) {
        let reason = format!(
            "found {}; expected a multiple of tensor_parallel x data_parallel = {}, since a replica has so many GPUs",
            cloud.gpus,
            parallel.gpus()
        );
        return Err(source.refuse_key(&format!("{key}.gpus"), &reason));
    }
    let interconnect = interconnect(source, key, cloud, device)?;
    Ok(Parallel { interconnect: (parallel.gpus() > 1).then_some(interconnect), ..parallel })
}

/// The interconnect that is written, else the one that boards of this kind have.
fn interconnect(source: &Source, key: &str, cloud: &Cloud, device: &Device) -> Result<Interconnect, Failure> {
    let name = match &cloud.interconnect {
        Some(Joined::Own(own)) if own.bandwidth.as_u64() < 1_000_000 => {
            return Err(source.refuse_key(&format!("{key}.interconnect.bandwidth"), "expected at least 1 MB/s"));
        }
        Some(Joined::Own(own)) => return Ok(*own),
        Some(Joined::Named(name)) => name,
        None => usual(device),
    };
    Interconnect::named(name).ok_or_else(|| {
        let known: Vec<_> = INTERCONNECTS.iter().map(|(name, _)| *name).collect();
        let reason = format!(
            "no interconnect is called \"{name}\"; expected one of {}, or figures: {{ bandwidth = \"350 GB/s\", latency = \"10 us\" }}",
            known.join(", ")
        );
        source.refuse_key(&format!("{key}.interconnect"), &reason)
    })
}

/// The interconnect that servers with this device have, an assumption: NVLink between SXM boards, PCIe between others.
fn usual(device: &Device) -> &'static str {
    match &*device.name {
        "a100-40-sxm" | "a100-80-sxm" => "nvlink-3",
        "h100-sxm" | "h200-sxm" => "nvlink-4",
        "rtx-pro-6000" => "pcie-5",
        _ => "pcie-4",
    }
}
