//! Amounts of data, and the rates at which it moves. Bits and bytes are different types, so they cannot be mixed up by
//! a factor of 8.

use crate::{
    SimDuration,
    overflow::overflow,
    quantity::{as_string, integer_arithmetic, quantity},
    table::{Table, Unit},
};

const NS_PER_SECOND: u128 = 1_000_000_000;

quantity! {
    /// An amount of data in whole bytes. Written `24 GiB` (2^30) or `24 GB` (10^9).
    ///
    /// ```
    /// use units::Bytes;
    ///
    /// let memory: Bytes = "24 GiB".parse()?;
    /// assert_eq!(memory.as_gb_f64(), 25.769803776);
    /// assert_eq!((memory + Bytes::new(1 << 30)).to_string(), "25 GiB");
    /// # Ok::<(), units::QuantityError>(())
    /// ```
    #[derive(Eq, Ord, Hash)]
    pub struct Bytes(u64);
    Table {
        name: "Bytes",
        what: "an amount of data in bytes",
        example: "24 GiB",
        units: &[
            Unit::decimal("B", 0),
            Unit::decimal("kB", 3),
            Unit::decimal("MB", 6),
            Unit::decimal("GB", 9),
            Unit::decimal("TB", 12),
            Unit::multiple("KiB", 0, 1 << 10),
            Unit::multiple("MiB", 0, 1 << 20),
            Unit::multiple("GiB", 0, 1 << 30),
            Unit::multiple("TiB", 0, 1 << 40),
        ],
        counts_data: true,
    }
}
as_string!(Bytes);
integer_arithmetic!(Bytes);

impl Bytes {
    /// No data.
    pub const ZERO: Self = Self(0);
    /// The largest amount.
    pub const MAX: Self = Self(u64::MAX);

    /// From bytes.
    #[inline]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// In bytes, exactly.
    #[inline]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// In bits, exactly; wider than the bytes, so it cannot overflow.
    #[inline]
    pub const fn bits(self) -> u128 {
        self.0 as u128 * 8
    }

    /// In megabytes (10^6).
    #[inline]
    pub const fn as_mb_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// In gigabytes (10^9).
    #[inline]
    pub const fn as_gb_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The difference, or zero if `other` is the larger.
    #[inline]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The difference, or `None` if `other` is the larger.
    #[inline]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(bytes) => Some(Self(bytes)),
            None => None,
        }
    }
}

quantity! {
    /// A bit rate in whole bits per second, as networks are measured. Written `200 Mbps`.
    ///
    /// ```
    /// use units::{BitsPerSecond, Bytes};
    ///
    /// let uplink = BitsPerSecond::from_mbps(200);
    /// assert_eq!(uplink.transfer_time(Bytes::new(250_000)).to_string(), "10 ms");
    /// ```
    #[derive(Eq, Ord, Hash)]
    pub struct BitsPerSecond(u64);
    Table {
        name: "BitRate",
        what: "a bit rate",
        example: "200 Mbps",
        units: &[
            Unit::decimal("bps", 0),
            Unit::decimal("kbps", 3),
            Unit::decimal("Mbps", 6),
            Unit::decimal("Gbps", 9),
            Unit::decimal("Tbps", 12),
        ],
        counts_data: true,
    }
}
as_string!(BitsPerSecond);
integer_arithmetic!(BitsPerSecond);

impl BitsPerSecond {
    /// A link that is down.
    pub const ZERO: Self = Self(0);

    /// From bits per second.
    #[inline]
    pub const fn new(bps: u64) -> Self {
        Self(bps)
    }

    /// From megabits (10^6) per second. Panics if it does not fit.
    pub const fn from_mbps(mbps: u64) -> Self {
        Self(mbps.checked_mul(1_000_000).expect("BitsPerSecond overflows"))
    }

    /// In bits per second, exactly.
    #[inline]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// In megabits (10^6) per second.
    #[inline]
    pub const fn as_mbps_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Time that `data` takes at this rate, rounded up to the nanosecond in which the last bit has passed.
    ///
    /// # Panics
    ///
    /// If the rate is zero and there is data, or if it takes longer than 584 years.
    #[inline]
    pub fn transfer_time(self, data: Bytes) -> SimDuration {
        passing_time(data, data.bits(), u128::from(self.0))
    }

