//! Decimal text to integers, without a float in between.

/// `text * 10^decimals`, rounded to the nearest integer, halves up. `None` if it is not a plain number from 0 up that fits.
///
/// `fixed_point("0.0520005", 9)` reads seconds as nanoseconds. Text with an exponent, as some tools print very
/// small numbers, is the one case that passes through a float.
pub(crate) fn fixed_point(text: &str, decimals: u32) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !text.starts_with(|c: char| c.is_ascii_digit()) || !digits(whole) || !digits(fraction) {
        return with_exponent(text, decimals);
    }
    let scale = 10u64.checked_pow(decimals)?;
    let (kept, dropped) = fraction.split_at(fraction.len().min(decimals as usize));
    let padding = 10u64.pow(decimals - kept.len() as u32);
    let below_point = if kept.is_empty() { 0 } else { kept.parse::<u64>().ok()? * padding };
    let rounding = u64::from(dropped.starts_with(|c: char| c >= '5'));
    whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(below_point)?.checked_add(rounding)
}

/// Reads `5.2e-05`, but neither `inf` nor `nan` nor a sign.
fn with_exponent(text: &str, decimals: u32) -> Option<u64> {
    let (mantissa, exponent) = text.split_once(['e', 'E'])?;
    let plain = |c: char| c.is_ascii_digit() || c == '.';
    if !mantissa.starts_with(|c: char| c.is_ascii_digit()) || !mantissa.chars().all(plain) {
        return None;
    }
    let exponent: i32 = exponent.parse().ok()?;
    let shifted = exponent.checked_add(i32::try_from(decimals).ok()?)?;
    let value: f64 = format!("{mantissa}e{shifted}").parse().ok()?;
    (value < u64::MAX as f64).then(|| value.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn seconds_become_nanoseconds_exactly() {
        for (text, ns) in [
            ("0", 0),
            ("0.000000001", 1),
            ("29.479069", 29_479_069_000),
            ("29.4790689999999995", 29_479_069_000),
            ("0.0000000005", 1),
            ("0.00000000049", 0),
            ("5.2e-05", 52_000),
            ("1e0", 1_000_000_000),
            ("7.", 7_000_000_000),
            ("18446744073.709551615", u64::MAX),
        ] {
            assert_eq!(fixed_point(text, 9), Some(ns), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_from_zero_up_is_none() {
        for text in
            ["", ".", ".5", "-1", "+1", " 1", "1 ", "nan", "NaN", "inf", "1e", "1e400", "0x10", "1_000", "1,5", "1e-x"]
        {
            assert_eq!(fixed_point(text, 9), None, "{text}");
        }
        assert_eq!(fixed_point("18446744073.709551616", 9), None);
    }

    proptest! {
        #[test]
        fn integers_read_back(value: u64, decimals in 0u32..12) {
            let scale = 10u64.pow(decimals);
            let text = format!("{}.{:0width$}", value / scale, value % scale, width = decimals as usize);
            prop_assert_eq!(fixed_point(&text, decimals), Some(value));
        }

        #[test]
        fn no_text_panics(text in ".*", numeric in "[0-9.eE+-]{0,30}") {
            fixed_point(&text, 9);
            fixed_point(&numeric, 6);
        }
    }
}
