//! Decimal numbers as digits and a power of ten, so that a change of unit moves the point and rounds nothing.

/// `digits * 10^exp10`, without trailing zeros in `digits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    digits: u64,
    exp10: i32,
}

impl Decimal {
    pub fn from_u64(mut digits: u64) -> Self {
        let mut exp10 = 0;
        while digits != 0 && digits.is_multiple_of(10) {
            digits /= 10;
            exp10 += 1;
        }
        Self { digits, exp10 }
    }

    /// The shortest decimal that reads back as `value`, which must be finite and not negative.
    pub fn from_f64(value: f64) -> Self {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').expect("{:e} always writes an exponent");
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}").parse().expect("a shortest float has at most 17 digits");
        let exponent: i32 = exponent.parse().expect("{:e} writes an integer exponent");
        let exp10 = exponent - fraction.len() as i32;
        Self { digits, exp10 }
    }

    pub fn is_zero(self) -> bool {
        self.digits == 0
    }

    /// Divides by `10^exp10`, exactly.
    pub fn shifted(self, exp10: i32) -> Self {
        Self { exp10: self.exp10 - exp10, ..self }
    }

    /// True if the value is at least one.
    pub fn has_whole_part(self) -> bool {
        !self.is_zero() && self.digits.ilog10() as i32 + self.exp10 >= 0
    }

    /// Plain digits with a point where it is needed, never an exponent.
    pub fn text(self) -> String {
        let digits = self.digits.to_string();
        let point = digits.len() as i32 + self.exp10;
        if self.exp10 >= 0 {
            digits + &"0".repeat(self.exp10 as usize)
        } else if point > 0 {
            let (whole, fraction) = digits.split_at(point as usize);
            format!("{whole}.{fraction}")
        } else {
            format!("0.{}{digits}", "0".repeat(-point as usize))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_moves_the_point() {
        let million = Decimal::from_u64(1_234_500);
        assert_eq!(million.text(), "1234500");
        assert_eq!(million.shifted(3).text(), "1234.5");
        assert_eq!(million.shifted(6).text(), "1.2345");
        assert_eq!(million.shifted(7).text(), "0.12345");
        assert_eq!(million.shifted(9).text(), "0.0012345");
    }

    #[test]
    fn floats_are_the_shortest_that_reads_back() {
        for (value, text) in [(0.0, "0"), (0.1, "0.1"), (1.5e-3, "0.0015"), (312e12, "312000000000000")] {
            assert_eq!(Decimal::from_f64(value).text(), text);
        }
    }
}