    /// The whole bytes that are sent at this rate in a time.
    pub fn data_in(self, time: SimDuration) -> Bytes {
        let bytes = u128::from(self.0) * u128::from(time.as_ns()) / 8_000_000_000;
        Bytes::new(u64::try_from(bytes).unwrap_or(u64::MAX))
    }
}

quantity! {
    /// A byte rate in whole bytes per second, as memories are measured. Written `936 GB/s`.
    ///
    /// ```
    /// use units::{Bytes, BytesPerSecond};
    ///
    /// let bandwidth: BytesPerSecond = "936 GB/s".parse()?;
    /// let weights = Bytes::new(3_087_467_520);
    /// assert_eq!(bandwidth.transfer_time(weights).as_us_f64(), 3298.577);
    /// # Ok::<(), units::QuantityError>(())
    /// ```
    #[derive(Eq, Ord, Hash)]
    pub struct BytesPerSecond(u64);
    Table {
        name: "ByteRate",
        what: "a byte rate",
        example: "936 GB/s",
        units: &[
            Unit::decimal("B/s", 0),
            Unit::decimal("kB/s", 3),
            Unit::decimal("MB/s", 6),
            Unit::decimal("GB/s", 9),
            Unit::decimal("TB/s", 12),
        ],
        counts_data: true,
    }
}
as_string!(BytesPerSecond);
integer_arithmetic!(BytesPerSecond);

impl BytesPerSecond {
    /// From bytes per second.
    #[inline]
    pub const fn new(bytes_per_second: u64) -> Self {
        Self(bytes_per_second)
    }

    /// In bytes per second, exactly.
    #[inline]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// In bytes per second, to the nearest float.
    #[inline]
    pub const fn as_f64(self) -> f64 {
        self.0 as f64
    }

    /// In gigabytes (10^9) per second.
    #[inline]
    pub const fn as_gb_per_s_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Time that `data` takes at this rate, rounded up to whole nanoseconds.
    ///
    /// # Panics
    ///
    /// If the rate is zero and there is data, or if it takes longer than 584 years.
    #[inline]
    pub fn transfer_time(self, data: Bytes) -> SimDuration {
        passing_time(data, u128::from(data.as_u64()), u128::from(self.0))
    }
}

/// `amount / per_second`, rounded up to whole nanoseconds.
#[inline]
fn passing_time(data: Bytes, amount: u128, per_second: u128) -> SimDuration {
    if amount == 0 {
        return SimDuration::ZERO;
    }
    assert!(per_second > 0, "{data} never pass at a rate of zero");
    // At most 2^67 * 10^9 < 2^97, so the product cannot overflow.
    let scaled = amount * NS_PER_SECOND;
    // A 64-bit division is several times as fast as a 128-bit one, and almost every message is short enough for it.
    let ns = match (u64::try_from(scaled), u64::try_from(per_second)) {
        (Ok(scaled), Ok(per_second)) => Some(scaled.div_ceil(per_second)),
        _ => u64::try_from(scaled.div_ceil(per_second)).ok(),
    };
    SimDuration::from_ns(ns.unwrap_or_else(|| overflow("SimDuration")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn transfers_round_up_to_the_nanosecond() {
        assert_eq!(BitsPerSecond::from_mbps(200).transfer_time(Bytes::new(1_500_000)), SimDuration::from_ms(60));
        assert_eq!(BitsPerSecond::new(3).transfer_time(Bytes::new(1)), SimDuration::from_ns(2_666_666_667));
        assert_eq!(BytesPerSecond::new(2_000_000_000).transfer_time(Bytes::new(3)), SimDuration::from_ns(2));
        assert_eq!(BitsPerSecond::ZERO.transfer_time(Bytes::ZERO), SimDuration::ZERO);
    }

    #[test]
    #[should_panic(expected = "1 kB never pass at a rate of zero")]
    fn nothing_passes_a_link_that_is_down() {
        BitsPerSecond::ZERO.transfer_time(Bytes::new(1000));
    }

    proptest! {
        #[test]
        fn transfer_time_is_the_least_that_suffices(bytes in 0u64..1 << 45, rate in 1_000_000u64..1 << 45) {
            let ns = u128::from(BitsPerSecond::new(rate).transfer_time(Bytes::new(bytes)).as_ns());
            let bits = u128::from(bytes) * 8 * NS_PER_SECOND;
            prop_assert!(ns * u128::from(rate) >= bits);
            prop_assert!(ns == 0 || (ns - 1) * u128::from(rate) < bits);
        }
    }
}
