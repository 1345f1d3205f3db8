//! Rows of logits: the most likely token, and the entropy of the distribution.

use crate::error::{Result, refused};
use half::f16;
use half::slice::HalfFloatSliceExt;

/// A row of logits, in the model's own precision.
#[derive(Clone, Copy, Debug)]
pub enum LogitsRow<'l> {
    /// Single precision.
    Single(&'l [f32]),
    /// Half precision.
    Half(&'l [f16]),
}

/// The token chosen from a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The most likely token; of several, the first.
    pub token: u32,
    /// Entropy of the softmax of the whole row at temperature 1, in nats.
    pub entropy: f64,
}

impl LogitsRow<'_> {
    /// The most likely token and the row's entropy, within a millionth of a nat; the same bits on every machine.
    ///
    /// # Errors
    /// The row has NaNs or a positive infinity: nothing follows from it.
    pub fn choice(self) -> Result<Choice> {
        let (token, largest) = self.greatest()?;
        let mut sums = Sums::new(largest);
        self.in_blocks(|block| sums.add(block));
        Ok(Choice { token, entropy: sums.entropy() })
    }

    /// The most likely token alone, which is all that a verification asks for.
    ///
    /// # Errors
    /// As [`Self::choice`].
    pub fn token(self) -> Result<u32> {
        Ok(self.greatest()?.0)
    }

    /// The most likely token, and its logit.
    fn greatest(self) -> Result<(u32, f32)> {
        let (mut token, mut largest, mut start, mut broken) = (0, f32::NEG_INFINITY, 0, 0);
        self.in_blocks(|block| {
            let (most, faults) = greatest(block);
            broken += faults;
            if most > largest {
                largest = most;
                token = start + block.iter().position(|logit| *logit == most).expect("it is one of them");
            }
            start += block.len();
        });
        if broken > 0 || largest == f32::NEG_INFINITY {
            return refused(format!(
                "the model's logits are broken: {broken} of {start} are NaN or infinite; its weights or its precision do not hold"
            ));
        }
        Ok((u32::try_from(token).expect("a vocabulary is smaller than 2^32"), largest))
    }

    /// The row in single precision.
    pub fn to_vec(self) -> Vec<f32> {
        match self {
            Self::Single(row) => row.to_vec(),
            Self::Half(row) => row.iter().map(|logit| logit.to_f32()).collect(),
        }
    }

    /// Shows the row piece by piece in single precision.
    fn in_blocks(self, mut see: impl FnMut(&[f32])) {
        match self {
            Self::Single(row) => row.chunks(BLOCK).for_each(see),
            Self::Half(row) => {
                let mut single = [0.0; BLOCK];
                for half in row.chunks(BLOCK) {
                    let single = &mut single[..half.len()];
                    half.convert_to_f32_slice(single);
                    see(single);
                }
            }
        }
    }
}

/// Logits that are looked at before the next: they and what is made of them stay in the processor's nearest memory.
const BLOCK: usize = 1024;

/// Logits that are summed up side by side: the compiler makes vector instructions of such loops, but does not reorder sums.
const LANES: usize = 8;

/// The greatest of some logits, and how many are NaN or positive infinities.
fn greatest(block: &[f32]) -> (f32, u32) {
    let (mut most, mut faults) = ([f32::NEG_INFINITY; LANES], [0_u32; LANES]);
    let mut see = |chunk: &[f32; LANES]| {
        for lane in 0..LANES {
            most[lane] = if chunk[lane] > most[lane] { chunk[lane] } else { most[lane] };
            faults[lane] += u32::from(chunk[lane].is_nan() || chunk[lane] == f32::INFINITY);
        }
    };
    let (chunks, rest) = block.as_chunks();
    chunks.iter().for_each(&mut see);
    see(&padded(rest, f32::NEG_INFINITY));
    (most.into_iter().fold(f32::NEG_INFINITY, f32::max), faults.iter().sum())
}

/// The rest behind the last whole chunk, filled up.
fn padded(rest: &[f32], with: f32) -> [f32; LANES] {
    let mut chunk = [with; LANES];
    chunk[..rest.len()].copy_from_slice(rest);
    chunk
}

