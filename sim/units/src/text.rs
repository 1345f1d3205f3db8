//! The grammar: `<number> <unit>`, read exactly and written so that it reads back to the same value.

use crate::{
    decimal::Decimal,
    error::Problem,
    table::{Table, Unit},
};

/// A number type that a quantity can be held in.
pub(crate) trait Held: Copy {
    /// Converts `number`, plain digits with an optional fraction, from `unit` to the base of its table.
    fn read(number: &str, unit: &Unit) -> Result<Self, Problem<'static>>;

    /// The canonical text.
    fn write(self, table: &Table) -> String;
}

/// Reads `text` by the grammar of the package documentation.
pub(crate) fn read<'t, H: Held>(text: &'t str, table: &Table) -> Result<H, Problem<'t>> {
    let (number, symbol) = split(text)?;
    let unit = table.find(symbol).ok_or(Problem::UnknownUnit(symbol))?;
    H::read(&number.replace('_', ""), unit)
}

/// Parts number and unit without looking at what they mean.
fn split(text: &str) -> Result<(&str, &str), Problem<'_>> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    if !is_number(number) {
        return Err(Problem::NoNumber);
    }
    if rest.trim().is_empty() {
        return Err(Problem::NoUnit);
    }
    match rest.strip_prefix(' ') {
        Some(unit) if unit.trim() == unit => Ok((number, unit)),
        _ => Err(Problem::Spacing),
    }
}

/// Digits, then perhaps a point and digits; single underscores between digits.
fn is_number(text: &str) -> bool {
    let digits = |part: &str| part.split('_').all(|run| !run.is_empty() && run.bytes().all(|b| b.is_ascii_digit()));
    match text.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    }
}

impl Held for u64 {
    fn read(number: &str, unit: &Unit) -> Result<Self, Problem<'static>> {
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let fraction = fraction.trim_end_matches('0');
        let digits = format!("{whole}{fraction}").parse::<u128>().map_err(|_| Problem::TooLarge)?;
        let scaled = power_of_ten(unit.exp10)
            .and_then(|scale| digits.checked_mul(scale)?.checked_mul(u128::from(unit.times)))
            .ok_or(Problem::TooLarge)?;
        let parts = power_of_ten(fraction.len() as i32)
            .and_then(|parts| parts.checked_mul(u128::from(unit.per)))
            .ok_or(Problem::NotExact)?;
        if !scaled.is_multiple_of(parts) {
            return Err(Problem::NotExact);
        }
        u64::try_from(scaled / parts).map_err(|_| Problem::TooLarge)
    }

    /// Fewest digits win, then the largest unit. A unit that is no power of ten is used for whole numbers only.
    fn write(self, table: &Table) -> String {
        let (number, unit) = in_decimal_unit(Decimal::from_u64(self), table);
        let shortest = table.units.iter().rev().filter_map(|unit| Some((whole(self, unit)?, unit)));
        let (number, unit) = shortest
            .chain([(number, unit)])
            .min_by_key(|(number, _)| number.bytes().filter(u8::is_ascii_digit).count())
            .expect("the decimal unit is always there");
        format!("{number} {}", unit.symbol)
    }
}

impl Held for f64 {
    fn read(number: &str, unit: &Unit) -> Result<Self, Problem<'static>> {
        // The power of ten goes through the text, so that "0.3 TFLOP" is the float nearest to 3e11.
        let scaled: f64 = format!("{number}e{}", unit.exp10).parse().map_err(|_| Problem::NoNumber)?;
        let value = scaled * unit.times as f64 / unit.per as f64;
        if value.is_finite() { Ok(value) } else { Err(Problem::TooLarge) }
    }

    fn write(self, table: &Table) -> String {
        let (number, unit) = in_decimal_unit(Decimal::from_f64(self), table);
        format!("{number} {}", unit.symbol)
    }
}

/// The largest power-of-ten unit in which the value is at least one, else the smallest; zero is in the base.
fn in_decimal_unit(value: Decimal, table: &Table) -> (String, &Unit) {
    let decimal = || table.units.iter().filter(|unit| unit.is_decimal());
    let unit = if value.is_zero() {
        decimal().find(|unit| unit.exp10 == 0)
    } else {
        decimal().rev().find(|unit| value.shifted(unit.exp10).has_whole_part())
    };
    let unit = unit.or_else(|| decimal().next()).expect("each table has a power-of-ten unit");
    (value.shifted(unit.exp10).text(), unit)
}

