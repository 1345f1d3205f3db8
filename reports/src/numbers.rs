//! Numbers as a reader wants them.

/// A number with so many significant digits, without zeros at its end.
pub(crate) fn short(value: f64, digits: usize) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".to_owned() } else { value.to_string() };
    }
    // The exponent after rounding, so that 9.9996 is 10 and not 10.000.
    let written = format!("{value:.*e}", digits - 1);
    let exponent: i32 = written.split_once('e').and_then(|(_, e)| e.parse().ok()).expect("an exponent");
    if !(-6..15).contains(&exponent) {
        return written;
    }
    let decimals = usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0);
    let plain = format!("{value:.decimals$}");
    if plain.contains('.') { plain.trim_end_matches('0').trim_end_matches('.').to_owned() } else { plain }
}

/// A number with so many significant digits, zeros at its end among them, and its thousands set apart.
pub(crate) fn rounded(value: f64, digits: usize) -> String {
    let written = format!("{value:.*e}", digits - 1);
    let exponent: i32 = written.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let decimals = usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0).min(9);
    if value == 0.0 { "0".to_owned() } else { drawing::grouped(value, decimals) }
}

/// A share as per cent: `12.1 %`; with its sign if asked.
pub(crate) fn per_cent(share: f64, signed: bool) -> String {
    format!("{}{} %", plus(share, signed), short(100.0 * share, 3))
}

/// A share with its half-width, to two digits of the latter: `12.1 % ± 0.4 %`.
pub(crate) fn interval(share: f64, half: Option<f64>, signed: bool) -> String {
    let Some(half) = half else { return per_cent(share, signed) };
    if !(share.is_finite() && half.is_finite()) {
        return format!("{} ± {}", per_cent(share, signed), per_cent(half, false));
    }
    let (share, half) = (100.0 * share, 100.0 * half);
    // Of a half-width of nothing the share has three digits.
    let (leading, digits) = if half > 0.0 { (half, 2) } else { (share, 3) };
    let exponent = format!("{leading:.*e}", digits - 1).split_once('e').and_then(|(_, e)| e.parse::<i32>().ok());
    let decimals = (digits as i32 - 1 - exponent.expect("an exponent")).clamp(0, 6) as usize;
    format!("{}{share:.decimals$} % ± {half:.decimals$} %", plus(share, signed))
}

fn plus(value: f64, signed: bool) -> &'static str {
    if signed && value > 0.0 { "+" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_significant() {
        let of = |value| short(value, 4);
        assert_eq!(
            [of(112.44), of(0.1), of(9.9996), of(123_456.0), of(-0.000_123_44)],
            ["112.4", "0.1", "10", "123456", "-0.0001234"]
        );
        assert_eq!([of(0.0), of(1e-9), of(100.0)], ["0", "1.000e-9", "100"]);
        assert_eq!(
            [per_cent(0.1213, true), per_cent(-0.004, true), per_cent(0.004, false)],
            ["+12.1 %", "-0.4 %", "0.4 %"]
        );
        assert_eq!(
            [0.0, 4.7, 21.96, 0.002_04, 1234.5, 99.97].map(|value| rounded(value, 3)),
            ["0", "4.70", "22.0", "0.00204", "1,234", "100"].map(str::to_owned)
        );
        assert_eq!(interval(0.109_777, Some(0.011_26), false), "11.0 % ± 1.1 %");
        assert_eq!(interval(0.109_777, Some(0.0), true), "+11.0 % ± 0.0 %");
        assert_eq!(interval(-0.5, Some(1.234), true), "-50 % ± 123 %");
        assert_eq!(interval(0.0, Some(0.0), true), "0.00 % ± 0.00 %");
        assert_eq!(interval(0.5, None, true), "+50 %");
        // A damaged folder may say anything.
        assert_eq!(interval(f64::NAN, Some(f64::INFINITY), true), "NaN % ± inf %");
        assert_eq!(interval(f64::INFINITY, Some(f64::NAN), true), "+inf % ± NaN %");
    }
}
