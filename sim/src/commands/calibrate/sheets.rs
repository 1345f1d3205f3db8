//! Data sheets and dimensions: of `gpus.csv` and `models.csv`, which lie beside a table or are named, and then of the
//! simulator's own lists.

use super::args::Args;
use super::beside::Beside;
use crate::terminal::Failure;
use model::device::{DEVICES, Device};
use model::model_spec::{Experts, MODELS, ModelSpec};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use traces::measured::{Gpu, ModelDimensions, read_gpus, read_models};
use units::{Bytes, BytesPerSecond, FlopsPerSecond, Watts};

/// Data sheets of devices, and dimensions of models.
#[derive(Default)]
pub struct Sheets {
    gpus: Vec<Gpu>,
    models: Vec<ModelDimensions>,
    /// Models whose every dimension is known, of the files beside tables.
    specs: Vec<ModelSpec>,
    /// Provenance of the tables that have any.
    pub provenance: BTreeMap<String, String>,
    /// The files that were read.
    pub files: Vec<PathBuf>,
}

impl Sheets {
    /// Reads what is named, and what lies beside the tables.
    ///
    /// # Errors
    /// If a file is refused.
    pub fn read(args: &Args) -> Result<Self, Failure> {
        let beside = |name: &str| {
            let folders = args.table.iter().filter_map(|table| table.parent());
            let files: BTreeSet<PathBuf> =
                folders.map(|folder| folder.join(name)).filter(|file| file.is_file()).collect();
            files.into_iter().collect::<Vec<_>>()
        };
        let or_beside = |named: &Option<PathBuf>, name| named.clone().map_or_else(|| beside(name), |file| vec![file]);
        let mut sheets = Self::default();
        for file in or_beside(&args.devices, "gpus.csv") {
            sheets.gpus.extend(read_gpus(&file)?);
            sheets.files.push(file);
        }
        for file in or_beside(&args.models, "models.csv") {
            sheets.models.extend(read_models(&file)?);
            sheets.files.push(file);
        }
        for table in &args.table {
            if let Some(beside) = Beside::read(table)? {
                sheets.specs.extend(beside.models);
                sheets.provenance.extend(beside.provenance);
                sheets.files.push(Beside::path(table));
            }
        }
        Ok(sheets)
    }

    /// So many of a device, as one; named as the built-in device where it is one.
    ///
    /// # Errors
    /// If nothing is known of it.
    pub fn device(&self, gpu: &str, many: u32, at: &dyn Fn() -> String) -> Result<Device, Failure> {
        let built_in = built_in(gpu);
        let sheet = self.gpus.iter().find(|sheet| sheet.name == gpu);
        let one = match (sheet, built_in) {
            (Some(sheet), built_in) => {
                // A built-in device of that name and other figures is another device.
                let same =
                    built_in.filter(|device| (device.bandwidth.as_f64() / 1e9 / sheet.gb_per_s - 1.0).abs() < 0.02);
                let name = same.map_or_else(|| sheet.name.clone(), |device| device.name.to_string());
                of_sheet(name, sheet)
            }
            (None, Some(device)) => device.clone(),
            (None, None) => {
                return Err(Failure::refused(format!(
                    "{}: found gpu = \"{gpu}\", whose bandwidth and peak are not known; expected a line of it in gpus.csv \
                     (gpu, bw_gb_s, bf16_tflops) beside the table or named with --devices, or a built-in device",
                    at()
                )));
            }
        };
        let bandwidth = BytesPerSecond::new(one.bandwidth.as_u64() * u64::from(many));
        Ok(Device { bandwidth, peak: FlopsPerSecond::new(one.peak.as_f64() * f64::from(many)), ..one })
    }

    /// A model; `None` if it is known, and neither dense nor a mixture whose experts are stated.
    ///
    /// # Errors
    /// If nothing is known of it.
    pub fn model(&self, name: &str, at: &dyn Fn() -> String) -> Result<Option<ModelSpec>, Failure> {
        if let Some(spec) = self.specs.iter().find(|spec| spec.name == name) {
            return Ok(Some(spec.clone()));
        }
        if let Some(dimensions) = self.models.iter().find(|model| model.name == name) {
            return Ok(known(dimensions));
        }
        let short = short(name);
        MODELS.iter().find(|model| model.name == short).map(|model| Some(model.clone())).ok_or_else(|| {
            Failure::refused(format!(
                "{}: found model = \"{name}\", whose dimensions are not known; expected a line of it in models.csv beside \
                 the table or named with --models, or a built-in model",
                at()
            ))
        })
    }
}

