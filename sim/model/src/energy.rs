//! Energy of a device: `idle x elapsed + (f TDP - idle) x busy` (`docs/compute-model.md`), an assumption of
//! the project: f is .95 in prefill, .65 in decode and verify.
//!
//! Energy is reported with and without idle power, because the share of an idle GPU's cost depends on its other users.

use units::{Joules, SimDuration, Watts};

use crate::device::Device;

/// The activities of a busy device, which differ in power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// Reading prompts or encoding images: bound by arithmetic. An iteration that also decodes counts here.
    Prefill,
    /// Decoding or verifying: bound by memory.
    Decode,
}

impl Activity {
    /// Share of the board's power limit that is drawn (an assumption). One report has llama.cpp decode near the full limit
    /// (`docs/hardware.md` section F), so decode energy may be a third too low.
    pub const fn share_of_tdp(self) -> f64 {
        match self {
            Activity::Prefill => 0.95,
            Activity::Decode => 0.65,
        }
    }
}

/// The power of one device.
///
/// ```
/// use model::{device::Device, energy::Activity, energy::Busy, energy::Power};
/// use units::SimDuration;
///
/// let mut busy = Busy::default();
/// busy.add(Activity::Decode, SimDuration::from_secs(4));
/// let energy = Power::new(Device::named("rtx-3090").unwrap()).energy(&busy, SimDuration::from_secs(10));
/// assert_eq!(energy.idle.to_string(), "250 J"); // 25 W x 10 s
/// assert_eq!(energy.work.to_string(), "810 J"); // (.65 x 350 W - 25 W) x 4 s
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Power {
    idle: Watts,
    prefill: Watts,
    decode: Watts,
}

impl Power {
    /// The power of no device at all.
    pub const NONE: Power = Power { idle: Watts::ZERO, prefill: Watts::ZERO, decode: Watts::ZERO };

    /// The power of a device by its data sheet. Where the stated idle power is above the working power, work adds
    /// nothing.
    pub fn new(device: &Device) -> Power {
        let above_idle = |activity: Activity| {
            let drawn = activity.share_of_tdp() * device.tdp.as_f64();
            Watts::new((drawn - device.idle.as_f64()).max(0.0))
        };
        let (prefill, decode) = (above_idle(Activity::Prefill), above_idle(Activity::Decode));
        Power { idle: device.idle, prefill, decode }
    }

    /// The power of so many of the device.
    pub fn times(self, many: u32) -> Power {
        let times = |one: Watts| Watts::new(one.as_f64() * f64::from(many));
        Power { idle: times(self.idle), prefill: times(self.prefill), decode: times(self.decode) }
    }

    /// Power above idle during that activity: `f TDP - idle`.
    pub fn above_idle(&self, activity: Activity) -> Watts {
        match activity {
            Activity::Prefill => self.prefill,
            Activity::Decode => self.decode,
        }
    }

    /// Energy of a run of length `elapsed` in which the device was busy for `busy`.
    pub fn energy(&self, busy: &Busy, elapsed: SimDuration) -> Energy {
        let work = self.prefill * busy.prefill + self.decode * busy.decode;
        Energy { work, idle: self.idle * elapsed }
    }
}

/// Busy time of a device, by activity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Busy {
    /// Time in [`Activity::Prefill`].
    pub prefill: SimDuration,
    /// Time in [`Activity::Decode`].
    pub decode: SimDuration,
}

impl Busy {
    /// Adds one iteration.
    #[inline]
    pub fn add(&mut self, activity: Activity, duration: SimDuration) {
        match activity {
            Activity::Prefill => self.prefill += duration,
            Activity::Decode => self.decode += duration,
        }
    }

    /// Time in any activity.
    pub fn total(&self) -> SimDuration {
        self.prefill + self.decode
    }
}

/// Energy of a device over a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Energy {
    /// Energy above idle while busy, which the requests caused.
    pub work: Joules,
    /// Idle power over the whole run.
    pub idle: Joules,
}

impl Energy {
    /// The sum of both.
    pub fn total(&self) -> Joules {
        self.work + self.idle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energy_is_the_documented_formula() {
        let device = Device::named("a100-40-sxm").unwrap();
        let mut busy = Busy::default();
        busy.add(Activity::Prefill, SimDuration::from_secs(2));
        busy.add(Activity::Decode, SimDuration::from_secs(3));
        let energy = Power::new(device).energy(&busy, SimDuration::from_secs(10));
        assert!((energy.work.as_f64() - (2.0 * (380.0 - 50.0) + 3.0 * (260.0 - 50.0))).abs() < 1e-9);
        assert!((energy.total().as_f64() - energy.work.as_f64() - 500.0).abs() < 1e-9);
        assert_eq!(busy.total(), SimDuration::from_secs(5));
    }

    #[test]
    fn a_device_that_idles_above_its_working_power_has_no_negative_energy() {
        let mut device = Device::named("apple-m2").unwrap().clone();
        device.idle = device.tdp;
        assert_eq!(Power::new(&device).above_idle(Activity::Decode), Watts::ZERO);
    }
}