/// `value` in a unit that is no power of ten, if it is a whole number of them.
fn whole(value: u64, unit: &Unit) -> Option<String> {
    let size = 10u64.checked_pow(u32::try_from(unit.exp10).ok()?)?.checked_mul(unit.times)?;
    let fits = !unit.is_decimal() && value >= size && value.is_multiple_of(size);
    fits.then(|| (value / size).to_string())
}

fn power_of_ten(exponent: i32) -> Option<u128> {
    10u128.checked_pow(u32::try_from(exponent).ok()?)
}

#[cfg(test)]
mod tests {
    use crate::*;
    use proptest::prelude::*;
    use std::{fmt::Display, str::FromStr};

    fn refusal<Q: FromStr<Err = QuantityError> + std::fmt::Debug>(text: &str) -> String {
        text.parse::<Q>().expect_err(text).to_string()
    }

    #[test]
    fn numbers_are_read_exactly() {
        for (text, ns) in [
            ("0 ns", 0),
            ("1.5 ms", 1_500_000),
            ("0.000000001 s", 1),
            ("1.50 us", 1_500),
            ("1_000 us", 1_000_000),
            ("0.05 min", 3_000_000_000),
            ("18446744073709551615 ns", u64::MAX),
            ("18446744073.709551615 s", u64::MAX),
        ] {
            assert_eq!(text.parse(), Ok(SimDuration::from_ns(ns)), "{text}");
        }
        assert_eq!("0.5 KiB".parse(), Ok(Bytes::new(512)));
        assert_eq!("30 /min".parse(), Ok(PerSecond::new(0.5)));
        assert_eq!("1 Wh".parse(), Ok(Joules::new(3600.0)));
        assert_eq!("0.3 TFLOP".parse(), Ok(Flops::new(3e11)));
    }

    #[test]
    fn text_is_canonical() {
        for text in ["0 ns", "20 ms", "1.5 ms", "1.234567 ms", "90 s", "1 min", "2 h", "90 min"] {
            assert_eq!(text.parse::<SimDuration>().unwrap().to_string(), text);
        }
        for text in ["0 B", "512 B", "24 GiB", "24 GB", "1.5 kB", "1536 MiB", "80 GB", "4 KiB"] {
            assert_eq!(text.parse::<Bytes>().unwrap().to_string(), text);
        }
        for text in ["0 bps", "200 Mbps", "1.5 Gbps", "12.5 kbps", "400 Gbps"] {
            assert_eq!(text.parse::<BitsPerSecond>().unwrap().to_string(), text);
        }
        assert_eq!(BytesPerSecond::new(3_350_000_000_000).to_string(), "3.35 TB/s");
        assert_eq!(FlopsPerSecond::new(989.4e12).to_string(), "989.4 TFLOP/s");
        assert_eq!(FlopsPerSecond::new(1.0).to_string(), "0.000000001 GFLOP/s");
        assert_eq!(Watts::new(0.25).to_string(), "250 mW");
        assert_eq!(Watts::ZERO.to_string(), "0 W");
        assert_eq!(PerSecond::new(0.5).to_string(), "0.5 /s");
    }

    #[test]
    fn what_is_no_quantity_is_refused_in_one_line() {
        let units = "expected a number and one of bps, kbps, Mbps, Gbps, Tbps, as in \"200 Mbps\"";
        for (text, says) in [
            ("200", "\"200\" has no unit"),
            ("200 ", "\"200 \" has no unit"),
            ("", "\"\" does not start with a plain decimal number"),
            ("Mbps", "\"Mbps\" does not start with a plain decimal number"),
            ("-1 Mbps", "\"-1 Mbps\" does not start with a plain decimal number"),
            ("+1 Mbps", "\"+1 Mbps\" does not start with a plain decimal number"),
            (".5 Mbps", "\".5 Mbps\" does not start with a plain decimal number"),
            ("5. Mbps", "\"5. Mbps\" does not start with a plain decimal number"),
            ("1__0 Mbps", "\"1__0 Mbps\" does not start with a plain decimal number"),
            ("NaN Mbps", "\"NaN Mbps\" does not start with a plain decimal number"),
            ("inf Mbps", "\"inf Mbps\" does not start with a plain decimal number"),
            ("200Mbps", "\"200Mbps\" needs exactly one space between number and unit"),
            ("200  Mbps", "\"200  Mbps\" needs exactly one space between number and unit"),
            ("200 Mbps ", "\"200 Mbps \" needs exactly one space between number and unit"),
            ("1e3 Mbps", "\"1e3 Mbps\" needs exactly one space between number and unit"),
            ("0.5 bps", "\"0.5 bps\" is finer than a bit rate can hold exactly"),
            ("18446744073709551616 bps", "\"18446744073709551616 bps\" is too large for a bit rate"),
            ("99999999 Tbps", "\"99999999 Tbps\" is too large for a bit rate"),
            ("2 horses", "\"2 horses\" has an unknown unit \"horses\""),
            ("2 \nMbps", "\"2 \\nMbps\" needs exactly one space between number and unit"),
        ] {
            assert_eq!(refusal::<BitsPerSecond>(text), format!("{says}: {units}"));
        }
        assert_eq!(
            refusal::<BitsPerSecond>(&"9".repeat(99)),
            format!("\"{}...\" has no unit: {units}", "9".repeat(40))
        );
        let too_large = format!("{} TFLOP", "9".repeat(400));
        assert!(refusal::<Flops>(&too_large).contains("is too large for a count of operations"));
    }

