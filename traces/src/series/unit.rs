//! Units of columns: said by a key, or by the end of a column's name.
//!
//! | quantity | units |
//! |---|---|
//! | time | `s`, `ms`, `us`, `ns`; `date` for a calendar time |
//! | rate | `bps`, `kbps`, `Mbps`, `Gbps`, also as `Mbit/s` or `Mb/s`; `Bps`, `kBps`, `MBps`, `GBps`, also as `MB/s` |
//! | share | `pct`, `percent` or `%`; `share`, `ratio` or `fraction` for a number from 0 to 1 |
//!
//! Upper and lower case do not matter, but for the `B` of bytes: `MBps` is megabytes, and `mbps`, `Mbps` and `MBPS` are megabits.

/// A unit: `number * 10^exponent * factor` is the amount in whole bits per second, nanoseconds or parts of a billion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The unit as messages write it.
    pub name: &'static str,
    /// The power of ten.
    pub exponent: u32,
    /// Bits of a byte, or 1.
    pub factor: u64,
}

const fn unit(name: &'static str, exponent: u32, factor: u64) -> Unit {
    Unit { name, exponent, factor }
}

const BITS: [Unit; 4] = [unit("bps", 0, 1), unit("kbps", 3, 1), unit("Mbps", 6, 1), unit("Gbps", 9, 1)];
const BYTES: [Unit; 4] = [unit("Bps", 0, 8), unit("kBps", 3, 8), unit("MBps", 6, 8), unit("GBps", 9, 8)];
const TIMES: [Unit; 4] = [unit("s", 9, 1), unit("ms", 6, 1), unit("us", 3, 1), unit("ns", 0, 1)];

/// A rate's unit, e.g. `Mbps`, `kbit/s` or `MB/s`.
pub(super) fn rate(text: &str) -> Option<Unit> {
    let prefixed = |units: [Unit; 4], prefix: &str| match prefix {
        "" => Some(units[0]),
        "k" | "K" => Some(units[1]),
        "m" | "M" => Some(units[2]),
        "g" | "G" => Some(units[3]),
        _ => None,
    };
    if let Some(prefix) = ["Bps", "B/s"].iter().find_map(|ending| text.strip_suffix(ending)) {
        return prefixed(BYTES, prefix);
    }
    let lower = text.to_ascii_lowercase();
    let prefix = ["bps", "bits/s", "bit/s", "b/s"].iter().find_map(|ending| lower.strip_suffix(ending))?;
    prefixed(BITS, prefix)
}

/// A time's unit, e.g. `ms`.
pub(super) fn time(text: &str) -> Option<Unit> {
    let lower = text.to_ascii_lowercase();
    let name = match lower.as_str() {
        "sec" | "secs" | "second" | "seconds" => "s",
        "msec" | "millis" | "milliseconds" => "ms",
        "usec" | "microseconds" => "us",
        other => other,
    };
    TIMES.into_iter().find(|unit| unit.name == name)
}

/// A share's unit, e.g. `pct`.
pub(super) fn share(text: &str) -> Option<Unit> {
    match text.to_ascii_lowercase().as_str() {
        "%" | "pct" | "percent" => Some(unit("pct", 7, 1)),
        "share" | "ratio" | "fraction" => Some(unit("share", 9, 1)),
        _ => None,
    }
}

/// The end of a column's name, where its unit is: `dl_Mbps`, `Throughput (Mbit/s)` or `rtt [ms]`.
pub(super) fn ending(column: &str) -> &str {
    let column = column.trim_end_matches([')', ']', ' ']);
    column.rsplit(['_', '(', '[', ' ']).next().unwrap_or(column)
}

/// The name without its unit, in lower case.
pub(super) fn stem(column: &str) -> String {
    let whole = column.trim_end_matches([')', ']', ' ']);
    let stem = &whole[..whole.len() - ending(column).len()];
    stem.trim_end_matches(['_', '(', '[', ' ']).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_matters_for_bytes_alone() {
        for (text, name) in [
            ("bps", "bps"),
            ("KBPS", "kbps"),
            ("Mbps", "Mbps"),
            ("MBPS", "Mbps"),
            ("mbit/s", "Mbps"),
            ("Gb/s", "Gbps"),
            ("MBps", "MBps"),
            ("kB/s", "kBps"),
            ("Bps", "Bps"),
        ] {
            assert_eq!(rate(text).map(|unit| unit.name), Some(name), "{text}");
        }
        for text in ["", "ms", "mps", "Tbps", "MiB/s", "xBps"] {
            assert_eq!(rate(text), None, "{text}");
        }
        assert_eq!(["S", "Ms", "sec", "us"].map(|text| time(text).unwrap().name), ["s", "ms", "s", "us"]);
        assert_eq!(time("min"), None);
    }

    #[test]
    fn a_unit_is_the_end_of_a_name() {
        for (column, end, name) in [
            ("dl_Mbps", "Mbps", "dl"),
            ("Throughput (Mbit/s)", "Mbit/s", "throughput"),
            ("rtt [ms]", "ms", "rtt"),
            ("mbps", "mbps", ""),
            ("DL_bitrate", "bitrate", "dl"),
            ("", "", ""),
        ] {
            assert_eq!((ending(column), stem(column).as_str()), (end, name), "{column}");
        }
    }
}
