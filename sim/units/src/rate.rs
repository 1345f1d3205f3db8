//! Rates of events.

use crate::{
    quantity::{as_string, float_arithmetic, quantity},
    table::{Table, Unit},
};

quantity! {
    /// An event rate. Written `2 /s`, `30 /min` or `100 /h`; printed per second, so that it reads back exactly.
    ///
    /// ```
    /// use units::PerSecond;
    ///
    /// let arrivals: PerSecond = "30 /min".parse()?;
    /// assert_eq!(arrivals.to_string(), "0.5 /s");
    /// # Ok::<(), units::QuantityError>(())
    /// ```
    pub struct PerSecond(f64);
    Table {
        name: "EventRate",
        what: "an event rate",
        example: "2 /s",
        units: &[Unit::part("/h", 3600), Unit::part("/min", 60), Unit::decimal("/s", 0)],
        counts_data: false,
    }
}
as_string!(PerSecond);
float_arithmetic!(PerSecond, "events per second");
