//! Floating-point operations and how fast a device does them.

use crate::{
    SimDuration,
    quantity::{as_string, float_arithmetic, quantity},
    table::{Table, Unit},
};
use std::ops::Div;

quantity! {
    /// A count of floating-point operations; a multiply and an add are two. Written `1.2 TFLOP`.
    ///
    /// ```
    /// use units::{Flops, FlopsPerSecond};
    ///
    /// let work: Flops = "2.84 TFLOP".parse()?;
    /// let rate: FlopsPerSecond = "71 TFLOP/s".parse()?;
    /// assert_eq!((work / rate).to_string(), "40 ms");
    /// # Ok::<(), units::QuantityError>(())
    /// ```
    pub struct Flops(f64);
    Table {
        name: "Flops",
        what: "a count of operations",
        example: "1.2 TFLOP",
        units: &[
            Unit::decimal("FLOP", 0),
            Unit::decimal("MFLOP", 6),
            Unit::decimal("GFLOP", 9),
            Unit::decimal("TFLOP", 12),
        ],
        counts_data: false,
    }
}
as_string!(Flops);
float_arithmetic!(Flops, "operations");

impl Flops {
    /// In units of 10^12 operations.
    #[inline]
    pub const fn as_tflop_f64(self) -> f64 {
        self.0 / 1e12
    }
}

quantity! {
    /// A rate of floating-point operations. Written `312 TFLOP/s`.
    pub struct FlopsPerSecond(f64);
    Table {
        name: "FlopRate",
        what: "a rate of operations",
        example: "312 TFLOP/s",
        units: &[
            Unit::decimal("GFLOP/s", 9),
            Unit::decimal("TFLOP/s", 12),
            Unit::decimal("PFLOP/s", 15),
        ],
        counts_data: false,
    }
}
as_string!(FlopsPerSecond);
float_arithmetic!(FlopsPerSecond, "operations per second");

impl FlopsPerSecond {
    /// In units of 10^12 operations per second.
    #[inline]
    pub const fn as_tflop_per_s_f64(self) -> f64 {
        self.0 / 1e12
    }
}

impl Div<FlopsPerSecond> for Flops {
    type Output = SimDuration;
    /// Time that the operations take at `rate`. Panics if the rate is zero, or if it takes longer than 584 years.
    #[inline]
    fn div(self, rate: FlopsPerSecond) -> SimDuration {
        SimDuration::from_secs_f64(self.0 / rate.0)
    }
}
