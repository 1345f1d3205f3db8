//! Devices: memory bandwidth, FLOP rate, memory and power of a GPU or a phone.
//!
//! The figures are those of `docs/hardware.md` (section "Devices") and `measured/gpus.csv`. A figure that no
//! source confirms is followed by a `?` in the `source` text: do not build a conclusion on it.
//! Vendors print "24 GB" for 24 GiB of memory, so capacities are GiB; bandwidths are 10^9 bytes a second.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::{Bytes, BytesPerSecond, FlopsPerSecond, Ratio, Watts};

pub use reach::{Basis, Reach};

mod arithmetic;
mod reach;

/// One accelerator and its memory, as its data sheet describes it.
///
/// A scenario's `[device.NAME]` table has these fields too; its key is the name.
///
/// ```
/// use model::device::Device;
///
/// let gpu = Device::named("rtx-3090").expect("a built-in device");
/// assert_eq!((gpu.memory.to_string(), gpu.bandwidth.to_string()), ("24 GiB".into(), "936 GB/s".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "A custom device, by the figures of its data sheet.")]
pub struct Device {
    /// Kebab-case name, e.g. `rtx-3090`.
    #[serde(skip)]
    pub name: Cow<'static, str>,
    /// Memory that weights, activations and KV cache share, e.g. `24 GiB`.
    pub memory: Bytes,
    /// Peak memory bandwidth, e.g. `936 GB/s`; kernels reach `eta_mem` of it.
    pub bandwidth: BytesPerSecond,
    /// Peak dense fp16 rate with fp32 accumulation, e.g. `71 TFLOP/s`; kernels reach `eta_flop` of it.
    pub peak: FlopsPerSecond,
    /// Peak dense rate of 8-bit floats, e.g. `330 TFLOP/s`; absent where the device has no such arithmetic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_fp8: Option<FlopsPerSecond>,
    /// Peak dense rate of 8-bit integers, e.g. `624 TOP/s` as `624 TFLOP/s`; absent where the device has no such arithmetic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_int8: Option<FlopsPerSecond>,
    /// Share of the bandwidth that matrix kernels reach, from 0 to 1; a guess for every device, 0.85, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_mem: Option<Ratio>,
    /// Share of the peak that matrix kernels reach, from 0 to 1; a guess for every device, 0.70, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_flop: Option<Ratio>,
    /// Power limit of the board, e.g. `350 W`.
    pub tdp: Watts,
    /// Power with a model loaded and no work, e.g. `25 W`.
    pub idle: Watts,
    /// Price of an hour of it, in any currency; no price if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_per_hour: Option<f64>,
    /// Source of the figures, e.g. a data sheet; `?` marks a figure that no source confirms.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub source: Cow<'static, str>,
}

impl Device {
    /// The built-in device of that name.
    pub fn named(name: &str) -> Option<&'static Device> {
        DEVICES.iter().find(|device| device.name == name)
    }

    /// So many of the device, as one with the memory of all.
    pub fn times(&self, many: u64) -> Device {
        let name = if many == 1 { self.name.clone() } else { format!("{many} x {}", self.name).into() };
        Device { name, memory: self.memory * many, ..self.clone() }
    }

    /// The same figures under another name, such as the key of a scenario's table.
    pub fn called(&self, name: &str) -> Device {
        Device { name: name.to_owned().into(), ..self.clone() }
    }
}

/// One line of the list: memory in GiB, bandwidth in 10^6 B/s, peaks in TFLOP/s (16 bits; 8-bit floats and integers, 0 for
/// none), power in W.
const fn device(
    name: &'static str,
    (gib, mb_per_s): (u64, u64),
    (tflops, fp8, int8): (f64, f64, f64),
    (tdp, idle): (f64, f64),
    source: &'static str,
) -> Device {
    Device {
        name: Cow::Borrowed(name),
        memory: Bytes::new(gib << 30),
        bandwidth: BytesPerSecond::new(mb_per_s * 1_000_000),
        peak: FlopsPerSecond::new(tflops * 1e12),
        peak_fp8: rate(fp8),
        peak_int8: rate(int8),
        eta_mem: None,
        eta_flop: None,
        tdp: Watts::new(tdp),
        idle: Watts::new(idle),
        price_per_hour: None,
        source: Cow::Borrowed(source),
    }
}

/// A rate in TFLOP/s, none of 0.
const fn rate(tflops: f64) -> Option<FlopsPerSecond> {
    if tflops > 0.0 { Some(FlopsPerSecond::new(tflops * 1e12)) } else { None }
}

