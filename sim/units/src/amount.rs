//! Any amount that a text may be, of whatever quantity, as a plain number in one unit for each quantity.

use crate::{
    BitsPerSecond, Bytes, BytesPerSecond, Flops, FlopsPerSecond, Joules, PerSecond, Ratio, SimDuration, Watts,
};

/// A number with the unit that all amounts of its quantity are brought to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amount {
    /// The number in that unit.
    pub value: f64,
    /// The unit as names of columns end in it, such as `ms`; empty for a number without one.
    pub unit: &'static str,
}

/// The amount that a text is; none of a text that is no number, or has an unknown unit.
///
/// ```
/// use units::{Amount, amount};
///
/// assert_eq!(amount("0.08 s"), Some(Amount { value: 80.0, unit: "ms" }));
/// assert_eq!(amount("95 %"), Some(Amount { value: 95.0, unit: "pct" }));
/// assert_eq!(amount("0.5"), Some(Amount { value: 0.5, unit: "" }));
/// assert_eq!(amount("rtx-3090"), None);
/// ```
pub fn amount(text: &str) -> Option<Amount> {
    let text = text.trim();
    // Not what Rust also reads: `inf` and `nan` are words.
    if text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '+' | '.'))
        && let Ok(value) = text.replace('_', "").parse::<f64>()
    {
        return Some(Amount { value, unit: "" });
    }
    let mut kinds = KINDS.iter();
    kinds.find_map(|(unit, read)| read(text).map(|value| Amount { value, unit }))
}

/// True of a unit that amounts are brought to.
pub fn is_amount_unit(unit: &str) -> bool {
    KINDS.iter().any(|(own, _)| *own == unit)
}

/// A reader of the texts of one quantity.
type Read = fn(&str) -> Option<f64>;

/// The units that amounts are brought to, each with the reader of its quantity.
const KINDS: [(&str, Read); 10] = [
    ("ms", |text| text.parse::<SimDuration>().ok().map(SimDuration::as_ms_f64)),
    ("mbps", |text| text.parse::<BitsPerSecond>().ok().map(|rate| rate.as_mbps_f64())),
    ("mb", |text| text.parse::<Bytes>().ok().map(|bytes| bytes.as_mb_f64())),
    ("gb_per_s", |text| text.parse::<BytesPerSecond>().ok().map(|rate| rate.as_gb_per_s_f64())),
    ("pct", |text| text.parse::<Ratio>().ok().map(|ratio| rounded(100.0 * ratio.as_f64()))),
    ("per_s", |text| text.parse::<PerSecond>().ok().map(|rate| rate.as_f64())),
    ("tflop", |text| text.parse::<Flops>().ok().map(|flops| flops.as_tflop_f64())),
    ("tflop_per_s", |text| text.parse::<FlopsPerSecond>().ok().map(|flops| flops.as_tflop_per_s_f64())),
    ("w", |text| text.parse::<Watts>().ok().map(|watts| watts.as_f64())),
    ("j", |text| text.parse::<Joules>().ok().map(|joules| joules.as_f64())),
];

/// A percentage without the last bits that the way over a share leaves: 95 and not 95.00000000000001.
fn rounded(value: f64) -> f64 {
    (value * 1e12).round() / 1e12
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_a_quantity_have_one_unit() {
        let of = |text| amount(text).map(|amount| (amount.value, amount.unit));
        for (text, expected) in [
            ("5 ms", (5.0, "ms")),
            ("2 min", (120_000.0, "ms")),
            ("1.5 Gbps", (1500.0, "mbps")),
            ("1 GiB", (1_073.741_824, "mb")),
            ("936 GB/s", (936.0, "gb_per_s")),
            ("29 %", (29.0, "pct")),
            ("6 /min", (0.1, "per_s")),
            ("2 TFLOP", (2.0, "tflop")),
            ("71 TFLOP/s", (71.0, "tflop_per_s")),
            ("350 mW", (0.35, "w")),
            ("1 Wh", (3600.0, "j")),
            ("1_000", (1000.0, "")),
            ("-1e-3", (-0.001, "")),
        ] {
            assert_eq!(of(text), Some(expected), "{text}");
        }
        assert_eq!(["nan", "inf", "", "5 parsecs", "{ pipelined = 3 }", "5ms"].map(amount), [None; 6]);
    }
}