/// The sums of w and of w y, where y is a logit, shifted by a constant, and w is e^y 2^-scale: in lanes of their own.
struct Sums {
    /// Shift of the logits: 0, or the greatest of them if they are large. The difference is then exact for all whose
    /// weight is not 0.
    shift: f32,
    /// Makes weights at most about 1, so that nothing overflows.
    scale: f32,
    /// Threshold of a logit. At or below it, the weight is below 1e-34 and counts as 0.
    cut: f32,
    weights: [f64; LANES],
    weighted: [f64; LANES],
}

/// Stands for an impossible logit, whose weight is 0: that times infinity would be no number.
const LEAST: f32 = -1e30;

impl Sums {
    fn new(largest: f32) -> Self {
        let shift = if largest.abs() > 160.0 { largest } else { 0.0 };
        let top = largest - shift;
        let scale = (top * std::f32::consts::LOG2_E).round();
        Self { shift, scale, cut: top - 80.0, weights: [0.0; LANES], weighted: [0.0; LANES] }
    }

    fn add(&mut self, block: &[f32]) {
        // Two loops: one of both would have the width of the doubles.
        let mut weights = [0.0; BLOCK];
        let weights = &mut weights[..block.len()];
        let exponent = ((127 - self.scale as i32) as u32) << 23;
        for (weight, logit) in weights.iter_mut().zip(block) {
            *weight = power(logit - self.shift, self.cut, exponent);
        }
        let ((chunks, rest), (logits, others)) = (weights.as_chunks::<LANES>(), block.as_chunks());
        for (weights, logits) in chunks.iter().zip(logits) {
            self.add_chunk(weights, logits);
        }
        self.add_chunk(&padded(rest, 0.0), &padded(others, 0.0));
    }

    fn add_chunk(&mut self, weights: &[f32; LANES], logits: &[f32; LANES]) {
        for lane in 0..LANES {
            let (weight, logit) = (f64::from(weights[lane]), f64::from((logits[lane] - self.shift).max(LEAST)));
            self.weights[lane] += weight;
            self.weighted[lane] += weight * logit;
        }
    }

    /// ln(sum e^y) - sum(e^y y) / sum e^y.
    fn entropy(&self) -> f64 {
        let (weights, weighted): (f64, f64) = (self.weights.iter().sum(), self.weighted.iter().sum());
        weights.ln() + f64::from(self.scale) * std::f64::consts::LN_2 - weighted / weights
    }
}

