//! The share of right answers that quantised weights leave, as far as it is published for models that see.

use crate::scenario::tier::Weights;
use units::Ratio;

/// The share of right answers that a format leaves of those with 16 bits, with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recovery {
    /// The share that is taken where a scenario says none.
    pub share: Ratio,
    /// The least that the sources have for a benchmark.
    pub low: Ratio,
    /// The most that is plausible: nothing is lost.
    pub high: Ratio,
    /// Sources of the figures.
    pub source: &'static str,
}

/// Eight bits: more than 99 % over five vision benchmarks (Neural Magic); Qwen2-VL-2B within 1 % of its own.
const EIGHT_BITS: Recovery = Recovery {
    share: Ratio::new(0.995),
    low: Ratio::new(0.99),
    high: Ratio::ONE,
    source: "Neural Magic, quantised VLMs (2025), and Qwen2-VL-2B's model card; of INT8 and FP8, taken for q8_0",
};

/// Four bits: about 98 % over five vision benchmarks (Neural Magic). Qwen2-VL-2B keeps 98.3 % on MMBench with GPTQ and 99.4 % with
/// AWQ, 93.6 % on MMMU with GPTQ, 89.9 % on MathVista with AWQ.
const FOUR_BITS: Recovery = Recovery {
    share: Ratio::new(0.98),
    low: Ratio::new(0.90),
    high: Ratio::ONE,
    source: "Neural Magic, quantised VLMs (2025), and Qwen2-VL-2B's model card; of GPTQ and AWQ, taken for q4_0",
};

impl Recovery {
    /// That of a format; none of 16 bits, of which the published accuracies are.
    pub fn of(weights: Weights) -> Option<Self> {
        match weights {
            Weights::Fp16 => None,
            Weights::Q8 => Some(EIGHT_BITS),
            Weights::Q4 => Some(FOUR_BITS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_lies_in_its_interval_and_fewer_bits_leave_less() {
        let [none, eight, four] = [Weights::Fp16, Weights::Q8, Weights::Q4].map(Recovery::of);
        assert_eq!(none, None);
        let (eight, four) = (eight.expect("a figure"), four.expect("a figure"));
        for one in [eight, four] {
            assert!(one.low < one.share && one.share < one.high && !one.source.is_empty(), "{one:?}");
        }
        assert!(four.share < eight.share && four.low < eight.low);
    }
}