    #[test]
    fn a_confusion_of_bits_and_bytes_is_pointed_out() {
        let hint = |meant| format!("(did you mean {meant}? case matters, and a byte has 8 bits)");
        for text in ["200 MBps", "200 MB/s", "200 mbps", "200 Mb/s", "200 Mbit/s"] {
            assert!(refusal::<BitsPerSecond>(text).contains(&hint("Mbps")), "{}", refusal::<BitsPerSecond>(text));
        }
        assert!(refusal::<Bytes>("24 Gb").contains(&hint("GB")));
        assert!(refusal::<Bytes>("24 gib").contains(&hint("GiB")));
        assert!(refusal::<BytesPerSecond>("100 Gbps").contains(&hint("GB/s")));
        assert!(refusal::<SimDuration>("5 µs").contains("(did you mean us? case matters)"));
        assert!(refusal::<FlopsPerSecond>("5 TFLOPS").contains("(did you mean TFLOP/s? case matters)"));
    }

    fn reads_back<Q: Display + FromStr<Err = QuantityError> + PartialEq + std::fmt::Debug>(value: Q) {
        assert_eq!(value.to_string().parse::<Q>().as_ref(), Ok(&value));
    }

    fn finite() -> impl Strategy<Value = f64> {
        prop_oneof![
            0.0..1e18,
            (0u64..0x7ff0_0000_0000_0000).prop_map(f64::from_bits),
            (0u32..1_000_000, 0i32..20).prop_map(|(n, e)| f64::from(n) * 10f64.powi(e)),
        ]
    }

    proptest! {
        #[test]
        fn integers_read_back(value: u64, zeros in 0u32..20) {
            for value in [value, value % 100_000, value % 1000 * 10u64.pow(zeros % 16), (value % 4096) << zeros] {
                reads_back(SimDuration::from_ns(value));
                reads_back(Bytes::new(value));
                reads_back(BitsPerSecond::new(value));
                reads_back(BytesPerSecond::new(value));
            }
        }

        #[test]
        fn floats_read_back(value in finite(), share in 0.0..=1.0) {
            reads_back(Flops::new(value));
            reads_back(FlopsPerSecond::new(value));
            reads_back(Watts::new(value));
            reads_back(Joules::new(value));
            reads_back(PerSecond::new(value));
            reads_back(Ratio::new(share));
        }

        #[test]
        fn any_text_is_read_or_refused_in_one_short_line(
            text in prop_oneof![".*", "[0-9._]{0,50} ?[a-zA-Z/%]{0,6}", "[0-9]{1,45}(\\.[0-9]{1,45})? (ns|h|TB|TiB|Tbps|TFLOP|Wh|/h|%)"]
        ) {
            let refusals = [
                text.parse::<SimDuration>().err(), text.parse::<Bytes>().err(), text.parse::<BitsPerSecond>().err(),
                text.parse::<BytesPerSecond>().err(), text.parse::<Flops>().err(), text.parse::<FlopsPerSecond>().err(),
                text.parse::<Watts>().err(), text.parse::<Joules>().err(), text.parse::<PerSecond>().err(),
                text.parse::<Ratio>().err(),
            ];
            for refusal in refusals.into_iter().flatten() {
                let line = refusal.to_string();
                prop_assert!(line.lines().count() == 1 && line.chars().count() < 1000, "{}", line);
            }
        }
    }
}