/// e^y times a power of 2, whose place in a float is `exponent`; 0 unless y is above `cut`.
///
/// It is 2^k e^r with |r| <= ln 2 / 2 and a polynomial for e^r, off by no more than 1e-7 of itself. All of it is arithmetic that
/// there are vector instructions for; the platform's `exp` is called number by number.
fn power(y: f32, cut: f32, exponent: u32) -> f32 {
    // Added to a number below 2^22, it leaves the nearest whole number in the last bits.
    const TO_WHOLE: f32 = 12_582_912.0;
    // ln 2 in two parts; a whole number below 2^14 times the first is exact.
    const LN_2: [f32; 2] = [355.0 / 512.0, -2.121_944_4e-4];
    // Of (e^r - 1 - r) / r^2, fitted for the least relative error of e^r: 3e-9.
    const TAIL: [f32; 5] = [0.499_999_93, 0.166_665_2, 0.041_668_39, 0.008_368_717, 0.001_381_46];
    let whole = y * std::f32::consts::LOG2_E + TO_WHOLE;
    let k = whole - TO_WHOLE;
    let r = (y - k * LN_2[0]) - k * LN_2[1];
    let tail = TAIL[0] + r * (TAIL[1] + r * (TAIL[2] + r * (TAIL[3] + r * TAIL[4])));
    let two_to_k = f32::from_bits((whole.to_bits() << 23).wrapping_add(exponent));
    if y > cut { (1.0 + (r + r * r * tail)) * two_to_k } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_fair_coin_has_ln_2() {
        let two = LogitsRow::Single(&[3.0, f32::NEG_INFINITY, 3.0]).choice().unwrap();
        assert_eq!(two.token, 0);
        assert!((two.entropy - 2_f64.ln()).abs() < 1e-7);
        let half = [f16::from_f32(-1.0), f16::from_f32(40.0)];
        assert!(LogitsRow::Half(&half).choice().unwrap().entropy.abs() < 1e-7);
    }

    #[test]
    fn broken_logits_are_reported() {
        for broken in [f32::NAN, f32::INFINITY] {
            let message = LogitsRow::Single(&[1.0, broken]).choice().unwrap_err().to_string();
            assert!(message.contains("1 of 2 are NaN"), "{message}");
        }
        assert!(LogitsRow::Single(&[f32::NEG_INFINITY]).choice().is_err());
    }

    /// The definition, in double precision.
    fn defined(row: &[f32]) -> f64 {
        let largest = f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        let below = || row.iter().map(|x| f64::from(*x) - largest).filter(|x| *x > f64::NEG_INFINITY);
        let sum: f64 = below().map(f64::exp).sum();
        sum.ln() - below().map(|x| x.exp() * x).sum::<f64>() / sum
    }

    /// One likely token over a wide floor: what is rounded in the same way everywhere adds up.
    #[test]
    fn rounding_does_not_add_up() {
        let mut worst = 0_f64;
        for step in (0..4000_u16).step_by(37) {
            let mut row = vec![f32::from(step) * 0.09 - 180.0; 20_000];
            row[1] = row[0] + 9.9 + f32::from(step % 37) * 0.01;
            let choice = LogitsRow::Single(&row[..2 + usize::from(step) * 4]).choice().unwrap();
            worst = worst.max((choice.entropy - defined(&row[..2 + usize::from(step) * 4])).abs());
        }
        assert!(worst < 1e-6, "{worst}");
    }

    #[test]
    fn tokens_of_all_blocks_are_seen() {
        for at in [0, 15, 16, 1023, 1024, 2060] {
            let mut row = vec![-1.0; 2061];
            row[at] = 8.0;
            assert_eq!(LogitsRow::Single(&row).choice().unwrap().token as usize, at);
            row[2060] = 8.0;
            assert_eq!(LogitsRow::Single(&row).choice().unwrap().token as usize, at, "of several the first");
            let half: Vec<f16> = row.iter().map(|x| f16::from_f32(*x)).collect();
            assert_eq!(LogitsRow::Half(&half).choice().unwrap(), LogitsRow::Single(&row).choice().unwrap());
        }
    }

    proptest! {
        /// Against the definition, and in its bounds.
        #[test]
        fn the_entropy_is_that_of_the_softmax(row in prop::collection::vec(-30_f32..30.0, 1..60)) {
            let choice = LogitsRow::Single(&row).choice().unwrap();
            prop_assert_eq!(LogitsRow::Single(&row).token().unwrap(), choice.token);
            let sum: f64 = row.iter().map(|x| f64::from(*x).exp()).sum();
            let shares = row.iter().map(|x| f64::from(*x).exp() / sum);
            let plain: f64 = shares.map(|p| -p * p.ln()).sum();
            prop_assert!((choice.entropy - plain).abs() < 1e-6);
            prop_assert!(choice.entropy > -1e-6 && choice.entropy <= (row.len() as f64).ln() + 1e-6);
            prop_assert!(row.iter().all(|x| *x <= row[choice.token as usize]));
        }

        /// Rows as wide as real ones, of any spread, with impossible tokens among them.
        #[test]
        fn wide_rows_are_within_a_millionth(
            seed in any::<u64>(), width in 1_usize..4_000, spread in 0.01_f32..40.0, middle in -400_f32..400.0, holes in 0_u8..3
        ) {
            let mut state = seed;
            let mut row: Vec<f32> = Vec::with_capacity(width);
            for at in 0..width {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let uniform = (state >> 40) as f32 / (1 << 24) as f32;
                let hole = at > 0 && holes > 0 && (state >> 33) % 3 < u64::from(holes);
                row.push(if hole { f32::NEG_INFINITY } else { middle + spread * (uniform - 0.5) });
            }
            let choice = LogitsRow::Single(&row).choice().unwrap();
            let plain = defined(&row);
            prop_assert!((choice.entropy - plain).abs() < 1e-6, "{} and {}", choice.entropy, plain);
        }
    }
}
