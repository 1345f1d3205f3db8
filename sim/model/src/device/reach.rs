//! The shares of its data sheet that a device's matrix kernels reach.
//!
//! Each share was fitted to single matrix products of `measured/ops_linear`, 4 million weights or more, by
//! `time = constant + sqrt(read^2 + multiply^2)`; no step and no server had a part in it. The fit misses a product's time by 2
//! to 8 % at the median. `docs/compute-model.md` has each fit, and what steps and servers say about them.

use units::Ratio;

use super::Device;

/// The shares of bandwidth and peak that matrix kernels reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reach {
    /// Share of the peak memory bandwidth.
    pub mem: Ratio,
    /// Share of the peak FLOP rate.
    pub flop: Ratio,
    /// The ground that the shares stand on.
    pub basis: Basis,
}

/// The ground that a device's shares stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Kernels of this very device were measured.
    Measured,
    /// Kernels of a device of the same family were measured.
    Family(&'static str),
    /// The scenario states them.
    Stated,
    /// Nothing was measured.
    Guess,
}

impl Basis {
    /// The ground in words, e.g. `as rtx-4090`.
    pub fn words(self) -> String {
        match self {
            Self::Measured => "measured".to_owned(),
            Self::Family(of) => format!("as {of}"),
            Self::Stated => "stated".to_owned(),
            Self::Guess => "guess".to_owned(),
        }
    }
}

/// Shares of a device that nobody measured: in the middle of the measured ones for bandwidth, and low for the peak, which boards
/// with little power do not hold.
const GUESS: (f64, f64) = (0.85, 0.70);

/// Measured shares of bandwidth and peak, by family; see the module. Boards of a family with less power or cooling reach less of
/// the peak, so their share of it is a guess of its own [A].
#[rustfmt::skip]
const REACHED: [(&str, f64, f64, Basis); 12] = [
    // vidur .80 and .71, aisimulate .75 and .81
    ("a100-80-sxm",  0.80, 0.76, Basis::Measured),
    ("a100-40-sxm",  0.80, 0.76, Basis::Family("a100-80-sxm")),
    ("a100-80-pcie", 0.80, 0.76, Basis::Family("a100-80-sxm")),
    ("a100-40-pcie", 0.80, 0.76, Basis::Family("a100-80-sxm")),
    // aisimulate .90 and .85, vidur .93 and .71
    ("h100-sxm",     0.91, 0.78, Basis::Measured),
    ("h200-sxm",     0.91, 0.78, Basis::Family("h100-sxm")),
    // llmservingsim .85 and .75, aisimulate .80 and .85
    ("rtx-pro-6000", 0.83, 0.81, Basis::Measured),
    // llmservingsim .94 and .98: fp32 accumulation at half rate, so the quoted peak is easy to reach
    ("rtx-4090",     0.94, 0.97, Basis::Measured),
    ("l40s",         0.94, 0.65, Basis::Family("rtx-4090")),
    // llmservingsim-v0 .91 and .85; half rate as well
    ("rtx-3090",     0.91, 0.85, Basis::Measured),
    ("a6000",        0.91, 0.65, Basis::Family("rtx-3090")),
    ("a40",          0.91, 0.65, Basis::Family("rtx-3090")),
];

impl Device {
    /// True of devices on which vLLM runs FlashAttention 3: those of the Hopper generation.
    pub fn has_flash_attention_3(&self) -> bool {
        matches!(&*self.name, "h100-sxm" | "h200-sxm")
    }

    /// True of Apple's chips in computers, whose kernels are launched by Metal.
    pub fn runs_metal(&self) -> bool {
        self.name.starts_with("apple-")
    }

    /// The shares of its data sheet that matrix kernels reach here: the device's own, else the table's, else a guess.
    pub fn reach(&self) -> Reach {
        let known = REACHED.iter().find(|(name, ..)| self.name == *name);
        let (mem, flop, basis) =
            known.map_or((GUESS.0, GUESS.1, Basis::Guess), |&(_, mem, flop, basis)| (mem, flop, basis));
        let basis = if self.eta_mem.is_some() && self.eta_flop.is_some() { Basis::Stated } else { basis };
        Reach { mem: self.eta_mem.unwrap_or(Ratio::new(mem)), flop: self.eta_flop.unwrap_or(Ratio::new(flop)), basis }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_names_a_device_and_its_family_a_measured_one() {
        for (name, mem, flop, basis) in REACHED {
            assert!(Device::named(name).is_some(), "{name}");
            assert!(mem > 0.5 && mem <= 1.0 && flop > 0.5 && flop <= 1.0, "{name}");
            if let Basis::Family(of) = basis {
                let measured = REACHED.iter().find(|(known, ..)| *known == of).map(|row| row.3);
                assert_eq!(measured, Some(Basis::Measured), "{name}");
            }
        }
    }

    #[test]
    fn a_scenario_s_own_shares_go_first() {
        let device = Device::named("rtx-4090").unwrap();
        assert_eq!(device.reach().basis, Basis::Measured);
        let own = Device { eta_flop: Some(Ratio::new(0.4)), ..device.clone() };
        assert_eq!((own.reach().flop, own.reach().mem), (Ratio::new(0.4), Ratio::new(0.94)));
        let other = device.called("mine");
        assert_eq!((other.reach().basis, other.reach().mem), (Basis::Guess, Ratio::new(0.85)));
    }
}
