//! Numbers as text.

use std::fmt::Write;

/// Adds the shortest digits that read back to a text, with an exponent where plain digits would be mostly zeros.
pub(crate) fn shortest(number: f64, text: &mut String) {
    let plain = number == 0.0 || !number.is_finite() || (1e-5..1e16).contains(&number.abs());
    if plain { write!(text, "{number}") } else { write!(text, "{number:e}") }.expect("memory takes every text");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shortest_text_reads_back(number in any::<f64>()) {
            let mut text = String::new();
            shortest(number, &mut text);
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), number.to_bits());
        }
    }
}
