//! The arithmetic that a device has beside that of 16 bits.

use units::FlopsPerSecond;

use super::Device;
use crate::format::Arithmetic;

impl Device {
    /// Peak dense rate of an arithmetic; `None` where the device does not have it.
    fn peak_of(&self, arithmetic: Arithmetic) -> Option<FlopsPerSecond> {
        match arithmetic {
            Arithmetic::Fp16 => Some(self.peak),
            Arithmetic::Fp8 => self.peak_fp8,
            Arithmetic::Int8 => self.peak_int8,
        }
    }

    /// True if the device multiplies such numbers.
    pub fn has(&self, arithmetic: Arithmetic) -> bool {
        self.peak_of(arithmetic).is_some()
    }

    /// Peak dense rate at which weights of an arithmetic are multiplied: its own, or that of 16 bits, to which they are unpacked
    /// where the device does not have it (vLLM's Marlin kernels).
    pub fn rate(&self, arithmetic: Arithmetic) -> FlopsPerSecond {
        self.peak_of(arithmetic).unwrap_or(self.peak)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ampere_multiplies_8_bit_floats_in_16_bits_and_hopper_as_they_are() {
        let [ampere, hopper] = ["a100-80-sxm", "h100-sxm"].map(|name| Device::named(name).unwrap());
        assert!(!ampere.has(Arithmetic::Fp8) && ampere.has(Arithmetic::Int8) && hopper.has(Arithmetic::Fp8));
        assert_eq!(ampere.rate(Arithmetic::Fp8), ampere.peak);
        assert_eq!(hopper.rate(Arithmetic::Fp8).as_f64(), 2.0 * hopper.peak.as_f64());
        assert_eq!(ampere.rate(Arithmetic::Int8).as_f64(), 2.0 * ampere.peak.as_f64());
    }
}
