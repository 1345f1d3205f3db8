//! The share of right answers that quantised weights leave: what is published of their format, or of the nearest one.

use model::format::{WeightFormat, recovery::SCORES};
use std::collections::BTreeSet;
use units::Ratio;

/// The share of right answers that a format leaves of those with 16 bits, with its interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovery {
    /// The share that is taken where a scenario says none: the mean of what is published.
    pub share: Ratio,
    /// The least that is published.
    pub low: Ratio,
    /// The most that is published.
    pub high: Ratio,
    /// Sources of the figures.
    pub source: String,
}

/// The format whose figures are taken. Nothing is published of GGUF's for models that see: those of as many bits, an assumption.
fn taken_for(weights: WeightFormat) -> WeightFormat {
    match weights {
        WeightFormat::Q8_0 => WeightFormat::W8a8,
        WeightFormat::Q4_0 | WeightFormat::Q4KM => WeightFormat::Awq,
        published => published,
    }
}

impl Recovery {
    /// That of a format; none of 16 bits, of which the published accuracies are.
    pub fn of(weights: WeightFormat) -> Option<Self> {
        let taken = taken_for(weights);
        let published = taken.recovery().filter(|published| published.least < 1.0)?;
        let sources: BTreeSet<&str> =
            SCORES.iter().filter(|scores| scores.format == taken).map(|scores| scores.source).collect();
        let sources = sources.into_iter().collect::<Vec<_>>().join("; ");
        let source =
            if taken == weights { sources } else { format!("those of {}, an assumption; {sources}", taken.name()) };
        let ratio = |share: f64| Ratio::checked(share).unwrap_or(Ratio::ONE);
        let [share, low, high] = [published.mean, published.least, published.greatest].map(ratio);
        Some(Self { share, low, high, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_lies_in_its_interval_and_fewer_bits_leave_less() {
        for weights in WeightFormat::ALL {
            let bytes = weights.bytes_per_weight();
            let Some(Recovery { share, low, high, source }) = Recovery::of(weights) else {
                assert_eq!(bytes, 2.0, "{}", weights.name());
                continue;
            };
            assert!(low < share && share < high && !source.is_empty(), "{}", weights.name());
            assert_eq!(share > Ratio::new(0.98), bytes >= 1.0, "{}: {share:?}", weights.name());
        }
    }

    #[test]
    fn formats_without_a_figure_of_their_own_say_whose_they_take() {
        let of = |weights| Recovery::of(weights).expect("a figure");
        let (ours, theirs) = (of(WeightFormat::Q4KM), of(WeightFormat::Awq));
        assert_eq!((ours.share, ours.low, ours.high), (theirs.share, theirs.low, theirs.high));
        assert!(
            ours.source.starts_with("those of w4a16_awq, an assumption; ") && !theirs.source.contains("assumption")
        );
    }

    #[test]
    fn the_page_has_what_is_taken() {
        let page = include_str!("../../../../docs/sources.md");
        let rows = [
            ("`fp8`", WeightFormat::Fp8),
            ("`w8a8`", WeightFormat::W8a8),
            ("`w4a16_gptq`", WeightFormat::Gptq),
            ("`w4a16_awq`", WeightFormat::Awq),
            ("`q8_0`", WeightFormat::Q8_0),
            ("`q4_0`, `q4_k_m`", WeightFormat::Q4_0),
            ("`q4_0`, `q4_k_m`", WeightFormat::Q4KM),
        ];
        let short = |share: Ratio| {
            let text = format!("{:.3}", share.as_f64());
            text.trim_start_matches('0').trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        for (name, weights) in rows {
            let Recovery { share, low, high, .. } = Recovery::of(weights).expect("a figure");
            let row = format!("| {name} | {} | {} to {} |", short(share), short(low), short(high));
            assert!(page.contains(&row), "docs/sources.md lacks: {row}");
        }
    }
}
