//! The accuracy that quantised weights keep: published scores in 16 bits and quantised, and their ratio.
//!
//! The scores are of other models than most scenarios have, so a ratio is a default with an interval, not a prediction [A].
//! No published table of vision-language tasks was found for GGUF's formats and for keys and values in 8 bits.

use super::WeightFormat;

/// One published pair of scores, in per cent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    /// Format of the quantised weights.
    pub format: WeightFormat,
    /// Model that was quantised.
    pub model: &'static str,
    /// Benchmark.
    pub task: &'static str,
    /// Score in 16 bits.
    pub whole: f64,
    /// Score of the quantised weights; lowest and highest, where the source gives a bound.
    pub quantised: [f64; 2],
    /// Where both are published.
    pub source: &'static str,
}

impl Scores {
    /// Share of the accuracy that is kept, at least and at most.
    pub fn recovery(&self) -> [f64; 2] {
        self.quantised.map(|score| score / self.whole)
    }
}

const fn scores(
    format: WeightFormat,
    (model, task): (&'static str, &'static str),
    (whole, quantised): (f64, f64),
    source: &'static str,
) -> Scores {
    Scores { format, model, task, whole, quantised: [quantised, quantised], source }
}

/// The text of [`BLOG`]: 8 bits recover "more than 99 %", 4 bits "about 98 %", in the mean of five vision tasks.
const fn mean_of_tasks(format: WeightFormat, quantised: [f64; 2]) -> Scores {
    let (model, task) = ("Pixtral, Qwen2-VL and Qwen2.5-VL", "mean of five vision tasks");
    Scores { format, model, task, whole: 100.0, quantised, source: BLOG }
}

const CARD_2B: &str = "model card of Qwen2-VL-2B-Instruct-GPTQ-Int4, as axiomlogica.com repeats it";
const CARD_7B: &str = "model card of Qwen2.5-VL-7B-Instruct-AWQ, as a CSDN page (gitblog_00582) repeats it";
const CARD_GEMMA: &str = "model card of RedHatAI/gemma-3-12b-it-quantized.w8a8 @4b3734b8";
const BLOG: &str = "Neural Magic, 4X Faster Vision-Language Models with Quantization, 2025-03-20";

/// The published pairs of scores.
#[rustfmt::skip]
pub const SCORES: [Scores; 14] = [
    mean_of_tasks(WeightFormat::Fp8, [99.0, 100.0]),
    mean_of_tasks(WeightFormat::W8a8, [99.0, 100.0]),
    scores(WeightFormat::W8a8, ("gemma-3-12b-it", "MMMU"), (48.78, 47.44), CARD_GEMMA),
    scores(WeightFormat::W8a8, ("gemma-3-12b-it", "ChartQA"), (68.08, 67.04), CARD_GEMMA),
    mean_of_tasks(WeightFormat::Gptq, [98.0, 98.0]),
    scores(WeightFormat::Gptq, ("Qwen2-VL-2B", "MMMU"), (41.88, 39.22), CARD_2B),
    scores(WeightFormat::Gptq, ("Qwen2-VL-2B", "DocVQA"), (88.34, 87.21), CARD_2B),
    scores(WeightFormat::Gptq, ("Qwen2-VL-2B", "MMBench"), (72.07, 70.87), CARD_2B),
    scores(WeightFormat::Gptq, ("Qwen2-VL-2B", "MathVista"), (44.40, 41.69), CARD_2B),
    scores(WeightFormat::Awq, ("Qwen2-VL-2B", "MMMU"), (41.88, 41.33), CARD_2B),
    scores(WeightFormat::Awq, ("Qwen2-VL-2B", "DocVQA"), (88.34, 86.96), CARD_2B),
    scores(WeightFormat::Awq, ("Qwen2-VL-2B", "MMBench"), (72.07, 71.64), CARD_2B),
    scores(WeightFormat::Awq, ("Qwen2-VL-2B", "MathVista"), (44.40, 39.90), CARD_2B),
    scores(WeightFormat::Awq, ("Qwen2.5-VL-7B", "MMMU"), (58.4, 55.6), CARD_7B),
];

/// The share of its accuracy that a model keeps, with the range of what is published.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recovery {
    /// Mean of the published ratios.
    pub mean: f64,
    /// The least of them.
    pub least: f64,
    /// The greatest of them.
    pub greatest: f64,
}

impl Recovery {
    /// Nothing is lost.
    pub const WHOLE: Recovery = Recovery { mean: 1.0, least: 1.0, greatest: 1.0 };
}

impl WeightFormat {
    /// The share of its accuracy that a language model keeps in this format; `None` where nothing is published.
    ///
    /// ```
    /// use model::format::WeightFormat;
    ///
    /// let awq = WeightFormat::Awq.recovery().expect("published");
    /// assert!(awq.least < 0.9 && awq.mean > 0.96 && awq.greatest > 0.99);
    /// assert!(WeightFormat::Q4_0.recovery().is_none());
    /// ```
    pub fn recovery(self) -> Option<Recovery> {
        if matches!(self, Self::Fp16 | Self::Bf16) {
            return Some(Recovery::WHOLE);
        }
        let ratios = || SCORES.iter().filter(|scores| scores.format == self).flat_map(Scores::recovery);
        let least = ratios().reduce(f64::min)?;
        let greatest = ratios().reduce(f64::max)?;
        Some(Recovery { mean: ratios().sum::<f64>() / ratios().count() as f64, least, greatest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_bits_keep_less() {
        let mean = |format: WeightFormat| format.recovery().unwrap().mean;
        assert_eq!(mean(WeightFormat::Bf16), 1.0);
        assert!(mean(WeightFormat::Fp8) > mean(WeightFormat::W8a8));
        assert!(mean(WeightFormat::W8a8) > mean(WeightFormat::Gptq));
        for format in WeightFormat::ALL {
            let Some(Recovery { mean, least, greatest }) = format.recovery() else { continue };
            assert!(0.85 < least && least <= mean && mean <= greatest && greatest <= 1.0, "{}", format.name());
        }
    }
}