/// A model's name without who published it, in small letters.
pub fn short(name: &str) -> String {
    name.rsplit('/').next().unwrap_or(name).to_lowercase()
}

/// A dense model, or a mixture of experts in every layer, whose experts are stated; none of other types.
fn known(model: &ModelDimensions) -> Option<ModelSpec> {
    let experts = match &*model.kind {
        "dense" => None,
        "moe" => {
            let [experts, per_token, intermediate, shared] = model.experts?;
            Some(Experts { experts, per_token, intermediate, shared })
        }
        _ => return None,
    };
    let stated = model.dimensions.into_iter().collect::<Option<Vec<u64>>>()?;
    let dimensions = <[u64; 7]>::try_from(stated).ok()?;
    Some(ModelSpec { gated_mlp: model.gated_mlp, experts, ..ModelSpec::dense(short(&model.name), dimensions) })
}

fn of_sheet(name: String, sheet: &Gpu) -> Device {
    Device {
        name: name.into(),
        // A step's duration depends on neither memory nor power.
        memory: Bytes::ZERO,
        bandwidth: BytesPerSecond::new((sheet.gb_per_s * 1e9) as u64),
        peak: FlopsPerSecond::new(sheet.tflops * 1e12),
        peak_fp8: None,
        peak_int8: None,
        eta_mem: None,
        eta_flop: None,
        price_per_hour: None,
        tdp: Watts::ZERO,
        idle: Watts::ZERO,
        source: "gpus.csv".into(),
    }
}

/// The built-in device that a name means: the one with most of the name's parts, all of whose parts the name has.
/// `A100-SXM-80GB` is `a100-80-sxm`. A driver's name of a GPU on a board of its own, without a bus, leaves `sxm` out: `NVIDIA H200` is
/// `h200-sxm`.
fn built_in(gpu: &str) -> Option<&'static Device> {
    let mut name = parts(gpu);
    if name.contains("nvidia") && !["pcie", "nvl"].iter().any(|bus| name.contains(*bus)) {
        name.insert("sxm".to_owned());
    }
    let fits = DEVICES.iter().filter(|device| parts(&device.name).is_subset(&name));
    fits.max_by_key(|device| parts(&device.name).len())
}

/// The runs of letters and of digits of a name, without units.
fn parts(name: &str) -> BTreeSet<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut last = ' ';
    for c in name.to_lowercase().chars() {
        match parts.last_mut() {
            Some(part) if c.is_ascii_alphanumeric() && c.is_ascii_digit() == last.is_ascii_digit() && last != '-' => {
                part.push(c);
            }
            _ if c.is_ascii_alphanumeric() => parts.push(c.to_string()),
            _ => {}
        }
        last = if c.is_ascii_alphanumeric() { c } else { '-' };
    }
    parts.into_iter().filter(|part| part != "gb").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_devices_are_those_of_the_list() {
        let name = |gpu| built_in(gpu).map(|device| &*device.name);
        assert_eq!(name("RTX4090"), Some("rtx-4090"));
        assert_eq!(name("A100-SXM-80GB"), Some("a100-80-sxm"));
        assert_eq!(name("H100-SXM-80GB"), Some("h100-sxm"));
        assert_eq!(name("RTX-PRO-6000"), Some("rtx-pro-6000"));
        assert_eq!(name("A800-SXM-80GB"), None);
        assert_eq!(name("B200-SXM"), None);
        assert_eq!(name("NVIDIA H200"), Some("h200-sxm"));
        assert_eq!(name("NVIDIA H100 80GB HBM3"), Some("h100-sxm"));
        assert_eq!(name("NVIDIA A100-SXM4-80GB"), Some("a100-80-sxm"));
        assert_eq!(name("NVIDIA A100 80GB PCIe"), Some("a100-80-pcie"));
        assert_eq!(name("NVIDIA GeForce RTX 4090"), Some("rtx-4090"));
        assert_eq!(name("NVIDIA H100 PCIe"), None);
    }
}
