//! Weights: random numbers that are a pure function of seed, model, tensor and place.
//!
//! Each value is made where it is needed, so that a tensor of gigabytes is never in memory. Uniform, of a standard deviation
//! that keeps sums of products in the range of half precision. No tensor depends on another: a graph with fewer layers, or with
//! other operators, has the same weights where it has the same tensors.

use half::f16;
use half::slice::HalfFloatSliceExt;
use std::io::{self, Write};

/// Values made at a time.
const CHUNK: usize = 1 << 16;

/// In what precision a model computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// Single.
    Fp32,
    /// Half.
    Fp16,
}

impl Dtype {
    /// Its name, as folders and `--dtype` have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fp32 => "fp32",
            Self::Fp16 => "fp16",
        }
    }

    /// Bytes of a value.
    pub fn bytes(self) -> u64 {
        match self {
            Self::Fp32 => 4,
            Self::Fp16 => 2,
        }
    }
}

/// The distribution of a tensor's values: random, of a standard deviation around a mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fill {
    deviation: f32,
    mean: f32,
    /// Columns that are not 0.
    columns: u64,
}

impl Fill {
    /// A matrix that sums up so many products.
    pub fn matrix(fan_in: u64) -> Self {
        Self { deviation: 0.7 / (fan_in as f32).sqrt(), mean: 0.0, columns: u64::MAX }
    }

    /// A table of which each token takes a row: of its products, one is not 0.
    pub fn table() -> Self {
        Self::matrix(1)
    }

    /// A matrix that is 0 behind so many columns: logits there are never the largest, as in published models.
    pub fn head(fan_in: u64, columns: u64) -> Self {
        Self { columns, ..Self::matrix(fan_in) }
    }

    /// A bias: small, and not 0, so that one that is left out shows.
    pub fn bias() -> Self {
        Self { deviation: 0.02, mean: 0.0, columns: u64::MAX }
    }

    /// The scale of a norm: about 1.
    pub fn scale() -> Self {
        Self { mean: 1.0, ..Self::bias() }
    }
}

/// A tensor of weights.
#[derive(Clone, Debug)]
pub(crate) struct Weight {
    pub name: String,
    pub sides: Vec<u64>,
    pub fill: Fill,
}

impl Weight {
    /// Number of its values.
    pub fn count(&self) -> u64 {
        self.sides.iter().product()
    }
}

/// A source of values: those of a tensor from an index on, which is a multiple of [`LANES`].
pub(crate) type Source<'s> = dyn Fn(&Weight, u64, &mut [f32]) + 's;

/// Values that one draw of 64 bits makes.
const LANES: usize = 4;

/// The random values of a model: `salt` and the tensor's name choose the stream.
pub(crate) fn random(salt: u64) -> impl Fn(&Weight, u64, &mut [f32]) {
    move |weight, start, values| {
        let Fill { deviation, mean, columns } = weight.fill;
        // A uniform law has this half width for a deviation of 1.
        let step = deviation * 3.0_f32.sqrt() / 32_768.0;
        let least = mean - 32_767.5 * step;
        let key = hash(salt, weight.name.as_bytes());
        let four = |draw: u64| {
            let bits = mixed(key.wrapping_add(draw.wrapping_mul(GOLDEN)));
            std::array::from_fn::<f32, LANES, _>(|lane| least + f32::from((bits >> (16 * lane)) as u16) * step)
        };
        let mut draws = start / LANES as u64..;
        let (whole, rest) = values.as_chunks_mut();
        whole.iter_mut().zip(&mut draws).for_each(|(values, draw)| *values = four(draw));
        rest.iter_mut().zip(draws.next().map(four).into_iter().flatten()).for_each(|(value, drawn)| *value = drawn);
        let width = weight.sides.last().copied().unwrap_or(1);
        if columns < width {
            (start..).zip(values).filter(|(at, _)| at % width >= columns).for_each(|(_, value)| *value = 0.0);
        }
    }
}

