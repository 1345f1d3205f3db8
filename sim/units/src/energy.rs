//! Power and energy.

use crate::{
    SimDuration,
    quantity::{as_string, float_arithmetic, quantity},
    table::{Table, Unit},
};
use std::ops::Mul;

quantity! {
    /// Power. Written `350 W`.
    ///
    /// ```
    /// use units::{SimDuration, Watts};
    ///
    /// let energy = Watts::new(350.0) * SimDuration::from_secs(10);
    /// assert_eq!(energy.to_string(), "3.5 kJ");
    /// ```
    pub struct Watts(f64);
    Table {
        name: "Power",
        what: "a power",
        example: "350 W",
        units: &[Unit::decimal("mW", -3), Unit::decimal("W", 0), Unit::decimal("kW", 3)],
        counts_data: false,
    }
}
as_string!(Watts);
float_arithmetic!(Watts, "watts");

quantity! {
    /// Energy. Written `1.5 kJ`.
    pub struct Joules(f64);
    Table {
        name: "Energy",
        what: "an energy",
        example: "1.5 kJ",
        units: &[Unit::decimal("J", 0), Unit::decimal("kJ", 3), Unit::multiple("Wh", 0, 3600)],
        counts_data: false,
    }
}
as_string!(Joules);
float_arithmetic!(Joules, "joules");

impl Mul<SimDuration> for Watts {
    type Output = Joules;
    /// The energy that this power uses in `duration`.
    #[inline]
    fn mul(self, duration: SimDuration) -> Joules {
        Joules::new(self.0 * duration.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_times_time_is_energy() {
        assert_eq!(Watts::new(350.0) * SimDuration::from_ms(20), Joules::new(7.0));
        assert_eq!([1.0, 2.5].map(Joules::new).into_iter().sum::<Joules>(), Joules::new(3.5));
    }

    #[test]
    #[should_panic(expected = "Watts must be finite and not negative")]
    fn negative_power_panics() {
        Watts::new(-1.0);
    }
}
