//! The closed table of units that a type may be written in.

/// One unit: `1 symbol` is `10^exp10 * times / per` of what the type holds.
#[derive(Debug)]
pub(crate) struct Unit {
    pub symbol: &'static str,
    pub exp10: i32,
    pub times: u64,
    pub per: u64,
}

impl Unit {
    /// A power of ten of the base: `kbps`, `mW`.
    pub const fn decimal(symbol: &'static str, exp10: i32) -> Self {
        Self { symbol, exp10, times: 1, per: 1 }
    }

    /// A whole multiple that is no power of ten: `GiB`, `min`. `times` counts units of `10^exp10`.
    pub const fn multiple(symbol: &'static str, exp10: i32, times: u64) -> Self {
        Self { symbol, exp10, times, per: 1 }
    }

    /// A whole part of the base: `/min` is a sixtieth of `/s`.
    pub const fn part(symbol: &'static str, per: u64) -> Self {
        Self { symbol, exp10: 0, times: 1, per }
    }

    /// True if the unit differs from the base by a power of ten only, so that a change of unit moves the point.
    pub const fn is_decimal(&self) -> bool {
        self.times == 1 && self.per == 1
    }
}

/// The facts about a type that the grammar and its messages need.
#[derive(Debug)]
pub(crate) struct Table {
    /// The type's name in a JSON schema.
    pub name: &'static str,
    /// The quantity's noun for messages: "a bit rate".
    pub what: &'static str,
    /// A typical value, for messages.
    pub example: &'static str,
    /// The units, from small to large.
    pub units: &'static [Unit],
    /// True if bits could be taken for bytes here.
    pub counts_data: bool,
}

impl Table {
    /// The unit spelled exactly so.
    pub fn find(&self, symbol: &str) -> Option<&'static Unit> {
        self.units.iter().find(|unit| unit.symbol == symbol)
    }

    /// The unit that somebody who wrote `symbol` most likely meant.
    pub fn nearest(&self, symbol: &str) -> Option<&'static Unit> {
        let meant = skeleton(symbol);
        self.units.iter().find(|unit| skeleton(unit.symbol) == meant)
    }

    /// `bps, kbps, Mbps`.
    pub fn symbols(&self) -> String {
        let symbols: Vec<&str> = self.units.iter().map(|unit| unit.symbol).collect();
        symbols.join(", ")
    }
}

/// A spelling without the differences that people get wrong: case, `ps` for `/s`, `bit` and `byte` written out.
fn skeleton(symbol: &str) -> String {
    symbol
        .replace(['µ', 'μ'], "u")
        .to_lowercase()
        .replace("bytes", "b")
        .replace("byte", "b")
        .replace("bits", "b")
        .replace("bit", "b")
        .replace("/s", "s")
        .replace("ps", "s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_spellings_of_a_unit_share_its_skeleton() {
        for spelling in ["Mbps", "MBps", "MB/s", "mbps", "Mb/s", "Mbit/s", "MByte/s"] {
            assert_eq!(skeleton(spelling), "mbs", "{spelling}");
        }
        assert_eq!(skeleton("TFLOPS"), skeleton("TFLOP/s"));
        assert_eq!(skeleton("µs"), skeleton("us"));
        assert_ne!(skeleton("GB"), skeleton("GiB"));
    }
}