/// Writes a tensor in a precision; how many bytes these are is told after each piece.
pub(crate) fn stream(
    weight: &Weight,
    dtype: Dtype,
    source: &Source<'_>,
    out: &mut impl Write,
    written: &mut dyn FnMut(u64),
) -> io::Result<()> {
    let most = usize::try_from(weight.count()).map_or(CHUNK, |count| count.min(CHUNK));
    let (mut singles, mut halves) = (vec![0.0_f32; most], vec![f16::ZERO; most]);
    let mut bytes = vec![0; most * dtype.bytes() as usize];
    let mut at = 0;
    while at < weight.count() {
        let count = usize::try_from(weight.count() - at).map_or(most, |left| left.min(most));
        let singles = &mut singles[..count];
        source(weight, at, singles);
        let bytes = &mut bytes[..count * dtype.bytes() as usize];
        match dtype {
            Dtype::Fp32 => {
                bytes.as_chunks_mut().0.iter_mut().zip(singles).for_each(|(bytes, value)| *bytes = value.to_le_bytes());
            }
            Dtype::Fp16 => {
                let halves = &mut halves[..count];
                halves.convert_from_f32_slice(singles);
                bytes.as_chunks_mut().0.iter_mut().zip(halves).for_each(|(bytes, value)| *bytes = value.to_le_bytes());
            }
        }
        out.write_all(bytes)?;
        written(bytes.len() as u64);
        at += count as u64;
    }
    Ok(())
}

/// The odd number next to 2^64 over the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64: equal counters give equal numbers, neighbours unrelated ones.
fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// A number for a name.
pub(crate) fn hash(salt: u64, name: &[u8]) -> u64 {
    name.iter().fold(mixed(salt ^ GOLDEN), |hash, byte| mixed(hash.wrapping_add(GOLDEN) ^ u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(name: &str, count: u64) -> Weight {
        Weight { name: name.to_owned(), sides: vec![count], fill: Fill::matrix(49) }
    }

    #[test]
    fn values_have_their_mean_and_deviation() {
        let mut values = vec![0.0; 200_000];
        random(1)(&weight("w", 200_000), 0, &mut values);
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / 2e5;
        let square = values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / 2e5;
        assert!(mean.abs() < 1e-3, "{mean}");
        assert!((square.sqrt() - 0.1).abs() < 1e-3, "{square}");
        // Neighbours, within a draw of 64 bits and across, are unrelated.
        for lag in [1, 2, 4] {
            let together: f64 = values.iter().zip(&values[lag..]).map(|(a, b)| f64::from(a * b)).sum::<f64>() / 2e5;
            assert!(together.abs() < 1e-4, "{lag}: {together}");
        }
    }

    #[test]
    fn values_depend_on_seed_name_and_place_alone() {
        let of = |salt, name, start| {
            let mut values = [0.0; 6];
            random(salt)(&weight(name, 100), start, &mut values);
            values
        };
        let whole = of(7, "w", 4);
        assert_eq!(whole[4..], of(7, "w", 8)[..2]);
        assert_ne!(whole, of(8, "w", 4));
        assert_ne!(whole, of(7, "v", 4));
    }

    #[test]
    fn a_head_is_0_behind_its_columns() {
        let weight = Weight { name: "w".to_owned(), sides: vec![3, 5], fill: Fill::head(9, 2) };
        let mut values = [1.0; 9];
        random(1)(&weight, 4, &mut values);
        let zeros: Vec<usize> = (4..13).filter(|at| values[at - 4] == 0.0).collect();
        assert_eq!(zeros, [4, 7, 8, 9, 12]);
    }

    #[test]
    fn pieces_add_up_in_both_precisions() {
        let weight = weight("w", CHUNK as u64 + 5);
        for (dtype, width) in [(Dtype::Fp32, 4), (Dtype::Fp16, 2)] {
            let (mut bytes, mut told) = (Vec::new(), 0);
            stream(&weight, dtype, &random(1), &mut bytes, &mut |more| told += more).unwrap();
            assert_eq!((bytes.len(), told as usize), ((CHUNK + 5) * width, (CHUNK + 5) * width));
            let mut last = [0.0];
            random(1)(&weight, CHUNK as u64 + 4, &mut last);
            let end = &bytes[bytes.len() - width..];
            let read = match dtype {
                Dtype::Fp32 => f32::from_le_bytes(end.try_into().unwrap()),
                Dtype::Fp16 => f16::from_le_bytes(end.try_into().unwrap()).to_f32(),
            };
            assert!((read - last[0]).abs() < 1e-4);
        }
    }
}