/// Every built-in device. To add one, add a line.
#[rustfmt::skip]
pub static DEVICES: [Device; 18] = [
    //                           GiB       MB/s    TFLOP/s    fp8   int8     TDP   idle W
    device("rtx-3090",           ( 24,   936_000), (  71.0,    0.0, 284.0), (350.0, 25.0), "peak, bandwidth, TDP: NVIDIA GA102 whitepaper; idle 10..25 W? (weak)"),
    device("rtx-4090",           ( 24, 1_008_000), ( 165.2,  330.3, 660.6), (450.0, 25.0), "peak, bandwidth, TDP: NVIDIA Ada whitepaper, waredb.com; idle 10..25 W?"),
    device("a100-40-pcie",       ( 40, 1_555_000), ( 312.0,    0.0, 624.0), (250.0, 50.0), "peak, bandwidth, TDP: thundercompute.com; idle 30..45 W bare?, a context adds 26..50 W (arXiv 2605.23918); 50 W of semantics.md"),
    device("a100-40-sxm",        ( 40, 1_555_000), ( 312.0,    0.0, 624.0), (400.0, 50.0), "peak, bandwidth, TDP: PC2 Paderborn, glennklockwood.com; idle 50..60 W?; 50 W of semantics.md"),
    device("a100-80-sxm",        ( 80, 2_039_000), ( 312.0,    0.0, 624.0), (400.0, 60.0), "peak, bandwidth: gpus.csv (aisimulate); TDP: from memory, not looked up?; idle?"),
    device("jetson-agx-orin-64", ( 64,   204_800), (  42.5,    0.0,   0.0), ( 60.0,  9.0), "bandwidth, TDP: NVIDIA brief via mzph.cn, fixstars; peak: 170 sparse INT8 TOPS / 4?; idle 8..10 W board?; memory shared with the CPU"),
    device("jetson-orin-nano-8", (  8,   102_000), (  17.0,    0.0,   0.0), ( 25.0,  4.0), "bandwidth, TDP: brojogopalsapui.com (Super mode; 68 GB/s before); peak: 67 sparse INT8 TOPS / 4?; idle?; memory shared with the CPU"),
    device("apple-m2",           (  8,   100_000), (   3.6,    0.0,   0.0), ( 50.0,  7.0), "bandwidth, TDP: macgadget.de (Mac mini); peak fp32 3.6, fp16 no faster?; idle?; 8..24 GB sold, smallest taken, shared with the CPU"),
    device("apple-m4",           ( 16,   120_000), (   4.3,    0.0,   0.0), ( 65.0,  5.0), "bandwidth: applech2.com; TDP, idle: servethehome.com (Mac mini); peak?; 16..32 GB sold, smallest taken, shared with the CPU"),
    device("iphone-15-pro",      (  8,    51_200), (  2.15,    0.0,   0.0), (  6.5,  1.0), "peak: hmc-tech.com (GPU; 35 TOPS ANE not counted); bandwidth?; 5..8 W sustained?; idle?; memory shared with the system"),
    device("snapdragon-8-gen-3", (  8,    77_000), (   3.7,    0.0,   0.0), (  8.0,  1.0), "bandwidth: no source?; peak 2.8..4.6, middle taken?; 6..10 W?; idle?; 8..16 GB sold, smallest taken, shared with the system"),
    device("a6000",              ( 48,   768_000), ( 154.8,    0.0, 309.7), (300.0, 25.0), "peak, bandwidth: gpus.csv; TDP: from memory, not looked up?; idle?"),
    device("a40",                ( 48,   696_000), ( 149.7,    0.0, 299.3), (300.0, 30.0), "peak, bandwidth: gpus.csv; TDP: from memory, not looked up?; idle?"),
    device("h100-sxm",           ( 80, 3_350_000), ( 989.0, 1978.0, 1978.0), (700.0, 70.0), "peak, bandwidth: gpus.csv; TDP: from memory, not looked up?; idle?"),
    device("l40s",               ( 48,   864_000), (362.05,  733.0, 733.0), (350.0, 35.0), "peak, bandwidth: gpus.csv; TDP: from memory, not looked up?; idle?"),
    device("rtx-pro-6000",       ( 96, 1_792_000), ( 467.8,  935.6,   0.0), (600.0, 30.0), "peak, bandwidth: gpus.csv (LLMServingSim uses 1597 GB/s); TDP: from memory, not looked up?; idle?"),
    device("h200-sxm",           (141, 4_800_000), ( 989.0, 1978.0, 1978.0), (700.0, 75.0), "peak, bandwidth: gpus.csv; TDP: from memory, not looked up?; idle?"),
    device("a100-80-pcie",       ( 80, 1_935_000), ( 312.0,    0.0, 624.0), (300.0, 55.0), "bandwidth: from memory?, agrees with section B of docs/hardware.md (816 GB/s are 42 % of it); peak: as the SXM die?; TDP: from memory, not looked up?; idle?"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paper_s_two_devices_have_their_figures() {
        let edge = Device::named("rtx-3090").unwrap();
        assert_eq!(edge.bandwidth, BytesPerSecond::new(936_000_000_000));
        assert_eq!(edge.peak, FlopsPerSecond::new(71e12));
        assert_eq!((edge.tdp, edge.idle), (Watts::new(350.0), Watts::new(25.0)));
        let cloud = Device::named("a100-40-pcie").unwrap();
        assert_eq!(cloud.bandwidth, BytesPerSecond::new(1_555_000_000_000));
        assert_eq!(cloud.peak, FlopsPerSecond::new(312e12));
        assert_eq!((cloud.tdp, cloud.idle), (Watts::new(250.0), Watts::new(50.0)));
        assert!(Device::named("rtx 3090").is_none());
    }

    #[test]
    fn names_are_unique_and_figures_positive() {
        for (i, a) in DEVICES.iter().enumerate() {
            assert!(DEVICES[..i].iter().all(|b| a.name != b.name), "{}", a.name);
            assert!(a.idle > Watts::ZERO && a.idle < a.tdp, "{}", a.name);
            assert!(!a.source.is_empty(), "{}", a.name);
        }
    }

    #[test]
    fn a_scenario_may_define_its_own() {
        let table =
            "memory = \"12 GiB\"\nbandwidth = \"360 GB/s\"\npeak = \"51 TFLOP/s\"\ntdp = \"170 W\"\nidle = \"12 W\"\n";
        let device: Device = toml::from_str(table).unwrap();
        assert_eq!(device.bandwidth, BytesPerSecond::new(360_000_000_000));
        assert!(device.name.is_empty() && device.source.is_empty());
        assert!(toml::from_str::<Device>(&format!("{table}clock = 1\n")).is_err());
    }
}
