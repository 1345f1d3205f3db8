//! Named and keyed random streams.
//!
//! The algorithm is **xoshiro256++** (Blackman and Vigna 2018), seeded by SplitMix64 from the run's seed, the stream's
//! name and a key; the stateless [`Keyed`] draws are SplitMix64's output function over a counter. Both use integers
//! only, so they are the same on every platform.
//!
//! A stream that draws more, or in another order, shifts no other stream's numbers. So policies see the same requests
//! and token outcomes (common random numbers).

use rand::rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The generator behind a stream.
pub type Stream = Xoshiro256PlusPlus;

/// Source of all randomness of one run.
///
/// ```
/// use kernel::{Streams, draw};
///
/// let streams = Streams::new(7);
/// let mut arrivals = streams.stream("arrivals", 0);
/// let gaps = [draw::exponential(&mut arrivals), draw::exponential(&mut arrivals)];
/// assert_ne!(gaps[0], gaps[1], "a stream advances");
///
/// let tokens = streams.keyed("tokens", 12);
/// assert_eq!(tokens.unit(3), tokens.unit(3), "a keyed draw is a function of its key");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    /// All streams of `seed`.
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The streams of replication `index` of the same experiment.
    pub const fn replication(self, index: u32) -> Self {
        Self { seed: mix(self.seed ^ mix(index as u64 ^ 0x7265_706C)) }
    }

    /// The stream called `name`, for instance `arrivals`, with a key, for instance a request's number.
    pub fn stream(self, name: &str, key: u64) -> Stream {
        Stream::seed_from_u64(self.base(name, key))
    }

    /// Stateless draws of the stream called `name` with a key.
    pub const fn keyed(self, name: &str, key: u64) -> Keyed {
        Keyed(self.base(name, key))
    }

    const fn base(self, name: &str, key: u64) -> u64 {
        mix(self.seed ^ mix(hash(name) ^ mix(key)))
    }
}

/// Draws that are a pure function of (seed, name, key, k); they have no state to advance or share.
#[derive(Clone, Copy, Debug)]
pub struct Keyed(u64);

impl Keyed {
    /// Draw number `k`, uniform over all 64-bit integers.
    ///
    /// Not inlined. LLVM makes SSE2 vectors of several draws side by side, and those have no 64-bit multiplication. A
    /// draw then takes a hundred instructions instead of fifteen.
    #[inline(never)]
    pub const fn bits(self, k: u64) -> u64 {
        mix(self.0.wrapping_add(k.wrapping_mul(GOLDEN)))
    }

    /// Draw number `k`, uniform in the open interval (0, 1), a multiple of 2^-53 plus 2^-54.
    #[inline]
    pub const fn unit(self, k: u64) -> f64 {
        unit_from(self.bits(k))
    }
}

/// The next draw of a stream, uniform in the open interval (0, 1).
#[inline]
pub(crate) fn unit(stream: &mut Stream) -> f64 {
    unit_from(stream.next_u64())
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

#[inline]
const fn unit_from(bits: u64) -> f64 {
    ((bits >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64)
}

/// SplitMix64's output function (Steele, Lea and Flood 2014).
#[inline]
const fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(GOLDEN);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// FNV-1a over the name's bytes.
const fn hash(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let (mut hash, mut at) = (0xCBF2_9CE4_8422_2325u64, 0);
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01B3);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_frozen() {
        // Worked out apart from this code, from the published definitions of FNV-1a, SplitMix64 and xoshiro256++.
        // A change here changes every result that was ever published.
        let streams = Streams::new(1);
        assert_eq!(streams.stream("arrivals", 0).next_u64(), 0x0a96_9aa5_c9d2_0b9f);
        assert_eq!(streams.keyed("tokens", 7).bits(3), 0x7f06_3860_012d_9eab);
    }

    #[test]
    fn names_keys_seeds_and_replications_differ() {
        let first = |streams: Streams, name, key| streams.stream(name, key).next_u64();
        let one = Streams::new(1);
        let all = [
            first(one, "a", 0),
            first(one, "b", 0),
            first(one, "a", 1),
            first(Streams::new(2), "a", 0),
            first(one.replication(0), "a", 0),
            first(one.replication(1), "a", 0),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|b| a != b));
        }
    }

    #[test]
    fn unit_draws_fill_the_open_interval_evenly() {
        let keyed = Streams::new(3).keyed("u", 0);
        let n = 100_000;
        let draws: Vec<f64> = (0..n).map(|k| keyed.unit(k)).collect();
        assert!(draws.iter().all(|u| *u > 0.0 && *u < 1.0));
        let mean = draws.iter().sum::<f64>() / n as f64;
        let square = draws.iter().map(|u| u * u).sum::<f64>() / n as f64;
        assert!((mean - 0.5).abs() < 4.0 * (1.0 / 12.0 / n as f64).sqrt());
        assert!((square - 1.0 / 3.0).abs() < 0.005);
    }
}
