//! Numbers as text.

/// The shortest digits that read back, with an exponent where plain digits would be mostly zeros.
pub(crate) fn shortest(number: f64) -> String {
    let plain = number == 0.0 || !number.is_finite() || (1e-5..1e16).contains(&number.abs());
    if plain { number.to_string() } else { format!("{number:e}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shortest_text_reads_back(number in any::<f64>()) {
            prop_assert_eq!(shortest(number).parse::<f64>().unwrap().to_bits(), number.to_bits());
        }
    }
}
