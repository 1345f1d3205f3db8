//! The share of right answers that quantised weights leave, as far as it is published for models that see.

use model::format::WeightFormat;
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

/// More than 99 % over five vision benchmarks.
const EIGHT_BITS: Recovery = Recovery {
    share: Ratio::new(0.995),
    low: Ratio::new(0.99),
    high: Ratio::ONE,
    source: "Neural Magic, quantised vision-language models in fp8 and w8a8, 2025",
};

/// About 98 % over five vision benchmarks. Qwen2-VL-2B keeps 98.3 % on MMBench, 98.7 % on DocVQA, 93.9 % on MathVista and 93.7 %
/// on MMMU.
const GPTQ: Recovery = Recovery {
    share: Ratio::new(0.98),
    low: Ratio::new(0.93),
    high: Ratio::ONE,
    source: "Neural Magic, quantised vision-language models in w4a16, 2025; least: model card of Qwen2-VL-2B-Instruct-GPTQ-Int4, MMMU",
};

/// Qwen2-VL-2B keeps 99.4 % on MMBench, 98.7 % on MMMU, 98.4 % on DocVQA and 89.9 % on MathVista.
const AWQ: Recovery = Recovery {
    low: Ratio::new(0.89),
    source: "Neural Magic, quantised vision-language models in w4a16, 2025; least: model card of Qwen2-VL-2B-Instruct-AWQ, MathVista",
    ..GPTQ
};

/// Nothing is published for models that see; the figures of eight bits.
const Q8: Recovery =
    Recovery { source: "fp8 and w8a8 of Neural Magic, 2025, taken for GGUF as an assumption", ..EIGHT_BITS };

/// Nothing is published for models that see; the figures of four bits, and the least of them.
const Q4: Recovery = Recovery { source: "w4a16 of Neural Magic, 2025, taken for GGUF as an assumption", ..AWQ };

impl Recovery {
    /// That of a format; none of 16 bits, of which the published accuracies are.
    pub fn of(weights: WeightFormat) -> Option<Self> {
        match weights {
            WeightFormat::Fp16 | WeightFormat::Bf16 => None,
            WeightFormat::Fp8 | WeightFormat::W8a8 => Some(EIGHT_BITS),
            WeightFormat::Gptq => Some(GPTQ),
            WeightFormat::Awq => Some(AWQ),
            WeightFormat::Q8_0 => Some(Q8),
            WeightFormat::Q4_0 | WeightFormat::Q4KM => Some(Q4),
        }
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
            assert_eq!(share > Ratio::new(0.99), bytes >= 1.0, "{}", weights.name());
        }
    }
}
